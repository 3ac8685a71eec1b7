package eventpattern

import (
	"errors"
	"fmt"
)

// compileTests compiles the list of one field.
func compileTests(list []any) ([]test, error) {
	if len(list) == 0 {
		return nil, errors.New("an empty list matches nothing")
	}
	tests := make([]test, len(list))
	for i, value := range list {
		t, err := compileTest(value)
		if err != nil {
			return nil, err
		}
		tests[i] = t
	}
	return tests, nil
}

// compileTest compiles one entry of a field's list.
func compileTest(value any) (test, error) {
	switch value := value.(type) {
	case nil:
		return literal{nil}, nil
	case bool:
		return literal{value}, nil
	case string:
		return newExactly(value), nil
	case map[string]any:
		operator, operand, err := single(value)
		if err != nil {
			return nil, err
		}
		return compileOperator(operator, operand)
	}
	if n, ok := newNumber(value); ok {
		return n, nil
	}
	return nil, fmt.Errorf("%s in the list, want a string, number, bool, null or operator", kind(value))
}

// compileOperator compiles {operator: operand}.
func compileOperator(operator string, operand any) (test, error) {
	switch operator {
	case "prefix", "suffix":
		return compileEdge(operator, operand)
	case "equals-ignore-case", "wildcard", "cidr":
		return compileText(operator, operand)
	case "anything-but":
		return compileAnythingBut(operand)
	case "numeric":
		return compileNumeric(operand)
	case "exists":
		present, ok := operand.(bool)
		if !ok {
			return nil, fmt.Errorf("exists: %s, want true or false", kind(operand))
		}
		return exists(present), nil
	}
	return nil, fmt.Errorf("%q is no operator of event patterns", operator)
}

// compileEdge compiles prefix and suffix, whose operand is a string or
// {"equals-ignore-case": string}.
func compileEdge(operator string, operand any) (test, error) {
	fold := false
	if object, ok := operand.(map[string]any); ok {
		inner, value, err := single(object)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", operator, err)
		}
		if inner != "equals-ignore-case" {
			return nil, fmt.Errorf("%s: takes equals-ignore-case inside, not %q", operator, inner)
		}
		fold, operand = true, value
	}
	text, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%s: %s, want a string", operator, kind(operand))
	}
	return edge{operator: operator, text: text, fold: fold}, nil
}

// compileText compiles the operators whose operand can only be a string.
func compileText(operator string, operand any) (test, error) {
	text, ok := operand.(string)
	if !ok {
		return nil, fmt.Errorf("%s: %s, want a string", operator, kind(operand))
	}
	switch operator {
	case "wildcard":
		return newWildcard(text)
	case "cidr":
		return newNetwork(text)
	}
	return ignoringCase(text), nil
}

// anythingBut holds for a value for which none of its tests holds.
type anythingBut []test

func (a anythingBut) holds(value any) bool { return !holdsAny(a, value) }

func (a anythingBut) String() string { return "anything but " + describe(a) }

// compileAnythingBut compiles the operand of anything-but: a string, a number,
// a list of only strings or only numbers, or one of four operators on a string
// or a list of strings.
func compileAnythingBut(operand any) (test, error) {
	operator := ""
	if object, ok := operand.(map[string]any); ok {
		var err error
		if operator, operand, err = single(object); err != nil {
			return nil, fmt.Errorf("anything-but: %w", err)
		}
	}
	list, ok := operand.([]any)
	if !ok {
		list = []any{operand}
	}
	if len(list) == 0 {
		return nil, errors.New("anything-but: an empty list excludes nothing")
	}
	excluded := make(anythingBut, len(list))
	for i, value := range list {
		t, err := compileExcluded(operator, value)
		if err != nil {
			return nil, fmt.Errorf("anything-but: %w", err)
		}
		if kind(value) != kind(list[0]) {
			return nil, errors.New("anything-but: strings and numbers in one list")
		}
		excluded[i] = t
	}
	return excluded, nil
}

// compileExcluded compiles one value of anything-but; operator is "" for the
// value itself.
func compileExcluded(operator string, value any) (test, error) {
	text, isText := value.(string)
	switch operator {
	case "":
		if isText {
			return exactly{text: text}, nil
		}
		return newComparable(value)
	case "prefix", "suffix":
		if !isText || text == "" {
			return nil, fmt.Errorf("%s: want a string that is not empty", operator)
		}
		return edge{operator: operator, text: text}, nil
	case "equals-ignore-case", "wildcard":
		return compileText(operator, value)
	}
	return nil, fmt.Errorf("%q cannot stand inside", operator)
}

// single returns the one member of an operator's object.
func single(object map[string]any) (name string, value any, err error) {
	if len(object) != 1 {
		return "", nil, fmt.Errorf("an operator with %d names, want one", len(object))
	}
	for name, value = range object {
	}
	return name, value, nil
}
