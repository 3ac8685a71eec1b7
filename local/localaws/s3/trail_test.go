package s3_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// heard returns a call's event in the trail: its name, parameters and resources, as JSON.
func (s *scene) heard(do func(context.Context, *awss3.Client) error) string {
	s.Helper()
	var heard []string
	s.gate.OnTrail(func(c api.TrailCall) {
		text, err := json.Marshal([]any{c.Operation.Trail.EventName, c.Operation.Trail.RequestParameters, c.Operation.Trail.Resources})
		s.must(err)
		heard = append(heard, string(text))
	})
	do(background, s.as(s.admin()))
	if len(heard) != 1 {
		s.Fatalf("the trail has %d calls, want 1: %v", len(heard), heard)
	}
	return heard[0]
}

func TestTrailHasTheShapesOfCloudTrail(t *testing.T) {
	const ours = `[{"ARN":"arn:aws:s3:::docs-example","accountId":"111122223333","type":"AWS::S3::Bucket"}]`
	const where = `"Host":"s3.eu-central-1.amazonaws.com",`
	const policy = `{"Statement":[{"Action":["s3:PutObject"],"Effect":"Deny","Principal":{"AWS":"*"},"Resource":"arn:aws:s3:::docs-example/*"}]}`
	const public = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*"}]}`
	for name, c := range map[string]struct {
		do   func(context.Context, *awss3.Client) error
		want string
	}{
		"a policy as its caller wrote it": {putPolicy(policy),
			`["PutBucketPolicy",{` + where + `"bucketName":"docs-example","bucketPolicy":` + policy + `,"policy":""},` + ours + `]`},
		"a refused policy, as an empty object": {putPolicy(public),
			`["PutBucketPolicy",{` + where + `"bucketName":"docs-example","bucketPolicy":{},"policy":""},null]`},
		"DeleteBucketPolicy": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeleteBucketPolicy(ctx, &awss3.DeleteBucketPolicyInput{Bucket: aws.String(bucket)})
			return err
		}, `["DeleteBucketPolicy",{` + where + `"bucketName":"docs-example","policy":""},` + ours + `]`},
		"the trail's name for PutPublicAccessBlock": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.PutPublicAccessBlock(ctx, &awss3.PutPublicAccessBlockInput{Bucket: aws.String(bucket),
				PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false)}})
			return err
		}, `["PutBucketPublicAccessBlock",{` + where + `"PublicAccessBlockConfiguration":{"BlockPublicAcls":true,"BlockPublicPolicy":false,` +
			`"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"bucketName":"docs-example","publicAccessBlock":""},` + ours + `]`},
		"the trail's name for DeletePublicAccessBlock": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeletePublicAccessBlock(ctx, &awss3.DeletePublicAccessBlockInput{Bucket: aws.String(bucket)})
			return err
		}, `["DeleteBucketPublicAccessBlock",{` + where + `"bucketName":"docs-example","publicAccessBlock":""},` + ours + `]`},
		"PutBucketOwnershipControls": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.PutBucketOwnershipControls(ctx, &awss3.PutBucketOwnershipControlsInput{Bucket: aws.String(bucket),
				OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}}})
			return err
		}, `["PutBucketOwnershipControls",{` + where + `"OwnershipControls":{"Rule":{"ObjectOwnership":"ObjectWriter"},` +
			`"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"bucketName":"docs-example","ownershipControls":""},` + ours + `]`},
		"a canned ACL": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.PutBucketAcl(ctx, &awss3.PutBucketAclInput{Bucket: aws.String(bucket), ACL: types.BucketCannedACLPrivate})
			return err
		}, `["PutBucketAcl",{` + where + `"acl":"","bucketName":"docs-example","x-amz-acl":"private"},` + ours + `]`},
		"a bucket that is not there": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeleteBucketPolicy(ctx, &awss3.DeleteBucketPolicyInput{Bucket: aws.String("absent")})
			return err
		}, `["DeleteBucketPolicy",{` + where + `"bucketName":"absent","policy":""},null]`},
		"a new bucket": {func(ctx context.Context, c *awss3.Client) error {
			_, err := c.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: aws.String("another"),
				CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"}})
			return err
		}, `["CreateBucket",{"CreateBucketConfiguration":{"LocationConstraint":"eu-central-1","xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},` +
			where + `"bucketName":"another"},[{"ARN":"arn:aws:s3:::another","accountId":"111122223333","type":"AWS::S3::Bucket"}]]`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newScene(t).heard(c.do); got != c.want {
				t.Errorf("trail\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// putPolicy puts a bucket policy.
func putPolicy(document string) func(context.Context, *awss3.Client) error {
	return func(ctx context.Context, c *awss3.Client) error {
		_, err := c.PutBucketPolicy(ctx, &awss3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: &document})
		return err
	}
}

func TestReadsAndObjectsLeaveNoTrail(t *testing.T) {
	s := newScene(t)
	s.gate.OnTrail(func(c api.TrailCall) { t.Errorf("the trail has %s, want no call", c.Operation.Name) })
	client := s.as(s.admin())
	client.GetBucketPolicy(background, &awss3.GetBucketPolicyInput{Bucket: aws.String(bucket)})
	client.PutObject(background, &awss3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("a")})
	client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("a")})
}

// GetAccountPublicAccessBlock, PutAccountPublicAccessBlock and DeleteAccountPublicAccessBlock.
func TestAccountLevelBlockGoesOverItsOwnPath(t *testing.T) {
	s := newScene(t)
	id, _ := s.gate.Credentials(s.admin())
	var heard []string
	s.gate.OnTrail(func(c api.TrailCall) {
		text, err := json.Marshal(c.Operation.Trail.RequestParameters)
		s.must(err)
		heard = append(heard, c.Operation.Trail.EventName+" "+string(text))
	})
	const path = "/v20180820/configuration/publicAccessBlock"
	ours, theirs := map[string]string{"X-Amz-Account-Id": account}, map[string]string{"X-Amz-Account-Id": other}
	for _, c := range []struct {
		method, body string
		header       map[string]string
		want         int
	}{
		{"GET", "", ours, 404},
		{"PUT", `<PublicAccessBlockConfiguration><BlockPublicPolicy>true</BlockPublicPolicy></PublicAccessBlockConfiguration>`, ours, 200},
		{"GET", "", ours, 200},
		{"GET", "", theirs, 403},
		{"DELETE", "", ours, 204},
	} {
		if got := s.raw(c.method, path, id, c.body, c.header).StatusCode; got != c.want {
			t.Errorf("%s %v = %d, want %d", c.method, c.header, got, c.want)
		}
	}
	want := `PutAccountPublicAccessBlock {"Host":"111122223333.s3-control.eu-central-1.amazonaws.com","PublicAccessBlockConfiguration":` +
		`{"BlockPublicPolicy":true,"xmlns":"http://s3.amazonaws.com/doc/2006-03-01/"},"publicAccessBlock":"","x-amz-account-id":"111122223333"}`
	if len(heard) != 2 || heard[0] != want {
		t.Errorf("the trail has %v, want first %s", heard, want)
	}
}
