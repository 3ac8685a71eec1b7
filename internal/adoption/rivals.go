package adoption

import (
	"encoding/json"
	"fmt"
	"slices"

	"example.com/s3-endpoint-guard/internal/lock"
)

// GuardsPath is the hierarchy of SSM parameters in which each stack of guard.yaml says what it guards, under the stack's name.
const GuardsPath = "/s3-endpoint-guard/guards"

// Guard is a stack of guard.yaml as it describes itself.
type Guard struct {
	// Stack is its name.
	Stack string `json:"-"`
	lock.Parameters
	// Enforcement is Observe or Enforce.
	Enforcement string
}

// ParseGuard reads what the stack of that name says of itself.
func ParseGuard(stack, text string) (Guard, error) {
	g := Guard{Stack: stack}
	if err := json.Unmarshal([]byte(text), &g); err != nil {
		return Guard{}, fmt.Errorf("what the guard of stack %s says of itself: %w", stack, err)
	}
	return g, nil
}

// Rivals returns the reasons why a guard with that lock must not write to these buckets, and to its endpoints: another guard writes
// something else to them, so that the two would replace each other's policies without end. A guard that observes writes nothing.
//
// It compares what is there now. A bucket that is created later and matches the patterns of two guards is told as contested.
func Rivals(l lock.Lock, endpointPolicy string, buckets []string, others []Guard) []Reason {
	var reasons []Reason
	for _, other := range others {
		theirs, err := other.Lock(l.Partition, l.Region, l.Account)
		guarded, err2 := other.Selection()
		if err != nil || err2 != nil || other.Enforcement != "Enforce" {
			continue // its own adoption refuses what is wrong
		}
		for _, name := range buckets {
			if guarded.Matches(name) && l.BucketPolicy(name) != theirs.BucketPolicy(name) {
				reasons = append(reasons, Reason{About: name, Why: fmt.Sprintf("the guard of stack %s writes another lock to it: take it out of one of "+
					"the two stacks, give both the same parameters, or let one of them observe", other.Stack)})
			}
		}
		for _, id := range l.EndpointIDs {
			// A policy that is kept is the one that was found, which is the other guard's.
			if l.Keep || !slices.Contains(theirs.EndpointIDs, id) || !theirs.Keep && l.At(id, "").EndpointPolicy() == theirs.At(id, "").EndpointPolicy() {
				continue
			}
			reasons = append(reasons, Reason{About: id, Why: fmt.Sprintf("the guard of stack %s keeps its policy with EndpointPolicy=%s, and this one "+
				"would write its own with EndpointPolicy=%s: choose Keep here, or the same policy in both", other.Stack, other.EndpointPolicy, endpointPolicy)})
		}
	}
	return reasons
}
