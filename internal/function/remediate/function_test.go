package remediate_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/test/golden"
)

// publicPolicy is an attacker's policy.
const publicPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Everyone","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*"}]}`

// bucket is a fake bucket with a policy.
type bucket struct {
	policy string
	err    error
	// refuses is the error of writes.
	refuses error
	hangs   bool
	puts    int
}

func (b *bucket) GetBucketPolicy(ctx context.Context, _ *s3.GetBucketPolicyInput, _ ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error) {
	if b.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if b.policy == "" {
		return nil, &smithy.GenericAPIError{Code: "NoSuchBucketPolicy"}
	}
	return &s3.GetBucketPolicyOutput{Policy: &b.policy}, b.err
}

func (b *bucket) PutBucketPolicy(_ context.Context, in *s3.PutBucketPolicyInput, _ ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error) {
	b.puts++
	if b.refuses != nil {
		return nil, b.refuses
	}
	if b.err == nil {
		b.policy = *in.Policy
	}
	return &s3.PutBucketPolicyOutput{}, b.err
}

// mailbox is a fake notifier.
type mailbox struct {
	mu     sync.Mutex
	got    []guard.Record
	err    error
	hangs  bool
	forgot int
	summed int
	sumErr error
}

func (m *mailbox) Publish(ctx context.Context, r guard.Record) error {
	if m.hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, r)
	return m.err
}

func (m *mailbox) Forget(guard.Report) { m.forgot++ }

func (m *mailbox) SumUp(context.Context) error { m.summed++; return m.sumErr }

// harness is the function with a fake bucket, a stack that is not being changed and a fake notifier, and its output.
type harness struct {
	*remediate.Function
	bucket   *bucket
	mailbox  *mailbox
	standing guard.StackState
	stackErr error
	log, out bytes.Buffer
}

func newHarness(policy string) *harness {
	h := &harness{bucket: &bucket{policy: policy}, mailbox: &mailbox{}, standing: guard.StackState{Status: "CREATE_COMPLETE"}}
	start := time.Now()
	clock := func() time.Time { // four seconds after the first example event's minute
		return time.Date(2026, 5, 4, 8, 1, 4, 0, time.UTC).Add(time.Since(start))
	}
	h.Function = &remediate.Function{
		Bucket: "docs-example",
		Guard: &guard.Guard{
			Members: []guard.Member{{Resources: []guard.Resource{&s3bucket.Policy{
				API: h.bucket, Bucket: s3bucket.Bucket{Name: "docs-example", Account: account}, Desired: desiredPolicy,
				Setting: setting, Forbidden: func() []iampolicy.ForbiddenRequest { return iampolicy.ForbiddenOnBucket(setting) },
			}}}},
			Stack: func(context.Context) (guard.StackState, error) { return h.standing, h.stackErr },
			Now:   clock,
		},
		Notify: h.mailbox,
		Log:    slog.New(slog.NewJSONHandler(&h.log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		Out:    &h.out,
		Now:    clock,
	}
	return h
}

func withoutTime(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return lambdacontext.ReplaceAttr(groups, a)
}

// invoke invokes the function as Lambda does, with 50 seconds left.
func (h *harness) invoke(t *testing.T, payload []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
	defer cancel()
	return h.Invoke(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "r-1"}), payload)
}

// bubble runs a test with a harness in a synctest bubble.
func bubble(t *testing.T, policy string, test func(*testing.T, *harness)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newHarness(policy)) })
}

// lines decodes JSON lines.
func lines(t *testing.T, out bytes.Buffer) []map[string]any {
	t.Helper()
	var list []map[string]any
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v in the line %q", err, line)
		}
		list = append(list, fields)
	}
	return list
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestEventsBecomeTheRecordsOnFile invokes the function with each example event when an attacker has changed the
// policy, and compares the log and metrics lines with the golden file next to the event.
func TestEventsBecomeTheRecordsOnFile(t *testing.T) {
	for _, event := range []string{"put-bucket-policy", "delete-bucket-policy", "put-bucket-policy.cloudformation", "scheduled", "stack-status"} {
		t.Run(event, func(t *testing.T) {
			payload := read(t, event+".json")
			bubble(t, publicPolicy, func(t *testing.T, h *harness) {
				if _, err := h.invoke(t, payload); err != nil {
					t.Fatal(err)
				}
				got := h.log.String() + h.out.String()
				golden.File(t, filepath.Join("testdata", event+".record.jsonl"), got)
			})
		})
	}
}

// If a rule delivers the event of the guard's own write, the run must write nothing.
func TestEchoesOfOurOwnWritesEndWithoutAWrite(t *testing.T) {
	echoes, err := filepath.Glob("testdata/echo-*.json")
	if err != nil || len(echoes) == 0 {
		t.Fatalf("no events of the guard's own writes: %v", err)
	}
	for _, echo := range echoes {
		payload := read(t, filepath.Base(echo))
		bubble(t, desiredPolicy, func(t *testing.T, h *harness) {
			if _, err := h.invoke(t, payload); err != nil {
				t.Fatal(err)
			}
			if h.bucket.puts > 0 || len(h.mailbox.got) > 0 || lines(t, h.log)[0]["message"] != "already as desired" {
				t.Errorf("%s: %d writes, %d notifications, log %s", echo, h.bucket.puts, len(h.mailbox.got), h.log.String())
			}
		})
	}
}

// A sweep reads the stack's status only if it finds something.
func TestARunByHandSaysThatTheStackCannotBeRead(t *testing.T) {
	bubble(t, desiredPolicy, func(t *testing.T, h *harness) {
		h.stackErr = errors.New("AccessDenied")
		_, err := h.invoke(t, nil)
		if log := lines(t, h.log); err != nil || len(log) != 1 || log[0]["message"] != "already as desired" || log[0]["level"] != "WARN" {
			t.Errorf("Invoke = %v, log:\n%swant one line at WARN", err, h.log.String())
		}
	})
}

func TestInvokeSaysInOneLineWhatCameOfIt(t *testing.T) {
	denied := errors.New("AccessDenied")
	for name, test := range map[string]struct {
		live           string
		prepare        func(*harness)
		message, level string
		fails          bool
		metrics        map[string]float64
	}{
		"all as desired": {desiredPolicy, func(*harness) {}, "already as desired", "INFO", false, nil},
		"open drift corrected": {publicPolicy, func(*harness) {}, "corrected", "ERROR", false,
			map[string]float64{"DriftDetected": 1, "DriftCorrected": 1, "OpenDrift": 1, "TimeToCorrect": 0}},
		"closed drift corrected": {denyAll, func(*harness) {}, "corrected", "WARN", false,
			map[string]float64{"DriftDetected": 1, "DriftCorrected": 1, "ClosedDrift": 1, "TimeToCorrect": 0}},
		"observed": {publicPolicy, func(h *harness) { h.Guard.Observe = true }, "drift observed", "ERROR", false,
			map[string]float64{"DriftDetected": 1, "OpenDrift": 1}},
		"stood down": {publicPolicy, func(h *harness) { h.standing = guard.StackState{Status: "UPDATE_IN_PROGRESS", Busy: true} },
			"standing down", "INFO", false, map[string]float64{"DriftDetected": 1, "OpenDrift": 1, "StoodDown": 1}},
		"not writable": {publicPolicy, func(h *harness) { h.bucket.err = denied }, "not corrected", "ERROR", true,
			map[string]float64{"CorrectionFailed": 1}},
		"gone": {publicPolicy, func(h *harness) { h.bucket.err = &smithy.GenericAPIError{Code: "NoSuchBucket"} }, "not corrected", "ERROR", true,
			map[string]float64{"CorrectionFailed": 1, "ResourceMissing": 1}},
		"hanging until the end": {publicPolicy, func(h *harness) { h.bucket.hangs = true }, "not corrected", "ERROR", true,
			map[string]float64{"CorrectionFailed": 1}},
		"a template that locks out": {publicPolicy, func(h *harness) { h.Guard.Members[0].Resources[0].(*s3bucket.Policy).Desired = denyAll },
			"lockout refused", "ERROR", true, map[string]float64{"DriftDetected": 1, "OpenDrift": 1, "CorrectionFailed": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, test.live, func(t *testing.T, h *harness) {
				test.prepare(h)
				_, err := h.invoke(t, []byte(`{"detail-type":"Scheduled Event"}`))
				log := lines(t, h.log)
				if len(log) != 1 || log[0]["message"] != test.message || log[0]["level"] != test.level || (err != nil) != test.fails {
					t.Errorf("Invoke = %v, log:\n%swant one line %q at %s, error %t", err, h.log.String(), test.message, test.level, test.fails)
				}
				want := map[string]float64{"OpenDrift": 0, "ClosedDrift": 0}
				for metric, value := range test.metrics {
					want[metric] = value
				}
				if diff := cmp.Diff(want, published(t, h.out)); diff != "" {
					t.Errorf("metrics (-want +got):\n%s", diff)
				}
				if told := len(h.mailbox.got); h.mailbox.forgot != 1 || (told == 1) != (test.message != "already as desired") {
					t.Errorf("%d notifications, want one per record", told)
				}
			})
		})
	}
}

// published returns the numbers of an EMF line.
func published(t *testing.T, out bytes.Buffer) map[string]float64 {
	t.Helper()
	numbers := map[string]float64{}
	for name, value := range lines(t, out)[0] {
		if number, ok := value.(float64); ok {
			numbers[name] = number
		}
	}
	return numbers
}

func TestInvokeFailsWhenNobodyCouldBeToldButCorrects(t *testing.T) {
	for name, prepare := range map[string]func(*mailbox){
		"refused": func(m *mailbox) { m.err = errors.New("AuthorizationError") },
		"hanging": func(m *mailbox) { m.hangs = true },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, publicPolicy, func(t *testing.T, h *harness) {
				prepare(h.mailbox)
				began := time.Now()
				_, err := h.invoke(t, nil)
				if err == nil || h.bucket.policy != desiredPolicy || lines(t, h.log)[0]["message"] != "corrected" {
					t.Errorf("Invoke = %v, live %s, log %s; want a correction, a log and an error", err, h.bucket.policy, h.log.String())
				}
				if took := time.Since(began); took > 49*time.Second {
					t.Errorf("Invoke took %s of its 50 s, want it to leave time to answer", took)
				}
			})
		})
	}
}

func TestACorrectionIsToldByALaterRunWhenNobodyCouldBeToldAtOnce(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.mailbox.err = errors.New("AuthorizationError")
		for range 2 { // Lambda retries: nothing is left to correct, but the notification is still due
			if _, err := h.invoke(t, nil); err == nil {
				t.Error("Invoke = nil although the notification failed, want an error")
			}
		}
		h.mailbox.err, h.mailbox.got = nil, nil
		for range 2 {
			if _, err := h.invoke(t, nil); err != nil {
				t.Errorf("Invoke = %v, want no error", err)
			}
		}
		if got := h.mailbox.got; len(got) != 1 || got[0].Outcome != guard.Corrected {
			t.Errorf("notifications %+v, want exactly one, of the correction", got)
		}
	})
}

func TestInvokeLeavesTimeToReport(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		h.bucket.hangs = true
		began := time.Now()
		h.invoke(t, nil)
		if took := time.Since(began); took != 45*time.Second {
			t.Errorf("a hanging run took %s of 50 s, want 45 s", took)
		}
		began = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		h.Invoke(ctx, nil)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("a hanging run took %s of 4 s, want 3 s", took)
		}
	})
}

func TestInvokeTakesWhatItDoesNotKnowForASweep(t *testing.T) {
	for name, payload := range map[string]string{
		"the console's test event": `{"key1":"value1"}`,
		"not JSON":                 `{`,
		"much of it":               strings.Repeat("x", 1<<20),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, publicPolicy, func(t *testing.T, h *harness) {
				if _, err := h.invoke(t, []byte(payload)); err != nil {
					t.Fatal(err)
				}
				log := lines(t, h.log)
				if len(log) != 2 || log[0]["message"] != "unknown payload, treated as a sweep" || h.bucket.policy != desiredPolicy {
					t.Errorf("live %s, log %s; want the payload logged and the policy corrected", h.bucket.policy, h.log.String())
				}
				if logged, _ := log[0]["payload"].(string); len(logged) > 1<<10 || !strings.HasPrefix(payload, logged) {
					t.Errorf("%d bytes of the payload were logged, want at most 1 KB", len(logged))
				}
			})
		})
	}
}

func TestInvokeAnswersWithItsRecords(t *testing.T) {
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		answer, err := h.invoke(t, []byte("{}"))
		var records []guard.Record
		if err != nil || json.Unmarshal(answer, &records) != nil || len(records) != 1 || records[0].Trigger.Kind != guard.Direct {
			t.Errorf("Invoke = %s, %v, want the record of a direct invocation", answer, err)
		}
	})
}

func TestAForgedEventChangesNothingButTheActor(t *testing.T) {
	forged := `{"detail-type":"AWS API Call via CloudTrail","detail":{"eventName":"PutBucketPolicy",
		"userAgent":"x\",\"level\":\"INFO\"}\n{\"message\":\"already as desired\"","requestParameters":{"bucketName":"another","bucketPolicy":{"Statement":[]}}}}`
	bubble(t, publicPolicy, func(t *testing.T, h *harness) {
		if _, err := h.invoke(t, []byte(forged)); err != nil {
			t.Fatal(err)
		}
		if log := lines(t, h.log); len(log) != 1 || log[0]["message"] != "corrected" || h.bucket.policy != desiredPolicy {
			t.Errorf("live %s, log %s; want one line, and the template's policy", h.bucket.policy, h.log.String())
		}
	})
}
