package s3_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// key is an object's key, and version the id of a missing version.
var (
	key     = aws.String("a/b")
	version = aws.String("null")
)

func TestOperationsTakeThePermissionsThatAWSDocuments(t *testing.T) {
	const onBucket, onObject = "arn:aws:s3:::docs-example", "arn:aws:s3:::docs-example/a/b"
	for want, do := range map[string]func(context.Context, *awss3.Client) error{
		"s3:GetBucketPolicy " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.GetBucketPolicy(ctx, &awss3.GetBucketPolicyInput{Bucket: name})
			return err
		},
		"s3:GetBucketPublicAccessBlock " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.GetPublicAccessBlock(ctx, &awss3.GetPublicAccessBlockInput{Bucket: name})
			return err
		},
		"s3:PutBucketPublicAccessBlock " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeletePublicAccessBlock(ctx, &awss3.DeletePublicAccessBlockInput{Bucket: name})
			return err
		},
		"s3:PutBucketOwnershipControls " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeleteBucketOwnershipControls(ctx, &awss3.DeleteBucketOwnershipControlsInput{Bucket: name})
			return err
		},
		"s3:ListBucket " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: name})
			return err
		},
		"s3:ListBucketVersions " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.ListObjectVersions(ctx, &awss3.ListObjectVersionsInput{Bucket: name})
			return err
		},
		"s3:PutLifecycleConfiguration " + onBucket: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeleteBucketLifecycle(ctx, &awss3.DeleteBucketLifecycleInput{Bucket: name})
			return err
		},
		"s3:GetObject " + onObject: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: name, Key: key})
			return err
		},
		"s3:GetObjectVersion " + onObject: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.GetObject(ctx, &awss3.GetObjectInput{Bucket: name, Key: key, VersionId: version})
			return err
		},
		"s3:PutObject " + onObject: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{Bucket: name, Key: key})
			return err
		},
		"s3:DeleteObject " + onObject: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: name, Key: key})
			return err
		},
		"s3:DeleteObjectVersion " + onObject: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: name, Key: key, VersionId: version})
			return err
		},
		"s3:PutObject " + onObject + "2, s3:GetObject " + onObject: func(ctx context.Context, c *awss3.Client) error {
			_, err := c.CopyObject(ctx, &awss3.CopyObjectInput{Bucket: name, Key: aws.String("a/b2"), CopySource: aws.String("docs-example/a/b")})
			return err
		},
		"s3:ListAllMyBuckets arn:aws:s3:::*": func(ctx context.Context, c *awss3.Client) error {
			_, err := c.ListBuckets(ctx, nil)
			return err
		},
		"s3:CreateBucket arn:aws:s3:::another": func(ctx context.Context, c *awss3.Client) error {
			_, err := c.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: aws.String("another"),
				CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"}})
			return err
		},
	} {
		t.Run(want, func(t *testing.T) {
			s := newScene(t)
			s.must(s.store.Put(bucket, *key, nil))
			s.expect("without permissions", do(background, s.as(s.caller(account, "user/plain"))), forbidden(want))
			var got []string
			for _, need := range s.gate.Calls()[0].Needs {
				got = append(got, need.Action+" "+need.Resource)
			}
			if got := strings.Join(got, ", "); got != want {
				t.Errorf("needs = %s, want %s", got, want)
			}
		})
	}
}

// forbidden returns the error code of a refusal. A HEAD response has no body, so its code comes from its status.
func forbidden(needs string) string {
	if needs == "s3:ListBucket arn:aws:s3:::docs-example" || needs == "s3:GetObject arn:aws:s3:::docs-example/a/b" {
		return "Forbidden"
	}
	return "AccessDenied"
}

func TestWhoMayNotListLearnsNotThatAKeyIsMissing(t *testing.T) {
	s := newScene(t)
	const readOnly = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`
	get := &awss3.GetObjectInput{Bucket: name, Key: key}
	_, err := s.as(s.caller(account, "user/reader", readOnly)).GetObject(background, get)
	s.expect("GetObject of a missing key, may not list", err, "AccessDenied")
	_, err = s.as(s.admin()).GetObject(background, get)
	s.expect("GetObject of a missing key, may list", err, "NoSuchKey")
}

func TestRefusalsTellReasonsOnlyWithinTheAccount(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, *key, nil))
	s.must(s.store.PutPolicy(bucket, []byte(denying(`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`))))
	for who, c := range map[string]struct {
		caller api.Caller
		want   string
	}{
		"own account":   {s.admin(), `AccessDenied: User: arn:aws:iam::111122223333:user/admin is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::docs-example/a/b" with an explicit deny in a resource-based policy`},
		"other account": {s.caller(other, "user/neighbour", everything), "AccessDenied: Access Denied"},
		"anonymous":     {api.Caller{}, "AccessDenied: Access Denied"},
	} {
		_, err := s.as(c.caller).GetObject(background, &awss3.GetObjectInput{Bucket: name, Key: key})
		if err == nil || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("GetObject by %s = %v, want %s", who, err, c.want)
		}
	}
}

func TestBucketOpensOnlyThroughItsEndpoint(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, *key, []byte("x")))
	s.must(s.store.PutPolicy(bucket, []byte(denying(`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}`))))
	s.gate.EndpointPolicy(func(string) *iampolicy.Policy { return nil })
	for where, c := range map[string]struct {
		listener api.Listener
		want     string
	}{
		"the internet":     {api.Listener{SourceIP: "198.51.100.7"}, "AccessDenied"},
		"the endpoint":     {api.Listener{SourceIP: "10.0.0.10", VPCEndpointID: "vpce-1", VPCID: "vpc-1"}, ""},
		"another endpoint": {api.Listener{SourceIP: "10.1.0.10", VPCEndpointID: "vpce-2", VPCID: "vpc-2"}, "AccessDenied"},
	} {
		_, err := s.through(s.listener(c.listener), s.admin()).GetObject(background, &awss3.GetObjectInput{Bucket: name, Key: key})
		s.expect("GetObject from "+where, err, c.want)
	}
}

func TestForeignBucketsStayTheirOwners(t *testing.T) {
	s := newScene(t)
	theirs := aws.String("theirs")
	s.must(s.store.CreateBucket(*theirs, other))
	s.must(s.store.PutPublicAccessBlock(*theirs, allOff))
	s.must(s.store.PutPolicy(*theirs, []byte(strings.ReplaceAll(allowing(`"*"`, ``), `"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*"`,
		`"s3:*","Resource":["arn:aws:s3:::theirs","arn:aws:s3:::theirs/*"]`))))
	admin := s.as(s.admin())
	_, err := admin.PutObject(background, &awss3.PutObjectInput{Bucket: theirs, Key: key, Body: strings.NewReader("data")})
	s.expect("PutObject into a foreign bucket that lets everybody", err, "")
	_, err = admin.PutObject(background, &awss3.PutObjectInput{Bucket: theirs, Key: key, ExpectedBucketOwner: aws.String(account)})
	s.expect("PutObject expecting an own bucket", err, "AccessDenied")
	_, err = admin.GetBucketPolicy(background, &awss3.GetBucketPolicyInput{Bucket: theirs})
	s.expect("GetBucketPolicy of a foreign bucket", err, "MethodNotAllowed")
	_, err = s.as(api.Caller{}).GetBucketPolicy(background, &awss3.GetBucketPolicyInput{Bucket: theirs})
	s.expect("anonymous GetBucketPolicy", err, "AccessDenied")
	if got := s.store.Owner(*theirs); got != other {
		t.Errorf("Owner = %s, want %s", got, other)
	}
	s.expect("CreateBucket of a foreign name", asAPI(s.store.CreateBucket(*theirs, "")), "BucketAlreadyExists")
}

func TestRootUserGetsAtThePolicyWhateverItDenies(t *testing.T) {
	s := newScene(t)
	s.must(s.store.PutPolicy(bucket, []byte(denying(`"Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"]`))))
	remove := &awss3.DeleteBucketPolicyInput{Bucket: name}
	_, err := s.as(s.admin()).DeleteBucketPolicy(background, remove)
	s.expect("DeleteBucketPolicy by an administrator", err, "AccessDenied")
	root := s.caller(account, "root")
	_, err = s.as(root).ListObjectsV2(background, &awss3.ListObjectsV2Input{Bucket: name})
	s.expect("ListObjectsV2 by the root user", err, "AccessDenied")
	_, err = s.as(root).DeleteBucketPolicy(background, remove)
	s.expect("DeleteBucketPolicy by the root user", err, "")
}

func TestPublicACLsNeedThreeSettingsOff(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, *key, nil))
	admin, stranger := s.as(s.admin()), s.as(api.Caller{})
	publish := func() error {
		_, err := admin.PutBucketAcl(background, &awss3.PutBucketAclInput{Bucket: name, ACL: types.BucketCannedACLPublicRead})
		return err
	}
	list := func() error {
		_, err := stranger.ListObjectsV2(background, &awss3.ListObjectsV2Input{Bucket: name})
		return err
	}
	s.expect("PutBucketAcl with ACLs off", publish(), "AccessControlListNotSupported")
	s.must(s.store.PutOwnership(bucket, "BucketOwnerPreferred"))
	s.expect("PutBucketAcl under BlockPublicAcls", publish(), "AccessDenied")
	s.must(s.store.PutPublicAccessBlock(bucket, &s3.PublicAccessBlock{IgnorePublicAcls: true}))
	s.expect("PutBucketAcl", publish(), "")
	s.expect("anonymous listing under IgnorePublicAcls", list(), "AccessDenied")
	s.must(s.store.PutPublicAccessBlock(bucket, allOff))
	s.expect("anonymous listing", list(), "")
	_, err := stranger.GetObject(background, &awss3.GetObjectInput{Bucket: name, Key: key})
	s.expect("anonymous GetObject, which the bucket's ACL is not about", err, "AccessDenied")
	_, err = admin.PutBucketOwnershipControls(background, &awss3.PutBucketOwnershipControlsInput{Bucket: name, OwnershipControls: &types.OwnershipControls{
		Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}}}})
	s.expect("turning ACLs off while one is public", err, "InvalidBucketAclWithObjectOwnership")
	acl, err := admin.GetBucketAcl(background, &awss3.GetBucketAclInput{Bucket: name})
	s.must(err)
	if got := len(acl.Grants); got != 2 {
		t.Errorf("grants = %d, want the owner's and AllUsers'", got)
	}
}

func TestStaleReadsShowTheConfigurationBefore(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	s.must(s.store.PutPolicy(bucket, []byte(denying(`"Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::docs-example/*"`))))
	s.must(s.store.DeletePolicy(bucket))
	s.gate.Inject(api.Fault{Stale: true, Times: 1})
	_, err := client.GetBucketPolicy(background, &awss3.GetBucketPolicyInput{Bucket: name})
	s.expect("stale GetBucketPolicy", err, "")
	_, err = client.GetBucketPolicy(background, &awss3.GetBucketPolicyInput{Bucket: name})
	s.expect("GetBucketPolicy", err, "NoSuchBucketPolicy")
}
