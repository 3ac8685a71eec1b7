package deployment

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// properties reads the properties of one resource, or of an object within them, and records which ones were read. In
// [properties.check], a property that was neither read nor is ignored by the [kind] is an error. Thus a template cannot
// use a property that the local AWS silently lacks.
type properties struct {
	values map[string]any
	path   string
	notes  *notes
}

// notes records the reads of a resource's properties and their errors.
type notes struct {
	// read contains the paths that were read; the path of an object or list that was read as a whole ends in "/**".
	read map[string]bool
	errs []error
}

func newProperties(values map[string]any) properties {
	return properties{values: values, notes: &notes{read: map[string]bool{}}}
}

// at returns the path of a property, e.g. "PublicAccessBlockConfiguration.BlockPublicAcls" or "Targets[0].Arn".
func (p properties) at(name string) string {
	if p.path == "" {
		return name
	}
	return p.path + "." + name
}

// has reports whether the property exists. It does not count as a read.
func (p properties) has(name string) bool { return p.values[name] != nil }

// any reads a property with all its content; nil when it is absent.
func (p properties) any(name string) any {
	p.notes.read[p.at(name)+"/**"] = true
	return p.values[name]
}

// text reads a string, "" when it is absent. As CloudFormation does, it converts numbers and booleans to text.
func (p properties) text(name string) string {
	p.notes.read[p.at(name)] = true
	switch value := p.values[name].(type) {
	case nil:
		return ""
	case string:
		return value
	case bool, int, int64, float64:
		return fmt.Sprint(value)
	}
	p.wrong(name, "a string")
	return ""
}

// flag reads a boolean, false when it is absent.
func (p properties) flag(name string) bool {
	text := p.text(name)
	if text == "" {
		return false
	}
	value, err := strconv.ParseBool(text)
	if err != nil {
		p.wrong(name, "a boolean")
	}
	return value
}

// number reads a whole number, 0 when it is absent.
func (p properties) number(name string) int {
	text := p.text(name)
	if text == "" {
		return 0
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		p.wrong(name, "a whole number")
	}
	return value
}

// decimal reads a number, 0 when it is absent.
func (p properties) decimal(name string) float64 {
	text := p.text(name)
	if text == "" {
		return 0
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		p.wrong(name, "a number")
	}
	return value
}

// texts reads a list of strings; nil when it is absent.
func (p properties) texts(name string) []string {
	list, ok := p.any(name).([]any)
	if !ok && p.has(name) {
		p.wrong(name, "a list")
	}
	var texts []string
	for _, element := range list {
		text, ok := element.(string)
		if !ok {
			p.wrong(name, "a list of strings")
		}
		texts = append(texts, text)
	}
	return texts
}

// object reads an object; an empty one when it is absent.
func (p properties) object(name string) properties {
	p.notes.read[p.at(name)] = true
	values, ok := p.values[name].(map[string]any)
	if !ok && p.has(name) {
		p.wrong(name, "an object")
	}
	return properties{values: values, path: p.at(name), notes: p.notes}
}

// objects reads a list of objects; nil when it is absent.
func (p properties) objects(name string) []properties {
	p.notes.read[p.at(name)] = true
	list, ok := p.values[name].([]any)
	if !ok && p.has(name) {
		p.wrong(name, "a list")
	}
	var objects []properties
	for i, element := range list {
		path := fmt.Sprintf("%s[%d]", p.at(name), i)
		p.notes.read[path] = true
		values, ok := element.(map[string]any)
		if !ok {
			p.wrong(name, "a list of objects")
		}
		objects = append(objects, properties{values: values, path: path, notes: p.notes})
	}
	return objects
}

// tags reads a list of Key and Value.
func (p properties) tags(name string) map[string]string {
	tags := map[string]string{}
	for _, tag := range p.objects(name) {
		tags[tag.text("Key")] = tag.text("Value")
	}
	return tags
}

func (p properties) wrong(name, want string) {
	p.notes.errs = append(p.notes.errs, fmt.Errorf("property %s is %v, want %s", p.at(name), p.values[name], want))
}

// index matches a list's index in a path.
var index = regexp.MustCompile(`\[\d+\]`)

// check joins the errors of the properties: wrong types, and properties that were neither read nor are ignored. In
// ignored, "Targets[].Input" means the property in all elements of the list, and a name includes all properties within
// it.
func (p properties) check(ignored []string) error {
	errs := slices.Clone(p.notes.errs)
	for _, path := range p.unread() {
		general := index.ReplaceAllString(path, "[]")
		known := slices.ContainsFunc(ignored, func(name string) bool {
			return general == name || strings.HasPrefix(general, name+".") || strings.HasPrefix(general, name+"[]")
		})
		if !known {
			errs = append(errs, fmt.Errorf("the local AWS does not know the property %s", path))
		}
	}
	return errors.Join(errs...)
}

// unread returns the paths of all properties that were not read, sorted.
func (p properties) unread() []string {
	var paths []string
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		paths = append(paths, p.notes.unread(p.at(name), p.values[name])...)
	}
	return paths
}

// unread returns the paths of one value that were not read: its own, or if that was read, those within it.
func (n *notes) unread(path string, value any) []string {
	if n.read[path+"/**"] {
		return nil
	}
	if !n.read[path] {
		return []string{path}
	}
	var paths []string
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			paths = append(paths, n.unread(path+"."+name, value[name])...)
		}
	case []any:
		for i, element := range value {
			paths = append(paths, n.unread(fmt.Sprintf("%s[%d]", path, i), element)...)
		}
	}
	return paths
}
