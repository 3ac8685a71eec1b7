package iampolicy

// Change is one statement that stands in only one of two policies, or the Version or Id where these differ.
type Change struct {
	// Removed is true for a statement of the first document, false for one of the second.
	Removed bool `json:"removed"`
	// Sid is the statement's id, "" when it has none.
	Sid string `json:"sid,omitempty"`
	// Statement is the statement's canonical JSON, or {"Version":…} or {"Id":…}.
	Statement string `json:"statement"`
}

// Diff lists the statements that stand in only one of the two policies, removed ones first, each in the order of its
// document. It is empty exactly when the policies are [Equal].
func Diff(from, to *Policy) []Change {
	return append(from.changes(to, true), to.changes(from, false)...)
}

// changes lists what stands in p and not in other.
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
