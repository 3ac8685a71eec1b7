package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// profiles is an AWS configuration file.
const profiles = `# a comment
[default]
region = eu-central-1
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret

[profile path]
region = eu-central-1
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
s3 =
    ; a comment
    max_concurrent_requests = 20
    addressing_style = path
output = json

[profile own]
region = eu-central-1
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
endpoint_url = http://profile.test

[profile services]
region = eu-central-1
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
services = local
endpoint_url = http://profile.test

[services local]
s3 =
    endpoint_url = http://services.test
    addressing_style = virtual

[profile virtual]
region = eu-central-1
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
endpoint_url = http://profile.test
s3 =
	addressing_style=virtual

[profile wrong]
region = eu-central-1
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
s3 =
    addressing_style = pathy

[profile nowhere]
aws_access_key_id = AKIDEXAMPLE
aws_secret_access_key = secret
output = json
`

// TestS3IsAskedWhereTheConfigurationSays runs the built command through a proxy, which records the host and the path
// of each request. The AWS CLI sends the same with the same configuration (aws s3api get-bucket-versioning --bucket
// docs).
func TestS3IsAskedWhereTheConfigurationSays(t *testing.T) {
	t.Parallel()
	const aws, awsByPath = "CONNECT docs.s3.eu-central-1.amazonaws.com:443", "CONNECT s3.eu-central-1.amazonaws.com:443"
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		environment, args string
		asked             string // "" means no request
		says              string
	}{
		"AWS":                           {"", "", aws, ""},
		"path style":                    {"", "--profile path", awsByPath, ""},
		"a profile of the environment":  {"AWS_PROFILE=path", "", awsByPath, ""},
		"another profile":               {"AWS_PROFILE=path", "--profile default", aws, ""},
		"any service's address":         {"AWS_ENDPOINT_URL=http://general.test", "", "GET general.test/docs", ""},
		"S3's address":                  {"AWS_ENDPOINT_URL=http://general.test AWS_ENDPOINT_URL_S3=http://own.test", "", "GET own.test/docs", ""},
		"the flag's address":            {"AWS_ENDPOINT_URL_S3=http://own.test", "--endpoint-url http://flag.test", "GET flag.test/docs", ""},
		"addresses ignored":             {"AWS_ENDPOINT_URL_S3=http://own.test AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "", aws, ""},
		"the profile's address":         {"", "--profile own", "GET profile.test/docs", ""},
		"the profile's services":        {"", "--profile services", "GET services.test/docs", ""},
		"virtual style at an address":   {"", "--profile virtual", "GET docs.profile.test/", ""},
		"virtual style at another":      {"AWS_ENDPOINT_URL_S3=http://own.test", "--profile virtual", "GET docs.own.test/", ""},
		"an unknown style":              {"", "--profile wrong", "", `profile wrong: s3 addressing_style "pathy": want auto, virtual or path`},
		"no such profile":               {"", "--profile none", "", "failed to get shared config profile, none"},
		"no Region":                     {"AWS_REGION=", "--profile nowhere", "", "no Region is configured: say --region, or set AWS_REGION"},
		"no Region, but an address":     {"AWS_REGION=", "--profile nowhere --endpoint-url http://own.test", "", "no Region is configured: say --region, or set AWS_REGION"},
		"the flag's Region":             {"AWS_REGION=", "--profile nowhere --region eu-west-1", "CONNECT docs.s3.eu-west-1.amazonaws.com:443", ""},
		"an address without its scheme": {"", "--endpoint-url localhost:9000", "", "--endpoint-url localhost:9000: want an address such as http://localhost:9000"},
		"not the name of a bucket":      {"", "--bucket s3://docs/logs/", "", "say --bucket docs --prefix logs/"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := make(chan string, 100)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.Method + " " + r.Host + r.URL.Path
				w.WriteHeader(http.StatusForbidden)
			}))
			defer proxy.Close()
			environment := append(strings.Fields(c.environment), "AWS_CONFIG_FILE="+config, "AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret",
				"HTTP_PROXY="+proxy.URL, "HTTPS_PROXY="+proxy.URL, "NO_PROXY=")
			args := strings.Fields("empty --dry-run --bucket docs " + c.args)
			got := runBuiltWith(t, t.TempDir(), "", environment, args...)
			first := ""
			if len(asked) > 0 {
				first = strings.TrimSuffix(<-asked, "/docs/")
			}
			if got.code != exitUntouched || !strings.Contains(got.err, c.says) || first != c.asked {
				t.Errorf("the first request goes to %q, the exit code is %d, standard error is %q; want %q, %d and %q", first, got.code, got.err, c.asked, exitUntouched, c.says)
			}
		})
	}
}

func TestCredentialsThatAreMissingAreNamed(t *testing.T) {
	t.Parallel()
	got := runBuiltWith(t, t.TempDir(), "", []string{"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=",
		"AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none", "AWS_EC2_METADATA_DISABLED=true"}, "empty", "--dry-run", "--bucket", "docs")
	if want := "no credentials could be had: say --profile, or set AWS_ACCESS_KEY_ID"; got.code != exitUntouched || !strings.Contains(got.err, want) {
		t.Errorf("exit code %d, standard error %q, want %d and %q", got.code, got.err, exitUntouched, want)
	}
}

// On a machine without credentials the SDK asks the instance metadata service, and logs a warning about it. Only the command's own
// message is printed.
func TestTheSDKLogsNothingAboutMissingCredentials(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound) // as a service that has no tokens: the SDK falls back to version 1
	}))
	defer metadata.Close()
	for _, args := range []string{"audit --all", "empty --dry-run --bucket docs", "history", "report", "undo 1", "pause --list"} {
		asked.Store(0)
		got := runBuiltWith(t, t.TempDir(), "", []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_CONFIG_FILE=none", "AWS_SHARED_CREDENTIALS_FILE=none",
			"AWS_EC2_METADATA_DISABLED=", "AWS_EC2_METADATA_SERVICE_ENDPOINT=" + metadata.URL}, strings.Fields(args)...)
		if got.code == 0 || asked.Load() == 0 || !strings.HasPrefix(got.err, "guard: no credentials could be had") || strings.Count(got.err, "\n") != 1 {
			t.Errorf("guard %s: exit code %d, %d requests for credentials, standard error %q, want one line about them", args, got.code, asked.Load(), got.err)
		}
	}
}
