package audit

import (
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// classifyOnBucket returns the rule that a request on the bucket breaks.
func classifyOnBucket(l lock.Lock) func(iampolicy.Standpoint, iampolicy.Breach, iampolicy.Request) Rule {
	network := l.Network()
	return func(at iampolicy.Standpoint, b iampolicy.Breach, r iampolicy.Request) Rule {
		inside := slices.ContainsFunc(network.Values, func(v string) bool { return slices.Contains(at.Context[network.Key], v) })
		switch {
		case slices.Contains(at.Context["aws:SecureTransport"], "false"):
			return PlainHTTP
		case b.Statement != "" && !lock.IsOf(l.Account, at.Principal):
			return GrantedToOthers
		case !inside:
			return OutsideEndpoint
		}
		return OtherCallers
	}
}

// classifyOnEndpoint returns the rule that a request through the endpoint breaks.
func classifyOnEndpoint(l lock.Lock) func(iampolicy.Standpoint, iampolicy.Breach, iampolicy.Request) Rule {
	return func(at iampolicy.Standpoint, _ iampolicy.Breach, r iampolicy.Request) Rule {
		if lock.IsOf(l.Account, at.Principal) && r.ResourceAccount != l.Account {
			return EndpointOtherBuckets
		}
		return EndpointOtherCallers
	}
}

// findings lists what a document certainly allows and must not, by rule and statement.
func (j policyJudge) findings(document string, forbidden []iampolicy.ForbiddenRequest) []Finding {
	breaches, err := iampolicy.Breaches([]byte(document), forbidden)
	if err != nil {
		return nil
	}
	type key struct {
		rule      Rule
		statement string
	}
	found := map[key][]allowedRequest{}
	for _, b := range breaches {
		if !b.Certain {
			continue
		}
		f := forbidden[b.Index]
		at := f.From()
		r := f.Request()
		k := key{j.classify(at, b, r), b.Statement}
		found[k] = append(found[k], allowedRequest{allowedSet{at.Caller, at.Path, r.Resource, r.ResourceAccount}, r.Action})
	}
	var list []Finding
	for _, rule := range Rules {
		var statements []string
		for k := range found {
			if k.rule == rule.ID {
				statements = append(statements, k.statement)
			}
		}
		slices.Sort(statements)
		for _, s := range statements {
			access := group(found[key{rule.ID, s}])
			list = append(list, Finding{
				Rule: rule.ID, Statement: Readable(s), Access: access, Message: message(access, s), Origin: j.document.Origin,
			})
		}
	}
	return list
}

// allowedRequest is a request that is allowed and must not be.
type allowedRequest struct {
	allowedSet
	action string
}

// allowedSet is what the requests have in common that differ in the action only.
type allowedSet struct{ caller, path, resource, account string }

// on describes the resource of the requests.
func (s allowedSet) on() string {
	if s.account == "" {
		return s.resource
	}
	return s.resource + " of account " + s.account
}

// group merges requests to sets: first the actions of one caller, path and resource, then resources, paths and callers with
// the same rest.
func group(requests []allowedRequest) []Access {
	var sets []Access
	index := map[allowedSet]int{}
	for _, r := range requests {
		i, seen := index[r.allowedSet]
		if !seen {
			i = len(sets)
			index[r.allowedSet] = i
			sets = append(sets, Access{[]string{r.caller}, []string{r.path}, []string{r.on()}, nil})
		}
		if actions := &sets[i].Actions; !slices.Contains(*actions, r.action) {
			*actions = append(*actions, r.action)
		}
	}
	sets = join(sets, func(a *Access) *[]string { return &a.On })
	sets = join(sets, func(a *Access) *[]string { return &a.Paths })
	return join(sets, func(a *Access) *[]string { return &a.Callers })
}

// join merges the sets that differ in one part only.
func join(sets []Access, part func(*Access) *[]string) []Access {
	byRest := map[string]int{}
	var joined []Access
	for _, s := range sets {
		rest := s
		*part(&rest) = nil
		key := rest.key()
		i, seen := byRest[key]
		if !seen {
			byRest[key] = len(joined)
			joined = append(joined, s)
			continue
		}
		to := part(&joined[i])
		*to = lock.Union(*to, *part(&s))
	}
	return joined
}

// key returns a text that only sets with the same parts share: no part has these separators.
func (a *Access) key() string {
	var parts [4]string
	for i, list := range [...][]string{a.Callers, a.Paths, a.On, a.Actions} {
		parts[i] = strings.Join(list, "\x01")
	}
	return strings.Join(parts[:], "\x00")
}

// message describes the first set, and counts the rest.
func message(access []Access, statement string) string {
	a := access[0]
	join := func(list []string) string { return strings.Join(list, ", ") }
	text := fmt.Sprintf("%s %s: %s on %s", join(a.Callers), join(a.Paths), some(a.Actions), join(a.On))
	if more := len(access) - 1; more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	if statement == "" {
		return text + " (nothing denies it)"
	}
	return text + " (allowed by " + Readable(statement) + ")"
}

// some names the first of several actions, and counts the rest.
func some(actions []string) string {
	if len(actions) == 1 {
		return actions[0]
	}
	return fmt.Sprintf("%s and %d more actions", actions[0], len(actions)-1)
}
