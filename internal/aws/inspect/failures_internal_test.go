package inspect

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"example.com/s3-endpoint-guard/internal/health"
)

// configured is a Lambda that answers with a configuration of failed runs.
type configured struct {
	FunctionAPI
	retries, age *int32
}

func (c configured) GetFunctionEventInvokeConfig(context.Context, *lambda.GetFunctionEventInvokeConfigInput, ...func(*lambda.Options)) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	return &lambda.GetFunctionEventInvokeConfigOutput{MaximumRetryAttempts: c.retries, MaximumEventAgeInSeconds: c.age}, nil
}

// What a configuration leaves out has Lambda's default, and 0 is none.
func TestWhatAConfigurationOfFailedRunsLeavesOutHasLambdasDefault(t *testing.T) {
	for name, c := range map[string]struct {
		api  configured
		want health.Failures
	}{
		"nothing":    {configured{}, health.Failures{Retries: 2, Age: 6 * time.Hour}},
		"everything": {configured{retries: aws.Int32(0), age: aws.Int32(60)}, health.Failures{Retries: 0, Age: time.Minute}},
	} {
		d := &Deployment{Functions: c.api}
		if got, err := d.failures(t.Context(), "guard"); got != c.want || err != nil {
			t.Errorf("%s: failures = %+v, %v, want %+v", name, got, err, c.want)
		}
	}
}
