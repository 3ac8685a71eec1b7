// Package errorcode returns AWS's error codes, on which the adapters branch.
package errorcode

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Denied reports whether AWS refused a call because of missing permission, by the codes of S3, EC2 and the JSON
// protocols.
func Denied(err error) bool {
	switch Of(err) {
	case "AccessDenied", "UnauthorizedOperation", "AccessDeniedException":
		return true
	}
	return false
}

// ByResourcePolicy reports whether AWS says that a resource's own policy explicitly denied the call. AWS says so only
// for refusals within the account or organisation; false therefore means nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html#access-denied-message-examples
func ByResourcePolicy(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.Contains(answer.ErrorMessage(), "explicit deny in a resource-based policy")
}

// Throttled reports whether AWS refused a call because there were too many: by the SDK's list of codes, or by a status that S3 sends
// for that reason.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html
func Throttled(err error) bool {
	if _, ok := retry.DefaultThrottleErrorCodes[Of(err)]; ok {
		return true
	}
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	return ok && slices.Contains([]int{http.StatusServiceUnavailable, http.StatusTooManyRequests}, answer.HTTPStatusCode())
}

// Of returns AWS's code of an error, e.g. "AccessDenied"; "" for nil and for errors that are not AWS's responses.
func Of(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}

// Failure is a call that failed.
type Failure struct {
	// Permission is what the call needs, e.g. "s3:GetBucketPolicy".
	Permission string
	Err        error
}

// Needing adds to a call's error the permission that the call needs; nil stays nil.
func Needing(permission string, err error) error {
	if err == nil {
		return nil
	}
	return &Failure{permission, err}
}

// Missing reports whether the permission is missing.
func (f *Failure) Missing() bool { return Denied(f.Err) }

// Error implements [error].
func (f *Failure) Error() string {
	switch {
	case ByResourcePolicy(f.Err):
		return "the bucket's policy denies " + f.Permission
	case f.Missing():
		return "the permission " + f.Permission + " is missing"
	}
	return f.Permission + ": " + f.Err.Error()
}

// Unwrap returns the call's error.
func (f *Failure) Unwrap() error { return f.Err }

// RegionOf returns the bucket's Region from S3's answer, or "" if the answer has none. S3 sends the Region with
// redirects and also with refusals.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
func RegionOf(err error) string {
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && answer.Response != nil {
		return answer.Response.Header.Get("X-Amz-Bucket-Region")
	}
	return ""
}
