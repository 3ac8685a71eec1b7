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

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// exitUnmatched is the exit code of guard match when an event triggers no rule.
const exitUnmatched = 1

// matcher finds the rules of a template that an event triggers.
type matcher struct {
	template string   // file; "" is the template that this command was built with
	given    []string // Key=Value: parameters, and names of resources
	options  samtemplate.Options
	asJSON   bool

	parsed *samtemplate.Template
	names  map[string]string // of resources, from given
	stacks map[eventHome]stackRules
}

// eventHome is the account and Region in which an event happened, and in which the stack is that receives it.
type eventHome struct{ account, region string }

// stackRules are a stack's rules, and the invented names in them.
type stackRules struct {
	rules    []samtemplate.Rule
	invented []inventedName
}

// inventedName is a name that no flag gives, and the beginning of the flag that gives it.
type inventedName struct{ name, flag string }

// matchAnswer is the answer of guard match for one event.
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
		Short: "Show which rules of the template an event triggers, and which field does not match for the others",
		Long: `Match compiles the event patterns of the template's rules, as EventBridge reads them, and tries events on them.

EVENT.json ("-" reads standard input) holds an EventBridge event, a bare CloudTrail record (which is put into the envelope
that EventBridge would send it in), a list of either, {"Records": […]} as CloudTrail's log files do, or what
"aws cloudtrail lookup-events" prints.

The patterns name resources of the stack, and only AWS knows their names. Give them with --parameter, which takes
the template's parameters and its logical ids:

  guard match event.json --parameter EndpointType=Interface \
    --parameter Bucket=docs-example --parameter InterfaceEndpoint=vpce-0a1b2c3d4e5f60718 \
    --parameter RemediateRole.Arn=arn:aws:iam::111122223333:role/guard-RemediateRole-EXAMPLE

Names that are not given are invented. Without the role's name, a call of the guard looks like a call of any other caller.

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
	flags.StringArrayVar(&m.given, "parameter", nil, "Key=Value: a parameter's value, or a resource's name or ARN")
	flags.StringVar(&m.options.Region, "region", "", "the stack's Region (default: the event's)")
	flags.StringVar(&m.options.AccountID, "account", "", "the stack's account (default: the event's)")
	flags.StringVar(&m.options.Partition, "partition", "", "the stack's partition (default: the Region's)")
	flags.StringVar(&m.options.StackID, "stack-id", "", "the stack's ARN (default: invented)")
	flags.BoolVar(&m.asJSON, "json", false, "answer as JSON")
	c.SetFlagErrorFunc(misused)
	return c
}

// answerFiles returns the answers for all events in the files.
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

// prepare reads the template and separates the given values into parameters and resources.
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

// rulesIn returns the rules of the stack in the account and Region where the event happened.
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

// inventedNames returns the names and ARNs of the stack and of resources that no flag gives.
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

// answer matches one event with all rules.
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

// try matches an event with one rule.
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

// hint returns the flag that gives a resource's name, if the pattern has an invented name and the event another one.
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

// write writes the answers, and returns the exit code as an error.
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

// write writes the answer as text: a line for the event and one for each rule, + for the rules that it triggers.
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

// String returns in words why the rule is not triggered.
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
