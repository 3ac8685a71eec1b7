package guard_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// lamp is a guarded resource with state: each of its properties should be "lit". It can return stale reads, fail calls
// by number, hang, and have its state changed by another caller in between.
type lamp struct {
	name       string
	properties []string

	mu sync.Mutex
	// state is what each property is; before is what it was before the latest write.
	state, before map[string]string
	// stale is how many inspections after a write still return the state before it.
	stale, staleLeft int
	// denied is why the state may not be read, and byPolicy whether AWS says that the resource's policy denies it.
	denied   error
	byPolicy bool
	// inspect and restore return the error of the n-th call (from 1), before it is made.
	inspect, restore func(n int) error
	// after is called after the n-th restoration, with the state, which it may change.
	after               func(n int, state map[string]string)
	inspections, writes int
	// written are the properties in the order of their writes.
	written []string
	// values are all values ever written.
	values []string
}

func newLamp(name string, states ...string) *lamp {
	l := &lamp{name: name, state: map[string]string{}}
	for i, s := range states {
		property := fmt.Sprintf("%s-%d", name, i+1)
		l.properties = append(l.properties, property)
		l.state[property] = s
	}
	return l
}

func (l *lamp) Name() string { return l.name }

func (l *lamp) Inspect(ctx context.Context) ([]guard.Finding, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inspections++
	if l.inspect != nil {
		if err := l.inspect(l.inspections); err != nil {
			return nil, fail(ctx, err)
		}
	}
	state := l.state
	if l.staleLeft > 0 {
		l.staleLeft--
		state = l.before
	}
	var findings []guard.Finding
	for _, p := range l.properties {
		f := finding(p, state[p])
		if l.denied != nil {
			f = guard.Finding{Property: p, Target: "lamp", Verdict: iampolicy.Open, Desired: "lit", Unread: l.denied, Hidden: l.byPolicy}
		}
		findings = append(findings, f)
	}
	return findings, nil
}

func (l *lamp) Restore(ctx context.Context, f guard.Finding) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	if l.restore != nil {
		if err := l.restore(l.writes); err != nil {
			return fail(ctx, err)
		}
	}
	l.before = map[string]string{}
	for p, s := range l.state {
		l.before[p] = s
	}
	l.state[f.Property] = f.Desired
	l.staleLeft = l.stale
	l.written, l.values = append(l.written, f.Property), append(l.values, f.Desired)
	if l.after != nil {
		l.after(l.writes, l.state)
	}
	return nil
}

// finding judges one property: "broken" lamps are open, all others that are not lit are closed.
func finding(property, state string) guard.Finding {
	f := guard.Finding{Property: property, Target: "lamp", Verdict: iampolicy.Closed, Live: state, Desired: "lit"}
	switch state {
	case "lit":
		f.Verdict = iampolicy.Same
	case "broken":
		f.Verdict, f.Allowed = iampolicy.Open, "anonymous s3:GetObject"
	}
	return f
}

// errHang makes a call hang until its context ends.
var errHang = errors.New("hang")

// fail returns the error of a call: at once, or, if it hangs, when its context ends.
func fail(ctx context.Context, err error) error {
	if err == errHang {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

// on fails the n-th call.
func on(n int, err error) func(int) error {
	return func(call int) error {
		if call == n {
			return err
		}
		return nil
	}
}

// always fails all calls.
func always(err error) func(int) error { return func(int) error { return err } }

// stack is our own stack, as the guard reads it.
type stack struct {
	status         string
	busy, deleting bool
	since          time.Time
	err            error
}

func (s *stack) standing(ctx context.Context) (guard.StackState, error) {
	if s.err != nil {
		return guard.StackState{}, fail(ctx, s.err)
	}
	return guard.StackState{Status: s.status, Busy: s.busy, Deleting: s.deleting, Since: s.since}, nil
}

// atRest returns a stack that is not being changed.
func atRest() *stack { return &stack{status: "CREATE_COMPLETE"} }

// newGuard guards resources.
func newGuard(s *stack, resources ...guard.Resource) *guard.Guard {
	return &guard.Guard{Members: []guard.Member{{Resources: resources}}, Stack: s.standing, Now: time.Now}
}

// manyDifferences is a lamp whose findings list a great many differences.
type manyDifferences struct{ *lamp }

func (m manyDifferences) Inspect(ctx context.Context) ([]guard.Finding, error) {
	findings, err := m.lamp.Inspect(ctx)
	for i := range findings {
		for range 10_000 {
			findings[i].Diff = append(findings[i].Diff, guard.Difference{Name: "sgr-0123456789abcdef0", Value: "sg-1: tcp 443-443 from 198.51.100.7/32"})
		}
	}
	return findings, err
}
