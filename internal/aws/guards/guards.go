// Package guards reads what the stacks of guard.yaml in this account and Region guard. Each stack has an SSM parameter that says it.
package guards

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// API contains the call that [Read] makes.
type API interface {
	GetParametersByPath(context.Context, *ssm.GetParametersByPathInput, ...func(*ssm.Options)) (*ssm.GetParametersByPathOutput, error)
}

// pageSize is the maximum number of parameters in one answer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParametersByPath.html
const pageSize = 10

// Read returns the guards of all stacks. A parameter that is not what a stack of guard.yaml writes is skipped, with its error.
func Read(ctx context.Context, api API, skip func(error)) ([]adoption.Guard, error) {
	var all []adoption.Guard
	pages := ssm.NewGetParametersByPathPaginator(api, &ssm.GetParametersByPathInput{
		Path: aws.String(adoption.GuardsPath), MaxResults: aws.Int32(pageSize),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("the guards of other stacks: %w", errorcode.Needing("ssm:GetParametersByPath", err))
		}
		for _, p := range page.Parameters {
			g, err := adoption.ParseGuard(strings.TrimPrefix(aws.ToString(p.Name), adoption.GuardsPath+"/"), aws.ToString(p.Value))
			if err != nil {
				skip(err)
				continue
			}
			all = append(all, g)
		}
	}
	return all, nil
}
