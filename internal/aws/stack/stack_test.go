package stack_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/stack"
)

const arn = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001"

// fakeCloudFormation has one stack.
type fakeCloudFormation struct {
	status types.StackStatus
	// created, updated and deleted are the start times of these operations; nil if there was none.
	created, updated, deleted *time.Time
	none                      bool
	err                       error
}

// Call answers DescribeStacks.
func (f fakeCloudFormation) Call(_ context.Context, operation string, in, out any) error {
	if f.err != nil {
		return f.err
	}
	if form, _ := in.(url.Values); operation != "DescribeStacks" || form.Get("StackName") != arn {
		return fmt.Errorf("asked for something else: %s of %v", operation, in)
	}
	return xml.Unmarshal([]byte(f.answer()), out)
}

// answer returns what CloudFormation answers.
func (f fakeCloudFormation) answer() string {
	if f.none {
		return `<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`
	}
	text := fmt.Sprintf("<StackName>guard</StackName><StackStatus>%s</StackStatus>", f.status)
	for name, at := range map[string]*time.Time{"CreationTime": f.created, "LastUpdatedTime": f.updated, "DeletionTime": f.deleted} {
		if at != nil {
			text += fmt.Sprintf("<%s>%s</%s>", name, at.Format("2006-01-02T15:04:05.000Z07:00"), name)
		}
	}
	return `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks><member>` + text +
		`</member></Stacks></DescribeStacksResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeStacksResponse>`
}

// TestStandingKnowsEveryStatus checks all statuses in the SDK, so that a new one must be added here.
func TestStandingKnowsEveryStatus(t *testing.T) {
	busy := map[types.StackStatus]bool{
		types.StackStatusCreateInProgress:                        true,
		types.StackStatusCreateFailed:                            false,
		types.StackStatusCreateComplete:                          false,
		types.StackStatusRollbackInProgress:                      true,
		types.StackStatusRollbackFailed:                          false,
		types.StackStatusRollbackComplete:                        false,
		types.StackStatusDeleteInProgress:                        true,
		types.StackStatusDeleteFailed:                            true,
		types.StackStatusDeleteComplete:                          true,
		types.StackStatusUpdateInProgress:                        true,
		types.StackStatusUpdateCompleteCleanupInProgress:         true,
		types.StackStatusUpdateComplete:                          false,
		types.StackStatusUpdateFailed:                            false,
		types.StackStatusUpdateRollbackInProgress:                true,
		types.StackStatusUpdateRollbackFailed:                    false,
		types.StackStatusUpdateRollbackCompleteCleanupInProgress: true,
		types.StackStatusUpdateRollbackComplete:                  false,
		types.StackStatusReviewInProgress:                        false,
		types.StackStatusImportInProgress:                        true,
		types.StackStatusImportComplete:                          false,
		types.StackStatusImportRollbackInProgress:                true,
		types.StackStatusImportRollbackFailed:                    false,
		types.StackStatusImportRollbackComplete:                  false,
		"SOMETHING_NEW":                                          false,
		"SOMETHING_NEW_IN_PROGRESS":                              true,
	}
	for _, status := range types.StackStatus("").Values() {
		if _, ok := busy[status]; !ok {
			t.Errorf("the SDK has the status %s, but this test does not", status)
		}
	}
	for status, want := range busy {
		s := stack.Stack{CloudFormation: fakeCloudFormation{status: status}, ID: arn}
		got, err := s.Read(t.Context())
		if err != nil || got.Busy != want || got.Status != string(status) {
			t.Errorf("Read(%s) = %+v, %v, want busy %t", status, got, err, want)
		}
		goes := strings.HasPrefix(string(status), "DELETE_") || status == "ROLLBACK_IN_PROGRESS"
		if got.Deleting != goes {
			t.Errorf("Read(%s).Deleting = %t, want %t", status, got.Deleting, goes)
		}
	}
}

func TestStandingSaysSinceWhen(t *testing.T) {
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	tuesday, wednesday := monday.AddDate(0, 0, 1), monday.AddDate(0, 0, 2)
	for name, test := range map[string]struct {
		fake fakeCloudFormation
		want time.Time
	}{
		"a stack that is created":        {fakeCloudFormation{created: &monday}, monday},
		"a stack that was updated since": {fakeCloudFormation{created: &monday, updated: &tuesday}, tuesday},
		"a stack that is deleted":        {fakeCloudFormation{created: &monday, updated: &tuesday, deleted: &wednesday}, wednesday},
		"not said":                       {fakeCloudFormation{}, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (&stack.Stack{CloudFormation: test.fake, ID: arn}).Read(t.Context())
			if err != nil || !got.Since.Equal(test.want) {
				t.Errorf("Read = %+v, %v, want since %s", got, err, test.want)
			}
		})
	}
}

func TestStandingFailsWithTheStacksName(t *testing.T) {
	for name, fake := range map[string]fakeCloudFormation{
		"refused":      {err: errors.New("AccessDenied")},
		"not answered": {none: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := stack.Stack{CloudFormation: fake, ID: arn}
			if got, err := s.Read(t.Context()); err == nil || !strings.Contains(err.Error(), arn) || got.Busy {
				t.Errorf("Read = %+v, %v, want an error that names the stack", got, err)
			}
		})
	}
}

// The stack that created a bucket delays a correction only while it works.
func TestTheOwnerOfABucketDelaysOnlyWhileItWorks(t *testing.T) {
	const own = "arn:aws:cloudformation:eu-central-1:111122223333:stack/own/1"
	unknown := &smithy.GenericAPIError{Code: "ValidationError", Message: "Stack with id " + arn + " does not exist"}
	for name, test := range map[string]struct {
		id    string
		fake  fakeCloudFormation
		busy  bool
		fails bool
	}{
		"no stack":                 {"", fakeCloudFormation{err: errors.New("asked")}, false, false},
		"our own":                  {own, fakeCloudFormation{err: errors.New("asked")}, false, false},
		"of another Region":        {strings.Replace(arn, "eu-central-1", "eu-west-1", 1), fakeCloudFormation{err: errors.New("asked")}, false, false},
		"at work":                  {arn, fakeCloudFormation{status: types.StackStatusUpdateInProgress}, true, false},
		"at rest":                  {arn, fakeCloudFormation{status: types.StackStatusUpdateComplete}, false, false},
		"cannot be deleted":        {arn, fakeCloudFormation{status: types.StackStatusDeleteFailed}, true, false},
		"deleted":                  {arn, fakeCloudFormation{status: types.StackStatusDeleteComplete}, false, false},
		"deleted long ago":         {arn, fakeCloudFormation{err: unknown}, false, false},
		"not in the answer":        {arn, fakeCloudFormation{none: true}, false, false},
		"may not be read":          {arn, fakeCloudFormation{err: errors.New("AccessDenied")}, false, true},
		"another validation error": {arn, fakeCloudFormation{err: &smithy.GenericAPIError{Code: "ValidationError"}}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := (&stack.Owners{CloudFormation: test.fake, Own: own}).Read(t.Context(), test.id)
			if got.Busy != test.busy || (err != nil) != test.fails || test.busy && (got.ID != arn || got.Status == "") {
				t.Errorf("Read = %+v, %v, want busy %t, an error %t", got, err, test.busy, test.fails)
			}
		})
	}
}
