// Package vpcendpoint guards a VPC endpoint and what decides who can reach it. For an interface endpoint these are its
// policy, private DNS, subnets, and security groups with their rules; for a gateway endpoint its policy, route tables
// and the subnets' associations with them.
//
// It implements [guard.Resource] with EC2 calls of the AWS SDK; each type declares the few calls that it makes.
// Verdicts of drift:
//
//	property                  | difference                        | verdict
//	endpoint-policy           | a probe is allowed                | open
//	                          | another difference                | closed
//	security-groups           | an extra one                      | open: its members reach the endpoint
//	                          | a missing one                     | closed
//	security-group-rules      | an extra ingress rule             | open: its source reaches the endpoint
//	                          | a missing one                     | closed
//	workload-group-rules      | an extra rule                     | open: the workload reaches or is reached by more
//	                          | a missing one                     | closed
//	private-dns               | off, or for resolver queries only | closed: names resolve to public addresses, and
//	                          |                                   | the bucket policy denies requests there
//	subnets, route-tables     | an extra or missing one           | closed: they decide whether the workload reaches
//	                          |                                   | the endpoint, not what the endpoint allows
//	route-table-associations  | a subnet with another table       | closed, as above
package vpcendpoint

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// The guarded properties' names.
const (
	policyProperty         = "endpoint-policy"
	privateDNSProperty     = "private-dns"
	subnetsProperty        = "subnets"
	securityGroupsProperty = "security-groups"
	routeTablesProperty    = "route-tables"
)

// API contains the calls that [Endpoint] makes.
type API interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	ModifyVpcEndpoint(context.Context, *ec2.ModifyVpcEndpointInput, ...func(*ec2.Options)) (*ec2.ModifyVpcEndpointOutput, error)
}

// Endpoint keeps the VPC endpoint as desired. It writes each property with a separate call, the policy first, so that a
// call that EC2 rejects does not prevent the others.
type Endpoint struct {
	API API
	// ID is the endpoint's id.
	ID string
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// Policy is the policy document from the template.
	Policy string
	// Forbidden lists the requests that the policy must deny. It is called only when the policy has drifted.
	Forbidden func() []iampolicy.ForbiddenRequest
	// Lock decides instead of Policy and Forbidden what the policy must be, if it is not nil.
	Lock guard.PolicyJudge
	// SubnetIDs and SecurityGroupIDs are an interface endpoint's, RouteTableIDs a gateway endpoint's.
	SubnetIDs, SecurityGroupIDs, RouteTableIDs []string
	// PrivateDNS is an interface endpoint's desired private DNS; nil for on, for all queries.
	PrivateDNS *adoption.PrivateDNS

	once    sync.Once
	refusal error
}

var _ guard.Resource = (*Endpoint)(nil)

// Name implements [guard.Resource].
func (e *Endpoint) Name() string { return "vpc-endpoint" }

// Inspect implements [guard.Resource] with one call for all properties.
func (e *Endpoint) Inspect(ctx context.Context) ([]guard.Finding, error) {
	seen, err := e.Read(ctx)
	switch {
	case errorcode.Denied(err):
		return []guard.Finding{e.unread(err)}, nil
	case err != nil:
		return nil, err
	case seen.lost:
		return nil, e.missing(seen.State)
	}
	return seen.Findings, nil
}

// unread returns the finding if AWS does not allow the guard to describe the endpoint. The policy counts as open,
// because only the policy can be written without the live state. The other properties are restored by adding and
// removing.
func (e *Endpoint) unread(err error) guard.Finding {
	d := e.unseen()
	return guard.Finding{
		Property: policyProperty, Target: e.ID, Verdict: iampolicy.Open, Desired: d.Document, State: d,
		Allowed: "not known, because AWS denies the guard to describe the endpoint", Unread: err,
	}
}

// Snapshot is the state of an endpoint in one response.
type Snapshot struct {
	// State is EC2's state in lower case, "available" for a working endpoint; "not found" for a missing one.
	State string
	// Created is when it was created.
	Created time.Time
	// Findings compare its guarded properties. There are none for an endpoint that is missing or being deleted.
	Findings []guard.Finding

	lost bool
}

// notFound is the state of an endpoint that does not exist.
const notFound = "not found"

// Read reads the endpoint with one call. A missing endpoint is no error here, unlike in [Endpoint.Inspect].
func (e *Endpoint) Read(ctx context.Context) (Snapshot, error) {
	live, ok, err := describe(ctx, e.API, e.ID)
	switch {
	case err != nil:
		return Snapshot{}, e.wrap(err)
	case !ok:
		return Snapshot{State: notFound, lost: true}, nil
	}
	seen := Snapshot{State: StateOf(live), Created: aws.ToTime(live.CreationTimestamp)}
	if seen.lost = IsLost(seen.State); !seen.lost {
		seen.Findings = e.compare(live)
	}
	return seen, nil
}

// compare compares the guarded properties, in order of importance.
func (e *Endpoint) compare(live types.VpcEndpoint) []guard.Finding {
	findings := []guard.Finding{e.inspectPolicy(live)}
	if e.Gateway {
		return append(findings, e.set(routeTablesProperty, e.RouteTableIDs, live.RouteTableIds))
	}
	return append(findings,
		extraIsOpen(e.set(securityGroupsProperty, e.SecurityGroupIDs, groupIDs(live)), "members of %s reach the endpoint"),
		e.inspectPrivateDNS(live),
		e.set(subnetsProperty, e.SubnetIDs, live.SubnetIds),
	)
}

// groupIDs returns the ids of an endpoint's security groups.
func groupIDs(live types.VpcEndpoint) []string {
	var ids []string
	for _, g := range live.Groups {
		ids = append(ids, aws.ToString(g.GroupId))
	}
	return ids
}

// Restore implements [guard.Resource].
func (e *Endpoint) Restore(ctx context.Context, f guard.Finding) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID}
	add, remove := changes(f)
	switch f.Property {
	case policyProperty:
		if err := e.refuse(f); err != nil {
			return fmt.Errorf("endpoint %s: %w", e.ID, err)
		}
		in.PolicyDocument = &f.Desired
	case privateDNSProperty:
		e.restorePrivateDNS(in)
	case securityGroupsProperty:
		return e.restoreGroups(ctx, add, remove)
	case routeTablesProperty:
		in.AddRouteTableIds, in.RemoveRouteTableIds = add, remove
	case subnetsProperty:
		return e.restoreSubnets(ctx, add, remove)
	default:
		return fmt.Errorf("endpoint %s: no such property: %q", e.ID, f.Property)
	}
	return e.modify(ctx, in)
}

// restoreGroups adds all desired groups, not only those that were missing when the endpoint was read: an endpoint needs
// at least one group, and another caller may have replaced them since. That EC2 accepts existing groups is (unproven);
// if it rejects them, only the missing ones are added. Source: docs/facts.md, VPC endpoints
func (e *Endpoint) restoreGroups(ctx context.Context, add, remove []string) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID, AddSecurityGroupIds: sorted(e.SecurityGroupIDs), RemoveSecurityGroupIds: remove}
	err := e.modify(ctx, in)
	if err == nil || errorcode.Denied(err) || len(add) == len(in.AddSecurityGroupIds) {
		return err
	}
	in.AddSecurityGroupIds = add
	return e.modify(ctx, in)
}

// restoreSubnets adds and removes subnets in one call. An endpoint has at most one subnet per Availability Zone: if an
// extra subnet is in the same zone, it is removed first.
// https://docs.aws.amazon.com/vpc/latest/privatelink/create-interface-endpoint.html
func (e *Endpoint) restoreSubnets(ctx context.Context, add, remove []string) error {
	err := e.modify(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID, AddSubnetIds: add, RemoveSubnetIds: remove})
	if errorcode.Of(err) != "DuplicateSubnetsInSameZone" || len(remove) == 0 {
		return err
	}
	if err := e.modify(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID, RemoveSubnetIds: remove}); err != nil {
		return err
	}
	return e.modify(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID, AddSubnetIds: add})
}

func (e *Endpoint) modify(ctx context.Context, in *ec2.ModifyVpcEndpointInput) error {
	if _, err := e.API.ModifyVpcEndpoint(ctx, in); err != nil {
		return e.wrap(err)
	}
	return nil
}

// missing returns the error for an endpoint that no write can restore: its id is never reused (docs/facts.md, VPC
// endpoints).
func (e *Endpoint) missing(state string) error {
	return guard.RemedyEndpointGone.For(fmt.Errorf("endpoint %s: %s: %w", e.ID, state, guard.ErrMissing))
}

// wrap adds to a call's error the endpoint's id and, if a person must act, the remedy.
func (e *Endpoint) wrap(err error) error {
	if isGone(err) {
		return fmt.Errorf("%w: %w", e.missing(notFound), err)
	}
	return explain("endpoint "+e.ID, err)
}

// explain adds to a call's error its target and, if a person must act, the remedy. Transient failures do not arrive
// here: the SDK has already retried them (see awsconfig).
func explain(target string, err error) error {
	switch errorcode.Of(err) {
	case "UnauthorizedOperation", "AccessDenied", "AccessDeniedException":
		return guard.RemedyDenied.For(fmt.Errorf("%s: %w", target, err))
	case "InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidSubnetID.NotFound", "InvalidSubnetId.NotFound",
		"InvalidRouteTableID.NotFound", "InvalidRouteTableId.NotFound":
		return guard.RemedyNeededGone.For(fmt.Errorf("%s: something that it needs: %w: %w", target, guard.ErrMissing, err))
	default:
		return fmt.Errorf("%s: %w", target, err)
	}
}
