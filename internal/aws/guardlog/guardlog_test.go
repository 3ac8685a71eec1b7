package guardlog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	awscloudformation "github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/guardlog"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/logs"
)

func TestTheGuardIsFoundByItsStack(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	stacks := cloudformation.New(gate.Options())
	gate.Add(stacks)
	client := awscloudformation.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	stacks.PutStack(cloudformation.Stack{Name: "guard", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "RemediateLogGroup", PhysicalID: "guard-log", Type: "AWS::Logs::LogGroup"},
		{LogicalID: "RemediateFunction", PhysicalID: "guard-function", Type: "AWS::Lambda::Function"},
	}})
	stacks.PutStack(cloudformation.Stack{Name: "other", Status: "CREATE_COMPLETE"})
	stacks.PutStack(cloudformation.Stack{Name: "gone", Status: "DELETE_FAILED", Resources: []cloudformation.Resource{
		{LogicalID: "RemediateLogGroup", PhysicalID: "guard-log", Type: "AWS::Logs::LogGroup", Status: "DELETE_COMPLETE"},
	}})
	if got, err := guardlog.Group(t.Context(), client, "guard"); err != nil || got != "guard-log" {
		t.Errorf("Group = %q, %v, want guard-log", got, err)
	}
	if got, err := guardlog.Function(t.Context(), client, "guard"); err != nil || got != "guard-function" {
		t.Errorf("Function = %q, %v, want guard-function", got, err)
	}
	inner := stacks.PutStack(cloudformation.Stack{Name: "whole-Guard-0123456789AB", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "RemediateLogGroup", PhysicalID: "nested-log", Type: "AWS::Logs::LogGroup"},
	}})
	stacks.PutStack(cloudformation.Stack{Name: "whole", Status: "CREATE_COMPLETE", Resources: []cloudformation.Resource{
		{LogicalID: "Old", PhysicalID: stacks.StackID("old"), Type: "AWS::CloudFormation::Stack", Status: "DELETE_COMPLETE"},
		{LogicalID: "Guard", PhysicalID: inner.ID, Type: "AWS::CloudFormation::Stack"},
	}})
	if got, err := guardlog.Group(t.Context(), client, "whole"); err != nil || got != "nested-log" {
		t.Errorf("Group of a stack with a nested guard = %q, %v, want nested-log", got, err)
	}
	if got, err := guardlog.Function(t.Context(), client, "whole"); !errors.Is(err, guardlog.ErrNoGuard) || got != "" {
		t.Errorf("Function of a stack without one = %q, %v, want %v", got, err, guardlog.ErrNoGuard)
	}
	gate.Inject(api.Fault{Operation: "ListStackResources", Times: 1, Error: &api.Error{Status: 403, Code: "AccessDenied"}})
	if _, err := guardlog.Group(t.Context(), client, "whole"); err == nil || err.Error() != "the permission cloudformation:ListStackResources is missing" {
		t.Errorf("Group without a permission = %v, want that it is missing", err)
	}
	for stack, want := range map[string]error{"nosuch": guardlog.ErrNoStack, "other": guardlog.ErrNoGuard, "gone": guardlog.ErrNoGuard} {
		if got, err := guardlog.Group(t.Context(), client, stack); !errors.Is(err, want) || got != "" {
			t.Errorf("Group(%s) = %q, %v, want %v", stack, got, err, want)
		}
	}
}

func TestASearchEndsAtAnErrorAndWhenNobodyWantsMore(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	service := logs.New(gate.Options())
	gate.Add(service)
	service.CreateGroup("guard")
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for i := range 20_500 { // two pages and a part
		service.Put("guard", "stream", noon.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i))
	}
	log := guardlog.Log{API: cloudwatchlogs.NewFromConfig(localtest.Config(t, gate, localtest.Everything)), Group: "guard"}
	pages, seen := 0, 0
	for line, err := range log.Search(t.Context(), noon.Add(time.Second), "", func() { pages++ }) {
		if err != nil {
			t.Fatal(err)
		}
		if seen == 0 && (line.Text != "1000" || !line.Time.Equal(noon.Add(time.Second))) {
			t.Errorf("the first line is %+v, want the first one since then", line)
		}
		seen++
	}
	if pages != 2 || seen != 19_500 {
		t.Errorf("%d lines on %d pages, want 19500 on 2", seen, pages)
	}
	gate.ResetCalls()
	for range log.Search(t.Context(), noon, "", nil) {
		break
	}
	if calls := len(gate.Calls()); calls != 1 {
		t.Errorf("one line takes %d calls, want 1", calls)
	}
	gate.Inject(api.Fault{Operation: "FilterLogEvents", Skip: 1, Error: &api.Error{Status: 400, Code: "ThrottlingException"}})
	var failure error
	seen = 0
	for _, err := range log.Search(t.Context(), noon, "", nil) {
		if err != nil {
			failure = err
			continue
		}
		seen++
	}
	if seen != 10_000 || errorcode.Of(failure) != "ThrottlingException" {
		t.Errorf("%d lines, %v, want a page and ThrottlingException", seen, failure)
	}
}
