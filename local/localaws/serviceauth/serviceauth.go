// Package serviceauth knows, of each action that the project's template names or the local AWS asks for, the types of
// resources and the condition keys that AWS has for it: its Service Authorization Reference, as a table with a date.
//
// The table decides twice. A test holds every statement of the template against it, and the local AWS leaves a condition
// key out of a request where the action does not know it for that resource, as AWS does: an Allow with such a condition
// never matches.
//
// To add an action, write its name into actions.txt and run tools/serviceauth, which says how.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
package serviceauth

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed reference.txt
var text string

// Type is a type of resources that an action knows.
type Type struct {
	// Name is the reference's name of the type, e.g. "route-table"; ARN the form of its ARNs, with variables.
	Name, ARN string
	// Required says that the action always asks for a permission on a resource of this type.
	Required bool
	// Keys are the condition keys that the action knows for this type, with variables.
	Keys []string

	form []piece // of ARN
	keys keySet  // of Keys
}

// Action is what the reference says about an action.
type Action struct {
	// Name is e.g. "ec2:ModifyVpcEndpoint".
	Name string
	// Keys are the condition keys that the action knows whatever the resource, beyond those that all actions know.
	Keys []string
	// Types are the types of resources that it knows; none where it can only be allowed on "*".
	Types []Type

	keys keySet // of Keys
}

// keySet are condition keys, to be looked up: in lower case, for IAM does not tell it from upper, and the forms of
// those with variables.
type keySet struct {
	plain map[string]bool
	forms []string
}

func keysOf(names []string) keySet {
	set := keySet{plain: map[string]bool{}}
	for _, name := range names {
		if name = strings.ToLower(name); strings.ContainsAny(name, "$<") {
			set.forms = append(set.forms, name)
		} else {
			set.plain[name] = true
		}
	}
	return set
}

// has reports whether a key, in lower case, is among them.
func (s keySet) has(key string) bool {
	return s.plain[key] || slices.ContainsFunc(s.forms, func(form string) bool { return overlap(key, form) })
}

// table is the reference: actions by their names in lower case, in which IAM does not tell upper from lower.
type table struct {
	global  keySet
	actions map[string]*Action
}

// reference is the table, read once. A table that cannot be read is a bug in the project's own file.
var reference = sync.OnceValue(func() table {
	t, err := parse(text)
	if err != nil {
		panic(err)
	}
	return t
})

// parse reads a table as tools/serviceauth writes it.
func parse(text string) (table, error) {
	t := table{actions: map[string]*Action{}}
	forms := map[string]string{}
	var global []string
	var last *Action
	for number, line := range strings.Split(text, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(words) == 1 {
			return t, fmt.Errorf("line %d of the reference names nothing: %s", number+1, line)
		}
		switch kind, name := words[0], words[1]; {
		case kind == "global":
			global = append(global, name)
		case kind == "type" && len(words) == 3:
			forms[name] = words[2]
		case kind == "action":
			last = &Action{Name: name, Keys: words[2:], keys: keysOf(words[2:])}
			t.actions[strings.ToLower(name)] = last
		case (kind == "needs" || kind == "knows") && last != nil && forms[last.service()+":"+name] != "":
			form := forms[last.service()+":"+name]
			last.Types = append(last.Types, Type{name, form, kind == "needs", words[2:], pieces(form), keysOf(words[2:])})
		default:
			return t, fmt.Errorf("line %d of the reference cannot be read: %s", number+1, line)
		}
	}
	t.global = keysOf(global)
	return t, nil
}

func (a *Action) service() string {
	service, _, _ := strings.Cut(a.Name, ":")
	return service
}

// Find finds an action by its name; false when the table does not have it.
func Find(name string) (Action, bool) {
	a, ok := reference().actions[strings.ToLower(name)]
	if !ok {
		return Action{}, false
	}
	return *a, true
}

// Matching are the table's actions that a name with wildcards stands for, in order of their names.
func Matching(pattern string) []Action {
	var found []Action
	for name, a := range reference().actions {
		if overlap(strings.ToLower(pattern), name) {
			found = append(found, *a)
		}
	}
	slices.SortFunc(found, func(a, b Action) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// On are the types that a resource may be of: an ARN, or an ARN with wildcards.
func (a Action) On(resource string) []Type {
	var types []Type
	for _, t := range a.Types {
		if meet([]rune(resource), t.form) {
			types = append(types, t)
		}
	}
	return types
}

// Knows reports whether a request of the action has a condition key when it is about a resource of a type, or about no
// resource where the type is the zero value. Of a key with a part that the policy's author names, as aws:ResourceTag/x,
// the part does not count.
func (a Action) Knows(key string, t Type) bool {
	key = strings.ToLower(key)
	return a.keys.has(key) || t.keys.has(key) || reference().global.has(key)
}

// Check says what is wrong with a statement that allows or denies an action on a resource, under conditions on these
// keys: nil when the reference knows them together. The resource may have wildcards.
func (a Action) Check(resource string, keys ...string) error {
	types := a.On(resource)
	switch {
	case len(a.Types) == 0 && resource != "*":
		return fmt.Errorf("%s can be allowed on * only, not on %s", a.Name, resource)
	case len(a.Types) == 0:
		types = []Type{{}}
	case len(types) == 0:
		return fmt.Errorf("%s knows no resource like %s", a.Name, resource)
	}
	for _, t := range types {
		for _, key := range keys {
			if !a.Knows(key, t) {
				return fmt.Errorf("%s knows no condition key %s on %s", a.Name, key, strings.TrimSpace(t.Name+" "+resource))
			}
		}
	}
	return nil
}

// Present are those of a request's condition keys that AWS would have put into it, for an action on one resource.
func (a Action) Present(resource string, context map[string][]string) map[string][]string {
	types := sync.OnceValue(func() []Type { return a.On(resource) })
	present := map[string][]string{}
	for key, values := range context {
		of := func(t Type) bool { return a.Knows(key, t) }
		if a.Knows(key, Type{}) || slices.ContainsFunc(types(), of) {
			present[key] = values
		}
	}
	return present
}
