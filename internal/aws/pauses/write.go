package pauses

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/pause"
)

// WriterAPI contains the calls that [Writer] makes.
type WriterAPI interface {
	PutParameter(context.Context, *ssm.PutParameterInput, ...func(*ssm.Options)) (*ssm.PutParameterOutput, error)
	DeleteParameter(context.Context, *ssm.DeleteParameterInput, ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error)
}

// Writer makes and ends windows of one stack.
type Writer struct {
	API WriterAPI
	// Path is that of [Reader].
	Path string
}

// ErrNone means that a target has no window.
var ErrNone = errors.New("no maintenance window")

// Put makes a window, or replaces that of the same target. It does not check it: see [pause.Window.Check].
func (w *Writer) Put(ctx context.Context, window pause.Window) error {
	_, err := w.API.PutParameter(ctx, &ssm.PutParameterInput{
		Name: aws.String(w.Path + "/" + window.Target), Value: aws.String(window.Value()),
		Type: types.ParameterTypeString, Tier: types.ParameterTierStandard, Overwrite: aws.Bool(true),
		Description: aws.String("Maintenance window: the guard leaves drift of " + window.Target + " alone"),
	})
	if err != nil {
		return fmt.Errorf("the window of %s: %w", window.Target, err)
	}
	return nil
}

// End removes the window of a target, whether or not it has ended. The error wraps [ErrNone] if there is none.
func (w *Writer) End(ctx context.Context, target string) error {
	_, err := w.API.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(w.Path + "/" + target)})
	switch {
	case errorcode.Of(err) == "ParameterNotFound":
		return fmt.Errorf("%s: %w", target, ErrNone)
	case err != nil:
		return fmt.Errorf("the window of %s: %w", target, err)
	}
	return nil
}
