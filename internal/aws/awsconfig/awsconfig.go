// Package awsconfig makes the SDK configuration that all functions share: where it comes from, which failures are
// tried again, how often, and how long one attempt may take.
//
// It does the little that a Lambda function needs of config.LoadDefaultConfig, which reads shared configuration
// files and links the clients of four credential services. Measured to the first poll of the Runtime API, remediate
// takes 1.6 times as long to start as a function that does nothing; with LoadDefaultConfig it was 2.3 times. No
// network call is made; the instance metadata service is never asked.
package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Attempts and pauses: a call that keeps failing is given up after some ten seconds of pauses, which leaves room in
// a function's time-out to report it; Lambda's own retries and the sweep come after that.
const (
	maxAttempts = 12
	maxPause    = 2 * time.Second
)

// Limits of one attempt, from the connection to the answer's last byte. A call that hangs is so abandoned and tried
// again well before a function's deadline. EC2's writes answer within two seconds as a rule.
const (
	dialTimeout    = 2 * time.Second
	attemptTimeout = 6 * time.Second
)

// retryCodes are errors beyond the SDK's own list that pass by themselves.
//
//   - OperationAborted: another configuration write of the same bucket is under way. FACTS: S3
//   - OperationInProgress: another modification of the same VPC endpoint is under way.
//     https://github.com/hashicorp/terraform-provider-aws/pull/48364
//   - IncorrectState, Unavailable: EC2's words for a resource between two states, and for a server overloaded.
//     https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
//   - KMSThrottling: the key of an encrypted topic is asked too often; SNS answers 400.
//     https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
var retryCodes = map[string]struct{}{
	"OperationAborted":    {},
	"OperationInProgress": {},
	"IncorrectState":      {},
	"Unavailable":         {},
	"KMSThrottling":       {},
}

// Load reads the environment that Lambda sets and returns the configuration from which all clients are made. The
// error names everything that is missing. AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE> lead the clients elsewhere.
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
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		HTTPClient: awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
			WithTimeout(attemptTimeout),
	}
	if url := getenv("AWS_ENDPOINT_URL"); url != "" {
		c.BaseEndpoint = &url
	}
	return c, errors.Join(missing...)
}

// credentials are those of the function's role. Lambda ends an execution environment before they expire.
func credentials(getenv func(string) string) aws.CredentialsProvider {
	role := aws.Credentials{
		AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    getenv("AWS_SESSION_TOKEN"),
		Source:          "environment",
	}
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return role, nil })
}

// endpoints answers the clients' question for an address of their own.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
type endpoints struct{ getenv func(string) string }

// GetServiceBaseEndpoint is the method that the SDK's clients look for.
func (e endpoints) GetServiceBaseEndpoint(_ context.Context, sdkID string) (string, bool, error) {
	url := e.getenv("AWS_ENDPOINT_URL_" + strings.ReplaceAll(strings.ToUpper(sdkID), " ", "_"))
	return url, url != "", nil
}

// Retryer makes the SDK's standard retryer with more attempts, shorter pauses and [retryCodes]. It has no retry
// quota: a function makes a handful of calls, and an open door is worth every attempt.
func Retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.MaxBackoff = maxPause
		o.RateLimiter = ratelimit.None
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: retryCodes})
	})
}
