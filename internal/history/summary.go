package history

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Group is drift of one kind: the same property of the same resource, by the same actor, with the same verdict and statement.
type Group struct {
	Target   string            `json:"target"`
	Property string            `json:"property"`
	Verdict  iampolicy.Verdict `json:"verdict"`
	// Actor is who the event names that led to the first record; "" if a sweep found the drift first. Records of later sweeps belong to
	// the group of the latest actor.
	Actor string `json:"actor,omitempty"`
	// Statement is what differs from the desired state: a statement's Sid or text, an item's name.
	Statement string `json:"statement,omitempty"`
	// Allowed is what must be denied and is not, of the latest record.
	Allowed string `json:"allowed,omitempty"`
	// Changes is the number of events that led to a record; Records is the number of all records: one more each time that a sweep
	// finds the drift again. First and Last are the times of records.
	Changes int       `json:"changes"`
	Records int       `json:"records"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	// RequestID is the latest record's.
	RequestID string `json:"requestId"`
}

// key is what the records of a group have in common.
type key struct {
	target, property, actor, statement string
	verdict                            iampolicy.Verdict
}

// MaxGroups limits the memory of a [Summary].
const MaxGroups = 10000

// Summary groups what would have been corrected. Its zero value is ready for use.
type Summary struct {
	groups map[key]*Group
	// actors are the latest actors, by a key without actor.
	actors map[key]string
	// Left is the number of records that belong to no group, because there are [MaxGroups] others.
	Left int
}

// Add counts a record, if it is of drift that was observed only.
func (s *Summary) Add(e Entry) {
	if e.Outcome != guard.Observed {
		return
	}
	if s.groups == nil {
		s.groups, s.actors = map[key]*Group{}, map[key]string{}
	}
	k := key{e.Target, e.Resource, "", statement(e.Diff), e.Verdict}
	actor := cmp.Or(e.Who(), s.actors[k])
	if len(s.actors) < MaxGroups {
		s.actors[k] = actor
	}
	k.actor = actor
	g := s.groups[k]
	if g == nil {
		if len(s.groups) == MaxGroups {
			s.Left++
			return
		}
		g = &Group{Target: k.target, Property: k.property, Verdict: k.verdict, Actor: k.actor, Statement: k.statement, First: e.Time}
		s.groups[k] = g
	}
	g.Records++
	if e.Trigger.Kind == guard.Event {
		g.Changes++
	}
	if e.Time.Before(g.First) {
		g.First = e.Time
	}
	if !e.Time.Before(g.Last) {
		g.Last, g.Allowed, g.RequestID = e.Time, e.Allowed, e.RequestID
	}
}

// Groups returns the groups: open ones first, then by target, property and time.
func (s *Summary) Groups() []Group {
	list := make([]Group, 0, len(s.groups))
	for _, g := range s.groups {
		list = append(list, *g)
	}
	slices.SortFunc(list, func(a, b Group) int {
		return cmp.Or(openFirst(a, b), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Property, b.Property), a.First.Compare(b.First),
			cmp.Compare(a.Actor, b.Actor), cmp.Compare(a.Statement, b.Statement))
	})
	return list
}

// openFirst orders groups by verdict.
func openFirst(a, b Group) int {
	switch open := iampolicy.Open; {
	case a.Verdict == b.Verdict:
		return 0
	case a.Verdict == open:
		return -1
	case b.Verdict == open:
		return 1
	}
	return 0
}

// maxStatement is the maximum length of a group's statement, in bytes.
const maxStatement = 300

// statement names what differs: what is live and not desired or, if there is nothing of that, what is missing.
func statement(diff []guard.Difference) string {
	var added, missing []string
	for _, d := range diff {
		name := cmp.Or(d.Name, d.Value)
		if d.Removed {
			missing = append(missing, name)
		} else {
			added = append(added, name)
		}
	}
	text := strings.Join(added, ", ")
	if len(added) == 0 && len(missing) > 0 {
		text = "without " + strings.Join(missing, ", ")
	}
	if len(text) > maxStatement {
		text = strings.ToValidUTF8(text[:maxStatement], "") + " …"
	}
	return text
}
