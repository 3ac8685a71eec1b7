package endtoend_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// CloudFormation, Terraform and AWS Config use HeadBucket to see that the bucket exists (docs/facts.md, S3).
func TestWhoManagesTheBucketSeesThatItIsThereAndNoObject(t *testing.T) {
	t.Parallel()
	const role = "terraform"
	s := deploy(t, interfaceType.and("ManagementRoleArns", "arn:aws:iam::111122223333:role/"+role))
	everything := map[string]string{"all": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`}
	for _, name := range []string{role, "other"} {
		_, err := s.IAM.CreateRole(name, everything)
		s.must(err)
	}
	elsewhere := s.Admin()
	elsewhere.InvokedBy = "athena.amazonaws.com"
	for name, c := range map[string]struct {
		caller api.Caller
		head   string
	}{
		"CloudFormation":    {s.Deployer(), ""},
		"a management role": {s.IAM.Session(role, "apply"), ""},
		"another service":   {elsewhere, "Forbidden"},
		"another role":      {s.IAM.Session("other", "apply"), "Forbidden"},
		"an administrator":  {s.Admin(), "Forbidden"},
	} {
		client := s3As(s.Cloud, c.caller)
		_, head := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &s.bucket})
		_, list := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket})
		_, versions := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &s.bucket})
		_, object := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String("thankyou.txt")})
		_, tags := client.GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &s.bucket})
		wantList := ""
		if c.head != "" {
			wantList = "AccessDenied"
		}
		for call, answer := range map[string]struct {
			got  error
			want string
		}{
			"HeadBucket": {head, c.head}, "ListObjectsV2": {list, wantList}, "ListObjectVersions": {versions, "AccessDenied"},
			"GetObject": {object, "AccessDenied"}, "GetBucketTagging": {tags, ""},
		} {
			if got := errorcode.Of(answer.got); got != answer.want {
				t.Errorf("%s by %s: %q (%v), want %q", call, name, got, answer.got, answer.want)
			}
		}
	}
}

// A role's ARN and aws:PrincipalArn contain the role's path; the ARN of its sessions does not.
func TestRolesMayHaveAPath(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"RolePath": "/service/", "ProbeLatencyMs": "60000"})
	s.minutes(3)
	if got := s.ringing(); got != "" {
		t.Errorf("with a path these alarms are in ALARM: %q, want none", got)
	}
	s.must(s.deletesBucketPolicy())
	s.rest()
	s.isDesired()
}
