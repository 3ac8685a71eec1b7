package throttle_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/throttle"
	"example.com/s3-endpoint-guard/internal/pace"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

// The limiter learns of a throttled request, also if the SDK makes it again and the caller sees no failure.
func TestTheLimiterLearnsOfEachThrottledRequest(t *testing.T) {
	for name, test := range map[string]struct {
		fault *api.Error
		want  int
	}{
		"SlowDown":                    {&api.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown"}, 4},
		"503 with another code":       {&api.Error{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable"}, 4},
		"429":                         {&api.Error{Status: http.StatusTooManyRequests, Code: "Busy"}, 4},
		"another failure of S3":       {&api.Error{Status: http.StatusInternalServerError, Code: "InternalError"}, 8},
		"a refusal":                   {&api.Error{Status: http.StatusForbidden, Code: "AccessDenied"}, 8},
		"RequestLimitExceeded of EC2": {&api.Error{Status: http.StatusServiceUnavailable, Code: "RequestLimitExceeded"}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			gate := localtest.Gate(t, api.Options{})
			store := locals3.New(gate.Options())
			gate.Add(store)
			if err := store.CreateBucket("data", ""); err != nil {
				t.Fatal(err)
			}
			limit := pace.New(8)
			config := localtest.Config(t, gate, localtest.Everything)
			config.Retryer = atOnce
			client := s3.NewFromConfig(config, func(o *s3.Options) { o.APIOptions = append(o.APIOptions, throttle.Note(limit)) })
			gate.Inject(api.Fault{Times: 1, Error: test.fault})
			_, err := client.GetPublicAccessBlock(t.Context(), &s3.GetPublicAccessBlockInput{Bucket: aws.String("data")})
			if refused := test.fault.Code == "AccessDenied"; (err != nil) != refused {
				t.Errorf("GetPublicAccessBlock: %v, want that the SDK makes the request again", err)
			}
			if got := limit.Limit(); got != test.want {
				t.Errorf("the limit is %d, want %d", got, test.want)
			}
		})
	}
}

// atOnce is the SDK's standard retryer without pauses.
func atOnce() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}
