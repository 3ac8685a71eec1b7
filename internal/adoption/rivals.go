package adoption

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/selection"
)

// GuardsPath is the hierarchy of SSM parameters in which each guard says what it guards, under the name of its stack: of guard.yaml, or
// of template.yaml, which contains it.
const GuardsPath = "/s3-endpoint-guard/guards"

// Guard is a guard as its stack describes it.
type Guard struct {
	// Stack is the stack's name.
	Stack string `json:"-"`
	// Template is the template that contains guard.yaml in that stack, and says itself what the policies of its bucket and endpoint are;
	// "" for a stack of guard.yaml, whose lock the parameters describe.
	Template string
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
		guarded, err := other.Selection()
		switch {
		case err != nil || other.Enforcement != "Enforce": // its own adoption refuses what is wrong
		case other.Template != "":
			reasons = append(reasons, other.againstTemplate(l, guarded, buckets)...)
		default:
			reasons = append(reasons, other.againstLock(l, guarded, endpointPolicy, buckets)...)
		}
	}
	return reasons
}

// againstTemplate returns the reasons against a lock beside a guard that restores whole policies, none of which holds the lock.
func (g Guard) againstTemplate(l lock.Lock, guarded selection.Selection, buckets []string) []Reason {
	var reasons []Reason
	for _, name := range buckets {
		if guarded.Matches(name) {
			reasons = append(reasons, Reason{About: name, Why: fmt.Sprintf("the guard of stack %s restores the whole policy of its %s there: "+
				"take it out of BucketNames, or put it into ExcludedBucketNames", g.Stack, g.Template)})
		}
	}
	for _, id := range l.EndpointIDs {
		if !l.Keep && slices.Contains(strings.Split(g.VPCEndpointIDs, ","), id) {
			reasons = append(reasons, Reason{About: id, Why: fmt.Sprintf("the guard of stack %s restores the policy of its %s there: "+
				"take it out of VpcEndpointIds, or choose Keep for EndpointPolicy", g.Stack, g.Template)})
		}
	}
	return reasons
}

// againstLock returns the reasons against a lock beside another one.
func (g Guard) againstLock(l lock.Lock, guarded selection.Selection, endpointPolicy string, buckets []string) []Reason {
	theirs, err := g.Lock(l.Partition, l.Region, l.Account)
	if err != nil {
		return nil // its own adoption refuses what is wrong
	}
	var reasons []Reason
	for _, name := range buckets {
		if guarded.Matches(name) && l.BucketPolicy(name) != theirs.BucketPolicy(name) {
			reasons = append(reasons, Reason{About: name, Why: fmt.Sprintf("the guard of stack %s writes another lock to it: take it out of one of "+
				"the two stacks, give both the same parameters, or let one of them observe", g.Stack)})
		}
	}
	for _, id := range l.EndpointIDs {
		// A policy that is kept is the one that was found, which is the other guard's.
		if l.Keep || !slices.Contains(theirs.EndpointIDs, id) || !theirs.Keep && l.At(id, "").EndpointPolicy() == theirs.At(id, "").EndpointPolicy() {
			continue
		}
		reasons = append(reasons, Reason{About: id, Why: fmt.Sprintf("the guard of stack %s keeps its policy with EndpointPolicy=%s, and this one "+
			"would write its own with EndpointPolicy=%s: choose Keep here, or the same policy in both", g.Stack, g.EndpointPolicy, endpointPolicy)})
	}
	return reasons
}
