package iampolicy

import (
	"fmt"
	"slices"
	"strings"
)

// firstException describes the first request that is allowed because of something new in the live document.
func (e *examination) firstException(n novelty) string {
	asked := e.asked()
	if len(asked) == 0 {
		return ""
	}
	n.resources = e.distinct(n.resources, asked)
	if n.work(e) > maxWork {
		return fmt.Sprintf("the live document cannot be judged: it names %d principals, resources and values that the "+
			"desired one does not, too many to try for whom it makes an exception", n.size())
	}
	detours := e.detours(n.resources, asked)
	for i := range e.acts {
		if a := &e.acts[i]; a.scene.permits != nil {
			if allowed := e.exceptionIn(a, n, detours); allowed != "" {
				return allowed
			}
		}
	}
	return ""
}

// exceptionIn tries everything new in one scene.
func (e *examination) exceptionIn(a *act, n novelty, detours []detour) string {
	at := a.scene.standpoint
	var changed []application
	for i := range n.keys {
		c := *a.scene.context
		c.override = &n.keys[i]
		changed = e.applyingInstead(&c, a.applying, changed)
		if slices.Equal(a.applying, changed) && !e.variable {
			continue
		}
		if t, how := e.exceptionFor(a, e.hear(&c, changed, a.ofEndpoint), nil); t != nil {
			return at.name(t) + " with " + n.keys[i].String() + how
		}
	}
	if a.scene.context.caller.kind == anonymous {
		if allowed := e.exceptionBy(a, n.principals); allowed != "" {
			return allowed
		}
	}
	for _, d := range detours {
		if t, how := e.exceptionFor(a, e.hear(a.scene.context, a.applying, a.ofEndpoint), d); t != nil {
			return at.name(t) + how
		}
	}
	return ""
}

// exceptionBy tries new principals in the place of the anonymous caller, for whom there are the most probes.
func (e *examination) exceptionBy(a *act, principals []string) string {
	for _, principal := range principals {
		at := a.scene.standpoint
		at.Caller, at.Principal = principal, principal
		other, err := newScene(at, a.scene.account, a.probes[0].target)
		if err != nil {
			continue
		}
		if t, how := e.exceptionFor(a, e.hear(other.context, e.applying(other.context), a.ofEndpoint), nil); t != nil {
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
		if s.looksAt(c.override.key) {
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
	for i := range s.conditions {
		if c := &s.conditions[i]; c.key == key || c.variable {
			return true
		}
	}
	return false
}

// exceptionFor asks in a hearing for the targets of an act's probes, or for what a detour has instead of them. It
// returns the first that is allowed, and by what.
func (e *examination) exceptionFor(a *act, h *hearing, d detour) (*target, string) {
	for i := range a.probes {
		t := a.probes[i].target
		if d != nil {
			if t = d[t]; t == nil {
				continue
			}
		}
		r := h.rule(t)
		if r.effect == Deny {
			continue
		}
		if h.context.aim(t); !a.scene.permits(&h.context) {
			return t, describe(r, t.action)
		}
	}
	return nil, ""
}

// asked are the targets of all probes that know what is permitted.
func (e *examination) asked() []askedTarget {
	var list []askedTarget
	seen := make([]*target, len(e.targets))
	for i := range e.acts {
		a := &e.acts[i]
		if a.scene.permits == nil {
			continue
		}
		for j := range a.probes {
			if t := a.probes[j].target; seen[t.id] != t {
				seen[t.id] = t
				list = append(list, askedTarget{t, a.ofEndpoint})
			}
		}
	}
	return list
}

type askedTarget struct {
	*target
	ofEndpoint bool
}

// distinct drops resources to which neither a statement nor a probe makes a difference: of these, only the first is
// kept.
func (e *examination) distinct(resources []string, asked []askedTarget) []string {
	if e.variable {
		return resources
	}
	buckets := map[string]bool{} // that the probes are about
	for _, t := range asked {
		bucket, _, _ := strings.Cut(t.resource, "/")
		buckets[bucket] = true
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(resources, func(resource string) bool {
		bucket, _, isObject := strings.Cut(resource, "/")
		if !buckets[bucket] {
			bucket = "elsewhere"
		}
		text := fmt.Sprint(e.aboutResource(resource), isObject, bucket)
		defer func() { seen[text] = true }()
		return seen[text]
	})
}

// detour maps targets to the same actions on another resource, where that makes a difference to some statement.
type detour map[*target]*target

// detours prepares one detour for each new resource, and for a bucket's policy one to an object more, in case the
// policy has come to name only some.
func (e *examination) detours(resources []string, asked []askedTarget) []detour {
	if len(resources) == 0 {
		return nil
	}
	bucket, _, _ := strings.Cut(asked[0].resource, "/")
	var all []detour
	for _, resource := range append(slices.Clone(resources), bucket+"/~") {
		d := detour{}
		for _, t := range asked {
			e.addDetour(d, t, resource)
		}
		if len(d) > 0 {
			all = append(all, d)
		}
	}
	return all
}

// addDetour adds a target's detour to another resource of its kind, if it makes a difference. A bucket's policy
// decides about its own bucket only.
func (e *examination) addDetour(d detour, t askedTarget, resource string) {
	bucket, _, isObject := strings.Cut(t.resource, "/")
	otherBucket, key, isOtherObject := strings.Cut(resource, "/")
	if isObject != isOtherObject || isObject && key == "" || bucket != otherBucket && !t.ofEndpoint {
		return
	}
	if !e.variable && slices.Equal(e.aboutResource(t.resource), e.aboutResource(resource)) {
		return
	}
	other := *t.target
	other.resource, other.id = resource, len(e.targets)
	e.shape(&other)
	d[t.target] = &other
}
