// Package serviceauth contains AWS's Service Authorization Reference as a dated table: the resource types and
// condition keys of each action that the project's template or the local AWS uses.
//
// The table has two uses. A test compares all statements of the template with it, and the local AWS omits a condition
// key from a request if the action does not support it for that resource, as AWS does: an Allow with such a condition
// never matches.
//
// To add an action, add its name to actions.txt and run tools/serviceauth as described there.
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

// Type is a resource type of an action.
type Type struct {
	// Name is the reference's name of the type, e.g. "route-table"; ARN is the format of its ARNs, with variables.
	Name, ARN string
	// Required means that the action always checks a permission on a resource of this type.
	Required bool
	// Keys are the action's condition keys for this type, with variables.
	Keys []string

	form []piece // of ARN
	keys keySet  // of Keys
}

// Action is an action in the reference.
type Action struct {
	// Name is e.g. "ec2:ModifyVpcEndpoint".
	Name string
	// Keys are the action's condition keys for all resources, in addition to the global ones.
	Keys []string
	// Types are the action's resource types; empty if it can only be allowed on "*".
	Types []Type

	keys keySet // of Keys
}

// keySet is a lookup set of condition keys: in lower case, because IAM ignores case, and with the format of those
// with variables.
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

// has reports whether the set contains a key in lower case.
func (s keySet) has(key string) bool {
	return s.plain[key] || slices.ContainsFunc(s.forms, func(form string) bool { return overlap(key, form) })
}

// table is the reference: actions by lower-case name, because IAM ignores case.
type table struct {
	global  keySet
	actions map[string]*Action
}

// reference returns the table, read once. An unreadable table is a bug in the project's own file.
var reference = sync.OnceValue(func() table {
	t, err := parse(text)
	if err != nil {
		panic(err)
	}
	return t
})

// parse parses a table written by tools/serviceauth.
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

// Find finds an action by its name; it returns false if the table does not contain it.
func Find(name string) (Action, bool) {
	a, ok := reference().actions[strings.ToLower(name)]
	if !ok {
		return Action{}, false
	}
	return *a, true
}

// Matching returns the table's actions that match a name with wildcards, sorted by name.
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

// On returns the possible types of a resource: an ARN, or an ARN with wildcards.
func (a Action) On(resource string) []Type {
	var types []Type
	for _, t := range a.Types {
		if meet([]rune(resource), t.form) {
			types = append(types, t)
		}
	}
	return types
}

// Knows reports whether a request of the action has a condition key for a resource of a type, or for no resource if
// the type is the zero value. In a key with a part that the policy's author chooses, as aws:ResourceTag/x, that part
// is ignored.
func (a Action) Knows(key string, t Type) bool {
	key = strings.ToLower(key)
	return a.keys.has(key) || t.keys.has(key) || reference().global.has(key)
}

// Check returns what is wrong with a statement that allows or denies an action on a resource, under conditions on
// these keys, or nil if the reference supports the combination. The resource may have wildcards.
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

// Present returns those of a request's condition keys that AWS adds to a request of the action on one resource.
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
