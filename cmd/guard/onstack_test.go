package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	localec2 "example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// guardedAccount is a local AWS with the deployed stack, and a caller of the verbs that are about a deployed guard.
type guardedAccount struct {
	*testing.T
	*callers
	denied []string // actions that the caller is denied
	others []string // guarded endpoints besides the callers'
}

// operator is the ARN of the caller.
const operator = "arn:aws:iam::111122223333:user/operator"

// newGuarded deploys the stack, with parameters of its template as Key=Value.
func newGuarded(t *testing.T, parameters ...string) *guardedAccount {
	t.Helper()
	d := localtest.Must((&stackFlags{template: "../../template.yaml", parameters: parameters}).deploy(t.Context(), localaws.Options{}))(t)
	a := &guardedAccount{T: t}
	t.Cleanup(func() { a.must(d.close()) })
	a.callers = localtest.Must(newCallers(d))(t)
	a.operates()
	return a
}

// newGuardOfMany deploys guard.yaml before two gateway endpoints and the buckets docs-a, docs-b, docs-tmp, reports and other, of which
// it guards docs-a, docs-b and reports. The callers' bucket is docs-a. Parameters as Key=Value precede.
func newGuardOfMany(t *testing.T, parameters ...string) *guardedAccount {
	t.Helper()
	a := &guardedAccount{T: t}
	cloud := localtest.Must(localaws.New(localaws.Options{}))(t)
	t.Cleanup(func() { a.must(cloud.Close()) })
	cloud.Events.PutTrail(events.Trail{Name: "organisation", Logging: true})
	for _, name := range []string{"docs-a", "docs-b", "docs-tmp", "reports", "other"} {
		a.must(cloud.S3.CreateBucket(name, ""))
	}
	var ids []string
	for range 2 {
		vpc := localtest.Must(cloud.EC2.CreateVPC(localec2.VPC{CIDR: "10.0.0.0/16"}))(t)
		table := localtest.Must(cloud.EC2.CreateRouteTable(vpc.ID))(t)
		endpoint := localtest.Must(cloud.EC2.CreateEndpoint(localec2.EndpointRequest{
			VPCID: vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", RouteTableIDs: []string{table.ID},
		}))(t)
		ids = append(ids, endpoint.ID)
	}
	flags := stackFlags{template: "../../guard.yaml", parameters: append([]string{
		"BucketNames=docs-*,reports", "ExcludedBucketNames=docs-tmp", "VpcEndpointIds=" + strings.Join(ids, ","), "Enforcement=Enforce",
	}, parameters...)}
	plan := localtest.Must(flags.plan())(t)
	builds := localtest.Must(flags.build(plan))(t)
	t.Cleanup(func() { a.must(builds.Close()) })
	stack := localtest.Must(cloud.Deploy(t.Context(), plan, builds.Path))(t)
	a.callers = &callers{deployed: &deployed{cloud, stack, builds}, bucket: "docs-a", endpoint: ids[0]}
	a.others = []string{ids[1]}
	a.adminAway = a.client(cloud.Admin(), cloud.Internet())
	a.operates()
	cloud.Events.Sweep()
	a.settles()
	return a
}

// must ends the test when one of its own steps failed.
func (a *guardedAccount) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// operates makes the operator the caller of the verbs.
func (a *guardedAccount) operates() {
	a.Helper()
	a.settles()
	a.cloud.Gate.Accept(accessKey, api.Caller{Principal: operator, Account: "111122223333", Identity: func() []*iampolicy.Policy {
		return (&localBucket{denied: a.denied}).identity()
	}})
}

// settles waits until no event is under way and no function runs.
func (a *guardedAccount) settles() {
	a.Helper()
	ctx, cancel := context.WithTimeout(a.Context(), localtest.Limit)
	defer cancel()
	if err := a.cloud.Quiesce(ctx); err != nil {
		a.Fatal(err)
	}
}

// guard runs a verb with typed input, and returns standard output, standard error with the error, and the exit code.
func (a *guardedAccount) guard(stdin string, args ...string) (string, string, int) {
	a.Helper()
	var out, errs strings.Builder
	root := rootCommand()
	root.SetArgs(append(args, "--endpoint-url", a.cloud.Internet()))
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	err := root.ExecuteContext(a.Context())
	if exit, ok := errors.AsType[*exitError](err); ok && exit.err != nil {
		errs.WriteString(exit.err.Error())
	}
	return out.String(), errs.String(), exitCode(err)
}

// says fails the test if a verb does not print these texts on standard output with exit code 0.
func (a *guardedAccount) says(args string, texts ...string) string {
	a.Helper()
	out, errs, code := a.guard("", strings.Split(args, " ")...)
	if code != 0 {
		a.Errorf("guard %s: exit code %d, %s", args, code, errs)
	}
	for _, text := range texts {
		if !strings.Contains(out, text) {
			a.Errorf("guard %s says %q, want %q", args, out, text)
		}
	}
	return out
}

// fails fails the test if a verb does not print this text on standard error with the exit code for what was not done.
func (a *guardedAccount) fails(args string, text string) {
	a.Helper()
	out, errs, code := a.guard("", strings.Split(args, " ")...)
	if code != exitUnjudged || !strings.Contains(errs, text) {
		a.Errorf("guard %s: exit code %d, output %q, error %q, want %d and %q", args, code, out, errs, exitUnjudged, text)
	}
}

// opens makes the bucket's policy allow everybody to read, and waits for the guard.
func (a *guardedAccount) opens() {
	a.Helper()
	open := strings.ReplaceAll(openPolicy, "docs-example", a.bucket)
	if _, err := a.adminAway.PutBucketPolicy(a.Context(), &awss3.PutBucketPolicyInput{Bucket: &a.bucket, Policy: &open}); err != nil {
		a.Fatal(err)
	}
	a.settles()
}

// sleeps keeps the guard from running.
func (a *guardedAccount) sleeps() {
	a.Helper()
	f, ok := a.cloud.Lambda.Function(a.stack.Physical("RemediateFunction"))
	if !ok {
		a.Fatal("there is no guard")
	}
	f.ReservedConcurrency = new(int)
	if err := a.cloud.Lambda.Update(f); err != nil {
		a.Fatal(err)
	}
}

// policy is the bucket's policy.
func (a *guardedAccount) policy() string {
	a.Helper()
	out, err := a.adminAway.GetBucketPolicy(a.Context(), &awss3.GetBucketPolicyInput{Bucket: &a.bucket})
	if err != nil {
		a.Fatal(err)
	}
	return aws.ToString(out.Policy)
}

func TestAVerbNamesTheMissingPermissionAndTheMissingStack(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	for _, c := range []struct{ args, denied string }{
		{"history", "cloudformation:DescribeStackResource"},
		{"history", "logs:FilterLogEvents"},
		{"report", "logs:FilterLogEvents"},
		{"pause --list", "ssm:GetParametersByPath"},
		{"pause --end --bucket " + a.bucket, "ssm:DeleteParameter"},
		{"pause --for 1h --reason plan --bucket " + a.bucket, "ssm:PutParameter"},
		{"pause --for 1h --reason plan --bucket " + a.bucket, "cloudformation:DescribeStackResource"},
		{"pause --list", "lambda:GetFunctionConfiguration"},
	} {
		a.denied = []string{c.denied}
		a.fails(c.args, "the permission "+c.denied+" is missing")
	}
	a.denied = nil
	for _, args := range []string{"history", "report", "pause --for 1h --reason plan --bucket " + a.bucket} {
		a.fails(args+" --stack nosuch", "stack nosuch: there is no such stack in this account and Region")
	}
}

func TestAThrottledCallIsMadeAgain(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.opens()
	for _, call := range []string{"DescribeStackResource", "FilterLogEvents", "GetParametersByPath"} {
		a.cloud.Gate.Inject(api.Fault{Operation: call, Times: 1, Error: &api.Error{Status: 400, Code: "ThrottlingException"}})
	}
	a.says("history", "bucket-policy of "+a.bucket)
	a.says("pause --list", "no maintenance window")
}

func TestAgoIsADurationOrDays(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"12h": 12 * time.Hour, "7d": 168 * time.Hour, "2w": 336 * time.Hour, "90m": 90 * time.Minute,
		"0d": 0, "0s": 0, "-1h": 0, "d": 0, "7": 0, "1y": 0, "": 0,
	} {
		var a ago
		if err := a.Set(text); (err == nil) != (want > 0) || time.Duration(a) != want {
			t.Errorf("Set(%q) = %s, %v, want %s", text, a.String(), err, want)
		}
	}
}

func TestTheFlagsAddressIsThatOfAllServices(t *testing.T) {
	a := newGuarded(t)
	const nowhere = "http://127.0.0.1:1"
	for _, service := range []string{"CLOUDFORMATION", "CLOUDWATCH_LOGS", "LAMBDA", "SSM", "STS"} {
		a.Setenv("AWS_ENDPOINT_URL_"+service, nowhere)
	}
	file := filepath.Join(t.TempDir(), "config")
	a.must(os.WriteFile(file, []byte("[default]\nservices = elsewhere\n[services elsewhere]\nec2 =\n  endpoint_url = "+nowhere+"\n"), 0o600))
	a.Setenv("AWS_CONFIG_FILE", file)
	a.says("history", "no records since ")
	a.says("pause --bucket "+a.bucket+" --for 1h --reason plan", "corrects nothing until ")
	if out, errs, code := a.guard("", "audit", "--vpc-endpoint", a.endpoint); code != 0 || errs != "" || !strings.Contains(out, "1 locked") {
		t.Errorf("audit: exit code %d, %q, %q, want the endpoint locked", code, out, errs)
	}
	a.Setenv("AWS_ENDPOINT_URL_EC2", nowhere)
	if out, errs, code := a.guard("", "audit", "--vpc-endpoint", a.endpoint); code != 0 || errs != "" || !strings.Contains(out, "1 locked") {
		t.Errorf("audit with EC2's own address: exit code %d, %q, %q, want the endpoint locked", code, out, errs)
	}
}
