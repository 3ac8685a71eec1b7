package template_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/function/teardown"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

const teardownRole = "arn:aws:iam::111122223333:role/guard-TeardownRole-EXAMPLE"

// needs reports whether a resource of the stack depends on another, directly or not. CloudFormation deletes it first.
func (s stack) needs(id, on string) bool {
	direct := s.dependencies()
	var reaches func(from string) bool
	reaches = func(from string) bool {
		return slices.ContainsFunc(direct[from], func(next string) bool { return next == on || reaches(next) })
	}
	return reaches(id)
}

// teardowns are the parameters of stacks with different deletions.
var teardowns = map[string]parameters{
	"by default":            nil,
	"behind a gateway":      {"EndpointType": "Gateway"},
	"without a trail":       {"CreateTrail": "false"},
	"with its objects kept": {"EmptyBucketOnDelete": "false"},
	"with locks bypassed":   {"BypassGovernanceRetention": "true"},
}

func TestTheStackIsTakenDownInOrder(t *testing.T) {
	for name, p := range teardowns {
		t.Run(name, func(t *testing.T) {
			s := deploy(t, p)
			for _, r := range s.Resources() {
				writes := map[string]string{
					"AWS::EC2::Instance":     "EmptyBucket", // the app writes
					"AWS::Events::Rule":      "EmptyBucket", // starts the guard, which would restore the bucket policy
					"AWS::CloudTrail::Trail": "EmptyTrailBucket",
				}
				if on, ok := writes[r.Type]; ok && !s.needs(r.LogicalID, on) {
					t.Errorf("%s does not depend on %s, want it deleted before", r.LogicalID, on)
				}
				if r.Type != "Custom::EmptyBucket" {
					continue
				}
				for _, outlives := range s.outlivesEmptying(r.LogicalID) {
					if !s.needs(r.LogicalID, outlives) {
						t.Errorf("%s does not depend on %s, want it to exist when a failed deletion is repeated", r.LogicalID, outlives)
					}
				}
			}
		})
	}
}

func TestEveryWayOfTakingTheStackDownResolves(t *testing.T) {
	for _, p := range mixes(map[string][]string{"CreateTrail": {"true", "false"}, "EmptyBucketOnDelete": {"true", "false"}, "BypassGovernanceRetention": {"true", "false"}}) {
		if is("EmptyBucketOnDelete", "false", "BypassGovernanceRetention", "true")(p) {
			continue // refused
		}
		s := deploy(t, p)
		for _, r := range s.Resources() {
			s.properties(r.LogicalID)
		}
	}
}

// outlivesEmptying returns the resources that a custom resource needs to empty its bucket.
func (s stack) outlivesEmptying(id string) []string {
	needed := []string{"TeardownFunction", "TeardownRole", "TeardownLogGroup", "TeardownHandOver", "Bucket", "BucketPolicy"}
	if id == "EmptyTrailBucket" {
		needed = []string{"TeardownFunction", "TeardownRole", "TeardownLogGroup", "TeardownHandOver", "TrailBucket", "TrailBucketPolicy"}
		needed = append(needed, s.policiesOf("TeardownRole")...)
	}
	return needed
}

func TestADeletedStackKeepsNothing(t *testing.T) {
	for _, r := range deploy(t, nil).Resources() {
		if r.DeletionPolicy != "" && r.DeletionPolicy != "Delete" {
			t.Errorf("DeletionPolicy of %s = %s, want Delete", r.LogicalID, r.DeletionPolicy)
		}
	}
}

func TestEveryBucketIsEmptied(t *testing.T) {
	for name, p := range teardowns {
		s := deploy(t, p)
		emptied := map[any]bool{}
		for _, r := range s.ofType("Custom::EmptyBucket") {
			properties := s.properties(r.LogicalID)
			emptied[properties["BucketName"]] = true
			if got := fmt.Sprint(properties["ServiceTimeout"]); got != "3600" {
				t.Errorf("%s waits for %s seconds, want 3600, the maximum", r.LogicalID, got)
			}
			want := fmt.Sprint("emptied-on-delete-", properties["BucketName"])
			properties["ServiceTimeout"] = "3600" // CloudFormation passes it as a string
			raw, err := json.Marshal(properties)
			if err != nil {
				t.Fatal(err)
			}
			if got := teardown.PhysicalID(cfnresponse.Request{ResourceProperties: raw}); got != want {
				t.Errorf("the function reads %s as %q, want %q", raw, got, want)
			}
		}
		for _, bucket := range s.ofType("AWS::S3::Bucket") {
			if physical, _ := s.Ref(bucket.LogicalID); !emptied[physical] {
				t.Errorf("a stack %s: nothing empties %s", name, bucket.LogicalID)
			}
		}
	}
}

// Lambda stops a function that invokes itself after about 16 times; four runs of 15 minutes fill the hour
// (docs/facts.md, CloudFormation).
func TestTheTeardownRunsOutsideTheVpcForAsLongAsItMay(t *testing.T) {
	p := deploy(t, nil).properties("TeardownFunction")
	if p["VpcConfig"] != nil {
		t.Errorf("VpcConfig = %v, want none", p["VpcConfig"])
	}
	if fmt.Sprint(p["Timeout"]) != "900" || p["RecursiveLoop"] != nil {
		t.Errorf("Timeout %v and RecursiveLoop %v, want 900 and Lambda's loop detection on", p["Timeout"], p["RecursiveLoop"])
	}
}

// mayTearDown returns the statements of the teardown role.
func mayTearDown(s stack) []map[string]any { return statements(s, "TeardownRole") }

func TestTheTeardownMayDoWhatItDoesAndNothingElse(t *testing.T) {
	want := map[string]bool{"logs:CreateLogStream": true, "logs:PutLogEvents": true, "lambda:InvokeFunction": true}
	for _, call := range slices.Concat(declaredCalls(t, "internal/function/teardown"), clientCalls(t, "internal/aws/s3versions")) {
		want[iamActionOf(call)] = true
	}
	got := map[string]bool{}
	for _, statement := range mayTearDown(deploy(t, nil)) {
		for _, action := range list(statement["Action"]) {
			got[action.(string)] = true
		}
	}
	for action := range want {
		if !got[action] {
			t.Errorf("TeardownRole lacks %s, which teardown calls", action)
		}
	}
	for action := range got {
		if !want[action] {
			t.Errorf("TeardownRole allows %s, which teardown does not call", action)
		}
	}
}

// teardownAction maps calls to their IAM action if it has another name. All deletions name a version.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var teardownAction = map[string]string{
	"s3:DeleteObject":                    "s3:DeleteObjectVersion",
	"s3:DeleteObjects":                   "s3:DeleteObjectVersion",
	"s3:GetObjectLockConfiguration":      "s3:GetBucketObjectLockConfiguration",
	"s3:ListMultipartUploads":            "s3:ListBucketMultipartUploads",
	"s3:ListObjectVersions":              "s3:ListBucketVersions",
	"s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}

func iamActionOf(call string) string {
	if action, ok := teardownAction[call]; ok {
		return action
	}
	return call
}

// clientCalls returns the S3 calls that a package makes with a client, e.g. "s3:DeleteObjects", read from the source.
func clientCalls(t *testing.T, folder string) []string {
	t.Helper()
	calls := map[string]bool{}
	inspectSources(t, folder, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 1 { // with a context and an input
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && isClient(method.X) {
				calls["s3:"+method.Sel.Name] = true
			}
		}
		return true
	})
	return slices.Sorted(maps.Keys(calls))
}

// isClient reports whether an expression is a client: "client" or "s.client".
func isClient(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == "client"
	case *ast.SelectorExpr:
		return e.Sel.Name == "client"
	}
	return false
}

func TestTheTeardownTouchesThisStackAndItsBucketsOnly(t *testing.T) {
	s := deploy(t, nil)
	s.names["TeardownFunction.Arn"] = "arn:aws:lambda:eu-central-1:111122223333:function:guard-TeardownFunction-EXAMPLE"
	s.names["TrailBucket.Arn"] = "arn:aws:s3:::guard-trail"
	want := []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*", "arn:aws:s3:::guard-trail", "arn:aws:s3:::guard-trail/*",
		stackID, s.names["TeardownFunction.Arn"]}
	for _, statement := range mayTearDown(s) {
		for _, resource := range list(statement["Resource"]) {
			if statement["Sid"] != "Log" && !slices.Contains(want, resource.(string)) {
				t.Errorf("%v: allowed on %v, want only %q", statement["Sid"], resource, want)
			}
		}
	}
}

func TestWhatIsNotAskedForIsNotAllowed(t *testing.T) {
	for _, statement := range mayTearDown(deploy(t, parameters{"EmptyBucketOnDelete": "false"})) {
		for _, action := range list(statement["Action"]) {
			if strings.HasPrefix(action.(string), "s3:") {
				t.Errorf("with EmptyBucketOnDelete = false %v is allowed", action)
			}
		}
	}
	for value, want := range map[string]bool{"true": true, "false": false} {
		got := false
		for _, statement := range mayTearDown(deploy(t, parameters{"BypassGovernanceRetention": value})) {
			got = got || slices.Contains(list(statement["Action"]), any("s3:BypassGovernanceRetention"))
		}
		if got != want {
			t.Errorf("with BypassGovernanceRetention = %s bypassing is allowed: %t", value, got)
		}
	}
}

// The bucket policy does not exempt the teardown role. Only the policy that the role sets itself gives it access, and
// denies all others.
func TestTheTeardownRoleReachesNoObjectBeforeTheStackIsDeleted(t *testing.T) {
	const (
		objects = "arn:aws:s3:::docs-example/thankyou.txt"
		itself  = "arn:aws:s3:::docs-example"
		app     = "arn:aws:sts::111122223333:assumed-role/guard-InstanceRole-EXAMPLE/i-0123456789abcdef0"
		empties = "arn:aws:sts::111122223333:assumed-role/guard-TeardownRole-EXAMPLE/teardown"
		admin   = "arn:aws:iam::111122223333:user/admin"
	)
	s := deploy(t, parameters{"BypassGovernanceRetention": "true"})
	s.names["TeardownRole.Arn"] = teardownRole
	while, err := teardown.EmptyingPolicy(teardownRole, bucket)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		access
		before, meanwhile iampolicy.Effect
	}{
		"teardown deletes a version":         {access{empties, "s3:DeleteObjectVersion", objects, false, "TeardownRole"}, iampolicy.Deny, iampolicy.Allow},
		"teardown lists versions":            {access{empties, "s3:ListBucketVersions", itself, false, "TeardownRole"}, iampolicy.Deny, iampolicy.Allow},
		"teardown looks at a lock":           {access{empties, "s3:GetObjectRetention", objects, false, "TeardownRole"}, iampolicy.Deny, iampolicy.Allow},
		"teardown bypasses a lock":           {access{empties, "s3:BypassGovernanceRetention", objects, false, "TeardownRole"}, iampolicy.Deny, iampolicy.Allow},
		"teardown reads an object":           {access{empties, "s3:GetObject", objects, false, "TeardownRole"}, iampolicy.Deny, iampolicy.Deny},
		"teardown writes an object":          {access{empties, "s3:PutObject", objects, true, "TeardownRole"}, iampolicy.Deny, iampolicy.Deny},
		"teardown puts its policy":           {access{empties, "s3:PutBucketPolicy", itself, false, "TeardownRole"}, iampolicy.Allow, iampolicy.Allow},
		"teardown deletes the bucket":        {access{empties, "s3:DeleteBucket", itself, false, "TeardownRole"}, iampolicy.Deny, iampolicy.Deny},
		"the app writes":                     {access{app, "s3:PutObject", objects, true, "InstanceRole"}, iampolicy.Allow, iampolicy.Deny},
		"an administrator writes":            {access{admin, "s3:PutObject", objects, false, ""}, iampolicy.Deny, iampolicy.Deny},
		"CloudFormation deletes the policy":  {access{admin, "s3:DeleteBucketPolicy", itself, false, ""}, iampolicy.Allow, iampolicy.Allow},
		"CloudFormation deletes the bucket":  {access{admin, "s3:DeleteBucket", itself, false, ""}, iampolicy.Allow, iampolicy.Allow},
		"an administrator takes the lock up": {access{admin, "s3:PutBucketPolicy", itself, false, ""}, iampolicy.Allow, iampolicy.Allow},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.decide(t, s); got.Effect != c.before {
				t.Errorf("under the lock: %s by %s, want %s", got.Effect, got.By, c.before)
			}
			if got := c.under(t, s, while); got.Effect != c.meanwhile {
				t.Errorf("under the emptying policy: %s by %s, want %s", got.Effect, got.By, c.meanwhile)
			}
		})
	}
}

func TestTheEmptyingPolicyIsClosed(t *testing.T) {
	for name, p := range teardowns {
		s := deploy(t, p)
		setting := setting(s)
		setting.Teardown = teardownRole
		policy, err := teardown.EmptyingPolicy(teardownRole, bucket)
		if err != nil {
			t.Fatal(err)
		}
		if open := iampolicy.Allowed([]byte(policy), iampolicy.ForbiddenOnBucket(setting)); open != "" {
			t.Errorf("a stack %s, while it is deleted, allows %s", name, open)
		}
		if err := iampolicy.Lockout([]byte(policy), setting); err != nil {
			t.Errorf("Lockout of a stack %s = %v, want nil", name, err)
		}
	}
}

func TestTheTeardownUnderstandsItsEnvironment(t *testing.T) {
	s := deployAs(t, samtemplate.Options{Region: region}, nil)
	function, err := s.Function("TeardownFunction", s)
	if err != nil {
		t.Fatal(err)
	}
	e := maps.Clone(function.Environment)
	for name, value := range map[string]string{ // Lambda sets it
		"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", "AWS_LAMBDA_FUNCTION_NAME": "teardown",
	} {
		e[name] = value
	}
	if _, err := teardown.New(func(name string) string { return e[name] }, nil, nil); err != nil {
		t.Errorf("New = %v, want a function", err)
	}
}
