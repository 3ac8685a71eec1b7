package deployment

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// nestedType is the type of nested applications, which become nested stacks.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-stack.html
const nestedType = "AWS::Serverless::Application"

// nestedKind returns the kind of nestedType. It is not in [kinds], because it creates resources of those.
func nestedKind() kind {
	return kind{create: createNested, ignored: []string{"Location", "NotificationARNs", "Parameters", "Tags", "TimeoutInMinutes"}}
}

// createNested creates a nested stack with all its resources. If one of them cannot be created, the nested stack is
// CREATE_FAILED, and its parent's rollback deletes it.
func createNested(c *creation, _ properties) (made, error) {
	plan, err := c.stack.Plan().Nested(c.resource.LogicalID, c.stack)
	if err != nil {
		return made{}, err
	}
	if plan, err = c.unused(plan); err != nil {
		return made{}, err
	}
	o := plan.Options()
	inner := c.register(&Stack{engine: c.Engine, id: o.StackID, name: o.StackName, plan: plan, bootstraps: c.stack.bootstraps, parent: c.stack})
	c.stack.addNested(c.resource.LogicalID, inner)
	inner.enter("CREATE_IN_PROGRESS", "User Initiated")
	if err := inner.createAll(c.ctx); err != nil {
		inner.enter("CREATE_FAILED", err.Error())
		m := c.madeNested(inner, nil)
		m.failed = fmt.Errorf("embedded stack %s was not successfully created: %w", inner.id, err)
		return m, nil
	}
	outputs, err := inner.Outputs()
	if err == nil {
		inner.enter("CREATE_COMPLETE", "")
	}
	m := c.madeNested(inner, outputs)
	m.failed = err
	return m, nil
}

// unused returns the plan of a nested stack with an ARN that no stack had: AWS gives each stack its own, also one that is
// created anew in the same parent.
func (e *Engine) unused(plan *samtemplate.Plan) (*samtemplate.Plan, error) {
	o := plan.Options()
	for {
		if _, ok := e.CloudFormation.Stack(o.StackID); !ok {
			return plan.Named(o.StackName, o.StackID)
		}
		o.StackID = o.StackID[:strings.LastIndex(o.StackID, "/")+1] + uuid(o.StackID)
	}
}

// madeNested returns a nested stack as its parent's resource.
func (c *creation) madeNested(inner *Stack, outputs map[string]string) made {
	m := made{ref: inner.id, inner: inner, attributes: map[string]any{}}
	for name, value := range outputs {
		m.attributes["Outputs."+name] = value
	}
	m.remove = func() error { return inner.delete(c.stack.stays(nil)) }
	m.update = func(properties) (made, error) { return c.updateNested(inner) }
	return m
}

// updateNested updates a nested stack to its parent's plan. What the update replaced is removed when the parent cleans up.
func (c *creation) updateNested(inner *Stack) (made, error) {
	plan, err := c.stack.Plan().Nested(c.resource.LogicalID, c.stack)
	if err == nil {
		plan, err = plan.Named(inner.name, inner.id)
	}
	if err != nil {
		return made{}, err
	}
	inner.BeginUpdate()
	replaced, err := inner.apply(context.WithoutCancel(c.ctx), plan)
	if err != nil {
		inner.enter("UPDATE_FAILED", err.Error())
		return made{}, fmt.Errorf("embedded stack %s was not successfully updated: %w", inner.id, err)
	}
	outputs, err := inner.Outputs()
	if err != nil {
		return made{}, err
	}
	inner.BeginCleanUp()
	m := c.madeNested(inner, outputs)
	m.replaced = func() error {
		err := inner.cleanUp(plan, replaced)
		inner.EndCleanUp()
		return err
	}
	return m, nil
}

// abandonUpdates ends the updates of nested stacks whose parent's update failed.
func (s *Stack) abandonUpdates() {
	for _, r := range s.existingResources() {
		if r.inner != nil && r.inner.Status() == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" {
			r.inner.enter("UPDATE_FAILED", "Resource update cancelled")
		}
	}
}

// unchanged reports whether a nested stack has the template of its parent's plan. Any other resource is unchanged as far as
// its properties are.
func (s *Stack) unchanged(r *existing) bool {
	if r.inner == nil {
		return true
	}
	plan, err := s.Plan().Nested(r.LogicalID, s)
	return err == nil && plan.SameTemplate(r.inner.Plan())
}

// nested is a nested stack with its logical id in its parent.
type nested struct {
	logicalID string
	stack     *Stack
}

// addNested adds a nested stack. It stays in the list after it was deleted, because it may have left resources.
func (s *Stack) addNested(logicalID string, inner *Stack) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nested = slices.DeleteFunc(s.nested, func(n nested) bool { return n.logicalID == logicalID })
	s.nested = append(s.nested, nested{logicalID, inner})
}

// Nested returns the nested stack of a logical id; nil when there is none.
func (s *Stack) Nested(logicalID string) *Stack {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.nested {
		if n.logicalID == logicalID {
			return n.stack
		}
	}
	return nil
}

// Parent returns the stack that contains this one; nil for a stack that is not nested.
func (s *Stack) Parent() *Stack { return s.parent }

// LogicalID returns the logical id of a resource of the stack, or of one that is nested in it, by its physical id; "" when there is
// none.
func (s *Stack) LogicalID(physicalID string) string {
	for _, r := range s.existingResources() {
		if r.ref == physicalID {
			return r.LogicalID
		}
		if r.inner == nil {
			continue
		}
		if id := r.inner.LogicalID(physicalID); id != "" {
			return id
		}
	}
	return ""
}

// find returns a resource of the stack or of one that is nested in it; nil when there is none.
func (s *Stack) find(logicalID string) *existing {
	if r := s.resource(logicalID); r != nil {
		return r
	}
	s.mu.Lock()
	inner := slices.Clone(s.nested)
	s.mu.Unlock()
	for _, n := range inner {
		if r := n.stack.resource(logicalID); r != nil {
			return r
		}
	}
	return nil
}
