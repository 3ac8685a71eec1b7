// Package ec2 is the local AWS's EC2: networks, security groups, route tables and VPC endpoints, over EC2's query
// protocol (version 2016-11-15).
//
// Its state consists of values that are immutable once published: a write works on a copy, which replaces the old
// state only if the whole write succeeds. So a refused call has no partial effect, and the state before the latest
// write is available for stale reads.
//
// To add a call, write a decoder for it, and add it to [Service.decoders] and its parameters to imitated.go.
package ec2

import (
	"net/http"
	"sync"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// protocol encodes this service's answers. The namespace is that of the API's version.
var protocol = query.Protocol{Namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", EC2: true}

// Service is the EC2 of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options api.Options

	mu                sync.Mutex
	current, previous *state
	// pendingReads is the number of reads of an endpoint that return "pending" after a change; pending counts them
	// down.
	pendingReads int
	pending      map[string]int
}

var (
	_ api.Service = (*Service)(nil)
	_ api.Refuser = (*Service)(nil)
)

// New makes an EC2 without networks. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service {
	empty := &state{}
	return &Service{options: o, current: empty, previous: empty, pending: map[string]int{}}
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "ec2" }

// call is one decoded request.
type call struct {
	*query.Node
	request *api.Request
	params  query.Params
}

// decoder returns the operation of a call.
type decoder func(call) *api.Operation

// decoders returns the supported calls, by name.
func (s *Service) decoders() map[string]decoder {
	return map[string]decoder{
		"AssociateDhcpOptions":          s.decodeAssociateDHCPOptions,
		"AssociateRouteTable":           s.decodeAssociateRouteTable,
		"AuthorizeSecurityGroupEgress":  s.decodeAuthorize(true),
		"AuthorizeSecurityGroupIngress": s.decodeAuthorize(false),
		"CreateDhcpOptions":             s.decodeCreateDHCPOptions,
		"CreateNetworkAcl":              s.decodeCreateNetworkACL,
		"CreateNetworkAclEntry":         s.decodeACLEntry(false),
		"CreateRouteTable":              s.decodeCreateRouteTable,
		"CreateSecurityGroup":           s.decodeCreateSecurityGroup,
		"CreateSubnet":                  s.decodeCreateSubnet,
		"CreateVpc":                     s.decodeCreateVPC,
		"CreateVpcEndpoint":             s.decodeCreateEndpoint,
		"DeleteNetworkAclEntry":         s.decodeDeleteACLEntry,
		"DeleteVpcEndpoints":            s.decodeDeleteEndpoints,
		"DescribeDhcpOptions":           s.decodeDescribeDHCPOptions,
		"DescribeNetworkAcls":           s.decodeDescribeNetworkACLs,
		"DescribeNetworkInterfaces":     s.decodeDescribeNetworkInterfaces,
		"DescribeRouteTables":           s.decodeDescribeRouteTables,
		"DescribeSecurityGroupRules":    s.decodeDescribeSecurityGroupRules,
		"DescribeSecurityGroups":        s.decodeDescribeSecurityGroups,
		"DescribeSubnets":               s.decodeDescribeSubnets,
		"DescribeVpcAttribute":          s.decodeDescribeVPCAttribute,
		"DescribeVpcEndpoints":          s.decodeDescribeEndpoints,
		"DescribeVpcs":                  s.decodeDescribeVPCs,
		"DisassociateRouteTable":        s.decodeDisassociateRouteTable,
		"ModifySecurityGroupRules":      s.decodeModifySecurityGroupRules,
		"ModifyVpcAttribute":            s.decodeModifyVPCAttribute,
		"ModifyVpcEndpoint":             s.decodeModifyEndpoint,
		"ReplaceNetworkAclAssociation":  s.decodeReplaceACLAssociation,
		"ReplaceNetworkAclEntry":        s.decodeACLEntry(true),
		"ReplaceRouteTableAssociation":  s.decodeReplaceRouteTableAssociation,
		"RevokeSecurityGroupEgress":     s.decodeRevoke(true),
		"RevokeSecurityGroupIngress":    s.decodeRevoke(false),
	}
}

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	params, err := query.Parse(r)
	if err != nil {
		return nil, err
	}
	decode, ok := s.decoders()[params["Action"]]
	if !ok {
		return nil, params.Unknown()
	}
	if err := params.Only(imitatedBy(params["Action"])...); err != nil {
		return nil, err
	}
	operation := decode(call{request: r, params: params, Node: params.Tree()})
	operation.Name = params["Action"]
	if params.Bool("DryRun") {
		operation.Do = dryRun
	}
	return operation, nil
}

// dryRun returns the answer to an allowed call with DryRun.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
func dryRun() (*api.Response, error) {
	return nil, &api.Error{
		Status: http.StatusPreconditionFailed, Code: "DryRunOperation",
		Message: "Request would have succeeded, but DryRun flag is set.",
	}
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	return protocol.Error(r, e)
}

// Denied implements [api.Refuser].
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (s *Service) Denied(r *api.Request, need api.Need, d iampolicy.Decision) *api.Error {
	return &api.Error{
		Status: http.StatusForbidden, Code: "UnauthorizedOperation",
		Message: "You are not authorized to perform this operation. " + api.DeniedMessage(r, need, d),
	}
}

// UnknownKey implements [api.Refuser].
func (s *Service) UnknownKey(*api.Request) *api.Error {
	return &api.Error{
		Status: http.StatusUnauthorized, Code: "AuthFailure",
		Message: "AWS was not able to validate the provided access credentials",
	}
}

// answer encodes the result of the call.
func (c call) answer(result any) (*api.Response, error) {
	return protocol.Answer(c.request, c.params["Action"], result)
}

// done is the result of calls that return only their success.
type done struct {
	Return bool `xml:"return"`
}
