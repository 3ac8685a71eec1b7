package emptying_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// otherS3 answers as S3-compatible stores do that are not AWS's (docs/facts.md: S3). Its pages are short.
type otherS3 struct {
	mu           sync.Mutex
	keys         []string // in order, one version each
	uploads      []string // keys
	encodingLast bool     // EncodingType comes after the entries, as in MinIO
	rawMarker    bool     // markers are not encoded, as in Ceph
	silent       bool     // listings of uploads do not say that keys are encoded, as in Ceph
	plain        bool     // keys of uploads are not encoded
}

// ServeHTTP implements http.Handler.
func (o *otherS3) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	key := strings.TrimPrefix(r.URL.Path, "/docs/")
	switch what := asked(r); what {
	case "versions":
		io.WriteString(to, o.list("ListVersionsResult", o.keys, r.URL.Query(), func(_, key string) string {
			return "<Version><Key>" + key + "</Key><VersionId>v</VersionId><Size>1</Size></Version>"
		}))
	case "uploads":
		io.WriteString(to, o.list("ListMultipartUploadsResult", o.uploads, r.URL.Query(), func(of, key string) string {
			return "<Upload><Key>" + key + "</Key><UploadId>" + uploadID(of) + "</UploadId></Upload>"
		}))
	case "delete":
		var batch sent
		_ = xml.Unmarshal(body, &batch) // what does not parse deletes nothing
		for _, object := range batch.Object {
			o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == object.Key })
		}
		io.WriteString(to, "<DeleteResult/>")
	case "DELETE":
		o.keys = slices.DeleteFunc(o.keys, func(k string) bool { return k == key })
	case "abort":
		if i := slices.Index(o.uploads, key); i >= 0 && r.URL.Query().Get("uploadId") == uploadID(key) {
			o.uploads = slices.Delete(o.uploads, i, i+1)
			return
		}
		to.WriteHeader(404)
		io.WriteString(to, "<Error><Code>NoSuchUpload</Code></Error>")
	default:
		io.WriteString(to, "<None/>")
	}
}

// uploadID is the id of the upload of a key.
func uploadID(key string) string { return fmt.Sprintf("u%x", key) }

// list returns a page of two entries.
func (o *otherS3) list(root string, keys []string, query url.Values, entry func(key, encoded string) string) string {
	encode := url.QueryEscape
	uploads := root == "ListMultipartUploadsResult"
	if uploads && o.plain {
		encode = func(key string) string { return key }
	}
	from, found := slices.BinarySearch(keys, query.Get("key-marker"))
	if found {
		from++
	}
	page := keys[from:min(from+2, len(keys))]
	var head strings.Builder
	if from+len(page) < len(keys) {
		marker := page[len(page)-1]
		if !o.rawMarker {
			marker = encode(marker)
		}
		fmt.Fprintf(&head, "<IsTruncated>true</IsTruncated><NextKeyMarker>%s</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>", marker)
	} else {
		head.WriteString("<IsTruncated>false</IsTruncated>")
	}
	encoding := "<EncodingType>url</EncodingType>"
	if uploads && (o.silent || o.plain) {
		encoding = ""
	}
	var entries strings.Builder
	for _, key := range page {
		entries.WriteString(entry(key, encode(key)))
	}
	parts := []string{encoding, head.String(), entries.String()}
	if o.encodingLast {
		parts = []string{head.String(), entries.String(), encoding}
	}
	return "<" + root + ">" + strings.Join(parts, "") + "</" + root + ">"
}

// sent is the XML of a DeleteObjects request.
type sent struct {
	Object []struct{ Key, VersionId string }
}

// open returns a store that calls it.
func (o *otherS3) open(t *testing.T) emptying.Store {
	server := httptest.NewServer(o)
	t.Cleanup(server.Close)
	return s3versions.New(s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: s3versions.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
	}), "docs", "")
}

func TestOtherStoresAreEmptied(t *testing.T) {
	odd := func() []string {
		return []string{"%", "50% off", "a b", "a%41+b", "a+b", "plain", "q%20", "ü/ü", "日本語"}
	}
	for name, o := range map[string]*otherS3{
		"as AWS":                              {keys: odd(), uploads: odd()},
		"as MinIO":                            {keys: odd(), uploads: odd(), encodingLast: true},
		"as Ceph":                             {keys: odd(), uploads: odd(), rawMarker: true, silent: true},
		"without any encoding of uploads":     {keys: odd(), uploads: odd(), rawMarker: true, plain: true},
		"encoded without a word, markers too": {keys: odd(), uploads: odd(), silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report, err := emptying.Run(t.Context(), emptying.Options{Store: o.open(t), Bucket: "docs"})
			if err != nil || report.Deleted != 9 || report.Uploads != 9 || len(o.keys)+len(o.uploads) > 0 {
				t.Errorf("Run = %v with %d and %d deleted; left: versions %q, uploads %q", err, report.Deleted, report.Uploads, o.keys, o.uploads)
			}
		})
	}
}

func TestPrefixesOfOtherStoresAreWhatKeysMean(t *testing.T) {
	keys := []string{"a b/1", "a b/2", "a%20b/3", "c"}
	for name, c := range map[string]struct {
		store   *otherS3
		outcome emptying.Outcome
	}{
		"as Ceph": {&otherS3{rawMarker: true, silent: true}, emptying.Emptied},
		// a%20b/3 could be the encoded a b/3, but must not be aborted: the prefix is not proven empty.
		"without any encoding of uploads": {&otherS3{rawMarker: true, plain: true}, emptying.LeftOver},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.store.uploads = slices.Clone(keys)
			report, err := emptying.Run(t.Context(), emptying.Options{Store: c.store.open(t), Bucket: "docs", Prefix: "a b/"})
			if want := keys[2:]; report.Outcome != c.outcome || !slices.Equal(c.store.uploads, want) {
				t.Errorf("Run = %s, %v with %q left, want %s with %q", report.Outcome, err, c.store.uploads, c.outcome, want)
			}
		})
	}
}

// refusing is a bucket with locks that refuses deletions with another code.
type refusing struct {
	*smallBucket
	code       string
	unanswered int // how many calls of Hold fail at first
	asked      int
}

func (r *refusing) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	failures, err := r.smallBucket.DeleteBatch(ctx, versions, bypass)
	for i := range failures {
		failures[i].Code = r.code
	}
	return failures, err
}

func (r *refusing) Hold(ctx context.Context, version emptying.Version) (emptying.Hold, error) {
	if r.asked++; r.asked <= r.unanswered {
		return emptying.Hold{}, coded("SomethingElse")
	}
	return r.smallBucket.Hold(ctx, version)
}

func TestLocksAreFoundWhateverTheRefusalIsCalled(t *testing.T) {
	for name, c := range map[string]struct {
		code       string
		locks      bool
		unanswered int
		says       string
	}{
		"MinIO's":                        {"InvalidRequest", true, 0, "3 versions: InvalidRequest (3 under compliance retention"},
		"a code that nobody knows":       {"ObjectLocked", true, 0, "3 versions: ObjectLocked (3 under compliance retention"},
		"AWS's, without Object Lock":     {"AccessDenied", false, 0, "3 versions: AccessDenied (3 under compliance retention"},
		"the first question unanswered":  {"AccessDenied", true, 1, "(of 2 looked at, 2 under compliance retention"},
		"no question answered":           {"AccessDenied", true, 3, "3 versions: AccessDenied (because), e.g."},
		"another, and without any locks": {"InvalidRequest", false, 0, "3 versions: InvalidRequest (because), e.g."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := with("a", "b", "c")
				v.locks = c.locks
				for i := range v.held {
					v.held[i].hold = emptying.Hold{Mode: "COMPLIANCE", Until: time.Now().Add(time.Hour)}
				}
				report, err := emptying.Run(t.Context(), emptying.Options{Store: &refusing{smallBucket: v, code: c.code, unanswered: c.unanswered}})
				if report.Outcome != emptying.LeftOver || !strings.Contains(fmt.Sprint(err), c.says) {
					t.Errorf("Run = %v, want %q in it", err, c.says)
				}
			})
		})
	}
}
