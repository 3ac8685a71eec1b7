package main

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/aws/survey"
)

// accountBlock reads the account's public access block, and notes what of it is off, or why it is not known. It decides nothing.
func (a *auditor) accountBlock(ctx context.Context, sdk aws.Config) *audit.PublicAccessBlock {
	account := a.reader.Account
	if account == "" || len(a.buckets)+len(a.stacks) == 0 && !a.all {
		return nil
	}
	block, err := survey.AccountBlock(ctx, inspect.S3Control(sdk), a.pace, account)
	switch {
	case err != nil && ctx.Err() != nil: // interrupted
	case err != nil:
		a.results.note("the public access block of account " + account + " is not known: " + err.Error())
	case len(block.With(audit.Off)) > 0:
		a.results.note("of the public access block of account " + account + " are off: " + strings.Join(block.With(audit.Off), ", "))
	}
	return block
}
