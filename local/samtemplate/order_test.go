package samtemplate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// TestEachPlanHasTheOrderOfItsOwnConditions plans one template again and again: plans share the order of equal conditions only.
func TestEachPlanHasTheOrderOfItsOwnConditions(t *testing.T) {
	template, err := samtemplate.Parse([]byte(`
Parameters: {First: {Type: String}, With: {Type: String, Default: "yes"}}
Conditions: {AFirst: !Equals [!Ref First, A], HasC: !Equals [!Ref With, "yes"]}
Resources:
  A: {Type: T, Properties: {X: !If [AFirst, x, !Ref B]}}
  B: {Type: T, Properties: {X: !If [AFirst, !Ref A, x]}}
  C: {Type: T, Condition: HasC}
Outputs: {O: {Value: !If [AFirst, x, !Ref C]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for first, want := range map[string][]string{"A": {"A", "B", "C"}, "B": {"B", "A", "C"}} {
			p, err := template.Plan(samtemplate.Options{Parameters: map[string]string{"First": first}})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range p.Resources() {
				got = append(got, r.LogicalID)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("First=%s: order (-want +got):\n%s", first, diff)
			}
		}
		if _, err := template.Plan(samtemplate.Options{Parameters: map[string]string{"First": "B", "With": "no"}}); err == nil {
			t.Error("Plan = nil, want an error: an output names a resource that is not in the stack")
		}
	}
}
