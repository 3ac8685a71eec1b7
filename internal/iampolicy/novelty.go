package iampolicy

import (
	"slices"
	"strings"
)

// novelty is what a live document names and the desired one does not: those for whom it may make an exception.
type novelty struct {
	principals []string   // as [Request.Principal]
	resources  []string   // without wildcards
	keys       []keyValue // of conditions
}

// keyValue is one value to try for a condition key.
type keyValue struct {
	key    string
	values []string // nil: the key is missing
}

// novelties collects what is new in have.
func novelties(want, have *Policy) novelty {
	old := newNames(want)
	var n novelty
	for _, s := range have.statements {
		n.principals = append(n.principals, old.newPrincipals(s.principal)...)
		for i := range s.resources {
			if r := &s.resources[i]; r.parts == nil && !old.resources[r.source] {
				n.resources = append(n.resources, example(r.pattern))
			}
		}
		for i := range s.conditions {
			n.keys = append(n.keys, old.newValues(&s.conditions[i])...)
		}
	}
	n.principals, n.resources = sortedSet(n.principals), sortedSet(n.resources)
	slices.SortFunc(n.keys, func(a, b keyValue) int { return strings.Compare(a.String(), b.String()) })
	n.keys = slices.CompactFunc(n.keys, func(a, b keyValue) bool { return a.String() == b.String() })
	return n
}

// names are all names that a document uses.
type names struct {
	principals, resources map[string]bool
	values                map[string]bool // key NUL value
	conditions            map[string]bool // operator NUL key
}

func newNames(p *Policy) names {
	n := names{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, s := range p.statements {
		for _, name := range s.principal.all() {
			n.principals[name] = true
		}
		for i := range s.resources {
			n.resources[s.resources[i].source] = true
		}
		for i := range s.conditions {
			c := &s.conditions[i]
			n.conditions[c.name+"\x00"+c.key] = true
			for _, v := range c.values {
				n.values[c.key+"\x00"+v] = true
			}
		}
	}
	return n
}

func (p *principals) all() []string {
	if p == nil {
		return nil
	}
	return slices.Concat(p.aws, p.service, p.federated)
}

// newPrincipals lists callers that a new name stands for. Those whom the desired document names in a condition are
// not new.
func (n names) newPrincipals(p *principals) []string {
	var list []string
	for _, name := range p.all() {
		if isAccountID(name) {
			name = "arn:aws:iam::" + name + ":user/stranger"
		}
		c, err := parseCaller(name)
		if err == nil && !n.principals[name] && !n.values["aws:principalarn\x00"+c.roleARN] && !n.values["aws:principalarn\x00"+c.arn] {
			list = append(list, name)
		}
	}
	return list
}

// newValues lists what to try for a condition's key: its new values, and, where the key is compared in a new way,
// something else, and nothing.
func (n names) newValues(c *condition) []keyValue {
	var list []keyValue
	for i, v := range c.values {
		if c.kind == kindNull || n.values[c.key+"\x00"+v] {
			continue
		}
		list = append(list, keyValue{c.key, []string{exampleOf(c, i)}})
	}
	if !n.conditions[c.name+"\x00"+c.key] {
		if !alwaysThere[c.key] {
			list = append(list, keyValue{c.key, nil})
		}
		for _, v := range somethingElse[c.kind] {
			list = append(list, keyValue{c.key, []string{v}})
		}
	}
	return list
}

// alwaysThere are the keys that AWS puts into every request. It makes no sense to try a request without them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var alwaysThere = map[string]bool{
	"aws:securetransport": true, "aws:principalaccount": true, "aws:principaltype": true, "aws:userid": true,
}

// somethingElse holds values that hardly any policy names, by kind of operator, at both ends where there is an order.
var somethingElse = map[kind][]string{
	kindString:  {"something-else"},
	kindFold:    {"something-else"},
	kindLike:    {"something-else"},
	kindARN:     {"arn:aws:iam::000000000000:user/somebody-else"},
	kindNumber:  {"-1000000000000000", "1000000000000000"},
	kindDate:    {"0001-01-01", "9999-12-31"},
	kindBool:    {"true", "false"},
	kindBinary:  {"something-else"},
	kindAddress: {"192.0.2.77", "2001:db8::77"},
	kindNull:    {"something-else"},
}

// exampleOf is a value that a condition's i-th value matches.
func exampleOf(c *condition, i int) string {
	switch o := &c.operands[i]; {
	case c.kind == kindAddress:
		return o.network.Addr().String()
	case c.kind == kindLike || c.kind == kindARN:
		return example(compileWildcards(c.values[i]))
	default:
		return c.values[i]
	}
}

var wildcardExamples = strings.NewReplacer(string([]byte{anyText}), "x", string([]byte{anyChar}), "x")

// example is a text that a compiled pattern matches.
func example(pattern string) string { return wildcardExamples.Replace(pattern) }

// firstException describes the first request that is allowed because of something new in the live document.
func (e *examination) firstException(n novelty, probes []Probe) string {
	detours := e.detours(n.resources, probes)
	for first := 0; first < len(probes); {
		end := first + 1
		for end < len(probes) && probes[end].scene == probes[first].scene {
			end++
		}
		if probes[first].scene != nil {
			if allowed := e.exceptionIn(n, detours, probes[first:end]); allowed != "" {
				return allowed
			}
		}
		first = end
	}
	return ""
}

// exceptionIn tries everything new on the probes of one scene.
func (e *examination) exceptionIn(n novelty, detours []detour, probes []Probe) string {
	sc := probes[0].scene
	usual := e.applying(sc.context, nil)
	var changed []application
	for _, kv := range n.keys {
		c := *sc.context
		c.override, c.overrideValues = kv.key, kv.values
		changed = e.applyingInstead(&c, usual, changed)
		if slices.Equal(usual, changed) {
			continue
		}
		if t, how := e.exceptionFor(&c, changed, probes, nil); t != nil {
			return sc.standpoint.name(t) + " with " + kv.String() + how
		}
	}
	if sc.context.caller.kind == anonymous {
		if allowed := e.exceptionBy(n.principals, probes); allowed != "" {
			return allowed
		}
	}
	for _, d := range detours {
		if t, how := e.exceptionFor(sc.context, usual, probes, d); t != nil {
			return sc.standpoint.name(t) + how
		}
	}
	return ""
}

// exceptionBy tries new principals in the place of the anonymous caller, for whom there are the most probes.
func (e *examination) exceptionBy(principals []string, probes []Probe) string {
	for _, principal := range principals {
		at := probes[0].scene.standpoint
		at.Caller, at.Principal = principal, principal
		other, err := newScene(at, probes[0].scene.account, probes[0].target)
		if err != nil {
			continue
		}
		if t, how := e.exceptionFor(other.context, e.applying(other.context, nil), probes, nil); t != nil {
			return at.name(t) + how
		}
	}
	return ""
}

// applyingInstead is applying for a context in which one key is overridden: only statements that look at this key are
// asked again.
func (e *examination) applyingInstead(c *requestContext, usual, list []application) []application {
	list = list[:0]
	for _, s := range e.policy.statements {
		isUsual := len(usual) > 0 && usual[0].statement == s
		if s.looksAt(c.override) {
			if t, how := s.appliesTo(c); t != no {
				list = append(list, application{s, t, how})
			}
		} else if isUsual {
			list = append(list, usual[0])
		}
		if isUsual {
			usual = usual[1:]
		}
	}
	return list
}

// looksAt tells whether a statement's conditions may depend on a key.
func (s *statement) looksAt(key string) bool {
	return slices.ContainsFunc(s.conditions, func(c condition) bool {
		return c.key == key || slices.ContainsFunc(c.operands, func(o operand) bool { return o.text.parts != nil })
	})
}

// exceptionFor asks for the probes' targets, or what a detour has instead of them, in another context. It returns the
// first that is allowed, and by what.
func (e *examination) exceptionFor(context *requestContext, applying []application, probes []Probe, d detour) (*target, string) {
	c := *context
	for i := range probes {
		p := &probes[i]
		t := p.target
		if d != nil {
			if t = d[t]; t == nil {
				continue
			}
		}
		if c.aim(t); p.scene.permits(&c) {
			continue
		}
		if r := e.rule(&c, t, applying, p.OfEndpoint); r.effect != Deny {
			return t, describe(r, t.action)
		}
	}
	return nil, ""
}

// detour maps targets to the same actions on another resource; those that make no difference to any statement are nil.
type detour map[*target]*target

// detours prepares one detour for each new resource, and for a bucket's policy one to an object more, in case the
// policy has come to name only some.
func (e *examination) detours(resources []string, probes []Probe) []detour {
	if len(resources) == 0 || len(probes) == 0 {
		return nil
	}
	bucket, _, _ := strings.Cut(probes[0].Request.Resource, "/")
	var all []detour
	for _, resource := range append(slices.Clone(resources), bucket+"/~") {
		d := detour{}
		for i := range probes {
			if p := &probes[i]; p.scene != nil {
				if _, done := d[p.target]; !done {
					d[p.target] = e.detourOf(p, resource)
				}
			}
		}
		all = append(all, d)
	}
	return all
}

// detourOf is a probe's target on another resource of its kind; nil when it makes no difference. A bucket's policy
// decides about its own bucket only.
func (e *examination) detourOf(p *Probe, resource string) *target {
	bucket, _, isObject := strings.Cut(p.target.resource, "/")
	otherBucket, key, isOtherObject := strings.Cut(resource, "/")
	if isObject != isOtherObject || isObject && key == "" || bucket != otherBucket && !p.OfEndpoint {
		return nil
	}
	other := newTarget(p.target.action, resource)
	c := *p.scene.context
	c.aim(p.target)
	row := e.covered(p.target, &c)
	c.aim(other)
	for i, s := range e.policy.statements {
		if s.variable || row[i] != s.covers(&c) {
			other.id = len(e.coverage)
			e.covered(other, &c)
			return other
		}
	}
	return nil
}

func (kv keyValue) String() string {
	if kv.values == nil {
		return "no " + spellKey(kv.key)
	}
	return spellKey(kv.key) + " " + kv.values[0]
}
