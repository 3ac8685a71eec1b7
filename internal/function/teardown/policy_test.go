package teardown_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/function/teardown"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// docs is the setting of the stack for package iampolicy.
var docs = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs", EndpointID: "vpce-0123456789abcdef0",
	VPCID: "vpc-0123456789abcdef0", Workload: "arn:aws:iam::111122223333:role/app", ProbeRole: "arn:aws:iam::111122223333:role/probe",
	Guard: "arn:aws:iam::111122223333:role/guard", Teardown: ourRole,
}

func emptyingPolicy(t *testing.T) string {
	t.Helper()
	policy, err := teardown.EmptyingPolicy(ourRole, "docs")
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

func TestTheEmptyingPolicyDeniesEveryProbe(t *testing.T) {
	policy := emptyingPolicy(t)
	if open := iampolicy.Allowed([]byte(policy), iampolicy.ForbiddenOnBucket(docs)); open != "" {
		t.Errorf("the emptying policy allows %s, want no probe allowed", open)
	}
	if err := iampolicy.Lockout([]byte(policy), docs); err != nil {
		t.Errorf("Lockout = %v, want no lockout", err)
	}
}

// The emptying policy is stricter than the probes: it denies the workload, and permits the teardown role only to empty.
func TestWhileItIsEmptiedNobodyElseReachesABucketsObjects(t *testing.T) {
	policy, err := iampolicy.Parse([]byte(emptyingPolicy(t)))
	if err != nil {
		t.Fatal(err)
	}
	empties := []string{"s3:AbortMultipartUpload", "s3:BypassGovernanceRetention", "s3:DeleteObjectVersion", "s3:GetObjectLegalHold",
		"s3:GetObjectRetention", "s3:ListBucket", "s3:ListBucketMultipartUploads", "s3:ListBucketVersions"}
	for _, at := range docs.Standpoints() {
		var want []string
		if at.Principal == ourRole && !strings.Contains(at.Path, "plain HTTP") {
			want = empties
		}
		open := iampolicy.OpenActions(policy, docs, at)
		for _, action := range slices.Concat(iampolicy.ObjectActions(), iampolicy.ListingActions()) {
			if _, got := open[action]; got != slices.Contains(want, action) {
				t.Errorf("%s %s may %s: %t, want %t", at.Caller, at.Path, action, got, !got)
			}
		}
	}
}

func TestTheEmptyingPolicyIsOfTheRolesPartition(t *testing.T) {
	policy, err := teardown.EmptyingPolicy("arn:aws-cn:iam::111122223333:role/x", "docs")
	if err != nil || strings.Contains(policy, "arn:aws:") || !strings.Contains(policy, "arn:aws-cn:s3:::docs/*") {
		t.Errorf("EmptyingPolicy in China = %s, %v", policy, err)
	}
	if _, err := teardown.EmptyingPolicy("", "docs"); err == nil {
		t.Error("EmptyingPolicy without a role = nil, want an error")
	}
}

func TestTheEmptyingPolicyTakesThePlaceOfTheLock(t *testing.T) {
	for name, before := range map[string]string{"no policy": "", "the lock": `{"Statement":[]}`, "its own": emptyingPolicy(t)} {
		t.Run(name, func(t *testing.T) {
			a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", policy: before, versions: 1}
			if _, err := a.handle(t.Context(), asks("Delete", nil)); err != nil {
				t.Fatal(err)
			}
			if a.policy != emptyingPolicy(t) || !json.Valid([]byte(a.policy)) {
				t.Errorf("policy = %s, want the emptying policy", a.policy)
			}
		})
	}
}

func TestAPolicyThatCannotBePutStopsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 3, putErrs: slices.Repeat([]error{refusal("AccessDenied")}, 1000)}
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		began := time.Now()
		_, err := a.handle(ctx, asks("Delete", nil))
		if err == nil || a.versions != 3 {
			t.Fatalf("Handle = %v with %d versions left, want an error and no deleted version", err, a.versions)
		}
		for _, phrase := range []string{"nothing was deleted", "the bucket's own policy denies s3:PutBucketPolicy", "root user", "S3UnlockBucketPolicy"} {
			if !strings.Contains(err.Error(), phrase) {
				t.Errorf("Handle = %v, want %q in it", err, phrase)
			}
		}
		if took := time.Since(began); took > 3*time.Minute {
			t.Errorf("answered after %v, want an error within minutes", took)
		}
	})
}

// The runbook must contain the phrases of the error messages.
func TestTheRunbookKnowsTheMessages(t *testing.T) {
	text, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## The stack cannot be deleted\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !ok {
		t.Fatal("the runbook has no section on stacks that cannot be deleted")
	}
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			account *account
			phrases []string
		}{
			{&account{putErrs: slices.Repeat([]error{refusal("AccessDenied")}, 1000)},
				[]string{"the bucket's own policy denies s3:PutBucketPolicy", "root user", "S3UnlockBucketPolicy", "AccessDenied"}},
			{&account{inStack: true, untold: 1000}, []string{"reading the tags of bucket"}},
			{&account{locked: true, versions: 1, hold: emptying.Hold{Mode: "COMPLIANCE", Until: time.Now().AddDate(1, 0, 0)}},
				[]string{"under compliance retention"}},
			{&account{locked: true, versions: 1, hold: emptying.Hold{Event: true}}, []string{"under an event hold"}},
		} {
			c.account.status, c.account.tag = "DELETE_IN_PROGRESS", ourStack
			_, err := c.account.handle(t.Context(), asks("Delete", nil))
			for _, phrase := range c.phrases {
				if err == nil || !strings.Contains(err.Error(), phrase) || !strings.Contains(section, phrase) {
					t.Errorf("Handle = %v, want %q in it and in the runbook", err, phrase)
				}
			}
		}
	})
}

func TestAnotherWriteToTheConfigurationIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := refusal("OperationAborted")
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 3, putErrs: []error{busy, busy, busy, busy}}
		if _, err := a.handle(t.Context(), asks("Delete", nil)); err != nil || a.versions != 0 {
			t.Errorf("Handle = %v with %d versions left, want an empty bucket", err, a.versions)
		}
		a = &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 3, putErrs: slices.Repeat([]error{busy}, 9)}
		if _, err := a.handle(t.Context(), asks("Delete", nil)); !errors.Is(err, busy) {
			t.Errorf("Handle = %v, want %v after the last try", err, busy)
		}
	})
}

// S3 may apply the old policy for a while, which denies the teardown role everything (docs/facts.md, S3).
func TestARefusalByThePolicyBeforeIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, odd := range []bool{false, true} {
			a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 25, odd: odd, settles: 20 * time.Second}
			if _, err := a.handle(t.Context(), asks("Delete", nil)); err != nil || a.versions != 0 {
				t.Errorf("with odd keys %t: Handle = %v with %d versions left, want an empty bucket", odd, err, a.versions)
			}
		}
		began := time.Now()
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 2500, settles: time.Hour}
		_, err := a.handle(t.Context(), asks("Delete", nil))
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "AccessDenied") || took > 3*time.Minute {
			t.Errorf("Handle = %v after %v, want the error of a lasting denial within 3 minutes", err, took)
		}
	})
}

// oneDenied is a store that never deletes its first version.
type oneDenied struct{ *account }

func (o oneDenied) DeleteBatch(ctx context.Context, versions []emptying.Version, bypass bool) ([]emptying.Failure, error) {
	if versions[0].Key != o.key(0) {
		return o.account.DeleteBatch(ctx, versions, bypass)
	}
	failures, err := o.account.DeleteBatch(ctx, versions[1:], bypass)
	return append(failures, emptying.Failure{Version: versions[0], Code: "AccessDenied"}), err
}

// A version that stays denied is tried again several times; the error counts the deleted versions of all tries.
func TestWhatWasDeletedBeforeTheLastTryIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 2500}
		emptier := a.teardown()
		emptier.Store = func(string) emptying.Store { return oneDenied{a} }
		_, err := emptier.Handle(t.Context(), asks("Delete", nil), func(string) {})
		if err == nil || !strings.Contains(err.Error(), "1 version: AccessDenied") || !strings.Contains(err.Error(), "2499 versions deleted in all") {
			t.Errorf("Handle = %v, want the versions left and deleted in it", err)
		}
	})
}

// If a run does not continue, its error must mention the work of earlier runs.
func TestARunThatDoesNotGoOnTellsWhatWasDone(t *testing.T) {
	a := &account{tag: ourStack, status: "DELETE_FAILED", versions: 25}
	request := asks("Delete", nil)
	request.Continuation = json.RawMessage(`{"Began":"2031-01-02T00:00:00Z","Runs":1,"Deleted":7}`)
	_, err := a.handle(t.Context(), request)
	if err == nil || !strings.Contains(err.Error(), "7 versions were deleted before") || strings.Contains(err.Error(), "not touched") || a.versions != 25 {
		t.Errorf("Handle = %v with %d versions left, want the number deleted by earlier runs in it", err, a.versions)
	}
}
