package conformance_test

import (
	"context"
	"net/url"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// roleCases are the cases on IAM and STS.
func roleCases() []testCase {
	const (
		gone     = "NoSuchEntity"
		document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a b+c/*"}]}`
	)
	return []testCase{
		{name: "a role is described as it was made", ops: []op{role(document), describedRole()}},
		{name: "a role's inline policies are listed and read", ops: []op{role(document), inline("p"), inlineText("p", document)}},
		{name: "a role that there is not is not described and has no policies", ops: []op{
			refused(gone, describedRole()), refused(gone, inline()), refused(gone, inlineText("p", "")), refused(gone, attached()), note("policy", "arn:aws:iam::"+account+":policy/none"), refused(gone, detach()),
		}},
		{name: "an inline policy that there is not is not read", ops: []op{role(document), refused(gone, inlineText("q", ""))}},
		{name: "a managed policy is listed at its role, and read by its default version", ops: []op{
			role(document), attached(), policyOf(document), attached("policy"), policyText(document),
		}},
		{name: "a managed policy is detached once", ops: []op{
			role(document), policyOf(document), detach(), attached(), refused(gone, detach()), policyText(document),
		}},
		{name: "a managed policy that there is not is not read", ops: []op{
			note("policy", "arn:aws:iam::"+account+":policy/none"), refused(gone, policyText("")), refused(gone, policyVersion("v1", "")),
		}},
		{name: "a version that there is not is not read", ops: []op{
			role(document), policyOf(document), refused(gone, policyVersion("v2", "")), policyVersion("v1", document),
		}},
		{name: "a caller is of the account", ops: []op{callerIn(account)}},
	}
}

func (s *scene) iam() *iam.Client { return iam.NewFromConfig(s.config) }

// role makes a role with the name of the scene and the inline policy "p".
func role(document string) op {
	return func(ctx context.Context, s *scene) error { return s.makeRole(ctx, s.name, "p", document) }
}

// policyOf makes a managed policy that is attached to the role.
func policyOf(document string) op {
	return func(ctx context.Context, s *scene) (err error) {
		s.notes["policy"], err = s.makePolicy(ctx, s.name, s.name+"-policy", document)
		return err
	}
}

func describedRole() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: &s.name})
		if err != nil {
			return err
		}
		r := out.Role
		if *r.RoleName != s.name || *r.Arn != roleARN(s.name) || *r.Path != "/" || len(*r.RoleId) != 21 || r.CreateDate == nil {
			return differs("role", *r.Arn+" "+*r.RoleId, roleARN(s.name))
		}
		return nil
	}
}

// inline expects the names of the role's inline policies.
func inline(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.iam().ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &s.name})
		if err == nil && !slices.Equal(out.PolicyNames, want) {
			err = differs("inline policies", out.PolicyNames, want)
		}
		return err
	}
}

// inlineText expects the text of an inline policy.
func inlineText(name, want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.iam().GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &s.name, PolicyName: &name})
		if err != nil {
			return err
		}
		return policyIs(out.PolicyDocument, want)
	}
}

// policyIs expects a policy's text, which answers have URL-encoded.
func policyIs(encoded *string, want string) error {
	got, err := url.PathUnescape(aws.ToString(encoded))
	if err == nil && got != want {
		err = differs("policy", got, want)
	}
	return err
}

// attached expects the role's managed policies, by what follows the scene's name.
func attached(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.iam().ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: &s.name})
		if err != nil {
			return err
		}
		var got []string
		for _, p := range out.AttachedPolicies {
			got = append(got, (*p.PolicyName)[len(s.name)+1:])
			if arn := "arn:aws:iam::" + account + ":policy/" + *p.PolicyName; *p.PolicyArn != arn {
				return differs("ARN", *p.PolicyArn, arn)
			}
		}
		return sameList("attached policies", got, want)
	}
}

func detach() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.iam().DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: &s.name, PolicyArn: aws.String(s.notes["policy"])})
		return err
	}
}

// policyText expects the text of the managed policy's default version.
func policyText(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.iam().GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String(s.notes["policy"])})
		if err != nil {
			return err
		}
		return policyVersion(*out.Policy.DefaultVersionId, want)(ctx, s)
	}
}

// policyVersion expects the text of a version of the managed policy.
func policyVersion(version, want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.iam().GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String(s.notes["policy"]), VersionId: &version})
		if err != nil {
			return err
		}
		if v := out.PolicyVersion; *v.VersionId != version || !v.IsDefaultVersion {
			return differs("version", *v.VersionId, version)
		}
		return policyIs(out.PolicyVersion.Document, want)
	}
}

func callerIn(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := sts.NewFromConfig(s.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err == nil && *out.Account != want {
			err = differs("account", *out.Account, want)
		}
		return err
	}
}
