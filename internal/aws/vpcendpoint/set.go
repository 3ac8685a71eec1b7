package vpcendpoint

import (
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// set compares two sets of ids. Drift is closed; the caller may change that.
func (e *Endpoint) set(property string, desired, live []string) guard.Finding {
	finding := guard.Finding{
		Property: property, Target: e.ID, Verdict: iampolicy.Same,
		Live: guard.Compact(sorted(live)), Desired: guard.Compact(sorted(desired)),
		Diff: compare(desired, live),
	}
	if len(finding.Diff) > 0 {
		finding.Verdict = iampolicy.Closed
	}
	return finding
}

// extraIsOpen makes drift open if there are extra items.
func extraIsOpen(f guard.Finding, allowed string) guard.Finding {
	if _, extra := changes(f); len(extra) > 0 {
		f.Verdict = iampolicy.Open
		f.Allowed = fmt.Sprintf(allowed, strings.Join(extra, ", "))
	}
	return f
}

// compare lists the missing items, then the extra ones.
func compare(desired, live []string) []guard.Difference {
	var diff []guard.Difference
	for _, id := range sorted(desired) {
		if !slices.Contains(live, id) {
			diff = append(diff, guard.Difference{Removed: true, Value: id})
		}
	}
	for _, id := range sorted(live) {
		if !slices.Contains(desired, id) {
			diff = append(diff, guard.Difference{Value: id})
		}
	}
	return diff
}

// changes returns the items that Restore must add and remove.
func changes(f guard.Finding) (add, remove []string) {
	for _, d := range f.Diff {
		if d.Removed {
			add = append(add, d.Value)
		} else {
			remove = append(remove, d.Value)
		}
	}
	return add, remove
}

// sorted returns a sorted set, never nil, so that it always encodes as the same JSON list.
func sorted(ids []string) []string {
	return slices.Compact(append([]string{}, slices.Sorted(slices.Values(ids))...))
}
