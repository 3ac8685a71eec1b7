package securityhub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/securityhub"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	local "example.com/s3-endpoint-guard/local/localaws/securityhub"
	"example.com/s3-endpoint-guard/test/golden"
)

// calls passes calls on to the local AWS's Security Hub, unless it refuses them.
type calls struct {
	awscall.Caller
	n int
	// err refuses calls, refuse single findings, by the end of their Id.
	err    error
	refuse string
}

func (c *calls) Call(ctx context.Context, operation string, in, out any) error {
	c.n++
	if c.err != nil {
		return c.err
	}
	var request struct{ Findings []map[string]any }
	var passed []any
	refused := []any{}
	if err := convert(in, &request); err != nil {
		return err
	}
	for _, f := range request.Findings {
		if id := f["Id"].(string); c.refuse != "" && strings.HasSuffix(id, c.refuse) {
			refused = append(refused, map[string]any{"Id": id, "ErrorCode": "InvalidAccess", "ErrorMessage": "product not enabled"})
		} else {
			passed = append(passed, f)
		}
	}
	if len(passed) > 0 {
		var answer struct{ FailedFindings []any }
		if err := c.Caller.Call(ctx, operation, map[string]any{"Findings": passed}, &answer); err != nil {
			return err
		}
		refused = append(refused, answer.FailedFindings...)
	}
	return convert(map[string]any{"FailedFindings": refused}, out)
}

// convert copies a value to another one of the same JSON.
func convert(from, to any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, to)
}

// world is a hub with the local AWS's Security Hub behind it, which checks each finding, and a clock.
type world struct {
	*securityhub.Hub
	t     *testing.T
	api   *calls
	local *local.Service
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	w := &world{t: t, local: local.New(gate.Options()), now: time.Date(2026, 3, 2, 9, 1, 8, 0, time.UTC)}
	w.local.Enable()
	gate.Add(w.local)
	w.api = &calls{Caller: awscall.New(localtest.Config(t, gate, localtest.Everything), awscall.SecurityHub)}
	w.restart()
	return w
}

// restart makes a new process, which knows nothing of the earlier one.
func (w *world) restart() {
	w.Hub = &securityhub.Hub{
		SecurityHub: w.api, Runbook: "https://git.example.com/guard/docs/runbook.md", Now: func() time.Time { return w.now },
		StackID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001",
		Setting: iampolicy.Setting{
			Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs-example",
			EndpointID: "vpce-0a1b2c3d4e5f60718",
		},
	}
}

// run sends the report of a run a minute later: its records, and the other properties as desired.
func (w *world) run(records ...guard.Record) error {
	w.now = w.now.Add(time.Minute)
	report := guard.Report{Records: records}
	for property, target := range map[string]string{"bucket-policy": "docs-example", "subnets": "vpce-0a1b2c3d4e5f60718"} {
		recorded := false
		for _, r := range records {
			recorded = recorded || r.Resource == property || r.Resource == "vpc-endpoint" && property == "subnets"
		}
		if !recorded {
			report.AsDesired = append(report.AsDesired, guard.Finding{Property: property, Target: target, Verdict: iampolicy.Same})
		}
	}
	return w.Send(w.t.Context(), report)
}

// sends is run, which must succeed, with so many calls.
func (w *world) sends(calls int, records ...guard.Record) {
	w.t.Helper()
	before := w.api.n
	if err := w.run(records...); err != nil {
		w.t.Fatal(err)
	}
	if got := w.api.n - before; got != calls {
		w.t.Errorf("%d calls, want %d", got, calls)
	}
}

// is fails the test unless a property's finding has that state, compliance and severity.
func (w *world) is(property, want string) {
	w.t.Helper()
	got := "none"
	for _, f := range w.local.Findings() {
		if strings.HasSuffix(f["Id"].(string), "/"+property) {
			provided := f["FindingProviderFields"].(map[string]any)
			got = f["RecordState"].(string) + " " + f["Compliance"].(map[string]any)["Status"].(string) + " " +
				provided["Severity"].(map[string]any)["Label"].(string)
		}
	}
	if got != want {
		w.t.Errorf("the finding of %s is %q, want %q", property, got, want)
	}
}

func record(resource string, outcome guard.Outcome, verdict iampolicy.Verdict) guard.Record {
	target := "docs-example"
	if resource != "bucket-policy" {
		target = "vpce-0a1b2c3d4e5f60718"
	}
	return guard.Record{Resource: resource, Target: target, Outcome: outcome, Verdict: verdict, Trigger: guard.Trigger{Kind: guard.Sweep}}
}

func TestAFindingIsActiveWhileThePropertyHasDrifted(t *testing.T) {
	w := newWorld(t)
	w.sends(1) // the first run of a process resolves what an earlier one may have left active
	w.is("bucket-policy", "ARCHIVED PASSED INFORMATIONAL")
	w.sends(0)
	w.sends(1, record("bucket-policy", guard.Observed, iampolicy.Open))
	w.is("bucket-policy", "ACTIVE FAILED HIGH")
	w.sends(0, record("bucket-policy", guard.Observed, iampolicy.Open))
	w.sends(1, record("bucket-policy", guard.NotCorrected, iampolicy.Open))
	w.sends(1, record("bucket-policy", guard.NotCorrected, iampolicy.Closed))
	w.is("bucket-policy", "ACTIVE FAILED LOW")
	w.sends(1, record("bucket-policy", guard.Corrected, iampolicy.Closed))
	w.is("bucket-policy", "ARCHIVED PASSED LOW")
	w.sends(0)
	w.is("subnets", "ARCHIVED PASSED INFORMATIONAL")
	if n := len(w.local.Findings()); n != 2 {
		t.Errorf("%d findings, want one for each property", n)
	}
}

func TestDriftThatAnotherPartyEndsIsResolved(t *testing.T) {
	for name, restart := range map[string]bool{"in the same process": false, "in a later process": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sends(1, record("bucket-policy", guard.Observed, iampolicy.Open))
			w.is("bucket-policy", "ACTIVE FAILED HIGH")
			if restart {
				w.restart()
			}
			w.sends(1) // no record: the property is as desired
			if f := w.local.Findings()[0]; f["RecordState"] != "ARCHIVED" || f["Compliance"].(map[string]any)["Status"] != "PASSED" {
				t.Errorf("the finding is %v, %v; want it resolved", f["RecordState"], f["Compliance"])
			}
		})
	}
}

func TestEachCorrectionUpdatesTheFinding(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.sends(1, record("bucket-policy", guard.Corrected, iampolicy.Open))
		w.is("bucket-policy", "ARCHIVED PASSED HIGH")
	}
}

func TestTheTimeOfCreationIsThatOfTheFirstFindingOfADrift(t *testing.T) {
	w := newWorld(t)
	created := func() string { return w.local.Findings()[0]["CreatedAt"].(string) }
	w.sends(1, record("bucket-policy", guard.Observed, iampolicy.Open))
	first := created()
	w.sends(1, record("bucket-policy", guard.NotCorrected, iampolicy.Open))
	w.sends(1, record("bucket-policy", guard.Corrected, iampolicy.Open))
	if got := created(); got != first {
		t.Errorf("CreatedAt = %s after updates, want %s", got, first)
	}
	w.sends(1, record("bucket-policy", guard.Observed, iampolicy.Open))
	if got := created(); got <= first {
		t.Errorf("CreatedAt of new drift = %s, want later than %s", got, first)
	}
}

func TestWhatCouldNotBeInspectedChangesNoFinding(t *testing.T) {
	w := newWorld(t)
	w.sends(1, record("subnets", guard.Observed, iampolicy.Closed))
	w.sends(0, record("vpc-endpoint", guard.NotCorrected, ""))
	w.is("subnets", "ACTIVE FAILED LOW")
}

func TestNothingIsImportedWhileTheStackIsDeleted(t *testing.T) {
	w := newWorld(t)
	deleting := guard.Report{
		Records: []guard.Record{record("bucket-policy", guard.StandingDown, iampolicy.Closed)},
		Stack:   guard.StackState{Status: "DELETE_IN_PROGRESS", Busy: true, Deleting: true},
	}
	if err := w.Send(t.Context(), deleting); err != nil || w.api.n > 0 {
		t.Errorf("Send = %v with %d calls, want none", err, w.api.n)
	}
}

func TestRefusedFindingsAreNamedAndImportedAgain(t *testing.T) {
	for name, test := range map[string]struct {
		fails func(*calls)
		want  string
	}{
		"the call": {func(c *calls) { c.err = errors.New("InvalidAccessException") },
			"importing the findings of bucket-policy, subnets: InvalidAccessException"},
		"one finding": {func(c *calls) { c.refuse = "/subnets" }, "importing the finding of subnets: InvalidAccess: product not enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.sends(1)
			test.fails(w.api)
			open, closed := record("bucket-policy", guard.Corrected, iampolicy.Open), record("subnets", guard.Corrected, iampolicy.Closed)
			for range 2 { // a run that fails again fails loudly again
				if err := w.run(open, closed); err == nil || err.Error() != test.want {
					t.Errorf("Send = %v, want %s", err, test.want)
				}
			}
			w.api.err, w.api.refuse = nil, ""
			w.sends(1) // the drift is over, and what was refused is imported
			w.sends(0)
			w.is("subnets", "ARCHIVED PASSED INFORMATIONAL")
		})
	}
}

func TestTextsAreCutToASFFsLengths(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("ü ", 2000)
	r := record("bucket-policy", guard.NotCorrected, iampolicy.Open)
	r.Allowed, r.Error, r.Unread, r.Target = long, long, long, "docs-example"
	r.Actor = &guard.Actor{ARN: long, IssuerARN: long, SourceIPAddress: long}
	r.Trigger.EventName, r.Trigger.EventID = long, long
	w.sends(1, r) // the local AWS refuses longer ones
	if got := w.local.Findings()[0]["Description"].(string); !strings.HasSuffix(got, " …") {
		t.Errorf("Description = %q, want it to end with the mark of a cut", got)
	}
}

// The golden files are findings as Security Hub gets them. The local AWS checks them against what AWS publishes about
// the format, with the sources: local/localaws/securityhub/asff.go.
func TestFindingsAreAsOnFile(t *testing.T) {
	event := guard.Trigger{
		Kind: guard.Event, EventID: "e-1", EventName: "PutBucketPolicy", EventTime: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC),
	}
	open := record("bucket-policy", guard.Observed, iampolicy.Open)
	open.Trigger, open.RequestID = event, "5c1f3a52-0000-4000-8000-000000000001"
	open.Allowed = "anonymous caller from the internet: s3:GetObject on arn:aws:s3:::docs-example/thankyou.txt is allowed"
	open.Actor = &guard.Actor{
		ARN: "arn:aws:sts::111122223333:assumed-role/ops/alice", IssuerARN: "arn:aws:iam::111122223333:role/ops",
		SourceIPAddress: "198.51.100.7",
	}
	failed := record("subnets", guard.NotCorrected, iampolicy.Closed)
	failed.Error, failed.Runbook = "restoring subnets: UnauthorizedOperation", guard.RemedyDenied
	corrected := open
	corrected.Outcome = guard.Corrected
	for name, test := range map[string]struct {
		records  []guard.Record
		property string
	}{
		"open":          {[]guard.Record{open}, "bucket-policy"},
		"closed":        {[]guard.Record{failed}, "subnets"},
		"corrected":     {[]guard.Record{open, corrected}, "bucket-policy"},
		"as-desired":    {nil, "bucket-policy"},
		"ended-by-hand": {[]guard.Record{open, {}}, "bucket-policy"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, r := range test.records {
				if r.Resource == "" {
					continue
				}
				if err := w.run(r); err != nil {
					t.Fatal(err)
				}
			}
			if name == "ended-by-hand" || name == "as-desired" {
				if err := w.run(); err != nil {
					t.Fatal(err)
				}
			}
			var got string
			for _, f := range w.local.Findings() {
				if strings.HasSuffix(f["Id"].(string), "/"+test.property) {
					delete(f, "Workflow") // Security Hub's, not the guard's
					text, err := json.MarshalIndent(f, "", "  ")
					if err != nil {
						t.Fatal(err)
					}
					got = string(text) + "\n"
				}
			}
			path := filepath.Join("testdata", name+".json")
			golden.File(t, path, got)
		})
	}
}

// A process of a fleet's function that has just started resolves thousands of findings, a part of them in each run.
func TestAFleetsFindingsAreImportedInParts(t *testing.T) {
	w := newWorld(t)
	w.Setting.Bucket, w.Setting.EndpointID = "", ""
	report := guard.Report{Records: []guard.Record{{
		Resource: "bucket-policy", Target: "data-drifted", Place: guard.Place{Bucket: "data-drifted"},
		Outcome: guard.Observed, Verdict: iampolicy.Open, Trigger: guard.Trigger{Kind: guard.Sweep},
	}}}
	for i := range 1200 {
		bucket := fmt.Sprintf("data-%04d", i)
		report.AsDesired = append(report.AsDesired, guard.Finding{Property: "bucket-policy", Target: bucket, Place: guard.Place{Bucket: bucket}})
	}
	report.AsDesired = append(report.AsDesired, guard.Finding{
		Property: "private-dns", Target: "vpce-0a1b2c3d4e5f60718", Place: guard.Place{Endpoint: "vpce-0a1b2c3d4e5f60718"},
	})
	for _, calls := range []int{10, 3, 0} {
		before := w.api.n
		if err := w.Send(t.Context(), report); err != nil {
			t.Fatal(err)
		}
		if got := w.api.n - before; got != calls {
			t.Errorf("%d calls, want %d", got, calls)
		}
	}
	ids := map[string]bool{}
	for _, f := range w.local.Findings() {
		ids[f["Id"].(string)] = true
	}
	const prefix = "s3-endpoint-guard/eu-central-1/111122223333/"
	for _, id := range []string{prefix + "data-drifted/bucket-policy", prefix + "data-1199/bucket-policy", prefix + "vpce-0a1b2c3d4e5f60718/private-dns"} {
		if !ids[id] {
			t.Errorf("there is no finding %s", id)
		}
	}
	if len(ids) != 1202 {
		t.Errorf("%d findings, want 1202", len(ids))
	}
}
