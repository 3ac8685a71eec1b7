// Package parameters reads SSM's parameters below a path: the maintenance windows of a stack, and what the guards of all stacks guard.
//
// It makes one SSM call.
package parameters

import (
	"context"
	"iter"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
)

// Parameter is a parameter. Name is the part of its name after the path and a slash.
type Parameter struct {
	Name, Value string
	Modified    time.Time
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

// Below lists the parameters directly below a path, with the call GetParametersByPath. An error, which is the call's, ends the list.
func Below(ctx context.Context, ssm awscall.Caller, path string) iter.Seq2[Parameter, error] {
	return func(yield func(Parameter, error) bool) {
		for in := (query{Path: path, MaxResults: pageSize}); ; {
			var page page
			if err := ssm.Call(ctx, "GetParametersByPath", in, &page); err != nil {
				yield(Parameter{}, err)
				return
			}
			for _, p := range page.Parameters {
				if !yield(Parameter{strings.TrimPrefix(p.Name, path+"/"), p.Value, time.UnixMilli(int64(p.LastModifiedDate * 1000)).UTC()}, nil) {
					return
				}
			}
			if page.NextToken == "" {
				return
			}
			in.NextToken = page.NextToken
		}
	}
}
