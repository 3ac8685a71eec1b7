package vpcendpoint

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/health"
)

// StatesAPI contains the call that [States] makes.
type StatesAPI interface {
	DescribeVpcEndpoints(context.Context, *ec2.DescribeVpcEndpointsInput, ...func(*ec2.Options)) (*ec2.DescribeVpcEndpointsOutput, error)
}

// States reads the states of several endpoints.
type States struct {
	API StatesAPI
	IDs []string
}

// Read reads the states, in the order of the ids, with one call. A missing endpoint has the state "not found": the ids are a filter,
// because EC2 refuses a list of ids in which one is unknown.
func (s *States) Read(ctx context.Context) ([]health.EndpointState, error) {
	answer, err := s.API.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{
		Filters: []types.Filter{{Name: aws.String("vpc-endpoint-id"), Values: s.IDs}},
	})
	if err != nil {
		return nil, explain("VPC endpoints "+strings.Join(s.IDs, ", "), err)
	}
	live := map[string]string{}
	for _, e := range answer.VpcEndpoints {
		live[aws.ToString(e.VpcEndpointId)] = StateOf(e)
	}
	states := make([]health.EndpointState, len(s.IDs))
	for i, id := range s.IDs {
		states[i] = health.EndpointState{ID: id, State: notFound}
		if state, ok := live[id]; ok {
			states[i].State = state
		}
	}
	return states, nil
}
