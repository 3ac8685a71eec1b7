package inspect_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/health"
)

// fakeEventBridge is an EventBridge with one rule of each state.
type fakeEventBridge struct{ fails string }

var (
	errGone    = &smithy.GenericAPIError{Code: "ResourceNotFoundException"}
	errRefused = &smithy.GenericAPIError{Code: "AccessDeniedException"}
)

func (f fakeEventBridge) DescribeRule(_ context.Context, in *eventbridge.DescribeRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error) {
	switch {
	case f.fails == "DescribeRule" || f.fails == *in.Name:
		return nil, errRefused
	case *in.Name == "gone":
		return nil, errGone
	}
	return &eventbridge.DescribeRuleOutput{State: types.RuleState(*in.Name)}, nil
}

func (f fakeEventBridge) ListTargetsByRule(_ context.Context, in *eventbridge.ListTargetsByRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	switch {
	case f.fails == "ListTargetsByRule":
		return nil, errRefused
	case *in.Rule == "gone":
		return nil, errGone
	}
	return &eventbridge.ListTargetsByRuleOutput{Targets: []types.Target{{Arn: aws.String("a")}, {Arn: aws.String("b")}}}, nil
}

func TestRulesAreReadEach(t *testing.T) {
	got, err := (&inspect.Rules{API: fakeEventBridge{}, Names: []string{"ENABLED", "gone", "DISABLED"}}).Read(t.Context())
	targets, declared := []string{"a", "b"}, []string{`{"Arn":"a"}`, `{"Arn":"b"}`}
	want := []health.Rule{
		{Name: "ENABLED", State: "ENABLED", Targets: targets, Declared: declared}, {Name: "gone", State: "not found"},
		{Name: "DISABLED", State: "DISABLED", Targets: targets, Declared: declared},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("err %v, rules (-want +got):\n%s", err, diff)
	}
}

func TestRulesFailWithTheOneThatCouldNotBeRead(t *testing.T) {
	for _, call := range []string{"DescribeRule", "ListTargetsByRule"} {
		_, err := (&inspect.Rules{API: fakeEventBridge{call}, Names: []string{"ENABLED"}}).Read(t.Context())
		if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "rule ENABLED: ") {
			t.Errorf("Read without %s = %v, want the rule and the reason", call, err)
		}
	}
}

func TestARefusedRuleHidesNoOther(t *testing.T) {
	got, err := (&inspect.Rules{API: fakeEventBridge{"ENABLED"}, Names: []string{"ENABLED", "DISABLED"}}).Read(t.Context())
	if !errors.Is(err, errRefused) || len(got) != 1 || got[0].State != "DISABLED" {
		t.Errorf("Read = %v, %v, want the rule that could be read, and the reason for the other", got, err)
	}
}
