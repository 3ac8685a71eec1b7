package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/parameters"
	"example.com/s3-endpoint-guard/internal/aws/pauses"
	"example.com/s3-endpoint-guard/internal/aws/recordevents"
	"example.com/s3-endpoint-guard/internal/aws/sweepqueue"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pause"
)

// adapterCases are the cases of the guard's own adapters that call AWS without the SDK's clients.
func adapterCases() []testCase {
	return []testCase{
		{name: "the guard reads parameters in pages", ops: []op{many(12), below(12)}},
		{name: "the guard reads no parameters below a path of none", ops: []op{below(0)}},
		{name: "a maintenance window is made, read and ended once", ops: []op{
			windows(), pauseFor("bucket-a"), pauseFor("bucket-b"), pauseFor("bucket-a"), windows("bucket-a", "bucket-b"), unpause("bucket-a"), windows("bucket-b"),
			endsNone("bucket-a"),
		}},
		{name: "the guard sends more messages than a batch takes", ops: []op{queue(), sendSweeps(12, 900*time.Second), waiting("0"), delayed("12")}},
		{name: "the guard learns that its queue is gone", ops: []op{
			note("queue", "/"+account+"/gone"), refused("AWS.SimpleQueueService.NonExistentQueue", sendSweeps(1, 0)),
		}},
		{name: "the guard puts events about its records", ops: []op{sendRecords(12)}},
	}
}

// below expects a number of parameters of [many], in the order of their names.
func below(want int) op {
	return func(ctx context.Context, s *scene) error {
		var got []string
		for p, err := range parameters.Below(ctx, awscall.New(s.config, awscall.SSM), s.path()) {
			if err != nil {
				return err
			}
			got = append(got, p.Name)
			if p.Value != "x" || time.Since(p.Modified).Abs() > time.Hour {
				return differs(p.Name, p, "x, of now")
			}
		}
		if len(got) != want || !slices.IsSorted(got) {
			return differs("parameters", got, want)
		}
		return nil
	}
}

func (s *scene) windows() *pauses.Writer {
	return &pauses.Writer{SSM: awscall.New(s.config, awscall.SSM), Path: s.path()}
}

func pauseFor(target string) op {
	return func(ctx context.Context, s *scene) error {
		return s.windows().Put(ctx, pause.Window{Target: target, Until: time.Now().Add(time.Hour).UTC().Truncate(time.Second), Reason: "conformance", By: "tester"})
	}
}

func unpause(target string) op {
	return func(ctx context.Context, s *scene) error { return s.windows().End(ctx, target) }
}

// endsNone expects that a target has no window to end.
func endsNone(target string) op {
	return func(ctx context.Context, s *scene) error {
		if err := s.windows().End(ctx, target); !errors.Is(err, pauses.ErrNone) {
			return differs("error", err, pauses.ErrNone)
		}
		return nil
	}
}

// windows expects the targets of the stored windows.
func windows(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		all, err := (&pauses.Reader{SSM: awscall.New(s.config, awscall.SSM), Path: s.path()}).Read(ctx)
		if err != nil {
			return err
		}
		var got []string
		for _, w := range all {
			got = append(got, w.Target)
			if w.Reason != "conformance" || !w.Until.After(time.Now()) {
				return differs("window of "+w.Target, w, "one of the scene")
			}
		}
		return sameList("windows", got, want)
	}
}

// sendSweeps sends messages with a delay.
func sendSweeps(count int, delay time.Duration) op {
	return func(ctx context.Context, s *scene) error {
		q := sweepqueue.Queue{SQS: awscall.New(s.config, awscall.SQS), URL: s.notes["queue"]}
		return q.Send(ctx, slices.Repeat([]sweepqueue.Message{{Body: "{}", Delay: delay}}, count))
	}
}

// sendRecords sends records about as many buckets, in events of which a call takes ten.
func sendRecords(count int) op {
	return func(ctx context.Context, s *scene) error {
		bus := recordevents.Bus{
			EventBridge: awscall.New(s.config, awscall.EventBridge), Setting: iampolicy.Setting{Account: account, Region: region, Bucket: s.name},
			StackID: "arn:aws:cloudformation:" + region + ":" + account + ":stack/guard/1",
		}
		var report guard.Report
		for i := range count {
			report.Records = append(report.Records, guard.Record{
				Resource: "bucket-policy", Target: fmt.Sprint(s.name, "-", i), Outcome: guard.Corrected, After: strings.Repeat("x", 1000),
			})
		}
		return bus.Send(ctx, report)
	}
}
