package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/s3versions"
)

// place says where a bucket is and with which profile it is read. Empty fields are taken from the machine's AWS
// configuration.
type place struct {
	bucket, owner, region, profile, endpoint string
}

// open returns a client for the bucket's own Region after a first request to the bucket. If S3 names another Region,
// open uses that one, as the AWS CLI does, and writes so to say. The client is nil if the configuration cannot be
// read.
func (p place) open(ctx context.Context, say io.Writer) (*s3.Client, error) {
	sdk, err := p.load(ctx)
	if err != nil {
		return nil, err
	}
	style, err := addressingStyle(p.profile)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	client, configured := p.client(sdk, style), sdk.Region
	err = p.look(ctx, client)
	if other := errorcode.RegionOf(err); other != "" && other != configured {
		fmt.Fprintf(say, "bucket %s is in Region %s, not in %s: asking there\n", p.bucket, other, configured)
		sdk.Region = other
		client = p.client(sdk, style)
		err = p.look(ctx, client)
	}
	return client, p.explained(sdk.Region, configured, err)
}

// answerTimeout limits each call that the engine does not make, including its retries. The engine has its own limits.
const answerTimeout = time.Minute

// look sends S3 a first request about the bucket.
func (p place) look(ctx context.Context, client *s3.Client) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := s3versions.New(client, p.bucket, p.owner).Protection(ctx)
	return err
}

// load reads the machine's AWS configuration. With --endpoint-url it is for that address, whatever the service. The credentials are had
// from where they are configured.
func (p place) load(ctx context.Context) (aws.Config, error) {
	if address, err := url.Parse(p.endpoint); p.endpoint != "" && (err != nil || address.Host == "" || address.Scheme != "http" && address.Scheme != "https") {
		return aws.Config{}, fmt.Errorf("--endpoint-url %s: want an address such as http://localhost:9000", p.endpoint)
	}
	sdk, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(s3versions.HTTPClient()), config.WithRegion(p.region),
		config.WithSharedConfigProfile(p.profile), config.WithLogger(logging.Nop{})) // errors are returned, and say it all
	if err != nil {
		return sdk, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if sdk.Region == "" {
		return sdk, errors.New("no Region is configured: say --region, or set AWS_REGION")
	}
	if _, err := sdk.Credentials.Retrieve(ctx); err != nil {
		return sdk, fmt.Errorf("no credentials could be had: say --profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", err)
	}
	if p.endpoint != "" {
		// A service's own address, from the environment or the profile, would win over BaseEndpoint alone.
		sdk.BaseEndpoint = &p.endpoint
		sdk.ConfigSources = append([]any{oneEndpoint(p.endpoint)}, sdk.ConfigSources...)
	}
	return sdk, nil
}

// oneEndpoint is the address of all services, as a source of the SDK's configuration.
type oneEndpoint string

// GetServiceBaseEndpoint is the method that the SDK's clients call.
func (e oneEndpoint) GetServiceBaseEndpoint(context.Context, string) (string, bool, error) {
	return string(e), true, nil
}

// client makes a client from the configuration.
func (p place) client(sdk aws.Config, style string) *s3.Client {
	return s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.UsePathStyle = pathStyle(style, o.BaseEndpoint != nil)
	})
}

// explained adds to S3's refusal which bucket was read, and where.
func (p place) explained(region, configured string, err error) error {
	if err == nil {
		return nil
	}
	where := ""
	switch code := errorcode.Of(err); {
	case region != configured:
		where = fmt.Sprintf(" in Region %s, which S3 named", region)
	case code == "PermanentRedirect" || code == "TemporaryRedirect" || code == "AuthorizationHeaderMalformed":
		where = fmt.Sprintf(" in Region %s, where it is not (--region names another)", region)
	}
	return fmt.Errorf("looking at bucket %s%s: %w", p.bucket, where, err)
}
