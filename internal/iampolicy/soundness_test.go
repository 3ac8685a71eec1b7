package iampolicy_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Judge compares statements; these tests check it with requests. They draw live documents at random, and for each that is
// closed, requests at random: none that the desired document denies may be allowed.

// oneOf draws one of the given values.
func oneOf[T any](t *rapid.T, label string, of ...T) T { return rapid.SampledFrom(of).Draw(t, label) }

// contextPool contains values for the condition keys of the drawn documents: values that these use, and others.
var contextPool = map[string][]string{
	"aws:SecureTransport": {"true", "false"}, "aws:UserAgent": {"x", "y", "agent-x"}, "aws:Referer": {"x", "y"},
	"aws:SourceVpce": {docs.EndpointID, "vpce-1", "vpce-0fedcba9876543210"}, "aws:SourceVpc": {docs.VPCID, "vpc-1"},
	"aws:SourceIp": {"203.0.113.7", "198.51.100.9", "2001:db8::1"}, "aws:VpcSourceIp": {"10.0.0.1"},
	"aws:PrincipalOrgID": {"o-1", "o-2"}, "aws:PrincipalTag/team": {"x", "docs"}, "s3:max-keys": {"1", "20"},
	"s3:ExistingObjectTag/public": {"yes", "no"}, "aws:CurrentTime": {"2026-01-01T00:00:00Z", "2032-01-01T00:00:00Z"},
	"aws:ViaAWSService": {"true", "false"}, "aws:TagKeys": {"x", "y"}, "aws:SourceArn": {"arn:aws:s3:::docs", "arn:aws:sns:eu-central-1:1:x"},
}

var (
	anyKeys       = []string{"", "thankyou.txt", "secret/x", "public/x", "~", "t", "docs"}
	soundActions  = append([]string{"s3:GetFuture", "s3:PutBucketFuture", "s3:ListBucketFuture"}, append(append(iampolicy.ObjectActions(), iampolicy.ListingActions()...), iampolicy.ConfigurationActions()...)...)
	soundCallers  = []string{nobody, stranger, alice, app, session, docs.ProbeRole, docs.Teardown, docs.Guard, root, trail, origin, "arn:aws:iam::999988887777:role/evil", "accounts.google.com"}
	soundAccounts = []string{owner, "444455556666", "999988887777"}
)

// drawExtra draws a condition on keys that the desired documents use or do not use.
func drawExtra(t *rapid.T) (operator, key string, value any) {
	texts := func(values ...string) any { return drawList(t, values...) }
	draws := []func() (string, string, any){
		func() (string, string, any) { return "StringNotEquals", "aws:UserAgent", texts("x", "${aws:Referer}") },
		func() (string, string, any) { return "StringLike", "aws:UserAgent", texts("x", "agent*", "?") },
		func() (string, string, any) { return "StringEquals", "aws:Referer", texts("x", "${aws:UserAgent}") },
		func() (string, string, any) {
			return "StringNotLike", "aws:SourceVpce", texts("vpce-*", docs.EndpointID)
		},
		func() (string, string, any) {
			return oneOf(t, "op", "StringNotEquals", "StringEquals", "StringNotEqualsIfExists", "ForAllValues:StringNotEquals", "ForAllValues:StringNotLike", "ForAnyValue:StringNotEquals"), "aws:SourceVpce", texts(docs.EndpointID, "vpce-1")
		},
		func() (string, string, any) {
			return oneOf(t, "op", "StringNotEquals", "StringNotLike", "ForAllValues:StringNotEquals"), "aws:PrincipalArn", texts(app, docs.ProbeRole, docs.Teardown)
		},
		func() (string, string, any) {
			return oneOf(t, "op", "StringEquals", "StringEqualsIfExists", "StringNotEquals"), "aws:SourceVpc", texts(docs.VPCID, "vpc-1")
		},
		func() (string, string, any) {
			return oneOf(t, "op", "ArnNotEquals", "ArnNotLike", "ArnEquals", "ArnNotEqualsIfExists"), "aws:PrincipalArn", texts(app, docs.ProbeRole, docs.Teardown, alice, "arn:aws:iam::*:role/*")
		},
		func() (string, string, any) {
			return oneOf(t, "op", "Bool", "BoolIfExists"), oneOf(t, "key", "aws:SecureTransport", "aws:ViaAWSService"), texts("true", "false")
		},
		func() (string, string, any) {
			return oneOf(t, "op", "IpAddress", "NotIpAddress"), "aws:SourceIp", texts("203.0.113.0/24", "0.0.0.0/0")
		},
		func() (string, string, any) {
			return "Null", oneOf(t, "key", slices.Sorted(maps.Keys(contextPool))...), texts("true", "false")
		},
		func() (string, string, any) {
			return oneOf(t, "op", "NumericLessThan", "NumericGreaterThanIfExists"), "s3:max-keys", "10"
		},
		func() (string, string, any) { return "DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z" },
		func() (string, string, any) {
			return oneOf(t, "op", "ForAllValues:StringNotEquals", "ForAnyValue:StringEquals"), "aws:TagKeys", texts("x", "z")
		},
		func() (string, string, any) {
			return "StringEquals", oneOf(t, "key", "aws:ResourceAccount", "aws:PrincipalAccount"), texts(soundAccounts...)
		},
		func() (string, string, any) {
			return "StringNotEquals", oneOf(t, "key", "aws:PrincipalOrgID", "aws:PrincipalTag/team", "s3:ExistingObjectTag/public"), texts("x", "o-1", "yes")
		},
	}
	return oneOf(t, "condition", draws...)()
}

func drawSoundPrincipal(t *rapid.T) any {
	return oneOf[any](t, "principal", "*", document{"AWS": "*"}, document{"AWS": owner}, document{"AWS": root}, document{"AWS": "999988887777"}, document{"AWS": []any{app, "*"}},
		document{"AWS": origin}, document{"AWS": []any{app, alice}}, document{"Service": trail}, document{"Federated": "accounts.google.com"}, document{"AWS": "arn:aws:iam::999988887777:role/evil"})
}

func drawResources(t *rapid.T) any {
	return drawList(t, "*", "arn:aws:s3:::docs", "arn:aws:s3:::docs/*", "arn:aws:s3:::docs*", "arn:aws:s3:::docs/t*", "arn:aws:s3:::docs/secret/*", "arn:aws:s3:::docs/?*",
		"arn:aws:s3:::evil/*", "arn:aws:s?:::docs/*", "arn:aws:s*ocs/*", "arn:aws:s3:*", "arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/*", "arn:aws:s3:::al2023-*", "arn:aws:s3:::docs/${aws:PrincipalTag/team}*")
}

func drawActions(t *rapid.T) any {
	return drawList(t, "s3:*", "*", "s3:Get*", "s3:GetObject", "s3:PutObject", "s3:ListBucket*", "s3:ListBucket", "s3:PutBucket*", "s3:*Object*", "s3:DeleteObject")
}

// disturb changes a document's statements: the change widens or narrows them, or has no effect.
func disturb(t *rapid.T, d document) {
	statements := d["Statement"].([]any)
	i := rapid.IntRange(0, len(statements)-1).Draw(t, "which")
	s := statements[i].(document)
	condition := func() document {
		c, _ := s["Condition"].(document)
		if c == nil {
			c = document{}
			s["Condition"] = c
		}
		return c
	}
	negate := func(name string) {
		if value, ok := s[name]; ok && rapid.Bool().Draw(t, "not") {
			delete(s, name)
			s["Not"+name] = value
		}
	}
	replace := func(name string, value any) {
		delete(s, "Not"+name)
		s[name] = value
		negate(name)
	}
	switch oneOf(t, "disturbance", "drop", "rename", "double", "condition", "condition", "uncondition", "principal", "resource", "action", "add", "add", "version") {
	case "drop":
		if len(statements) > 1 {
			d["Statement"] = slices.Delete(slices.Clone(statements), i, i+1)
		}
	case "rename":
		s["Sid"] = fmt.Sprint("Renamed", i)
	case "double":
		d["Statement"] = append(slices.Clone(statements), s)
	case "condition":
		operator, key, value := drawExtra(t)
		keys, _ := condition()[operator].(document)
		if keys == nil {
			keys = document{}
			condition()[operator] = keys
		}
		keys[key] = value
	case "uncondition":
		if names := slices.Sorted(maps.Keys(condition())); len(names) > 0 {
			delete(condition(), oneOf(t, "operator", names...))
		}
	case "principal":
		replace("Principal", drawSoundPrincipal(t))
	case "resource":
		replace("Resource", drawResources(t))
	case "action":
		replace("Action", drawActions(t))
	case "add":
		added := document{"Effect": oneOf(t, "effect", "Allow", "Deny"), "Principal": drawSoundPrincipal(t), "Action": drawActions(t), "Resource": drawResources(t)}
		if rapid.Bool().Draw(t, "conditional") {
			operator, key, value := drawExtra(t)
			added["Condition"] = document{operator: document{key: value}}
		}
		d["Statement"] = append(slices.Clone(statements), added)
	case "version":
		d["Version"] = "2008-10-17"
	}
}

// drawRequest draws a request about a bucket.
func drawRequest(t *rapid.T, bucket string) iampolicy.Request {
	r := iampolicy.Request{
		Principal: oneOf(t, "caller", soundCallers...), Action: oneOf(t, "action", soundActions...), Resource: "arn:aws:s3:::" + bucket,
		ResourceAccount: owner, Context: map[string][]string{},
	}
	if key := oneOf(t, "key", anyKeys...); key != "" {
		r.Resource += "/" + key
	}
	for _, key := range slices.Sorted(maps.Keys(contextPool)) {
		if rapid.Bool().Draw(t, key) {
			r.Context[key] = []string{oneOf(t, "value", contextPool[key]...)}
		}
	}
	if rapid.Bool().Draw(t, "through the endpoint") {
		r.Context["aws:SourceVpce"], r.Context["aws:SourceVpc"] = []string{docs.EndpointID}, []string{docs.VPCID}
	}
	return r
}

func TestClosedBucketPoliciesLetNothingThrough(t *testing.T) {
	everything := parseOnce(t)
	desired := mustParse(t, desiredBucket)
	closed := 0
	rapid.Check(t, func(t *rapid.T) {
		d := decode(t, desiredBucket)
		for range rapid.IntRange(1, 3).Draw(t, "disturbances") {
			disturb(t, d)
		}
		live := encode(t, d)
		policy, err := iampolicy.Parse([]byte(live))
		if got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket)); err != nil || got.Verdict == iampolicy.Open {
			return
		}
		closed++
		for range 60 {
			r := drawRequest(t, "docs")
			before := iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: desired})
			after := iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: policy})
			if before.Effect == deny && after.Effect != deny {
				t.Fatalf("Judge(desired, %s) is closed, but %+v is %s (%s), and denied before (%s)", live, r, after.Effect, after.By, before.By)
			}
		}
	})
	if closed == 0 {
		t.Error("no document was closed, so nothing was tested")
	}
}

func TestClosedEndpointPoliciesLetNothingThrough(t *testing.T) {
	everything, anybody := parseOnce(t), mustParse(t, fullAccess)
	// For the workload, Judge ignores differences in actions: IAM decides about them.
	desired := mustParse(t, strings.Replace(desiredEndpoint, `["s3:GetObject","s3:PutObject","s3:ListBucket"]`, `"s3:*"`, 1))
	closed := 0
	rapid.Check(t, func(t *rapid.T) {
		d := decode(t, desiredEndpoint)
		for range rapid.IntRange(1, 3).Draw(t, "disturbances") {
			disturb(t, d)
		}
		live := encode(t, d)
		policy, err := iampolicy.Parse([]byte(live))
		if got := iampolicy.Judge([]byte(desiredEndpoint), []byte(live), listed(forbiddenThroughEndpoint)); err != nil || got.Verdict == iampolicy.Open {
			return
		}
		closed++
		for range 60 {
			r := drawRequest(t, oneOf(t, "bucket", "docs", "docs-2", "evil", "al2023-repos-eu-central-1-de612dc2", "al2023-repos-x"))
			r.ResourceAccount = oneOf(t, "owner", soundAccounts...)
			before := iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: anybody, Endpoint: desired})
			after := iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: anybody, Endpoint: policy})
			if before.Effect == deny && after.Effect != deny {
				t.Fatalf("Judge(desired, %s) is closed, but %+v is %s (%s), and denied before (%s)", live, r, after.Effect, after.By, before.By)
			}
		}
	})
	if closed == 0 {
		t.Error("no document was closed, so nothing was tested")
	}
}

// The check for lockouts evaluates many actions at once. It must agree with one evaluation of each.
func TestWhatIsDeniedToARoleIsWhatEvaluateDenies(t *testing.T) {
	internet, everything := docs.Standpoints()[0].Context, parseOnce(t)
	denials := 0
	rapid.Check(t, func(t *rapid.T) {
		d := decode(t, desiredBucket)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			disturb(t, d)
		}
		if rapid.Bool().Draw(t, "other") {
			d = drawPolicy(t)
		}
		live, err := iampolicy.Parse([]byte(encode(t, d)))
		if err != nil {
			t.Skip("the changes make no policy")
		}
		role := oneOf(t, "role", docs.Guard, docs.Teardown, app, session, stranger)
		actions := iampolicy.ConfigurationActions()
		var want []string
		for _, action := range actions {
			request := iampolicy.Request{Principal: role, Action: action, Resource: bucket, ResourceAccount: owner, Context: internet}
			if iampolicy.Evaluate(request, iampolicy.Policies{Identity: everything, Resource: live}).Effect == deny {
				want = append(want, action)
			}
		}
		setting := docs
		setting.Teardown, setting.Workload, setting.ProbeRole = "", "", ""
		if got := iampolicy.DeniedTo(live, setting, role, actions); !slices.Equal(got, want) {
			t.Fatalf("%s is denied %v, by Evaluate %v under\n%s", role, got, want, live)
		}
		denials += len(want)
	})
	if denials == 0 {
		t.Error("nothing was denied, so nothing was tested")
	}
}
