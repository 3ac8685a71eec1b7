package propagation_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/propagation"
)

var (
	errDenied = error(&smithy.GenericAPIError{Code: "AccessDenied"})
	errOther  = errors.New("other")
)

func TestADeniedCallIsRepeatedUntilItIsNoDelayAnyMore(t *testing.T) {
	for name, c := range map[string]struct {
		answers []error // the last one is repeated
		limit   time.Duration
		want    error
		calls   int
		took    time.Duration
	}{
		"allowed at once":       {[]error{nil}, propagation.Longest, nil, 1, 0},
		"allowed after a while": {[]error{errDenied, errDenied, nil}, propagation.Longest, nil, 3, 2 * propagation.Pause},
		"denied for good":       {[]error{errDenied}, propagation.Longest, errDenied, 41, propagation.Longest},
		"another failure":       {[]error{errDenied, errOther}, propagation.Longest, errOther, 2, propagation.Pause},
		"no time":               {[]error{errDenied}, propagation.Pause - 1, errDenied, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began, calls := time.Now(), 0
				err := propagation.WhileDenied(t.Context(), began.Add(c.limit), func() error {
					calls++
					return c.answers[min(calls, len(c.answers))-1]
				})
				if took := time.Since(began); !errors.Is(err, c.want) || calls != c.calls || took != c.took {
					t.Errorf("WhileDenied = %v after %d calls and %v, want %v after %d and %v", err, calls, took, c.want, c.calls, c.took)
				}
			})
		})
	}
}

func TestNothingIsRepeatedAfterTheContextHasEnded(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := 0
	if err := propagation.WhileDenied(ctx, time.Now().Add(propagation.Longest), func() error { calls++; return errDenied }); !errors.Is(err, errDenied) || calls != 1 {
		t.Errorf("WhileDenied = %v after %d calls, want the denial of the first", err, calls)
	}
}
