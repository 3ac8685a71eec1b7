package emptying_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// cloud is a bucket of the local AWS with the SDK's client: 84 versions of odd keys and seven unfinished uploads, as in
// the comparison of this project with its peers.
type cloud struct {
	*testing.T
	gate   *api.Gate
	s3     *s3.Service
	client *awss3.Client
	// policies are the emptier's identity policies.
	policies []string
}

const mayEverything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

func newCloud(t *testing.T) *cloud {
	t.Helper()
	gate := api.NewGate(api.Options{})
	c := &cloud{T: t, gate: gate, s3: s3.New(gate.Options()), policies: []string{mayEverything}}
	t.Cleanup(func() { c.gate.Close() })
	c.gate.Add(c.s3)
	url, err := c.gate.Open(api.Listener{SourceIP: "198.51.100.7"})
	c.must(err)
	id, secret := c.gate.Credentials(api.Caller{
		Principal: "arn:aws:iam::111122223333:user/emptier", Account: "111122223333", Identity: c.identity,
	})
	c.client = awss3.New(awss3.Options{
		Region: "eu-central-1", BaseEndpoint: &url, UsePathStyle: true, HTTPClient: s3versions.HTTPClient(),
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
	c.must(c.s3.CreateBucket("docs", ""))
	c.must(c.s3.PutVersioning("docs", "Enabled"))
	for range 3 {
		for i := range 28 {
			c.must(c.s3.Put("docs", localtest.OddKeys[i%len(localtest.OddKeys)]+strings.Repeat("'", i/len(localtest.OddKeys)), []byte("x")))
		}
	}
	for i := range 7 {
		_, err := c.client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String("docs"), Key: aws.String(fmt.Sprintf("up+%d //ü", i/2))})
		c.must(err)
	}
	return c
}

func (c *cloud) identity() (policies []*iampolicy.Policy) {
	for _, document := range c.policies {
		p, err := iampolicy.Parse([]byte(document))
		c.must(err)
		policies = append(policies, p)
	}
	return policies
}

func (c *cloud) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// empty empties the bucket and checks that Run returns an error exactly when versions are left.
func (c *cloud) empty(bypass bool) emptying.Report {
	c.Helper()
	report, err := emptying.Run(c.Context(), emptying.Options{
		Store: s3versions.New(c.client, "docs", "111122223333"), Bucket: "docs", BypassGovernance: bypass,
	})
	if left := c.s3.Versions("docs"); (err == nil) != (left == 0) {
		c.Errorf("Run = %v with %d versions left", err, left)
	}
	return report
}

func TestRunEmptiesOddKeysAndUploads(t *testing.T) {
	c := newCloud(t)
	if report := c.empty(false); report.Outcome != emptying.Emptied || report.Deleted != 84 || report.Uploads != 7 {
		t.Errorf("report = %+v, want 84 versions and 7 uploads gone", report)
	}
	if err := c.s3.DeleteBucket("docs"); err != nil {
		t.Errorf("DeleteBucket = %v", err)
	}
}

func TestRunTellsWhatKeepsABucketFromBeingEmpty(t *testing.T) {
	future := time.Now().AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		make    func(*cloud)
		bypass  bool
		outcome emptying.Outcome
		left    int
		says    string
	}{
		"compliance retention": {func(c *cloud) { c.hold(s3.Hold{Mode: "COMPLIANCE", Until: future}) }, true, emptying.LeftOver, 1,
			"1 under compliance retention"},
		"governance retention": {func(c *cloud) { c.hold(s3.Hold{Mode: "GOVERNANCE", Until: future}) }, false, emptying.LeftOver, 1,
			future.UTC().Format(time.RFC3339)},
		"governance retention, bypassed": {func(c *cloud) { c.hold(s3.Hold{Mode: "GOVERNANCE", Until: future}) }, true, emptying.Emptied, 0, ""},
		"a legal hold":                   {func(c *cloud) { c.hold(s3.Hold{Legal: true}) }, true, emptying.LeftOver, 1, "1 under a legal hold"},
		"bypass without any lock":        {func(*cloud) {}, true, emptying.Emptied, 0, ""},
		"MFA delete":                     {func(c *cloud) { c.must(c.s3.SetMFADelete("docs", true)) }, false, emptying.NeedsMFA, 84, "nothing was deleted"},
		"one key denied": {func(c *cloud) {
			c.policies = append(c.policies, `{"Statement":{"Effect":"Deny","Action":"s3:DeleteObjectVersion","Resource":"arn:aws:s3:::docs//leading"}}`)
		}, false, emptying.LeftOver, 3, `3 versions: AccessDenied`},
		"deleting denied": {func(c *cloud) {
			c.policies = append(c.policies, `{"Statement":{"Effect":"Deny","Action":"s3:DeleteObject*","Resource":"*"}}`)
		}, false, emptying.LeftOver, 84, "AccessDenied"},
		"listing denied": {func(c *cloud) {
			c.policies = append(c.policies, `{"Statement":{"Effect":"Deny","Action":"s3:ListBucketVersions","Resource":"*"}}`)
		}, false, emptying.Stopped, 84, "ListBucketVersions"},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := newCloud(t)
			c.make(cloud)
			report := cloud.empty(c.bypass)
			if left := cloud.s3.Versions("docs"); report.Outcome != c.outcome || left != c.left {
				t.Errorf("%s with %d left, want %s with %d: %s", report.Outcome, left, c.outcome, c.left, report.Reason())
			}
			if !strings.Contains(report.Reason(), c.says) {
				t.Errorf("reason %q, want %q in it", report.Reason(), c.says)
			}
		})
	}
}

// hold locks the latest version of one key.
func (c *cloud) hold(h s3.Hold) {
	c.must(c.s3.EnableObjectLock("docs"))
	c.must(c.s3.SetHold("docs", "a b", h))
}

func TestRunOutlivesWhatPasses(t *testing.T) {
	refusal := func(status int, code string) *api.Error { return &api.Error{Status: status, Code: code, Message: code} }
	for name, fault := range map[string]api.Fault{
		"lists time out":          {Operation: "ListObjectVersions", Times: 3, Error: refusal(500, "InternalError")},
		"deletes slow down":       {Operation: "DeleteObjects", Times: 4, Error: refusal(503, "SlowDown")},
		"a delete is lost":        {Operation: "DeleteObjects", Times: 1, Reset: true, After: true},
		"a listing is lost":       {Operation: "ListObjectVersions", Times: 1, Reset: true},
		"single deletes fail":     {Operation: "DeleteObject", Times: 2, Error: refusal(503, "ServiceUnavailable")},
		"aborts fail":             {Operation: "AbortMultipartUpload", Times: 3, Error: refusal(500, "InternalError")},
		"configuration collides":  {Operation: "GetBucketVersioning", Times: 2, Error: refusal(409, "OperationAborted")},
		"an error within success": {Operation: "DeleteObjects", Times: 1, Error: refusal(http.StatusOK, "InternalError")},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.gate.Inject(fault)
			if report := c.empty(false); report.Outcome != emptying.Emptied {
				t.Errorf("outcome = %s: %s", report.Outcome, report.Reason())
			}
		})
	}
}

func TestRunOfABucketThatIsGoneSucceeds(t *testing.T) {
	c := newCloud(t)
	report, err := emptying.Run(t.Context(), emptying.Options{Store: s3versions.New(c.client, "gone", "")})
	if err != nil || report.Outcome != emptying.Emptied {
		t.Errorf("Run = %s, %v", report.Outcome, err)
	}
}
