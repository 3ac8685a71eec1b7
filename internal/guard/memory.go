package guard

import (
	"fmt"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// How long an open property is left to CloudFormation: for truceLimit after this process first found it open. A step of
// an update that changes a policy takes seconds, one that changes an endpoint a few minutes. An open property that lasts
// longer is unlikely to be such a step, and a caller who can keep the stack busy could keep it open as long. A wrong
// correction does little harm: the event that ends the update brings the new desired state.
//
// A new process does not know since when a property has been open. It waits no longer than until CloudFormation has been
// at work for busyLimit.
const (
	truceLimit = 5 * time.Minute
	busyLimit  = 20 * time.Minute
)

// Pauses between two writes of a property that may not be read back: from the first to the longest, each twice the one
// before. The sweep comes every minute or more often, and a role that has lost its right to read must not cause a write each time.
const (
	firstUnreadPause   = time.Minute
	longestUnreadPause = time.Hour
)

// memory is what the guard of one process knows of earlier runs. A new process knows nothing: it waits longer for
// CloudFormation, and less before it writes again what it may not read.
type memory struct {
	mu sync.Mutex
	// openings has each property that was found open.
	openings map[Key]opening
	// unread are the properties whose latest write could not be read back.
	unread map[Key]unreadWrite
	// unreached are the fleet's buckets that the last sweep did not read; swept is true after the first sweep.
	unreached map[string]bool
	swept     bool
}

// opening is when a property was found open, first and last. It does not end if the property is closed for less than
// [truceLimit]: an actor who closes it for a moment must not get a new truce.
type opening struct{ first, last time.Time }

// unreadWrite is a write whose effect could not be read back.
type unreadWrite struct {
	at    time.Time
	pause time.Duration
}

// note remembers which properties are open, and forgets the unread writes of those that could be read.
func (m *memory) note(findings []Finding, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.openings == nil {
		m.openings, m.unread = map[Key]opening{}, map[Key]unreadWrite{}
	}
	for _, f := range findings {
		if f.Unread == nil {
			delete(m.unread, f.Key())
		}
		if f.Verdict != iampolicy.Open {
			continue
		}
		o, known := m.openings[f.Key()]
		if !known || now.Sub(o.last) > truceLimit {
			o.first = now
		}
		o.last = now
		m.openings[f.Key()] = o
	}
}

// forgetOpenings forgets since when properties have been open, because no truce delays their correction.
func (m *memory) forgetOpenings(findings []Finding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range findings {
		delete(m.openings, f.Key())
	}
}

// wroteUnread remembers a write that could not be read back.
func (m *memory) wroteUnread(property Key, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	pause := min(max(firstUnreadPause, 2*m.unread[property].pause), longestUnreadPause)
	m.unread[property] = unreadWrite{now, pause}
}

// unreadUntil returns the time before which a property that may not be read is not written again; zero for none.
func (m *memory) unreadUntil(property Key) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.unread[property]
	return w.at.Add(w.pause)
}

// openFor returns how long a property has been open, as far as this process knows.
func (m *memory) openFor(property Key, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, open := m.openings[property]
	if !open {
		return 0
	}
	return now.Sub(o.first)
}

// truce divides the drifted findings into those left to CloudFormation and those corrected now. Closed drift is left as
// long as the stack is busy. All drift is left while the stack is deleted, because the guarded resources are deleted
// too. Open drift is left for [truceLimit] at most.
func (r *run) truce(standing StackState, drifted []Finding) (left, due []Finding) {
	if !standing.Busy {
		r.guard.memory.forgetOpenings(drifted)
		return nil, drifted
	}
	for _, f := range drifted {
		if r.overrules(standing, f) {
			due = append(due, f)
		} else {
			left = append(left, f)
		}
	}
	return left, due
}

// overrules reports whether a finding is corrected although CloudFormation is changing the stack.
func (r *run) overrules(standing StackState, f Finding) bool {
	if standing.Deleting || f.Verdict != iampolicy.Open {
		return false
	}
	now := r.guard.Now()
	long := !standing.Since.IsZero() && now.Sub(standing.Since) >= busyLimit
	return long || r.guard.memory.openFor(f.Key(), now) >= truceLimit
}

// resting returns records of the due properties that may not be read and whose latest write could not be read back,
// while their pause lasts, and the rest. An event of another caller ends the pause, and so does AWS's message that the
// bucket's policy hides the property. The event of the guard's own write never ends it, because each write would lead to
// the next.
func (r *run) resting(m Member, due []Finding) (records []Record, rest []Finding) {
	now := r.guard.Now()
	for _, f := range due {
		until := r.guard.memory.unreadUntil(f.Key())
		if f.Unread == nil || f.Hidden && !r.isEcho() || r.wokenByOthers() || !now.Before(until) {
			rest = append(rest, f)
			continue
		}
		err := fmt.Errorf("%w; it is written again after %s: %w", errUnread, until.UTC().Format(time.RFC3339), f.Unread)
		records = append(records, r.complete(r.record(m, f), err))
	}
	return records, rest
}

// wokenByOthers reports whether the event of another caller's call started the run.
func (r *run) wokenByOthers() bool { return r.trigger.Kind == Event && !r.isEcho() }

// isEcho reports whether an event started the run that names the guard's own role as its actor.
func (r *run) isEcho() bool {
	actor := r.trigger.Actor
	return r.trigger.Kind == Event && actor != nil && actor.IssuerARN == r.guard.Role
}
