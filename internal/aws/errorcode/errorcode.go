// Package errorcode returns AWS's error codes, on which the adapters branch.
package errorcode

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
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

// Of returns AWS's code of an error, e.g. "AccessDenied"; "" for nil and for errors that are not AWS's responses.
func Of(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}
