package iam_test

import (
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/iam"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

const readDocs = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}]}`

// start makes an IAM and a client with full access.
func start(t *testing.T) (*iam.Service, *sdk.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	s := iam.New(gate.Options())
	gate.Add(s)
	return s, sdk.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
}

// may reports whether a caller may read an object of the bucket docs.
func may(c api.Caller) bool {
	decision := iampolicy.Evaluate(iampolicy.Request{
		Principal: c.Principal, Action: "s3:GetObject", Resource: "arn:aws:s3:::docs/a", ResourceAccount: "111122223333",
	}, iampolicy.Policies{Identity: c.Identity()})
	return decision.Effect == iampolicy.Allow
}

func TestSessionsMayWhatTheirRoleMayAtThatMoment(t *testing.T) {
	s, _ := start(t)
	localtest.Must(s.CreateRole("app", nil))(t)
	session := s.Session("app", "i-1")
	if session.Principal != "arn:aws:sts::111122223333:assumed-role/app/i-1" || session.Issuer != "arn:aws:iam::111122223333:role/app" {
		t.Errorf("session is %s of %s", session.Principal, session.Issuer)
	}
	steps := []struct {
		name string
		do   func() error
		want bool
	}{
		{"a role without policies", func() error { return nil }, false},
		{"an inline policy was put", func() error { return s.PutRolePolicy("app", "read", readDocs) }, true},
		{"the role was deleted", func() error { s.DeleteRole("app"); return nil }, false},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := may(session); got != step.want {
			t.Errorf("%s: may read = %t, want %t", step.name, got, step.want)
		}
	}
}

func TestUsersAndAdministrators(t *testing.T) {
	s, _ := start(t)
	reader := localtest.Must(s.CreateUser("reader", map[string]string{"read": readDocs}))(t)
	nobody := localtest.Must(s.CreateUser("nobody", nil))(t)
	for name, v := range map[string]struct {
		caller api.Caller
		want   bool
	}{"a reader": {reader, true}, "nobody": {nobody, false}, "an administrator": {s.CreateAdministrator("admin"), true}} {
		if got := may(v.caller); got != v.want {
			t.Errorf("%s may read = %t, want %t", name, got, v.want)
		}
	}
}

func TestOnlyUsersAndRolesThatAreThereExist(t *testing.T) {
	s, _ := start(t)
	localtest.Must(s.CreateRole("app", nil))(t)
	localtest.Must(s.CreateUser("ann", nil))(t)
	localtest.Must(s.CreateRole("gone", nil))(t)
	s.DeleteRole("gone")
	for arn, want := range map[string]bool{
		"arn:aws:iam::111122223333:role/app":   true,
		"arn:aws:iam::111122223333:user/ann":   true,
		"arn:aws:iam::111122223333:user/app":   false,
		"arn:aws:iam::111122223333:role/ann":   false,
		"arn:aws:iam::111122223333:role/gone":  false,
		"arn:aws:iam::111122223333:role/x/app": false,
		"arn:aws:iam::444455556666:role/gone":  true,
	} {
		if got := s.Exists(arn); got != want {
			t.Errorf("Exists(%s) = %t, want %t", arn, got, want)
		}
	}
}

func TestMalformedPoliciesAreRefused(t *testing.T) {
	s, _ := start(t)
	localtest.Must(s.CreateRole("app", nil))(t)
	_, role := s.CreateRole("other", map[string]string{"bad": "{"})
	_, managed := s.PutManagedPolicy("bad", "{")
	for name, err := range map[string]error{"role": role, "managed policy": managed, "inline policy": s.PutRolePolicy("app", "bad", "{")} {
		if err == nil {
			t.Errorf("a malformed %s was accepted", name)
		}
	}
	if err := s.PutRolePolicy("gone", "read", readDocs); err == nil {
		t.Error("a missing role accepted a policy")
	}
}

func TestRolesAreAudited(t *testing.T) {
	s, client := start(t)
	role := localtest.Must(s.CreateRole("app", map[string]string{"read": readDocs}))(t)
	managed := localtest.Must(s.PutManagedPolicy("shared", readDocs))(t)
	for _, arn := range []string{managed, "arn:aws:iam::aws:policy/AdministratorAccess", managed} {
		if err := s.AttachRolePolicy("app", arn); err != nil {
			t.Fatal(err)
		}
	}
	ctx, name := t.Context(), aws.String("app")
	if got := localtest.Must(client.GetRole(ctx, &sdk.GetRoleInput{RoleName: name}))(t).Role; *got.Arn != role.ARN || *got.RoleId != role.ID {
		t.Errorf("GetRole = %s %s, want %s %s", *got.Arn, *got.RoleId, role.ARN, role.ID)
	}
	inline := localtest.Must(client.ListRolePolicies(ctx, &sdk.ListRolePoliciesInput{RoleName: name}))(t)
	if diff := cmp.Diff([]string{"read"}, inline.PolicyNames); diff != "" {
		t.Errorf("inline policies (-want +got):\n%s", diff)
	}
	text := localtest.Must(client.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("read")}))(t)
	if got := localtest.Must(url.QueryUnescape(*text.PolicyDocument))(t); got != readDocs {
		t.Errorf("inline policy = %s, want %s", got, readDocs)
	}
	attached := localtest.Must(client.ListAttachedRolePolicies(ctx, &sdk.ListAttachedRolePoliciesInput{RoleName: name}))(t)
	if len(attached.AttachedPolicies) != 2 || *attached.AttachedPolicies[0].PolicyName != "shared" {
		t.Errorf("attached policies = %v, want shared and AdministratorAccess", attached.AttachedPolicies)
	}
	policy := localtest.Must(client.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: &managed}))(t).Policy
	version := localtest.Must(client.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: &managed, VersionId: policy.DefaultVersionId}))(t)
	if got := localtest.Must(url.QueryUnescape(*version.PolicyVersion.Document))(t); got != readDocs {
		t.Errorf("managed policy = %s, want %s", got, readDocs)
	}
}

func TestAManagedPolicyIsDetached(t *testing.T) {
	s, client := start(t)
	localtest.Must(s.CreateRole("app", nil))(t)
	arn := localtest.Must(s.PutManagedPolicy("ReadDocs", readDocs))(t)
	if err := s.AttachRolePolicy("app", arn); err != nil {
		t.Fatal(err)
	}
	in := &sdk.DetachRolePolicyInput{RoleName: aws.String("app"), PolicyArn: &arn}
	localtest.Must(client.DetachRolePolicy(t.Context(), in))(t)
	if may(s.Session("app", "i-1")) {
		t.Error("the role may still read after the detachment of its policy")
	}
	_, err := client.DetachRolePolicy(t.Context(), in)
	if code := localtest.Code(err); code != "NoSuchEntity" {
		t.Errorf("detaching it again = %s, want NoSuchEntity", code)
	}
}

func TestWhatIsNotThereIsNoSuchEntity(t *testing.T) {
	s, client := start(t)
	localtest.Must(s.CreateRole("app", nil))(t)
	ctx := t.Context()
	_, role := client.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("gone")})
	_, inline := client.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: aws.String("app"), PolicyName: aws.String("gone")})
	_, managed := client.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::111122223333:policy/gone-policy")})
	for name, err := range map[string]error{"role": role, "inline policy": inline, "managed policy": managed} {
		if got := localtest.Code(err); got != "NoSuchEntity" {
			t.Errorf("a missing %s = %v, want NoSuchEntity", name, err)
		}
	}
}

func TestInlinePoliciesComeAndGo(t *testing.T) {
	s := iam.New(localtest.Gate(t, api.Options{}).Options())
	if _, err := s.CreateRole("guard", map[string]string{"own": localtest.Everything}); err != nil {
		t.Fatal(err)
	}
	if err := s.PutRolePolicy("guard", "more", localtest.Everything); err != nil {
		t.Fatal(err)
	}
	s.DeleteRolePolicy("guard", "own")
	s.DeleteRolePolicy("nobody", "own") // no effect
	if got := s.RolePolicies("guard"); len(got) != 1 || got["more"] != localtest.Everything {
		t.Errorf("RolePolicies = %v, want the added one", got)
	}
	if got := s.Roles(); len(got) != 1 || got[0] != "guard" {
		t.Errorf("Roles = %v, want guard", got)
	}
}
