package deployment

import (
	"cmp"
	"context"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// step is a resource and the start of its creation, relative to that of the stack.
type step struct {
	resource samtemplate.Resource
	after    time.Duration
}

// timetable returns a plan's resources in order of creation, with their start times, and the total time. The creation of a
// resource starts when the last of those that it depends on is done ([Options.Takes]). Resources that start at the same
// time keep the plan's order.
func (e *Engine) timetable(plan *samtemplate.Plan) (steps []step, took time.Duration) {
	done := map[string]time.Duration{}
	for _, resource := range plan.Resources() { // a resource comes after those that it depends on
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

// tick is the maximum advance of the clock in one step, so that the work that it starts is done before alarms are
// evaluated.
const tick = 5 * time.Second

// elapse advances the clock until a time, and waits after each step until the work that it started is done.
func (e *Engine) elapse(ctx context.Context, until time.Time) error {
	for now := e.Clock.Now(); now.Before(until); now = e.Clock.Now() {
		e.Clock.Advance(min(until.Sub(now), tick))
		if err := e.quiesce(ctx); err != nil {
			return err
		}
	}
	return nil
}
