package board

import (
	"slices"
	"time"
)

// Event is a management write as CloudTrail records it.
type Event struct {
	// ID is CloudTrail's event id; Name is the call, Actor who made it, Source the address.
	ID, Name, Actor, Source string
	// Rules are the enabled rules that match the event.
	Rules []string
	// Failed is the error code of a failed call, or "".
	Failed string
}

// Result is a line of the guard's log: what a run did about one property, or that it found no drift.
type Result struct {
	// EventID is the event that started the run; "" for a sweep and others, which Trigger names.
	EventID string `json:"-"`
	Trigger string `json:"-"`
	// Property is the property, "" if the run found no drift. Outcome is the line's message.
	Property string `json:"property"`
	Outcome  string `json:"outcome"`
	Verdict  string `json:"verdict"`
	// Allowed says why the verdict is open.
	Allowed string `json:"allowed"`
	// Removed and Added are the differences from the desired state.
	Removed []string `json:"removed"`
	Added   []string `json:"added"`
	Error   string   `json:"error"`
	// RunMs is from the run's start to the verified correction, in milliseconds.
	RunMs float64 `json:"runMs"`
	// SinceMs is from the event to this line. The board sets it.
	SinceMs float64 `json:"sinceMs"`
}

// entry is an event and what followed it.
type entry struct {
	Number int    `json:"number"`
	ID     string `json:"-"`
	Name   string `json:"name"`
	Actor  string `json:"actor"`
	Source string `json:"source"`
	Failed string `json:"failed"`
	At     millis `json:"at"`
	// Rules are those that match. Delivered is the time until the event was delivered, in milliseconds; negative if it was
	// not delivered yet.
	Rules     []string `json:"rules"`
	Delivered float64  `json:"delivered"`
	// Swept means that a run without an event dealt with it.
	Swept   bool     `json:"swept"`
	Results []Result `json:"results"`
	// answered is when the latest result was added.
	answered time.Time
}

// waits reports whether the event can still start a run.
func (e *entry) waits() bool { return len(e.Rules) > 0 && e.Delivered < 0 && !e.Swept }

// maxEntries is how many entries are kept.
const maxEntries = 20

// timeline are the latest entries, oldest first.
type timeline struct {
	entries []*entry
	count   int
}

// add adds an entry. If there are too many, the oldest one without a result is removed, or the oldest one.
func (t *timeline) add(e *entry) *entry {
	t.count++
	e.Number, e.At, e.Delivered = t.count, millisOf(time.Now()), -1
	t.entries = append(t.entries, e)
	if len(t.entries) > maxEntries {
		i := slices.IndexFunc(t.entries, func(e *entry) bool { return len(e.Results) == 0 })
		t.entries = slices.Delete(t.entries, max(i, 0), max(i, 0)+1)
	}
	return e
}

// find returns the entry of an event, or nil.
func (t *timeline) find(eventID string) *entry {
	for _, e := range slices.Backward(t.entries) {
		if eventID != "" && e.ID == eventID {
			return e
		}
	}
	return nil
}

// since is the time since an entry's event, in milliseconds.
func (e *entry) since() float64 { return float64(millisOf(time.Now()) - e.At) }

// Recorded adds an event to the timeline.
func (b *Board) Recorded(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timeline.add(&entry{ID: e.ID, Name: e.Name, Actor: e.Actor, Source: e.Source, Failed: e.Failed, Rules: e.Rules})
	b.advance(timelineSection)
}

// Delivered says that an event was delivered to the guard.
func (b *Board) Delivered(eventID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.timeline.find(eventID); e != nil && e.Delivered < 0 {
		e.Delivered = e.since()
		b.advance(timelineSection)
	}
}

// Logged adds a result to the entry of its event. The result of a run without an event goes to the latest entry that
// waits for its event, or to a new entry; it ends the waiting of all.
func (b *Board) Logged(r Result) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.timeline.find(r.EventID)
	if e == nil && r.Property == "" {
		return // a sweep that found nothing
	}
	if e == nil {
		e = b.timeline.unstarted(r)
	}
	r.SinceMs, e.answered = e.since(), time.Now()
	e.Results = append(e.Results, r)
	b.advance(timelineSection)
}

// unstarted returns the entry for the result of a run that no known event started.
func (t *timeline) unstarted(r Result) *entry {
	var latest *entry
	for _, e := range t.entries {
		if e.waits() {
			latest, e.Swept = e, true
		}
	}
	for _, e := range slices.Backward(t.entries) {
		if latest == nil && e.Swept && time.Since(e.answered) < sameRun {
			latest = e
		}
	}
	if latest == nil {
		latest = t.add(&entry{Name: r.Trigger, Swept: true})
	}
	return latest
}

// sameRun is the time within which two results without an event belong to one run.
const sameRun = 3 * time.Second
