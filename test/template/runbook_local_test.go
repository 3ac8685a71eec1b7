package template_test

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// notOnLocal are the commands of the runbook that the local AWS does not support, and the reason.
var notOnLocal = map[string]string{
	"cloudformation create-change-set":     "a drift-aware change set compares with what the resource types' handlers read",
	"cloudformation describe-change-set":   "as create-change-set",
	"cloudformation execute-change-set":    "as create-change-set",
	"cloudformation delete-stack":          "stacks are deployed and deleted by the process that runs it",
	"cloudformation describe-stack-events": "as delete-stack: the process that runs it says why it fails",
	"cloudwatch put-anomaly-detector":      "anomaly detection is not imitated",
	"s3control delete-access-point":        "access points are made and listed only",
	"sts assume-root":                      "callers get their credentials from it, and assume nothing",
}

// rest are the HTTP requests of operations of services with REST paths.
var rest = map[string]struct{ method, path string }{
	"lambda invoke":                       {"POST", "/2015-03-31/functions/f/invocations"},
	"lambda get-function":                 {"GET", "/2015-03-31/functions/f"},
	"lambda get-account-settings":         {"GET", "/2016-08-19/account-settings/"},
	"lambda list-event-source-mappings":   {"GET", "/2015-03-31/event-source-mappings/?FunctionName=f"},
	"lambda put-function-concurrency":     {"PUT", "/2017-10-31/functions/f/concurrency"},
	"lambda delete-function-concurrency":  {"DELETE", "/2017-10-31/functions/f/concurrency"},
	"s3api get-bucket-policy":             {"GET", "/docs?policy"},
	"s3api put-bucket-policy":             {"PUT", "/docs?policy"},
	"s3api delete-bucket-policy":          {"DELETE", "/docs?policy"},
	"s3api get-bucket-policy-status":      {"GET", "/docs?policyStatus"},
	"s3api get-public-access-block":       {"GET", "/docs?publicAccessBlock"},
	"s3api put-public-access-block":       {"PUT", "/docs?publicAccessBlock"},
	"s3api get-bucket-ownership-controls": {"GET", "/docs?ownershipControls"},
	"s3api put-bucket-ownership-controls": {"PUT", "/docs?ownershipControls"},
	"s3api put-bucket-acl":                {"PUT", "/docs?acl"},
	"lambda remove-permission":            {"DELETE", "/2015-03-31/functions/f/policy/s"},
	"s3api delete-bucket-replication":     {"DELETE", "/docs?replication"},
	"s3api put-object-lock-configuration": {"PUT", "/docs?object-lock"},
	"s3api put-object-retention":          {"PUT", "/docs/key?retention"},
	"s3api put-object-legal-hold":         {"PUT", "/docs/key?legal-hold"},
	"s3api list-object-versions":          {"GET", "/docs?versions"},
	"s3api get-object":                    {"GET", "/docs/key"},
	"s3api list-buckets":                  {"GET", "/"},
}

// signedAs is the service's signing name if it differs from the AWS CLI's name.
var signedAs = map[string]string{"s3api": "s3", "cloudwatch": "monitoring"}

// unknown matches the answers of services to an operation that they do not support.
var unknown = regexp.MustCompile(`InvalidAction|UnknownOperation|NotImplemented|no operation`)

// TestTheCommandsOfTheRunbookWorkOnTheLocalAWS sends each command's operation, without parameters. A supported
// operation does not answer that it is unknown.
func TestTheCommandsOfTheRunbookWorkOnTheLocalAWS(t *testing.T) {
	cloud, err := localaws.New(localaws.Options{}) // not cloudtest's, which requires known resources in calls
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	localtest.Must(struct{}{}, cloud.S3.CreateBucket("docs", ""))(t)
	keys, err := cloud.Config(cloud.Admin(), cloud.Internet()).Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands(t, "docs/runbook.md", "README.md") {
		t.Run(command, func(t *testing.T) {
			service, operation, _ := strings.Cut(command, " ")
			r := request(t, cloud.Internet(), service, operation)
			signer := signedAs[service]
			if signer == "" {
				signer = service
			}
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keys.AccessKeyID+"/20260101/eu-central-1/"+signer+"/aws4_request, SignedHeaders=host, Signature=00")
			answer, err := localtest.Client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			why, excepted := notOnLocal[command]
			if isUnknown := unknown.Match(text); isUnknown != excepted {
				t.Errorf("aws %s is unknown: %t, want %t (%s); the answer was %s", command, isUnknown, excepted, why, text)
			}
		})
	}
}

// request returns the HTTP request of an operation, without parameters.
func request(t *testing.T, url, service, operation string) *http.Request {
	t.Helper()
	method, path, body := "POST", "/", "Version=2016-11-15&Action="+pascal(operation)
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	switch {
	case slices.Contains([]string{"events", "cloudtrail", "kms", "ssm"}, service):
		header, body = http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"X." + pascal(operation)}}, "{}"
	case service == "s3api" || service == "lambda":
		known, ok := rest[service+" "+operation]
		if !ok {
			t.Fatalf("the request of aws %s %s is not known here: add it to rest", service, operation)
		}
		method, path, body = known.method, known.path, ""
		header = http.Header{}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	return r
}

// pascal turns describe-vpc-endpoints into DescribeVpcEndpoints.
func pascal(operation string) string {
	var name strings.Builder
	for part := range strings.SplitSeq(operation, "-") {
		name.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return name.String()
}

// commands returns the AWS CLI commands in documents, as "service operation", each once.
func commands(t *testing.T, documents ...string) []string {
	t.Helper()
	var all []string
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\baws ([a-z0-9]+ [a-z]+(?:-[a-z]+)+|lambda invoke)\b`).FindAllStringSubmatch(string(text), -1) {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	if all = slices.Compact(all); len(all) < 20 {
		t.Fatalf("the documents have only %q", all)
	}
	return all
}
