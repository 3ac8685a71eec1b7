package endtoend_test

import (
	"syscall"
	"testing"
	"time"
)

// BenchmarkHealthRun measures the processor time of warm health checks as the schedule and their own pace make them: one in
// ten makes all checks. Wall time says nothing here, because a run waits for its calls.
func BenchmarkHealthRun(b *testing.B) {
	s := deploy(b, parameters{"CreateProbe": "false"})
	const bySchedule = `{"source":"aws.events","detail-type":"Scheduled Event"}`
	name := s.stack.Physical("HealthcheckFunction")
	run := func(payload string) {
		if _, err := s.Lambda.Invoke(b.Context(), name, []byte(payload)); err != nil {
			b.Fatal(err)
		}
	}
	used := func() time.Duration {
		s.must(s.Lambda.Shutdown(name)) // the process ends, and its time counts
		var u syscall.Rusage
		s.must(syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	run(bySchedule)
	before := used()
	run(bySchedule)
	coldStart := used() - before // with the first run, which makes all checks
	before = used()
	run(bySchedule)
	runs := 0
	for b.Loop() {
		run(`{}`) // as an event does: all checks
		for range 9 {
			run(bySchedule)
		}
		runs += 10
	}
	b.ReportMetric(milliseconds((used()-before-coldStart)/time.Duration(runs)), "cpu-ms/run")
	b.ReportMetric(milliseconds(coldStart), "cpu-ms/coldstart")
}
