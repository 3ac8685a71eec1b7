package remediate_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/smithy-go"
)

// as invokes the function with a request id. The retries of one event have the same id.
func (h *harness) as(t *testing.T, request, payload string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	_, err := h.Invoke(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: request}), []byte(payload))
	return err
}

func TestAFailureThatLastsFailsOneInvocationAnHour(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.bucket.err = &smithy.GenericAPIError{Code: "NoSuchBucket"}
		const sweep = `{"detail-type":"Scheduled Event"}`
		for attempt := range 3 {
			if h.as(t, "first", sweep) == nil {
				t.Errorf("attempt %d of the first event succeeded, want an error, so that it becomes a dead letter", attempt+1)
			}
		}
		failed := 0
		for minute := range 119 {
			time.Sleep(time.Minute)
			if h.as(t, time.Duration(minute).String(), sweep) != nil {
				failed++
			}
		}
		if failed != 1 {
			t.Errorf("%d of 119 later sweeps failed, want one, after an hour", failed)
		}
		if h.as(t, "by hand", `{}`) == nil {
			t.Error("a manual invocation succeeded, want the failure as an error")
		}
		if got := len(lines(t, h.log)); got < 123 {
			t.Errorf("%d lines, want one per run", got)
		}
		h.bucket.err = &smithy.GenericAPIError{Code: "InternalError"} // another failure
		if h.as(t, "another", sweep) == nil {
			t.Error("the first failure of another kind caused no error")
		}
	})
}

// The next sweep may come only after an hour (SweepSeconds), but Lambda retries a failed event within minutes.
func TestEveryEventThatLeavesSomethingOpenFails(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.bucket.refuses = &smithy.GenericAPIError{Code: "InternalError"}
		const event = `{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com"}}`
		for _, request := range []string{"first", "second", "third"} {
			if h.as(t, request, event) == nil {
				t.Errorf("the %s event left the bucket open and succeeded", request)
			}
		}
		if h.as(t, "sweep", `{"detail-type":"Scheduled Event"}`) != nil {
			t.Error("the next sweep failed with a known failure")
		}
		h.bucket.refuses = nil
		if err := h.as(t, "fourth", event); err != nil {
			t.Errorf("event after the failure ended: %v", err)
		}
	})
}
