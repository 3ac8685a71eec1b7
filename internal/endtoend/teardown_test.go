package endtoend_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"s3-endpoint-guard/internal/localaws/api"
	"s3-endpoint-guard/internal/localaws/cloudformation"
	"s3-endpoint-guard/internal/localaws/lambda"
	locals3 "s3-endpoint-guard/internal/localaws/s3"
	"s3-endpoint-guard/internal/samtemplate"
)

// everything is an identity policy that allows all that there is.
const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// odd are keys that emptiers of other makes leave behind.
var odd = []string{
	" ", "a b", "ü", "u\u0308", "a//b", "../x", "/x", "100%", "a+b", "a%2Fb", "<&>\"'", "tab\there", "bell\x07", "null\x00", "\uFFFE",
	strings.Repeat("k", 1024), "\U0001F600", "line\nfeed", "return\r",
}

// fills puts many versions, delete markers, odd keys and unfinished uploads into a bucket, and returns how many versions.
func (s *scene) fills(bucket string) int {
	s.Helper()
	s.must(s.S3.Fill(bucket, 2500, func(i int) string { return fmt.Sprintf("logs/%d/%06d", i%7, i) }))
	for _, key := range odd {
		for range 2 {
			s.must(s.S3.Put(bucket, key, []byte("x")))
		}
	}
	// As S3 itself: the lock would let nobody do this from the internet.
	policy := s.S3.Policy(bucket)
	s.must(s.S3.DeletePolicy(bucket))
	for i := range 40 {
		key := fmt.Sprintf("logs/%d/%06d", i%7, i)
		_, err := s.s3.DeleteObject(s.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
		s.must(err)
	}
	for i := range 3 {
		_, err := s.s3.CreateMultipartUpload(s.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String(fmt.Sprintf("up %d", i))})
		s.must(err)
	}
	s.must(s.S3.PutPolicy(bucket, []byte(policy)))
	return s.S3.Versions(bucket)
}

// locks puts an object under a lock.
func (s *scene) locks(bucket, key string, hold locals3.Hold) {
	s.Helper()
	s.must(s.S3.EnableObjectLock(bucket))
	s.must(s.S3.Put(bucket, key, []byte("x")))
	s.must(s.S3.SetHold(bucket, key, hold))
}

// isGone fails the test unless the stack is deleted and nothing is left of it.
func (s *scene) isGone() {
	s.Helper()
	if got := s.stack.Status(); got != "DELETE_COMPLETE" {
		s.Errorf("Status = %s, want DELETE_COMPLETE", got)
	}
	s.rest()
	if left := s.Leftovers(); len(left) > 0 {
		s.Errorf("%q are left, want nothing", left)
	}
}

// fails deletes the stack, which must fail, and returns why.
func (s *scene) fails(retain ...string) string {
	s.Helper()
	err := s.stack.Delete(s.Context(), retain...)
	if err == nil || s.stack.Status() != "DELETE_FAILED" {
		s.Fatalf("Delete = %v with status %s, want an error and DELETE_FAILED", err, s.stack.Status())
	}
	return err.Error()
}

// says fails the test unless a reason names all of these.
func (s *scene) says(reason string, phrases ...string) {
	s.Helper()
	for _, phrase := range phrases {
		if !strings.Contains(reason, phrase) {
			s.Errorf("the reason is %q, want %q in it", reason, phrase)
		}
	}
}

// teardownCalls are the calls of the teardown role since the last reset.
func (s *scene) teardownCalls(role string) []api.Call {
	return slices.DeleteFunc(s.Gate.Calls(), func(c api.Call) bool { return !strings.Contains(c.Caller, "/"+role+"/") })
}

func TestADeletedStackLeavesNothing(t *testing.T) {
	for name, p := range map[string]parameters{
		"Interface": interfaceType, "Gateway": gatewayType, "without a trail": {"CreateTrail": "false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			versions := s.fills(s.bucket)
			if trail := s.stack.Physical("TrailBucket"); trail != "" {
				s.must(s.S3.Fill(trail, 1200, func(i int) string { return fmt.Sprintf("AWSLogs/111122223333/CloudTrail/%d", i) }))
			}
			if versions < 2500 {
				t.Fatalf("%d versions, want many", versions)
			}
			r := s.watch(func() { s.must(s.stack.Delete(t.Context())) })
			r.wrote(t)
			s.isGone()
		})
	}
}

// Whatever the emptying needs has to be there when a deletion that failed is tried again.
// (FACTS: CloudFormation, "subsequent stack deletion attempts will always fail")
func TestALockStopsTheDeletionUntilItsEnd(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.fills(s.bucket)
	until := s.Clock.Now().Add(24 * time.Hour).Truncate(time.Second)
	s.locks(s.bucket, "kept", locals3.Hold{Mode: "COMPLIANCE", Until: until})
	r := s.watch(func() {
		s.says(s.fails(), "removing EmptyBucket", "1 versions: AccessDenied", "1 under compliance retention", until.Format(time.RFC3339), `"kept"`)
	})
	r.wrote(t) // the guard did not put the lock back
	if got := s.S3.Versions(s.bucket); got != 1 {
		t.Errorf("%d versions are left, want the one that is locked", got)
	}
	for id, want := range map[string]bool{
		"Instance": false, "BucketRule": false, "SweepRule": false, "Trail": false, "TrailBucket": false,
		"EmptyBucket": true, "TeardownFunction": true, "TeardownRole": true, "TeardownHandOver": true, "TeardownLogGroup": true,
		"Bucket": true, "BucketPolicy": true,
	} {
		if got := s.stack.Has(id); got != want {
			t.Errorf("the stack has %s: %t, want %t", id, got, want)
		}
	}
	stack, _ := s.CloudFormation.Stack(s.stack.ID())
	at := slices.IndexFunc(stack.Resources, func(r cloudformation.Resource) bool { return r.LogicalID == "EmptyBucket" })
	if stack.Reason != "The following resource(s) failed to delete: [EmptyBucket]. " || stack.Resources[at].Status != "DELETE_FAILED" {
		t.Errorf("the stack says %q and of the resource %q", stack.Reason, stack.Resources[at].Reason)
	}
	s.says(stack.Resources[at].Reason, "received response status [FAILED] from custom resource", until.Format(time.RFC3339))

	s.Clock.Advance(25 * time.Hour)
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

func TestALegalHoldIsLiftedByAnAdministrator(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.locks(s.bucket, "kept", locals3.Hold{Legal: true})
	s.says(s.fails(), "1 under a legal hold", "delete it before lifting locks")
	off := &s3.PutObjectLegalHoldInput{
		Bucket: &s.bucket, Key: aws.String("kept"), LegalHold: &s3types.ObjectLockLegalHold{Status: s3types.ObjectLockLegalHoldStatusOff},
	}
	if _, err := s.s3.PutObjectLegalHold(t.Context(), off); err == nil {
		t.Error("the emptying policy lets an administrator at the objects")
	}
	s.must(s.deletesBucketPolicy())
	_, err := s.s3.PutObjectLegalHold(t.Context(), off)
	s.must(err)
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

func TestGovernanceRetentionIsBypassedOnlyWhenAsked(t *testing.T) {
	for bypass, deleted := range map[string]bool{"true": true, "false": false} {
		t.Run(bypass, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, parameters{"BypassGovernanceRetention": bypass})
			s.locks(s.bucket, "kept", locals3.Hold{Mode: "GOVERNANCE", Until: s.Clock.Now().Add(time.Hour)})
			if deleted {
				s.must(s.stack.Delete(t.Context()))
				s.isGone()
				return
			}
			s.says(s.fails(), "1 under governance retention, which BypassGovernanceRetention lifts")
		})
	}
}

func TestMFADeleteIsFoundBeforeAnythingIsDeleted(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	versions := s.fills(s.bucket)
	s.must(s.S3.SetMFADelete(s.bucket, true))
	s.says(s.fails(), "MFA delete", "nothing was deleted")
	if got := s.S3.Versions(s.bucket); got != versions {
		t.Errorf("%d of %d versions are left, want all", got, versions)
	}
	s.must(s.S3.SetMFADelete(s.bucket, false))
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

// Nobody but AWS sets tags that begin with "aws:", so they tell who made a bucket.
func TestABucketThatTheStackDidNotMakeIsNotTouched(t *testing.T) {
	const other = "arn:aws:cloudformation:eu-central-1:111122223333:stack/other/0f0f0f0f-0000-4000-8000-000000000002"
	for name, tags := range map[string]map[string]string{
		"another stack's": {"aws:cloudformation:stack-id": other},
		"an adopted one":  {"team": "docs"},
		"without tags":    nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			versions, policy := s.fills(s.bucket), s.S3.Policy(s.bucket)
			s.must(s.S3.PutTags(s.bucket, tags))
			s.says(s.fails(), "was not touched", "none of ours to delete")
			if got := s.S3.Versions(s.bucket); got != versions || s.S3.Policy(s.bucket) != policy {
				t.Errorf("%d of %d versions are left under the policy %s, want all as it was", got, versions, s.S3.Policy(s.bucket))
			}
		})
	}
}

func TestObjectsAreKeptWhereTheyAreToBeKept(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"EmptyBucketOnDelete": "false"})
	versions, trail := s.fills(s.bucket), s.stack.Physical("TrailBucket")
	s.must(s.S3.Put(trail, "file", nil))
	role := s.stack.Physical("TeardownRole")
	s.Gate.ResetCalls()
	s.says(s.fails(), "removing Bucket", "BucketNotEmpty", "removing TrailBucket")
	if calls := s.teardownCalls(role); len(calls) > 0 {
		t.Errorf("%d calls were made, want none", len(calls))
	}
	s.must(s.stack.Delete(t.Context(), "Bucket", "TrailBucket"))
	if got := s.Leftovers(); !slices.Equal(got, []string{"bucket " + s.bucket, "bucket " + trail}) || s.S3.Versions(s.bucket) != versions {
		t.Errorf("%q are left with %d of %d versions, want the buckets as they were", got, s.S3.Versions(s.bucket), versions)
	}
}

func TestAnAnswerThatIsRefusedIsSentAgain(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.fills(s.bucket)
	before := len(s.Answers.Attempts())
	s.Answers.Fail(http.StatusServiceUnavailable, http.StatusInternalServerError)
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
	if got, want := len(s.Answers.Attempts())-before, 4; got != want { // two buckets, two refusals
		t.Errorf("answers were sent %d times, want %d", got, want)
	}
}

func TestAFunctionThatNeverAnswersFailsTheDeletion(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	name := s.stack.Physical("TeardownFunction")
	f, _ := s.Lambda.Function(name)
	bootstrap := f.Bootstrap
	f.Bootstrap = "/bin/false"
	s.must(s.Lambda.Update(f))
	s.says(s.fails(), "CloudFormation did not receive a response from your Custom Resource")
	f.Bootstrap = bootstrap
	s.must(s.Lambda.Update(f))
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

func TestAPermissionThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	versions, role := s.fills(s.bucket), s.stack.Physical("TeardownRole")
	policy := s.IAM.RolePolicies(role)["bucket"]
	for _, action := range []string{"s3:GetBucketTagging", "s3:PutBucketPolicy"} {
		s.must(s.IAM.PutRolePolicy(role, "bucket", strings.ReplaceAll(policy, action, "s3:GetBucketAcl")))
		s.says(s.fails(), action, "no identity-based policy allows")
		if got := s.S3.Versions(s.bucket); got != versions {
			t.Errorf("without %s %d of %d versions are left, want all", action, got, versions)
		}
	}
	s.must(s.IAM.PutRolePolicy(role, "bucket", policy))
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

// hurried shortens an invocation to some 3 s of work, and makes the work slow.
func (s *scene) hurried(versions int) {
	s.Helper()
	f, _ := s.Lambda.Function(s.stack.Physical("TeardownFunction"))
	f.Timeout = 28 * time.Second // of which 25 s are kept for the answer
	s.must(s.Lambda.Update(f))
	s.must(s.S3.SetDeleteLimit(s.bucket, 1200))
	s.must(s.S3.Fill(s.bucket, versions, func(i int) string { return fmt.Sprintf("%06d", i) }))
}

// invocations are the runs of the teardown function for one custom resource and type of request, in order.
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

func TestAFreshInvocationGoesOnWhereTheTimeRunsOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes until invocations end")
	}
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	s.hurried(7000)
	answers := len(s.Answers.Attempts())
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
	runs := s.invocations("EmptyBucket", "Delete")
	if len(runs) < 2 || !strings.Contains(string(runs[len(runs)-1].Payload), `"Continuation"`) {
		t.Errorf("%d runs, want several, each but the first with what it goes on from", len(runs))
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
		t.Errorf("the log tells of %d versions deleted, want all 7000, those of earlier runs included", finished)
	}
}

// asks sends the teardown function a request of CloudFormation, and returns its answer.
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
		answer, _ := r.Read(body) // a FAILED one is looked at by the test
		return answer
	default:
		s.Fatal("there is no answer")
		return cloudformation.CustomAnswer{}
	}
}

func TestRequestsAreAnsweredWhateverTheyAre(t *testing.T) {
	s := deploy(t, nil)
	s.must(s.S3.CreateBucket("foreign", ""))
	s.must(s.S3.Put("foreign", "kept", nil))
	// As if IAM did not keep it from other buckets already.
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
		"delete of a foreign bucket":          {"Delete", empties("foreign"), "FAILED", "none of ours"},
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
		t.Error("a bucket was touched")
	}
}

// TestWhatTheTimeCannotHoldIsLeftToS3 gives the function two seconds.
func TestWhatTheTimeCannotHoldIsLeftToS3(t *testing.T) {
	if testing.Short() {
		t.Skip("takes until the time runs out")
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
	s := deploy(t, nil)
	versions, trail := s.fills(s.bucket), s.stack.Physical("TrailBucket")
	s.must(s.S3.Put(trail, "file", nil))
	for _, p := range []parameters{
		{"EmptyBucketOnDelete": "false"}, {"EmptyBucketOnDelete": "true", "BypassGovernanceRetention": "true"}, nil,
	} {
		s.must(s.stack.Update(t.Context(), plan(t, p)))
		s.rest()
	}
	// Without the trail its bucket leaves the stack. What it holds stops it from being deleted.
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
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {}
      Policies:
        - PolicyName: all
          PolicyDocument: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}
  TeardownFunction:
    Type: AWS::Serverless::Function
    Properties:
      {Runtime: provided.al2023, Handler: bootstrap, CodeUri: ., Timeout: 60, Role: !GetAtt Role.Arn,
       Environment: {Variables: {TEARDOWN_ROLE_ARN: !GetAtt Role.Arn}}}
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

// TestTheTeardownRoleIsExactlyWhatTheFunctionNeeds holds the permissions that deletions took against the role: none was
// denied that IAM decides, and every action of every statement was needed, on each of its resources.
func TestTheTeardownRoleIsExactlyWhatTheFunctionNeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes until invocations end")
	}
	t.Parallel()
	p := parameters{"BypassGovernanceRetention": "true"}
	needs := needsOfTeardowns(t, p)
	s := deploy(t, p)
	for _, st := range s.teardownStatements() {
		for _, one := range st.apart() {
			if taken := slices.ContainsFunc(needs, one.covers(t)); taken == (st.Sid == "Log") {
				t.Errorf("statement %s allows %v on %v; taken by a call: %t", one.Sid, one.Action, one.Resource, taken)
			}
		}
	}
}

// needsOfTeardowns are the permissions that all kinds of deletions took. The same things have the same names in each.
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
		collect(func(s *scene) { // too late for the whole of it, in a stack that is updated
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

// teardownStatements are the statements of the teardown role and of the policies attached to it, as deployed.
func (s *scene) teardownStatements() []statement {
	s.Helper()
	decided := plan(s, s.parameters)
	var documents []struct {
		PolicyDocument struct{ Statement []statement }
	}
	add := func(properties any) {
		text, err := json.Marshal(properties)
		s.must(err)
		var more []struct {
			PolicyDocument struct{ Statement []statement }
		}
		s.must(json.Unmarshal(text, &more))
		documents = append(documents, more...)
	}
	for _, r := range decided.Resources() {
		properties, err := decided.Properties(r.LogicalID, s.stack)
		s.must(err)
		switch {
		case r.LogicalID == "TeardownRole":
			add(properties["Policies"])
		case r.Type == "AWS::IAM::Policy":
			add([]any{properties})
		}
	}
	var all []statement
	for _, d := range documents {
		all = append(all, d.PolicyDocument.Statement...)
	}
	return all
}
