package iampolicy

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The two versions of the policy language. A document without a Version has version2008.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Parse parses a policy document strictly: an unknown element, operator or effect, a wrong type, a duplicate key or
// trailing text is an error. Element names are case-sensitive. Whether a Principal is required or forbidden, and whether
// a Sid may be repeated, depends on the use of the document: [Evaluate], [Judge] and [ParseIdentity] check that.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func Parse(document []byte) (*Policy, error) {
	if p := recall(document); p != nil {
		return p, nil
	}
	value, err := decodeStrictly(document)
	if err != nil {
		return nil, err
	}
	elements, ok := value.(object)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	p := &Policy{version: version2008}
	if err := p.readElements(elements); err != nil {
		return nil, err
	}
	p.canonical = p.canonicalForm()
	remember(document, p)
	return p, nil
}

func (p *Policy) readElements(elements object) error {
	var statements any
	var err error
	for _, e := range elements {
		switch e.name {
		case "Version":
			err = p.readVersion(e.value)
		case "Id":
			p.id, err = stringValue(e.value)
		case "Statement":
			statements = e.value
		default:
			err = fmt.Errorf("unknown element %q", e.name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return p.readStatements(statements)
}

func (p *Policy) readVersion(value any) error {
	if value != version2008 && value != version2012 {
		return fmt.Errorf("neither %s nor %s", version2008, version2012)
	}
	p.version = value.(string)
	return nil
}

// readStatements reads one statement or a list of statements.
func (p *Policy) readStatements(value any) error {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	if value == nil || len(list) == 0 {
		return errors.New("no Statement")
	}
	for i, item := range list {
		elements, ok := item.(object)
		if !ok {
			return fmt.Errorf("statement %d: not an object", i+1)
		}
		s := &statement{index: i + 1}
		if err := s.readElements(elements, p.version); err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
		s.canonical = s.canonicalForm()
		p.statements = append(p.statements, s)
	}
	return nil
}

func (s *statement) readElements(elements object, version string) error {
	for _, e := range elements {
		if err := s.readElement(e, version); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	if !elements.has("Effect") {
		return errors.New("no Effect")
	}
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
	for _, pair := range []struct {
		name     string
		required bool
	}{{"Action", true}, {"Resource", true}, {"Principal", false}} {
		plain, negated := elements.has(pair.name), elements.has("Not"+pair.name)
		if plain && negated {
			return fmt.Errorf("both %s and Not%s", pair.name, pair.name)
		}
		if pair.required && !plain && !negated {
			return fmt.Errorf("neither %s nor Not%s", pair.name, pair.name)
		}
	}
	if s.principal != nil {
		s.principal.shortenAccounts(s.partition())
	}
	return nil
}

// partition returns the partition of a statement's resources, or "aws" if the resources do not name one.
func (s *statement) partition() string {
	for _, r := range s.resources {
		if partition := partitionOf(r.source); partition != "" && !strings.ContainsAny(partition, "*?") {
			return partition
		}
	}
	return "aws"
}

// partitionOf returns an ARN's partition, or "" if the text is not an ARN.
func partitionOf(arn string) string {
	if fields := strings.SplitN(arn, ":", 3); len(fields) == 3 {
		return fields[1]
	}
	return ""
}

func (s *statement) readElement(e member, version string) (err error) {
	switch e.name {
	case "Sid":
		s.sid, err = stringValue(e.value)
	case "Effect":
		err = s.readEffect(e.value)
	case "Principal", "NotPrincipal":
		s.notPrincipal = e.name == "NotPrincipal"
		s.principal, err = parsePrincipals(e.value)
	case "Action", "NotAction":
		s.notAction = e.name == "NotAction"
		s.actions, err = parseActions(e.value)
	case "Resource", "NotResource":
		s.notResource = e.name == "NotResource"
		err = s.readResources(e.value, version)
	case "Condition":
		s.conditions, err = parseConditions(e.value, version)
	default:
		err = errors.New("unknown element")
	}
	return err
}

// readEffect accepts Allow or Deny. The values are case-sensitive.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_effect.html
func (s *statement) readEffect(value any) error {
	s.allow = value == "Allow"
	if !s.allow && value != "Deny" {
		return errors.New("neither Allow nor Deny")
	}
	return nil
}

// parseActions reads actions. Prefix and name are not case-sensitive. Wildcards are allowed in the name only.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func parseActions(value any) ([]string, error) {
	actions, err := stringList(value)
	if err != nil {
		return nil, err
	}
	for i, a := range actions {
		folded, ok := foldASCII(a)
		prefix, name, found := strings.Cut(folded, ":")
		if !ok || a != "*" && (!found || prefix == "" || name == "" || strings.ContainsAny(prefix, "*?")) {
			return nil, fmt.Errorf("no action: %q", a)
		}
		actions[i] = compileWildcards(folded)
	}
	return sortedSet(actions), nil
}

// readResources reads resources: "*", or ARNs, which may have wildcards, and variables after the fifth colon.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-resourceelement
func (s *statement) readResources(value any, version string) error {
	names, err := stringList(value)
	if err != nil {
		return err
	}
	for _, name := range sortedSet(names) {
		if name != "*" && !strings.HasPrefix(name, "arn:") {
			return fmt.Errorf("neither %q nor an ARN: %q", "*", name)
		}
		t, err := compileText(name, true, version)
		if err != nil {
			return err
		}
		if t.parts != nil && strings.Count(t.parts[0].literal, ":") < 5 {
			return fmt.Errorf("a variable before the fifth colon: %q", name)
		}
		s.variable = s.variable || t.parts != nil
		t.source, t.doubtful = name, isDoubtful(name)
		s.resources = append(s.resources, t)
	}
	return nil
}

// parseConditions reads a Condition element. AWS's grammar requires a key in each operator; the element itself may be
// empty.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-bnf
func parseConditions(value any, version string) ([]condition, error) {
	blocks, ok := value.(object)
	if !ok {
		return nil, errors.New("not an object")
	}
	var conditions []condition
	for _, block := range blocks {
		keys, ok := block.value.(object)
		if !ok {
			return nil, fmt.Errorf("%s: not an object", block.name)
		}
		if len(keys) == 0 {
			return nil, fmt.Errorf("%s: an operator without a key", block.name)
		}
		for _, key := range keys {
			c, err := parseCondition(block.name, key, version)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", block.name, err)
			}
			if slices.ContainsFunc(conditions, c.sameKey) {
				return nil, fmt.Errorf("%s: %q given twice", block.name, key.name)
			}
			conditions = append(conditions, c)
		}
	}
	return conditions, nil
}

func (c condition) sameKey(other condition) bool { return c.name == other.name && c.key == other.key }

func parseCondition(operatorName string, key member, version string) (condition, error) {
	c, err := parseOperatorName(operatorName)
	if err != nil {
		return c, err
	}
	var ok bool
	if c.key, ok = foldKey(key.name); !ok {
		return c, fmt.Errorf("no condition key: %q", key.name)
	}
	values, err := conditionValues(key.value)
	if err != nil {
		return c, fmt.Errorf("%s: %w", key.name, err)
	}
	if c.kind == kindBool || c.kind == kindNull {
		for i := range values {
			values[i] = strings.ToLower(values[i])
		}
	}
	c.values = sortedSet(values)
	c.simplify()
	for _, v := range c.values {
		o, err := parseOperand(c.kind, v, version)
		if err != nil {
			return c, fmt.Errorf("%s: %w", key.name, err)
		}
		c.operands = append(c.operands, o)
	}
	return c, nil
}

// conditionValues reads one value or a list. Quotation marks are optional for numbers and Booleans.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-json
func conditionValues(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	values := make([]string, 0, len(list))
	for _, item := range list {
		switch v := item.(type) {
		case string:
			values = append(values, v)
		case json.Number:
			values = append(values, v.String())
		case bool:
			values = append(values, fmt.Sprint(v))
		default:
			return nil, errors.New("neither text, number nor Boolean")
		}
	}
	if len(values) == 0 {
		return nil, errors.New("an empty list")
	}
	return values, nil
}

// stringList reads one string or a list of at least one.
func stringList(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	texts := make([]string, 0, len(list))
	for _, item := range list {
		s, err := stringValue(item)
		if err != nil {
			return nil, err
		}
		if s == "" {
			return nil, errors.New("an empty text")
		}
		texts = append(texts, s)
	}
	if len(texts) == 0 {
		return nil, errors.New("an empty list")
	}
	return texts, nil
}

func stringValue(value any) (string, error) {
	s, ok := value.(string)
	if !ok {
		return "", errors.New("not a text")
	}
	return s, nil
}
