package cfnresponse

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	statusSuccess = "SUCCESS"
	statusFailed  = "FAILED"

	// sizeLimit is one more than the maximum size in bytes of an answer that this package sends. CloudFormation accepts
	// 4,096.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
	sizeLimit = 4096
	// idLimit is the maximum size in bytes of a physical resource id.
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html
	idLimit = 1024
	// truncationMark ends a Reason that was too long.
	truncationMark = "…"
)

// answer is the answer to CloudFormation.
type answer struct {
	Status             string
	Reason             string            `json:",omitempty"`
	PhysicalResourceID string            `json:"PhysicalResourceId"`
	StackID            string            `json:"StackId"`
	RequestID          string            `json:"RequestId"`
	LogicalResourceID  string            `json:"LogicalResourceId"`
	Data               map[string]string `json:",omitempty"`

	handedOver bool
}

// failed makes the answer a failure because of err.
func (a *answer) failed(err error) {
	a.Status, a.Reason, a.Data = statusFailed, err.Error(), nil
	if a.Reason == "" {
		a.Reason = "failed without a reason" // CloudFormation requires one with FAILED.
	}
}

// about copies the request's ids to the answer.
func (a *answer) about(request Request, physicalID string) {
	a.PhysicalResourceID = truncate(physicalID, idLimit, plainSize, "")
	a.StackID, a.RequestID, a.LogicalResourceID = request.StackID, request.RequestID, request.LogicalResourceID
}

// encode writes the answer so that it fits into the limit. If the data do not fit, the answer becomes a failure,
// because partial data would be wrong. A Reason that is too long is cut at a character boundary.
func (a answer) encode() ([]byte, error) {
	body, err := marshal(a)
	if err != nil {
		return nil, err
	}
	if len(body) >= sizeLimit && len(a.Data) > 0 {
		a.failed(fmt.Errorf("the answer's data takes %d bytes, CloudFormation accepts %d in all", len(body), sizeLimit))
	}
	reason := strings.ToValidUTF8(a.Reason, "\uFFFD")
	a.Reason = ""
	bare, err := marshal(a)
	if err != nil || reason == "" {
		return bare, err
	}
	room := sizeLimit - 1 - len(bare) - len(`"Reason":"",`)
	a.Reason = truncate(reason, room, jsonSize, truncationMark)
	return marshal(a)
}

// marshal writes v as JSON without HTML escapes, which would need more space.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// truncate shortens s at a character boundary so that its size is at most room, and ends it with mark if it was cut.
func truncate(s string, room int, size func(string) int, mark string) string {
	if size(s) <= room {
		return s
	}
	room -= size(mark)
	used := 0
	for i := 0; i < len(s); {
		_, width := utf8.DecodeRuneInString(s[i:])
		if used += size(s[i : i+width]); used > room {
			return s[:i] + mark
		}
		i += width
	}
	return s
}

func plainSize(s string) int { return len(s) }

// jsonSize returns the size of s in bytes inside a JSON string.
func jsonSize(s string) int {
	body, err := marshal(s)
	if err != nil {
		return len(s)
	}
	return len(body) - len(`""`)
}
