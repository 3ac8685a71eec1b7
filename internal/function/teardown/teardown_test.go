package teardown_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfntypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/function/teardown"
)

const (
	ourStack   = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001"
	ourRole    = "arn:aws:iam::111122223333:role/guard-TeardownRole-EXAMPLE"
	otherStack = "arn:aws:cloudformation:eu-central-1:111122223333:stack/other/0f0f0f0f-0000-4000-8000-000000000002"
)

// account is a fake account with one bucket and one stack. It records what happens to them.
type account struct {
	gone   bool   // the bucket does not exist
	tag    string // ownership tag; "" for none
	policy string
	// policyPut is when the policy was put, and settles is how long S3 still applies the old one; putErrs are the
	// errors of the next puts.
	policyPut time.Time
	settles   time.Duration
	putErrs   []error
	// untold is how often reading the tags is still denied; hides means that the old policy denies reading them.
	untold   int
	hides    bool
	mu       sync.Mutex
	alive    []byte        // which versions exist
	versions int           // number of versions
	each     time.Duration // duration of a batch
	locked   bool          // no version can be deleted
	hold     emptying.Hold // what protects each version then
	odd      bool          // XML cannot represent the keys

	status  cfntypes.StackStatus
	inStack bool // the bucket is one of the stack's resources
	became  cfntypes.ResourceStatus

	handedOver [][]byte
	handErr    error
	expired    bool
	log, out   bytes.Buffer
	notes      []string
}

func (a *account) teardown() *teardown.Teardown {
	return &teardown.Teardown{
		Role: ourRole, Buckets: a, Stacks: a, Store: func(string) emptying.Store { return a },
		HandOver: func(_ context.Context, payload []byte) error {
			a.handedOver = append(a.handedOver, payload)
			return a.handErr
		},
		Expire: func(context.Context, string) (time.Time, error) {
			a.expired = true
			return time.Date(2031, 2, 3, 0, 0, 0, 0, time.UTC), nil
		},
		Log: slog.New(slog.NewJSONHandler(&a.log, nil)), Out: &a.out,
	}
}

func refusal(code string) error { return &smithy.GenericAPIError{Code: code, Message: code} }

func (a *account) GetBucketTagging(context.Context, *s3.GetBucketTaggingInput, ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error) {
	if a.gone {
		return nil, refusal("NoSuchBucket")
	}
	if a.untold--; a.untold >= 0 || a.hides && (a.policy == "" || a.denies()) {
		return nil, refusal("AccessDenied")
	}
	if a.tag == "" {
		return nil, refusal("NoSuchTagSet")
	}
	return &s3.GetBucketTaggingOutput{TagSet: []s3types.Tag{
		{Key: aws.String("team"), Value: aws.String("docs")},
		{Key: aws.String("aws:cloudformation:stack-id"), Value: &a.tag},
	}}, nil
}

func (a *account) PutBucketPolicy(_ context.Context, in *s3.PutBucketPolicyInput, _ ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error) {
	if len(a.putErrs) > 0 {
		err := a.putErrs[0]
		a.putErrs = a.putErrs[1:]
		return nil, err
	}
	a.policy, a.policyPut = *in.Policy, time.Now()
	return &s3.PutBucketPolicyOutput{}, nil
}

// denies reports whether S3 still applies the old policy, which denies the teardown role everything.
func (a *account) denies() bool { return time.Since(a.policyPut) < a.settles }

func (a *account) DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	return &cloudformation.DescribeStacksOutput{Stacks: []cfntypes.Stack{{StackStatus: a.status}}}, nil
}

// ListStackResources answers in two pages, with the bucket on the second.
func (a *account) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	out := &cloudformation.ListStackResourcesOutput{}
	if in.NextToken == nil {
		out.NextToken = aws.String("second")
		return out, nil
	}
	if a.inStack {
		out.StackResourceSummaries = []cfntypes.StackResourceSummary{{
			PhysicalResourceId: aws.String("docs"), ResourceType: aws.String("AWS::S3::Bucket"), ResourceStatus: cmp.Or(a.became, cfntypes.ResourceStatusUpdateComplete),
		}}
	}
	return out, nil
}

// account also implements the bucket's store.

func (a *account) List(_ context.Context, _ string, after emptying.Position) (emptying.Page, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.alive == nil {
		a.alive = bytes.Repeat([]byte{1}, a.versions)
	}
	var page emptying.Page
	if a.denies() && !a.odd {
		return page, refusal("AccessDenied")
	}
	for i := sort.Search(len(a.alive), func(i int) bool { return a.key(i) > after.Key }); i < len(a.alive); i++ {
		if a.alive[i] == 0 {
			continue
		}
		if len(page.Versions) == 1000 {
			page.More, page.Next = true, emptying.Position{Key: page.Versions[999].Key, VersionID: "v"}
			break
		}
		page.Versions = append(page.Versions, emptying.Version{Key: a.key(i), ID: "v"})
	}
	return page, nil
}

func (a *account) key(i int) string {
	if a.odd {
		return fmt.Sprintf("k%09d\x01", i)
	}
	return fmt.Sprintf("k%09d", i)
}

func (a *account) DeleteBatch(_ context.Context, versions []emptying.Version, _ bool) (failures []emptying.Failure, err error) {
	time.Sleep(a.each)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, v := range versions {
		if a.locked || a.denies() {
			failures = append(failures, emptying.Failure{Version: v, Code: "AccessDenied"})
			continue
		}
		a.remove(v)
	}
	return failures, nil
}

func (a *account) remove(v emptying.Version) {
	var i int
	if _, err := fmt.Sscanf(v.Key, "k%09d", &i); err == nil && a.alive[i] == 1 {
		a.alive[i] = 0
		a.versions--
	}
}

// unread is the error of a response of which only the status could be read.
type unread int

func (u unread) Error() string       { return fmt.Sprintf("HTTP %d", int(u)) }
func (u unread) HTTPStatusCode() int { return int(u) }

func (a *account) DeleteOne(_ context.Context, v emptying.Version, _ bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.denies() {
		return unread(403)
	}
	a.remove(v)
	return nil
}
func (a *account) ListUploads(context.Context, emptying.Upload) ([]emptying.Upload, emptying.Upload, bool, error) {
	return nil, emptying.Upload{}, false, nil
}
func (a *account) AbortUpload(context.Context, emptying.Upload) error { return nil }
func (a *account) Protection(context.Context) (emptying.Protection, error) {
	return emptying.Protection{}, nil
}
func (a *account) Hold(context.Context, emptying.Version) (emptying.Hold, error) {
	if !a.locked {
		return emptying.Hold{}, nil
	}
	return a.hold, nil
}

// asks returns a request of the given type.
func asks(kind string, properties map[string]string) cfnresponse.Request {
	all := map[string]string{"BucketName": "docs", "EmptyBucketOnDelete": "true"}
	for k, v := range properties {
		all[k] = v
	}
	payload, _ := json.Marshal(map[string]any{
		"RequestType": kind, "ResponseURL": "https://answers.example", "StackId": ourStack, "RequestId": "r",
		"LogicalResourceId": "Emptied", "PhysicalResourceId": "emptied-on-delete-docs", "ResourceProperties": all,
	})
	request, _ := cfnresponse.Parse(payload)
	return request
}

// handle handles a request with the account's teardown.
func (a *account) handle(ctx context.Context, request cfnresponse.Request) (cfnresponse.Result, error) {
	return a.teardown().Handle(ctx, request, func(note string) { a.notes = append(a.notes, note) })
}

func TestDeleteTouchesOnlyWhatIsOursAndGoes(t *testing.T) {
	for name, c := range map[string]struct {
		account    *account
		properties map[string]string
		emptied    bool
		says       string // in the error; "" for success
	}{
		"the stack is deleted":        {account: &account{tag: ourStack, status: "DELETE_IN_PROGRESS", inStack: true}, emptied: true},
		"its creation is rolled back": {account: &account{tag: ourStack, status: "ROLLBACK_IN_PROGRESS", inStack: true}, emptied: true},
		"the bucket was replaced":     {account: &account{tag: ourStack, status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}, emptied: true},
		"only the emptier was removed": {
			account: &account{tag: ourStack, status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", inStack: true}},
		"the bucket is being deleted": {
			account: &account{tag: ourStack, status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", inStack: true, became: "DELETE_IN_PROGRESS"}, emptied: true},
		"the bucket's own update failed": {
			account: &account{tag: ourStack, status: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", inStack: true, became: "UPDATE_FAILED"}},
		"an update is rolled back, the bucket stays": {
			account: &account{tag: ourStack, status: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", inStack: true}},
		"nothing is deleted":     {account: &account{tag: ourStack, status: "UPDATE_COMPLETE", inStack: true}, says: "the stack is UPDATE_COMPLETE"},
		"another stack's bucket": {account: &account{tag: otherStack, status: "DELETE_IN_PROGRESS"}, says: otherStack},
		"nobody's bucket":        {account: &account{status: "DELETE_IN_PROGRESS"}, says: "created by no stack"},
		"nobody's bucket, creation rolled back": {
			account: &account{status: "ROLLBACK_IN_PROGRESS"}},
		"the bucket is gone": {account: &account{gone: true, status: "DELETE_IN_PROGRESS"}},
		"not wanted": {account: &account{tag: ourStack, status: "DELETE_IN_PROGRESS"},
			properties: map[string]string{"EmptyBucketOnDelete": "false"}},
		"neither wanted nor not": {account: &account{tag: ourStack, status: "DELETE_IN_PROGRESS"},
			properties: map[string]string{"EmptyBucketOnDelete": "yes"}, says: `EmptyBucketOnDelete is "yes"`},
		"no bucket named": {account: &account{tag: ourStack, status: "DELETE_IN_PROGRESS"},
			properties: map[string]string{"BucketName": ""}, says: "BucketName is not set"},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.account
			a.versions = 2500
			_, err := a.handle(t.Context(), asks("Delete", c.properties))
			if emptied := a.versions == 0; emptied != c.emptied {
				t.Errorf("%d versions left, want emptied %t", a.versions, c.emptied)
			}
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("Handle = %v, want %q in it", err, c.says)
			}
			if touched := a.policy != ""; touched != c.emptied {
				t.Errorf("policy %q, want one only if the bucket is emptied", a.policy)
			}
		})
	}
}

func TestCreateAndUpdateOnlyCheck(t *testing.T) {
	for name, c := range map[string]struct {
		account *account
		says    string
	}{
		"ours":      {&account{tag: ourStack}, ""},
		"another's": {&account{tag: otherStack}, otherStack},
		"missing":   {&account{gone: true}, "does not exist"},
	} {
		for _, kind := range []string{"Create", "Update"} {
			t.Run(kind+" "+name, func(t *testing.T) {
				a := c.account
				a.versions = 5
				_, err := a.handle(t.Context(), asks(kind, nil))
				if a.versions != 5 || a.policy != "" {
					t.Errorf("%s touched the bucket", kind)
				}
				if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
					t.Errorf("Handle = %v, want %q in it", err, c.says)
				}
			})
		}
	}
}

func TestPhysicalIDFollowsTheBucket(t *testing.T) {
	create := teardown.PhysicalID(asks("Create", nil))
	if again := teardown.PhysicalID(asks("Update", nil)); again != create {
		t.Errorf("Update answers %q, Create %q", again, create)
	}
	if other := teardown.PhysicalID(asks("Update", map[string]string{"BucketName": "new"})); other == create {
		t.Errorf("another bucket has the same id %q", other)
	}
	if got := teardown.PhysicalID(asks("Delete", map[string]string{"BucketName": ""})); got != "emptied-on-delete-docs" {
		t.Errorf("Delete answers %q, want the id it was asked about", got)
	}
}

func TestALockIsTold(t *testing.T) {
	end := time.Date(2031, 1, 2, 0, 0, 0, 0, time.UTC)
	for says, c := range map[string]struct {
		hold      emptying.Hold
		removable bool
	}{
		"3 under compliance retention": {emptying.Hold{Mode: "COMPLIANCE", Until: end}, false},
		"ends 2031-01-02T00:00:00Z":    {emptying.Hold{Mode: "GOVERNANCE", Until: end}, true},
		"3 under a legal hold":         {emptying.Hold{Legal: true}, true},
		"3 under an event hold":        {emptying.Hold{Mode: "COMPLIANCE", Until: end, Event: true}, true},
	} {
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 3, locked: true, hold: c.hold}
		_, err := a.handle(t.Context(), asks("Delete", nil))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "before removing locks") != c.removable {
			t.Errorf("Handle = %v, want %q in it, and what to do before the lock is removed: %t", err, says, c.removable)
		}
	}
}

func TestWorkIsHandedOverAndEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 400_000, each: 20 * time.Second}
		began, runs := time.Now(), 0
		request := asks("Delete", nil)
		for {
			if runs++; runs > 100 {
				t.Fatal("no last run after 100 runs")
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			result, err := a.handle(ctx, request)
			if ctx.Err() != nil {
				t.Error("an invocation reached its deadline")
			}
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			if !result.HandedOver {
				break
			}
			if request, err = cfnresponse.Parse(a.handedOver[runs-1]); err != nil || len(request.Payload) > 2000 {
				t.Fatalf("handed over %d bytes, parsed with %v", len(request.Payload), err)
			}
		}
		if took := time.Since(began); a.versions != 0 || runs < 2 || took > time.Hour {
			t.Errorf("%d versions left after %d runs and %v", a.versions, runs, took)
		}
		if !strings.Contains(a.out.String(), "ObjectsDeleted") || len(a.notes) == 0 || !strings.Contains(a.log.String(), `"msg":"emptied"`) {
			t.Errorf("no progress was reported: %d notes, metrics %.200s", len(a.notes), a.out.String())
		}
	})
}

func TestWhatTheTimeCannotHoldIsLeftToS3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 900_000, each: 20 * time.Second}
		began := time.Now()
		request := asks("Delete", map[string]string{"ServiceTimeout": "480"})
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			result, err := a.handle(ctx, request)
			cancel()
			if err != nil {
				if !a.expired || !strings.Contains(err.Error(), "delete the stack again after 2031-02-03") || !strings.Contains(err.Error(), "/s)") {
					t.Errorf("Handle = %v, expired %t, want a lifecycle rule, count, rate and when to try again", err, a.expired)
				}
				break
			}
			if !result.HandedOver {
				t.Fatal("Handle = success, want a failure")
			}
			request, _ = cfnresponse.Parse(a.handedOver[len(a.handedOver)-1])
		}
		if took := time.Since(began); took > 8*time.Minute || a.versions == 0 {
			t.Errorf("answered after %v with %d versions left, want at most 8 minutes and versions left", took, a.versions)
		}
	})
}

func TestAHandOverThatFailsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{tag: ourStack, status: "DELETE_IN_PROGRESS", versions: 400_000, each: 20 * time.Second, handErr: errors.New("throttled")}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		result, err := a.handle(ctx, asks("Delete", nil))
		if err == nil || result.HandedOver || !strings.Contains(err.Error(), "throttled") {
			t.Errorf("Handle = %+v, %v, want the failure", result, err)
		}
	})
}
