package template_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// query is a saved query of the template.
type query struct {
	// name is without the stack's name; groups are the logical ids of its log groups.
	name   string
	groups []string
	text   string
}

// queries returns the saved queries of a deployed template.
func queries(s stack) []query {
	s.Helper()
	groups := map[any]string{}
	for _, r := range s.ofType("AWS::Logs::LogGroup") {
		ref, _ := s.Ref(r.LogicalID)
		groups[ref] = r.LogicalID
	}
	var all []query
	for _, r := range s.ofType("AWS::Logs::QueryDefinition") {
		p := s.properties(r.LogicalID)
		folder, name, _ := strings.Cut(p["Name"].(string), "/")
		if folder != "guard" {
			s.Errorf("%s is in the folder %s, want the stack's name", r.LogicalID, folder)
		}
		q := query{name: name, text: p["QueryString"].(string)}
		for _, group := range list(p["LogGroupNames"]) {
			q.groups = append(q.groups, groups[group])
		}
		all = append(all, q)
	}
	return all
}

// The words of the query language that the queries use.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
var (
	queryCommands = []string{"fields", "filter", "stats", "sort", "limit"}
	keywords      = []string{"by", "as", "in", "and", "or", "not", "like", "asc", "desc"}
	functions     = []string{"count", "min", "max", "latest", "ispresent"}
	generated     = []string{"@timestamp", "@message", "@log"}
)

var (
	text  = regexp.MustCompile(`"[^"]*"|/[^/]*/`) // strings and patterns
	word  = regexp.MustCompile(`[@A-Za-z][A-Za-z0-9_.@]*\(?`)
	asked = regexp.MustCompile(`\bmessage (?:= ("[^"]*")|in \[([^\]]*)\])`)
)

// fields returns the fields of log lines that a query names. The error names what the query language does not know.
func (q query) fields() (fields []string, err error) {
	var aliases []string
	for _, command := range strings.Split(text.ReplaceAllString(q.text, ""), "|") {
		words := word.FindAllString(command, -1)
		if len(words) == 0 || !slices.Contains(queryCommands, words[0]) {
			return nil, fmt.Errorf("no command in %q", command)
		}
		for i, w := range words[1:] {
			f, call := strings.CutSuffix(w, "(")
			switch {
			case call && !slices.Contains(functions, f):
				return nil, fmt.Errorf("no function %s", f)
			case words[i] == "as":
				aliases = append(aliases, w)
			case call, slices.Contains(keywords, w), slices.Contains(generated, w), slices.Contains(aliases, w):
			default:
				fields = append(fields, w)
			}
		}
	}
	return fields, nil
}

// messages returns the log messages that a query asks for.
func (q query) messages() []string {
	var all []string
	for _, m := range asked.FindAllStringSubmatch(q.text, -1) {
		for _, quoted := range text.FindAllString(m[1]+m[2], -1) {
			all = append(all, strings.Trim(quoted, `"`))
		}
	}
	return all
}

// sources are the folders of the functions that write to each log group.
var sources = map[string]string{
	"RemediateLogGroup": "remediate", "HealthcheckLogGroup": "healthcheck", "ProbeLogGroup": "probe", "TeardownLogGroup": "teardown",
	"AdoptLogGroup": "adopt",
}

// written returns the fields and messages that a function's code can write to its log: the logger's own, all strings in
// the code, and for the guard a record's fields and outcomes.
func written(t *testing.T, group string) map[string]bool {
	t.Helper()
	all := map[string]bool{"level": true, "message": true, "requestId": true}
	collect := func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if value, err := strconv.Unquote(literal.Value); err == nil {
				all[value] = true
			}
		}
		return true
	}
	inspectSources(t, "internal/function/"+sources[group], collect)
	if group == "RemediateLogGroup" {
		jsonFields(reflect.TypeFor[guard.Record](), "", all)
		inspectSources(t, "internal/guard", collect)
	}
	return all
}

// jsonFields notes the names of a type's fields in JSON, with dots.
func jsonFields(typ reflect.Type, prefix string, into map[string]bool) {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			into[prefix+name] = true
			jsonFields(typ.Field(i).Type, prefix+name+".", into)
		}
	}
}

func TestSavedQueriesAskForWhatIsInTheLog(t *testing.T) {
	for _, q := range append(queries(deploy(t, nil)), queries(deployGuard(t, nil))...) {
		fields, err := q.fields()
		if err != nil {
			t.Errorf("%s: %v", q.name, err)
		}
		if len(fields) == 0 || len(q.groups) == 0 {
			t.Errorf("%s asks for the fields %q in the log groups %q, want both", q.name, fields, q.groups)
		}
		for _, group := range q.groups {
			known := written(t, group)
			for _, name := range slices.Concat(fields, q.messages()) {
				if !known[name] {
					t.Errorf("%s asks for %q, which is not in %s", q.name, name, group)
				}
			}
		}
	}
}

func TestWrongQueriesAreSeen(t *testing.T) {
	for text, want := range map[string]string{
		`filter message = "corrected" | sort resource desc`: "[message resource]",
		`stats count(*) as n by actor.arn | sort n desc`:    "[actor.arn]",
		`find message`:                       "no command",
		`stats median(attempts) by resource`: "no function median",
		`filter resourse = "x"`:              "[resourse]",
	} {
		fields, err := query{text: text}.fields()
		if got := fmt.Sprint(fields, err); !strings.Contains(got, want) {
			t.Errorf("fields of %q = %s, want %s", text, got, want)
		}
	}
	if known := written(t, "RemediateLogGroup"); known["resourse"] || !known["contested.corrections"] || !known["drift ended"] {
		t.Error("the guard's log has resourse, or has no contested.corrections or drift ended")
	}
}

// CloudFormation's limits of a saved query.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-querydefinition.html
func TestSavedQueriesAreWithinTheirLimits(t *testing.T) {
	named := map[string]bool{}
	name := regexp.MustCompile(`^([^:*/]+/?)*[^:*/]+$`)
	for _, s := range []stack{longest(t, nil), longestGuard(t, nil, 1)} {
		clear(named)
		for _, r := range s.ofType("AWS::Logs::QueryDefinition") {
			p := s.properties(r.LogicalID)
			called, text := p["Name"].(string), p["QueryString"].(string)
			if len(called) > 255 || !name.MatchString(called) || named[called] || len(text) > 10_000 {
				t.Errorf("%s: the name %q or the query with %d characters is not one that CloudFormation takes", r.LogicalID, called, len(text))
			}
			named[called] = true
		}
	}
}

// The runbook names each saved query where it helps, and no other.
func TestTheRunbookNamesEachSavedQuery(t *testing.T) {
	runbook, err := os.ReadFile("docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, q := range append(queries(deploy(t, nil)), queries(deployGuard(t, nil))...) {
		want = append(want, q.name)
	}
	var got []string
	for _, m := range regexp.MustCompile("saved\\s+query\\s+`([^`]+)`").FindAllStringSubmatch(string(runbook), -1) {
		got = append(got, strings.Join(strings.Fields(m[1]), " "))
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("the runbook does not name the saved query %q", name)
		}
	}
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("the runbook names the saved query %q, which there is not", name)
		}
	}
}
