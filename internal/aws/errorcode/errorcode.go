// Package errorcode tells AWS's error codes, on which the adapters branch.
package errorcode

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// Denied reports whether AWS refused a call for want of permission: S3's, EC2's and the JSON protocols' words for it.
func Denied(err error) bool {
	switch Of(err) {
	case "AccessDenied", "UnauthorizedOperation", "AccessDeniedException":
		return true
	}
	return false
}

// ByResourcePolicy reports whether AWS says that a resource's own policy denied the call explicitly. AWS adds that only to
// refusals within the account or organisation, so that false says nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html#access-denied-message-examples
func ByResourcePolicy(err error) bool {
	answer, ok := errors.AsType[smithy.APIError](err)
	return ok && strings.Contains(answer.ErrorMessage(), "explicit deny in a resource-based policy")
}

// Of is AWS's code of an error, e.g. "AccessDenied"; "" for an error that is not AWS's answer, and for nil.
func Of(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}
