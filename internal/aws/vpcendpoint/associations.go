package vpcendpoint

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// AssociationsAPI contains the calls that [Associations] makes.
type AssociationsAPI interface {
	DescribeRouteTables(context.Context, *ec2.DescribeRouteTablesInput, ...func(*ec2.Options)) (*ec2.DescribeRouteTablesOutput, error)
	AssociateRouteTable(context.Context, *ec2.AssociateRouteTableInput, ...func(*ec2.Options)) (*ec2.AssociateRouteTableOutput, error)
	ReplaceRouteTableAssociation(context.Context, *ec2.ReplaceRouteTableAssociationInput, ...func(*ec2.Options)) (*ec2.ReplaceRouteTableAssociationOutput, error)
}

// Associations keeps the workload's subnets on route tables with a route to the gateway endpoint. A subnet on another
// table, or without an association and so on the VPC's main table, bypasses the endpoint.
type Associations struct {
	API   AssociationsAPI
	VPCID string
	// SubnetIDs are the workload's subnets. Each must use one of RouteTableIDs; others are associated with the one in Tables, by
	// subnet, or with the first one if that is not known.
	SubnetIDs, RouteTableIDs []string
	Tables                   map[string]string
}

var _ guard.Resource = (*Associations)(nil)

// Name implements [guard.Resource].
func (a *Associations) Name() string { return "route-table-associations" }

// route is the route table that a subnet uses.
type route struct {
	subnetID, tableID string
	// associationID is "" if the subnet has no association and uses the main table.
	associationID string
}

// String returns the route as in records, e.g. "subnet-1 on rtb-1".
func (r route) String() string { return r.subnetID + " on " + r.tableID }

// Inspect implements [guard.Resource].
func (a *Associations) Inspect(ctx context.Context) ([]guard.Finding, error) {
	tables, err := a.tables(ctx)
	if err != nil {
		return nil, err
	}
	return []guard.Finding{a.judge(tables)}, nil
}

// tables reads all route tables of the VPC.
func (a *Associations) tables(ctx context.Context) ([]types.RouteTable, error) {
	tables, err := routeTables(ctx, a.API, a.VPCID)
	if err != nil {
		return nil, explain("route tables of "+a.VPCID, err)
	}
	return tables, nil
}

// routeTables reads all route tables of a VPC. The main table applies to subnets without an association.
func routeTables(ctx context.Context, api ec2.DescribeRouteTablesAPIClient, vpcID string) ([]types.RouteTable, error) {
	var tables []types.RouteTable
	pages := ec2.NewDescribeRouteTablesPaginator(api, &ec2.DescribeRouteTablesInput{
		Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{vpcID}}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		tables = append(tables, page.RouteTables...)
	}
	return tables, nil
}

// ReadRouting reads the same as Inspect, and also finds which of RouteTableIDs have no active route to the endpoint.
func (a *Associations) ReadRouting(ctx context.Context, endpointID string) (health.Routing, error) {
	tables, err := a.tables(ctx)
	if err != nil {
		return health.Routing{}, err
	}
	routing := health.Routing{Subnets: a.judge(tables)}
	for _, id := range a.RouteTableIDs {
		if !slices.ContainsFunc(tables, func(t types.RouteTable) bool {
			return aws.ToString(t.RouteTableId) == id && slices.ContainsFunc(t.Routes, leadsTo(endpointID))
		}) {
			routing.Without = append(routing.Without, id)
		}
	}
	return routing, nil
}

// leadsTo reports whether a route sends a prefix list, which is S3's, to the endpoint.
// https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html#gateway-endpoint-routing
func leadsTo(endpointID string) func(types.Route) bool {
	return func(r types.Route) bool {
		return aws.ToString(r.GatewayId) == endpointID && aws.ToString(r.DestinationPrefixListId) != "" && r.State == types.RouteStateActive
	}
}

func (a *Associations) judge(tables []types.RouteTable) guard.Finding {
	finding := guard.Finding{Property: a.Name(), Target: a.VPCID, Verdict: iampolicy.Same}
	var live, desired []string
	var stray []route
	for _, subnet := range sorted(a.SubnetIDs) {
		r := routeOf(subnet, tables)
		want := r
		if !slices.Contains(a.RouteTableIDs, r.tableID) {
			want.tableID = a.tableOf(subnet)
			stray = append(stray, r)
			finding.Verdict = iampolicy.Closed
			finding.Diff = append(finding.Diff, guard.Difference{Removed: true, Value: want.String()},
				guard.Difference{Name: r.associationID, Value: r.String()})
		}
		live, desired = append(live, r.String()), append(desired, want.String())
	}
	finding.Live, finding.Desired, finding.State = guard.Compact(live), guard.Compact(desired), stray
	return finding
}

// tableOf returns the route table that a subnet is put back on.
func (a *Associations) tableOf(subnet string) string {
	if table := a.Tables[subnet]; slices.Contains(a.RouteTableIDs, table) {
		return table
	}
	return a.RouteTableIDs[0]
}

// routeOf returns the route table that a subnet uses.
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
func routeOf(subnet string, tables []types.RouteTable) route {
	main := "no route table"
	for _, table := range tables {
		for _, association := range table.Associations {
			if aws.ToBool(association.Main) {
				main = aws.ToString(table.RouteTableId)
			}
			if aws.ToString(association.SubnetId) == subnet && inForce(association) {
				return route{subnet, aws.ToString(table.RouteTableId), aws.ToString(association.RouteTableAssociationId)}
			}
		}
	}
	return route{subnetID: subnet, tableID: main}
}

// inForce reports whether an association is active, that is, neither failed nor being removed.
func inForce(association types.RouteTableAssociation) bool {
	if association.AssociationState == nil {
		return true
	}
	switch association.AssociationState.State {
	case types.RouteTableAssociationStateCodeDisassociating, types.RouteTableAssociationStateCodeDisassociated,
		types.RouteTableAssociationStateCodeFailed:
		return false
	}
	return true
}

// Restore implements [guard.Resource]. If one subnet fails, it still tries the others.
func (a *Associations) Restore(ctx context.Context, f guard.Finding) error {
	stray, _ := f.State.([]route)
	var failed []string
	var last error
	for _, r := range stray {
		if err := a.putBack(ctx, r); err != nil {
			failed, last = append(failed, r.subnetID), err
		}
	}
	if last != nil {
		return explain(strings.Join(failed, ", "), last)
	}
	return nil
}

// putBack associates one subnet with its table. If another run was faster, that is no error: the
// read-back decides.
func (a *Associations) putBack(ctx context.Context, r route) error {
	table := a.tableOf(r.subnetID)
	var err error
	if r.associationID == "" {
		_, err = a.API.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{
			SubnetId: &r.subnetID, RouteTableId: &table,
		})
	} else {
		_, err = a.API.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{
			AssociationId: &r.associationID, RouteTableId: &table,
		})
	}
	switch errorcode.Of(err) {
	case "Resource.AlreadyAssociated", "InvalidAssociationID.NotFound":
		return nil
	}
	return err
}
