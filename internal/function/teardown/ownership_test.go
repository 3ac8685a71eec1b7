package teardown_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// If a policy denies access to the bucket's tags, the stack can still prove that it owns the bucket: because of the
// stack's list of resources the emptying policy is put, and under that policy the tags can be read.
func TestABucketThatHidesItsTagsIsProvenByItsStackFirst(t *testing.T) {
	for name, c := range map[string]struct {
		account *account
		emptied bool
		put     bool   // the emptying policy
		says    string // in the error; "" for success
	}{
		"made by the stack": {&account{tag: ourStack, inStack: true, became: "CREATE_COMPLETE"}, true, true, ""},
		"updated since":     {&account{tag: ourStack, inStack: true}, true, true, ""},
		"its deletion failed before": {
			&account{tag: ourStack, inStack: true, became: "DELETE_FAILED"}, true, true, ""},
		"the policy settles late": {&account{tag: ourStack, inStack: true, settles: 30 * time.Second}, true, true, ""},
		"in no list":              {&account{tag: ourStack}, false, false, "the stack does not list it"},
		"just imported": {
			&account{inStack: true, became: "IMPORT_COMPLETE"}, false, false, "the stack does not list it"},
		"a creation that failed, the name being another's": {
			&account{inStack: true, became: "CREATE_FAILED"}, false, false, "the stack does not list it"},
		"deleted by the stack, the name now being another's": {
			&account{inStack: true, became: "DELETE_COMPLETE"}, false, false, "the stack does not list it"},
		"adopted long ago, without a tag":    {&account{inStack: true}, false, true, "created by no stack"},
		"adopted long ago, of another stack": {&account{tag: otherStack, inStack: true}, false, true, otherStack},
		"tags that stay denied": {
			&account{tag: ourStack, inStack: true, untold: 1000}, false, true, "reading the tags of bucket docs"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := c.account
				a.status, a.hides, a.versions = "DELETE_IN_PROGRESS", true, 2500
				_, err := a.handle(t.Context(), asks("Delete", nil))
				if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("Handle = %v, want %q in it", err, c.says)
				}
				if emptied := a.versions == 0; emptied != c.emptied || !emptied && a.versions != 2500 {
					t.Errorf("%d of 2500 versions left, want emptied %t", a.versions, c.emptied)
				}
				if put := a.policy != ""; put != c.put {
					t.Errorf("policy put: %t, want %t", put, c.put)
				}
				if said := err != nil && strings.Contains(err.Error(), "the bucket's policy was replaced"); said != (c.put && !c.emptied) {
					t.Errorf("Handle = %v, which mentions the replaced policy: %t", err, said)
				}
			})
		})
	}
}

// The stack's list does not allow more than the tags: a bucket that stays in the stack is kept, and a stack that is not
// being changed deletes nothing.
func TestABucketThatHidesItsTagsIsKeptWhereItStays(t *testing.T) {
	for status, says := range map[string]string{
		"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "", "UPDATE_COMPLETE": "the stack is UPDATE_COMPLETE",
	} {
		a := &account{tag: ourStack, inStack: true, hides: true, versions: 25}
		a.status = cfntypes.StackStatus(status)
		_, err := a.handle(t.Context(), asks("Delete", nil))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("in %s Handle = %v, want %q in it", status, err, says)
		}
		if a.versions != 25 || a.policy != "" {
			t.Errorf("in %s the bucket was touched", status)
		}
	}
}

// Each run checks who owns the bucket, even if the request says that earlier runs deleted objects.
func TestARunThatGoesOnProvesTheBucketAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{tag: otherStack, inStack: true, hides: true, versions: 25, status: "DELETE_IN_PROGRESS"}
		request := asks("Delete", nil)
		request.Continuation = json.RawMessage(`{"Began":"2031-01-02T00:00:00Z","Runs":1,"Deleted":7}`)
		_, err := a.handle(t.Context(), request)
		if err == nil || !strings.Contains(err.Error(), "7 versions were deleted before") || !strings.Contains(err.Error(), otherStack) || a.versions != 25 {
			t.Errorf("Handle = %v with %d versions left, want an error and no deleted version", err, a.versions)
		}
	})
}

// The update that enables EmptyBucketOnDelete gives the role its permissions only seconds before they are used.
func TestAPermissionThatIsNotInForceYetIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		tag    string
		untold int
		listed bool
		says   string
	}{
		"in force in time": {ourStack, 8, false, ""},
		"another stack's":  {otherStack, 8, true, otherStack},
		"never in force, and the stack lists the bucket": {ourStack, 1000, true, ""},
		"never in force": {ourStack, 1000, false, "AccessDenied"},
	} {
		for _, kind := range []string{"Create", "Update"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := &account{tag: c.tag, untold: c.untold, inStack: c.listed}
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, err := a.teardown().Handle(ctx, asks(kind, nil), func(string) {})
					if ctx.Err() != nil {
						t.Error("the invocation reached its deadline")
					}
					if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
						t.Errorf("Handle = %v, want %q in it", err, c.says)
					}
				})
			})
		}
	}
}
