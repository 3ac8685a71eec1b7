package iampolicy

// Change is one statement that only one of two policies contains, or the Version or Id where these differ.
type Change struct {
	// Removed is true for a statement of the first document, false for one of the second.
	Removed bool `json:"removed"`
	// Sid is the statement's id, "" when it has none.
	Sid string `json:"sid,omitempty"`
	// Statement is the statement's canonical JSON, or {"Version":…} or {"Id":…}.
	Statement string `json:"statement"`
}

// Diff lists the statements that only one of the two policies contains: removed ones first, each group in the order of
// its document. It is empty exactly when the policies are [Equal].
func Diff(from, to *Policy) []Change {
	return append(from.changes(to, true), to.changes(from, false)...)
}

// changes lists what p contains and other does not.
func (p *Policy) changes(other *Policy, removed bool) []Change {
	var list []Change
	if p.version != other.version {
		list = append(list, Change{Removed: removed, Statement: `{"Version":` + quote(p.version) + `}`})
	}
	if p.id != other.id && p.id != "" {
		list = append(list, Change{Removed: removed, Statement: `{"Id":` + quote(p.id) + `}`})
	}
	seen := make(map[string]bool, len(p.statements)+len(other.statements))
	for _, s := range other.statements {
		seen[s.canonical] = true
	}
	for _, s := range p.statements {
		if !seen[s.canonical] {
			list = append(list, Change{Removed: removed, Sid: s.sid, Statement: s.canonical})
		}
		seen[s.canonical] = true
	}
	return list
}
