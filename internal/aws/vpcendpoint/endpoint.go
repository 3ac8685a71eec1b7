// Package vpcendpoint guards a VPC endpoint and what decides who reaches it: its policy, private DNS, subnets,
// security groups and their rules (interface endpoint), or its policy, route tables and the subnets' association with
// these (gateway endpoint).
//
// It implements [guard.Resource] with the EC2 calls of the AWS SDK; each type names the few calls that it makes. How
// drift is judged:
//
//	property                  | what differs                      | verdict
//	endpoint-policy           | any probe is allowed              | open
//	                          | anything else                     | closed
//	security-groups           | one more                          | open: its members reach the endpoint
//	                          | one missing                       | closed
//	security-group-rules      | another ingress rule              | open: whom it names reaches the endpoint
//	                          | one missing                       | closed
//	private-dns               | off, or for resolver queries only | closed: names lead to the internet, where the
//	                          |                                   | bucket policy denies
//	subnets, route-tables     | one more or missing               | closed: they decide whether the workload finds
//	                          |                                   | the endpoint, not what may pass through it
//	route-table-associations  | a subnet with another table       | closed, for the same reason
package vpcendpoint

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"s3-endpoint-guard/internal/aws/errorcode"
	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
)

// The guarded properties' names.
const (
	policyProperty         = "endpoint-policy"
	privateDNSProperty     = "private-dns"
	subnetsProperty        = "subnets"
	securityGroupsProperty = "security-groups"
	routeTablesProperty    = "route-tables"
)

// API has the calls that [Endpoint] makes.
type API interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
	ModifyVpcEndpoint(context.Context, *ec2.ModifyVpcEndpointInput, ...func(*ec2.Options)) (*ec2.ModifyVpcEndpointOutput, error)
}

// Endpoint keeps the VPC endpoint as desired. Each property is written by a call of its own, the policy first, so
// that one that EC2 refuses keeps none of the others from being restored.
type Endpoint struct {
	API API
	// ID is the endpoint's id.
	ID string
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// Policy is the policy document from the template.
	Policy string
	// Probes lists the requests that the policy must deny. It is called only when the policy has drifted.
	Probes func() []iampolicy.Probe
	// SubnetIDs and SecurityGroupIDs are an interface endpoint's, RouteTableIDs a gateway endpoint's.
	SubnetIDs, SecurityGroupIDs, RouteTableIDs []string

	once    sync.Once
	refusal error
}

var _ guard.Resource = (*Endpoint)(nil)

// Name implements [guard.Resource].
func (e *Endpoint) Name() string { return "vpc-endpoint" }

// Inspect implements [guard.Resource] with one call for all properties.
func (e *Endpoint) Inspect(ctx context.Context) ([]guard.Finding, error) {
	seen, err := e.Look(ctx)
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

// unread is the finding of an endpoint that AWS does not let the guard describe: its policy counts as open, because it
// alone can be written without knowing what is live. The other properties are restored by adding and removing.
func (e *Endpoint) unread(err error) guard.Finding {
	return guard.Finding{
		Property: policyProperty, Target: e.ID, Verdict: iampolicy.Open, Desired: e.Policy,
		Allowed: "not known, because AWS denies the guard to describe the endpoint", Unread: err,
	}
}

// Sight is an endpoint as one look at it shows it.
type Sight struct {
	// State is EC2's word in small letters, "available" for one that works; "not found" for one that is gone.
	State string
	// Created is when it was created.
	Created time.Time
	// Findings compare its guarded properties. There are none for an endpoint that is gone or on its way out.
	Findings []guard.Finding

	lost bool
}

// notFound is the state of an endpoint that EC2 does not know.
const notFound = "not found"

// Look reads the endpoint with one call. That it is gone is no error here, unlike for [Endpoint.Inspect].
func (e *Endpoint) Look(ctx context.Context) (Sight, error) {
	answer, err := e.API.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{e.ID}})
	switch errorcode.Of(err) {
	case "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound":
		return Sight{State: notFound, lost: true}, nil
	}
	if err != nil {
		return Sight{}, e.wrap(err)
	}
	if len(answer.VpcEndpoints) == 0 {
		return Sight{State: notFound, lost: true}, nil
	}
	live := answer.VpcEndpoints[0]
	// The SDK's constants are capitalised, EC2's answers are not.
	seen := Sight{State: strings.ToLower(string(live.State)), Created: aws.ToTime(live.CreationTimestamp)}
	switch seen.State {
	case "deleting", "deleted", "failed", "rejected", "expired":
		seen.lost = true
	default:
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
	var groups []string
	for _, g := range live.Groups {
		groups = append(groups, aws.ToString(g.GroupId))
	}
	return append(findings,
		extraIsOpen(e.set(securityGroupsProperty, e.SecurityGroupIDs, groups), "members of %s reach the endpoint"),
		e.inspectPrivateDNS(live),
		e.set(subnetsProperty, e.SubnetIDs, live.SubnetIds),
	)
}

// Restore implements [guard.Resource].
func (e *Endpoint) Restore(ctx context.Context, f guard.Finding) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID}
	add, remove := changes(f)
	switch f.Property {
	case policyProperty:
		e.once.Do(func() { e.refusal = guard.Holds(e.Policy, e.Probes()) })
		if e.refusal != nil {
			return fmt.Errorf("endpoint %s: %w", e.ID, e.refusal)
		}
		in.PolicyDocument = &e.Policy
	case privateDNSProperty:
		restorePrivateDNS(in)
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

// restoreGroups names all desired groups in its change, not only those that were missing when the endpoint was read: an
// endpoint needs at least one group, and somebody may have exchanged them since. That EC2 takes groups that are there
// already is (unproven): where it refuses, only the missing ones are added. FACTS: VPC endpoints
func (e *Endpoint) restoreGroups(ctx context.Context, add, remove []string) error {
	in := &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.ID, AddSecurityGroupIds: sorted(e.SecurityGroupIDs), RemoveSecurityGroupIds: remove}
	err := e.modify(ctx, in)
	if err == nil || errorcode.Denied(err) || len(add) == len(in.AddSecurityGroupIds) {
		return err
	}
	in.AddSecurityGroupIds = add
	return e.modify(ctx, in)
}

// restoreSubnets adds and removes subnets in one call. An endpoint has at most one subnet in an Availability Zone:
// where a foreign one stands in the way, it is removed first.
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

// missing is the error of an endpoint that no write can repair: its id never comes back. FACTS: VPC endpoints
func (e *Endpoint) missing(state string) error {
	return guard.RemedyEndpointGone.For(fmt.Errorf("endpoint %s: %s: %w", e.ID, state, guard.ErrMissing))
}

// wrap adds the endpoint's id to an error of a call, and what to do where a person has to act.
func (e *Endpoint) wrap(err error) error {
	switch errorcode.Of(err) {
	case "InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound":
		return fmt.Errorf("%w: %w", e.missing("not found"), err)
	default:
		return explain("endpoint "+e.ID, err)
	}
}

// explain adds to an error of a call what it was about, and the remedy where a person has to act. Transient failures
// never get here: the SDK has tried them again (see awsconfig).
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
