package clock_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestAdvanceRunsTimersInTheOrderInWhichTheyComeDue(t *testing.T) {
	c := clock.Stepped()
	var ran []string
	note := func(name string) func() { return func() { ran = append(ran, name) } }
	c.AfterFunc(3*time.Minute, note("third"))
	c.AfterFunc(time.Minute, func() {
		note("first")()
		c.AfterFunc(time.Minute, note("set meanwhile"))
	})
	c.AfterFunc(time.Minute, note("second, of the same time"))
	c.AfterFunc(time.Hour, note("too late"))
	c.AfterFunc(time.Minute, note("called off"))()

	c.Advance(3 * time.Minute)

	want := []string{"first", "second, of the same time", "set meanwhile", "third"}
	if diff := cmp.Diff(want, ran); diff != "" {
		t.Errorf("Advance ran other timers (-want +got)\n%s", diff)
	}
}

func TestNowMovesWithAdvance(t *testing.T) {
	for name, c := range map[string]*clock.Clock{"real": clock.Real(), "stepped": clock.Stepped()} {
		t.Run(name, func(t *testing.T) {
			before := c.Now()
			c.Advance(time.Hour)
			if got := c.Now().Sub(before); got < time.Hour || got > time.Hour+time.Minute {
				t.Errorf("Now moved by %s, want an hour", got)
			}
		})
	}
}

func TestAfterFuncWithoutADelayRunsAtOnce(t *testing.T) {
	for name, c := range map[string]*clock.Clock{"real": clock.Real(), "stepped": clock.Stepped()} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			c.AfterFunc(0, func() { close(done) })
			localtest.Receive(t, done, "the timer without a delay")
		})
	}
}

func TestASteppedClockStandsBetweenTwoAdvances(t *testing.T) {
	c := clock.Stepped()
	began := c.Standing()
	var fired time.Time
	c.AfterFunc(5*time.Second, func() { fired = c.Standing() })
	c.Advance(7 * time.Second)
	if at := c.Standing(); !fired.Equal(began.Add(5*time.Second)) || !at.Equal(began.Add(7*time.Second)) {
		t.Errorf("the timer fired at %s and the clock stands at %s, want 5 and 7 s after %s", fired, at, began)
	}
	if before := time.Now(); clock.Real().Standing().Before(before) {
		t.Error("a real clock stands still")
	}
}
