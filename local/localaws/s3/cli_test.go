package s3_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// cli returns a function that runs the AWS CLI as a user with full access. It skips the test if the AWS CLI is not
// installed.
func (s *scene) cli() func(arguments ...string) string {
	s.Helper()
	path, err := exec.LookPath("aws")
	if err != nil {
		s.Skip("the AWS CLI is not installed")
	}
	id, secret := s.gate.Credentials(s.admin())
	dir := s.TempDir()
	environment := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_ENDPOINT_URL=" + s.url, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=",
	}
	return func(arguments ...string) string {
		s.Helper()
		command := exec.Command(path, arguments...)
		command.Env, command.Dir = environment, dir
		output, err := localtest.Output(s, command)
		if err != nil {
			return "failed: " + strings.TrimSpace(output)
		}
		return strings.TrimSpace(output)
	}
}

func TestTheAWSCLIWorksOnIt(t *testing.T) {
	if testing.Short() {
		t.Skip("the AWS CLI takes a second to start each time")
	}
	s := newScene(t)
	aws := s.cli()
	file := filepath.Join(t.TempDir(), "thankyou.txt")
	s.must(os.WriteFile(file, []byte("thank you"), 0o600))
	for _, c := range []struct {
		command string
		want    string // part of the output
	}{
		{"s3 cp " + file + " s3://docs-example/a/thankyou.txt", "upload:"},
		{"s3 cp s3://docs-example/a/thankyou.txt -", "thank you"},
		{"s3 ls s3://docs-example/a/", "9 thankyou.txt"},
		{"s3api get-bucket-policy --bucket docs-example", "(NoSuchBucketPolicy) when calling the GetBucketPolicy operation"},
		{"s3api get-public-access-block --bucket docs-example", `"BlockPublicAcls": true`},
		{"s3api list-object-versions --bucket docs-example --max-items 1", `"VersionId": "null"`},
		{"s3 rm --recursive s3://docs-example/", "delete: s3://docs-example/a/thankyou.txt"},
		{"s3 rb s3://docs-example", "remove_bucket: docs-example"},
	} {
		if got := aws(strings.Fields(c.command)...); !strings.Contains(got, c.want) {
			t.Errorf("aws %s = %s, want %s in it", c.command, got, c.want)
		}
	}
}
