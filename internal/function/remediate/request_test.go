package remediate_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// A message links to the log line of its record by the id of the invocation that made the record, also if a later
// invocation sends it.
func TestRecordsCarryTheirInvocationsID(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.mailbox.err = errors.New("InternalError")
		if _, err := h.invoke(t, nil); err == nil {
			t.Fatal("Invoke = nil although SNS fails, want an error")
		}
		h.mailbox.err = nil
		later := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r-2"})
		if _, err := h.Invoke(later, nil); err != nil {
			t.Fatal(err)
		}
		if len(h.mailbox.got) != 2 || h.mailbox.got[0].RequestID != "r-1" || h.mailbox.got[1].RequestID != "r-1" {
			t.Errorf("records %+v, want the one of the invocation r-1, published twice", h.mailbox.got)
		}
	})
}
