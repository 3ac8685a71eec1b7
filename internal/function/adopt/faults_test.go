package adopt_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// passing are faults that pass: the SDK's retries cover them. By service, because the codes differ.
var passing = map[string][]api.Fault{
	"s3": {
		{Error: &api.Error{Status: 503, Code: "SlowDown"}, Times: 2}, {Error: &api.Error{Status: 500, Code: "InternalError"}, Times: 2},
		{Error: &api.Error{Status: 409, Code: "OperationAborted"}, Times: 2}, {Reset: true, Times: 1}, {Reset: true, After: true, Times: 1},
	},
	"ec2": {
		{Error: &api.Error{Status: 503, Code: "RequestLimitExceeded"}, Times: 2}, {Error: &api.Error{Status: 500, Code: "InternalError"}, Times: 2},
		{Error: &api.Error{Status: 400, Code: "OperationInProgress"}, Times: 2}, {Reset: true, Times: 1},
	},
}

// nameOf is the name of a fault's test.
func nameOf(f api.Fault) string {
	switch {
	case f.Error != nil:
		return f.Operation + " " + f.Error.Code
	case f.Stale:
		return f.Operation + " stale"
	case f.After:
		return f.Operation + " without its answer"
	}
	return f.Operation + " reset"
}

// operations are those that a function makes, with their services.
func operations(t *testing.T, do func(*scene)) map[string]string {
	t.Helper()
	s := newScene(t, everything)
	do(s)
	seen := map[string]string{}
	for _, c := range s.gate.Calls() {
		if strings.HasSuffix(c.Caller, ":user/tester") {
			seen[c.Operation] = c.Service
		}
	}
	return seen
}

// adopted is the whole scene before a release: with the lock on everything.
func adopted(s *scene) {
	s.adopt(cfnresponse.Create, "EndpointPolicy", "Account")
	s.enforce()
	s.must(s.network.ModifyEndpoint(s.endpoint.ID, ec2.EndpointChange{Policy: s.lock("EndpointPolicy", "Account").EndpointPolicy()}))
	s.gate.ResetCalls()
}

func TestAdoptionWithstandsFailuresThatPass(t *testing.T) {
	t.Parallel()
	calls := operations(t, func(s *scene) { s.gate.ResetCalls(); s.adopt(cfnresponse.Create) })
	for _, want := range []string{"GetBucketPolicy", "GetPublicAccessBlock", "GetBucketOwnershipControls", "GetBucketAcl", "GetBucketTagging",
		"ListBuckets", "ListObjectVersions", "PutObject", "GetObject", "DescribeVpcEndpoints", "DescribeSecurityGroupRules"} {
		if calls[want] == "" {
			t.Errorf("%s is not called, so that its failures are not tested", want)
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(calls)) {
		service := calls[operation]
		for _, f := range passing[service] {
			f.Service, f.Operation = service, operation
			t.Run(nameOf(f), func(t *testing.T) {
				t.Parallel()
				withScene(t, everything, func(t *testing.T, s *scene) {
					s.gate.Inject(f)
					if document, _ := s.adopt(cfnresponse.Create); len(document.Buckets) != 3 || len(document.Endpoints) != 1 {
						t.Errorf("adopted %+v", document)
					}
				})
			})
		}
	}
}

// TestADeniedReadRefusesTheAdoptionWithItsPermission denies each call in turn.
func TestADeniedReadRefusesTheAdoptionWithItsPermission(t *testing.T) {
	t.Parallel()
	for operation, permission := range map[string]string{
		"GetBucketPolicy": "s3:GetBucketPolicy", "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
		"GetBucketOwnershipControls": "s3:GetBucketOwnershipControls", "GetBucketAcl": "s3:GetBucketAcl", "GetBucketTagging": "s3:GetBucketTagging",
		"ListBuckets": "s3:ListAllMyBuckets", "DescribeVpcEndpoints": "ec2:DescribeVpcEndpoints", "DescribeSecurityGroupRules": "ec2:DescribeSecurityGroupRules",
		"ListObjectVersions": "", "PutObject": "", "GetObject": "",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			withScene(t, everything, func(t *testing.T, s *scene) {
				service, code := "s3", "AccessDenied"
				if strings.HasPrefix(operation, "Describe") {
					service, code = "ec2", "UnauthorizedOperation"
				}
				s.gate.Inject(api.Fault{Service: service, Operation: operation, Error: &api.Error{Status: 403, Code: code}})
				_, err := s.handle(cfnresponse.Create)
				if err == nil || !strings.Contains(err.Error(), permission) || !strings.Contains(err.Error(), "denies") && !strings.Contains(err.Error(), code) {
					t.Errorf("the answer is %v, want a refusal that names %q", err, permission)
				}
			})
		})
	}
}

func TestTheReleaseWithstandsFailuresThatPassAndStaleReads(t *testing.T) {
	t.Parallel()
	release := func(s *scene) error { return s.release("EndpointPolicy", "Account") }
	calls := operations(t, func(s *scene) { adopted(s); s.must(release(s)) })
	for _, want := range []string{"PutBucketPolicy", "DeleteBucketPolicy", "DeletePublicAccessBlock", "PutBucketOwnershipControls", "PutBucketAcl", "ModifyVpcEndpoint"} {
		if calls[want] == "" {
			t.Errorf("%s is not called, so that its failures are not tested", want)
		}
	}
	for _, operation := range slices.Sorted(maps.Keys(calls)) {
		service := calls[operation]
		faults := passing[service]
		if strings.HasPrefix(operation, "GetBucket") || operation == "GetPublicAccessBlock" {
			faults = append(slices.Clone(faults), api.Fault{Stale: true, Skip: 3, Times: 4})
		}
		for _, f := range faults {
			f.Service, f.Operation = service, operation
			t.Run(nameOf(f), func(t *testing.T) {
				t.Parallel()
				withScene(t, everything, func(t *testing.T, s *scene) {
					before := s.configuration()
					adopted(s)
					s.gate.Inject(f)
					err := release(s)
					s.gate.ClearFaults()
					if diff := cmp.Diff(before, s.configuration()); err != nil || diff != "" {
						t.Errorf("%v (-before +after)\n%s", err, diff)
					}
				})
			})
		}
	}
}

// TestADeniedWriteOfTheReleaseFailsIt denies each write in turn: the answer names it, and the next deletion finishes the work.
func TestADeniedWriteOfTheReleaseFailsIt(t *testing.T) {
	t.Parallel()
	for operation, permission := range map[string]string{
		"PutBucketPolicy": "s3:PutBucketPolicy", "DeleteBucketPolicy": "s3:DeleteBucketPolicy", "DeletePublicAccessBlock": "s3:PutBucketPublicAccessBlock",
		"PutBucketOwnershipControls": "s3:PutBucketOwnershipControls", "PutBucketAcl": "s3:PutBucketAcl", "ModifyVpcEndpoint": "ec2:ModifyVpcEndpoint",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			withScene(t, everything, func(t *testing.T, s *scene) {
				before := s.configuration()
				adopted(s)
				service, code := "s3", "AccessDenied"
				if operation == "ModifyVpcEndpoint" {
					service, code = "ec2", "UnauthorizedOperation"
				}
				s.gate.Inject(api.Fault{Service: service, Operation: operation, Error: &api.Error{Status: 403, Code: code}})
				if err := s.release("EndpointPolicy", "Account"); err == nil || !strings.Contains(err.Error(), "AWS denies "+permission) {
					t.Errorf("the answer is %v, want one that names %s", err, permission)
				}
				s.gate.ClearFaults()
				s.must(s.release("EndpointPolicy", "Account"))
				if diff := cmp.Diff(before, s.configuration()); diff != "" {
					t.Errorf("after the second deletion (-before +after):\n%s", diff)
				}
			})
		})
	}
}
