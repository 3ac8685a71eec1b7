package s3versions

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
)

// pauses draws 1,000 pauses after the same failures. It returns the shortest, the longest, and how many are different.
func pauses(t *testing.T, draw func() (time.Duration, error)) (shortest, longest time.Duration, different int) {
	t.Helper()
	drawn := map[time.Duration]bool{}
	shortest = time.Hour
	for range 1000 {
		pause, err := draw()
		if err != nil {
			t.Fatal(err)
		}
		drawn[pause] = true
		shortest, longest = min(shortest, pause), max(longest, pause)
	}
	return shortest, longest, len(drawn)
}

// 48 requests are in flight at a time. Those that failed together must not be retried together.
func TestPausesAreRandomAndBounded(t *testing.T) {
	store := New(s3.New(s3.Options{Retryer: awsconfig.Retryer()}), "docs", "").(*s3Store)
	for _, code := range []string{"InternalError", "OperationAborted"} {
		for attempt := 1; attempt <= 11; attempt++ {
			_, longest, different := pauses(t, func() (time.Duration, error) {
				return store.retryer.RetryDelay(attempt, &smithy.GenericAPIError{Code: code})
			})
			if longest > 500*time.Millisecond || different < 900 {
				t.Errorf("after %d times %s: pauses up to %v, %d of 1000 different, want at most 500 ms and nearly all", attempt, code, longest, different)
			}
			if attempt == 1 && longest > 60*time.Millisecond {
				t.Errorf("after the first %s: pauses up to %v, want those of the client, up to 50 ms", code, longest)
			}
		}
	}
}
