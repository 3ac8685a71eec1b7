package template_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/function/healthcheck"
	"example.com/s3-endpoint-guard/internal/function/probe"
	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/local/localaws/serviceauth"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// statements returns the statements of a role's inline policies, and of the policies that are resources of their own.
func statements(s stack, role string) []map[string]any {
	s.Helper()
	policies := list(s.properties(role)["Policies"])
	for _, id := range s.policiesOf(role) {
		policies = append(policies, s.properties(id))
	}
	var all []map[string]any
	for _, policy := range policies {
		for _, statement := range list(at(policy, "PolicyDocument", "Statement")) {
			all = append(all, statement.(map[string]any))
		}
	}
	return all
}

// policiesOf returns the logical ids of the policies that are resources of their own and attached to a role.
func (s stack) policiesOf(role string) []string {
	var ids []string
	name, _ := s.Ref(role)
	for _, policy := range s.ofType("AWS::IAM::Policy") {
		if slices.Contains(list(s.properties(policy.LogicalID)["Roles"]), any(name)) {
			ids = append(ids, policy.LogicalID)
		}
	}
	return ids
}

// knowsNoResource reports whether an action can only be allowed on "*", or supports no resource type that applies
// here: PutMetricData supports data sets, which the project does not use.
func knowsNoResource(action string) bool {
	a, ok := serviceauth.Find(action)
	return ok && len(a.Types) == 0 || action == "cloudwatch:PutMetricData" || action == "cloudwatch:DescribeAlarms"
}

func TestRolesNameWhatTheyMayTouch(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType, "SecurityHub": "true"})
		for _, role := range s.ofType("AWS::IAM::Role") {
			sids := map[any]bool{}
			for _, statement := range statements(s, role.LogicalID) {
				sid := statement["Sid"]
				if sid == nil || sids[sid] {
					t.Errorf("%s: Sid %v is missing or duplicate", role.LogicalID, sid)
				}
				sids[sid] = true
				if statement["Effect"] == "Deny" || sid == "LambdaConnectsToVpc" { // Lambda requires "*" for it
					continue
				}
				for _, action := range list(statement["Action"]) {
					if strings.Contains(action.(string), "*") {
						t.Errorf("%s: %v allows %v, want single actions", role.LogicalID, sid, action)
					}
					everything := slices.Contains(list(statement["Resource"]), any("*"))
					if everything != knowsNoResource(action.(string)) {
						t.Errorf("%s: %v allows %v on %v", role.LogicalID, sid, action, statement["Resource"])
					}
				}
			}
		}
	}
}

// A change also needs permission on the resource that it detaches, which may be foreign; it must then be in our VPC.
// If the action does not support the VPC as a condition for that resource, another statement must limit it to one of
// our resources.
func TestForeignPartsAreTouchedInOurVpcOnly(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		s := deploy(t, parameters{"EndpointType": endpointType})
		want := "arn:aws:ec2:eu-central-1:111122223333:vpc/" + vpcID
		for _, statement := range statements(s, "RemediateRole") {
			for _, resource := range list(statement["Resource"]) {
				wild := strings.HasPrefix(resource.(string), "arn:aws:ec2:") && strings.HasSuffix(resource.(string), "/*")
				if wild && strings.HasSuffix(resource.(string), ":route-table/*") && slices.Equal(list(statement["Action"]), []any{"ec2:ModifyVpcEndpoint"}) {
					continue // see TestOnlyOurEndpointIsModified
				}
				if got := at(statement, "Condition", "ArnEquals", "ec2:Vpc"); wild && got != want {
					t.Errorf("%v: %v in VPC %v, want %s", statement["Sid"], resource, got, want)
				}
			}
		}
	}
}

// EC2 also checks a permission on the endpoint at each change, so the tables of other endpoints cannot be changed.
func TestOnlyOurEndpointIsModified(t *testing.T) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		var got []any
		for _, statement := range statements(deploy(t, parameters{"EndpointType": endpointType}), "RemediateRole") {
			for _, resource := range list(statement["Resource"]) {
				action, _ := serviceauth.Find("ec2:ModifyVpcEndpoint")
				isEndpoint := func(k serviceauth.Type) bool { return k.Name == "vpc-endpoint" && k.Required }
				if slices.Contains(list(statement["Action"]), any(action.Name)) && slices.ContainsFunc(action.On(resource.(string)), isEndpoint) {
					got = append(got, resource)
				}
			}
		}
		if want := []any{"arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/" + endpointID}; !slices.Equal(got, want) {
			t.Errorf("%s: endpoints that the guard may modify = %v, want %v", endpointType, got, want)
		}
	}
}

// iamAction maps calls, by the SDK's package, to their IAM action if it has another name.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var iamAction = map[string]string{
	"s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
	"s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
	"eventbridge:PutEvents":   "events:PutEvents",
	"sqs:SendMessageBatch":    "sqs:SendMessage",

	"s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
	"s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
	"s3:GetBucketEncryption":             "s3:GetEncryptionConfiguration",
	"s3:PutBucketEncryption":             "s3:PutEncryptionConfiguration",
}

// elsewhere are the adapters' interfaces for the calls of the health check, of the adoption, of a guard of guard.yaml, and of the command
// line.
var elsewhere = []string{"StatusAPI", "ReadAPI", "InterfacesAPI", "StateAPI", "TaggingAPI", "ImageAPI", "PutBackAPI", "FinderAPI", "WriterAPI"}

// TestTheGuardMayDoWhatItDoesAndNothingElse compares RemediateRole with the calls that the adapters declare.
func TestTheGuardMayDoWhatItDoesAndNothingElse(t *testing.T) {
	want := map[string]bool{}
	for _, adapter := range []string{"s3bucket", "vpcendpoint", "stack", "notify", "recordevents", "securityhub", "pauses", "parameters", "sweepqueue"} {
		folder := filepath.Join("internal/aws", adapter)
		calls := namedCalls(t, folder, "Writer")    // windows are written by the command line
		if len(calls) == 0 && adapter != "pauses" { // it reads with parameters
			calls = declaredCalls(t, folder, elsewhere...)
		}
		for _, call := range calls {
			if action, ok := iamAction[call]; ok {
				call = action
			}
			want[call] = true
		}
	}
	// Actions of AWS on behalf of the function: encrypt notifications, write the log, store failed runs, receive the messages of
	// sweeps, change DNS names.
	for _, action := range []string{"kms:Decrypt", "kms:GenerateDataKey", "logs:CreateLogStream", "logs:PutLogEvents",
		"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "route53:AssociateVPCWithHostedZone"} {
		want[action] = true
	}
	got := map[string]bool{}
	for _, endpointType := range []string{"Interface", "Gateway"} {
		p := parameters{"EndpointType": endpointType, "SecurityHub": "true"}
		for _, statement := range statements(deploy(t, p), "RemediateRole") {
			for _, action := range list(statement["Action"]) {
				got[action.(string)] = true
			}
		}
	}
	for action := range want {
		if !got[action] {
			t.Errorf("RemediateRole lacks %s, which the guard calls", action)
		}
	}
	for action := range got {
		if !want[action] {
			t.Errorf("RemediateRole allows %s, which the guard does not call", action)
		}
	}
}

// Without the parameter, the guard neither may import findings nor tries to.
func TestFindingsAreImportedOnlyIfAskedFor(t *testing.T) {
	for value, want := range map[string][]any{
		"false": nil,
		"true":  {"arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default"},
	} {
		s := deploy(t, parameters{"SecurityHub": value})
		var got []any
		for _, statement := range statements(s, "RemediateRole") {
			if slices.Contains(list(statement["Action"]), any("securityhub:BatchImportFindings")) {
				got = append(got, list(statement["Resource"])...)
			}
		}
		if _, set := variables(s, "RemediateFunction")["HUB"]; !slices.Equal(got, want) || set != (want != nil) {
			t.Errorf("SecurityHub=%s: findings may be imported into %v, and the variable is set: %t; want %v", value, got, set, want)
		}
	}
}

// declaredCalls returns the SDK calls that a package's interfaces declare, e.g. "s3:PutBucketPolicy". They are read
// from the source: adapters declare each call that they make, and the compiler enforces it. Interfaces in without are
// skipped.
func declaredCalls(t *testing.T, folder string, without ...string) []string {
	t.Helper()
	calls := map[string]bool{}
	inspectSources(t, folder, func(n ast.Node) bool {
		named, ok := n.(*ast.TypeSpec)
		if !ok || slices.Contains(without, named.Name.Name) {
			return true
		}
		if i, ok := named.Type.(*ast.InterfaceType); ok {
			for _, method := range i.Methods.List {
				if service := sdkService(method.Type); service != "" && len(method.Names) == 1 {
					calls[service+":"+method.Names[0].Name] = true
				}
			}
		}
		return true
	})
	if len(calls) == 0 {
		t.Errorf("%s declares no SDK calls", folder)
	}
	return slices.Sorted(maps.Keys(calls))
}

// namedCalls returns the calls that a package makes with awscall, by the name of the caller: b.SQS.Call(ctx, "SendMessage", …)
// is "sqs:SendMessage". Methods of the types in without are skipped.
func namedCalls(t *testing.T, folder string, without ...string) []string {
	t.Helper()
	calls := map[string]bool{}
	inspectSources(t, folder, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv != nil {
			of := strings.TrimLeft(types.ExprString(f.Recv.List[0].Type), "*")
			return !slices.Contains(without, of)
		}
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || method.Sel.Name != "Call" {
			return true
		}
		names := strings.Split(types.ExprString(method.X), ".") // a field, or a function's parameter
		operation, isText := call.Args[1].(*ast.BasicLit)
		if isText {
			calls[strings.ToLower(names[len(names)-1])+":"+strings.Trim(operation.Value, `"`)] = true
		}
		return true
	})
	return slices.Sorted(maps.Keys(calls))
}

// inspectSources calls see for each node of a package's sources, without its tests.
func inspectSources(t *testing.T, folder string, see func(ast.Node) bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources in %s (%v)", folder, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, see)
	}
}

// sdkService returns the service of a method that takes the SDK's options (...func(*s3.Options)), "" for other
// methods.
func sdkService(method ast.Expr) string {
	f, ok := method.(*ast.FuncType)
	if !ok || len(f.Params.List) == 0 {
		return ""
	}
	ellipsis, ok := f.Params.List[len(f.Params.List)-1].Type.(*ast.Ellipsis)
	if !ok {
		return ""
	}
	option, ok := ellipsis.Elt.(*ast.FuncType)
	if !ok || len(option.Params.List) != 1 {
		return ""
	}
	pointer, ok := option.Params.List[0].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	selector, ok := pointer.X.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	return fmt.Sprint(selector.X)
}

func TestTheFunctionsUnderstandTheirEnvironment(t *testing.T) {
	for partition, region := range regions {
		for _, p := range combinations() {
			s := deployAs(t, samtemplate.Options{Parameters: p, Region: region}, nil)
			getenv := func(function string) func(string) string {
				e := variables(s, function)
				e["AWS_REGION"] = region // Lambda sets it
				return func(name string) string { return e[name] }
			}
			config, err := remediate.ReadConfig(getenv("RemediateFunction"))
			health, healthErr := healthcheck.ReadConfig(getenv("HealthcheckFunction"))
			if err := errors.Join(err, healthErr); err != nil {
				t.Fatalf("ReadConfig in %s with %v = %v", region, p, err)
			}
			if config.Setting.Partition != partition {
				t.Errorf("partition in %s = %q, want %s", region, config.Setting.Partition, partition)
			}
			if diff := cmp.Diff(config.Guarded, health.Guarded); diff != "" {
				t.Errorf("in %s with %v the health check gets another configuration than the guard (-guard +health check):\n%s", region, p, diff)
			}
			for _, function := range s.functions("Probe") {
				if _, err := probe.ReadConfig(getenv(function)); err != nil {
					t.Errorf("ReadConfig of %s in %s with %v = %v", function, region, p, err)
				}
			}
		}
	}
}

// functions returns the functions whose logical ids begin with prefix.
func (s stack) functions(prefix string) []string {
	var ids []string
	for _, r := range s.Resources() {
		if r.Type == "AWS::Serverless::Function" && strings.HasPrefix(r.LogicalID, prefix) {
			ids = append(ids, r.LogicalID)
		}
	}
	return ids
}

// With the default key of SNS no alarm can publish, and its key policy cannot be changed.
func TestNotificationsAreEncryptedWithAKeyThatServicesMayUse(t *testing.T) {
	s := deploy(t, nil)
	key, _ := s.Ref("NotificationKey")
	if got := s.properties("NotificationTopic")["KmsMasterKeyId"]; got != key {
		t.Errorf("KmsMasterKeyId = %v, want %v", got, key)
	}
	for _, policy := range []any{at(s.properties("NotificationKey"), "KeyPolicy"), at(s.properties("NotificationTopicPolicy"), "PolicyDocument")} {
		for _, statement := range list(at(policy, "Statement")) {
			services := list(at(statement, "Principal", "Service"))
			if got := at(statement, "Condition", "StringEquals", "aws:SourceAccount"); len(services) > 0 && got != account {
				t.Errorf("%v allows %v from account %v, want only %s", at(statement, "Sid"), services, got, account)
			}
		}
	}
}
