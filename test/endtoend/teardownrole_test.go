package endtoend_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

// theTeardownRoleIsExactlyWhatTheFunctionNeeds compares the permissions that deletions used with the role: IAM
// denied none, and each action of each statement was needed, on each of its resources.
func theTeardownRoleIsExactlyWhatTheFunctionNeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until invocations end")
	}
	t.Parallel()
	p := parameters{"BypassGovernanceRetention": "true"}
	needs := needsOfTeardowns(t, p)
	s := deploy(t, p)
	for _, st := range s.statements("TeardownRole") {
		for _, one := range st.apart() {
			if taken := slices.ContainsFunc(needs, one.covers(t)); taken == (st.Sid == "Log") {
				t.Errorf("statement %s allows %v on %v; used by a call: %t", one.Sid, one.Action, one.Resource, taken)
			}
		}
	}
}

// needsOfTeardowns returns the permissions that all kinds of deletions used. Names are the same in each.
func needsOfTeardowns(t *testing.T, p parameters) []api.Need {
	var needs []api.Need
	collect := func(do func(*scene)) {
		s := deploy(t, p)
		role := s.stack.Physical("TeardownRole")
		s.Gate.ResetCalls()
		do(s)
		for _, call := range s.teardownCalls(role) {
			needs = append(needs, call.Needs...)
			if call.ErrorCode == "AccessDenied" && call.Operation != "DeleteObject" {
				t.Errorf("%s was denied", call.Operation)
			}
		}
	}
	for _, bucket := range []string{"Bucket", "TrailBucket"} {
		collect(func(s *scene) {
			name := s.stack.Physical(bucket)
			s.fills(name)
			s.locks(name, "kept", locals3.Hold{Mode: "GOVERNANCE", Until: s.Clock.Now().Add(time.Hour)})
			s.locks(name, "held", locals3.Hold{Legal: true})
			s.fails()
		})
		collect(func(s *scene) { // too late for all of it, in a stack that is updated
			s.hurried(0)
			name := s.stack.Physical(bucket)
			s.must(s.S3.SetDeleteLimit(name, 1200))
			s.must(s.S3.Fill(name, 9000, func(i int) string { return fmt.Sprint(i) }))
			s.must(s.CloudFormation.SetStatus(s.stack.ID(), "DELETE_IN_PROGRESS", ""))
			s.asks("Delete", map[string]any{"BucketName": name, "EmptyBucketOnDelete": "true", "ServiceTimeout": "62"})
		})
	}
	collect(func(s *scene) {
		s.hurried(7000)
		s.must(s.stack.Delete(t.Context()))
	})
	collect(func(s *scene) { s.must(s.stack.Update(t.Context(), plan(t, p.and("CreateTrail", "false")))) })
	return needs
}
