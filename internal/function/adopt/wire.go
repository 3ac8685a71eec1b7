package adopt

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/beforeimage"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/guards"
	"example.com/s3-endpoint-guard/internal/aws/stack"
	"example.com/s3-endpoint-guard/internal/environment"
)

// New creates the handler from its environment, without a network call. The handler takes CloudFormation's request.
func New(getenv func(string) string, log *slog.Logger, _ io.Writer) (func(context.Context, json.RawMessage) error, error) {
	sdk, err := awsconfig.Load(getenv)
	r := environment.New(getenv)
	stackID := r.Match("STACK_ID", environment.ARN("cloudformation", "stack/"))
	bucket := r.Match("STATE_BUCKET", environment.Name)
	guardRole := r.Match("GUARD_ROLE_ARN", environment.ARN("iam", "role/"))
	if err := errors.Join(err, r.Err()); err != nil {
		return nil, err
	}
	own, err := arn.Parse(stackID)
	if err != nil {
		return nil, err
	}
	buckets := s3.NewFromConfig(sdk)
	parameters := awscall.New(sdk, awscall.SSM)
	ownStack := &stack.Stack{CloudFormation: awscall.New(sdk, awscall.CloudFormation), ID: stackID}
	a := &Adoption{
		Buckets: buckets, Endpoints: ec2.NewFromConfig(sdk),
		Guards: func(ctx context.Context) ([]adoption.Guard, error) {
			return guards.Read(ctx, parameters, func(err error) { log.WarnContext(ctx, "passed over", "error", err.Error()) })
		},
		Store:   &beforeimage.Store{API: buckets, Bucket: bucket, Account: own.AccountID},
		Stack:   ownStack.Read,
		StackID: stackID, Partition: own.Partition, Region: own.Region, Account: own.AccountID, GuardRole: guardRole,
		Now: time.Now, Log: log,
	}
	responder := &cfnresponse.Responder{Handle: a.Handle, PhysicalID: PhysicalID, Log: log}
	return func(ctx context.Context, payload json.RawMessage) error { return responder.Serve(ctx, payload) }, nil
}
