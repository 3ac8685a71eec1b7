package recordevents_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/recordevents"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// fake records the calls. refuses returns why the bus refuses an entry, "" if it accepts it.
type fake struct {
	calls   [][]recordevents.Entry
	err     error
	refuses func(recordevents.Detail) string
}

func (f *fake) Call(_ context.Context, operation string, input, output any) error {
	in, out := input.(recordevents.Events), output.(*recordevents.Answer)
	if operation != "PutEvents" {
		return errors.New(operation)
	}
	if f.err != nil {
		return f.err
	}
	f.calls = append(f.calls, in.Entries)
	for _, e := range in.Entries {
		result := recordevents.Result{}
		if f.refuses != nil && f.refuses(detail(e)) != "" {
			out.FailedEntryCount++
			why := f.refuses(detail(e))
			result = recordevents.Result{ErrorCode: "ThrottlingException", ErrorMessage: why}
		}
		out.Entries = append(out.Entries, result)
	}
	return nil
}

// detail decodes an entry's detail.
func detail(e recordevents.Entry) recordevents.Detail {
	var d recordevents.Detail
	if err := json.Unmarshal([]byte(e.Detail), &d); err != nil {
		panic(err)
	}
	return d
}

// sent returns the accepted events as "property outcome verdict", and forgets them.
func (f *fake) sent() []string {
	var list []string
	for _, entries := range f.calls {
		for _, e := range entries {
			d := detail(e)
			list = append(list, strings.TrimSpace(d.Resource+" "+string(d.Outcome)+" "+string(d.Verdict)))
		}
	}
	f.calls = nil
	return list
}

func newBus() (*recordevents.Bus, *fake) {
	f := &fake{}
	return &recordevents.Bus{EventBridge: f, Setting: setting, StackID: stackID}, f
}

func record(resource string, outcome guard.Outcome, verdict iampolicy.Verdict) guard.Record {
	return guard.Record{
		Resource: resource, Target: "docs-example", Outcome: outcome, Verdict: verdict, Trigger: guard.Trigger{Kind: guard.Sweep},
	}
}

// send sends the records of one run.
func send(t *testing.T, b *recordevents.Bus, records ...guard.Record) {
	t.Helper()
	if err := b.Send(t.Context(), guard.Report{Records: records}); err != nil {
		t.Fatal(err)
	}
}

func TestUnchangedDriftIsSentOnce(t *testing.T) {
	observed := record("bucket-policy", guard.Observed, iampolicy.Open)
	closed, changed, failing, gone := observed, observed, observed, observed
	closed.Verdict, changed.Before, failing.Outcome, gone.Missing = iampolicy.Closed, "another state", guard.NotCorrected, true
	again := observed
	again.ElapsedMs, again.Trigger.EventID = 17, "another run"
	for name, test := range map[string]struct {
		next guard.Record
		want []string
	}{
		"the same":           {again, nil},
		"another verdict":    {closed, []string{"bucket-policy drift observed closed"}},
		"another live state": {changed, []string{"bucket-policy drift observed open"}},
		"another outcome":    {failing, []string{"bucket-policy not corrected open"}},
		"gone altogether":    {gone, []string{"bucket-policy drift observed open"}},
		"another property":   {record("subnets", guard.Observed, iampolicy.Closed), []string{"subnets drift observed closed"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, f := newBus()
			send(t, b, observed)
			if first := f.sent(); len(first) != 1 {
				t.Fatalf("events %q, want one", first)
			}
			send(t, b, test.next)
			if diff := cmp.Diff(test.want, f.sent()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDriftThatReturnsIsSentAgain(t *testing.T) {
	b, f := newBus()
	observed := record("bucket-policy", guard.Observed, iampolicy.Open)
	send(t, b, observed)
	over := guard.Report{AsDesired: []guard.Finding{{Property: observed.Resource, Target: observed.Target}}}
	if err := b.Send(t.Context(), over); err != nil {
		t.Fatal(err)
	}
	send(t, b, observed)
	if got := f.sent(); len(got) != 2 {
		t.Errorf("events %q, want two", got)
	}
}

// A run that cannot read the property says nothing about it.
func TestDriftThatCouldNotBeReadMeanwhileIsNotSentAgain(t *testing.T) {
	b, f := newBus()
	observed := record("bucket-policy", guard.Observed, iampolicy.Open)
	send(t, b, observed)
	send(t, b)
	send(t, b, observed)
	if got := f.sent(); len(got) != 1 {
		t.Errorf("events %q, want one", got)
	}
}

func TestEachCorrectionIsSent(t *testing.T) {
	b, f := newBus()
	for _, outcome := range []guard.Outcome{guard.Corrected, guard.Corrected, guard.Ended, guard.Ended} {
		send(t, b, record("bucket-policy", outcome, iampolicy.Open))
	}
	if got := f.sent(); len(got) != 4 {
		t.Errorf("events %q, want four", got)
	}
}

func TestARunWithoutNewsMakesNoCall(t *testing.T) {
	b, f := newBus()
	send(t, b)
	if len(f.calls) != 0 {
		t.Errorf("%d calls, want none", len(f.calls))
	}
}

func TestRefusedEventsAreNamedAndSentAgain(t *testing.T) {
	for name, test := range map[string]struct {
		fails func(*fake)
		want  string
	}{
		"the call": {func(f *fake) { f.err = errors.New("AccessDeniedException") },
			"sending the events of bucket-policy, subnets: AccessDeniedException"},
		"one entry": {func(f *fake) {
			f.refuses = func(d recordevents.Detail) string {
				if d.Resource == "subnets" {
					return "Rate exceeded"
				}
				return ""
			}
		}, "sending the event of subnets: ThrottlingException: Rate exceeded"},
	} {
		for _, outcome := range []guard.Outcome{guard.Corrected, guard.Observed} {
			t.Run(name+", "+string(outcome), func(t *testing.T) {
				b, f := newBus()
				test.fails(f)
				records := []guard.Record{record("bucket-policy", outcome, iampolicy.Open), record("subnets", outcome, iampolicy.Closed)}
				err := b.Send(t.Context(), guard.Report{Records: records})
				if err == nil || err.Error() != test.want {
					t.Errorf("Send = %v, want %s", err, test.want)
				}
				f.sent()
				f.err, f.refuses = nil, nil
				if outcome == guard.Corrected {
					records = nil // the next run does not find corrected drift
				}
				send(t, b, records...)
				want := []string{"bucket-policy " + string(outcome) + " open", "subnets " + string(outcome) + " closed"}
				if name == "one entry" {
					want = want[1:]
				}
				if diff := cmp.Diff(want, f.sent()); diff != "" {
					t.Errorf("events of the next run (-want +got):\n%s", diff)
				}
				send(t, b, records...)
				if got := f.sent(); got != nil {
					t.Errorf("events of a third run %q, want none", got)
				}
			})
		}
	}
}

func TestWhatCannotBeSentDoesNotGrowWithoutEnd(t *testing.T) {
	b, f := newBus()
	f.err = errors.New("InternalException")
	corrected := guard.Report{Records: []guard.Record{record("bucket-policy", guard.Corrected, iampolicy.Open)}}
	for range 300 {
		if err := b.Send(t.Context(), corrected); err == nil {
			t.Fatal("Send = nil, want an error")
		}
	}
	f.err = nil
	send(t, b)
	if got := len(f.sent()); got != 100 {
		t.Errorf("%d events were kept, want 100", got)
	}
}

// EventBridge takes 10 entries a call, and less than 256 KB in all of them.
func TestCallsStayWithinEventBridgesLimits(t *testing.T) {
	for name, test := range map[string]struct {
		records, size, calls int
	}{
		"as many as a call takes": {10, 10, 1},
		"more than a call takes":  {21, 10, 3},
		"large ones":              {10, 48 << 10, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b, f := newBus()
			var records []guard.Record
			for range test.records {
				r := record("bucket-policy", guard.Corrected, iampolicy.Open)
				r.Before = strings.Repeat("x", test.size)
				records = append(records, r)
			}
			send(t, b, records...)
			if len(f.calls) != test.calls {
				t.Errorf("%d calls, want %d", len(f.calls), test.calls)
			}
			for _, entries := range f.calls {
				if size := sizeOf(entries); len(entries) > 10 || size >= 256<<10 {
					t.Errorf("a call with %d entries of %d bytes, want at most 10, and less than 256 KB", len(entries), size)
				}
			}
			if got := len(f.sent()); got != test.records {
				t.Errorf("%d events, want %d", got, test.records)
			}
		})
	}
}

// sizeOf is the size of entries as AWS's example computes it.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/calculate-putevents-entry-size.html
func sizeOf(entries []recordevents.Entry) int {
	size := 0
	for _, e := range entries {
		size += len(e.Source) + len(e.DetailType) + len(e.Detail)
		for _, arn := range e.Resources {
			size += len(arn)
		}
	}
	return size
}

// A control character takes six bytes in JSON, so that texts of a record's full length can be too large together.
func TestEventsThatAreTooLargeAreCutInOrder(t *testing.T) {
	text := strings.Repeat("\x01", 24<<10) // 144 KB in JSON
	for name, test := range map[string]struct {
		change func(*guard.Record)
		want   []string
	}{
		"nothing long": {func(*guard.Record) {}, nil},
		"one":          {func(r *guard.Record) { r.Before = text }, nil},
		"two":          {func(r *guard.Record) { r.Before, r.After = text, text }, []string{"after"}},
		"two without after": {func(r *guard.Record) { r.After, r.Before, r.Diff = "", text, []guard.Difference{{Value: text}} },
			[]string{"diff"}},
		"three": {func(r *guard.Record) { r.Before, r.After, r.Error = text, text, text }, []string{"after", "before"}},
		"all": {func(r *guard.Record) {
			r.Before, r.After, r.Diff, r.Error, r.Unread, r.Allowed = text, text, []guard.Difference{{Value: text}}, text, text, text
		}, []string{"after", "diff", "before", "error", "unread"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, f := newBus()
			r := record("bucket-policy", guard.NotCorrected, iampolicy.Open)
			r.After = "{}"
			test.change(&r)
			send(t, b, r)
			entries := f.calls[0]
			d := detail(entries[0])
			if diff := cmp.Diff(test.want, d.Truncated); diff != "" || sizeOf(entries) >= 256<<10 {
				t.Errorf("%d bytes, truncated (-want +got):\n%s", sizeOf(entries), diff)
			}
			if d.Resource != r.Resource || d.Outcome != r.Outcome {
				t.Errorf("the event is of %s, %s, want %s, %s", d.Resource, d.Outcome, r.Resource, r.Outcome)
			}
			checkSchema(t, entries[0].Detail)
		})
	}
}

// The event of a fleet's record names the bucket or the endpoint that the record is about.
func TestAFleetsEventNamesOneBucketOrEndpoint(t *testing.T) {
	for name, test := range map[string]struct {
		place  guard.Place
		want   []string
		bucket string
	}{
		"a bucket":    {guard.Place{Bucket: "data-1"}, []string{"arn:aws:s3:::data-1"}, "data-1"},
		"an endpoint": {guard.Place{Endpoint: "vpce-1"}, []string{"arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/vpce-1"}, ""},
		"neither":     {guard.Place{}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b, f := newBus()
			b.Setting.Bucket, b.Setting.EndpointID = "", ""
			r := record("bucket-policy", guard.Corrected, iampolicy.Open)
			r.Place = test.place
			send(t, b, r)
			e := f.calls[0][0]
			if diff := cmp.Diff(test.want, e.Resources); diff != "" || detail(e).Bucket != test.bucket {
				t.Errorf("bucket %q, resources (-want +got):\n%s", detail(e).Bucket, diff)
			}
		})
	}
}
