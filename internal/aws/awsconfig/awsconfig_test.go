package awsconfig_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
)

// environment returns the variables that Lambda sets, with changes.
func environment(changes map[string]string) func(string) string {
	lambda := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
	}
	return func(name string) string {
		if value, ok := changes[name]; ok {
			return value
		}
		return lambda[name]
	}
}

func TestLoadReadsWhatLambdaSets(t *testing.T) {
	c, err := awsconfig.Load(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Credentials.Retrieve(t.Context())
	if err != nil || c.Region != "eu-central-1" || got.AccessKeyID != "ASIAEXAMPLE" || got.SecretAccessKey != "secret" || got.SessionToken != "token" {
		t.Errorf("Load = region %s, credentials %+v, %v", c.Region, got, err)
	}
	if c.BaseEndpoint != nil {
		t.Errorf("BaseEndpoint = %s, want AWS's own", *c.BaseEndpoint)
	}
}

func TestLoadNamesEverythingThatIsMissing(t *testing.T) {
	_, err := awsconfig.Load(func(string) string { return "" })
	if err == nil {
		t.Fatal("Load of an empty environment succeeded")
	}
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("error %q does not name %s", err, name)
		}
	}
}

// server is a fake SNS that gives the specified responses first, and then success.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func newServer(t *testing.T, answers ...http.HandlerFunc) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		n := len(s.requests)
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		if n < len(answers) {
			answers[n](w, r)
			return
		}
		w.Write([]byte(`<PublishResponse><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>`))
	}))
	t.Cleanup(s.Close)
	return s
}

func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// publish makes one call with the configuration. The time limit per attempt is shorter than in production.
func publish(ctx context.Context, getenv func(string) string) error {
	c, err := awsconfig.Load(getenv)
	if err != nil {
		return err
	}
	c.HTTPClient = c.HTTPClient.(*awshttp.BuildableClient).WithTimeout(100 * time.Millisecond)
	topic, message := "arn:aws:sns:eu-central-1:111122223333:t", "hello"
	_, err = sns.NewFromConfig(c).Publish(ctx, &sns.PublishInput{TopicArn: &topic, Message: &message})
	return err
}

func TestLostConnectionsAndHangingCallsAreTriedAgain(t *testing.T) {
	done := make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { <-done }
	stall := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		<-done
	}
	s := newServer(t, reset, hang, stall, reset)
	t.Cleanup(func() { close(done) })
	if err := publish(t.Context(), environment(map[string]string{"AWS_ENDPOINT_URL": s.URL})); err != nil {
		t.Errorf("Publish = %v, want success at the fifth attempt", err)
	}
	if len(s.requests) != 5 {
		t.Errorf("%d attempts, want 5", len(s.requests))
	}
}

func TestAServicesOwnEndpointWins(t *testing.T) {
	general, own := newServer(t), newServer(t)
	env := environment(map[string]string{"AWS_ENDPOINT_URL": general.URL, "AWS_ENDPOINT_URL_SNS": own.URL})
	t.Setenv("AWS_ENDPOINT_URL", general.URL) // the clients read these variables themselves
	t.Setenv("AWS_ENDPOINT_URL_SNS", own.URL)
	if err := publish(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if len(general.requests) != 0 || len(own.requests) != 1 {
		t.Errorf("%d requests to the general endpoint and %d to the service's own, want 0 and 1", len(general.requests), len(own.requests))
	}
}

func TestRetryerTriesAgainWhatPassesByItself(t *testing.T) {
	passing := []string{
		"OperationAborted", "ConditionalRequestConflict", "OperationInProgress", "IncorrectState", "Unavailable",
		"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "RequestTimeout", "InternalError/500", "ServiceUnavailable/503",
	}
	lasting := []string{
		"AccessDenied", "UnauthorizedOperation", "NoSuchBucket", "InvalidVpcEndpointId.NotFound", "MalformedPolicy", "InvalidParameter",
	}
	retryer := awsconfig.Retryer()
	for _, code := range slices.Concat(passing, lasting) {
		if got, want := retryer.IsErrorRetryable(answer(code)), slices.Contains(passing, code); got != want {
			t.Errorf("IsErrorRetryable(%s) = %t, want %t", code, got, want)
		}
	}
	if retryer.IsErrorRetryable(errors.New("something else")) {
		t.Error("IsErrorRetryable(something else) = true, want false")
	}
}

// answer returns an error as a client does: a code, and after a slash the HTTP status if it matters.
func answer(code string) error {
	code, status, _ := strings.Cut(code, "/")
	statuses := map[string]int{"": 400, "500": 500, "503": 503}
	return &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: statuses[status]}},
		Err:      &smithy.GenericAPIError{Code: code},
	}
}

func TestRetryerLeavesRoomToReport(t *testing.T) {
	retryer := awsconfig.Retryer()
	var pauses time.Duration
	for attempt := 1; attempt < retryer.MaxAttempts(); attempt++ {
		pause, err := retryer.RetryDelay(attempt, answer("SlowDown"))
		if err != nil {
			t.Fatal(err)
		}
		pauses += pause
	}
	if pauses > 25*time.Second {
		t.Errorf("a throttled call pauses for %s in total, want at most half of a function's 50 s", pauses)
	}
}

func TestANewConnectionContinuesTheSessionOfAnEarlierOne(t *testing.T) {
	var resumed []bool
	s := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { resumed = append(resumed, r.TLS.DidResume) }))
	t.Cleanup(s.Close)
	c, err := awsconfig.Load(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client := awsconfig.Pooled(c, 2).HTTPClient.(*awshttp.BuildableClient).WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig.RootCAs = roots
		t.DisableKeepAlives = true
	})
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := answer.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(resumed, []bool{false, true}) {
		t.Errorf("connections that continue a session: %v, want the second only", resumed)
	}
}
