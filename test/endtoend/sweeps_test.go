package endtoend_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// often are the parameters of a stack that sweeps every five seconds.
var often = parameters{"SweepSeconds": "5"}

// until lets time pass until the local clock is a time ahead of the real one, and lets each second's work end in that second.
func (s *scene) until(ahead time.Duration) {
	s.Helper()
	for now := s.Clock.Advanced(); now < ahead; now = s.Clock.Advanced() {
		s.Clock.Advance(min(ahead, now.Truncate(time.Second)+time.Second) - now)
		s.rest()
	}
}

// pass lets time pass.
func (s *scene) pass(d time.Duration) {
	s.Helper()
	s.until(s.Clock.Advanced() + d)
}

// schedules lets time pass to the schedule's next run, and through it.
func (s *scene) schedules() {
	s.Helper()
	s.until(s.Clock.Advanced().Truncate(time.Minute) + time.Minute)
}

// exposed makes a drift without an event at a moment of the minute, and returns for how long it lasts, by the local clock.
func (s *scene) exposed(moment time.Duration) time.Duration {
	s.Helper()
	s.schedules()
	s.pass(moment)
	began := s.Clock.Advanced()
	s.must(s.S3.DeletePolicy(s.bucket))
	for s.drifted() && s.Clock.Advanced() < began+5*time.Minute {
		s.pass(time.Second - s.Clock.Advanced()%time.Second)
	}
	s.isDesired()
	return s.Clock.Advanced() - began
}

// moments returns n random moments of a minute, one in each n-th part of it.
func moments(n int) []time.Duration {
	random := rand.New(rand.NewPCG(12, 1))
	var all []time.Duration
	for i := range n {
		all = append(all, time.Duration((float64(i)+random.Float64())*float64(time.Minute)/float64(n)))
	}
	random.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// exposures returns how long drifts at these moments last.
func exposures(t testing.TB, seconds string, moments []time.Duration) []time.Duration {
	t.Helper()
	s := deploy(t, parameters{"SweepSeconds": seconds})
	s.guardOnly()
	var all []time.Duration
	for _, moment := range moments {
		all = append(all, s.exposed(moment))
	}
	return all
}

// A drift without an event at any moment lasts a tenth as long as with a sweep each minute, or less, at the median and at the most.
// BenchmarkExposure does the same with more drifts.
func TestADriftWithoutAnEventLastsATenthAsLong(t *testing.T) {
	t.Parallel()
	at := moments(12)
	minute, five := exposures(t, "60", at), exposures(t, "5", at)
	for name, of := range map[string]func([]time.Duration) time.Duration{"median": median[time.Duration], "maximum": slices.Max[[]time.Duration]} {
		if before, now := of(minute), of(five); now*10 > before || before < 20*time.Second {
			t.Errorf("%s of the exposure: %s with a sweep every five seconds, %s with one a minute; want at most a tenth", name, now, before)
		}
	}
}

// BenchmarkExposure measures how long drifts without an event last, at random moments by the local clock, for each SweepSeconds
// below a minute and for a minute.
func BenchmarkExposure(b *testing.B) {
	at := moments(max(b.N, 200))
	minute := exposures(b, "60", at)
	for _, seconds := range []string{"60", "10", "5"} {
		all := minute
		if seconds != "60" {
			all = exposures(b, seconds, at)
		}
		b.ReportMetric(median(all).Seconds(), "s-median-at-"+seconds)
		b.ReportMetric(slices.Max(all).Seconds(), "s-most-at-"+seconds)
		b.Logf("SweepSeconds=%s: %d drifts last %.1f s at the median, %.1f s at most: %.3f and %.3f of those of a minute", seconds, len(all),
			median(all).Seconds(), slices.Max(all).Seconds(),
			float64(median(all))/float64(median(minute)), float64(slices.Max(all))/float64(slices.Max(minute)))
	}
}

// Only the scheduled sweep makes calls for the others, and none reads what only a correction needs.
func TestAMessagesSweepMakesTheCallsOfAQuietSweep(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p.and("SweepSeconds", "5"))
			s.guardOnly()
			s.Gate.SetLatency(overlap)
			r := s.watch(s.schedules)
			r.runs(t, 1)
			if diff := cmp.Diff(with(quiet(endpointType), "SendMessageBatch", "SendMessageBatch"), r.names()); diff != "" {
				t.Errorf("calls of the scheduled sweep (-want +got):\n%s", diff)
			}
			if got := roundTrips(1, func(latency time.Duration) []api.Call {
				s.Gate.SetLatency(latency)
				r = s.watch(func() { s.pass(5 * time.Second) })
				r.runs(t, 1)
				if diff := cmp.Diff(quiet(endpointType), r.names()); diff != "" {
					t.Errorf("calls of a message's sweep (-want +got):\n%s", diff)
				}
				return r.calls
			}); got != 1 {
				t.Errorf("a message's sweep is %d round trips deep, want 1", got)
			}
			s.Gate.SetLatency(0)
			s.schedules()
			s.watch(func() { s.pass(55 * time.Second) }).runs(t, 11)
		})
	}
}

// What happens to the messages never stops the sweep of each minute, and leaves no dead letter.
func TestTheScheduleSweepsWhateverHappensToTheMessages(t *testing.T) {
	t.Parallel()
	lost := func(string) []time.Duration { return nil }
	for name, v := range map[string]struct {
		wrong func(*scene)
		// runs is the number in the next two minutes.
		runs  int
		fails bool
	}{
		"nothing":   {func(*scene) {}, 24, false},
		"all lost":  {func(s *scene) { s.SQS.Disturb(lost) }, 2 + 11, false}, // those of the minute before are on their way
		"all twice": {func(s *scene) { s.SQS.Disturb(func(string) []time.Duration { return []time.Duration{0, 0} }) }, 24, false},
		"all three seconds late": {func(s *scene) {
			s.SQS.Disturb(func(string) []time.Duration { return []time.Duration{3 * time.Second} })
		}, 24, false},
		"the queue purged":    {func(s *scene) { s.must(s.SQS.Purge(s.sweepQueue())) }, 24 - 11, false},
		"the queue deleted":   {func(s *scene) { s.SQS.DeleteQueue(s.sweepQueue()) }, 2, true},
		"the mapping deleted": {func(s *scene) { s.must(s.Lambda.Unmap(s.stack.Physical("SweepMapping"))) }, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, often)
			s.guardOnly()
			s.schedules()
			v.wrong(s)
			r := s.watch(func() { s.pass(2 * time.Minute) })
			runs := slices.DeleteFunc(slices.Clone(r.invocations), func(i lambda.Invocation) bool { return i.Attempt > 1 })
			if len(runs) != v.runs || (len(r.failures()) > 0) != v.fails {
				t.Errorf("%d runs of which %d failed, want %d, and failures: %t\n%s", len(runs), len(r.failures()), v.runs, v.fails, r.log())
			}
			s.must(s.S3.DeletePolicy(s.bucket))
			s.pass(time.Minute)
			s.isDesired()
		})
	}
}

// The messages are sent beside the correction. If they cannot be, that makes the scheduled run fail, and nothing else; its retry
// sends them.
func TestTheScheduledSweepCorrectsEvenIfItCannotSendMessages(t *testing.T) {
	t.Parallel()
	sending := critical{operation: "SendMessageBatch", service: "sqs", kind: sends}
	for name, f := range sending.faults() {
		for _, times := range []int{1, 0} { // once, and each time
			t.Run(fmt.Sprintf("%s %d", name, times), func(t *testing.T) {
				t.Parallel()
				s := deploy(t, often)
				s.guardOnly()
				s.must(s.S3.DeletePolicy(s.bucket))
				f.Service, f.Operation, f.Caller, f.Times = sending.service, sending.operation, s.role, times
				s.Gate.Inject(f)
				r := s.watch(s.schedules)
				s.isDesired()
				isRetried := !f.Hang && (f.Error == nil || f.Error.Code != "AccessDenied") // by the SDK
				if fails, want := len(r.failures()) > 0, times == 0 || !isRetried; fails != want || len(r.messages) != 1 {
					t.Errorf("%d failed runs and %d notifications, want failures: %t, and one notification\n%s", len(r.failures()), len(r.messages), want, r.log())
				}
				sent := times == 1 || f.After // although the answer is lost
				if got := len(s.SQS.Messages(s.sweepQueue())); (got >= 11) != sent {
					t.Errorf("%d messages have been sent, want the sweeps of the next minute: %t", got, sent)
				}
			})
		}
	}
}

// sweepQueue returns the ARN of the queue of the messages.
func (s *scene) sweepQueue() string { return s.stack.Attribute("SweepQueue", "Arn") }

// While the function may not run, messages do not accumulate, and when it may again, there is no storm of sweeps. The only letters
// are those of the schedule's runs.
func TestAnOutageCausesNoStormOfSweeps(t *testing.T) {
	t.Parallel()
	s := deploy(t, often)
	s.guardOnly()
	s.schedules()
	none := 0
	s.reconfigure(func(f *lambda.Function) { f.ReservedConcurrency = &none })
	s.pass(10 * time.Minute)
	if left := len(s.SQS.Messages(s.sweepQueue())); left != 0 {
		t.Errorf("%d messages are left after ten minutes, want none: they are kept for two", left)
	}
	s.reconfigure(func(f *lambda.Function) { f.ReservedConcurrency = nil })
	r := s.watch(func() { s.until(s.Clock.Advanced().Truncate(time.Minute) + 59*time.Second) })
	r.runs(t, 0)
	s.watch(func() { s.pass(time.Minute) }).runs(t, 12)
}

// SweepLate also rings if only the messages' sweeps stop. It does not ring at first.
func TestSweepLateRingsIfOnlyTheScheduleSweeps(t *testing.T) {
	t.Parallel()
	late := func(s *scene) bool {
		return slices.ContainsFunc(s.CloudWatch.Alarms(), func(a cloudwatch.Condition) bool {
			return a.Name == s.stack.Name()+"-SweepLate" && a.State == cloudwatch.Alarming
		})
	}
	for _, seconds := range []int{5, 10, 30} {
		t.Run(fmt.Sprint(seconds), func(t *testing.T) {
			t.Parallel()
			s := deploy(t, parameters{"SweepSeconds": fmt.Sprint(seconds), "CreateProbe": "false"})
			for minute := range 5 {
				if s.minutes(1); late(s) {
					t.Errorf("SweepLate rings after %d minutes of a new stack", minute+1)
				}
			}
			s.must(s.Lambda.Unmap(s.stack.Physical("SweepMapping")))
			if s.minutes(12); !late(s) {
				t.Error("SweepLate does not ring twelve minutes after the last message's sweep")
			}
		})
	}
}
