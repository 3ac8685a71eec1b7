package pauses

import (
	"context"
	"errors"
	"fmt"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/pause"
)

// Writer makes and ends windows of one stack.
type Writer struct {
	// SSM makes the calls PutParameter and DeleteParameter.
	SSM awscall.Caller
	// Path is that of [Reader].
	Path string
}

// ErrNone means that a target has no window.
var ErrNone = errors.New("no maintenance window")

// Put makes a window, or replaces that of the same target. It does not check it: see [pause.Window.Check].
func (w *Writer) Put(ctx context.Context, window pause.Window) error {
	err := w.SSM.Call(ctx, "PutParameter", map[string]any{
		"Name": w.Path + "/" + window.Target, "Value": window.Value(), "Type": "String", "Tier": "Standard", "Overwrite": true,
		"Description": "Maintenance window: the guard leaves drift of " + window.Target + " alone",
	}, nil)
	if err != nil {
		return fmt.Errorf("the window of %s: %w", window.Target, err)
	}
	return nil
}

// End removes the window of a target, whether or not it has ended. The error wraps [ErrNone] if there is none. SSM may answer nothing.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
func (w *Writer) End(ctx context.Context, target string) error {
	err := w.SSM.Call(ctx, "DeleteParameter", map[string]any{"Name": w.Path + "/" + target}, nil)
	switch {
	case errorcode.Of(err) == "ParameterNotFound":
		return fmt.Errorf("%s: %w", target, ErrNone)
	case err != nil:
		return fmt.Errorf("the window of %s: %w", target, err)
	}
	return nil
}
