package emptying_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// scenario is a bucket and the options for emptying it, both drawn at random.
type scenario struct {
	bucket  *smallBucket
	options emptying.Options
	before  []holding
	uploads []emptying.Upload // before
	// complete requires that all unprotected versions are deleted.
	complete bool
}

// drawScenario draws a history of a bucket: versions, markers, locks, uploads, and what goes wrong while it is emptied.
func drawScenario(t *rapid.T) *scenario {
	v := newSmallBucket(rapid.Uint64().Draw(t, "seed"))
	v.pageSize = rapid.SampledFrom([]int{1, 3, 50, 1000}).Draw(t, "page size")
	v.locks = rapid.Bool().Draw(t, "locks")
	v.mfa = rapid.IntRange(0, 19).Draw(t, "mfa") == 0
	key := rapid.OneOf(
		rapid.SampledFrom(localtest.OddKeys),
		rapid.StringMatching(`[ab]{1,2}/[0-9]{1,3}`),
		rapid.StringMatching(`[0-9a-f]{6}`),
		rapid.Just("same"),
	)
	for range rapid.IntRange(0, 120).Draw(t, "versions") {
		h := holding{marker: rapid.Bool().Draw(t, "marker")}
		h.Key = key.Draw(t, "key")
		if v.locks && !h.marker {
			h.hold = drawHold(t)
		}
		h.denied = rapid.IntRange(0, 99).Draw(t, "denied") == 0
		v.put(h)
	}
	for i := range rapid.IntRange(0, 9).Draw(t, "uploads") {
		v.uploads = append(v.uploads, emptying.Upload{Key: fmt.Sprintf("upload%d", i/2), ID: fmt.Sprint("u", i)})
	}
	v.faults = drawFaults(t)
	w := &scenario{bucket: v, before: append([]holding{}, v.held...)}
	w.options = emptying.Options{
		Store: v, Bucket: "docs", BypassGovernance: rapid.Bool().Draw(t, "bypass"),
		Prefix: rapid.SampledFrom([]string{"", "", "a", "a/", "upload1", "ü"}).Draw(t, "prefix"),
	}
	w.uploads = slices.Clone(v.uploads)
	return w
}

func drawHold(t *rapid.T) emptying.Hold {
	year := 365 * 24 * time.Hour
	switch rapid.IntRange(0, 30).Draw(t, "hold") {
	case 0:
		return emptying.Hold{Mode: "COMPLIANCE", Until: synthetic.Add(year)}
	case 1, 2:
		return emptying.Hold{Mode: "GOVERNANCE", Until: synthetic.Add(2 * year)}
	case 3:
		return emptying.Hold{Legal: true}
	case 4:
		return emptying.Hold{Mode: "COMPLIANCE", Until: synthetic.Add(-year)}
	case 5:
		return emptying.Hold{Mode: "GOVERNANCE", Until: synthetic.Add(-year), Event: true}
	}
	return emptying.Hold{}
}

// synthetic is when a synctest bubble begins.
var synthetic = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func drawFaults(t *rapid.T) faults {
	share := rapid.SampledFrom([]float64{0, 0, 0.1, 0.5})
	f := faults{
		whole: share.Draw(t, "whole"), each: share.Draw(t, "each"), lost: share.Draw(t, "lost"),
		written: share.Draw(t, "written"), writes: rapid.SampledFrom([]int{0, 3, 40, 1 << 30}).Draw(t, "writes"),
		denyAll: rapid.IntRange(0, 14).Draw(t, "deny all") == 0,
	}
	f.codes = rapid.SampledFrom([][]error{
		{coded("SlowDown")}, {coded("InternalError"), errReset}, {coded("ServiceUnavailable"), coded("OperationAborted")},
		{coded("AccessDenied")}, {coded("NoSuchBucket")}, {coded("SomethingNew"), errReset},
	}).Draw(t, "codes")
	f.eachCode = rapid.SampledFrom([][]string{{"InternalError"}, {"SlowDown"}, {"AccessDenied"}, {"NoSuchVersion"}}).Draw(t, "each code")
	return f
}

// run empties the scenario's bucket and returns what Run did wrong, or "".
func (w *scenario) run(t *testing.T, deadline time.Duration) (wrong string) {
	synctest.Test(t, func(t *testing.T) {
		w.options.Deadline = time.Now().Add(deadline)
		report, err := emptying.Run(t.Context(), w.options)
		wrong = w.judge(report, err, time.Since(w.options.Deadline))
	})
	return wrong
}

func (w *scenario) judge(report emptying.Report, err error, late time.Duration) string {
	v := w.bucket
	gone := len(v.faults.codes) > 0 && v.faults.whole > 0 && v.faults.codes[0] == coded("NoSuchBucket")
	switch {
	case report.Outcome == emptying.Emptied && !v.empty(w.options.Prefix) && !gone:
		return fmt.Sprintf("reports prefix %q as emptied with %d versions and %d uploads left in the bucket", w.options.Prefix, len(v.held), len(v.uploads))
	case (err == nil) != (report.Outcome == emptying.Emptied):
		return fmt.Sprintf("error %v with outcome %s", err, report.Outcome)
	case err != nil && len(err.Error()) < 20:
		return fmt.Sprintf("reason %q is too short to be useful", err)
	case len(v.problems) > 0:
		return v.problems[0]
	case late > 10*time.Second:
		return fmt.Sprintf("returned %v after the deadline", late)
	case v.mfa && len(w.before) > 0 && report.Outcome == emptying.NeedsMFA && len(v.held) < len(w.before):
		return "deleted in spite of MFA delete"
	}
	if wrong := w.judgeLeft(); w.complete && wrong != "" {
		return wrong
	}
	return w.judgeKept()
}

// judgeLeft checks that all that could be deleted was.
func (w *scenario) judgeLeft() string {
	for _, h := range w.bucket.held {
		if strings.HasPrefix(h.Key, w.options.Prefix) && !h.protected(w.options.BypassGovernance && w.bucket.locks) && !strings.HasPrefix(h.Key, "new/") {
			return fmt.Sprintf("%s is left", h.Version)
		}
	}
	for _, u := range w.bucket.uploads {
		if strings.HasPrefix(u.Key, w.options.Prefix) {
			return fmt.Sprintf("upload %v is left", u)
		}
	}
	return ""
}

// judgeKept checks that what must not be deleted was not.
func (w *scenario) judgeKept() string {
	kept := map[emptying.Version]bool{}
	for _, h := range w.bucket.held {
		kept[h.Version] = true
	}
	for _, h := range w.before {
		if h.protected(w.options.BypassGovernance && w.bucket.locks) && !kept[h.Version] {
			return fmt.Sprintf("%s was deleted although it is protected", h.Version)
		}
		if !strings.HasPrefix(h.Key, w.options.Prefix) && !kept[h.Version] {
			return fmt.Sprintf("%s was deleted although it is not under %q", h.Version, w.options.Prefix)
		}
	}
	for _, u := range w.uploads {
		if !strings.HasPrefix(u.Key, w.options.Prefix) && !slices.Contains(w.bucket.uploads, u) {
			return fmt.Sprintf("upload %v was aborted although it is not under %q", u, w.options.Prefix)
		}
	}
	return ""
}

func TestRunNeverLies(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawScenario(rt)
		deadline := rapid.SampledFrom([]time.Duration{50 * time.Millisecond, time.Second, 20 * time.Second, 15 * time.Minute}).Draw(rt, "deadline")
		if wrong := w.run(t, deadline); wrong != "" {
			rt.Fatal(wrong)
		}
	})
}

func TestRunEmptiesWhateverCanBeEmptied(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := drawScenario(rt)
		w.complete = true
		w.bucket.faults.denyAll, w.bucket.mfa, w.bucket.faults.whole = false, false, 0
		w.bucket.faults.eachCode = []string{"InternalError", "SlowDown"}
		w.bucket.faults.each = min(w.bucket.faults.each, 0.1)
		w.bucket.faults.lost = min(w.bucket.faults.lost, 0.1)
		w.bucket.faults.writes = min(w.bucket.faults.writes, 3)
		if wrong := w.run(t, time.Hour); wrong != "" {
			rt.Fatal(wrong)
		}
	})
}
