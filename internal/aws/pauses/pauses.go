// Package pauses reads and writes maintenance windows in SSM's Parameter Store. The remediation function uses [Reader]
// only, the command line also [Writer].
package pauses

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awsjson"
	"example.com/s3-endpoint-guard/internal/pause"
)

// Reader reads the windows of one stack.
type Reader struct {
	// SSM makes the call GetParametersByPath.
	SSM awsjson.Caller
	// Path is the hierarchy that contains the windows: [pause.Path] of the stack.
	Path string
}

// pageSize is the maximum number of parameters in one answer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
const pageSize = 10

// query is what GetParametersByPath takes, and page what it answers. Times are seconds since 1970, with a fraction.
type (
	query struct {
		Path       string
		MaxResults int
		NextToken  string `json:",omitempty"`
	}
	page struct {
		Parameters []struct {
			Name, Value      string
			LastModifiedDate float64
		}
		NextToken string
	}
)

// Read returns the stored windows by target, also those that have ended; [pause.Active] selects. The error joins what
// could not be read: the windows without an error are valid nevertheless. The end of each window depends on SSM's time of
// the last modification, which a parameter's writer cannot choose.
func (r *Reader) Read(ctx context.Context) ([]pause.Window, error) {
	var windows []pause.Window
	var failures []error
	in := query{Path: r.Path, MaxResults: pageSize}
	for {
		var page page
		if err := r.SSM.Call(ctx, "GetParametersByPath", in, &page); err != nil {
			return windows, errors.Join(append(failures, fmt.Errorf("maintenance windows in %s: %w", r.Path, err))...)
		}
		for _, p := range page.Parameters {
			target := strings.TrimPrefix(p.Name, r.Path+"/")
			window, err := pause.Parse(target, p.Value, time.UnixMilli(int64(p.LastModifiedDate*1000)).UTC())
			if err != nil {
				failures = append(failures, err)
				continue
			}
			windows = append(windows, window)
		}
		if page.NextToken == "" {
			return windows, errors.Join(failures...)
		}
		in.NextToken = page.NextToken
	}
}
