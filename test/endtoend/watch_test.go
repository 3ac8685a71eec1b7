package endtoend_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"s3-endpoint-guard/local/localaws/api"
	"s3-endpoint-guard/local/localaws/lambda"
	"s3-endpoint-guard/local/localaws/sns"
	"s3-endpoint-guard/local/localaws/sqs"
)

// report is what the guard did during something.
type report struct {
	// calls are those of the guard, in the order in which they began.
	calls []api.Call
	// invocations are its runs, those tried again included.
	invocations []lambda.Invocation
	// lines are all that it printed, records the lines that account for a drifted property.
	lines   []lambda.Line
	records []record
	// messages are its notifications, letters the records of runs that failed for good.
	messages []sns.Message
	letters  []sqs.Message
}

// record is a log line of a correction, as far as tests look at it.
type record struct {
	Level, Message                      string
	Resource, Target, Verdict, Allowed  string
	Before, After, Stack, Error, Unread string
	SinceEventMs, ElapsedMs             int64
	Attempts                            int
	Missing                             bool
	Trigger                             struct{ Kind, EventID, EventName string }
	Actor                               *struct{ ARN, SourceIPAddress, UserAgent string }
}

// watch does something, waits until nothing is under way, and tells what the guard did.
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
	if len(after.messages) > 0 { // a deleted topic has none
		r.messages = after.messages[len(before.messages):]
	}
	if len(after.letters) > 0 {
		r.letters = after.letters[len(before.letters):]
	}
	r.records = records(r.lines)
	return r
}

// seen is all that the guard did so far, but for its calls.
func (s *scene) seen() report {
	return report{
		invocations: s.Lambda.Invocations(s.function),
		lines:       s.Lambda.Logs(s.function),
		messages:    s.SNS.Messages(s.topic),
		letters:     s.SQS.Messages(s.queue),
	}
}

// records are the lines that account for a property.
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

// names are the calls' names in order of the alphabet.
func (r report) names() []string {
	var names []string
	for _, call := range r.calls {
		names = append(names, call.Operation)
	}
	slices.Sort(names)
	return names
}

// writes are the names of the calls that changed something, in the order in which they began.
func (r report) writes() []string {
	var names []string
	for _, call := range r.calls {
		if call.Write && call.ErrorCode == "" {
			names = append(names, call.Operation)
		}
	}
	return names
}

// failures are the runs that failed.
func (r report) failures() []lambda.Invocation {
	var failed []lambda.Invocation
	for _, i := range r.invocations {
		if i.Failure != nil {
			failed = append(failed, i)
		}
	}
	return failed
}

// outcomes are the records as "<resource>: <outcome>", in order.
func (r report) outcomes() []string {
	var all []string
	for _, record := range r.records {
		all = append(all, record.Resource+": "+record.Message)
	}
	return all
}

// log is all that the guard printed, for a test that failed.
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
