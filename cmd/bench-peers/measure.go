package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/child"
)

// figures are the measurements of one contender.
type figures struct {
	// cold is the time until a new process is ready, first that of its first run, warm that of its second one.
	cold, first, warm []time.Duration
	// restored is the time of a warm run from its first call to the end of its last write.
	restored []time.Duration
	// calls and depth are of warm runs. A busy machine makes calls that were sent together look as if they depended on each other, so the
	// least depth is the contender's.
	calls, depth []int
	// memory is in MiB, processor the time of a process from its start to the end of its second run.
	memory    []float64
	processor []time.Duration
	// left are the properties that it did not restore.
	left []string
}

// head names the columns of the first table. "Processor" is for a process from its start to the end of its second run.
const head = "contender | calls | round trips | warm run, ms | to its last write, ms | first run, ms | cold start, ms | " +
	"processor, ms | resident, MiB | left"

// measure measures the correction of an attack, the contenders in turn, because other programs slow all of them, and prints the table.
func (s *scene) measure(ctx context.Context, all []named, a attack, runs int, to io.Writer) error {
	measured := make([]figures, len(all))
	for range runs {
		for i, c := range all {
			if err := s.round(ctx, c, a, &measured[i]); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	fmt.Fprintf(to, "\n%q, corrected; medians of %d processes (least to most)\n", a.name, runs)
	fmt.Fprintln(to, head)
	for i, c := range all {
		f := measured[i]
		fmt.Fprintf(to, "%s | %d | %d | %s | %s | %s | %s | %s | %s | %s\n", c.name, median(f.calls), slices.Min(f.depth), spread(f.warm),
			spread(f.restored), spread(f.first), spread(f.cold), spread(f.processor), resident(f.memory), remains(f.left))
	}
	return nil
}

// round measures one process of a contender, with two runs.
func (s *scene) round(ctx context.Context, c named, a attack, f *figures) (err error) {
	took, err := c.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.stop()) }()
	f.cold = append(f.cold, took)
	if took, _, _, err = s.corrects(ctx, c, a); err != nil {
		return err
	}
	f.first = append(f.first, took)
	took, calls, left, err := s.corrects(ctx, c, a)
	if err != nil {
		return err
	}
	f.warm, f.left = append(f.warm, took), left
	f.restored = append(f.restored, untilLastWrite(calls))
	f.calls, f.depth = append(f.calls, len(calls)), append(f.depth, api.Depth(calls))
	mib, processor := usage(c.processes())
	f.memory, f.processor = append(f.memory, mib), append(f.processor, processor)
	return nil
}

// corrects makes an attack, passes its events to the contender, and returns how long that took, its calls, and what it left. Afterwards
// everything is restored.
func (s *scene) corrects(ctx context.Context, c contender, a attack) (took time.Duration, calls []api.Call, left []string, err error) {
	events, err := s.attack(ctx, a)
	if err != nil {
		return 0, nil, nil, err
	}
	if took, calls, err = s.observed(ctx, c, events); err != nil {
		return 0, nil, nil, err
	}
	left, err = s.left(ctx)
	return took, calls, left, err
}

// compare lets each contender correct each attack, and prints what it leaves.
func (s *scene) compare(ctx context.Context, all []named, attacks []attack, to io.Writer) error {
	fmt.Fprintln(to, "\nwhat is left after the attack's events, as the guard's sweep judges it")
	rows := make([][]string, len(attacks))
	columns := "attack"
	for _, c := range all {
		columns += " | " + c.name
		if _, err := c.start(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		for i, a := range attacks {
			_, _, left, err := s.corrects(ctx, c, a)
			if err != nil {
				return errors.Join(fmt.Errorf("%s: %s: %w", c.name, a.name, err), c.stop())
			}
			rows[i] = append(rows[i], remains(left))
		}
		if err := c.stop(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	fmt.Fprintln(to, columns)
	for i, a := range attacks {
		fmt.Fprintf(to, "%s | %s\n", a.name, strings.Join(rows[i], " | "))
	}
	return nil
}

// untilLastWrite returns the time from the first call to the end of the last successful write to the bucket or the endpoint.
func untilLastWrite(calls []api.Call) (d time.Duration) {
	for _, c := range calls {
		if c.Write && c.ErrorCode == "" && (c.Service == "s3" || c.Service == "ec2") {
			d = max(d, c.Ended.Sub(calls[0].Began))
		}
	}
	return d
}

// usage returns the most memory that one of some processes has had resident, in MiB, and the processor time of the one that used most.
// Both are 0 where there is no Linux.
func usage(processes []int) (mib float64, processor time.Duration) {
	for _, id := range processes {
		mib, processor = max(mib, child.PeakMemory(id)), max(processor, child.Ran(id))
	}
	return mib, processor
}

func median[T cmp.Ordered](values []T) T { return slices.Sorted(slices.Values(values))[len(values)/2] }

// spread returns the median, and the least and the greatest value, in milliseconds.
func spread(times []time.Duration) string {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("%.0f (%.0f to %.0f)", ms(median(times)), ms(slices.Min(times)), ms(slices.Max(times)))
}

// resident returns the greatest value, or that it is not known here.
func resident(mib []float64) string {
	if slices.Max(mib) == 0 {
		return "unknown here"
	}
	return fmt.Sprintf("%.0f", slices.Max(mib))
}

// remains returns the properties that are left, or that there are none.
func remains(left []string) string {
	if len(left) == 0 {
		return "nothing"
	}
	return strings.Join(left, ", ")
}
