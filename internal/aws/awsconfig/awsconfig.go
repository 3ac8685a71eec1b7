// Package awsconfig creates the SDK configuration that all functions share: its source, which failures are retried and
// how often, and how long one attempt may take.
//
// It does only what a Lambda function needs of config.LoadDefaultConfig, which reads shared configuration files and
// links the clients of four credential services. Measured up to the first poll of the Runtime API, remediate takes 1.6
// times as long to start as an empty function; with LoadDefaultConfig it was 2.3 times. It makes no network call, and
// none to the instance metadata service.
package awsconfig

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/middleware"
)

// Attempts and pauses: a call that keeps failing ends after about ten seconds of pauses. That leaves time to report it
// before the function's time-out; Lambda's own retries and the sweep follow.
const (
	maxAttempts = 12
	maxPause    = 2 * time.Second
)

// Limits of one attempt, from connecting to the last byte of the response. A call that hangs therefore ends and is
// retried well before a function's deadline. EC2 usually responds to writes within two seconds.
const (
	dialTimeout    = 2 * time.Second
	attemptTimeout = 6 * time.Second
)

// retryCodes are temporary errors that are not in the SDK's own list.
//
//   - OperationAborted: another configuration write to the same bucket is in progress (docs/facts.md, S3).
//   - ConditionalRequestConflict: another write to the same key is in progress; only conditional writes get it.
//     https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
//   - OperationInProgress: another modification of the same VPC endpoint is in progress.
//     https://github.com/hashicorp/terraform-provider-aws/pull/48364
//   - IncorrectState, Unavailable: EC2's codes for a resource that is changing state, and for an overloaded server.
//     https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
//   - KMSThrottling: too many requests for the key of an encrypted topic; SNS returns 400.
//     https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
var retryCodes = map[string]struct{}{
	"OperationAborted":           {},
	"ConditionalRequestConflict": {},
	"OperationInProgress":        {},
	"IncorrectState":             {},
	"Unavailable":                {},
	"KMSThrottling":              {},
}

// Load reads the environment that Lambda sets and returns the configuration for all clients. The error names all
// missing variables. AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> redirect the clients.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
func Load(getenv func(string) string) (aws.Config, error) {
	var missing []error
	for _, name := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if getenv(name) == "" {
			missing = append(missing, fmt.Errorf("%s is not set", name))
		}
	}
	c := aws.Config{
		Region:                     getenv("AWS_REGION"),
		Credentials:                credentials(getenv),
		Retryer:                    Retryer,
		ConfigSources:              []any{endpoints{getenv}},
		APIOptions:                 []func(*middleware.Stack) error{withStack},
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		HTTPClient: awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
			WithTransportOptions(resumeSessions).
			WithTimeout(attemptTimeout),
	}
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		c.BaseEndpoint = &url
	}
	return c, errors.Join(missing...)
}

// sessions is for how many hosts TLS sessions are kept: one for each service, and more for S3 and its buckets.
const sessions = 16

// resumeSessions makes a connection continue the TLS session of an earlier one to the same host, which saves the proof of the server's
// identity: an eighth of the handshake's processor time. Services close connections that are idle between two runs.
func resumeSessions(t *http.Transport) {
	t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(sessions)
}

// credentials returns the credentials of the function's role. Lambda ends an execution environment before they expire.
func credentials(getenv func(string) string) aws.CredentialsProvider {
	role := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return role, nil })
}

// endpoints returns the clients' service endpoints from the environment.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
type endpoints struct{ getenv func(string) string }

// GetServiceBaseEndpoint is the method that the SDK's clients call.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	url := e.getenv("AWS_ENDPOINT_URL_" + strings.ReplaceAll(strings.ToUpper(sdkID), " ", "_"))
	return url, url != "", nil
}

// Retryer returns the SDK's standard retryer with more attempts, shorter pauses and [retryCodes]. It has no retry
// quota: a function makes few calls, and closing public access justifies each attempt.
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.MaxBackoff = maxPause
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: retryCodes})
	})
}

// Pooled returns a configuration whose clients keep that many connections to one host open. The SDK's default is 10: of more calls
// at a time, the others would need a new TLS handshake each.
func Pooled(c aws.Config, connections int) aws.Config {
	if client, ok := c.HTTPClient.(*awshttp.BuildableClient); ok {
		c.HTTPClient = client.WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = connections })
	}
	return c
}
