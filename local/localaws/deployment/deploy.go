package deployment

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// Deploy creates the resources of a plan, in its order, as CloudFormation does. bootstraps returns the path of the built
// bootstrap of a function by its logical id. If a resource cannot be created, Deploy removes those before it, the stack
// ends as ROLLBACK_COMPLETE, and the error contains the logical id and the reason. Then Deploy returns the stack, too, which can only be
// deleted, and has to be before another one gets its name.
func (e *Engine) Deploy(ctx context.Context, plan *samtemplate.Plan, bootstraps func(logicalID string) (path string, err error)) (*Stack, error) {
	options := plan.Options()
	if err := e.fits(options); err != nil {
		return nil, fmt.Errorf("deploying %s: %w", options.StackName, err)
	}
	s := e.register(&Stack{engine: e, id: options.StackID, name: options.StackName, plan: plan, bootstraps: bootstraps})
	s.enter("CREATE_IN_PROGRESS", "User Initiated")
	if err := s.createAll(ctx); err != nil {
		return s, s.rollBack(fmt.Errorf("deploying %s: %w", s.name, err))
	}
	s.enter("CREATE_COMPLETE", "")
	return s, nil
}

// createAll creates the resources of the stack's plan, until one of them cannot be created.
func (s *Stack) createAll(ctx context.Context) error {
	steps, took, err := s.engine.timetable(s.Plan())
	if err != nil {
		return err
	}
	began := s.engine.Clock.Now()
	for _, next := range steps {
		if err := errors.Join(s.engine.elapse(ctx, began.Add(next.after)), s.create(ctx, next.resource)); err != nil {
			return fmt.Errorf("creating %s: %w", next.resource.LogicalID, err)
		}
	}
	return s.engine.elapse(ctx, began.Add(took))
}

// fits returns an error if a plan is for another account, Region or partition, or if its stack exists.
func (e *Engine) fits(o samtemplate.Options) error {
	base := e.Gate.Options()
	if o.AccountID != base.Account || o.Region != base.Region || o.Partition != base.Partition {
		return fmt.Errorf("the plan is for account %s in %s (%s), this is %s in %s (%s)",
			o.AccountID, o.Region, o.Partition, base.Account, base.Region, base.Partition)
	}
	if before, ok := e.CloudFormation.Stack(o.StackName); ok && before.Status != "DELETE_COMPLETE" {
		return fmt.Errorf("stack [%s] already exists", o.StackName)
	}
	if before, ok := e.CloudFormation.Stack(o.StackID); ok && before.Status == "DELETE_COMPLETE" {
		return fmt.Errorf("the plan has the id of a stack that was deleted, and AWS gives each stack its own: %s", o.StackID)
	}
	return nil
}

// create creates one resource.
func (s *Stack) create(ctx context.Context, resource samtemplate.Resource) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	values, err := s.Plan().Properties(resource.LogicalID, s)
	if err != nil {
		return err
	}
	m, err := (&creation{Engine: s.engine, stack: s, resource: resource, ctx: ctx}).create(newProperties(values))
	if m.ref != "" {
		s.add(&existing{Resource: resource, made: m, properties: values})
	}
	return err
}

// rollBack removes the created resources, and returns the cause.
func (s *Stack) rollBack(cause error) error {
	s.enter("ROLLBACK_IN_PROGRESS", cause.Error())
	if failed, err := s.removeAll(s.stays(nil)); err != nil {
		s.enter("ROLLBACK_FAILED", failedToDelete(failed))
		return errors.Join(cause, fmt.Errorf("rolling back: %w", err))
	}
	s.enter("ROLLBACK_COMPLETE", "")
	return cause
}

// failedToDelete returns CloudFormation's status reason for resources that could not be deleted.
func failedToDelete(logicalIDs []string) string {
	return fmt.Sprintf("The following resource(s) failed to delete: [%s]. ", strings.Join(logicalIDs, ", "))
}

// Update changes the stack to another plan of the same template: it creates new resources and updates changed ones in
// place, then deletes those that are not in the plan or were replaced, and moves from UPDATE_IN_PROGRESS to
// UPDATE_COMPLETE. If a resource cannot be changed, the error contains its logical id, and the stack is UPDATE_FAILED and
// keeps the changes made before. A failed cleanup is also an error, although the update is complete, as in CloudFormation.
func (s *Stack) Update(ctx context.Context, plan *samtemplate.Plan) error {
	s.BeginUpdate()
	replaced, err := s.apply(ctx, plan)
	if err != nil {
		s.abandonUpdates()
		s.enter("UPDATE_FAILED", err.Error())
		return fmt.Errorf("updating %s: %w", s.name, err)
	}
	s.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
	err = s.cleanUp(plan, replaced)
	s.enter("UPDATE_COMPLETE", "")
	if err != nil {
		return fmt.Errorf("cleaning up after an update of %s: %w", s.name, err)
	}
	return nil
}

// BeginUpdate puts the stack into UPDATE_IN_PROGRESS.
func (s *Stack) BeginUpdate() { s.enter("UPDATE_IN_PROGRESS", "User Initiated") }

// CompleteUpdate ends an update: it begins to clean up, as CloudFormation does, and completes.
func (s *Stack) CompleteUpdate() {
	s.BeginCleanUp()
	s.EndCleanUp()
}

// BeginCleanUp puts the stack into UPDATE_COMPLETE_CLEANUP_IN_PROGRESS.
func (s *Stack) BeginCleanUp() { s.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "") }

// EndCleanUp puts the stack into UPDATE_COMPLETE.
func (s *Stack) EndCleanUp() { s.enter("UPDATE_COMPLETE", "") }

// apply changes the stack's resources to those of a plan, and returns the functions that remove the replaced ones.
func (s *Stack) apply(ctx context.Context, plan *samtemplate.Plan) (replaced []func() error, err error) {
	s.mu.Lock()
	s.plan = plan
	s.mu.Unlock()
	for _, resource := range plan.OwnResources() {
		removeOld, err := s.follow(ctx, resource)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", resource.LogicalID, err)
		}
		if removeOld != nil {
			replaced = append(replaced, removeOld)
		}
	}
	return replaced, nil
}

// cleanUp removes the resources that an update replaced, and those that are not in its plan.
func (s *Stack) cleanUp(plan *samtemplate.Plan, replaced []func() error) error {
	var errs []error
	for _, removeOld := range slices.Backward(replaced) {
		errs = append(errs, removeOld())
	}
	stays := func(r *existing) bool {
		return slices.ContainsFunc(plan.OwnResources(), func(p samtemplate.Resource) bool { return p.LogicalID == r.LogicalID })
	}
	_, err := s.removeAll(stays)
	return errors.Join(append(errs, err)...)
}

// follow creates or updates one resource if necessary. removeOld removes the one that it replaced; nil if there is none.
func (s *Stack) follow(ctx context.Context, resource samtemplate.Resource) (removeOld func() error, err error) {
	live := s.resource(resource.LogicalID)
	if live == nil {
		return nil, s.create(ctx, resource)
	}
	values, err := s.Plan().Properties(resource.LogicalID, s)
	if err != nil || reflect.DeepEqual(values, live.properties) && s.unchanged(live) {
		return nil, err
	}
	if live.update == nil {
		return nil, fmt.Errorf("the local AWS cannot update a %s", live.Type)
	}
	p := newProperties(values)
	m, err := live.update(p)
	if err != nil {
		return nil, err
	}
	s.replace(live, &existing{Resource: resource, made: m, properties: values})
	k, _ := kindOf(live.Type)
	return m.replaced, p.check(k.ignored)
}

// Delete removes the stack's resources in reverse order, except those that the template retains. If a resource cannot be
// removed, it remains with all those that it depends on. The stack is then DELETE_FAILED, and Delete may be called again,
// with resources to retain (RetainResources of DeleteStack).
func (s *Stack) Delete(_ context.Context, retain ...string) error {
	if s.Status() != "DELETE_FAILED" && len(retain) > 0 {
		return fmt.Errorf("deleting %s: resources can be retained only of a stack that is DELETE_FAILED", s.name)
	}
	return s.delete(s.stays(retain))
}

// delete removes the stack's resources that do not stay.
func (s *Stack) delete(stays func(*existing) bool) error {
	for _, r := range s.existingResources() {
		r.status, r.reason = "", ""
	}
	s.enter("DELETE_IN_PROGRESS", "User Initiated")
	failed, err := s.removeAll(stays)
	if err != nil {
		s.enter("DELETE_FAILED", failedToDelete(failed))
		return fmt.Errorf("deleting %s: %w", s.name, err)
	}
	s.enter("DELETE_COMPLETE", "")
	return nil
}
