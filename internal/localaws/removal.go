package localaws

import (
	"errors"
	"fmt"
	"slices"
)

// retained says whether the template keeps a resource when its stack is deleted.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
func retained(r *existing) bool {
	return r.DeletionPolicy == "Retain" || r.DeletionPolicy == "RetainExceptOnCreate"
}

// removeAll removes the resources that do not stay, last one first, and returns the logical ids of those that could
// not be removed. What a resource depends on that could not be removed is not tried.
func (s *Stack) removeAll(stays func(*existing) bool) (failed []string, err error) {
	var needed []string
	var errs []error
	resources := s.existingResources()
	slices.Reverse(resources)
	for _, r := range resources {
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
