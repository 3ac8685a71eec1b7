package main

import (
	"context"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	smithyendpoints "github.com/aws/smithy-go/endpoints"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/survey"
)

// accountBlock reads the account's public access block, and notes what of it is off, or why it is not known. It decides nothing.
func (a *auditor) accountBlock(ctx context.Context, sdk aws.Config) *audit.PublicAccessBlock {
	account := a.reader.Account
	if account == "" || len(a.buckets)+len(a.stacks) == 0 && !a.all {
		return nil
	}
	block, err := survey.AccountBlock(ctx, s3control.NewFromConfig(sdk, withoutAccountInHost), a.pace, account)
	switch {
	case err != nil && ctx.Err() != nil: // interrupted
	case err != nil:
		a.results.note("the public access block of account " + account + " is not known: " + err.Error())
	case len(block.With(audit.Off)) > 0:
		a.results.note("of the public access block of account " + account + " are off: " + strings.Join(block.With(audit.Off), ", "))
	}
	return block
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
