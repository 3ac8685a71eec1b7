// Package pauses reads and writes maintenance windows in SSM's Parameter Store. The remediation function uses [Reader]
// only, the command line also [Writer].
package pauses

import (
	"context"
	"errors"
	"fmt"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/parameters"
	"example.com/s3-endpoint-guard/internal/pause"
)

// Reader reads the windows of one stack.
type Reader struct {
	// SSM makes the call GetParametersByPath.
	SSM awscall.Caller
	// Path is the hierarchy that contains the windows: [pause.Path] of the stack.
	Path string
}

// Read returns the stored windows by target, also those that have ended; [pause.Active] selects. The error joins what
// could not be read: the windows without an error are valid nevertheless. The end of each window depends on SSM's time of
// the last modification, which a parameter's writer cannot choose.
func (r *Reader) Read(ctx context.Context) ([]pause.Window, error) {
	var windows []pause.Window
	var failures []error
	for p, err := range parameters.Below(ctx, r.SSM, r.Path) {
		if err != nil {
			failures = append(failures, fmt.Errorf("maintenance windows in %s: %w", r.Path, err))
			break
		}
		window, err := pause.Parse(p.Name, p.Value, p.Modified)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		windows = append(windows, window)
	}
	return windows, errors.Join(failures...)
}
