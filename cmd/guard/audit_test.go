package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/s3"
	"example.com/s3-endpoint-guard/local/policyfiles"
)

// auditedAccount is an account on the local AWS that guard audit reads.
type auditedAccount struct {
	testing.TB
	*localaws.Cloud
	url     string
	denied  []string      // actions that the caller is denied
	latency time.Duration // of the calls that answersReads answers
}

func newAudited(t testing.TB) *auditedAccount {
	t.Helper()
	cloud, err := localaws.New(localaws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close() })
	a := &auditedAccount{TB: t, Cloud: cloud, url: cloud.Internet()}
	cloud.Gate.Accept(accessKey, api.Caller{Principal: "arn:aws:iam::111122223333:user/auditor", Account: "111122223333", Identity: a.identity})
	cloud.S3.PutAccountPublicAccessBlock("111122223333", &s3.PublicAccessBlock{
		BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true,
	})
	return a
}

func (a *auditedAccount) identity() []*iampolicy.Policy {
	return (&localBucket{denied: a.denied}).identity()
}

// bucket makes a bucket with a policy for docs-example, or without one, whose other settings are safe.
func (a *auditedAccount) bucket(name, policy string) {
	a.Helper()
	a.must(a.S3.CreateBucket(name, ""))
	a.must(a.S3.PutPublicAccessBlock(name, nil))
	if policy != "" {
		a.must(a.S3.PutPolicy(name, []byte(strings.ReplaceAll(policy, "docs-example", name))))
	}
	a.must(a.S3.PutPublicAccessBlock(name, &s3.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}))
	a.must(a.S3.PutOwnership(name, "BucketOwnerEnforced"))
}

func (a *auditedAccount) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

// gateway makes a VPC endpoint for a service.
func (a *auditedAccount) gateway(service, policy string) string {
	a.Helper()
	vpc, err := a.EC2.CreateVPC(ec2.VPC{CIDR: "10.9.0.0/16"})
	a.must(err)
	e, err := a.EC2.CreateEndpoint(ec2.EndpointRequest{VPCID: vpc.ID, ServiceName: "com.amazonaws.eu-central-1." + service, Policy: policy})
	a.must(err)
	return e.ID
}

// audit runs guard audit and returns standard output, standard error and the exit code.
func (a *auditedAccount) audit(args ...string) (string, string, int) {
	a.Helper()
	out, errs, err := runGuardOn(append([]string{"audit", "--endpoint-url", a.url}, args...)...)
	if err != nil && err.(*exitError).err != nil {
		errs += err.Error()
	}
	return out, errs, exitCode(err)
}

// results runs guard audit --json and returns the results, standard error and the exit code.
func (a *auditedAccount) results(args ...string) ([]auditResult, string, int) {
	a.Helper()
	out, errs, code := a.audit(append(args, "--json")...)
	var list []auditResult
	for line := range strings.Lines(out) {
		var r auditResult
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			a.Fatalf("guard audit --json printed %q: %v", line, err)
		}
		list = append(list, r)
	}
	return list, errs, code
}

func verdictsOf(results []auditResult) string {
	var list []string
	for _, r := range results {
		list = append(list, r.Name+": "+string(r.Verdict))
	}
	return strings.Join(list, ", ")
}

const (
	closedEndpoint = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{
		"aws:PrincipalAccount":"111122223333","aws:ResourceAccount":"111122223333"}}}]}`
	// unreadablePolicy is a lock that also denies its own reading.
	unreadable = `  {"Sid": "Secret", "Effect": "Deny", "Principal": "*", "Action": "s3:GetBucketPolicy", "Resource": "arn:aws:s3:::docs-example"},
`
)

var unreadablePolicy = strings.Replace(lockedPolicy, `  {"Sid": "Objects"`, unreadable+`  {"Sid": "Objects"`, 1)

func TestAuditJudgesWhatIsSelected(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.bucket("a-locked", lockedPolicy)
	a.bucket("b-shared", openPolicy)
	a.bucket("c-without", "")
	a.bucket("d-secret", unreadablePolicy)
	closed, open, other := a.gateway("s3", closedEndpoint), a.gateway("s3", ""), a.gateway("dynamodb", "")
	a.CloudFormation.PutStack(cloudformation.Stack{Name: "own", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "B", PhysicalID: "a-locked", Type: "AWS::S3::Bucket"}, {LogicalID: "E", PhysicalID: closed, Type: "AWS::EC2::VPCEndpoint"},
		{LogicalID: "D", PhysicalID: other, Type: "AWS::EC2::VPCEndpoint"},
	}})
	a.CloudFormation.PutStack(cloudformation.Stack{Name: "guard", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Bucket", PhysicalID: "a-locked", Type: "AWS::S3::Bucket"}, {LogicalID: "TrailBucket", PhysicalID: "c-without", Type: "AWS::S3::Bucket"},
		{LogicalID: "RemediateFunction", PhysicalID: "f", Type: "AWS::Lambda::Function"},
	}})
	a.CloudFormation.PutStack(cloudformation.Stack{Name: "adopted", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "StateBucket", PhysicalID: "c-without", Type: "AWS::S3::Bucket"}, {LogicalID: "Adoption", PhysicalID: "adoption-of-stack/adopted", Type: "Custom::Adoption"},
		{LogicalID: "RemediateFunction", PhysicalID: "f", Type: "AWS::Lambda::Function"},
	}})
	a.CloudFormation.PutStack(cloudformation.Stack{Name: "bare", Status: "CREATE_COMPLETE"})
	for name, c := range map[string]struct {
		args string
		want string
		code int
		says string
	}{
		"one":              {"--bucket a-locked", "a-locked: locked", 0, ""},
		"two":              {"--bucket b-shared,a-locked,b-shared", "b-shared: open, a-locked: locked", 1, ""},
		"a pattern":        {"--bucket ?-*h*", "b-shared: open, c-without: open", 1, ""},
		"no such pattern":  {"--bucket a-locked --bucket x*", "a-locked: locked", 2, "no bucket in Region eu-central-1 has a name that --bucket gives: x*"},
		"its policy":       {"--bucket d-secret", "d-secret: cannot tell", 2, "the permission s3:GetBucketPolicy is missing for 1 bucket"},
		"no such bucket":   {"--bucket a-locked --bucket nosuch", "a-locked: locked, nosuch: cannot tell", 2, ""},
		"an endpoint":      {"--vpc-endpoint " + closed, closed + ": locked", 0, ""},
		"an open one":      {"--vpc-endpoint " + open, open + ": open", 1, ""},
		"not for S3":       {"--vpc-endpoint " + other, "", 2, "there is no VPC endpoint " + other + " for S3 in Region eu-central-1"},
		"a stack":          {"--stack own", "a-locked: locked, " + closed + ": locked", 0, ""},
		"the guard's":      {"--stack guard", "a-locked: locked", 0, "the guard of stack guard does not guard them: c-without"},
		"an adopting one":  {"--stack adopted", "", 2, "stack adopted guards what is not part of it: give its BucketNames to --bucket"},
		"an empty one":     {"--stack bare", "", 2, "stack bare has no bucket and no VPC endpoint"},
		"no such stack":    {"--stack nosuch", "", 2, "reading stack nosuch: "},
		"other words":      {"--bucket a-locked --exact", "a-locked: drifted", 1, ""},
		"another lock":     {"--bucket a-locked --vpce vpce-0b", "a-locked: open", 1, ""},
		"everything":       {"--all", "a-locked: locked, b-shared: open, c-without: open, d-secret: cannot tell, " + closed + ": locked, " + open + ": open", 1, "s3:GetBucketPolicy"},
		"in another place": {"--all --region eu-west-1", "", 2, "there is nothing to judge"},
	} {
		t.Run(name, func(t *testing.T) {
			results, errs, code := a.results(strings.Fields(c.args)...)
			got := strings.Split(verdictsOf(results), ", ")
			want := strings.Split(c.want, ", ")
			if name == "everything" { // EC2 has an order of its own
				slices.Sort(got)
				slices.Sort(want)
			}
			if !slices.Equal(got, want) || code != c.code || !strings.Contains(errs, c.says) || c.says == "" && errs != "" {
				t.Errorf("guard audit %s = %q, %q, code %d; want %q, %q, %d", c.args, got, errs, code, want, c.says, c.code)
			}
		})
	}
	results, _, _ := a.results("--bucket", "b-shared")
	if r := results[0]; r.Region != "eu-central-1" || r.Findings[0].Rule != audit.GrantedToOthers || r.Findings[0].Statement != "Shared" || r.Write == nil || len(r.Guesses) == 0 {
		t.Errorf("the result is %+v, want the statement Shared, a guess, and what would be written", r)
	}
	out, errs, code := a.audit("--bucket", "*")
	for _, says := range []string{"bucket a-locked: locked\n", "\nbucket b-shared: open\n  error    The bucket policy grants access", "  the guard would write\n", "\n2 open, 1 cannot tell, 1 locked\n"} {
		if !strings.Contains("\n"+out, says) || code != 1 {
			t.Errorf("guard audit --bucket * = %s, %s, code %d, want %q", out, errs, code, says)
		}
	}
}

// TestAuditAsSARIF applies the rules of TestCheckAsSARIF to logs with many results, with none, and with an error.
func TestAuditAsSARIF(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.bucket("a-locked", lockedPolicy)
	a.bucket("b-shared", openPolicy)
	a.bucket("c-bare", lockedPolicy)
	a.must(a.S3.PutPublicAccessBlock("c-bare", nil))
	a.must(a.S3.PutOwnership("c-bare", "ObjectWriter"))
	open := a.gateway("s3", "")
	for args, c := range map[string]struct {
		code int
		at   []any
	}{
		"--all --sarif":                       {1, []any{"arn:aws:s3:::b-shared", "arn:aws:s3:::c-bare", "arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/" + open}},
		"--bucket a-locked --sarif":           {0, nil},
		"--bucket nosuch* --sarif":            {2, nil},
		"--vpc-endpoint " + open + " --sarif": {1, []any{"arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/" + open}},
	} {
		out, errs, code := a.audit(strings.Fields(args)...)
		var log map[string]any
		if err := json.Unmarshal([]byte(out), &log); err != nil || code != c.code {
			t.Fatalf("guard audit %s = %s, %s, code %d, %v, want code %d", args, out, errs, code, err, c.code)
		}
		checkSARIF(t, log)
		if at := placesIn(log); !slices.Equal(at, c.at) {
			t.Errorf("guard audit %s names the resources %v, want %v", args, at, c.at)
		}
	}
}

// placesIn lists the resources that the results of a SARIF log are about, each once.
func placesIn(log map[string]any) (names []any) {
	for _, result := range log["runs"].([]any)[0].(map[string]any)["results"].([]any) {
		place := result.(map[string]any)["locations"].([]any)[0].(map[string]any)["logicalLocations"].([]any)[0]
		if name := place.(map[string]any)["fullyQualifiedName"]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// A permission that is missing costs only what needs it.
func TestAuditNamesThePermissionsThatAreMissing(t *testing.T) {
	t.Parallel()
	for permission, c := range map[string]struct {
		args []string
		want string
		code int
	}{
		"s3:GetBucketPolicy":                {[]string{"--all"}, "a-locked: cannot tell, b-shared: cannot tell, c-acls: open", 1},
		"s3:GetBucketPublicAccessBlock":     {[]string{"--all"}, "a-locked: cannot tell, b-shared: open, c-acls: open", 1},
		"s3:GetBucketOwnershipControls":     {[]string{"--bucket", "a-locked"}, "a-locked: cannot tell", 2},
		"s3:ListAllMyBuckets":               {[]string{"--all", "--bucket", "a-locked"}, "a-locked: locked", 2},
		"ec2:DescribeVpcEndpoints":          {[]string{"--all", "--bucket", "a-*"}, "a-locked: locked, b-shared: open, c-acls: open", 1},
		"cloudformation:ListStackResources": {[]string{"--stack", "x", "--bucket", "a-locked"}, "a-locked: locked", 2},
	} {
		t.Run(permission, func(t *testing.T) {
			a := newAudited(t)
			a.bucket("a-locked", lockedPolicy)
			a.bucket("b-shared", openPolicy)
			a.bucket("c-acls", lockedPolicy)
			a.must(a.S3.PutOwnership("c-acls", "ObjectWriter"))
			a.denied = []string{permission}
			results, errs, code := a.results(c.args...)
			if got := verdictsOf(results); got != c.want || code != c.code || !strings.Contains(errs, "the permission "+permission+" is missing") {
				t.Errorf("guard audit without %s = %q, %q, code %d; want %q, code %d", permission, got, errs, code, c.want, c.code)
			}
			for _, r := range results {
				if missing := strings.HasPrefix(permission, "s3:GetBucket"); missing != slices.Contains(r.Missing, permission) {
					t.Errorf("%s lacks the permissions %q", r.Name, r.Missing)
				}
			}
		})
	}
	a := newAudited(t)
	a.bucket("a-locked", lockedPolicy)
	a.denied = []string{"ec2:DescribeVpcEndpoints"}
	if _, errs, code := a.results("--bucket", "a-locked"); code != 0 || !strings.Contains(errs, "note: no endpoint is guessed for buckets whose policy names none") {
		t.Errorf("guard audit of a bucket that names its endpoint = %q, code %d; want a note, and 0", errs, code)
	}
}

// A bucket that fails keeps no other from being judged.
func TestAuditGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	for i := range 6 {
		a.bucket(fmt.Sprintf("docs-%d", i), lockedPolicy)
	}
	a.Gate.Inject(api.Fault{Service: "s3", Operation: "GetBucketPolicy", Skip: 2, Times: 1, Error: &api.Error{Status: 400, Code: "InvalidRequest", Message: "no"}})
	results, errs, code := a.results("--all", "--concurrency", "1")
	failed := slices.IndexFunc(results, func(r auditResult) bool { return len(r.Failures) > 0 })
	if len(results) != 6 || code != 2 || failed < 0 || results[failed].Verdict != audit.Undecided || !strings.Contains(results[failed].Failures[0], "InvalidRequest") {
		t.Errorf("guard audit = %s, %q, code %d; want five locked buckets and the failure", verdictsOf(results), errs, code)
	}
}

// The account's public access block is said. The verdict is about the bucket's own.
func TestAuditSaysWhatTheAccountsPublicAccessBlockIs(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.bucket("a-locked", lockedPolicy)
	a.bucket("b-off", lockedPolicy)
	a.must(a.S3.PutPublicAccessBlock("b-off", &s3.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true}))
	for name, c := range map[string]struct {
		block  *s3.PublicAccessBlock
		denied []string
		note   string
		covers bool
	}{
		"none":    {nil, nil, "note: of the public access block of account 111122223333 are off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets\n", false},
		"on":      {&s3.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}, nil, "", true},
		"partly":  {&s3.PublicAccessBlock{RestrictPublicBuckets: true}, nil, "are off: BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy\n", true},
		"useless": {&s3.PublicAccessBlock{BlockPublicAcls: true}, nil, "are off: IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets\n", false},
		"denied":  {nil, []string{"s3:GetAccountPublicAccessBlock"}, "is not known: reading the account's public access block: ", false},
	} {
		a.S3.PutAccountPublicAccessBlock("111122223333", c.block)
		a.denied = c.denied
		results, errs, code := a.results("--all")
		if got := verdictsOf(results); got != "a-locked: locked, b-off: open" || code != 1 || !strings.Contains(errs, c.note) || c.note == "" && errs != "" {
			t.Fatalf("%s: %q, %q, code %d, want %q in the notes", name, got, errs, code, c.note)
		}
		if got := results[1].Findings[0].Message; strings.Contains(got, "as long as they are on for the account") != c.covers {
			t.Errorf("%s: %q", name, got)
		}
	}
	a.denied = []string{"s3:GetAccountPublicAccessBlock"}
	if _, errs, code := a.results("--bucket", "a-locked"); code != 0 || !strings.Contains(errs, "s3:GetAccountPublicAccessBlock") {
		t.Errorf("without the permission: %q, code %d, want a note that names it, and 0", errs, code)
	}
}

func TestAuditIsSlowerWhileThrottled(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	for i := range 40 {
		a.bucket(fmt.Sprintf("docs-%02d", i), lockedPolicy)
	}
	slow := &api.Error{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."}
	a.Gate.Inject(api.Fault{Service: "s3", Operation: "GetBucketPolicy", Times: 20, Error: slow})
	a.Gate.Inject(api.Fault{Service: "ec2", Operation: "DescribeVpcEndpoints", Times: 1, Error: &api.Error{Status: 503, Code: "RequestLimitExceeded"}})
	results, errs, code := a.results("--all")
	if len(results) != 40 || code != 0 || errs != "" && !strings.Contains(errs, " judged, ") {
		t.Errorf("guard audit while throttled = %s, %q, code %d; want 40 locked buckets", verdictsOf(results), errs, code)
	}
}

// TestAuditFollowsABucketToItsRegion uses an S3 that redirects requests that are signed for another Region.
func TestAuditFollowsABucketToItsRegion(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.bucket("a-far", lockedPolicy)
	address, err := url.Parse(a.url)
	a.must(err)
	behind := httputil.NewSingleHostReverseProxy(address)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/a-far") && !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
			w.WriteHeader(http.StatusMovedPermanently)
			_, _ = w.Write([]byte(`<Error><Code>PermanentRedirect</Code><Message>another endpoint</Message></Error>`))
			return
		}
		behind.ServeHTTP(w, r)
	}))
	defer front.Close()
	a.url = front.URL
	results, errs, code := a.results("--bucket", "a-far")
	if code != 0 || errs != "" || verdictsOf(results) != "a-far: locked" || results[0].Region != "eu-west-1" {
		t.Errorf("guard audit of a bucket in eu-west-1 = %+v, %q, code %d", results, errs, code)
	}
}

// mostAtATime returns the highest number of calls that overlapped.
func mostAtATime(calls []api.Call) int {
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for _, c := range calls {
		changes = append(changes, change{c.Began, 1}, change{c.Ended, -1})
	}
	slices.SortFunc(changes, func(a, b change) int {
		if order := a.at.Compare(b.at); order != 0 {
			return order
		}
		return a.by - b.by
	})
	running, most := 0, 0
	for _, c := range changes {
		running += c.by
		most = max(most, running)
	}
	return most
}

// TestAuditOfAThousandBuckets counts the calls, and how many overlap. The wall time depends on the machine, and is only logged.
func TestAuditOfAThousandBuckets(t *testing.T) {
	t.Parallel()
	const buckets, concurrency, latency = 1000, 16, 30 * time.Millisecond
	a := newAudited(t)
	for i := range buckets {
		a.bucket(fmt.Sprintf("docs-%04d", i), lockedPolicy)
	}
	a.Gate.ResetCalls()
	a.Gate.SetLatency(latency)
	began := time.Now()
	results, errs, code := a.results("--all", "--concurrency", fmt.Sprint(concurrency))
	took := time.Since(began)
	if len(results) != buckets || code != 0 || errs != "" && !strings.Contains(errs, " judged, ") {
		t.Fatalf("guard audit --all = %d results, %q, code %d", len(results), errs, code)
	}
	for i, r := range results {
		if r.Name != fmt.Sprintf("docs-%04d", i) {
			t.Fatalf("result %d is of %s, want the order of the listing", i, r.Name)
		}
	}
	calls := a.Gate.Calls()
	count := map[string]int{}
	for _, c := range calls {
		count[c.Operation]++
	}
	want := map[string]int{"GetBucketPolicy": buckets, "GetPublicAccessBlock": buckets, "GetBucketOwnershipControls": buckets,
		"ListBuckets": 1, "DescribeVpcEndpoints": 1, "GetCallerIdentity": 1, "GetAccountPublicAccessBlock": 1}
	if fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("calls %v, want %v", count, want)
	}
	if most := mostAtATime(calls); most > concurrency {
		t.Errorf("%d calls at a time, want at most %d", most, concurrency)
	}
	ideal := time.Duration(len(calls)) * latency / concurrency
	t.Logf("%d calls took %s; calls x latency / concurrency = %s; %.2f times as long (the goal is 1.5)", len(calls), took.Round(time.Millisecond), ideal.Round(time.Millisecond), float64(took)/float64(ideal))
}

// answersReads answers the three calls for a bucket without authorization, as for a caller that the bucket's policy lets read it, and
// leaves the others to the local AWS.
func (a *auditedAccount) answersReads() {
	address, err := url.Parse(a.url)
	a.must(err)
	behind := httputil.NewSingleHostReverseProxy(address)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(a.latency)
		switch query := r.URL.Query(); {
		case query.Has("policy"):
			_, _ = w.Write([]byte(a.S3.Policy(strings.Trim(r.URL.Path, "/"))))
		case query.Has("publicAccessBlock"):
			_, _ = w.Write([]byte(`<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>` +
				`<BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`))
		case query.Has("ownershipControls"):
			_, _ = w.Write([]byte(`<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>`))
		default:
			behind.ServeHTTP(w, r)
		}
	}))
	a.Cleanup(front.Close)
	a.url = front.URL
}

// TestAuditAndCheckAgree compares the result for each bucket policy of testdata/policies that the local S3 accepts.
func TestAuditAndCheckAgree(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.answersReads()
	compared := 0
	for _, file := range policyFiles(t, "bucket") {
		text, err := os.ReadFile(file)
		a.must(err)
		found := policyfiles.Read([]string{file}, policyfiles.Options{}).Buckets
		if len(found) != 1 || len(found[0].Name) < 3 || a.S3.CreateBucket(found[0].Name, "") != nil {
			continue
		}
		name := found[0].Name
		a.must(a.S3.PutPublicAccessBlock(name, nil))
		if err := a.S3.PutPolicy(name, text); err == nil {
			compared++
			out, _, _ := runGuardOn("check", "--json", "--account", "111122223333", "--region", "eu-central-1", file)
			var checked report
			a.must(json.Unmarshal([]byte(out), &checked))
			audited, errs, _ := a.results("--bucket", name)
			if len(audited) != 1 || len(checked.Results) != 1 {
				t.Fatalf("%s: %d results of guard audit (%s), %d of guard check", file, len(audited), errs, len(checked.Results))
			}
			got, want := audited[0].Result, checked.Results[0]
			if got.Verdict != want.Verdict || got.Judgement != want.Judgement || got.Lock != want.Lock || rulesOf(got) != rulesOf(want) {
				t.Errorf("%s: guard audit says %s (%s: %s), guard check %s (%s: %s)", filepath.Base(file), got.Verdict, got.Judgement, rulesOf(got), want.Verdict, want.Judgement, rulesOf(want))
			}
		}
		a.must(a.S3.DeleteBucket(name))
	}
	t.Logf("%d policies compared", compared)
	if compared < 50 {
		t.Errorf("only %d policies were compared", compared)
	}
}

func rulesOf(r audit.Result) string {
	var rules []string
	for _, f := range r.Findings {
		rules = append(rules, string(f.Rule)+" "+f.Statement)
	}
	slices.Sort(rules)
	return strings.Join(rules, ", ")
}
