package template_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// article are the policies of the article on which this project is based, for our bucket.
const (
	articleBucketPolicy = `{"Version":"2012-10-17","Id":"Policy1415115909153","Statement":[
		{"Sid":"Access-only-from-SimpleAWSVPC","Effect":"Deny","Principal":"*","Action":["s3:PutObject","s3:GetObject"],
		 "Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"],
		 "Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0a1b2c3d4e5f60718"}}},
		{"Sid":"Access-from-everywhere","Effect":"Allow","Principal":"*","Action":"s3:*",
		 "Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"]}]}`
	articleEndpointPolicy = `{"Version":"2012-10-17","Statement":[
		{"Sid":"AllowAccessToSpecificBucket","Principal":"*","Action":"s3:*","Effect":"Allow",
		 "Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"],
		 "Condition":{"StringEquals":{"aws:sourceVpc":"vpc-0123456789abcdef0"}}}]}`
	fullAccess = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

// setting returns the stack's setting as the function reads it from its environment, for the judge.
func setting(s stack) iampolicy.Setting {
	e := environment(s)
	e["AWS_REGION"] = region
	c, err := remediate.ReadConfig(func(name string) string { return e[name] })
	if err != nil {
		s.Fatal(err)
	}
	return c.Setting
}

func TestEachPolicyHasOneSource(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		e := environment(s)
		for _, c := range []struct{ parameter, resource, variable string }{
			{"BucketPolicyDocument", "BucketPolicy", "BUCKET_POLICY"},
			{"EndpointPolicyDocument", endpointType + "Endpoint", "ENDPOINT_POLICY"},
		} {
			want := s.properties(c.parameter)["Value"]
			if got := s.properties(c.resource)["PolicyDocument"]; got != want {
				t.Errorf("%s applies %v, want the text of %s", c.resource, got, c.parameter)
			}
			if got := e[c.variable]; got != want {
				t.Errorf("%s = %s, want the text of %s", c.variable, got, c.parameter)
			}
		}
	}
}

func TestOurPoliciesDenyEveryProbe(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		e := environment(s)
		for name, c := range map[string]struct {
			policy string
			probes []iampolicy.ForbiddenRequest
		}{
			"bucket policy":   {e["BUCKET_POLICY"], iampolicy.ForbiddenOnBucket(setting(s))},
			"endpoint policy": {e["ENDPOINT_POLICY"], iampolicy.ForbiddenThroughEndpoint(setting(s))},
		} {
			if len(c.probes) == 0 {
				t.Fatalf("no probes for the %s", name)
			}
			// Another Sid makes the documents different, so that the verdict is not "same".
			live := strings.Replace(c.policy, `"Sid":"`, `"Sid":"Other`, 1)
			if got := iampolicy.Judge([]byte(c.policy), []byte(live), listed(c.probes)); got.Verdict != iampolicy.Closed {
				t.Errorf("%s of an %s stack is %s (%s), want closed", name, endpointType, got.Verdict, got.Allowed)
			}
		}
	}
}

func TestEveryStatementIsNeeded(t *testing.T) {
	s := deploy(t, nil)
	probes := iampolicy.ForbiddenOnBucket(setting(s))
	text := environment(s)["BUCKET_POLICY"]
	var document map[string]any
	if err := json.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	statements := document["Statement"].([]any)
	for i, statement := range statements {
		document["Statement"] = slices.Concat(statements[:i:i], statements[i+1:])
		without, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		if got := iampolicy.Judge([]byte(text), without, listed(probes)); got.Verdict != iampolicy.Open {
			t.Errorf("without %v the bucket policy is %s, want open", at(statement, "Sid"), got.Verdict)
		}
	}
}

func TestOurBucketPolicyLocksNobodyOut(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		if err := iampolicy.Lockout([]byte(environment(s)["BUCKET_POLICY"]), setting(s)); err != nil {
			t.Errorf("Lockout of an %s stack = %v, want nil", endpointType, err)
		}
	}
}

func TestTheArticlesPoliciesAreOpen(t *testing.T) {
	s := deploy(t, nil)
	e := environment(s)
	for name, c := range map[string]struct {
		ours, theirs string
		probes       []iampolicy.ForbiddenRequest
	}{
		"the article's bucket policy":   {e["BUCKET_POLICY"], articleBucketPolicy, iampolicy.ForbiddenOnBucket(setting(s))},
		"no bucket policy":              {e["BUCKET_POLICY"], "", iampolicy.ForbiddenOnBucket(setting(s))},
		"the article's endpoint policy": {e["ENDPOINT_POLICY"], articleEndpointPolicy, iampolicy.ForbiddenThroughEndpoint(setting(s))},
		"the default endpoint policy":   {e["ENDPOINT_POLICY"], fullAccess, iampolicy.ForbiddenThroughEndpoint(setting(s))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := iampolicy.Judge([]byte(c.ours), []byte(c.theirs), listed(c.probes)); got.Verdict != iampolicy.Open {
				t.Errorf("Judge = %s, want open", got.Verdict)
			}
		})
	}
}

// access is one request to the deployed stack, evaluated with all its policies.
type access struct {
	principal string
	action    string
	resource  string
	endpoint  bool   // through the endpoint, or from the internet
	policy    string // the resource whose inline policies the caller has; "" for an administrator
}

func (a access) decide(t *testing.T, s stack) iampolicy.Decision {
	t.Helper()
	return a.under(t, s, environment(s)["BUCKET_POLICY"])
}

// under evaluates the request with another bucket policy.
func (a access) under(t *testing.T, s stack, bucketPolicy string) iampolicy.Decision {
	t.Helper()
	e := environment(s)
	r := iampolicy.Request{Principal: a.principal, Action: a.action, Resource: a.resource, ResourceAccount: account,
		Context: map[string][]string{"aws:SecureTransport": {"true"}}}
	p := iampolicy.Policies{Resource: parse(t, bucketPolicy), Identity: identity(t, s, a.policy)}
	if a.endpoint {
		r.Context["aws:SourceVpce"] = []string{endpointID}
		r.Context["aws:SourceVpc"] = []string{vpcID}
		p.Endpoint = parse(t, e["ENDPOINT_POLICY"])
	}
	return iampolicy.Evaluate(r, p)
}

func parse(t *testing.T, document string) *iampolicy.Policy {
	t.Helper()
	p, err := iampolicy.Parse([]byte(document))
	if err != nil {
		t.Fatalf("Parse(%s) = %v", document, err)
	}
	return p
}

// identity returns the inline policies of a role, or those of an administrator.
func identity(t *testing.T, s stack, role string) []*iampolicy.Policy {
	t.Helper()
	if role == "" {
		return []*iampolicy.Policy{parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}
	}
	var all []*iampolicy.Policy
	for _, p := range list(s.properties(role)["Policies"]) {
		document, err := json.Marshal(at(p, "PolicyDocument"))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, parse(t, string(document)))
	}
	return all
}

func TestWhoMayDoWhat(t *testing.T) {
	const (
		objects = "arn:aws:s3:::docs-example/thankyou.txt"
		itself  = "arn:aws:s3:::docs-example"
		app     = "arn:aws:sts::111122223333:assumed-role/guard-InstanceRole-EXAMPLE/i-0123456789abcdef0"
		guard   = "arn:aws:sts::111122223333:assumed-role/guard-RemediateRole-EXAMPLE/remediate"
		admin   = "arn:aws:iam::111122223333:user/admin"
		root    = "arn:aws:iam::111122223333:root"
	)
	for name, c := range map[string]struct {
		access
		want iampolicy.Effect
	}{
		"the app reads through the endpoint":          {access{app, "s3:GetObject", objects, true, "InstanceRole"}, iampolicy.Allow},
		"the app writes through the endpoint":         {access{app, "s3:PutObject", objects, true, "InstanceRole"}, iampolicy.Allow},
		"the app lists through the endpoint":          {access{app, "s3:ListBucket", itself, true, "InstanceRole"}, iampolicy.Allow},
		"the app reads from the internet":             {access{app, "s3:GetObject", objects, false, "InstanceRole"}, iampolicy.Deny},
		"the app deletes":                             {access{app, "s3:DeleteObject", objects, true, "InstanceRole"}, iampolicy.Deny},
		"the app changes the lock":                    {access{app, "s3:PutBucketPolicy", itself, true, "InstanceRole"}, iampolicy.Deny},
		"an administrator reads from the internet":    {access{admin, "s3:GetObject", objects, false, ""}, iampolicy.Deny},
		"an administrator reads through the endpoint": {access{admin, "s3:GetObject", objects, true, ""}, iampolicy.Deny},
		"an administrator lists from the internet":    {access{admin, "s3:ListBucketVersions", itself, false, ""}, iampolicy.Deny},
		"an administrator configures the bucket":      {access{admin, "s3:PutBucketPolicy", itself, false, ""}, iampolicy.Allow},
		"CloudFormation deletes the bucket":           {access{admin, "s3:DeleteBucket", itself, false, ""}, iampolicy.Allow},
		"the root user deletes the policy":            {access{root, "s3:DeleteBucketPolicy", itself, false, ""}, iampolicy.Allow},
		"the guard restores the policy":               {access{guard, "s3:PutBucketPolicy", itself, false, "RemediateRole"}, iampolicy.Allow},
		"the guard restores public access block":      {access{guard, "s3:PutBucketPublicAccessBlock", itself, false, "RemediateRole"}, iampolicy.Allow},
		"the guard reads an object":                   {access{guard, "s3:GetObject", objects, false, "RemediateRole"}, iampolicy.Deny},
		"the guard deletes the policy":                {access{guard, "s3:DeleteBucketPolicy", itself, false, "RemediateRole"}, iampolicy.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.decide(t, deploy(t, nil)); got.Effect != c.want {
				t.Errorf("decision = %s by %s, want %s", got.Effect, got.By, c.want)
			}
		})
	}
}

// Private DNS sends all S3 traffic of the VPC through the endpoint, including dnf's (docs/facts.md, VPC endpoints).
func TestThePolicyLetsPackagesThroughAndNothingElseOfOthers(t *testing.T) {
	endpoint := parse(t, environment(deploy(t, nil))["ENDPOINT_POLICY"])
	for resource, want := range map[string]iampolicy.Effect{
		"arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/core/mirrors/latest/aarch64/mirror.list": iampolicy.Allow,
		"arn:aws:s3:::al2023-repos-eu-central-1-de612dc2":                                         iampolicy.Deny,
		"arn:aws:s3:::somebody-elses-public-bucket/install.sh":                                    iampolicy.Deny,
	} {
		r := iampolicy.Request{Action: "s3:GetObject", Resource: resource, ResourceAccount: "999999999999",
			Context: map[string][]string{"aws:SourceVpc": {vpcID}, "aws:SourceVpce": {endpointID}, "aws:SecureTransport": {"true"}}}
		public := iampolicy.Policies{Endpoint: endpoint, Resource: parse(t, fullAccess)}
		if got := iampolicy.Evaluate(r, public); got.Effect != want {
			t.Errorf("an anonymous read of %s = %s by %s, want %s", resource, got.Effect, got.By, want)
		}
	}
}

// A gateway endpoint rejects any other principal, and a deleted principal becomes an id (docs/facts.md, S3 and VPC
// endpoints).
func TestPoliciesNameNobodyAsPrincipal(t *testing.T) {
	e := environment(deploy(t, nil))
	for _, variable := range []string{"BUCKET_POLICY", "ENDPOINT_POLICY"} {
		var document map[string]any
		if err := json.Unmarshal([]byte(e[variable]), &document); err != nil {
			t.Fatal(err)
		}
		for _, statement := range document["Statement"].([]any) {
			if got := at(statement, "Principal"); got != "*" {
				t.Errorf("%s: %v has principal %v, want *", variable, at(statement, "Sid"), got)
			}
			if sid, _ := at(statement, "Sid").(string); !regexp.MustCompile(`^(Deny|Allow)[A-Z]\w+$`).MatchString(sid) {
				t.Errorf("%s: Sid %q begins neither with Deny nor with Allow", variable, sid)
			}
		}
	}
}

// Bool does not match a missing key, so that such requests pass a Deny (docs/facts.md, S3).
func TestNoDenyIsPassedByLeavingAKeyOut(t *testing.T) {
	s := deploy(t, nil)
	e := environment(s)
	documents := map[string]any{}
	for _, variable := range []string{"BUCKET_POLICY", "ENDPOINT_POLICY"} {
		var document any
		if err := json.Unmarshal([]byte(e[variable]), &document); err != nil {
			t.Fatal(err)
		}
		documents[variable] = document
	}
	for _, r := range s.Resources() {
		if document, ok := s.properties(r.LogicalID)["PolicyDocument"].(map[string]any); ok {
			documents[r.LogicalID] = document
		}
	}
	for name, document := range documents {
		for _, statement := range list(at(document, "Statement")) {
			if at(statement, "Effect") != "Deny" {
				continue
			}
			keys, _ := at(statement, "Condition", "Bool").(map[string]any)
			for key := range keys {
				if key != "aws:SecureTransport" { // each request has this key
					t.Errorf("%s: %v uses Bool on %s, want BoolIfExists", name, at(statement, "Sid"), key)
				}
			}
		}
	}
}

// Prowler (s3_bucket_secure_transport_policy), aws-guard-rules-registry (S3_BUCKET_SSL_REQUESTS_ONLY) and the
// examples of AWS Config look for exactly this form. A remediator that does not find it would change the policy after
// each correction (docs/facts.md, S3).
func TestScannersSeeThatPlainHTTPIsDenied(t *testing.T) {
	s := deploy(t, nil)
	var lock any
	if err := json.Unmarshal([]byte(environment(s)["BUCKET_POLICY"]), &lock); err != nil {
		t.Fatal(err)
	}
	documents := map[string]any{bucket: lock}
	for _, typ := range []string{"AWS::S3::BucketPolicy", "AWS::SNS::TopicPolicy", "AWS::SQS::QueuePolicy"} {
		for _, r := range s.ofType(typ) {
			if document, ok := s.properties(r.LogicalID)["PolicyDocument"].(map[string]any); ok {
				documents[r.LogicalID] = document
			}
		}
	}
	if len(documents) != 5 {
		t.Errorf("%d resource policies, want those of two buckets, a topic and two queues", len(documents))
	}
	for name, document := range documents {
		found := slices.ContainsFunc(list(at(document, "Statement")), func(statement any) bool {
			return at(statement, "Effect") == "Deny" && at(statement, "Principal") == "*" &&
				at(statement, "Condition", "Bool", "aws:SecureTransport") == "false" && len(at(statement, "Condition").(map[string]any)) == 1
		})
		if !found {
			t.Errorf("no statement of %s denies plain HTTP to all principals with Bool: %v", name, document)
		}
	}
}

// listed returns a function that returns the requests.
func listed(requests []iampolicy.ForbiddenRequest) func() []iampolicy.ForbiddenRequest {
	return func() []iampolicy.ForbiddenRequest { return requests }
}
