package events_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// served returns a bus with a rule and a trail, and clients of both APIs.
func served(t *testing.T) (*events.Bus, *api.Gate, *eventbridge.Client, *cloudtrail.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	b := events.New(events.Options{})
	gate.Add(b.Service())
	gate.Add(b.TrailService())
	localtest.Must(b.PutRule(events.Rule{Name: "sweep", Schedule: "rate(1 minute)", Targets: []events.Target{{ID: "a", ARN: "arn:a"}, {ID: "b", ARN: "arn:b"}}}))(t)
	b.PutTrail(events.Trail{Name: "trail", Logging: true, Selectors: []events.Selector{{ReadWriteType: "WriteOnly", IncludeManagementEvents: true}}})
	config := localtest.Config(t, gate, localtest.Everything)
	return b, gate, eventbridge.NewFromConfig(config), cloudtrail.NewFromConfig(config)
}

func TestRulesAreDescribedSwitchedAndStripped(t *testing.T) {
	b, _, client, _ := served(t)
	sweep := aws.String("sweep")
	state := func() types.RuleState {
		return localtest.Must(client.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: sweep}))(t).State
	}
	if got := state(); got != types.RuleStateEnabled {
		t.Errorf("State = %s, want ENABLED", got)
	}
	localtest.Must(client.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: sweep}))(t)
	if got := state(); got != types.RuleStateDisabled || !b.Rules()[0].Disabled {
		t.Errorf("State = %s after DisableRule, want DISABLED", got)
	}
	localtest.Must(client.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: sweep}))(t)
	if got := state(); got != types.RuleStateEnabled {
		t.Errorf("State = %s after EnableRule, want ENABLED", got)
	}
	localtest.Must(client.RemoveTargets(t.Context(), &eventbridge.RemoveTargetsInput{Rule: sweep, Ids: []string{"a"}}))(t)
	targets := localtest.Must(client.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: sweep}))(t).Targets
	if len(targets) != 1 || *targets[0].Arn != "arn:b" || *targets[0].Id != "b" {
		t.Errorf("targets = %v after a was removed, want b", targets)
	}
}

func TestRulesAreListedByTheBeginningOfTheirNames(t *testing.T) {
	b, _, client, _ := served(t)
	localtest.Must(b.PutRule(events.Rule{Name: "other", Schedule: "rate(1 minute)", Disabled: true}))(t)
	for prefix, want := range map[string]string{"sw": "sweep ENABLED;", "": "other DISABLED;sweep ENABLED;", "none": ""} {
		got := ""
		for _, r := range localtest.Must(client.ListRules(t.Context(), &eventbridge.ListRulesInput{NamePrefix: &prefix}))(t).Rules {
			got += *r.Name + " " + string(r.State) + ";"
		}
		if got != want {
			t.Errorf("ListRules(%q) = %s, want %s", prefix, got, want)
		}
	}
}

func TestEventsAreLookedUpByName(t *testing.T) {
	b, gate, rules, client := served(t)
	gate.OnTrail(b.Record)
	localtest.Must(rules.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("sweep")}))(t)
	localtest.Must(rules.EnableRule(t.Context(), &eventbridge.EnableRuleInput{Name: aws.String("sweep")}))(t)
	found := localtest.Must(client.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{LookupAttributes: []trailtypes.LookupAttribute{
		{AttributeKey: "EventName", AttributeValue: aws.String("DisableRule")},
	}}))(t).Events
	if len(found) != 1 || !strings.Contains(*found[0].CloudTrailEvent, `"arn":"arn:aws:iam::111122223333:user/tester"`) || found[0].EventTime.Year() < 2026 {
		t.Errorf("LookupEvents(DisableRule) = %+v, want one event with its user", found)
	}
	if all := localtest.Must(client.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{}))(t).Events; len(all) != 2 || *all[0].EventName != "EnableRule" {
		t.Errorf("LookupEvents = %+v, want both events, the latest first", all)
	}
	_, err := client.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{LookupAttributes: []trailtypes.LookupAttribute{
		{AttributeKey: "Username", AttributeValue: aws.String("tester")},
	}})
	if code := localtest.Code(err); code != "InvalidLookupAttributesException" {
		t.Errorf("LookupEvents by user = %s, want InvalidLookupAttributesException", code)
	}
}

func TestTrailsAreDescribedAndSwitched(t *testing.T) {
	b, _, _, client := served(t)
	list := localtest.Must(client.DescribeTrails(t.Context(), &cloudtrail.DescribeTrailsInput{}))(t).TrailList
	if len(list) != 1 || *list[0].Name != "trail" || !strings.HasSuffix(*list[0].TrailARN, ":trail/trail") {
		t.Fatalf("trails = %v, want one", list)
	}
	selectors := localtest.Must(client.GetEventSelectors(t.Context(), &cloudtrail.GetEventSelectorsInput{TrailName: list[0].TrailARN}))(t).EventSelectors
	if len(selectors) != 1 || selectors[0].ReadWriteType != "WriteOnly" || !*selectors[0].IncludeManagementEvents {
		t.Errorf("selectors = %v, want management writes", selectors)
	}
	for _, on := range []bool{false, true} {
		if on {
			localtest.Must(client.StartLogging(t.Context(), &cloudtrail.StartLoggingInput{Name: aws.String("trail")}))(t)
		} else {
			localtest.Must(client.StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: list[0].TrailARN}))(t)
		}
		status := localtest.Must(client.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: list[0].TrailARN}))(t)
		if *status.IsLogging != on || b.Trails()[0].Logging != on {
			t.Errorf("IsLogging = %t, want %t", *status.IsLogging, on)
		}
	}
	b.PutTrail(events.Trail{Name: "trail"})
	if got := localtest.Must(client.GetEventSelectors(t.Context(), &cloudtrail.GetEventSelectorsInput{TrailName: list[0].TrailARN}))(t).EventSelectors; len(got) != 1 || got[0].ReadWriteType != "All" {
		t.Errorf("selectors of a trail without any = %v, want CloudTrail's default", got)
	}
}

func TestWhatIsNotThereIsRefused(t *testing.T) {
	_, _, rules, trails := served(t)
	_, noRule := rules.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("none")})
	_, noTargets := rules.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: aws.String("none")})
	_, noTrail := trails.GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: aws.String("none")})
	_, unknown := rules.ListEventBuses(t.Context(), &eventbridge.ListEventBusesInput{})
	for want, err := range map[string]error{"ResourceNotFoundException": noRule, "TrailNotFoundException": noTrail, "UnknownOperationException": unknown} {
		if got := localtest.Code(err); got != want {
			t.Errorf("refused with %s, want %s", got, want)
		}
	}
	if got := localtest.Code(noTargets); got != "ResourceNotFoundException" {
		t.Errorf("ListTargetsByRule refused with %s", got)
	}
}

func TestOnlyWritesAreForTheTrailAndPermissionsNameTheResource(t *testing.T) {
	_, gate, rules, trails := served(t)
	localtest.Must(rules.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: aws.String("sweep")}))(t)
	localtest.Must(rules.DisableRule(t.Context(), &eventbridge.DisableRuleInput{Name: aws.String("sweep")}))(t)
	localtest.Must(trails.StopLogging(t.Context(), &cloudtrail.StopLoggingInput{Name: aws.String("trail")}))(t)
	want := map[string]struct {
		resource string
		write    bool
	}{
		"DescribeRule": {"arn:aws:events:eu-central-1:111122223333:rule/sweep", false},
		"DisableRule":  {"arn:aws:events:eu-central-1:111122223333:rule/sweep", true},
		"StopLogging":  {"arn:aws:cloudtrail:eu-central-1:111122223333:trail/trail", true},
	}
	for _, call := range gate.Calls() {
		if w := want[call.Operation]; call.Needs[0].Resource != w.resource || call.Write != w.write {
			t.Errorf("%s needs %s (write: %t), want %+v", call.Operation, call.Needs[0].Resource, call.Write, w)
		}
	}
}

func TestRulesAndTargetsAreChanged(t *testing.T) {
	_, _, client, _ := served(t)
	sweep := aws.String("sweep")
	localtest.Must(client.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: sweep, EventPattern: aws.String(`{"source":["aws.s3"]}`)}))(t)
	got := localtest.Must(client.DescribeRule(t.Context(), &eventbridge.DescribeRuleInput{Name: sweep}))(t)
	if aws.ToString(got.EventPattern) != `{"source":["aws.s3"]}` || got.ScheduleExpression != nil {
		t.Errorf("pattern %s, schedule %s, want the pattern only", aws.ToString(got.EventPattern), aws.ToString(got.ScheduleExpression))
	}
	_, err := client.PutRule(t.Context(), &eventbridge.PutRuleInput{Name: sweep, EventPattern: aws.String(`{"source":"aws.s3"}`)})
	if code := localtest.Code(err); code != "InvalidEventPatternException" {
		t.Errorf("PutRule with a wrong pattern = %v, want InvalidEventPatternException", err)
	}
	localtest.Must(client.PutTargets(t.Context(), &eventbridge.PutTargetsInput{Rule: sweep, Targets: []types.Target{{
		Id: aws.String("b"), Arn: aws.String("arn:c"), Input: aws.String(`{}`), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String("arn:q")},
		RetryPolicy: &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(60), MaximumRetryAttempts: aws.Int32(0)},
	}}}))(t)
	targets := localtest.Must(client.ListTargetsByRule(t.Context(), &eventbridge.ListTargetsByRuleInput{Rule: sweep}))(t).Targets
	if len(targets) != 2 || *targets[1].Arn != "arn:c" || *targets[1].Input != `{}` || *targets[1].DeadLetterConfig.Arn != "arn:q" ||
		*targets[1].RetryPolicy.MaximumRetryAttempts != 0 || *targets[1].RetryPolicy.MaximumEventAgeInSeconds != 60 {
		t.Errorf("targets = %+v, want a as it was and b as it was put", targets)
	}
}
