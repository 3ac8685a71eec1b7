package audit

import (
	"encoding/json"
	"slices"
	"strings"

	"s3-endpoint-guard/internal/iampolicy"
)

// write sets what would be written: what the lock lacks, beside the statements of the found policy that open nothing. With
// [Lock.Exact] it is the lock alone.
func (r *Result) write(j policyJudge, lock Lock) {
	if r.Verdict != Open && r.Verdict != Drifted || j.document.Unread != "" {
		return
	}
	document := j.desired
	if !j.exact {
		document = j.compose()
	}
	to, err := iampolicy.Parse([]byte(document))
	if err != nil {
		return
	}
	w := &Write{Document: document, Diff: []iampolicy.Change{}}
	if from, err := iampolicy.Parse([]byte(j.document.Text)); err == nil {
		w.Diff = append(w.Diff, iampolicy.Diff(to, from)...)
	} else {
		for _, v := range to.Views() {
			w.Diff = append(w.Diff, iampolicy.Change{Removed: true, Sid: v.Title, Statement: v.Text})
		}
	}
	for i := range w.Diff {
		w.Diff[i].Statement = Readable(w.Diff[i].Statement)
	}
	if !j.ofEndpoint && len(lock.EndpointIDs)+len(lock.VPCIDs) == 0 {
		w.Incomplete = "the endpoint's id: " + inventedEndpoint + " stands for it"
	}
	r.Write = w
}

// compose returns the statements of the found policy that open nothing beside the lock, and the lock's statements that
// they do not replace. A found statement that has the Sid of one of the lock's is replaced by it.
func (j policyJudge) compose() string {
	lock := statementsIn(j.lock)
	sids := map[string]bool{}
	for _, s := range lock {
		sids[sidOf(s)] = true
	}
	variables := versionOf(j.document.Text) == "2012-10-17"
	var kept []json.RawMessage
	for _, s := range statementsIn(j.document.Text) {
		if sid := sidOf(s); sid != "" && sids[sid] || IsUnknown(string(s)) || !variables && strings.Contains(string(s), "${") {
			continue
		}
		if with := append(slices.Clone(kept), s); j.isClosed(with, lock) {
			kept = with
		}
	}
	for i := len(lock) - 1; i >= 0; i-- {
		if without := slices.Delete(slices.Clone(lock), i, i+1); j.isClosed(kept, without) {
			lock = without
		}
	}
	return compose(slices.Concat(kept, lock))
}

// isClosed reports whether a policy with these statements is as closed as the lock.
func (j policyJudge) isClosed(statements ...[]json.RawMessage) bool {
	all := slices.Concat(statements...)
	return len(all) > 0 && j.verdict(compose(all)).Verdict != iampolicy.Open
}

func sidOf(s json.RawMessage) string {
	var statement struct{ Sid string }
	if json.Unmarshal(s, &statement) != nil {
		return ""
	}
	return statement.Sid
}

// versionOf returns a document's Version: "${…}" is a variable only in version 2012-10-17.
func versionOf(document string) string {
	var policy struct{ Version string }
	if json.Unmarshal([]byte(document), &policy) != nil {
		return ""
	}
	return policy.Version
}

func compose(statements []json.RawMessage) string {
	text, err := encode(struct {
		Version   string
		Statement []json.RawMessage
	}{"2012-10-17", statements})
	if err != nil {
		return ""
	}
	return string(text)
}

// statementsIn returns the statements of a document; none if it is not a policy.
func statementsIn(document string) []json.RawMessage {
	var policy struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &policy) != nil || len(policy.Statement) == 0 {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(policy.Statement, &list) == nil {
		return list
	}
	return []json.RawMessage{policy.Statement}
}
