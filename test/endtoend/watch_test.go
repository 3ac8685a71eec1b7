package endtoend_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/sns"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
)

// report is what the guard did during a watch.
type report struct {
	// calls are the guard's calls, in the order in which they began.
	calls []api.Call
	// invocations are its runs, including retries.
	invocations []lambda.Invocation
	// lines are all lines of its log, records the lines about drifted properties.
	lines   []lambda.Line
	records []record
	// messages are its notifications, letters the dead letters of runs that failed all attempts.
	messages []sns.Message
	letters  []sqs.Message
}

// record has the fields of a correction's log line that tests check.
type record struct {
	Level, Message                      string
	Resource, Target, Verdict, Allowed  string
	Before, After, Stack, Error, Unread string
	SinceEventMs, ElapsedMs             int64
	Attempts                            int
	Missing                             bool
	Trigger                             struct{ Kind, EventID, EventName string }
	Owner                               *struct{ ID, Status string }
	Actor                               *struct{ ARN, SourceIPAddress, UserAgent string }
}

// watch calls do, waits until all activity ends, and returns what the guard did.
func (s *scene) watch(do func()) report {
	s.Helper()
	before := s.seen()
	s.Gate.ResetCalls()
	s.CloudWatch.Reset()
	do()
	s.rest()
	after := s.seen()
	var r report
	for _, call := range s.Gate.Calls() {
		if strings.Contains(call.Caller, ":assumed-role/"+s.role[strings.LastIndex(s.role, "/")+1:]+"/") {
			r.calls = append(r.calls, call)
		}
	}
	r.invocations = after.invocations[len(before.invocations):]
	r.lines = after.lines[len(before.lines):]
	if len(after.messages) > 0 { // a deleted topic has no messages
		r.messages = after.messages[len(before.messages):]
	}
	if len(after.letters) > 0 {
		r.letters = after.letters[len(before.letters):]
	}
	r.records = records(r.lines)
	return r
}

// seen returns all that the guard did so far, without its calls.
func (s *scene) seen() report {
	return report{
		invocations: s.Lambda.Invocations(s.function),
		lines:       s.Lambda.Logs(s.function),
		messages:    s.SNS.Messages(s.topic),
		letters:     s.SQS.Messages(s.queue),
	}
}

// records returns the lines about properties.
func records(lines []lambda.Line) []record {
	var all []record
	for _, line := range lines {
		var r record
		if line.Fields["resource"] != nil && json.Unmarshal([]byte(line.Text), &r) == nil {
			all = append(all, r)
		}
	}
	return all
}

// names returns the calls' names in alphabetical order.
func (r report) names() []string {
	var names []string
	for _, call := range r.calls {
		names = append(names, call.Operation)
	}
	slices.Sort(names)
	return names
}

// writes returns the names of the writing calls, in the order in which they began.
func (r report) writes() []string {
	var names []string
	for _, call := range r.calls {
		if call.Write && call.ErrorCode == "" {
			names = append(names, call.Operation)
		}
	}
	return names
}

// failures returns the failed runs.
func (r report) failures() []lambda.Invocation {
	var failed []lambda.Invocation
	for _, i := range r.invocations {
		if i.Failure != nil {
			failed = append(failed, i)
		}
	}
	return failed
}

// outcomes returns the records as "<resource>: <outcome>", in order.
func (r report) outcomes() []string {
	var all []string
	for _, record := range r.records {
		all = append(all, record.Resource+": "+record.Message)
	}
	return all
}

// log returns the guard's log, for the message of a failed test.
func (r report) log() string {
	var b strings.Builder
	for _, line := range r.lines {
		fmt.Fprintln(&b, line.Text)
	}
	for _, i := range r.failures() {
		fmt.Fprintf(&b, "attempt %d failed: %v\n", i.Attempt, i.Failure)
	}
	return b.String()
}
