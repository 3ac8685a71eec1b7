package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"s3-endpoint-guard/local/samtemplate"
)

// exitUnmatched is the exit code of guard match when an event triggers no rule.
const exitUnmatched = 1

// matcher answers which rules of a template an event triggers.
type matcher struct {
	template string   // file; "" is the template that this command was built with
	given    []string // Key=Value: parameters, and names of resources
	options  samtemplate.Options
	asJSON   bool

	parsed *samtemplate.Template
	names  map[string]string // of resources, from given
	stacks map[eventHome]stackRules
}

// eventHome is where an event happened, and so where the stack is that sees it.
type eventHome struct{ account, region string }

// stackRules are a stack's rules, and the names in them that nobody gave.
type stackRules struct {
	rules    []samtemplate.Rule
	invented []inventedName
}

// inventedName is what something is called for want of a better name, and the beginning of the flag that gives one.
type inventedName struct{ name, flag string }

// matchAnswer is what guard match says about one event.
type matchAnswer struct {
	Event    string      `json:"event"` // file, and number where a file holds several
	Name     string      `json:"name"`  // what happened, e.g. "PutBucketPolicy"
	By       string      `json:"by,omitempty"`
	Triggers []string    `json:"triggers"` // logical ids, in the template's order
	Others   []otherRule `json:"others"`
}

// otherRule is a rule that an event does not trigger, and why.
type otherRule struct {
	Rule   string `json:"rule"`
	Field  string `json:"field,omitempty"`
	Reason string `json:"reason"`
	Absent bool   `json:"absent,omitempty"` // the event has no such field
	Got    any    `json:"got,omitempty"`
	Hint   string `json:"hint,omitempty"` // the flag that may be missing
}

func matchCommand() *cobra.Command {
	m := &matcher{}
	c := &cobra.Command{
		Use:   "match EVENT.json…",
		Short: "Tell which rules of the template an event triggers, and for the others which field does not match",
		Long: `Match compiles the event patterns of the template's rules, as EventBridge reads them, and tries events on them.

EVENT.json ("-" reads standard input) holds an EventBridge event, a bare CloudTrail record (which is put into the envelope
that EventBridge would send it in), a list of either, {"Records": […]} as CloudTrail's log files do, or what
"aws cloudtrail lookup-events" prints.

The patterns name resources of the stack, and only AWS knows what those are called. Say so with --parameter, which takes
the template's parameters and its logical ids:

  guard match event.json --parameter EndpointType=Interface \
    --parameter Bucket=docs-example --parameter InterfaceEndpoint=vpce-0a1b2c3d4e5f60718 \
    --parameter RemediateRole.Arn=arn:aws:iam::111122223333:role/guard-RemediateRole-EXAMPLE

Names that are not given are invented. Without the role's, a call of the guard itself looks like anybody's.

The exit code is 0 when every event triggers a rule, 1 when one triggers none, 2 when something cannot be read.`,
		Args: arguments(1, math.MaxInt),
		RunE: func(c *cobra.Command, files []string) error {
			answers, err := m.answerFiles(files, c.InOrStdin())
			if err != nil {
				return unjudged(c, err)
			}
			return m.write(c.OutOrStdout(), answers)
		},
	}
	flags := c.Flags()
	flags.StringVar(&m.template, "template", "", templateUsage)
	flags.StringArrayVar(&m.given, "parameter", nil, "Key=Value: a parameter's value, or what a resource is called")
	flags.StringVar(&m.options.Region, "region", "", "the stack's Region (default: the event's)")
	flags.StringVar(&m.options.AccountID, "account", "", "the stack's account (default: the event's)")
	flags.StringVar(&m.options.Partition, "partition", "", "the stack's partition (default: the Region's)")
	flags.StringVar(&m.options.StackID, "stack-id", "", "the stack's ARN (default: invented)")
	flags.BoolVar(&m.asJSON, "json", false, "answer as JSON")
	c.SetFlagErrorFunc(misused)
	return c
}

// answerFiles answers for every event in the files.
func (m *matcher) answerFiles(files []string, stdin io.Reader) ([]matchAnswer, error) {
	if err := m.prepare(); err != nil {
		return nil, err
	}
	answers := []matchAnswer{}
	for _, name := range files {
		data, err := readInput(name, stdin)
		if err != nil {
			return nil, err
		}
		events, err := readEvents(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for i, event := range events {
			label := name
			if len(events) > 1 {
				label = fmt.Sprintf("%s#%d", name, i+1)
			}
			answer, err := m.answer(label, event)
			if err != nil {
				return nil, err
			}
			answers = append(answers, answer)
		}
	}
	return answers, nil
}

// prepare reads the template and tells its parameters from its resources.
func (m *matcher) prepare() (err error) {
	if m.parsed, err = loadTemplate(m.template); err != nil {
		return err
	}
	m.names, m.stacks = map[string]string{}, map[eventHome]stackRules{}
	m.options.Parameters = map[string]string{}
	parameters := m.parsed.Parameters()
	for _, text := range m.given {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return fmt.Errorf("--parameter %s: want Key=Value", text)
		}
		into := m.names
		if slices.ContainsFunc(parameters, func(p samtemplate.Parameter) bool { return p.Name == key }) {
			into = m.options.Parameters
		}
		if _, twice := into[key]; twice {
			return fmt.Errorf("--parameter %s: given twice", key)
		}
		into[key] = value
	}
	if parts := strings.SplitN(m.options.StackID, ":", 6); len(parts) == 6 {
		name, _, _ := strings.Cut(strings.TrimPrefix(parts[5], "stack/"), "/")
		m.options.StackName = name
	} else if m.options.StackID != "" {
		return fmt.Errorf("--stack-id %s: want an ARN", m.options.StackID)
	}
	return nil
}

// rulesIn returns the rules of the stack where the event happened.
func (m *matcher) rulesIn(home eventHome) (stackRules, error) {
	if s, ok := m.stacks[home]; ok {
		return s, nil
	}
	o := m.options
	o.AccountID, o.Region = cmp.Or(o.AccountID, home.account), cmp.Or(o.Region, home.region)
	plan, err := m.parsed.Plan(o)
	if err != nil {
		return stackRules{}, err
	}
	names, err := samtemplate.InventedExcept(plan, m.names)
	if err != nil {
		return stackRules{}, fmt.Errorf("--parameter: %w", err)
	}
	rules, err := plan.Rules(names)
	if err != nil {
		return stackRules{}, err
	}
	if len(rules) == 0 {
		return stackRules{}, errors.New("the template has no rule")
	}
	s := stackRules{rules: rules, invented: m.inventedNames(plan, names)}
	m.stacks[home] = s
	return s, nil
}

// inventedNames returns the names and ARNs of resources that no flag gives, and the stack's.
func (m *matcher) inventedNames(plan *samtemplate.Plan, a samtemplate.Attributes) []inventedName {
	var all []inventedName
	if m.options.StackID == "" {
		all = append(all, inventedName{plan.Options().StackID, "--stack-id "})
	}
	for _, r := range plan.Resources() {
		ref, _ := a.Ref(r.LogicalID)
		attribute, _ := a.GetAtt(r.LogicalID, "Arn")
		arn, _ := attribute.(string)
		for _, called := range [][2]string{{r.LogicalID, ref}, {r.LogicalID + ".Arn", arn}} {
			key, name := called[0], called[1]
			if _, given := m.names[key]; name != "" && !given {
				all = append(all, inventedName{name, "--parameter " + key + "="})
			}
		}
	}
	return all
}

// answer tries every rule on one event.
func (m *matcher) answer(label string, event map[string]any) (matchAnswer, error) {
	stack, err := m.rulesIn(eventHome{textIn(event, "account"), textIn(event, "region")})
	if err != nil {
		return matchAnswer{}, err
	}
	a := matchAnswer{
		Event:    label,
		Name:     cmp.Or(textIn(event, "detail", "eventName"), textIn(event, "detail-type")),
		By:       textIn(event, "detail", "userIdentity", "arn"),
		Triggers: []string{},
		Others:   []otherRule{},
	}
	for _, rule := range stack.rules {
		other, triggered := stack.try(rule, event)
		if triggered {
			a.Triggers = append(a.Triggers, rule.LogicalID)
			continue
		}
		a.Others = append(a.Others, other)
	}
	return a, nil
}

// try tries one rule.
func (s stackRules) try(rule samtemplate.Rule, event map[string]any) (otherRule, bool) {
	other := otherRule{Rule: rule.LogicalID}
	if rule.Pattern == nil {
		other.Reason = "is a schedule: " + rule.Schedule
		return other, false
	}
	matched, why := rule.Pattern.Match(event)
	switch {
	case matched && rule.Enabled:
		return other, true
	case matched:
		other.Reason = "matches, but the rule is disabled"
	default:
		other.Field, other.Reason, other.Absent, other.Got = why.Path, why.Reason, why.Absent, why.Got
		other.Hint = s.hint(why.Reason, why.Got)
	}
	return other, false
}

// hint returns the flag that says what something is called, where the pattern wanted an invented name of it and the
// event has another.
func (s stackRules) hint(reason string, got any) string {
	name, ok := got.(string)
	if !ok {
		return ""
	}
	for _, i := range s.invented {
		if strings.Contains(reason, strconv.Quote(i.name)) {
			return i.flag + name
		}
	}
	return ""
}

// write writes the answers, and returns the exit code that they ask for.
func (m *matcher) write(w io.Writer, answers []matchAnswer) error {
	if m.asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(answers); err != nil {
			return unjudged(nil, err)
		}
	} else {
		for _, a := range answers {
			a.write(w, paletteFor(w))
		}
	}
	if slices.ContainsFunc(answers, func(a matchAnswer) bool { return len(a.Triggers) == 0 }) {
		return &exitError{code: exitUnmatched}
	}
	return nil
}

// write writes the answer for a reader: a line for the event, one for each rule, + for those that it triggers.
func (a matchAnswer) write(w io.Writer, colour palette) {
	title := a.Event + ": " + a.Name
	if a.By != "" {
		title += " by " + a.By
	}
	fmt.Fprintln(w, colour.bold(title))
	width := 0
	for _, o := range a.Others {
		width = max(width, len(o.Rule))
	}
	for _, id := range a.Triggers {
		fmt.Fprintln(w, colour.green("  + "+id))
	}
	for _, o := range a.Others {
		fmt.Fprintf(w, "  - %-*s  %s\n", width, o.Rule, o)
	}
}

// String is why the rule is not triggered, in words.
func (o otherRule) String() string {
	if o.Field == "" {
		return o.Reason
	}
	got := "none"
	if !o.Absent {
		text, err := json.Marshal(o.Got)
		if err != nil {
			text = fmt.Append(nil, o.Got)
		}
		got = string(text)
	}
	line := fmt.Sprintf("%s: %s, got %s", o.Field, o.Reason, got)
	if o.Hint != "" {
		line += " (invented; if it is the stack's: " + o.Hint + ")"
	}
	return line
}
