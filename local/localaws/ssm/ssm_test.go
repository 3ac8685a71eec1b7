package ssm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsssm "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// newStore makes a store, and a client with one policy.
func newStore(t *testing.T, policy string) (*ssm.Service, *awsssm.Client, *api.Gate) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{Now: func() time.Time { return noon }})
	s := ssm.New(gate.Options())
	gate.Add(s)
	return s, awsssm.NewFromConfig(localtest.Config(t, gate, policy)), gate
}

func TestParametersAreRead(t *testing.T) {
	s, client, _ := newStore(t, localtest.Everything)
	s.Put("policy", "String", "one")
	s.Put("policy", "String", "two")
	got := localtest.Must(client.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("policy")}))(t).Parameter
	if *got.Name != "policy" || got.Type != "String" || *got.Value != "two" || got.Version != 2 ||
		!strings.HasSuffix(*got.ARN, ":parameter/policy") || !got.LastModifiedDate.Equal(noon) {
		t.Errorf("GetParameter = %+v, want the second version", got)
	}
	s.Delete("policy")
	if _, err := client.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("policy")}); localtest.Code(err) != "ParameterNotFound" {
		t.Errorf("GetParameter after Delete = %v, want ParameterNotFound", err)
	}
	if _, err := client.GetParameters(t.Context(), &awsssm.GetParametersInput{Names: []string{"policy"}}); localtest.Code(err) != "UnknownOperationException" {
		t.Errorf("GetParameters = %v, want UnknownOperationException", err)
	}
}

func TestPutParameterRefusesWhatAWSRefuses(t *testing.T) {
	for name, v := range map[string]struct {
		in   awsssm.PutParameterInput
		want string
	}{
		"a value":                       {awsssm.PutParameterInput{Name: aws.String("/guard/pause/docs"), Value: aws.String("x")}, ""},
		"no slash":                      {awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String("x")}, ""},
		"a path without a first slash":  {awsssm.PutParameterInput{Name: aws.String("guard/docs"), Value: aws.String("x")}, "ValidationException"},
		"a name that begins with ssm":   {awsssm.PutParameterInput{Name: aws.String("/ssm-guard/docs"), Value: aws.String("x")}, "ValidationException"},
		"a path that begins with aws":   {awsssm.PutParameterInput{Name: aws.String("/aws-guard/docs"), Value: aws.String("x")}, "AccessDeniedException"},
		"16 levels":                     {awsssm.PutParameterInput{Name: aws.String(strings.Repeat("/a", 16)), Value: aws.String("x")}, "HierarchyLevelLimitExceededException"},
		"no value":                      {awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String("")}, "ValidationException"},
		"more than 4,096 bytes":         {awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String(strings.Repeat("x", 4097))}, "ValidationException"},
		"a value with another's name":   {awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String("{{ssm:x}}")}, "ValidationException"},
		"a type that is not there here": {awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String("x"), Type: types.ParameterTypeSecureString}, "UnsupportedParameterType"},
		"a tier that is not there here": {awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String("x"), Tier: types.ParameterTierAdvanced}, "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, client, _ := newStore(t, localtest.Everything)
			if v.in.Type == "" {
				v.in.Type = types.ParameterTypeString
			}
			if _, err := client.PutParameter(t.Context(), &v.in); localtest.Code(err) != v.want {
				t.Errorf("PutParameter = %v, want %q", err, v.want)
			}
		})
	}
}

func TestGetParametersByPathRefusesWhatAWSRefuses(t *testing.T) {
	_, client, _ := newStore(t, localtest.Everything)
	for name, v := range map[string]struct {
		in   awsssm.GetParametersByPathInput
		want string
	}{
		"no slash":         {awsssm.GetParametersByPathInput{Path: aws.String("guard")}, "ValidationException"},
		"eleven a page":    {awsssm.GetParametersByPathInput{Path: aws.String("/guard"), MaxResults: aws.Int32(11)}, "ValidationException"},
		"none a page":      {awsssm.GetParametersByPathInput{Path: aws.String("/guard"), MaxResults: aws.Int32(0)}, "ValidationException"},
		"an invented page": {awsssm.GetParametersByPathInput{Path: aws.String("/guard"), NextToken: aws.String("x")}, "InvalidNextToken"},
		"a filter":         {awsssm.GetParametersByPathInput{Path: aws.String("/guard"), ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Type")}}}, "SerializationException"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := client.GetParametersByPath(t.Context(), &v.in); localtest.Code(err) != v.want {
				t.Errorf("GetParametersByPath = %v, want %q", err, v.want)
			}
		})
	}
}

func TestConditionsSeeOverwriteAndRecursive(t *testing.T) {
	_, client, _ := newStore(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*",
		"Condition":{"StringEqualsIfExists":{"ssm:Overwrite":"false","ssm:Recursive":"false"}}}]}`)
	put := func(overwrite bool) error {
		_, err := client.PutParameter(t.Context(), &awsssm.PutParameterInput{
			Name: aws.String("docs"), Value: aws.String("x"), Type: types.ParameterTypeString, Overwrite: aws.Bool(overwrite),
		})
		return err
	}
	list := func(recursive bool) error {
		_, err := client.GetParametersByPath(t.Context(), &awsssm.GetParametersByPathInput{Path: aws.String("/"), Recursive: aws.Bool(recursive)})
		return err
	}
	for name, v := range map[string]struct {
		err  error
		want string
	}{
		"put": {put(false), ""}, "overwritten": {put(true), "AccessDeniedException"},
		"one level": {list(false), ""}, "all levels": {list(true), "AccessDeniedException"},
	} {
		if got := localtest.Code(v.err); got != v.want {
			t.Errorf("%s = %q, want %q", name, got, v.want)
		}
	}
}

func TestAnUnknownKeyIsRefusedInTheProtocolsWords(t *testing.T) {
	_, client, _ := newStore(t, localtest.Everything)
	_, err := client.GetParameter(t.Context(), &awsssm.GetParameterInput{Name: aws.String("docs")}, func(o *awsssm.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "secret"}, nil
		})
	})
	if localtest.Code(err) != "UnrecognizedClientException" {
		t.Errorf("GetParameter = %v, want UnrecognizedClientException", err)
	}
}

func TestTheTrailHidesTheValue(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	gate.Add(ssm.New(gate.Options()))
	var trail []api.TrailCall
	gate.OnTrail(func(c api.TrailCall) { trail = append(trail, c) })
	client := awsssm.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	localtest.Must(client.PutParameter(t.Context(), &awsssm.PutParameterInput{Name: aws.String("docs"), Value: aws.String("x"), Type: types.ParameterTypeString}))(t)
	localtest.Must(client.DeleteParameter(t.Context(), &awsssm.DeleteParameterInput{Name: aws.String("docs")}))(t)
	want := []map[string]any{
		{"name": "docs", "value": "HIDDEN_DUE_TO_SECURITY_REASONS", "type": "String", "overwrite": false},
		{"name": "docs"},
	}
	if len(trail) != len(want) {
		t.Fatalf("the trail has %d records, want %d", len(trail), len(want))
	}
	for i, c := range trail {
		if diff := cmp.Diff(any(want[i]), c.Operation.Trail.RequestParameters); diff != "" {
			t.Error(diff)
		}
	}
}
