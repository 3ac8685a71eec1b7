package conformance_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// ruleCases are the cases on EventBridge. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html (sources of AWS)
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html (256 KB)
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (units of rates)
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html (a target's input)
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (targets of a rule)
func ruleCases() []testCase {
	const (
		gone     = "ResourceNotFoundException"
		minutely = "rate(1 minute)"
		pattern  = `{"source":["aws.s3"]}`
		queue    = "arn:aws:sqs:" + region + ":" + account + ":q"
	)
	return []testCase{
		// moto delivers events to rules without a pattern, too: those of events come before those that make rules.
		{name: "an event is accepted", ops: []op{putEvents("", event("guard", "{}"))}},
		{name: "an event without source, kind or detail is refused alone", ops: []op{
			putEvents("InvalidArgument", event("guard", "{}"), event("", "{}")), putEvents("InvalidArgument", event("guard", "")),
		}},
		{name: "an event whose detail is no JSON is refused alone", ops: []op{putEvents("MalformedDetail", event("guard", "{}"), event("guard", "no JSON"))}},
		{name: "a source of AWS is refused alone", moto: "takes it", ops: []op{putEvents("NotAuthorizedForSourceException", event("aws.s3", "{}"))}},
		{name: "a call has ten events at most", ops: []op{
			putEvents("", slices.Repeat([]types.PutEventsRequestEntry{event("guard", "{}")}, 10)...),
			refused("ValidationException", putEvents("", slices.Repeat([]types.PutEventsRequestEntry{event("guard", "{}")}, 11)...)),
		}},
		{name: "a call has 256 KB of events at most", moto: "takes more", ops: []op{
			refused("ValidationException", putEvents("", event("guard", `{"a":"`+strings.Repeat("x", 256<<10)+`"}`))),
		}},
		{name: "a rule is described as it was made", ops: []op{rule(minutely), described("ENABLED " + minutely + " "), targets()}},
		{name: "a rule that there is not is not described, switched or changed", ops: []op{
			refused(gone, described("")), refused(gone, targets()), refused(gone, disable()), refused(gone, enable()),
			refused(gone, putTarget("a", queue, "")), refused(gone, removeTarget("a")),
		}},
		{name: "a rule is disabled and enabled", ops: []op{
			rule(minutely), disable(), described("DISABLED " + minutely + " "), disable(), enable(), described("ENABLED " + minutely + " "),
		}},
		{name: "a rule gets a pattern instead of its schedule, and keeps its targets", ops: []op{
			rule(minutely), putTarget("a", queue, "{}"), putRule("", pattern, ""), described("ENABLED  " + pattern), targets("a " + queue + " {}"),
		}},
		{name: "a rule has a pattern and a schedule", ops: []op{
			rule(minutely), putRule("rate(2 minutes)", pattern, ""), described("ENABLED rate(2 minutes) " + pattern),
		}},
		{name: "a rule is put disabled, and enabled by default", ops: []op{
			rule(minutely), putRule(minutely, "", types.RuleStateDisabled), described("DISABLED " + minutely + " "),
			putRule(minutely, "", ""), described("ENABLED " + minutely + " "),
		}},
		{name: "a pattern that is no JSON or has no lists is refused", ops: []op{
			rule(minutely), refused("InvalidEventPatternException", putRule("", "no JSON", "")),
			refused("InvalidEventPatternException", putRule("", `{"source":"aws.s3"}`, "")), described("ENABLED " + minutely + " "),
		}},
		{name: "a rule needs a schedule or a pattern", ops: []op{rule(minutely), refused("ValidationException", putRule("", "", ""))}},
		{name: "a schedule that is no rate is refused", ops: []op{
			rule(minutely), refused("ValidationException", putRule("rate(every minute)", "", "")), described("ENABLED " + minutely + " "),
		}},
		{name: "a rate's unit is plural only for more than one", moto: "takes both", ops: []op{
			rule(minutely), refused("ValidationException", putRule("rate(1 minutes)", "", "")), refused("ValidationException", putRule("rate(2 minute)", "", "")),
		}},
		{name: "targets are added, replaced in their place, and removed", ops: []op{
			rule(minutely), putTarget("a", queue, ""), putTarget("b", queue, ""), targets("a "+queue+" ", "b "+queue+" "),
			putTarget("a", queue+"2", `{"c":1}`), targets(`a `+queue+`2 {"c":1}`, "b "+queue+" "), removeTarget("a"), targets("b " + queue + " "),
		}},
		{name: "a target keeps its retries and its queue of dead letters", ops: []op{rule(minutely), putTargetWith(queue, 0, 60), retries(queue, 0, 60)}},
		{name: "a target that is no ARN is refused", ops: []op{rule(minutely), refused("ValidationException", putTarget("a", "queue", "")), targets()}},
		{name: "a target's input that is no JSON is refused", moto: "takes it", ops: []op{
			rule(minutely), refused("ValidationException", putTarget("a", queue, "no JSON")), targets(),
		}},
		{name: "a rule has five targets at most", moto: "takes more", ops: []op{
			rule(minutely), putTarget("a", queue, ""), putTarget("b", queue, ""), putTarget("c", queue, ""), putTarget("d", queue, ""), putTarget("e", queue, ""),
			refused("LimitExceededException", putTarget("f", queue, "")), putTarget("e", queue, "{}"),
		}},
		{name: "rules are listed by the beginning of their names", ops: []op{rule(minutely), listedRules(1, "ENABLED"), disable(), listedRules(1, "DISABLED")}},
		{name: "no rule is listed for a beginning of none", ops: []op{listedRules(0, "")}},
	}
}

func (s *scene) events() *eventbridge.Client { return eventbridge.NewFromConfig(s.config) }

// rule makes a rule with the name of the scene.
func rule(schedule string) op {
	return func(ctx context.Context, s *scene) error { return s.makeRule(ctx, s.name, schedule) }
}

func putRule(schedule, pattern string, state types.RuleState) op {
	return func(ctx context.Context, s *scene) error {
		in := &eventbridge.PutRuleInput{Name: &s.name, State: state}
		if schedule != "" {
			in.ScheduleExpression = &schedule
		}
		if pattern != "" {
			in.EventPattern = &pattern
		}
		out, err := s.events().PutRule(ctx, in)
		if err == nil && *out.RuleArn != s.ruleARN() {
			err = differs("ARN", *out.RuleArn, s.ruleARN())
		}
		return err
	}
}

func (s *scene) ruleARN() string {
	return "arn:aws:events:" + region + ":" + account + ":rule/" + s.name
}

// described expects state, schedule and pattern of the rule.
func described(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.events().DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: &s.name})
		if err != nil {
			return err
		}
		got := fmt.Sprint(out.State, " ", aws.ToString(out.ScheduleExpression), " ", aws.ToString(out.EventPattern))
		if got != want {
			return differs("rule", got, want)
		}
		if *out.Name != s.name || *out.Arn != s.ruleARN() || *out.EventBusName != "default" {
			return differs("name", *out.Name+" "+*out.Arn+" "+*out.EventBusName, s.ruleARN())
		}
		return nil
	}
}

func disable() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.events().DisableRule(ctx, &eventbridge.DisableRuleInput{Name: &s.name})
		return err
	}
}

func enable() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.events().EnableRule(ctx, &eventbridge.EnableRuleInput{Name: &s.name})
		return err
	}
}

func putTarget(id, arn, input string) op {
	return func(ctx context.Context, s *scene) error {
		t := types.Target{Id: &id, Arn: &arn}
		if input != "" {
			t.Input = &input
		}
		return s.putTarget(ctx, t)
	}
}

func (s *scene) putTarget(ctx context.Context, t types.Target) error {
	out, err := s.events().PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &s.name, Targets: []types.Target{t}})
	if err == nil && out.FailedEntryCount != 0 {
		err = fmt.Errorf("failed: %s", *out.FailedEntries[0].ErrorCode)
	}
	return err
}

// putTargetWith puts a queue as the target "a", with itself as the queue of dead letters.
func putTargetWith(queue string, attempts, age int32) op {
	return func(ctx context.Context, s *scene) error {
		return s.putTarget(ctx, types.Target{
			Id: aws.String("a"), Arn: &queue, DeadLetterConfig: &types.DeadLetterConfig{Arn: &queue},
			RetryPolicy: &types.RetryPolicy{MaximumRetryAttempts: &attempts, MaximumEventAgeInSeconds: &age},
		})
	}
}

func removeTarget(id string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.events().RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &s.name, Ids: []string{id}})
		if err == nil && out.FailedEntryCount != 0 {
			err = fmt.Errorf("failed: %s", *out.FailedEntries[0].ErrorCode)
		}
		return err
	}
}

// targets expects id, ARN and input of the rule's targets.
func targets(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.events().ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &s.name})
		if err != nil {
			return err
		}
		var got []string
		for _, t := range out.Targets {
			got = append(got, *t.Id+" "+*t.Arn+" "+aws.ToString(t.Input))
		}
		return sameList("targets", got, want)
	}
}

// retries expects the queue of dead letters, the number of retries and the maximum age of the rule's only target.
func retries(queue string, attempts, age int32) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.events().ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &s.name})
		if err != nil {
			return err
		}
		t := out.Targets[0]
		got := fmt.Sprint(*t.DeadLetterConfig.Arn, " ", *t.RetryPolicy.MaximumRetryAttempts, " ", *t.RetryPolicy.MaximumEventAgeInSeconds)
		if want := fmt.Sprint(queue, " ", attempts, " ", age); got != want {
			return differs("retries", got, want)
		}
		return nil
	}
}

// listedRules expects a number of rules whose names begin with the scene's, in one state.
func listedRules(want int, state types.RuleState) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.events().ListRules(ctx, &eventbridge.ListRulesInput{NamePrefix: &s.name})
		if err == nil && len(out.Rules) != want {
			err = differs("number of rules", len(out.Rules), want)
		}
		if err != nil {
			return err
		}
		for _, r := range out.Rules {
			if r.State != state || *r.Arn != s.ruleARN() {
				return differs("rule", *r.Arn+" "+string(r.State), s.ruleARN()+" "+string(state))
			}
		}
		return nil
	}
}

func event(source, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{Source: &source, DetailType: aws.String("Conformance"), Detail: &detail}
}

// putEvents expects the last entry to be refused with an error code, or "", and the others to be accepted.
func putEvents(code string, entries ...types.PutEventsRequestEntry) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.events().PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return err
		}
		want := make([]string, len(entries))
		want[len(want)-1] = code
		var got []string
		for _, e := range out.Entries {
			if got = append(got, aws.ToString(e.ErrorCode)); (e.EventId == nil) != (e.ErrorCode != nil) {
				text, _ := json.Marshal(e)
				return differs("entry", string(text), "an id or an error")
			}
		}
		if !slices.Equal(got, want) {
			return differs("errors", got, want)
		}
		if failed := len(slices.DeleteFunc(want, func(code string) bool { return code == "" })); out.FailedEntryCount != int32(failed) {
			return differs("number of failed entries", out.FailedEntryCount, failed)
		}
		return nil
	}
}
