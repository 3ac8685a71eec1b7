package localaws_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// built builds the functions' bootstraps for all tests of this package.
var built *bootstrap.Builder

func TestMain(m *testing.M) { cloudtest.Main(m, &built) }

// cloud returns a local AWS that is closed at the end of the test.
func cloud(t *testing.T) *localaws.Cloud {
	t.Helper()
	return cloudtest.New(t, localaws.Options{})
}

// plan returns the plan of the project's own template.
func plan(t *testing.T, parameters map[string]string) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.Load("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return planned(t, template, parameters)
}

// inline returns the plan of a template with these resources.
func inline(t *testing.T, resources string) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.Parse([]byte("Transform: AWS::Serverless-2016-10-31\nResources:\n" + resources))
	if err != nil {
		t.Fatal(err)
	}
	return planned(t, template, nil)
}

func planned(t *testing.T, template *samtemplate.Template, parameters map[string]string) *samtemplate.Plan {
	t.Helper()
	p, err := template.Plan(samtemplate.Options{Parameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// deploy deploys a plan with functions that exit at once, except for the one that answers custom resources.
func deploy(t *testing.T, c *localaws.Cloud, p *samtemplate.Plan) *deployment.Stack {
	t.Helper()
	s, err := c.Deploy(t.Context(), p, ending)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ending returns a bootstrap that exits at once, or the real one for the function that answers custom resources.
func ending(logicalID string) (string, error) {
	if logicalID == "TeardownFunction" {
		return built.Path(logicalID)
	}
	return "/bin/false", nil
}

// guarded deploys the project's own template with its real functions, and waits until they are idle.
func guarded(t *testing.T, parameters map[string]string) (*localaws.Cloud, *deployment.Stack) {
	t.Helper()
	c := cloud(t)
	s, err := c.Deploy(t.Context(), plan(t, parameters), built.Path)
	if err != nil {
		t.Fatal(err)
	}
	rest(t, c)
	return c, s
}

// rest waits until the local AWS is idle.
func rest(t *testing.T, c *localaws.Cloud) {
	t.Helper()
	if err := c.Quiesce(localtest.Context(t, "the local AWS to rest")); err != nil {
		t.Fatal(err)
	}
}

// s3As returns an S3 client that calls a base URL as the caller.
func s3As(c *localaws.Cloud, caller api.Caller, url string) *s3.Client {
	return s3.NewFromConfig(c.Config(caller, url), func(o *s3.Options) { o.RetryMaxAttempts = 1 })
}

// bucketPolicy returns a bucket's policy, read as the administrator.
func bucketPolicy(t *testing.T, c *localaws.Cloud, bucket string) string {
	t.Helper()
	got, err := s3As(c, c.Admin(), c.Internet()).GetBucketPolicy(context.Background(), &s3.GetBucketPolicyInput{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	return *got.Policy
}
