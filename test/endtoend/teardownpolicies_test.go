package endtoend_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// denies replaces the bucket's policy by a foreign statement that denies actions to all callers outside an endpoint
// that is not ours.
func (s *scene) denies(actions string) {
	s.Helper()
	s.must(s.S3.PutPolicy(s.bucket, []byte(strings.NewReplacer("BUCKET", s.bucket, "ACTIONS", actions).Replace(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":ACTIONS,
			"Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"],
			"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-00000000000000000"}}}]}`))))
}

// None of these policies denies the teardown role s3:PutBucketPolicy.
func TestAStackIsDeletedUnderPoliciesOfOthers(t *testing.T) {
	t.Parallel()
	for name, actions := range map[string]string{
		"reads":    `["s3:Get*","s3:List*"]`,
		"the tags": `"s3:GetBucketTagging"`,
		"deletion": `["s3:DeleteBucket","s3:DeleteObjectVersion"]`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, parameters{"CreateTrail": "false"})
			s.fills(s.bucket)
			s.denies(actions)
			s.must(s.stack.Delete(t.Context()))
			s.isGone()
		})
	}
}

func TestABucketOfOthersThatHidesItsTagsKeepsItsObjects(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	versions := s.fills(s.bucket)
	s.must(s.S3.PutTags(s.bucket, map[string]string{"team": "docs"}))
	s.denies(`["s3:Get*","s3:List*"]`)
	s.says(s.fails(), "nothing was deleted", "created by no stack")
	if got := s.S3.Versions(s.bucket); got != versions {
		t.Errorf("%d of %d versions are left, want all", got, versions)
	}
}

func aTotalLockoutIsEndedByTheRootUser(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"CreateTrail": "false"})
	versions := s.fills(s.bucket)
	s.shortens()
	s.denies(`"s3:*"`)
	s.says(s.fails(), "nothing was deleted", "the bucket's own policy denies s3:PutBucketPolicy", "root user", "sts assume-root", "S3UnlockBucketPolicy")
	if got := s.S3.Versions(s.bucket); got != versions {
		t.Errorf("%d of %d versions are left, want all", got, versions)
	}
	if err := s.deletesBucketPolicy(); err == nil {
		t.Error("an administrator deleted the policy, want only the root user to be able to")
	}
	_, err := s3As(s.Cloud, s.Root()).DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: &s.bucket})
	s.must(err)
	s.must(s.stack.Delete(t.Context()))
	s.isGone()
}

// IAM may use the role's previous policy for a while (docs/facts.md, CloudFormation).
func TestAnUpdateWaitsForThePermissionsThatItGave(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]parameters{
		"EmptyBucketOnDelete": {"EmptyBucketOnDelete": "false"}, "CreateTrail": {"CreateTrail": "false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.Gate.Inject(api.Fault{
				Service: "s3", Operation: "GetBucketTagging", Caller: s.stack.Attribute("TeardownRole", "Arn"), Times: 2,
				Error: &api.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "because no identity-based policy allows the s3:GetBucketTagging action"},
			})
			s.must(s.stack.Update(t.Context(), plan(t, nil)))
			s.must(s.stack.Delete(t.Context()))
			s.isGone()
		})
	}
}
