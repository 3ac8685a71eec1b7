package inspect

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// RuleAPI has the calls that [Rules] makes.
type RuleAPI interface {
	DescribeRule(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	ListTargetsByRule(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
}

// Rules are the named rules of the default event bus.
type Rules struct {
	API   RuleAPI
	Names []string
}

// Read reads the rules, in their order, in one round trip. A rule that does not exist has the state "not found". It
// returns those that it could read, even if the error names others.
func (r *Rules) Read(ctx context.Context) ([]health.Rule, error) {
	return parallel.Readable(r.Names, func(name string) (health.Rule, error) { return r.read(ctx, name) })
}

// read reads one rule. A rule has at most five targets unless the account's quota is higher, and one page holds 100.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
func (r *Rules) read(ctx context.Context, name string) (health.Rule, error) {
	rule := health.Rule{Name: name}
	err := parallel.All(
		func() error {
			live, err := r.API.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &name})
			switch {
			case gone(err):
				rule.State = "not found"
				return nil
			case err == nil:
				rule.State = string(live.State)
				rule.Pattern, rule.Schedule = aws.ToString(live.EventPattern), aws.ToString(live.ScheduleExpression)
			}
			return err
		},
		func() error {
			live, err := r.API.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &name})
			if gone(err) {
				return nil
			}
			if err == nil {
				for _, t := range live.Targets {
					rule.Targets = append(rule.Targets, aws.ToString(t.Arn))
					rule.Declared = append(rule.Declared, guard.CompactSet(t))
				}
			}
			return err
		})
	if err != nil {
		return rule, fmt.Errorf("rule %s: %w", name, err)
	}
	return rule, nil
}

// gone reports whether an error says that there is no such rule.
func gone(err error) bool {
	return errorcode.Of(err) == "ResourceNotFoundException"
}
