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
	// answers holds what the conditions on the key say to the value; only those that need no other key.
	answers map[*condition]truth
}

// maxWork is how much may be tried: the number of new names times the number of statements and values in the document
// that they are tried on. Ours has some 20 of these, so that a thousand new names may be tried. A document as long as S3
// takes it, 20 KB, comes to more only where hundreds of new names meet as many statements or values.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
const maxWork = 20_000

// work is how much it is to try everything new on a document. Policy variables make it ten times as much: what is found
// for one request then says nothing about another.
func (n *novelty) work(e *examination) int {
	size := len(e.policy.statements)
	for _, s := range e.policy.statements {
		for i := range s.conditions {
			size += len(s.conditions[i].values)
		}
	}
	if e.variable {
		size *= 10
	}
	return n.size() * size
}

func (n *novelty) size() int { return len(n.principals) + len(n.resources) + len(n.keys) }

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
	n.keys = have.answered(n.keys)
	return n
}

// answered puts keys and values into order, with what the conditions say to each. Of those to which all say the same
// only the first is kept.
func (p *Policy) answered(list []keyValue) []keyValue {
	slices.SortFunc(list, func(a, b keyValue) int { return strings.Compare(a.String(), b.String()) })
	conditions, variable := p.conditionsByKey()
	seen := map[string]bool{}
	kept := list[:0]
	for _, kv := range list {
		answers := map[*condition]truth{}
		var text []byte
		for _, c := range conditions[kv.key] {
			if !c.variable {
				answers[c] = c.holds(&requestContext{override: &kv})
				text = append(text, byte(answers[c]))
			}
		}
		text = append(append(text, '|'), kv.key...)
		if variable {
			text = append(text, kv.String()...)
		}
		if !seen[string(text)] {
			seen[string(text)] = true
			kv.answers = answers
			kept = append(kept, kv)
		}
	}
	return kept
}

// conditionsByKey sorts a document's conditions by key, and tells whether it uses a policy variable anywhere: then a
// key may matter also to conditions on others.
func (p *Policy) conditionsByKey() (byKey map[string][]*condition, variable bool) {
	byKey = map[string][]*condition{}
	for _, s := range p.statements {
		variable = variable || s.variable
		for i := range s.conditions {
			c := &s.conditions[i]
			byKey[c.key] = append(byKey[c.key], c)
			variable = variable || c.variable
		}
	}
	return byKey, variable
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
		list = append(list, keyValue{key: c.key, values: []string{exampleOf(c, i)}})
	}
	if !n.conditions[c.name+"\x00"+c.key] {
		if !alwaysThere[c.key] {
			list = append(list, keyValue{key: c.key})
		}
		for _, v := range somethingElse[c.kind] {
			list = append(list, keyValue{key: c.key, values: []string{v}})
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

func (kv keyValue) String() string {
	if kv.values == nil {
		return "no " + spellKey(kv.key)
	}
	return spellKey(kv.key) + " " + kv.values[0]
}
