package emptying

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/timeleft"
)

// BatchSize is the most versions that one DeleteObjects call takes, and that one page of a listing has.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
const BatchSize = 1000

// NullVersion is the version id of what was written while the bucket had no versioning.
const NullVersion = "null"

// Version names one version of an object, or one delete marker.
type Version struct {
	// Key is the object's key, as it is (decoded).
	Key string
	// ID is the version's id; "null" for what was written while the bucket had no versioning.
	ID string
}

// String describes the version for people.
func (v Version) String() string {
	if v.ID == "" || v.ID == NullVersion {
		return strconv.Quote(v.Key)
	}
	return strconv.Quote(v.Key) + " version " + v.ID
}

// Position is a place in the listing of a bucket's versions; the zero value is its beginning.
type Position struct {
	// Key is listed up to and including this key when VersionID is "", otherwise up to and including that version.
	Key, VersionID string
}

// Page is a part of the listing, in the listing's order: keys by their UTF-8 bytes, versions of a key from new to old.
type Page struct {
	// Versions are versions and delete markers, at most 1,000.
	Versions []Version
	// Sizes are the bytes of each of them, -1 for a delete marker. Only [Count] needs them.
	Sizes []int64
	// Stamps distinguish versions that were written as "null" under one key: each is a hash of when and what was
	// written. They are nil if no id is "null", or if the store does not know.
	Stamps []uint64
	// More reports whether the listing continues at Next.
	More bool
	Next Position
}

// Sort puts the page's versions into the order of their keys. Stores that write all delete markers of a page in a row
// break that order (docs/facts.md: S3), and [Run] needs it to find where a range of keys ends.
func (p *Page) Sort() {
	if slices.IsSortedFunc(p.Versions, byKey) {
		return
	}
	from := make([]int, len(p.Versions))
	for i := range from {
		from[i] = i
	}
	slices.SortStableFunc(from, func(a, b int) int { return byKey(p.Versions[a], p.Versions[b]) })
	p.Versions, p.Sizes, p.Stamps = pick(p.Versions, from), pick(p.Sizes, from), pick(p.Stamps, from)
}

func byKey(a, b Version) int { return strings.Compare(a.Key, b.Key) }

// pick returns the members of a list that are at the given places; nil for none.
func pick[T any](list []T, from []int) []T {
	if len(list) == 0 {
		return nil
	}
	picked := make([]T, len(from))
	for i, at := range from {
		picked[i] = list[at]
	}
	return picked
}

// under reports whether all keys of the page begin with prefix. Other keys that a store lists must never be deleted, and
// a marker without the prefix would end the listing of some stores early.
func (p *Page) under(prefix string) bool {
	if prefix == "" {
		return true
	}
	for i := range p.Versions {
		if !strings.HasPrefix(p.Versions[i].Key, prefix) {
			return false
		}
	}
	return !p.More || strings.HasPrefix(p.Next.Key, prefix)
}

// Failure is one version that a DeleteObjects call did not delete, and why.
type Failure struct {
	Version
	// Code is S3's error code for this version, e.g. "AccessDenied"; Message is S3's explanation.
	Code, Message string
}

// Upload is one unfinished multipart upload.
type Upload struct {
	Key, ID string
	// Decoded is the key if Key is URL-encoded, for stores whose listing does not say whether it is; "" if it says so,
	// or if both are the same. An id belongs to one key only.
	Decoded string
}

// under reports whether the upload's key, as it is or decoded, begins with prefix.
func (u Upload) under(prefix string) bool {
	return strings.HasPrefix(u.Key, prefix) || u.Decoded != "" && strings.HasPrefix(u.Decoded, prefix)
}

// Versions is the part of S3 that holds the bucket's versions. Its methods are safe for concurrent use. An error from S3
// has a method ErrorCode, as the SDK's errors have; other errors count as transient.
type Versions interface {
	// List returns the page after a position, of versions whose keys begin with prefix.
	List(ctx context.Context, prefix string, after Position) (Page, error)
	// DeleteBatch deletes up to 1,000 versions whose keys XML can carry, and returns those that it did not delete. If
	// bypass is set, it bypasses governance retention.
	DeleteBatch(ctx context.Context, versions []Version, bypass bool) ([]Failure, error)
	// DeleteOne deletes one version, even if XML cannot carry its key.
	DeleteOne(ctx context.Context, version Version, bypass bool) error
}

// Uploads is the part of S3 that holds the unfinished multipart uploads.
type Uploads interface {
	// ListUploads returns a page of uploads after the given one, and whether there are more; the zero Upload is the
	// start.
	ListUploads(ctx context.Context, after Upload) (page []Upload, next Upload, more bool, err error)
	// AbortUpload frees the parts of the upload that has this key and id.
	AbortUpload(ctx context.Context, upload Upload) error
}

// Locks reports what protects versions from deletion.
type Locks interface {
	// Protection describes the bucket.
	Protection(ctx context.Context) (Protection, error)
	// Hold describes one version, as far as the store answers; the error means that it answered nothing.
	Hold(ctx context.Context, version Version) (Hold, error)
}

// Protection is what protects a bucket's versions in general.
type Protection struct {
	// MFADelete means that versions can only be deleted with the root user's MFA device (docs/facts.md: S3).
	MFADelete bool
	// ObjectLock means that versions can carry retention and legal holds.
	ObjectLock bool
}

// Hold is what protects one version; the zero value means nothing does.
type Hold struct {
	// Mode is "GOVERNANCE", "COMPLIANCE" or "" without retention; Until is when retention ends.
	Mode  string
	Until time.Time
	// Legal means a legal hold, which lasts until it is removed.
	Legal bool
	// Event means an event hold, which lasts until it is released. The version's retention ends only after that, whatever Until is.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-defaulteventhold.html
	Event bool
}

// Store is all that emptying needs of S3. s3versions.New makes one from an SDK client; fakes hold versions in memory.
type Store interface {
	Versions
	Uploads
	Locks
}

// kind is what an error means for the work.
type kind int

const (
	permanent  kind = iota // trying again does not help
	transient              // trying again can help
	throttled              // S3 wants fewer requests
	gone                   // the version is not there: as good as deleted
	bucketGone             // the bucket is not there
	rejected               // S3 rejects something in the request: perhaps one key
	cancelled              // our own context ended
)

// kindByCode has the kinds of S3's error codes. For other codes the HTTP status decides, if there is one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var kindByCode = map[string]kind{
	"SlowDown": throttled, "ServiceUnavailable": throttled, "Throttling": throttled, "ThrottlingException": throttled,
	"RequestLimitExceeded": throttled, "TooManyRequests": throttled, "BandwidthLimitExceeded": throttled,
	"InternalError": transient, "RequestTimeout": transient, "OperationAborted": transient, "ConditionalRequestConflict": transient,
	"RequestTimeTooSkewed": transient, "InternalFailure": transient, "IncompleteBody": transient, "BadDigest": transient,
	"ExpiredToken": transient, "XAmzContentSHA256Mismatch": transient,
	"500": transient, "502": transient, "503": transient, "504": transient,
	"NoSuchKey": gone, "NoSuchVersion": gone, "NoSuchUpload": gone,
	"NoSuchBucket": bucketGone,
	"AccessDenied": permanent, "InvalidRequest": permanent, "MethodNotAllowed": permanent, "NotImplemented": permanent,
	"MalformedXML": rejected, "InvalidArgument": rejected, "KeyTooLongError": rejected, "InvalidURI": rejected,
}

// unnamed is the SDK's code for an answer without a code whose status has no name either.
const unnamed = "UnknownError"

// Throttled reports whether an error is S3's request for fewer requests.
func Throttled(err error) bool { k, _ := kindOf(err); return k == throttled }

// Gone reports whether an error says that the version or upload does not exist.
func Gone(err error) bool { k, _ := kindOf(err); return k == gone }

// kindOf returns what an error means, and its code ("" if it did not come from S3). A code that is not in the table may
// not be S3's: the SDK names the error page of a gateway by its status, e.g. "BadGateway" (docs/facts.md: Tools). Then
// the status decides; without one, as for a single key in a DeleteResult, the error is permanent.
func kindOf(err error) (kind, string) {
	code := ""
	if answer, ok := errors.AsType[interface {
		error
		ErrorCode() string
	}](err); ok {
		code = answer.ErrorCode()
	}
	if k, known := kindByCode[code]; known {
		return k, code
	}
	if code == "" && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return cancelled, ""
	}
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) && answered.HTTPStatusCode() > 0 {
		status := answered.HTTPStatusCode()
		if code == "" || code == unnamed {
			code = "HTTP " + strconv.Itoa(status)
		}
		return kindOfStatus(status), code
	}
	if code != "" {
		return permanent, code
	}
	return transient, ""
}

// kindOfStatus returns what an HTTP status means, for answers whose code is unknown or cannot be parsed, because the
// error repeats a key that XML cannot carry.
func kindOfStatus(status int) kind {
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return throttled
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict:
		return transient
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return permanent
	}
	if status/100 == 4 {
		return permanent
	}
	return transient
}

// pauseBefore returns how long to wait before the next try after so many failed ones: random, so that calls that failed
// together are not retried together, and longer each time.
func pauseBefore(attempts int) time.Duration {
	return timeleft.Jitter(min(firstPause<<min(attempts, 10), longestPause))
}
