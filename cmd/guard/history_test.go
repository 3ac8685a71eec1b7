package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/guardlog"
	"example.com/s3-endpoint-guard/internal/history"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/logs"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

func TestHistoryShowsCorrections(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.says("history", "no records since ")
	a.opens()
	out := a.says("history", "bucket-policy of "+a.bucket+"  open\n   corrected ", " after the event; by arn:aws:iam::111122223333:user/admin (PutBucketPolicy)\n",
		" bytes; record ")
	var e history.Entry
	if err := json.Unmarshal([]byte(a.says("history --json --bucket "+a.bucket)), &e); err != nil {
		t.Fatal(err)
	}
	if size := fmt.Sprintf("state before: %d bytes", e.BeforeBytes); !strings.Contains(out, size) {
		t.Errorf("history = %q, want %q", out, size)
	}
	if e.Outcome != "corrected" || e.BeforeBytes != len(e.Before) || !strings.Contains(e.Before, `"Shared"`) || e.Actor.ARN != "arn:aws:iam::111122223333:user/admin" ||
		!strings.Contains(out, "record "+e.RequestID) || time.Since(e.Time) > time.Minute {
		t.Errorf("history --json = %+v, want the correction of the policy", e)
	}
	if out := a.says("history --json --bucket docs-example"); out != "" {
		t.Errorf("history of another bucket = %q, want nothing", out)
	}
}

func TestReportSumsUpWhatWouldHaveBeenCorrected(t *testing.T) {
	t.Parallel()
	a := newGuarded(t, "Enforcement=Observe")
	a.says("report", "no drift was observed: nothing would have been corrected")
	a.opens()
	a.opens()
	out, errs, code := a.guard("", "report")
	for _, text := range []string{"bucket-policy of " + a.bucket + "  open  ", "by arn:aws:iam::111122223333:user/admin: 2 changes, 2 records", ", record "} {
		if code != exitOpen || !strings.Contains(out, text) {
			t.Errorf("report: exit code %d, %q, %s, want %d and %q", code, out, errs, exitOpen, text)
		}
	}
	out, _, code = a.guard("", "report", "--json")
	var r observed
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != exitOpen || len(r.Groups) != 1 || r.Groups[0].Changes != 2 || r.Groups[0].Allowed == "" {
		t.Errorf("report --json: exit code %d, %q, %v, want one group of 2 changes", code, out, err)
	}
}

func TestAReportOnASilentLogIsNone(t *testing.T) {
	t.Parallel()
	a := newGuarded(t, "Enforcement=Observe")
	group := a.stack.Physical("RemediateLogGroup")
	a.cloud.Logs.DeleteGroup(group)
	a.fails("report", "The specified log group does not exist")
	a.cloud.Logs.CreateGroup(group)
	a.fails("report", "no guard looked")
}

// TestALongLogIsReadWithBoundedMemory searches 100,000 lines, half of them records with large images.
func TestALongLogIsReadWithBoundedMemory(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	service := logs.New(gate.Options())
	gate.Add(service)
	service.CreateGroup("guard")
	began := time.Now().Add(-time.Hour)
	// The lines share their memory: what the test measures is the reader's.
	record := `{"message":"drift observed","trigger":{"kind":"sweep"},"resource":"bucket-policy","target":"docs-example","verdict":"open","requestId":"1","before":"` +
		strings.Repeat("x", 2000) + `"}`
	const quiet = `{"message":"already as desired","trigger":{"kind":"sweep"}}`
	for i := range 50_000 {
		at := began.Add(time.Duration(i) * time.Millisecond)
		service.Put("guard", "s", at, record)
		service.Put("guard", "s", at, quiet)
	}
	s := &searcher{err: io.Discard, out: io.Discard}
	log := guardlog.Log{API: cloudwatchlogs.NewFromConfig(localtest.Config(t, gate, localtest.Everything)), Group: "guard"}
	var summary history.Summary
	var start, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&start)
	highest, records := uint64(0), 0
	for e, err := range s.records(t.Context(), log, began.Add(-time.Hour), history.PatternOf("", "", "")) {
		if err != nil {
			t.Fatal(err)
		}
		summary.Add(e)
		if records++; records%5000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			highest = max(highest, now.HeapAlloc)
		}
	}
	if grown := int64(highest) - int64(start.HeapAlloc); records != 50_000 || grown > 32<<20 {
		t.Errorf("%d records were read, the heap grew by %d MB, want 50000 and at most 32 MB", records, grown>>20)
	}
	if g := summary.Groups(); len(g) != 1 || g[0].Records != 50_000 {
		t.Errorf("the summary is %+v, want one group of 50000 records", g)
	}
}
