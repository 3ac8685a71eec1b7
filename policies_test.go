package template_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/remediate"
	"s3-endpoint-guard/internal/samtemplate"
)

// article are the policies of the article that this project began with, for our bucket.
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

// setting is the stack as the function reads it from its environment, and the judge sees it.
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
			probes []iampolicy.Probe
		}{
			"bucket policy":   {e["BUCKET_POLICY"], iampolicy.BucketProbes(setting(s))},
			"endpoint policy": {e["ENDPOINT_POLICY"], iampolicy.EndpointProbes(setting(s))},
		} {
			if len(c.probes) == 0 {
				t.Fatalf("no probes for the %s", name)
			}
			// Another document that is open or not by its own merits, so that the verdict is not "same".
			live := strings.Replace(c.policy, `"Sid":"`, `"Sid":"Other`, 1)
			if got := iampolicy.Judge([]byte(c.policy), []byte(live), c.probes); got.Verdict != iampolicy.Closed {
				t.Errorf("%s of an %s stack is %s (%s), want closed", name, endpointType, got.Verdict, got.Allowed)
			}
		}
	}
}

func TestEveryStatementIsNeeded(t *testing.T) {
	s := deploy(t, nil)
	probes := iampolicy.BucketProbes(setting(s))
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
		if got := iampolicy.Judge([]byte(text), without, probes); got.Verdict != iampolicy.Open {
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
		probes       []iampolicy.Probe
	}{
		"the article's bucket policy":   {e["BUCKET_POLICY"], articleBucketPolicy, iampolicy.BucketProbes(setting(s))},
		"no bucket policy":              {e["BUCKET_POLICY"], "", iampolicy.BucketProbes(setting(s))},
		"the article's endpoint policy": {e["ENDPOINT_POLICY"], articleEndpointPolicy, iampolicy.EndpointProbes(setting(s))},
		"the default endpoint policy":   {e["ENDPOINT_POLICY"], fullAccess, iampolicy.EndpointProbes(setting(s))},
	} {
		t.Run(name, func(t *testing.T) {
			if got := iampolicy.Judge([]byte(c.ours), []byte(c.theirs), c.probes); got.Verdict != iampolicy.Open {
				t.Errorf("Judge = %s, want open", got.Verdict)
			}
		})
	}
}

// access is one request to the deployed stack, judged by all of its policies.
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

// under decides with another bucket policy.
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

// identity are the inline policies of a role, or those of an administrator.
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
		"the app reads through the endpoint":       {access{app, "s3:GetObject", objects, true, "InstanceRole"}, iampolicy.Allow},
		"the app writes through the endpoint":      {access{app, "s3:PutObject", objects, true, "InstanceRole"}, iampolicy.Allow},
		"the app lists through the endpoint":       {access{app, "s3:ListBucket", itself, true, "InstanceRole"}, iampolicy.Allow},
		"the app reads from the internet":          {access{app, "s3:GetObject", objects, false, "InstanceRole"}, iampolicy.Deny},
		"the app deletes":                          {access{app, "s3:DeleteObject", objects, true, "InstanceRole"}, iampolicy.Deny},
		"the app changes the lock":                 {access{app, "s3:PutBucketPolicy", itself, true, "InstanceRole"}, iampolicy.Deny},
		"an administrator reads from the internet": {access{admin, "s3:GetObject", objects, false, ""}, iampolicy.Deny},
		"an administrator reads through the door":  {access{admin, "s3:GetObject", objects, true, ""}, iampolicy.Deny},
		"an administrator lists from the internet": {access{admin, "s3:ListBucketVersions", itself, false, ""}, iampolicy.Deny},
		"an administrator configures the bucket":   {access{admin, "s3:PutBucketPolicy", itself, false, ""}, iampolicy.Allow},
		"CloudFormation deletes the bucket":        {access{admin, "s3:DeleteBucket", itself, false, ""}, iampolicy.Allow},
		"the root user deletes the policy":         {access{root, "s3:DeleteBucketPolicy", itself, false, ""}, iampolicy.Allow},
		"the guard restores the policy":            {access{guard, "s3:PutBucketPolicy", itself, false, "RemediateRole"}, iampolicy.Allow},
		"the guard restores public access block":   {access{guard, "s3:PutBucketPublicAccessBlock", itself, false, "RemediateRole"}, iampolicy.Allow},
		"the guard reads an object":                {access{guard, "s3:GetObject", objects, false, "RemediateRole"}, iampolicy.Deny},
		"the guard deletes the policy":             {access{guard, "s3:DeleteBucketPolicy", itself, false, "RemediateRole"}, iampolicy.Deny},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.decide(t, deploy(t, nil)); got.Effect != c.want {
				t.Errorf("decision = %s by %s, want %s", got.Effect, got.By, c.want)
			}
		})
	}
}

// Private DNS sends all of the VPC's S3 traffic through the endpoint, that of dnf as well. (FACTS: VPC endpoints)
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

// A gateway endpoint refuses any other principal, and a principal that is deleted turns into an id. (FACTS: S3, VPC endpoints)
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
				t.Errorf("%s: Sid %q does not say what it denies or allows", variable, sid)
			}
		}
	}
}

// Bool does not match where the key is absent, and lets such requests past a Deny. (FACTS: S3)
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
				if key != "aws:SecureTransport" { // which no request is without
					t.Errorf("%s: %v uses Bool on %s, want BoolIfExists", name, at(statement, "Sid"), key)
				}
			}
		}
	}
}

// Prowler (s3_bucket_secure_transport_policy), aws-guard-rules-registry (S3_BUCKET_SSL_REQUESTS_ONLY) and the examples of
// AWS Config look for this very form; a remediator that does not find it would fight the guard for ever. (FACTS: S3)
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
	if len(documents) != 7 {
		t.Errorf("%d resource policies, want those of two buckets, a topic and four queues", len(documents))
	}
	for name, document := range documents {
		found := slices.ContainsFunc(list(at(document, "Statement")), func(statement any) bool {
			return at(statement, "Effect") == "Deny" && at(statement, "Principal") == "*" &&
				at(statement, "Condition", "Bool", "aws:SecureTransport") == "false" && len(at(statement, "Condition").(map[string]any)) == 1
		})
		if !found {
			t.Errorf("no statement of %s denies everybody what Bool calls plain HTTP: %v", name, document)
		}
	}
}

// managementRole is one as people have it: CloudFormation's service role of the CDK.
const managementRole = "arn:aws:iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-eu-central-1"

// HeadBucket is s3:ListBucket. What the exemptions from the lock open is the names of objects, and never an object.
func TestWhatTheExemptionsFromTheLockOpen(t *testing.T) {
	const admin, other = "arn:aws:iam::111122223333:user/admin", "arn:aws:iam::111122223333:role/other"
	via := func(first, last string) map[string][]string {
		return map[string][]string{"aws:SecureTransport": {"true"}, "aws:ViaAWSService": {"true"},
			"aws:CalledVia": {first, last}, "aws:CalledViaFirst": {first}, "aws:CalledViaLast": {last}}
	}
	internet := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {"198.51.100.7"}}
	plain := map[string][]string{"aws:SecureTransport": {"false"}, "aws:SourceIp": {"198.51.100.7"}}
	inside := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceVpce": {endpointID}, "aws:SourceVpc": {vpcID}}
	const formation = "cloudformation.amazonaws.com"
	for name, c := range map[string]struct {
		management string
		principal  string
		context    map[string][]string
		want       []string
	}{
		"CloudFormation in an administrator's name": {"", admin, via(formation, formation), []string{"s3:ListBucket"}},
		"another service by CloudFormation":         {"", admin, via(formation, "athena.amazonaws.com"), nil},
		"CloudFormation by another service":         {"", admin, via("servicecatalog.amazonaws.com", formation), []string{"s3:ListBucket"}},
		"another service":                           {"", admin, via("athena.amazonaws.com", "athena.amazonaws.com"), nil},
		"CloudFormation in a stranger's name":       {"", "arn:aws:iam::999900001111:user/stranger", via(formation, formation), nil},
		"an administrator":                          {managementRole, admin, internet, nil},
		"a role that is not named":                  {managementRole, other, internet, nil},
		"the named role where none is named":        {"", managementRole, internet, nil},
		"the named role":                            {managementRole, managementRole, internet, []string{"s3:ListBucket"}},
		"the named role inside the VPC":             {managementRole, managementRole, inside, []string{"s3:ListBucket"}},
		"the named role over plain HTTP":            {managementRole, managementRole, plain, nil},
		"the second of two":                         {managementRole + "," + other, other, internet, []string{"s3:ListBucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := deploy(t, parameters{"ManagementRoleArns": c.management})
			at := iampolicy.Standpoint{Caller: name, Principal: c.principal, Context: c.context}
			open := iampolicy.OpenActions(parse(t, environment(s)["BUCKET_POLICY"]), setting(s), at)
			var got []string
			for _, action := range slices.Concat(iampolicy.ObjectActions(), iampolicy.ListingActions()) {
				if _, ok := open[action]; ok {
					got = append(got, action)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("open to %s: %v, want %v", c.principal, got, c.want)
			}
		})
	}
}

// The judge knows the exemptions by the policy alone: a live document that exempts more is open, one that exempts less is not.
func TestTheJudgeKnowsTheExemptions(t *testing.T) {
	s := deploy(t, parameters{"ManagementRoleArns": managementRole})
	desired := environment(s)["BUCKET_POLICY"]
	if err := iampolicy.Lockout([]byte(desired), setting(s)); err != nil {
		t.Errorf("Lockout = %v, want nil", err)
	}
	for name, c := range map[string]struct {
		old, new string
		want     iampolicy.Verdict
	}{
		"nothing changed":           {"DenyPlainHTTP", "DenyPlainHTTP", iampolicy.Same},
		"BoolIfExists":              {`"Bool":`, `"BoolIfExists":`, iampolicy.Closed},
		"no role is exempt":         {`,"ArnNotEquals":{"aws:PrincipalArn":["` + managementRole + `"]}`, "", iampolicy.Closed},
		"another service is exempt": {`"aws:CalledViaLast":"cloudformation.amazonaws.com"`, `"aws:CalledViaLast":["cloudformation.amazonaws.com","athena.amazonaws.com"]`, iampolicy.Open},
		"any service is exempt":     {`"aws:CalledViaLast":"cloudformation.amazonaws.com"`, `"aws:CalledViaLast":"cloudformation.amazonaws.com"},"BoolIfExists":{"aws:ViaAWSService":"false"`, iampolicy.Open},
		"another role is exempt":    {`["` + managementRole + `"]`, `["` + managementRole + `","` + guardRole + `"]`, iampolicy.Open},
		"versions are exempt":       {`"s3:ListBucket?*"`, `"s3:ListBucketM*"`, iampolicy.Open},
		"objects are exempt":        {`"aws:SourceVpce":"` + endpointID + `"}`, `"aws:SourceVpce":"` + endpointID + `","aws:CalledViaLast":"cloudformation.amazonaws.com"}`, iampolicy.Open},
	} {
		live := strings.Replace(desired, c.old, c.new, 1)
		if live == desired && c.want != iampolicy.Same {
			t.Fatalf("%s: %s is not in %s", name, c.old, desired)
		}
		got := iampolicy.Judge([]byte(desired), []byte(live), iampolicy.BucketProbes(setting(s)))
		if got.Verdict != c.want {
			t.Errorf("%s: %s (%s), want %s", name, got.Verdict, got.Allowed, c.want)
		}
	}
}

// longest has the longest names that AWS gives: a stack with 128 characters in the Region and partition with the longest
// names. Physical names are cut at the service's own limit.
func longest(t *testing.T, p parameters) stack {
	name := strings.Repeat("s", 128)
	const arn = "arn:aws-us-gov:"
	id := strings.Repeat("0", 17)
	name64 := func(end string) string { return strings.Repeat("r", 64-len(end)) + end }
	role := func(end string) string {
		return arn + "iam::111122223333:role/" + strings.TrimPrefix(p["RolePath"], "/") + name64(end)
	}
	return deployAs(t, samtemplate.Options{Parameters: p, Region: "us-gov-west-1", AccountID: account, StackName: name,
		StackID: arn + "cloudformation:us-gov-west-1:111122223333:stack/" + name + "/0f0f0f0f-0000-4000-8000-000000000001"},
		map[string]string{
			"Bucket":                strings.Repeat("b", 63),
			"Bucket.Arn":            arn + "s3:::" + strings.Repeat("b", 63),
			"InterfaceEndpoint":     "vpce-" + id,
			"GatewayEndpoint":       "vpce-" + id,
			"EndpointSecurityGroup": "sg-" + id,
			"InstanceSecurityGroup": "sg-" + id,
			"RouteTable":            "rtb-" + id,
			"SubnetA":               "subnet-" + id,
			"SubnetB":               "subnet-" + id,
			"Vpc":                   "vpc-" + id,
			"RemediateRole":         name64("-RemediateRole-0123456789AB"),
			"RemediateRole.Arn":     role("-RemediateRole-0123456789AB"),
			"InstanceRole":          name64("-InstanceRole-0123456789AB"),
			"InstanceRole.Arn":      role("-InstanceRole-0123456789AB"),
			"ProbeRole":             name64("-ProbeRole-0123456789AB"),
			"ProbeRole.Arn":         role("-ProbeRole-0123456789AB"),
			"ProbeSecurityGroup":    "sg-" + id,
			"RemediateFunction":     strings.Repeat("f", 64),
			"BucketRule":            name64("-BucketRule-0123456789AB"),
			"EndpointRule":          name64("-EndpointRule-0123456789AB"),
			"SecurityGroupRule":     name64("-SecurityGroupRule-0123456789AB"),
			"RouteTableRule":        name64("-RouteTableRule-0123456789AB"),
			"StackRule":             name64("-StackRule-0123456789AB"),
			"SweepRule":             name64("-SweepRule-0123456789AB"),
			"NotificationTopic":     arn + "sns:us-gov-west-1:111122223333:" + name + "-NotificationTopic-0123456789AB",
		})
}

// fullest are the parameters that make policies longest, in each type of endpoint: as long as their patterns allow, in one
// ARN or in several.
func fullest() []parameters {
	arns := func(n int) string {
		const prefix = "arn:aws-us-gov:iam::111122223333:role/"
		var list []string
		for i := range n {
			room := (128 - (n - 1)) / n
			if i == 0 {
				room += (128 - (n - 1)) % n
			}
			list = append(list, prefix+strings.Repeat("m", room-len(prefix)))
		}
		return strings.Join(list, ",")
	}
	return mixes(map[string][]string{
		"EndpointType":       {"Interface", "Gateway"},
		"RolePath":           {"", "/" + strings.Repeat("p", 14) + "/"},
		"ManagementRoleArns": {"", arns(1), arns(2), arns(3)},
	})
}

// An SSM parameter of the standard tier holds 4,096 characters, and no "{{".
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func TestPoliciesFitIntoParameters(t *testing.T) {
	for _, p := range fullest() {
		s := longest(t, p)
		for _, r := range s.ofType("AWS::SSM::Parameter") {
			value := s.properties(r.LogicalID)["Value"].(string)
			if len(value) > 4096 || strings.Contains(value, "{{") {
				t.Errorf("%s with %v has %d characters, want at most 4096 and no {{: %s", r.LogicalID, p, len(value), value)
			}
		}
	}
}

// A function's environment holds 4,096 bytes. Lambda measures it as JSON, in which each quote of a policy counts twice:
// its error says "String measured: {…}" and shows that.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
func TestTheEnvironmentFitsIntoLambda(t *testing.T) {
	for _, p := range fullest() {
		for _, function := range []string{"RemediateFunction", "HealthcheckFunction", "ProbeAFunction"} {
			var measured bytes.Buffer
			encoder := json.NewEncoder(&measured)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(variables(longest(t, p), function)); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %v: %d of 4096 bytes with the longest names", function, p, measured.Len())
			if measured.Len() > 4096 {
				t.Errorf("the environment of %s with %v takes %d bytes, want at most 4096: %s", function, p, measured.Len(), &measured)
			}
		}
	}
}
