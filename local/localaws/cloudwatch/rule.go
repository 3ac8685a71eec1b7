package cloudwatch

import (
	"regexp"
	"slices"
	"strings"
)

// maxRule is the maximum length of a composite alarm's rule, in characters, and maxChildren its maximum number of
// alarms.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
const (
	maxRule     = 10240
	maxChildren = 100
)

// tokens matches the tokens of a rule: a state with an alarm's name or ARN, the operators, and parentheses.
var tokens = regexp.MustCompile(`^\s*(?:(ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]+)"|'([^']+)'|([^\s()"']+))\s*\)|(AND|OR|NOT|TRUE|FALSE)\b|([()]))`)

// token is one token of a rule.
type token struct {
	// state and alarm are set for a test such as ALARM("name"); otherwise word is an operator, a constant or a
	// parenthesis.
	state, alarm, word string
}

// scan returns the tokens of a rule.
func scan(rule string) ([]token, error) {
	var list []token
	for rest := rule; strings.TrimSpace(rest) != ""; {
		m := tokens.FindStringSubmatch(rest)
		if m == nil {
			return nil, invalid("The alarm rule cannot be read from %q on.", strings.TrimSpace(rest))
		}
		alarm := m[2] + m[3] + m[4]
		if i := strings.Index(alarm, ":alarm:"); strings.HasPrefix(alarm, "arn:") && i > 0 {
			alarm = alarm[i+len(":alarm:"):]
		}
		list = append(list, token{m[1], alarm, m[5] + m[6]})
		rest = rest[len(m[0]):]
	}
	return list, nil
}

// children returns the names of the alarms in a rule.
func children(rule []token) []string {
	var names []string
	for _, t := range rule {
		if t.alarm != "" && !slices.Contains(names, t.alarm) {
			names = append(names, t.alarm)
		}
	}
	return names
}

// checkRule refuses a composite alarm whose rule is invalid or names missing alarms. The caller holds the lock.
func (s *Service) checkRule(a Alarm) error {
	if len(a.Rule) > maxRule {
		return invalid("The parameter AlarmRule must have at most %d characters.", maxRule)
	}
	rule, err := scan(a.Rule)
	if err != nil {
		return err
	}
	if _, ok := s.holds(rule); !ok {
		return invalid("The alarm rule %q is not complete, or goes on after its end.", a.Rule)
	}
	names := children(rule)
	if len(names) > maxChildren {
		return invalid("A composite alarm can name at most %d alarms.", maxChildren)
	}
	for _, name := range names {
		if s.alarms[name] == nil || name == a.Name {
			return invalid("The alarm rule names the alarm %s, which does not exist.", name)
		}
	}
	return nil
}

// compose returns a composite alarm's state, and the reason.
func (s *Service) compose(p plan) (state, reason string) {
	var ringing []string
	for _, name := range p.children {
		if c := s.alarms[name]; c != nil && c.State == Alarming {
			ringing = append(ringing, name)
		}
	}
	state, reason = OK, "The alarm rule is false; in ALARM: "+strings.Join(ringing, ", ")
	if holds, _ := s.holds(p.rule); holds {
		state, reason = Alarming, "The alarm rule is true; in ALARM: "+strings.Join(ringing, ", ")
	}
	return state, reason
}

// holds evaluates a rule; ok is false if it is incomplete, or goes on after its end. NOT binds closer than AND, and AND closer than OR.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
func (s *Service) holds(rule []token) (result, ok bool) {
	r := reader{service: s, tokens: rule}
	result, ok = r.or()
	return result, ok && len(r.tokens) == 0
}

// reader evaluates a rule while reading it. Its methods return ok = false on a syntax error.
type reader struct {
	service *Service
	tokens  []token
}

// take consumes the next token if it is word.
func (r *reader) take(word string) bool {
	if len(r.tokens) == 0 || r.tokens[0].word != word || r.tokens[0].alarm != "" {
		return false
	}
	r.tokens = r.tokens[1:]
	return true
}

func (r *reader) or() (result, ok bool) {
	result, ok = r.and()
	for ok && r.take("OR") {
		var other bool
		other, ok = r.and()
		result = result || other
	}
	return result, ok
}

func (r *reader) and() (result, ok bool) {
	result, ok = r.not()
	for ok && r.take("AND") {
		var other bool
		other, ok = r.not()
		result = result && other
	}
	return result, ok
}

func (r *reader) not() (result, ok bool) {
	switch {
	case r.take("NOT"):
		result, ok = r.not()
		return !result, ok
	case r.take("TRUE"):
		return true, true
	case r.take("FALSE"):
		return false, true
	case r.take("("):
		result, ok = r.or()
		return result, ok && r.take(")")
	}
	return r.test()
}

// test evaluates a test of an alarm's state.
func (r *reader) test() (result, ok bool) {
	if len(r.tokens) == 0 || r.tokens[0].alarm == "" {
		return false, false
	}
	t := r.tokens[0]
	r.tokens = r.tokens[1:]
	c := r.service.alarms[t.alarm]
	return c != nil && c.State == t.state, true
}
