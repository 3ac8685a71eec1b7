package endtoend_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// shortens leaves an invocation of the teardown function about 3 s for its work, and more on a busy machine.
func (s *scene) shortens() { s.leaves(time.Duration(slowness() * float64(3*time.Second))) }

// leaves leaves an invocation of the teardown function a time for its work.
func (s *scene) leaves(d time.Duration) {
	s.Helper()
	f, _ := s.Lambda.Function(s.stack.Physical("TeardownFunction"))
	f.Timeout = 25*time.Second + d // 25 s are reserved for the answer
	s.must(s.Lambda.Update(f))
}

// hurried shortens an invocation, and slows down the work: it deletes at most 3600 versions in its time.
func (s *scene) hurried(versions int) {
	s.Helper()
	s.leaves(3 * time.Second)
	s.must(s.S3.SetDeleteLimit(s.bucket, 1200))
	s.must(s.S3.Fill(s.bucket, versions, func(i int) string { return fmt.Sprintf("%06d", i) }))
}

// invocations returns the runs of the teardown function for one custom resource and request type, in order.
func (s *scene) invocations(logicalID, requestType string) []lambda.Invocation {
	var some []lambda.Invocation
	for _, i := range s.Lambda.Invocations("") {
		var request struct{ LogicalResourceID, RequestType string }
		if json.Unmarshal(i.Payload, &request) == nil && request.LogicalResourceID == logicalID && request.RequestType == requestType {
			some = append(some, i)
		}
	}
	return some
}

// TestTeardownsWithSecondsLeft has the tests whose functions get only seconds. It is not parallel itself, so that the tests
// that are do not take the processor time from them.
func TestTeardownsWithSecondsLeft(t *testing.T) {
	for name, test := range map[string]func(*testing.T){
		"a fresh invocation goes on where the time runs out":   aFreshInvocationGoesOnWhereTheTimeRunsOut,
		"what the time cannot hold is left to S3":              whatTheTimeCannotHoldIsLeftToS3,
		"a total lockout is ended by the root user":            aTotalLockoutIsEndedByTheRootUser,
		"a permission that is missing is named":                aPermissionThatIsMissingIsNamed,
		"the teardown role is exactly what the function needs": theTeardownRoleIsExactlyWhatTheFunctionNeeds,
	} {
		t.Run(name, test)
	}
}

func aFreshInvocationGoesOnWhereTheTimeRunsOut(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until invocations end")
	}
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	s.hurried(7000)
	answers := len(s.Answers.Attempts())
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
	runs := s.invocations("EmptyBucket", "Delete")
	if len(runs) < 2 || !strings.Contains(string(runs[len(runs)-1].Payload), `"Continuation"`) {
		t.Errorf("%d runs, want several, each but the first with the state of the previous one", len(runs))
	}
	for _, run := range runs {
		if run.Failure != nil || run.Duration > 15*time.Second {
			t.Errorf("a run took %v and failed with %v, want one that ends by itself in time", run.Duration, run.Failure)
		}
	}
	if got := len(s.Answers.Attempts()) - answers; got != 1 {
		t.Errorf("%d answers to one request, want 1", got)
	}
	var finished int64
	for _, line := range s.Lambda.Logs(runs[0].Function) {
		if line.Fields["message"] == "emptied" {
			finished = int64(line.Fields["deleted"].(float64))
		}
	}
	if finished != 7000 {
		t.Errorf("the log reports %d versions deleted, want all 7000, including those of earlier runs", finished)
	}
}

// asks sends the teardown function a request as CloudFormation does, and returns its answer.
func (s *scene) asks(requestType string, properties map[string]any) cloudformation.CustomAnswer {
	s.Helper()
	r := cloudformation.CustomRequest{
		RequestType: requestType, StackID: s.stack.ID(), RequestID: "r", LogicalResourceID: "Asked", ResourceType: "Custom::EmptyBucket",
		ResourceProperties: properties,
	}
	url, answers, err := s.Answers.Expect(r.StackID, r.LogicalResourceID, r.RequestID)
	s.must(err)
	r.ResponseURL = url
	payload, err := json.Marshal(r)
	s.must(err)
	_, err = s.Lambda.InvokeAsync(s.stack.Physical("TeardownFunction"), payload)
	s.must(err)
	s.rest()
	select {
	case body := <-answers:
		answer, _ := r.Read(body) // the test checks a FAILED one
		return answer
	default:
		s.Fatal("there is no answer")
		return cloudformation.CustomAnswer{}
	}
}

func TestRequestsAreAnsweredWhateverTheyAre(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.must(s.S3.CreateBucket("foreign", ""))
	s.must(s.S3.Put("foreign", "kept", nil))
	// Without the restriction by IAM to the stack's own buckets.
	s.must(s.IAM.PutRolePolicy(s.stack.Physical("TeardownRole"), "everything", everything))
	empties := func(bucket string) map[string]any {
		return map[string]any{"BucketName": bucket, "EmptyBucketOnDelete": "true"}
	}
	for name, c := range map[string]struct {
		requestType string
		properties  map[string]any
		status      string
		reason      string
	}{
		"create":                              {"Create", empties(s.bucket), "SUCCESS", ""},
		"update":                              {"Update", empties(s.bucket), "SUCCESS", ""},
		"create for a foreign bucket":         {"Create", empties("foreign"), "FAILED", "was created by no stack"},
		"update to a foreign bucket":          {"Update", empties("foreign"), "FAILED", "was created by no stack"},
		"create for a bucket that is not":     {"Create", empties("nowhere"), "FAILED", "does not exist"},
		"delete of a foreign bucket":          {"Delete", empties("foreign"), "FAILED", "refusing to delete its data"},
		"delete of a bucket that is not":      {"Delete", empties("nowhere"), "SUCCESS", ""},
		"delete while the stack is not going": {"Delete", empties(s.bucket), "FAILED", "the stack is CREATE_COMPLETE"},
		"an unknown type":                     {"Explode", empties(s.bucket), "FAILED", `unknown request type "Explode"`},
		"no bucket":                           {"Create", map[string]any{"EmptyBucketOnDelete": "true"}, "FAILED", "BucketName is not set"},
		"nonsense":                            {"Create", map[string]any{"BucketName": "b", "EmptyBucketOnDelete": "perhaps"}, "FAILED", "want true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.asks(c.requestType, c.properties)
			if answer.Status != c.status || !strings.Contains(answer.Reason, c.reason) || answer.PhysicalResourceID == "" {
				t.Errorf("answer %+v, want %s because of %q", answer, c.status, c.reason)
			}
		})
	}
	if s.S3.Versions("foreign") != 1 || s.S3.Policy("foreign") != "" || s.drifted() {
		t.Error("a bucket was changed")
	}
}

// whatTheTimeCannotHoldIsLeftToS3 gives the function two seconds.
func whatTheTimeCannotHoldIsLeftToS3(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until the time runs out")
	}
	t.Parallel()
	s := deploy(t, nil)
	s.hurried(9000)
	s.must(s.CloudFormation.SetStatus(s.stack.ID(), "DELETE_IN_PROGRESS", ""))
	answer := s.asks("Delete", map[string]any{"BucketName": s.bucket, "EmptyBucketOnDelete": "true", "ServiceTimeout": "62"})
	s.says(answer.Reason, "the time ran out", "/s)", "delete the stack again after")
	lifecycle, err := s.s3.GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.bucket})
	s.must(err)
	if answer.Status != "FAILED" || len(lifecycle.Rules) != 2 || s.S3.Versions(s.bucket) == 0 {
		t.Errorf("answer %+v with %d rules and %d versions, want FAILED and rules that expire the rest", answer, len(lifecycle.Rules), s.S3.Versions(s.bucket))
	}
}

func TestUpdatesDeleteNothing(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	versions, trail := s.fills(s.bucket), s.stack.Physical("TrailBucket")
	s.must(s.S3.Put(trail, "file", nil))
	for _, p := range []parameters{
		{"EmptyBucketOnDelete": "false"}, {"EmptyBucketOnDelete": "true", "BypassGovernanceRetention": "true"}, nil,
	} {
		s.must(s.stack.Update(t.Context(), plan(t, p)))
		s.rest()
	}
	// Without the trail its bucket leaves the stack. The bucket is not deleted, because it is not empty.
	if err := s.stack.Update(t.Context(), plan(t, parameters{"CreateTrail": "false"})); err == nil || !strings.Contains(err.Error(), "BucketNotEmpty") {
		t.Errorf("Update without a trail = %v, want that its bucket is kept", err)
	}
	if s.S3.Versions(s.bucket) != versions || s.S3.Versions(trail) != 1 || s.stack.Status() != "UPDATE_COMPLETE" {
		t.Errorf("%d of %d versions and %d of 1 file are left, with status %s", s.S3.Versions(s.bucket), versions, s.S3.Versions(trail), s.stack.Status())
	}
	s.isDesired()
}

func TestACreationThatFailsIsRolledBackToNothing(t *testing.T) {
	t.Parallel()
	const text = `
Transform: AWS::Serverless-2016-10-31
` + cloudtest.Emptier + `
  Bucket: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled}}}
  EmptyBucket:
    Type: Custom::EmptyBucket
    Properties: {ServiceToken: !GetAtt TeardownFunction.Arn, BucketName: !Ref Bucket, EmptyBucketOnDelete: true}
  Broken: {Type: AWS::EC2::Subnet, DependsOn: EmptyBucket, Properties: {VpcId: vpc-0, CidrBlock: 10.0.0.0/24}}
`
	s := deploy(t, nil)
	before := s.Leftovers()
	read, err := samtemplate.Parse([]byte(text))
	s.must(err)
	p, err := read.Plan(samtemplate.Options{StackName: "broken"})
	s.must(err)
	if _, err := s.Deploy(t.Context(), p, built.Path); err == nil || strings.Contains(err.Error(), "rolling back") {
		t.Errorf("Deploy = %v, want a failure that is rolled back", err)
	}
	if after := s.Leftovers(); !slices.Equal(before, after) {
		t.Errorf("%q are left, want %q as before", after, before)
	}
}
