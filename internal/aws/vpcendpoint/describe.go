package vpcendpoint

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// ServiceName returns the name of S3's interface endpoint service, which is also the dimension by which CloudWatch
// separates its metrics from those of other services. China's names have one more label.
// https://docs.amazonaws.cn/en_us/aws/latest/userguide/endpoints-Beijing.html
func ServiceName(partition, region string) string {
	names := ServiceNames(region)
	if partition == "aws-cn" {
		return names[1]
	}
	return names[0]
}

// ServiceNames returns all names of S3's endpoint services in a Region of any partition, the shorter one first. In China the gateway
// endpoint's service has it as well.
func ServiceNames(region string) []string {
	name := "com.amazonaws." + region + ".s3"
	return []string{name, "cn." + name}
}

// StateOf returns EC2's state of an endpoint in lower case: the SDK's constants are capitalised, EC2's responses are not.
func StateOf(e types.VpcEndpoint) string { return strings.ToLower(string(e.State)) }

// IsLost reports whether an endpoint in this state is being deleted or will never work.
func IsLost(state string) bool {
	return slices.Contains([]string{"deleting", "deleted", "failed", "rejected", "expired"}, state)
}

// isGone reports whether EC2 says that there is no such endpoint.
func isGone(err error) bool {
	code := errorcode.Of(err)
	return code == "InvalidVpcEndpointId.NotFound" || code == "InvalidVpcEndpoint.NotFound"
}

// describe reads an endpoint with one call; ok is false if there is no such endpoint. The error is the call's.
func describe(ctx context.Context, api ec2.DescribeVpcEndpointsAPIClient, id string) (live types.VpcEndpoint, ok bool, err error) {
	answer, err := api.DescribeVpcEndpoints(ctx, &ec2.DescribeVpcEndpointsInput{VpcEndpointIds: []string{id}})
	switch {
	case isGone(err), err == nil && len(answer.VpcEndpoints) == 0:
		return types.VpcEndpoint{}, false, nil
	case err != nil:
		return types.VpcEndpoint{}, false, err
	}
	return answer.VpcEndpoints[0], true, nil
}

// readRules reads the rules of security groups. The error is the call's.
func readRules(ctx context.Context, api ec2.DescribeSecurityGroupRulesAPIClient, groups []string) ([]types.SecurityGroupRule, error) {
	var rules []types.SecurityGroupRule
	pages := ec2.NewDescribeSecurityGroupRulesPaginator(api, &ec2.DescribeSecurityGroupRulesInput{
		Filters: []types.Filter{{Name: aws.String("group-id"), Values: groups}},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		rules = append(rules, page.SecurityGroupRules...)
	}
	return rules, nil
}
