package template_test

import (
	"os/exec"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

// TestTheAppRunsOnTheRealCommandLine runs the script with the real AWS CLI, against the template deployed to the
// local AWS, with the instance's role and through the endpoint.
func TestTheAppRunsOnTheRealCommandLine(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil {
		t.Skip("the AWS CLI is not installed")
	}
	cloud, deployed := local(t, nil)
	through, err := cloud.Through(deployed.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := cloud.Config(deployed.Workload(), through).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := startApp(t, "BUCKET="+deployed.Physical("Bucket"), "AWS_ENDPOINT_URL="+through, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID="+credentials.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+credentials.SecretAccessKey,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_MAX_ATTEMPTS=2")
	const text = "Thank you for reading! This came from S3 through the VPC endpoint.\n"
	if status, body := a.get(t, "/"); status != 200 || body != text {
		t.Errorf("GET / = %d %q, want 200 %q", status, body, text)
	}
	nothing := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`
	if err := cloud.EC2.ModifyEndpoint(deployed.Endpoint(), ec2.EndpointChange{Policy: nothing}); err != nil {
		t.Fatal(err)
	}
	if status, body := a.get(t, "/"); status != 502 || body != "S3 refused to give thankyou.txt: AccessDenied in GetObject\n" {
		t.Errorf("GET / through an endpoint that denies all = %d %q, want 502 and AccessDenied", status, body)
	}
}

// local deploys the template to the local AWS, with functions that exit at once, except TeardownFunction: the stack
// needs its answers.
func local(t *testing.T, p parameters) (*localaws.Cloud, *deployment.Stack) {
	t.Helper()
	cloud := cloudtest.New(t, localaws.Options{})
	deployed, err := cloud.Deploy(t.Context(), planned(t, p), failing)
	if err != nil {
		t.Fatal(err)
	}
	return cloud, deployed
}
