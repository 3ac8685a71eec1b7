package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/guardlog"
	"example.com/s3-endpoint-guard/internal/aws/pauses"
	"example.com/s3-endpoint-guard/internal/pause"
	"example.com/s3-endpoint-guard/internal/selection"
)

// liveGuard is a deployed guard, by the configuration of its function: what it does, not what a template says.
type liveGuard struct {
	stack       string
	environment map[string]string
}

// guard reads the configuration of the stack's guard.
func (o *onStack) guard(ctx context.Context, sdk aws.Config) (liveGuard, error) {
	name, err := guardlog.Function(ctx, cloudformation.NewFromConfig(sdk), o.stack)
	if err != nil {
		return liveGuard{}, needingItsOwn(err)
	}
	answer, err := lambda.NewFromConfig(sdk).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err != nil {
		return liveGuard{}, needing("lambda:GetFunctionConfiguration", fmt.Errorf("function %s: %w", name, err))
	}
	g := liveGuard{stack: o.stack}
	if answer.Environment != nil {
		g.environment = answer.Environment.Variables
	}
	return g, nil
}

// windows returns the maintenance windows of the guard. Their path has the name of the stack that its function names, which contains
// the guard's own stack if that is nested.
func (g liveGuard) windows(sdk aws.Config) windows {
	name := g.stack
	if parts := strings.Split(g.environment["STACK"], "/"); len(parts) == 3 { // stack/name/id
		name = parts[1]
	}
	api, path := awscall.New(sdk, awscall.SSM), pause.Path(name)
	return windows{pauses.Reader{SSM: api, Path: path}, pauses.Writer{SSM: api, Path: path}}
}

// covers returns nil if the guard guards a bucket or an endpoint: a window for another would have no effect.
func (g liveGuard) covers(target string) error {
	guarded := target == g.environment["BUCKET"] || target == g.environment["ENDPOINT_ID"]
	if names, many := g.environment["BUCKET_NAMES"]; many {
		selected, err := selection.Parse(names, g.environment["EXCLUDED_BUCKET_NAMES"])
		if err != nil {
			return fmt.Errorf("what the guard of stack %s guards: %w", g.stack, err)
		}
		endpoints := strings.FieldsFunc(g.environment["VPC_ENDPOINT_IDS"], func(c rune) bool { return c == ',' || c == ' ' })
		guarded = selected.Matches(target) || slices.Contains(endpoints, target)
	}
	if !guarded {
		return fmt.Errorf("the guard of stack %s does not guard %s", g.stack, target)
	}
	return nil
}
