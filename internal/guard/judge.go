package guard

import (
	"encoding/json"
	"fmt"

	"s3-endpoint-guard/internal/iampolicy"
)

// Judge compares a live policy with the desired one. The probes are asked for only when the two differ: there are
// thousands of them, and most runs meet no drift.
func Judge(desired, live string, probes func() []iampolicy.Probe) iampolicy.Judgement {
	j := iampolicy.Judge([]byte(desired), []byte(live), nil)
	if j.Verdict == iampolicy.Same {
		return j
	}
	return iampolicy.Judge([]byte(desired), []byte(live), probes())
}

// Holds returns an error unless a desired policy denies every probe. A resource asks before it writes one: a document
// that is itself open can only come from a template gone wrong, and writing it would make matters worse.
//
// The policy is judged as a live one against itself with one more statement: they differ, so that the probes decide,
// and it names nobody whom the other does not name.
func Holds(desired string, probes []iampolicy.Probe) error {
	extended, err := extend(desired)
	if err != nil {
		return fmt.Errorf("the desired policy is not written: %w", err)
	}
	j := iampolicy.Judge(extended, []byte(desired), probes)
	if j.Verdict != iampolicy.Closed {
		return fmt.Errorf("the desired policy is not written, for it is itself open; correct the template: %s", j.Allowed)
	}
	return nil
}

// extend adds a statement to a policy that no other statement is like.
func extend(policy string) ([]byte, error) {
	var document map[string]json.RawMessage
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		return nil, err
	}
	var statements []json.RawMessage
	if json.Unmarshal(document["Statement"], &statements) != nil {
		statements = []json.RawMessage{document["Statement"]}
	}
	const more = `{"Sid":"NoOtherIsLikeThis","Effect":"Deny","Principal":"*","Action":"s3:NoSuchAction","Resource":"*"}`
	list, err := json.Marshal(append(statements, json.RawMessage(more)))
	if err != nil {
		return nil, err
	}
	document["Statement"] = list
	return json.Marshal(document)
}
