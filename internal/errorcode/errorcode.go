// Package errorcode tells AWS's error codes, on which the adapters branch.
package errorcode

import (
	"errors"

	"github.com/aws/smithy-go"
)

// Of is AWS's code of an error, e.g. "AccessDenied"; "" for an error that is not AWS's answer, and for nil.
func Of(err error) string {
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		return answer.ErrorCode()
	}
	return ""
}
