package emptying_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// behindGateway is S3 with one bucket that holds objects and one upload, behind a gateway that answers the first
// requests of one kind itself.
type behindGateway struct {
	mu      sync.Mutex
	left    map[string]bool
	upload  bool
	what    string // the requests that fail: "versions", "delete", "uploads", "abort" or "versioning"
	status  int
	page    string
	failing int // how often
}

func (g *behindGateway) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	what := asked(r)
	if what == g.what && g.failing > 0 {
		g.failing--
		to.WriteHeader(g.status)
		io.WriteString(to, g.page)
		return
	}
	io.WriteString(to, g.answer(what, string(body)))
}

// asked returns the kind of a request.
func asked(r *http.Request) string {
	query := r.URL.Query()
	for _, name := range []string{"versions", "delete", "uploads", "versioning", "object-lock"} {
		if query.Has(name) {
			return name
		}
	}
	if query.Has("uploadId") {
		return "abort"
	}
	return r.Method
}

func (g *behindGateway) answer(what, body string) string {
	var b strings.Builder
	switch what {
	case "versions":
		b.WriteString(`<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>`)
		for key := range g.left {
			fmt.Fprintf(&b, `<Version><Key>%s</Key><VersionId>1</VersionId><Size>1</Size></Version>`, key)
		}
		b.WriteString(`</ListVersionsResult>`)
	case "delete":
		for key := range g.left {
			if strings.Contains(body, "<Key>"+key+"<") {
				delete(g.left, key)
			}
		}
		b.WriteString(`<DeleteResult/>`)
	case "uploads":
		b.WriteString(`<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>`)
		if g.upload {
			b.WriteString(`<Upload><Key>u</Key><UploadId>1</UploadId></Upload>`)
		}
		b.WriteString(`</ListMultipartUploadsResult>`)
	case "abort":
		g.upload = false
	case "versioning":
		b.WriteString(`<VersioningConfiguration/>`)
	case "object-lock":
		b.WriteString(`<ObjectLockConfiguration/>`)
	}
	return b.String()
}

// empty empties the bucket with a client that does not retry, so that the engine has to.
func (g *behindGateway) empty(t *testing.T) (emptying.Report, error) {
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true, HTTPClient: s3versions.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""), Retryer: aws.NopRetryer{},
	})
	return emptying.Run(t.Context(), emptying.Options{Store: s3versions.New(client, "docs", ""), Bucket: "docs", Deadline: time.Now().Add(20 * time.Second)})
}

func TestAGatewaysErrorPagePasses(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"versions", "delete", "uploads", "abort", "versioning"} {
		for name, page := range map[string]struct {
			status int
			body   string
		}{
			"502 with a page": {502, "<html><body>Bad Gateway</body></html>"}, "500 without a body": {500, ""}, "504": {504, "upstream timed out"},
			"a status without a name": {520, ""}, "429": {429, ""}, "a code that nobody knows": {500, "<Error><Code>Hiccup</Code></Error>"},
		} {
			t.Run(what+", "+name, func(t *testing.T) {
				t.Parallel()
				g := &behindGateway{left: map[string]bool{"a": true, "b": true}, upload: true, what: what, status: page.status, page: page.body, failing: 2}
				report, err := g.empty(t)
				if err != nil || report.Deleted != 2 || report.Uploads != 1 {
					t.Errorf("Run = %v, with %d versions and %d uploads gone, want 2 and 1", err, report.Deleted, report.Uploads)
				}
			})
		}
	}
}

// A permanent error is not retried, no matter what the status is.
func TestWhatLastsIsToldAtOnce(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]struct {
		status     int
		body, says string
	}{
		"denied":                    {403, "<Error><Code>AccessDenied</Code></Error>", "AccessDenied"},
		"denied within a success":   {200, "<Error><Code>AccessDenied</Code></Error>", "AccessDenied"},
		"not implemented":           {501, "<Error><Code>NotImplemented</Code></Error>", "NotImplemented"},
		"a proxy that asks a login": {407, "", "ProxyAuthenticationRequired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &behindGateway{left: map[string]bool{"a": true}, what: "delete", status: page.status, page: page.body, failing: 1}
			report, err := g.empty(t)
			if report.Outcome != emptying.LeftOver || g.failing != 0 || !g.left["a"] || !strings.Contains(fmt.Sprint(err), page.says) {
				t.Errorf("Run = %s, %v, want %s reported after one try", report.Outcome, err, page.says)
			}
		})
	}
}
