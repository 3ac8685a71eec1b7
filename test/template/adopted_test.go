package template_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pause"
	"example.com/s3-endpoint-guard/internal/selection"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// readGuard reads guard.yaml once for all tests.
var readGuard = sync.OnceValues(func() (*samtemplate.Template, error) { return samtemplate.Load("guard.yaml") })

// The names in a stack of guard.yaml, besides those of testdata/events.
const (
	secondEndpoint = "vpce-0b1b2c3d4e5f60719"
	stateBucket    = "guard-statebucket-example"
	adoptRole      = "arn:aws:iam::111122223333:role/guard-AdoptRole-EXAMPLE"
	document       = stateBucket + "/adoption/1.json?versionId=v1&sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// answers are the parameters that guard.yaml must be given, with those of p.
func answers(p parameters) parameters {
	all := parameters{"BucketNames": bucket, "VpcEndpointIds": endpointID}
	maps.Copy(all, p)
	return all
}

// deployGuard plans guard.yaml, with the names that testdata/events uses.
func deployGuard(t *testing.T, p parameters) stack {
	t.Helper()
	return deployOf(t, readGuard, samtemplate.Options{
		Parameters: answers(p), Region: region, AccountID: account, StackName: "guard", StackID: stackID,
	}, map[string]string{
		"StateBucket":                stateBucket,
		"StateBucket.Arn":            "arn:aws:s3:::" + stateBucket,
		"AdoptRole.Arn":              adoptRole,
		"RemediateRole.Arn":          guardRole,
		"Adoption.Document":          document,
		"Adoption.VpcIds":            vpcID + ",vpc-0aaaaaaaaaaaaaaaa",
		"Adoption.VpcArns":           "arn:aws:ec2:eu-central-1:111122223333:vpc/" + vpcID,
		"Adoption.SecurityGroupIds":  groupID,
		"Adoption.SecurityGroupArns": "arn:aws:ec2:eu-central-1:111122223333:security-group/" + groupID,
		"Adoption.RouteTableIds":     routeTableID,
		"Adoption.SubnetIds":         subnetA + "," + subnetB,
	})
}

// guards returns all combinations of the values that guard.yaml's conditions on permissions use.
func guards() []parameters {
	return mixes(map[string][]string{
		"BucketNames":     {bucket, "docs-example,docs-*,*-logs"},
		"Enforcement":     {"Observe", "Enforce"},
		"EndpointPolicy":  {"Keep", "Account"},
		"RestoreOnDelete": {"false", "true"},
	})
}

// extremes returns parameters of guard.yaml for a partition, with as few and with as many parts as possible.
func extremes(partition string) []parameters {
	return []parameters{answers(parameters{"CreateDashboard": "false"}), {
		"BucketNames": "docs-example,docs-*,*-logs", "ExcludedBucketNames": "docs-tmp-*,scratch", "VpcEndpointIds": endpointID + "," + secondEndpoint,
		"Enforcement": "Enforce", "EndpointPolicy": "Buckets", "RestoreOnDelete": "true", "SecurityHub": "true", "AlarmEmail": "a@example.com",
		"SweepSeconds": "300", "ReservedConcurrency": "2", "RolePath": "/team/", "PermissionsBoundaryArn": "arn:" + partition + ":iam::111122223333:policy/b",
	}, answers(parameters{
		"NotificationTopicArn": "arn:" + partition + ":sns:eu-central-1:111122223333:alerts",
		"NotificationKeyArn":   "arn:" + partition + ":kms:eu-central-1:111122223333:key/0a1b",
	})}
}

func TestTheGuardResolvesInEachPartition(t *testing.T) {
	for partition, region := range regions {
		for _, p := range extremes(partition) {
			deployOf(t, readGuard, samtemplate.Options{Parameters: p, Region: region}, nil).resolvesIn(partition)
		}
	}
}

// allEndpoints returns the ids of one to five endpoints.
func allEndpoints() []string {
	var ids []string
	for i := range 5 {
		ids = append(ids, fmt.Sprintf("vpce-0%016x", i))
	}
	return ids
}

// The functions select the buckets by the same texts; see package selection.
func TestTheARNsAreThoseOfTheSelection(t *testing.T) {
	for _, c := range []struct{ names, excluded string }{
		{"docs-example", ""}, {"docs-example,acme-*-logs,*-data", ""}, {"*", "tmp-*,scratch"}, {"data.x-*", "a.b"},
	} {
		for partition, region := range regions {
			s := deployOf(t, readGuard, samtemplate.Options{
				Region: region, Parameters: answers(parameters{"BucketNames": c.names, "ExcludedBucketNames": c.excluded}),
			}, nil)
			selected, err := selection.Parse(c.names, c.excluded)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := s.properties("BucketArns")["Value"], strings.Join(selected.Resources(partition), ","); got != want {
				t.Errorf("BucketArns of %s = %v, want %s", c.names, got, want)
			}
			state, _ := s.GetAtt("StateBucket", "Arn")
			want := strings.Join(append([]string{state.(string)}, selected.ExcludedResources(partition)...), ",")
			if got := s.properties("ExcludedBucketArns")["Value"]; got != want {
				t.Errorf("ExcludedBucketArns of %s = %v, want %s", c.excluded, got, want)
			}
		}
	}
}

// Windows are parameters below a path of the stack, whose name the function finds in STACK; see package pause.
func TestTheGuardReadsItsOwnStacksWindows(t *testing.T) {
	for name, s := range map[string]stack{"guard.yaml": deployGuard(t, nil), "template.yaml": deploy(t, nil)} {
		function, err := remediate.ReadConfig(func(variable string) string { return variables(s, "RemediateFunction")[variable] })
		if err != nil {
			t.Fatal(err)
		}
		var may []string
		for _, statement := range statements(s, "RemediateRole") {
			if statement["Action"] == "ssm:GetParametersByPath" {
				may = append(may, fmt.Sprint(statement["Resource"]))
			}
		}
		want := "arn:aws:ssm:eu-central-1:111122223333:parameter" + pause.Path(function.Origin.Stack)
		if !slices.Equal(may, []string{want}) {
			t.Errorf("%s: the guard may read the windows in %q, want %s", name, may, want)
		}
	}
}

func TestEachNamedEndpointHasItsARN(t *testing.T) {
	ids := allEndpoints()
	for n := range ids {
		named := ids[:n+1]
		s := deployGuard(t, parameters{"VpcEndpointIds": strings.Join(named, ",")})
		var want []string
		for _, id := range named {
			want = append(want, "arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/"+id)
		}
		if got := s.properties("EndpointArns")["Value"]; got != strings.Join(want, ",") {
			t.Errorf("EndpointArns of %q = %v, want %q", named, got, want)
		}
	}
}

// A sentence says what would be right: the parameter's description of its constraint, or a rule's.
func TestBadParametersOfTheGuardAreRefusedWithASentence(t *testing.T) {
	template, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	topic, key := "arn:aws:sns:eu-central-1:111122223333:alerts", "arn:aws:kms:eu-central-1:111122223333:key/0a1b"
	for name, c := range map[string]struct {
		p    parameters
		want string
	}{
		"no bucket":                     {parameters{"BucketNames": ""}, "Comma-separated names of buckets"},
		"a space":                       {parameters{"BucketNames": "docs-example, other"}, "without spaces"},
		"an ARN":                        {parameters{"BucketNames": "arn:aws:s3:::docs-example"}, "Comma-separated names of buckets"},
		"two stars":                     {parameters{"BucketNames": "docs**"}, "single stars"},
		"a question mark":               {parameters{"BucketNames": "doc?"}, "single stars"},
		"an empty name":                 {parameters{"BucketNames": "docs,,other"}, "Comma-separated names of buckets"},
		"500 names":                     {parameters{"BucketNames": strings.Repeat("acme-data-0001,", 499) + "acme-data-0001"}, "at most 2,048 characters. For more buckets use patterns"},
		"too many roles":                {parameters{"ExemptRoleArns": strings.Repeat("arn:aws:iam::111122223333:role/a,", 70) + "arn:aws:iam::111122223333:role/a"}, "at most 2,048 characters"},
		"an exclusion with a space":     {parameters{"ExcludedBucketNames": "a, b"}, "Names and patterns"},
		"no endpoint":                   {parameters{"VpcEndpointIds": ""}, "One to five"},
		"six endpoints":                 {parameters{"VpcEndpointIds": strings.Join(append(allEndpoints(), endpointID), ",")}, "One to five"},
		"a VPC":                         {parameters{"VpcEndpointIds": vpcID}, "One to five"},
		"a user":                        {parameters{"WorkloadRoleArns": "arn:aws:iam::111122223333:user/a"}, "Comma-separated ARNs of roles"},
		"a session":                     {parameters{"ManagementRoleArns": "arn:aws:sts::111122223333:assumed-role/a/b"}, "Comma-separated ARNs of roles"},
		"all principals":                {parameters{"ExemptRoleArns": "*"}, "Comma-separated ARNs of roles"},
		"an address without a length":   {parameters{"AllowedCidrs": "203.0.113.7"}, "ranges such as"},
		"perhaps services":              {parameters{"AllowAwsServices": "perhaps"}, "none of"},
		"no such enforcement":           {parameters{"Enforcement": "enforce"}, "none of"},
		"no such mode":                  {parameters{"PolicyMode": "AtMost"}, "none of"},
		"no such endpoint policy":       {parameters{"EndpointPolicy": "Open"}, "none of"},
		"perhaps restored":              {parameters{"RestoreOnDelete": "yes"}, "none of"},
		"the adoption before the first": {parameters{"AdoptionNumber": "0"}, "A whole number"},
		"a FIFO topic":                  {parameters{"NotificationTopicArn": topic + ".fifo"}, "not a FIFO topic"},
		"an address for another's":      {parameters{"NotificationTopicArn": topic, "AlarmEmail": "a@example.com"}, "subscribe the address to that topic"},
		"a key for the stack's topic":   {parameters{"NotificationKeyArn": key}, "own topic has a key of its own"},
		"an alias for a key":            {parameters{"NotificationTopicArn": topic, "NotificationKeyArn": "alias/a"}, "The ARN of a KMS key"},
		"a guard that may never run":    {parameters{"ReservedConcurrency": "0"}, "set Enforcement to Observe"},
		"half of what the parent sets":  {parameters{"ParentName": "guard"}, "ParentName is for template.yaml"},
		"what only the parent sets":     {parameters{"VpcId": vpcID}, "are for template.yaml"},
		"a sweep never":                 {parameters{"SweepSeconds": "0"}, "SweepSeconds"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := template.Plan(samtemplate.Options{Parameters: answers(c.p)}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Plan(%v) = %v, want an error with %q", c.p, err, c.want)
			}
		})
	}
	for _, missing := range []string{"BucketNames", "VpcEndpointIds"} {
		p := answers(nil)
		delete(p, missing)
		if _, err := template.Plan(samtemplate.Options{Parameters: p}); err == nil {
			t.Errorf("guard.yaml needs no %s, want it to have no default", missing)
		}
	}
}

func TestGoodParametersOfTheGuardAreTaken(t *testing.T) {
	for _, p := range []parameters{
		{"BucketNames": "*", "ExcludedBucketNames": "a,b-*"},
		{"BucketNames": "a.b-c,x-*-y,*-z,0*"},
		{"VpcEndpointIds": "vpce-0a1b2c3d," + strings.Join(allEndpoints()[:4], ",")},
		{"AllowedCidrs": "203.0.113.0/24,2001:db8::/32"},
		{"WorkloadRoleArns": "arn:aws:iam::111122223333:role/app-*,arn:aws:iam::111122223333:role/team/x"},
		{"NotificationTopicArn": "arn:aws:sns:eu-central-1:999900001111:alerts", "NotificationKeyArn": "arn:aws:kms:eu-central-1:999900001111:key/0a1b-2c"},
	} {
		deployGuard(t, p)
	}
}

// interfaceOf returns a template's parameters in the order of their groups, and those with a label.
func interfaceOf(t *testing.T, file string) (grouped, labelled []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Metadata struct {
			Interface struct {
				ParameterGroups []struct {
					Parameters []string `yaml:"Parameters"`
				} `yaml:"ParameterGroups"`
				ParameterLabels map[string]any `yaml:"ParameterLabels"`
			} `yaml:"AWS::CloudFormation::Interface"`
		} `yaml:"Metadata"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	for _, group := range template.Metadata.Interface.ParameterGroups {
		grouped = append(grouped, group.Parameters...)
	}
	return grouped, slices.Sorted(maps.Keys(template.Metadata.Interface.ParameterLabels))
}

// Every parameter stands in a group and has a label, in the order of the groups; deployment consoles show them so.
func TestTheGuardsParametersAreInGroups(t *testing.T) {
	template, err := readGuard()
	if err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, p := range template.Parameters() {
		declared = append(declared, p.Name)
		if p.Description == "" || p.AllowedPattern == "" && p.AllowedValues == nil {
			t.Errorf("%s has the description %q, and pattern %q and values %q, want a description and one of them", p.Name, p.Description, p.AllowedPattern, p.AllowedValues)
		}
		if p.AllowedPattern != "" && p.ConstraintDescription == "" && p.Name != "AlarmEmail" {
			t.Errorf("%s has a pattern, and no sentence for who breaks it", p.Name)
		}
	}
	grouped, labelled := interfaceOf(t, "guard.yaml")
	if !slices.Equal(grouped, declared) || !slices.Equal(labelled, slices.Sorted(slices.Values(declared))) {
		t.Errorf("in groups: %q\nlabelled: %q\ndeclared: %q\nwant the same", grouped, labelled, declared)
	}
}

// The guard is created last and deleted first: nothing corrects what the adoption stores, or puts back.
func TestTheGuardComesAfterTheAdoptionAndGoesBeforeIt(t *testing.T) {
	s := deployGuard(t, parameters{"Enforcement": "Enforce", "RestoreOnDelete": "true"})
	for _, r := range s.ofType("AWS::Events::Rule") {
		for _, want := range []string{"RemediateFunction", "Adoption"} {
			if r.LogicalID != "HealthcheckRule" && !needs(s, r.LogicalID)[want] {
				t.Errorf("%s does not come after %s", r.LogicalID, want)
			}
		}
	}
	for _, want := range []string{"Adoption", "RemediateEndpointPolicy", "RemediateRole", "RemediateLogGroup", "DeadLetterQueue"} {
		if !needs(s, "RemediateFunction")[want] {
			t.Errorf("RemediateFunction does not come after %s", want)
		}
	}
	before := needs(s, "Adoption")
	for _, want := range []string{"AdoptFunction", "AdoptRole", "AdoptLogGroup", "StateBucket", "StateBucketPolicy", "BucketArns"} {
		if !before[want] {
			t.Errorf("Adoption does not come after %s, which it needs for its deletion", want)
		}
	}
	for _, late := range []string{"RemediateFunction", "RemediateEndpointPolicy", "BucketRule"} {
		if before[late] {
			t.Errorf("Adoption comes after %s, which must not exist before it", late)
		}
	}
}

// stateDecides evaluates the state bucket's policy for a caller who has all IAM permissions.
func stateDecides(t *testing.T, action, principal string, context map[string][]string) bool {
	t.Helper()
	s := deployGuard(t, nil)
	text, err := json.Marshal(s.properties("StateBucketPolicy")["PolicyDocument"])
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iampolicy.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	full := map[string][]string{"aws:SecureTransport": {"true"}, "aws:PrincipalArn": {principal}}
	maps.Copy(full, context)
	everything := parse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`)
	return iampolicy.Evaluate(iampolicy.Request{
		Principal: principal, Action: action, Resource: "arn:aws:s3:::" + stateBucket + "/before/docs-example.json",
		ResourceAccount: account, Context: full,
	}, iampolicy.Policies{Identity: []*iampolicy.Policy{everything}, Resource: policy}).Effect == iampolicy.Allow
}

func TestStatesAreWrittenOnceByTheTwoFunctionsAndNeverDeleted(t *testing.T) {
	once := map[string][]string{"s3:if-none-match": {"*"}}
	plain := map[string][]string{"s3:if-none-match": {"*"}, "aws:SecureTransport": {"false"}}
	const admin = "arn:aws:iam::111122223333:user/admin"
	for name, c := range map[string]struct {
		action, principal string
		context           map[string][]string
		want              bool
	}{
		"the adoption writes":              {"s3:PutObject", adoptRole, once, true},
		"the guard writes":                 {"s3:PutObject", guardRole, once, true},
		"the guard overwrites":             {"s3:PutObject", guardRole, nil, false},
		"the adoption overwrites":          {"s3:PutObject", adoptRole, nil, false},
		"plain HTTP":                       {"s3:PutObject", adoptRole, plain, false},
		"an administrator writes":          {"s3:PutObject", admin, once, false},
		"an administrator reads":           {"s3:GetObject", admin, nil, true},
		"an administrator deletes":         {"s3:DeleteObject", admin, nil, false},
		"the guard deletes":                {"s3:DeleteObject", guardRole, nil, false},
		"the adoption deletes a version":   {"s3:DeleteObjectVersion", adoptRole, nil, false},
		"an administrator changes the law": {"s3:PutBucketPolicy", admin, nil, true},
	} {
		if got := stateDecides(t, c.action, c.principal, c.context); got != c.want {
			t.Errorf("%s: allowed %t, want %t", name, got, c.want)
		}
	}
}

// Neither a deletion of the stack nor a rollback of its creation removes the bucket.
func TestStatesOutliveTheStack(t *testing.T) {
	s := deployGuard(t, nil)
	for _, r := range s.ofType("AWS::S3::Bucket") {
		if r.DeletionPolicy != "Retain" {
			t.Errorf("%s has the deletion policy %q, want Retain", r.LogicalID, r.DeletionPolicy)
		}
		p := s.properties(r.LogicalID)
		if at(p, "VersioningConfiguration", "Status") != "Enabled" || at(p, "OwnershipControls", "Rules", 0, "ObjectOwnership") != "BucketOwnerEnforced" {
			t.Errorf("%s has versioning %v and ownership %v", r.LogicalID, p["VersioningConfiguration"], p["OwnershipControls"])
		}
		for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if at(p, "PublicAccessBlockConfiguration", setting) != true {
				t.Errorf("%s: %s is not on", r.LogicalID, setting)
			}
		}
		for _, rule := range list(at(p, "LifecycleConfiguration", "Rules")) {
			for name := range rule.(map[string]any) {
				if strings.Contains(name, "Expiration") {
					t.Errorf("%s has a lifecycle rule with %s, which would delete states", r.LogicalID, name)
				}
			}
		}
	}
}

func TestAnExistingTopicIsUsedAsItIs(t *testing.T) {
	const topic, key = "arn:aws:sns:eu-central-1:999900001111:alerts", "arn:aws:kms:eu-central-1:999900001111:key/0a1b"
	s := deployGuard(t, parameters{"NotificationTopicArn": topic, "NotificationKeyArn": key})
	for _, r := range s.Resources() {
		if strings.HasPrefix(r.Type, "AWS::SNS::") || strings.HasPrefix(r.Type, "AWS::KMS::") {
			t.Errorf("%s is created beside the existing topic", r.LogicalID)
		}
		if r.Type == "AWS::CloudWatch::Alarm" && at(s.properties(r.LogicalID), "AlarmActions", 0) != topic {
			t.Errorf("%s notifies %v, want %s", r.LogicalID, s.properties(r.LogicalID)["AlarmActions"], topic)
		}
	}
	if got := variables(s, "RemediateFunction")["TOPIC"]; got != topic {
		t.Errorf("TOPIC = %s, want %s", got, topic)
	}
	var resources []any
	for _, statement := range statements(s, "RemediateRole") {
		if sid := statement["Sid"]; sid == "Notify" || sid == "NotifyEncrypted" {
			resources = append(resources, list(statement["Resource"])...)
		}
	}
	if want := []any{topic, key}; !slices.Equal(resources, want) {
		t.Errorf("the guard may publish to and encrypt for %v, want %v", resources, want)
	}
}
