package inspect

import (
	"context"
	"fmt"
	"net/url"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// RoleAPI has the calls that [Role] makes.
type RoleAPI interface {
	ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error)
	GetRolePolicy(context.Context, *iam.GetRolePolicyInput, ...func(*iam.Options)) (*iam.GetRolePolicyOutput, error)
	ListAttachedRolePolicies(context.Context, *iam.ListAttachedRolePoliciesInput, ...func(*iam.Options)) (*iam.ListAttachedRolePoliciesOutput, error)
	GetPolicy(context.Context, *iam.GetPolicyInput, ...func(*iam.Options)) (*iam.GetPolicyOutput, error)
	GetPolicyVersion(context.Context, *iam.GetPolicyVersionInput, ...func(*iam.Options)) (*iam.GetPolicyVersionOutput, error)
}

// Role is a role whose policies, inline and attached, are read. It is safe for concurrent use.
type Role struct {
	API  RoleAPI
	Name string

	mu sync.Mutex
	// versions are the documents of managed policies by ARN and version. A version never changes, so only a policy that
	// is not in it yet costs a third round trip.
	versions map[string]string
}

// Read reads all policies: inline ones in two round trips, attached ones in two, or three if one is new. It returns
// those that it could read, even if the error names others.
func (r *Role) Read(ctx context.Context) ([]health.Document, error) {
	var inline, attached []health.Document
	err := parallel.All(
		func() (err error) { inline, err = r.inline(ctx); return err },
		func() (err error) { attached, err = r.attached(ctx); return err })
	if err != nil {
		err = fmt.Errorf("role %s: %w", r.Name, err)
	}
	return append(inline, attached...), err
}

func (r *Role) inline(ctx context.Context) ([]health.Document, error) {
	var names []string
	pages := iam.NewListRolePoliciesPaginator(r.API, &iam.ListRolePoliciesInput{RoleName: &r.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		names = append(names, page.PolicyNames...)
	}
	return parallel.Readable(names, func(name string) (health.Document, error) {
		live, err := r.API.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &r.Name, PolicyName: &name})
		if err != nil {
			return health.Document{}, fmt.Errorf("inline policy %s: %w", name, err)
		}
		return document(name, live.PolicyDocument)
	})
}

func (r *Role) attached(ctx context.Context) ([]health.Document, error) {
	var policies []types.AttachedPolicy
	pages := iam.NewListAttachedRolePoliciesPaginator(r.API, &iam.ListAttachedRolePoliciesInput{RoleName: &r.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		policies = append(policies, page.AttachedPolicies...)
	}
	return parallel.Readable(policies, func(p types.AttachedPolicy) (health.Document, error) {
		d, err := r.managed(ctx, aws.ToString(p.PolicyArn))
		if err != nil {
			return d, fmt.Errorf("attached policy %s: %w", aws.ToString(p.PolicyArn), err)
		}
		return d, nil
	})
}

// managed reads the default version of a managed policy, which is the one in force.
func (r *Role) managed(ctx context.Context, arn string) (health.Document, error) {
	live, err := r.API.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: &arn})
	if err != nil {
		return health.Document{}, err
	}
	if live.Policy == nil {
		return health.Document{}, fmt.Errorf("IAM answered without a policy")
	}
	version := live.Policy.DefaultVersionId
	key := arn + " " + aws.ToString(version)
	if text, ok := r.known(key); ok {
		return health.Document{Name: arn, Text: text}, nil
	}
	content, err := r.API.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: &arn, VersionId: version})
	if err != nil {
		return health.Document{}, err
	}
	if content.PolicyVersion == nil {
		return health.Document{}, fmt.Errorf("IAM answered without a version")
	}
	d, err := document(arn, content.PolicyVersion.Document)
	if err == nil {
		r.remember(key, d.Text)
	}
	return d, err
}

func (r *Role) known(key string) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	text, ok := r.versions[key]
	return text, ok
}

func (r *Role) remember(key, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.versions == nil {
		r.versions = map[string]string{}
	}
	r.versions[key] = text
}

// document decodes a policy as IAM returns it: URL-encoded.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html
func document(name string, encoded *string) (health.Document, error) {
	text, err := url.PathUnescape(aws.ToString(encoded))
	if err != nil {
		return health.Document{}, fmt.Errorf("policy %s: %w", name, err)
	}
	return health.Document{Name: name, Text: text}, nil
}
