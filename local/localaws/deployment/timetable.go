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
// time keep the plan's order. A nested stack takes as long as its own timetable.
func (e *Engine) timetable(plan *samtemplate.Plan) (steps []step, took time.Duration, err error) {
	done := map[string]time.Duration{}
	for _, resource := range plan.OwnResources() { // a resource comes after those that it depends on
		begins := time.Duration(0)
		for _, id := range resource.DependsOn {
			begins = max(begins, done[id])
		}
		steps = append(steps, step{resource, begins})
		if e.Options.Takes != nil {
			takes, err := e.takes(plan, resource)
			if err != nil {
				return nil, 0, err
			}
			done[resource.LogicalID] = begins + takes
		}
		took = max(took, done[resource.LogicalID])
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.after, b.after) })
	return steps, took, nil
}

// takes returns how long the creation of a resource takes.
func (e *Engine) takes(plan *samtemplate.Plan, resource samtemplate.Resource) (time.Duration, error) {
	if resource.Type != nestedType {
		return e.Options.Takes(resource.Type), nil
	}
	inner, err := plan.Nested(resource.LogicalID, samtemplate.Invented(plan))
	if err != nil {
		return 0, err
	}
	_, took, err := e.timetable(inner)
	return took, err
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
