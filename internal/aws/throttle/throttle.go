// Package throttle lets a limiter of calls know which requests AWS throttled.
//
// It is a middleware of the AWS SDK. The SDK makes a throttled request again by itself, so that the caller does not see it.
package throttle

import (
	"context"
	"time"

	"github.com/aws/smithy-go/middleware"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/pace"
)

// Note returns the option of a client that notes the outcome of each request, retries included.
func Note(limit *pace.Limiter) func(*middleware.Stack) error {
	note := middleware.FinalizeMiddlewareFunc("NoteThrottling",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			began := time.Now()
			out, metadata, err := next.HandleFinalize(ctx, in)
			limit.Note(began, errorcode.Throttled(err))
			return out, metadata, err
		})
	return func(stack *middleware.Stack) error { return stack.Finalize.Insert(note, "Retry", middleware.After) }
}
