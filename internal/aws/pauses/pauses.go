// Package pauses reads and writes maintenance windows in SSM's Parameter Store. The remediation function uses [Reader]
// only, the command line also [Writer].
package pauses

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/s3-endpoint-guard/internal/pause"
)

// ReaderAPI contains the call that [Reader] makes.
type ReaderAPI interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
}

// Reader reads the windows of one stack.
type Reader struct {
	API ReaderAPI
	// Path is the hierarchy that contains the windows: [pause.Path] of the stack.
	Path string
}

// pageSize is the maximum number of parameters in one answer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
const pageSize = 10

// Read returns the stored windows by target, also those that have ended; [pause.Active] selects. The error joins what
// could not be read: the windows without an error are valid nevertheless. The end of each window depends on SSM's time of
// the last modification, which a parameter's writer cannot choose.
func (r *Reader) Read(ctx context.Context) ([]pause.Window, error) {
	var windows []pause.Window
	var failures []error
	in := &ssm.GetParametersByPathInput{Path: &r.Path, MaxResults: aws.Int32(pageSize)}
	for {
		page, err := r.API.GetParametersByPath(ctx, in)
		if err != nil {
			return windows, errors.Join(append(failures, fmt.Errorf("maintenance windows in %s: %w", r.Path, err))...)
		}
		for _, p := range page.Parameters {
			target := strings.TrimPrefix(aws.ToString(p.Name), r.Path+"/")
			window, err := pause.Parse(target, aws.ToString(p.Value), aws.ToTime(p.LastModifiedDate))
			if err != nil {
				failures = append(failures, err)
				continue
			}
			windows = append(windows, window)
		}
		if aws.ToString(page.NextToken) == "" {
			return windows, errors.Join(failures...)
		}
		in.NextToken = page.NextToken
	}
}
