package healthcheck

import (
	"context"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/health"
)

// Checks are the checks of a snapshot. Each makes its own calls. A check that is nil is left out.
type Checks struct {
	Endpoints    func(context.Context) ([]health.EndpointState, error)
	Endpoint     func(context.Context) (health.Endpoint, error)
	Interfaces   func(context.Context) ([]health.Interface, error)
	GroupRules   func(context.Context) (guard.Finding, error)
	Routing      func(context.Context) (health.Routing, error)
	BucketPolicy func(context.Context) (guard.Finding, error)
	PublicAccess func(context.Context) (guard.Finding, error)
	Ownership    func(context.Context) (guard.Finding, error)
	Public       func(context.Context) (bool, error)
	Answer       func(context.Context) (string, error)
	Trails       func(context.Context) ([]health.CloudTrail, error)
	Rules        func(context.Context) ([]health.Rule, error)
	Sweeps       func(context.Context, time.Time) (health.SweepCount, error)
	Role         func(context.Context) ([]health.Document, error)
	Traffic      func(context.Context, time.Time) (health.Volume, error)
	Exits        func(context.Context, time.Time) ([]health.Exit, error)
	Network      func(context.Context, time.Time) (health.Network, error)
	Deployment   func(context.Context, time.Time) (health.Deployment, error)
	AccessPoints func(context.Context, time.Time) ([]string, error)

	// forget makes the watched checks due.
	forget []func()
}

// Anew makes the next run make the watched checks, which are otherwise made less often.
func (c Checks) Anew() {
	for _, forget := range c.forget {
		forget()
	}
}

// Read makes all checks concurrently. A check that hangs ends with the context; the others have ended long before.
func (c Checks) Read(ctx context.Context, now time.Time) health.Snapshot {
	s := health.Snapshot{Time: now}
	var checks sync.WaitGroup
	read(ctx, &checks, c.Endpoints, &s.Endpoints)
	read(ctx, &checks, c.Endpoint, &s.Endpoint)
	read(ctx, &checks, c.Interfaces, &s.Interfaces)
	read(ctx, &checks, c.GroupRules, &s.GroupRules)
	read(ctx, &checks, c.Routing, &s.Routing)
	read(ctx, &checks, c.BucketPolicy, &s.BucketPolicy)
	read(ctx, &checks, c.PublicAccess, &s.PublicAccess)
	read(ctx, &checks, c.Ownership, &s.Ownership)
	read(ctx, &checks, c.Public, &s.Public)
	read(ctx, &checks, c.Answer, &s.Answer)
	read(ctx, &checks, c.Trails, &s.Trails)
	read(ctx, &checks, c.Rules, &s.Rules)
	read(ctx, &checks, at(now, c.Sweeps), &s.Sweeps)
	read(ctx, &checks, c.Role, &s.Role)
	read(ctx, &checks, at(now, c.Traffic), &s.Traffic)
	read(ctx, &checks, at(now, c.Exits), &s.Exits)
	read(ctx, &checks, at(now, c.Network), &s.Network)
	read(ctx, &checks, at(now, c.Deployment), &s.Deployment)
	read(ctx, &checks, at(now, c.AccessPoints), &s.AccessPoints)
	checks.Wait()
	return s
}

// read starts one check.
func read[T any](ctx context.Context, checks *sync.WaitGroup, check func(context.Context) (T, error), into *health.Reading[T]) {
	if check != nil {
		checks.Go(func() { into.Value, into.Err = check(ctx) })
	}
}

// at returns a check with a fixed time.
func at[T any](now time.Time, check func(context.Context, time.Time) (T, error)) func(context.Context) (T, error) {
	if check == nil {
		return nil
	}
	return func(ctx context.Context) (T, error) { return check(ctx, now) }
}

// property checks the only property of a resource. If it may not be read, the check fails. Only the guard, which can
// write the property, treats it as open.
func property(r guard.Resource) func(context.Context) (guard.Finding, error) {
	return func(ctx context.Context) (guard.Finding, error) {
		findings, err := r.Inspect(ctx)
		if err != nil {
			return guard.Finding{}, err
		}
		return findings[0], findings[0].Unread
	}
}

// seldom makes a check at most once per interval; in between it returns the latest result. Failures are not kept.
type seldom[T any] struct {
	every time.Duration
	check func(context.Context, time.Time) (T, error)

	mu     sync.Mutex
	latest T
	made   time.Time
}

// sparingly makes a check at most once per interval.
func sparingly[T any](every time.Duration, check func(context.Context, time.Time) (T, error)) func(context.Context, time.Time) (T, error) {
	return (&seldom[T]{every: every, check: check}).read
}

// Watched makes a check at most once per interval, and anew after [Checks.Anew].
func Watched[T any](c *Checks, every time.Duration, check func(context.Context) (T, error)) func(context.Context, time.Time) (T, error) {
	s := &seldom[T]{every: every, check: func(ctx context.Context, _ time.Time) (T, error) { return check(ctx) }}
	c.forget = append(c.forget, s.forget)
	return s.read
}

// read makes the check, or returns the latest result.
func (s *seldom[T]) read(ctx context.Context, now time.Time) (T, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.made.IsZero() && now.Sub(s.made) < s.every {
		return s.latest, nil
	}
	value, err := s.check(ctx, now)
	if err == nil {
		s.latest, s.made = value, now
	}
	return value, err
}

// forget makes the next read a new check.
func (s *seldom[T]) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made = time.Time{}
}
