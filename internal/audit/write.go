package audit

import "example.com/s3-endpoint-guard/internal/iampolicy"

// write sets the document that would be written instead of the one that was found; "" if none would.
func (r *Result) write(found Document, document string) {
	to, err := iampolicy.Parse([]byte(document))
	if err != nil {
		return
	}
	w := &Write{Document: document, Diff: []iampolicy.Change{}}
	if from, err := iampolicy.Parse([]byte(found.Text)); err == nil {
		w.Diff = append(w.Diff, iampolicy.Diff(to, from)...)
	} else {
		for _, v := range to.Views() {
			w.Diff = append(w.Diff, iampolicy.Change{Removed: true, Sid: v.Title, Statement: v.Text})
		}
	}
	for i := range w.Diff {
		w.Diff[i].Statement = Readable(w.Diff[i].Statement)
	}
	r.Write = w
}
