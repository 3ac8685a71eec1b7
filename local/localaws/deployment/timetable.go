package deployment

import (
	"cmp"
	"context"
	"slices"
	"time"

	"s3-endpoint-guard/local/samtemplate"
)

// step is a resource and when its creation begins, counted from the stack's.
type step struct {
	resource samtemplate.Resource
	after    time.Duration
}

// timetable is in which order, and when, a plan's resources are created, and how long all of it takes. A resource begins
// when the last of those that it depends on is done ([Options.Takes]); those that begin together keep the plan's order.
func (e *Engine) timetable(plan *samtemplate.Plan) (steps []step, took time.Duration) {
	done := map[string]time.Duration{}
	for _, resource := range plan.Resources() { // those that it depends on come before it
		begins := time.Duration(0)
		for _, id := range resource.DependsOn {
			begins = max(begins, done[id])
		}
		steps = append(steps, step{resource, begins})
		if e.Options.Takes != nil {
			done[resource.LogicalID] = begins + e.Options.Takes(resource.Type)
		}
		took = max(took, done[resource.LogicalID])
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.after, b.after) })
	return steps, took
}

// tick is the longest that the clock is advanced at once, so that what it wakes is done before alarms are evaluated.
const tick = 5 * time.Second

// elapse advances the clock until a time and lets what it wakes come to rest.
func (e *Engine) elapse(ctx context.Context, until time.Time) error {
	for now := e.Clock.Now(); now.Before(until); now = e.Clock.Now() {
		e.Clock.Advance(min(until.Sub(now), tick))
		if err := e.quiesce(ctx); err != nil {
			return err
		}
	}
	return nil
}
