package s3versions_test

import (
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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// wire is a server with canned answers that records its requests.
type wire struct {
	mu      sync.Mutex
	answers []canned
	paths   []string
	queries []url.Values
	headers []http.Header
	bodies  []string
}

// canned is one answer.
type canned struct {
	status int
	body   string
}

func (w *wire) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.paths = append(w.paths, r.Method+" "+r.URL.EscapedPath())
	w.queries, w.headers, w.bodies = append(w.queries, r.URL.Query()), append(w.headers, r.Header), append(w.bodies, string(body))
	answer := canned{500, ""}
	if len(w.answers) > 0 {
		answer, w.answers = w.answers[0], w.answers[1:]
	}
	to.WriteHeader(answer.status)
	io.WriteString(to, answer.body)
}

// open returns a store that sends its requests to a server with these answers.
func open(t *testing.T, answers ...canned) (*wire, emptying.Store) {
	w := &wire{answers: answers}
	server := httptest.NewServer(w)
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: s3versions.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		Retryer:     aws.NopRetryer{},
	})
	return w, s3versions.New(client, "docs", "111122223333")
}

const twoVersions = `<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>docs</Name><Prefix/><KeyMarker/><VersionIdMarker></VersionIdMarker>
<NextKeyMarker>a%2Bb+c%2F%00</NextKeyMarker><NextVersionIdMarker>v&amp;2</NextVersionIdMarker><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
<DeleteMarker><Key>a%2Bb+c%2F%00</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest><Owner><ID>x</ID></Owner><LastModified>2024-03-01T12:34:56.000Z</LastModified></DeleteMarker>
<Version><Key>%E6%97%A5%F0%9D%95%8A</Key><VersionId>null</VersionId><IsLatest>false</IsLatest><ETag>&quot;x&quot;</ETag><Size>7</Size><StorageClass>GLACIER</StorageClass><Owner><ID>y</ID><DisplayName>Key</DisplayName></Owner></Version>
</ListVersionsResult>`

// Stores exist that write all delete markers of a page behind, or before, its versions (docs/facts.md: S3).
func TestListBringsAPageIntoTheOrderOfItsKeys(t *testing.T) {
	entry := func(kind, key, id string) string {
		return "<" + kind + "><Key>" + key + "</Key><VersionId>" + id + "</VersionId><Size>" + id + "</Size></" + kind + ">"
	}
	_, store := open(t, canned{200, "<ListVersionsResult><IsTruncated>true</IsTruncated>" + entry("DeleteMarker", "b", "2") + entry("DeleteMarker", "d", "5") +
		entry("Version", "a", "1") + entry("Version", "b", "3") + entry("Version", "c", "4") + entry("Version", "e", "6") + "</ListVersionsResult>"})
	got, err := store.List(t.Context(), "", emptying.Position{})
	if err != nil {
		t.Fatal(err)
	}
	want := emptying.Page{
		Versions: []emptying.Version{{Key: "a", ID: "1"}, {Key: "b", ID: "2"}, {Key: "b", ID: "3"}, {Key: "c", ID: "4"}, {Key: "d", ID: "5"}, {Key: "e", ID: "6"}},
		Sizes:    []int64{1, -1, 3, 4, -1, 6}, More: true, Next: emptying.Position{Key: "e", VersionID: "6"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestListReadsWhatS3Writes(t *testing.T) {
	w, store := open(t, canned{200, twoVersions})
	got, err := store.List(t.Context(), "", emptying.Position{Key: "k&\x01", VersionID: "v0"})
	if err != nil {
		t.Fatal(err)
	}
	want := emptying.Page{
		Versions: []emptying.Version{{Key: "a+b c/\x00", ID: "v1"}, {Key: "日𝕊", ID: "null"}},
		Sizes:    []int64{-1, 7}, More: true, Next: emptying.Position{Key: "a+b c/\x00", VersionID: "v&2"},
	}
	if len(got.Stamps) != 2 {
		t.Errorf("%d stamps, want one for each version, because one is null", len(got.Stamps))
	}
	got.Stamps = nil // hashes
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List (-want +got):\n%s", diff)
	}
	query := w.queries[0]
	if query.Get("key-marker") != "k&\x01" || query.Get("version-id-marker") != "v0" || query.Get("encoding-type") != "url" {
		t.Errorf("List asked %v", query)
	}
	if got := w.headers[0].Get("X-Amz-Expected-Bucket-Owner"); got != "111122223333" {
		t.Errorf("expected owner = %q", got)
	}
}

func TestListRefusesWhatIsNotAListing(t *testing.T) {
	whole := twoVersions
	for name, body := range map[string]string{
		"nothing":          "",
		"cut off":          whole[:len(whole)-30],
		"cut in a version": whole[:strings.Index(whole, "<Size>")],
		"another document": "<ListBucketResult></ListBucketResult>",
		"bad encoding":     strings.Replace(whole, "%E6", "%G6", 1),
		"version without":  strings.Replace(whole, "<VersionId>null</VersionId>", "", 1),
		"an error":         `<Error><Code>InternalError</Code></Error>`,
		"not XML":          "<<>>",
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, body})
			if page, err := store.List(t.Context(), "", emptying.Position{}); err == nil {
				t.Errorf("List(%s) = %d versions, want an error", name, len(page.Versions))
			}
		})
	}
}

func TestErrorsKeepTheirCodes(t *testing.T) {
	for code, status := range map[string]int{"AccessDenied": 403, "SlowDown": 503, "NoSuchBucket": 404, "InternalError": 200} {
		t.Run(code, func(t *testing.T) {
			_, store := open(t, canned{status, "<Error><Code>" + code + "</Code><Message>m</Message></Error>"})
			_, err := store.DeleteBatch(t.Context(), []emptying.Version{{Key: "k", ID: "v"}}, false)
			if errorcode.Of(err) != code {
				t.Errorf("DeleteBatch = %v, want code %s", err, code)
			}
		})
	}
}

// sent is the XML of a DeleteObjects request.
type sent struct {
	Quiet  bool
	Object []struct{ Key, VersionId string }
}

func TestDeleteBatchCarriesEveryKeyThatXMLCan(t *testing.T) {
	var versions []emptying.Version
	for i, key := range localtest.OddKeys {
		if !strings.ContainsAny(key, "\x00\x01\uFFFE") {
			versions = append(versions, emptying.Version{Key: key, ID: fmt.Sprint("v", i)})
		}
	}
	w, store := open(t, canned{200, `<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`})
	failures, err := store.DeleteBatch(t.Context(), versions, true)
	if err != nil || len(failures) > 0 {
		t.Fatalf("DeleteBatch = %v, %v", failures, err)
	}
	var got sent
	if err := xml.Unmarshal([]byte(w.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	if !got.Quiet || len(got.Object) != len(versions) {
		t.Fatalf("quiet %t with %d objects, want true with %d", got.Quiet, len(got.Object), len(versions))
	}
	for i, o := range got.Object {
		if (emptying.Version{Key: o.Key, ID: o.VersionId}) != versions[i] {
			t.Errorf("object %d is %q %s, want %s", i, o.Key, o.VersionId, versions[i])
		}
	}
	header := w.headers[0]
	if header.Get("X-Amz-Bypass-Governance-Retention") != "true" || header.Get("Authorization") == "" {
		t.Errorf("headers %v, want a signature and the bypass", header)
	}
	if header.Get("X-Amz-Checksum-Crc32") == "" && header.Get("Content-Md5") == "" {
		t.Error("no checksum, which S3 demands")
	}
}

func TestDeleteBatchReadsFailures(t *testing.T) {
	_, store := open(t, canned{200, `<?xml version="1.0"?><DeleteResult><Deleted><Key>x</Key></Deleted>
		<Error><Key>a&amp;b&#x9;</Key><VersionId>v1</VersionId><Code>AccessDenied</Code><Message>no &lt;way&gt;</Message></Error>
		<Error><Key>c</Key><Code>SlowDown</Code><Message/></Error></DeleteResult>`})
	got, err := store.DeleteBatch(t.Context(), []emptying.Version{{Key: "c", ID: "null"}}, false)
	want := []emptying.Failure{
		{Version: emptying.Version{Key: "a&b\t", ID: "v1"}, Code: "AccessDenied", Message: "no <way>"},
		{Version: emptying.Version{Key: "c"}, Code: "SlowDown"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("DeleteBatch (-want +got): %v\n%s", err, diff)
	}
}

func TestDeleteOneCarriesEveryKey(t *testing.T) {
	for _, key := range localtest.OddKeys {
		w, store := open(t, canned{204, ""})
		if err := store.DeleteOne(t.Context(), emptying.Version{Key: key, ID: "v"}, false); err != nil {
			t.Errorf("DeleteOne(%q) = %v", key, err)
			continue
		}
		path, err := url.PathUnescape(w.paths[0])
		if want := "DELETE /docs/" + key; err != nil || path != want {
			t.Errorf("DeleteOne(%q) asked %q, want %q", key, path, want)
		}
		if got := w.queries[0].Get("versionId"); got != "v" {
			t.Errorf("DeleteOne(%q) named version %q, want v", key, got)
		}
	}
}

func TestUploadsAreListedAndAborted(t *testing.T) {
	w, store := open(t,
		canned{200, `<ListMultipartUploadsResult><NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Upload><Key>a+b</Key><UploadId>u1</UploadId></Upload></ListMultipartUploadsResult>`},
		canned{204, ""},
	)
	page, next, more, err := store.ListUploads(t.Context(), emptying.Upload{})
	want := emptying.Upload{Key: "a b", ID: "u1"}
	if err != nil || !more || next != want || !slices.Equal(page, []emptying.Upload{want}) {
		t.Fatalf("ListUploads = %v, %v, %t, %v, want %v", page, next, more, err, want)
	}
	if err := store.AbortUpload(t.Context(), want); err != nil || w.queries[1].Get("uploadId") != "u1" {
		t.Errorf("AbortUpload = %v, asked %v", err, w.queries[1])
	}
}

// Aborting an upload of another key answers NoSuchUpload, which counts as aborted.
func TestUploadsOfAStoreWithoutEncodingKeepTheirKeys(t *testing.T) {
	_, store := open(t, canned{200, `<ListMultipartUploadsResult><NextKeyMarker>a+b%20</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker><IsTruncated>true</IsTruncated><Upload><Key>a+b%20</Key><UploadId>u1</UploadId></Upload></ListMultipartUploadsResult>`})
	page, next, _, err := store.ListUploads(t.Context(), emptying.Upload{})
	want := emptying.Upload{Key: "a+b%20", ID: "u1"}
	either := emptying.Upload{Key: "a+b%20", ID: "u1", Decoded: "a b "}
	if err != nil || next != want || !slices.Equal(page, []emptying.Upload{either}) {
		t.Errorf("ListUploads = %v, %v, %v, want %v", page, next, err, either)
	}
}

func TestProtectionAndHoldAreRead(t *testing.T) {
	_, store := open(t,
		canned{200, `<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>`},
		canned{200, `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>`},
		canned{200, `<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2031-01-02T00:00:00Z</RetainUntilDate></Retention>`},
		canned{200, `<LegalHold><Status>ON</Status></LegalHold>`},
		canned{404, `<Error><Code>NoSuchObjectLockConfiguration</Code></Error>`},
		canned{404, `<Error><Code>NoSuchObjectLockConfiguration</Code></Error>`},
	)
	protection, err := store.Protection(t.Context())
	if want := (emptying.Protection{MFADelete: true, ObjectLock: true}); err != nil || protection != want {
		t.Errorf("Protection = %v, %v, want %v", protection, err, want)
	}
	hold, err := store.Hold(t.Context(), emptying.Version{Key: "k", ID: "v"})
	if want := (emptying.Hold{Mode: "COMPLIANCE", Until: time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC), Legal: true}); err != nil || !hold.Until.Equal(want.Until) || hold.Mode != want.Mode || !hold.Legal {
		t.Errorf("Hold = %v, %v, want %v", hold, err, want)
	}
	hold, err = store.Hold(t.Context(), emptying.Version{Key: "k", ID: "v"})
	if err != nil || hold != (emptying.Hold{}) {
		t.Errorf("Hold without a lock = %v, %v", hold, err)
	}
}

func TestAnEventHoldIsRead(t *testing.T) {
	const retention = `<Retention><Mode>GOVERNANCE</Mode><RetainUntilDate>2031-01-02T00:00:00Z</RetainUntilDate><EventHold>%s</EventHold>` +
		`<EventHoldDuration><Days>7</Days></EventHoldDuration></Retention>`
	for status, want := range map[string]bool{"ON": true, "OFF": false} {
		_, store := open(t, canned{200, fmt.Sprintf(retention, status)}, canned{404, `<Error><Code>NoSuchObjectLockConfiguration</Code></Error>`})
		hold, err := store.Hold(t.Context(), emptying.Version{Key: "k", ID: "v"})
		if err != nil || hold.Event != want || hold.Mode != "GOVERNANCE" {
			t.Errorf("Hold with EventHold %s = %+v, %v, want governance and an event hold: %t", status, hold, err, want)
		}
	}
}

func TestListAsksForThePrefix(t *testing.T) {
	w, store := open(t, canned{200, twoVersions})
	if _, err := store.List(t.Context(), "a&b+ü/", emptying.Position{}); err != nil {
		t.Fatal(err)
	}
	if got := w.queries[0].Get("prefix"); got != "a&b+ü/" {
		t.Errorf("List asked for prefix %q", got)
	}
}

func TestHoldPassesOverWhatIsNotAnswered(t *testing.T) {
	const (
		retained = `<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>2031-01-02T00:00:00Z</RetainUntilDate></Retention>`
		on       = `<LegalHold><Status>ON</Status></LegalHold>`
	)
	code := func(status int, name string) canned {
		return canned{status, "<Error><Code>" + name + "</Code></Error>"}
	}
	for name, c := range map[string]struct {
		retention, legal canned
		mode             string
		held, fails      bool
	}{
		"Ceph, without a legal hold":  {canned{200, retained}, code(404, "ObjectLockConfigurationNotFoundError"), "COMPLIANCE", false, false},
		"retention may not be asked":  {code(403, "AccessDenied"), canned{200, on}, "", true, false},
		"legal holds are not known":   {canned{200, retained}, code(501, "NotImplemented"), "COMPLIANCE", false, false},
		"neither is answered":         {code(403, "AccessDenied"), code(403, "AccessDenied"), "", false, true},
		"one unanswered, one without": {code(403, "AccessDenied"), code(404, "NoSuchObjectLockConfiguration"), "", false, false},
		"gone":                        {code(404, "NoSuchVersion"), canned{500, ""}, "", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, c.retention, c.legal)
			hold, err := store.Hold(t.Context(), emptying.Version{Key: "k", ID: "v"})
			if hold.Mode != c.mode || hold.Legal != c.held || (err != nil) != c.fails {
				t.Errorf("Hold = %+v, %v, want %q, %t and an error: %t", hold, err, c.mode, c.held, c.fails)
			}
		})
	}
}
