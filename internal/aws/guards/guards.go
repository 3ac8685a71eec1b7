// Package guards reads what the guards of this account and Region guard. The stack of each has an SSM parameter that says it.
package guards

import (
	"context"
	"fmt"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/parameters"
)

// Read returns the guards of all stacks. A parameter that is not what a guard's stack writes is skipped, with its error.
func Read(ctx context.Context, ssm awscall.Caller, skip func(error)) ([]adoption.Guard, error) {
	var all []adoption.Guard
	for p, err := range parameters.Below(ctx, ssm, adoption.GuardsPath) {
		if err != nil {
			return nil, fmt.Errorf("the guards of other stacks: %w", errorcode.Needing("ssm:GetParametersByPath", err))
		}
		g, err := adoption.ParseGuard(p.Name, p.Value)
		if err != nil {
			skip(err)
			continue
		}
		all = append(all, g)
	}
	return all, nil
}
