package inspect

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// AccessPointAPI has the call that [AccessPoints] makes.
type AccessPointAPI interface {
	ListAccessPoints(context.Context, *s3control.ListAccessPointsInput, ...func(*s3control.Options)) (*s3control.ListAccessPointsOutput, error)
}

// AccessPoints are the access points of the account for a bucket. The template declares none. Those of other accounts are not
// listed; like all requests, theirs need the bucket's policy. (docs/facts.md, S3)
type AccessPoints struct {
	API             AccessPointAPI
	Bucket, Account string
}

// Read returns their names, at most a page of 1,000, in one round trip.
func (a *AccessPoints) Read(ctx context.Context) ([]string, error) {
	answer, err := a.API.ListAccessPoints(ctx, &s3control.ListAccessPointsInput{AccountId: &a.Account, Bucket: &a.Bucket})
	if err != nil {
		return nil, fmt.Errorf("access points of bucket %s: %w", a.Bucket, err)
	}
	var names []string
	for _, p := range answer.AccessPointList {
		names = append(names, aws.ToString(p.Name))
	}
	return names, nil
}

// S3Control returns a client of S3 Control.
func S3Control(sdk aws.Config) *s3control.Client {
	return s3control.NewFromConfig(sdk, withoutAccountInHost)
}

// withoutAccountInHost keeps the SDK from putting the account in front of a host that is an address, e.g. of a local AWS.
func withoutAccountInHost(o *s3control.Options) {
	if o.BaseEndpoint == nil {
		return
	}
	address, err := url.Parse(*o.BaseEndpoint)
	if err == nil && (net.ParseIP(address.Hostname()) != nil || address.Hostname() == "localhost") {
		o.EndpointResolverV2 = fixedEndpoint{*address}
	}
}

// fixedEndpoint is the address of all requests.
type fixedEndpoint struct{ url.URL }

func (e fixedEndpoint) ResolveEndpoint(context.Context, s3control.EndpointParameters) (smithyendpoints.Endpoint, error) {
	return smithyendpoints.Endpoint{URI: e.URL}, nil
}
