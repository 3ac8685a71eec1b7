package endtoend_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

// everything is an identity policy that allows all actions.
const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// odd are keys that other tools leave behind when they empty a bucket.
var odd = []string{
	" ", "a b", "ü", "u\u0308", "a//b", "../x", "/x", "100%", "a+b", "a%2Fb", "<&>\"'", "tab\there", "bell\x07", "null\x00", "\uFFFE",
	strings.Repeat("k", 1024), "\U0001F600", "line\nfeed", "return\r",
}

// fills puts many versions, delete markers, odd keys and unfinished uploads into a bucket, and returns the number of
// versions.
func (s *scene) fills(bucket string) int {
	s.Helper()
	s.must(s.S3.Fill(bucket, 2500, func(i int) string { return fmt.Sprintf("logs/%d/%06d", i%7, i) }))
	for _, key := range odd {
		for range 2 {
			s.must(s.S3.Put(bucket, key, []byte("x")))
		}
	}
	// The bucket policy denies this from the internet, so it is removed meanwhile.
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

// locks puts an object with Object Lock into a bucket.
func (s *scene) locks(bucket, key string, hold locals3.Hold) {
	s.Helper()
	s.must(s.S3.EnableObjectLock(bucket))
	s.must(s.S3.Put(bucket, key, []byte("x")))
	s.must(s.S3.SetHold(bucket, key, hold))
}

// isGone fails the test unless the stack is deleted without leftovers.
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

// fails deletes the stack, which must fail, and returns the reason.
func (s *scene) fails(retain ...string) string {
	s.Helper()
	err := s.stack.Delete(s.Context(), retain...)
	if err == nil || s.stack.Status() != "DELETE_FAILED" {
		s.Fatalf("Delete = %v with status %s, want an error and DELETE_FAILED", err, s.stack.Status())
	}
	return err.Error()
}

// says fails the test unless a reason contains all phrases.
func (s *scene) says(reason string, phrases ...string) {
	s.Helper()
	for _, phrase := range phrases {
		if !strings.Contains(reason, phrase) {
			s.Errorf("the reason is %q, want %q in it", reason, phrase)
		}
	}
}

// teardownCalls returns the calls of the teardown role since the last reset.
func (s *scene) teardownCalls(role string) []api.Call {
	return slices.DeleteFunc(s.Gate.Calls(), func(c api.Call) bool { return !strings.Contains(c.Caller, "/"+role+"/") })
}

func TestADeletedStackLeavesNothing(t *testing.T) {
	t.Parallel()
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

// All resources that the emptying needs must exist when a failed deletion is repeated (docs/facts.md, CloudFormation,
// "subsequent stack deletion attempts will always fail").
func TestALockStopsTheDeletionUntilItsEnd(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.fills(s.bucket)
	until := s.Clock.Now().Add(24 * time.Hour).Truncate(time.Second)
	s.locks(s.bucket, "kept", locals3.Hold{Mode: "COMPLIANCE", Until: until})
	r := s.watch(func() {
		s.says(s.fails(), "removing EmptyBucket", "1 version: AccessDenied", "1 under compliance retention", until.Format(time.RFC3339), `"kept"`)
	})
	r.wrote(t) // the guard did not restore the bucket policy
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
		t.Errorf("the stack's reason is %q, the resource's %q", stack.Reason, stack.Resources[at].Reason)
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
	s.says(s.fails(), "1 under a legal hold", "delete it before removing locks")
	off := &s3.PutObjectLegalHoldInput{
		Bucket: &s.bucket, Key: aws.String("kept"), LegalHold: &s3types.ObjectLockLegalHold{Status: s3types.ObjectLockLegalHoldStatusOff},
	}
	if _, err := s.s3.PutObjectLegalHold(t.Context(), off); err == nil {
		t.Error("the emptying policy gives an administrator access to the objects")
	}
	s.must(s.deletesBucketPolicy())
	_, err := s.s3.PutObjectLegalHold(t.Context(), off)
	s.must(err)
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

func TestGovernanceRetentionIsBypassedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
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

// Only AWS sets tags that begin with "aws:", so they identify the creator of a bucket.
func TestABucketThatTheStackDidNotMakeIsNotTouched(t *testing.T) {
	t.Parallel()
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
			s.says(s.fails(), "was not touched", "refusing to delete its data")
			if got := s.S3.Versions(s.bucket); got != versions || s.S3.Policy(s.bucket) != policy {
				t.Errorf("%d of %d versions are left under the policy %s, want all, and the policy unchanged", got, versions, s.S3.Policy(s.bucket))
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
		t.Errorf("%q are left with %d of %d versions, want the buckets unchanged", got, s.S3.Versions(s.bucket), versions)
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

func aPermissionThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	versions, role := s.fills(s.bucket), s.stack.Physical("TeardownRole")
	s.shortens() // otherwise it waits minutes for a permission that may be new
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
