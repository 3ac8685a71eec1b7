// Package awsconfig makes the SDK configuration that all functions share: which failures are tried again, how often,
// and how long one attempt may take.
//
// It makes no network call. Credentials and Region come from the environment, as Lambda sets them; the instance
// metadata service is never asked.
package awsconfig

import (
	"context"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// Attempts and pauses: a call that keeps failing is given up after about ten seconds of pauses, which leaves room in
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
//   - OperationInProgress: another modification of the same VPC endpoint is under way. FACTS: VPC endpoints
//   - IncorrectState, Unavailable: EC2's words for a resource between two states, and for a server overloaded.
//     https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var retryCodes = map[string]struct{}{
	"OperationAborted":    {},
	"OperationInProgress": {},
	"IncorrectState":      {},
	"Unavailable":         {},
}

// Load reads the environment and returns the configuration from which all clients are made.
func Load(ctx context.Context) (aws.Config, error) {
	return config.LoadDefaultConfig(ctx,
		config.WithRetryer(Retryer),
		config.WithHTTPClient(awshttp.NewBuildableClient().
			WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
			WithTimeout(attemptTimeout)),
		config.WithEC2IMDSClientEnableState(imds.ClientDisabled),
	)
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
