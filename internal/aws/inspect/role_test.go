package inspect_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/health"
)

const managed = "arn:aws:iam::111122223333:policy/more"

// fakeIAM is an IAM in which the role app has two pages of inline policies and one attached one.
type fakeIAM struct {
	version, fails string

	mu       sync.Mutex
	versions int
}

func (f *fakeIAM) refuse(call string) error {
	if f.fails == call {
		return errRefused
	}
	return nil
}

func (f *fakeIAM) ListRolePolicies(_ context.Context, in *iam.ListRolePoliciesInput, _ ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	if in.Marker == nil {
		return &iam.ListRolePoliciesOutput{PolicyNames: []string{"one"}, IsTruncated: true, Marker: aws.String("2")}, f.refuse("ListRolePolicies")
	}
	return &iam.ListRolePoliciesOutput{PolicyNames: []string{"two"}}, nil
}

func (f *fakeIAM) GetRolePolicy(_ context.Context, in *iam.GetRolePolicyInput, _ ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error) {
	return &iam.GetRolePolicyOutput{PolicyDocument: aws.String("%7B%22" + *in.PolicyName + "%22%3A1+1%7D")}, f.refuse("GetRolePolicy")
}

func (f *fakeIAM) ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error) {
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: []types.AttachedPolicy{{PolicyArn: aws.String(managed)}}}, f.refuse("ListAttachedRolePolicies")
}

func (f *fakeIAM) GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	return &iam.GetPolicyOutput{Policy: &types.Policy{DefaultVersionId: aws.String(f.version)}}, f.refuse("GetPolicy")
}

func (f *fakeIAM) GetPolicyVersion(_ context.Context, in *iam.GetPolicyVersionInput, _ ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.versions++
	return &iam.GetPolicyVersionOutput{PolicyVersion: &types.PolicyVersion{Document: aws.String("%22" + *in.VersionId + "%22")}}, f.refuse("GetPolicyVersion")
}

func TestARoleIsReadWithInlineAndAttachedPolicies(t *testing.T) {
	f := &fakeIAM{version: "v1"}
	role := &inspect.Role{API: f, Name: "app"}
	want := []health.Document{{Name: "one", Text: `{"one":1+1}`}, {Name: "two", Text: `{"two":1+1}`}, {Name: managed, Text: `"v1"`}}
	for range 2 {
		got, err := role.Read(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("err %v, policies (-want +got):\n%s", err, diff)
		}
	}
	if f.versions != 1 {
		t.Errorf("GetPolicyVersion was called %d times for one version, want once", f.versions)
	}
	f.version = "v2"
	if got, err := role.Read(t.Context()); err != nil || got[2].Text != `"v2"` {
		t.Errorf("Read = %v, %v after a new version, want that", got, err)
	}
}

func TestARoleFailsWithWhatCouldNotBeRead(t *testing.T) {
	for call, says := range map[string]string{
		"ListRolePolicies": "role app: ", "GetRolePolicy": "inline policy one: ", "ListAttachedRolePolicies": "role app: ",
		"GetPolicy": "attached policy " + managed + ": ", "GetPolicyVersion": "attached policy " + managed + ": ",
	} {
		role := &inspect.Role{API: &fakeIAM{version: "v1", fails: call}, Name: "app"}
		if _, err := role.Read(t.Context()); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), says) {
			t.Errorf("Read without %s = %v, want %q and the reason", call, err, says)
		}
	}
}

// broken is a fakeIAM whose answer has no policy.
type broken struct{ fakeIAM }

func (b *broken) GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	return &iam.GetPolicyOutput{}, nil
}

func TestAnAnswerWithoutAPolicyIsAnError(t *testing.T) {
	if _, err := (&inspect.Role{API: &broken{}, Name: "app"}).Read(t.Context()); err == nil {
		t.Error("Read succeeded without a policy")
	}
}

func TestARefusedPolicyHidesNoOther(t *testing.T) {
	for call, want := range map[string][]string{
		"GetPolicyVersion": {"one", "two"}, "ListAttachedRolePolicies": {"one", "two"}, "ListRolePolicies": {managed},
	} {
		var got []string
		documents, err := (&inspect.Role{API: &fakeIAM{version: "v1", fails: call}, Name: "app"}).Read(t.Context())
		for _, d := range documents {
			got = append(got, d.Name)
		}
		if !errors.Is(err, errRefused) || !slices.Equal(got, want) {
			t.Errorf("Read without %s = %v, %v, want %v and the reason", call, got, err, want)
		}
	}
}
