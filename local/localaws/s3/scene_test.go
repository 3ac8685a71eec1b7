package s3_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

const (
	account = "111122223333"
	other   = "444455556666"
	bucket  = "docs-example"
)

// scene is an S3 behind a gate, with one bucket in it.
type scene struct {
	*testing.T
	gate  *api.Gate
	store *s3.Service
	url   string
	// gone are the principals that were deleted.
	gone map[string]bool
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, gone: map[string]bool{}}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s.gate = localtest.Gate(t, api.Options{Now: func() time.Time { return now }})
	s.store = s3.New(s.gate.Options())
	s.store.PrincipalExists(func(arn string) bool { return !s.gone[arn] })
	s.gate.Add(s.store)
	s.url = s.listener(api.Listener{SourceIP: "198.51.100.7"})
	s.must(s.store.CreateBucket(bucket, ""))
	return s
}

func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *scene) listener(d api.Listener) string {
	s.Helper()
	url, err := s.gate.Open(d)
	s.must(err)
	return url
}

// parse parses valid policies.
func (s *scene) parse(documents ...string) []*iampolicy.Policy {
	s.Helper()
	var policies []*iampolicy.Policy
	for _, document := range documents {
		p, err := iampolicy.Parse([]byte(document))
		s.must(err)
		policies = append(policies, p)
	}
	return policies
}

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// caller returns a principal of an account with these identity policies.
func (s *scene) caller(account, name string, documents ...string) api.Caller {
	s.Helper()
	policies := s.parse(documents...)
	return api.Caller{
		Principal: "arn:aws:iam::" + account + ":" + name, Account: account,
		Identity: func() []*iampolicy.Policy { return policies },
	}
}

// admin returns a user of the bucket's account with full access.
func (s *scene) admin() api.Caller { s.Helper(); return s.caller(account, "user/admin", everything) }

// as returns a caller's client, without retries; the zero caller is anonymous.
func (s *scene) as(c api.Caller) *awss3.Client { s.Helper(); return s.through(s.url, c) }

// through returns a caller's client for an endpoint URL.
func (s *scene) through(url string, c api.Caller) *awss3.Client {
	s.Helper()
	var provider aws.CredentialsProvider = aws.AnonymousCredentials{}
	if c.Principal != "" {
		id, secret := s.gate.Credentials(c)
		provider = credentials.NewStaticCredentialsProvider(id, secret, "token")
	}
	return awss3.New(awss3.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(url), Credentials: provider, UsePathStyle: true, Retryer: localtest.OnlyClosed(),
		DisableLogOutputChecksumValidationSkipped: true,
	})
}

// expect compares an answer's error code.
func (s *scene) expect(what string, err error, want string) {
	s.Helper()
	if got := localtest.Code(err); got != want {
		s.Errorf("%s = %q (%v), want %q", what, got, err, want)
	}
}

// raw sends a request that the SDK cannot send.
func (s *scene) raw(method, path, key, body string, header map[string]string) *http.Response {
	s.Helper()
	hr, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	s.must(err)
	if key != "" {
		hr.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+key+"/20260302/eu-central-1/s3/aws4_request, Signature=0")
	}
	for name, value := range header {
		if name == "Host" {
			hr.Host = value
		}
		hr.Header.Set(name, value)
	}
	answer, err := localtest.Client.Do(hr)
	s.must(err)
	s.Cleanup(func() { answer.Body.Close() })
	return answer
}

var background = context.Background()

// name is the scene's bucket as a pointer, for the SDK.
var name = aws.String(bucket)

// asAPI converts an error of a setup method to an error of the SDK.
func asAPI(err error) error {
	var refusal *api.Error
	if errors.As(err, &refusal) {
		return &smithy.GenericAPIError{Code: refusal.Code, Message: refusal.Message}
	}
	return err
}
