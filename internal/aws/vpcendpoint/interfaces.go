package vpcendpoint

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/health"
)

// InterfacesAPI contains the call that [Interfaces] makes.
type InterfacesAPI interface {
	DescribeNetworkInterfaces(context.Context, *ec2.DescribeNetworkInterfacesInput, ...func(*ec2.Options)) (*ec2.DescribeNetworkInterfacesOutput, error)
}

// Interfaces reads an interface endpoint's network interfaces.
type Interfaces struct {
	API InterfacesAPI
	// ID is the endpoint's id, VPCID its VPC's.
	ID, VPCID string
}

// Read reads the network interfaces. Their description names the endpoint, so that this call need not wait for
// DescribeVpcEndpoints. Source: docs/facts.md, VPC endpoints
func (i *Interfaces) Read(ctx context.Context) ([]health.Interface, error) {
	var list []health.Interface
	pages := ec2.NewDescribeNetworkInterfacesPaginator(i.API, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{
		{Name: aws.String("vpc-id"), Values: []string{i.VPCID}},
		{Name: aws.String("description"), Values: []string{"VPC Endpoint Interface " + i.ID}},
	}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, explain("network interfaces of "+i.ID, err)
		}
		for _, n := range page.NetworkInterfaces {
			list = append(list, health.Interface{
				ID: aws.ToString(n.NetworkInterfaceId), SubnetID: aws.ToString(n.SubnetId),
				Zone: aws.ToString(n.AvailabilityZone), Status: string(n.Status),
			})
		}
	}
	return list, nil
}
