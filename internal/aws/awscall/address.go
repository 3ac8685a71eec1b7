package awscall

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/s3-endpoint-guard/internal/lock"
)

// What the SDK asks a configuration's sources for.
type (
	serviceEndpoints interface {
		GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
	}
	ignoring interface {
		GetIgnoreConfiguredEndpoints(ctx context.Context) (bool, bool, error)
	}
	fips interface {
		GetUseFIPSEndpoint(ctx context.Context) (aws.FIPSEndpointState, bool, error)
	}
	dualStack interface {
		GetUseDualStackEndpoint(ctx context.Context) (aws.DualStackEndpointState, bool, error)
	}
)

// first returns the answer of the first source that has one, as the SDK takes it; its zero value if none has.
func first[S, T any](c aws.Config, ask func(S) (T, bool, error)) (value T, found bool, err error) {
	for _, source := range c.ConfigSources {
		if of, ok := source.(S); ok {
			if value, found, err = ask(of); err != nil || found {
				return value, found, err
			}
		}
	}
	return value, false, nil
}

// address returns the service's endpoint: the configured one for the service, unless those are to be ignored, that for all services, or
// AWS's own.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (c *Client) address(ctx context.Context) (string, error) {
	ignore, _, err := first(c.config, func(s ignoring) (bool, bool, error) { return s.GetIgnoreConfiguredEndpoints(ctx) })
	if err != nil {
		return "", err
	}
	if !ignore {
		url, found, err := first(c.config, func(s serviceEndpoints) (string, bool, error) { return s.GetServiceBaseEndpoint(ctx, c.service.ID) })
		if err != nil || found {
			return url, err
		}
	}
	if url := aws.ToString(c.config.BaseEndpoint); url != "" {
		return url, nil
	}
	return c.ownAddress(ctx)
}

// ownAddress returns AWS's own endpoint of the service: that for FIPS 140 and that for IPv6, if the configuration demands them. In the
// partition aws-us-gov, the usual endpoints are those for FIPS 140 if they are for IPv4 only.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html
// https://docs.aws.amazon.com/general/latest/gr/ssm.html
func (c *Client) ownAddress(ctx context.Context) (string, error) {
	strict, _, err := first(c.config, func(s fips) (aws.FIPSEndpointState, bool, error) { return s.GetUseFIPSEndpoint(ctx) })
	if err != nil {
		return "", err
	}
	both, _, err := first(c.config, func(s dualStack) (aws.DualStackEndpointState, bool, error) { return s.GetUseDualStackEndpoint(ctx) })
	if err != nil {
		return "", err
	}
	partition := lock.PartitionOf(c.config.Region)
	name, domain := c.service.Name, Domain(partition)
	if both == aws.DualStackEndpointStateEnabled {
		if domain = "api.aws"; partition == "aws-cn" {
			domain = "api.amazonwebservices.com.cn"
		}
	}
	if strict == aws.FIPSEndpointStateEnabled && (partition != "aws-us-gov" || domain == "api.aws") {
		name += "-fips"
	}
	return fmt.Sprintf("https://%s.%s.%s/", name, c.config.Region, domain), nil
}

// Domain returns the end of the services' host names in a partition.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html#cfn-pseudo-param-urlsuffix
func Domain(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}
