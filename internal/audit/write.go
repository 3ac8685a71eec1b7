package audit

import (
	"encoding/json"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// write sets what would be written: what the lock lacks, beside the statements of the found policy that open nothing. With
// [Lock.Exact] it is the lock alone.
func (r *Result) write(j policyJudge, lock Lock) {
	if r.Verdict != Open && r.Verdict != Drifted || j.document.Unread != "" {
		return
	}
	document := j.desired
	if !j.exact {
		live, err := j.document.known()
		if err != nil {
			live = ""
		}
		merged, err := iampolicy.Merge([]byte(j.lock), []byte(j.desired), []byte(live), j.forbidden)
		if err != nil {
			return
		}
		document = merged
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

// compose returns a document with these statements.
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
