package awscall_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdkconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
)

// The command line has the user's configuration. What that says about endpoints must reach the same address as with the SDK's client.
func TestTheAddressIsThatOfTheSDKsClient(t *testing.T) {
	for name, environment := range map[string]map[string]string{
		"nothing":                    {},
		"FIPS":                       {"AWS_USE_FIPS_ENDPOINT": "true"},
		"dual stack":                 {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"both":                       {"AWS_USE_FIPS_ENDPOINT": "true", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"configured":                 {"AWS_USE_FIPS_ENDPOINT": "false", "AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1", "AWS_ENDPOINT_URL": "http://127.0.0.1:2"},
		"configured for all":         {"AWS_ENDPOINT_URL": "http://127.0.0.1:2"},
		"configured, but ignored":    {"AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
		"all configured but ignored": {"AWS_ENDPOINT_URL": "http://127.0.0.1:2", "AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
	} {
		for _, region := range []string{"eu-central-1", "us-gov-west-1", "cn-north-1"} {
			t.Run(name+" in "+region, func(t *testing.T) {
				for variable, value := range environment {
					t.Setenv(variable, value)
				}
				tr := &transport{answers: []any{answer(200, `{}`)}}
				c, err := sdkconfig.LoadDefaultConfig(t.Context(), sdkconfig.WithRegion(region),
					sdkconfig.WithSharedConfigFiles([]string{}), sdkconfig.WithSharedCredentialsFiles([]string{}))
				if err != nil {
					t.Fatal(err)
				}
				c.HTTPClient, c.Credentials = tr, config(t, region, tr).Credentials
				if _, err := ssm.NewFromConfig(c).DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String("a")}); err != nil {
					t.Fatal(err)
				}
				if err := awscall.New(c, awscall.SSM).Call(t.Context(), "DeleteParameter", struct{}{}, nil); err != nil {
					t.Fatal(err)
				}
				if got, want := tr.requests[1].URL.String(), tr.requests[0].URL.String(); got != want {
					t.Errorf("the address is %s, that of the SDK's client %s", got, want)
				}
			})
		}
	}
}
