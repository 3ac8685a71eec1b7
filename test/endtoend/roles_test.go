package endtoend_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// inTheRolesName are the statements that AWS itself uses on behalf of the role. No call of the function shows that
// they are needed.
var inTheRolesName = map[string]string{
	"Log":                  "Lambda writes the function's log: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html",
	"ReportFailedRuns":     "Lambda sends failed events on: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
	"SendHeartbeat":        "Lambda sends the events about successful runs: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html",
	"ReceiveSweepMessages": "Lambda receives the messages of a mapped queue: https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html",
	"SwitchPrivateDnsOn":   "EC2 associates the endpoint's private zone with the VPC: https://github.com/boto/boto3/issues/2554",
}

// TestTheRoleIsExactlyWhatTheFunctionNeeds runs all corrections and compares the permissions that they used with the
// role: nothing was denied, and each action of each statement was needed, on each of its resources.
//
// SNS's use of the topic's key on behalf of the role is one of the needs of Publish.
func TestTheRoleIsExactlyWhatTheFunctionNeeds(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			p := p.and("SweepSeconds", "30")
			needs := needsOfEverything(t, endpointType, p)
			for _, st := range deploy(t, p).statements("RemediateRole") {
				reason, others := inTheRolesName[st.Sid]
				for _, one := range st.apart() {
					switch taken := slices.ContainsFunc(needs, one.covers(t)); {
					case !taken && !others:
						t.Errorf("statement %s allows %v on %v, which no correction uses", one.Sid, one.Action, one.Resource)
					case taken && others:
						t.Errorf("statement %s is used by the function itself, but it is listed because %s", one.Sid, reason)
					}
				}
			}
		})
	}
}

// needsOfEverything returns the permissions that all corrections used, each in its own stack. Ids are the same in
// each stack.
func needsOfEverything(t *testing.T, endpointType string, p parameters) []api.Need {
	var needs []api.Need
	collect := func(do func(*scene)) {
		s := deploy(t, p)
		s.Events.Disturb(lose)
		do(s)
		r := s.watch(s.sweep)
		s.isDesired()
		for _, call := range r.calls {
			needs = append(needs, call.Needs...)
			if call.ErrorCode == answers[call.Service]["denied"].Code {
				t.Errorf("%s was denied", call.Operation)
			}
		}
	}
	for _, a := range attacks(endpointType) {
		collect(func(s *scene) { s.attack(a) })
	}
	collect(func(s *scene) { s.must(s.opensByList()) })
	collect(func(s *scene) {
		const group = "ProbeSecurityGroup"
		s.must(errors.Join(s.shutsIn(group), s.reachesEverything(group), s.letsEveryoneIn(group, 22)))
	})
	collect(func(s *scene) { s.attackEverything(endpointType) })
	return needs
}

// statement is a statement of a role's policy.
type statement struct {
	Sid, Effect      string
	Action, Resource any
	Condition        any `json:",omitempty"`
}

// statements returns the statements of a role's policies, as deployed: inline ones, and those that are resources of their own.
func (s *scene) statements(role string) []statement {
	s.Helper()
	decided := plan(s, s.parameters)
	properties, err := decided.Properties(role, s.stack)
	s.must(err)
	documents := list(properties["Policies"])
	for _, r := range decided.Resources() {
		if r.Type != "AWS::IAM::Policy" {
			continue
		}
		properties, err := decided.Properties(r.LogicalID, s.stack)
		s.must(err)
		if slices.Contains(list(properties["Roles"]), any(s.stack.Physical(role))) {
			documents = append(documents, properties)
		}
	}
	text, err := json.Marshal(documents)
	s.must(err)
	var policies []struct {
		PolicyDocument struct{ Statement []statement }
	}
	s.must(json.Unmarshal(text, &policies))
	var all []statement
	for _, p := range policies {
		all = append(all, p.PolicyDocument.Statement...)
	}
	if len(all) < 5 {
		s.Fatalf("%s has %d statements, want more", role, len(all))
	}
	return all
}

// apart splits the statement into statements that allow one action on one resource each.
func (st statement) apart() []statement {
	var all []statement
	for _, action := range list(st.Action) {
		for _, resource := range list(st.Resource) {
			one := st
			one.Action, one.Resource = action, resource
			all = append(all, one)
		}
	}
	return all
}

// list returns a value that may be a single one or a list, as a list.
func list(value any) []any {
	if values, ok := value.([]any); ok {
		return values
	}
	return []any{value}
}

// covers returns a function that reports whether the statement alone grants a need.
func (st statement) covers(t *testing.T) func(api.Need) bool {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": st})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iampolicy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return func(n api.Need) bool {
		return iampolicy.Evaluate(iampolicy.Request{
			Principal: "arn:aws:iam::111122223333:role/any", Action: n.Action, Resource: n.Resource,
			ResourceAccount: n.ResourceAccount, Context: n.Context,
		}, iampolicy.Policies{Identity: []*iampolicy.Policy{policy}}).Effect == iampolicy.Allow
	}
}
