package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/test/golden"
)

// runMatch runs guard match on the test's own template, and returns its output and exit code.
func runMatch(stdin string, args ...string) (output string, code int, err error) {
	var out strings.Builder
	c := matchCommand()
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetArgs(append([]string{"--template", "testdata/match/template.yaml"}, args...))
	c.SetIn(strings.NewReader(stdin))
	c.SetOut(&out)
	err = c.Execute()
	var exit *exitError
	if errors.As(err, &exit) {
		return out.String(), exit.code, exit.err
	}
	return out.String(), 0, err
}

// event returns the path of a test event.
func event(name string) string { return filepath.Join("testdata", "match", name) }

// theStack are the flags that give the stack's resources the names in the test events.
var theStack = []string{
	"--parameter", "Bucket=docs-example",
	"--parameter", "InterfaceEndpoint=vpce-0a1b2c3d4e5f60718",
	"--parameter", "Role.Arn=arn:aws:iam::111122223333:role/guard-Role-EXAMPLE",
	"--stack-id", "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000002",
}

func TestMatchTellsTriggersAndFields(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"put-bucket-policy":          {append([]string{event("put-bucket-policy.json")}, theStack...), 0},
		"put-bucket-policy.json":     {append([]string{"--json", event("put-bucket-policy.json")}, theStack...), 0},
		"put-bucket-policy.own-role": {append([]string{event("put-bucket-policy.own-role.json")}, theStack...), 1},
		"put-bucket-policy.failed":   {append([]string{event("put-bucket-policy.failed.json")}, theStack...), 1},
		"invented-names":             {[]string{event("put-bucket-policy.json"), event("record.json"), event("stack-status.json")}, 1},
		"record":                     {append([]string{event("record.json")}, theStack...), 0},
		"log-file":                   {append([]string{event("log-file.json")}, theStack...), 0},
		"stack-status":               {append([]string{event("stack-status.json")}, theStack...), 0},
		"gateway":                    {[]string{event("log-file.json"), "--parameter", "EndpointType=Gateway", "--parameter", "Bucket=docs-example"}, 1},
		"lookup-events":              {append([]string{"testdata/printed/lookup-events.json"}, theStack...), 0},
		"another-account":            {append([]string{event("put-bucket-policy.json"), "--account", "444455556666"}, theStack...), 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, code, err := runMatch("", c.args...)
			if code != c.code || err != nil {
				t.Errorf("guard match %v: exit code %d (%v), want %d", c.args, code, err, c.code)
			}
			golden.File(t, event(name+".golden"), got)
		})
	}
}

func TestMatchReadsStandardInputInEveryForm(t *testing.T) {
	record, err := os.ReadFile(event("record.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		stdin  string
		events int
	}{
		"a record":        {string(record), 1},
		"a list":          {"[" + string(record) + "," + string(record) + "]", 2},
		"a log file":      {`{"Records":[` + string(record) + `]}`, 1},
		"one per line":    {string(record) + "\n" + string(record), 2},
		"lists of a list": {"[[" + string(record) + "]]", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got, code, err := runMatch(c.stdin, append([]string{"-"}, theStack...)...)
			if code != 0 || err != nil || strings.Count(got, "+ EndpointRule") != c.events {
				t.Errorf("exit code %d (%v), %s, want EndpointRule %d times", code, err, got, c.events)
			}
		})
	}
}

func TestMatchEndsWithTwoOnBadInput(t *testing.T) {
	const anEvent = "testdata/match/put-bucket-policy.json"
	for name, c := range map[string]struct {
		stdin string
		args  []string
		want  string
	}{
		"no file":                  {args: nil, want: "an argument is missing"},
		"unknown flag":             {args: []string{"--what"}, want: "unknown flag"},
		"a file that is not there": {args: []string{"none.json"}, want: "none.json"},
		"a template likewise":      {args: []string{anEvent, "--template", "none.yaml"}, want: "none.yaml"},
		"a template without rules": {stdin: "", args: []string{anEvent, "--template", "testdata/match/no-rules.yaml"}, want: "the template has no rule"},
		"nothing":                  {args: []string{"-"}, want: "-: holds no event"},
		"an empty list":            {stdin: "[]", args: []string{"-"}, want: "holds no event"},
		"no JSON":                  {stdin: "{", args: []string{"-"}, want: "unexpected EOF"},
		"text":                     {stdin: `"x"`, args: []string{"-"}, want: `holds "x", want events`},
		"null":                     {stdin: `null`, args: []string{"-"}, want: "holds null, want events"},
		"text in a list":           {stdin: `[1]`, args: []string{"-"}, want: "holds 1, want events"},
		"another object":           {stdin: `{"detail":{}}`, args: []string{"-"}, want: "neither an EventBridge event"},
		"a printed event of text":  {stdin: `{"Events":[{"CloudTrailEvent":"x"}]}`, args: []string{"-"}, want: "invalid character"},
		"no printed events":        {stdin: `{"Events":[]}`, args: []string{"-"}, want: "holds no event"},
		"an unknown record":        {stdin: `{"eventSource":"s3.amazonaws.com","eventName":"x","eventType":"y"}`, args: []string{"-"}, want: "unknown eventType y"},
		"no value":                 {args: []string{anEvent, "--parameter", "Bucket"}, want: "--parameter Bucket: want Key=Value"},
		"twice":                    {args: []string{anEvent, "--parameter", "Bucket=a", "--parameter", "Bucket=b"}, want: "--parameter Bucket: given twice"},
		"an unknown key":           {args: []string{anEvent, "--parameter", "Nobody=a"}, want: "--parameter: no resource Nobody"},
		"a resource that is off":   {args: []string{anEvent, "--parameter", "InterfaceEndpoint=vpce-1", "--parameter", "EndpointType=Gateway"}, want: "InterfaceEndpoint is not in the stack"},
		"a bad parameter":          {args: []string{anEvent, "--parameter", "EndpointType=x"}, want: "is none of Interface, Gateway"},
		"a bad stack id":           {args: []string{anEvent, "--stack-id", "guard"}, want: "--stack-id guard: want an ARN"},
	} {
		t.Run(name, func(t *testing.T) {
			_, code, err := runMatch(c.stdin, c.args...)
			if code != 2 || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("guard match %v: exit code %d, %v, want 2 with %q", c.args, code, err, c.want)
			}
		})
	}
}
