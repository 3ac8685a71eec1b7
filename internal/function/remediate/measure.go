package remediate

import (
	"slices"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// measure returns the metrics of a run.
func measure(report guard.Report) []metrics.Datum {
	counts := map[metrics.Name]float64{}
	var times []float64
	for _, r := range report.Records {
		for _, name := range counted(r) {
			counts[name]++
		}
		if r.Outcome == guard.Corrected {
			times = append(times, float64(max(r.SinceEventMs, r.ElapsedMs)))
		}
	}
	counts[metrics.StoodDown] = min(counts[metrics.StoodDown], 1)
	data := []metrics.Datum{}
	for _, name := range counters {
		if counts[name] > 0 || slices.Contains(everyRun, name) {
			data = append(data, metrics.Datum{Name: name, Unit: metrics.Count, Values: []float64{counts[name]}})
		}
	}
	if report.Unlocked != nil {
		data = append(data, metrics.Datum{Name: metrics.BucketsNotLocked, Unit: metrics.Count, Values: []float64{float64(*report.Unlocked)}})
	}
	return append(data, metrics.Datum{Name: metrics.TimeToCorrect, Unit: metrics.Milliseconds, Values: times})
}

// counters are the metrics that count records, in the order in which they are published.
var counters = []metrics.Name{
	metrics.DriftDetected, metrics.DriftCorrected, metrics.CorrectionFailed,
	metrics.OpenDrift, metrics.ClosedDrift, metrics.StoodDown, metrics.Contested, metrics.ResourceMissing,
}

// everyRun are the metrics that each run publishes, even with the value 0. The others are published only when they are
// not 0: CloudWatch bills a metric for each hour in which it gets a value.
var everyRun = []metrics.Name{metrics.OpenDrift, metrics.ClosedDrift}

// counted returns the metrics that count a record.
func counted(r guard.Record) []metrics.Name {
	var names []metrics.Name
	switch r.Verdict {
	case iampolicy.Open:
		names = append(names, metrics.DriftDetected, metrics.OpenDrift)
	case iampolicy.Closed:
		names = append(names, metrics.DriftDetected, metrics.ClosedDrift)
	}
	switch r.Outcome {
	case guard.Corrected:
		names = append(names, metrics.DriftCorrected)
	case guard.NotCorrected, guard.Refused:
		names = append(names, metrics.CorrectionFailed)
	case guard.StandingDown:
		names = append(names, metrics.StoodDown)
	}
	if r.Contested != nil {
		names = append(names, metrics.Contested)
	}
	if r.Missing {
		names = append(names, metrics.ResourceMissing)
	}
	return names
}
