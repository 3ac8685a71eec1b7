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
		if accountID.MatchString(name) {
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
		list = append(list, keyValue{c.key, nil})
		for _, v := range somethingElse[c.kind] {
			list = append(list, keyValue{c.key, []string{v}})
		}
	}
	return list
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
	for first := 0; first < len(probes); {
		end := first + 1
		for end < len(probes) && probes[end].scene == probes[first].scene {
			end++
		}
		scenario := probes[first:end]
		if scenario[0].scene != nil {
			if allowed := e.exceptionIn(n, scenario); allowed != "" {
				return allowed
			}
		}
		first = end
	}
	return ""
}

// exceptionIn tries everything new on the probes of one scene.
func (e *examination) exceptionIn(n novelty, probes []Probe) string {
	sc := probes[0].scene
	usual := e.applying(sc.context, nil)
	for _, kv := range n.keys {
		c := *sc.context
		c.override, c.overrideValues = kv.key, kv.values
		changed := e.applying(&c, nil)
		if slices.Equal(usual, changed) {
			continue
		}
		if allowed := e.exceptionFor(&c, changed, probes, " with "+kv.String()); allowed != "" {
			return allowed
		}
	}
	for _, principal := range n.principals {
		at := sc.standpoint
		at.Principal = principal
		other, err := newScene(at, sc.account, probes[0].target)
		if err != nil {
			continue
		}
		if allowed := e.exceptionFor(other.context, e.applying(other.context, nil), probes, " by "+principal); allowed != "" {
			return allowed
		}
	}
	return e.exceptionOn(n.resources, usual, probes)
}

// exceptionFor asks for the probes' targets in another context.
func (e *examination) exceptionFor(changed *requestContext, applying []application, probes []Probe, how string) string {
	for i := range probes {
		p := &probes[i]
		c := *changed
		c.action, c.resource = p.target.lowerAction, p.target.resource
		if p.scene.permits(&c) {
			continue
		}
		if r := e.rule(&c, p.target, applying, p.OfEndpoint); r.effect != Deny {
			return p.Name + how + describe(r, p.Request.Action, p.OfEndpoint)
		}
	}
	return ""
}

// exceptionOn asks for the probes' actions on other resources: those that are new, and for a bucket's policy one
// object more, in case the policy has come to name only some.
func (e *examination) exceptionOn(resources []string, applying []application, probes []Probe) string {
	bucket, _, _ := strings.Cut(probes[0].target.resource, "/")
	if len(resources) > 0 {
		resources = append(slices.Clone(resources), bucket+"/~")
	}
	for _, resource := range resources {
		where, key, isObject := strings.Cut(resource, "/")
		if where != bucket && !probes[0].OfEndpoint || isObject && key == "" {
			continue // a bucket's policy decides about this bucket only
		}
		for i := range probes {
			p := &probes[i]
			if strings.Contains(p.target.resource, "/") != isObject {
				continue
			}
			t := e.elsewhere(p.target, resource)
			c := p.scene.contextOf(t)
			if p.scene.permits(&c) {
				continue
			}
			if r := e.rule(&c, t, applying, p.OfEndpoint); r.effect != Deny {
				return p.scene.standpoint.name(t) + describe(r, t.action, p.OfEndpoint)
			}
		}
	}
	return ""
}

// elsewhere is the same action on another resource.
func (e *examination) elsewhere(t *target, resource string) *target {
	key := elsewhereKey{t.action, resource}
	if e.others == nil {
		e.others = map[elsewhereKey]*target{}
	}
	other, ok := e.others[key]
	if !ok {
		other = newTarget(t.action, resource)
		e.others[key] = other
	}
	return other
}

type elsewhereKey struct{ action, resource string }

func (kv keyValue) String() string {
	if kv.values == nil {
		return "no " + spellKey(kv.key)
	}
	return spellKey(kv.key) + " " + kv.values[0]
}
