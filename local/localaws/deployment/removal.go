package deployment

import (
	"errors"
	"fmt"
	"slices"
)

// retained reports whether the template keeps a resource when its stack is deleted.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func retained(r *existing) bool {
	return r.DeletionPolicy == "Retain" || r.DeletionPolicy == "RetainExceptOnCreate"
}

// stays returns which resources remain when a stack is deleted, or its creation is rolled back: those that the template
// retains, and those that the caller does. It is also what remains of the stacks nested in it.
func (s *Stack) stays(retain []string) func(*existing) bool {
	rolledBack := s.Status() == "ROLLBACK_IN_PROGRESS"
	return func(r *existing) bool {
		if rolledBack {
			return r.DeletionPolicy == "Retain"
		}
		return retained(r) || slices.Contains(retain, r.LogicalID)
	}
}

// inRemovalOrder orders resources so that each comes before those that it depends on, and otherwise the last one first.
// The order of creation alone is not enough, because an update may make an old resource depend on a new one.
func inRemovalOrder(created []*existing) []*existing {
	byID := map[string]*existing{}
	for _, r := range created {
		byID[r.LogicalID] = r
	}
	var order []*existing
	var add func(*existing)
	add = func(r *existing) {
		if r == nil || slices.Contains(order, r) {
			return
		}
		for _, id := range r.DependsOn {
			add(byID[id])
		}
		order = append(order, r)
	}
	for _, r := range created {
		add(r)
	}
	slices.Reverse(order)
	return order
}

// removeAll removes the resources that do not stay, in the reverse order of their dependencies, and returns the logical
// ids of those that could not be removed. It does not try to remove the resources that those depend on.
func (s *Stack) removeAll(stays func(*existing) bool) (failed []string, err error) {
	var needed []string
	var errs []error
	for _, r := range inRemovalOrder(s.existingResources()) {
		if stays(r) {
			continue
		}
		if slices.Contains(needed, r.LogicalID) {
			needed = append(needed, r.DependsOn...)
			continue
		}
		if err := r.removeOne(); err != nil {
			r.status, r.reason = "DELETE_FAILED", err.Error()
			failed, needed = append(failed, r.LogicalID), append(needed, r.DependsOn...)
			errs = append(errs, fmt.Errorf("removing %s: %w", r.LogicalID, err))
			continue
		}
		s.drop(r)
	}
	return failed, errors.Join(errs...)
}

func (r *existing) removeOne() error {
	if r.remove == nil {
		return nil
	}
	return r.remove()
}
