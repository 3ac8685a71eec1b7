package teardown

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// New creates the handler from its environment, without a network call. The handler takes CloudFormation's request.
func New(getenv func(string) string, log *slog.Logger, out io.Writer) (func(context.Context, json.RawMessage) error, error) {
	sdk, err := awsconfig.Load(getenv)
	name, role := getenv("AWS_LAMBDA_FUNCTION_NAME"), getenv("TEARDOWN_ROLE_ARN")
	if name == "" {
		err = errors.Join(err, errors.New("AWS_LAMBDA_FUNCTION_NAME is not set"))
	}
	if role == "" {
		err = errors.Join(err, errors.New("TEARDOWN_ROLE_ARN is not set"))
	}
	if err != nil {
		return nil, err
	}
	buckets := s3.NewFromConfig(sdk)
	emptied := s3.NewFromConfig(sdk, func(o *s3.Options) { o.HTTPClient = s3versions.HTTPClient() })
	self := lambda.NewFromConfig(sdk)
	t := &Teardown{
		Role:    role,
		Buckets: buckets,
		Stacks:  cloudformation.NewFromConfig(sdk),
		Store:   func(bucket string) emptying.Store { return s3versions.New(emptied, bucket, "") },
		HandOver: func(ctx context.Context, payload []byte) error {
			_, err := self.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload})
			return err
		},
		Expire: func(ctx context.Context, bucket string) (time.Time, error) {
			return s3versions.ExpireEverything(ctx, buckets, bucket)
		},
		Log: log, Out: out,
	}
	responder := &cfnresponse.Responder{Handle: t.Handle, PhysicalID: PhysicalID, Log: log}
	return func(ctx context.Context, payload json.RawMessage) error { return responder.Serve(ctx, payload) }, nil
}
