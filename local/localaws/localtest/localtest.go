// Package localtest contains helpers for the tests of the local AWS's services: a gate that lives as long as the
// test, and the configuration with which the real SDK's clients call it.
package localtest

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Everything is an identity policy that allows all actions.
const Everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// OddKeys are object keys that have broken programs that empty buckets. docs/facts.md: S3
var OddKeys = []string{
	" ", "a b", "a+b", "a%2Bb", "100%", "//", "/leading", "trailing/", "../up", "./here", "a//b", "ü", "u\u0308", "日本語/キー", "𝕊",
	"tab\there", "line\nfeed", "return\rhere", "null\x00byte", "\x01\x1f", "nonchar\uFFFE", "<&>\"'", "null", strings.Repeat("k", 1024), strings.Repeat("é", 512),
}

// Gate makes a gate that is closed when the test ends.
func Gate(t testing.TB, o api.Options) *api.Gate {
	t.Helper()
	gate := api.NewGate(o)
	t.Cleanup(func() {
		if err := gate.Close(); err != nil {
			t.Error(err)
		}
	})
	return gate
}

// internet is where the clients are.
var internet = api.Listener{SourceIP: "198.51.100.7"}

// Config returns the configuration of clients of a user with one policy. They do not retry, and no call waits longer
// than [Limit].
func Config(t testing.TB, gate *api.Gate, policy string) aws.Config {
	t.Helper()
	return config(t, gate, policy, Must(gate.Open(internet))(t), awshttp.NewBuildableClient().WithTimeout(Limit))
}

// Direct is like [Config], but without a network, so that a test can run in a bubble of testing/synctest: there a call
// takes no time, except for the gate's latency.
func Direct(t testing.TB, gate *api.Gate, policy string) aws.Config {
	t.Helper()
	return config(t, gate, policy, "http://127.0.0.1", &http.Client{Transport: direct{gate.Handler(internet)}, Timeout: Limit})
}

// config returns the configuration of clients that call the URL.
func config(t testing.TB, gate *api.Gate, policy, url string, client aws.HTTPClient) aws.Config {
	t.Helper()
	parsed := Must(iampolicy.Parse([]byte(policy)))(t)
	options := gate.Options()
	id, secret := gate.Credentials(api.Caller{
		Principal: "arn:" + options.Partition + ":iam::" + options.Account + ":user/tester", Account: options.Account,
		Identity: func() []*iampolicy.Policy { return []*iampolicy.Policy{parsed} },
	})
	return aws.Config{
		Region: options.Region, BaseEndpoint: &url, Retryer: OnlyClosed,
		HTTPClient:  client,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	}
}

// OnlyClosed retries, at once, only calls that failed because the client's own end of the connection was closed. Go's
// client closes it if an answer arrives before the request is complete, which can happen on this machine (seen with
// aws-sdk-go-v2 v1.48.0 and Go 1.26.8 at answers of more than a few KB; elsewhere the SDK's own retries cover it).
func OnlyClosed() aws.Retryer {
	closed := retry.IsErrorRetryableFunc(func(err error) aws.Ternary { return aws.BoolTernary(errors.Is(err, net.ErrClosed)) })
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.Retryables = 10, []retry.IsErrorRetryable{closed}
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// Must ends the test if the previous call failed: value := Must(call(…))(t).
func Must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// Code returns AWS's error code; "" for no error, and the whole text of an error that is not AWS's.
func Code(err error) string {
	var refusal smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return refusal.ErrorCode()
	}
	return err.Error()
}
