package emptying

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// Outcome is how a run ended.
type Outcome string

const (
	// Emptied means that the bucket has no version, no delete marker and no unfinished upload (with a prefix: none under
	// it), or does not exist.
	Emptied Outcome = "emptied"
	// LeftOver means that something could not be deleted.
	LeftOver Outcome = "left over"
	// NeedsMFA means that nothing was deleted, because the bucket requires the root user's MFA device for each deletion.
	NeedsMFA Outcome = "needs MFA"
	// OutOfTime means that the deadline passed first.
	OutOfTime Outcome = "out of time"
	// Interrupted means that the context of Run ended first, or that Now was closed.
	Interrupted Outcome = "interrupted"
	// Refilled means that something keeps writing to the bucket.
	Refilled Outcome = "refilled"
	// Stopped means that a call failed without which the run cannot continue.
	Stopped Outcome = "stopped"
)

// Report is the result of one run.
type Report struct {
	// Bucket is the bucket's name, Prefix the prefix of keys that the run was limited to.
	Bucket, Prefix string
	// Outcome is how the run ended; Err is the error that stopped it, or nil.
	Outcome Outcome
	Err     error
	// Deleted counts the versions and delete markers that this run deleted, Uploads the uploads that it aborted.
	Deleted, Uploads int64
	// Leftovers are the versions and uploads that could not be deleted, by cause, the most frequent first.
	Leftovers []Leftover
	// Requests counts the calls.
	Requests Requests
	// Elapsed is the run's duration, and Rate how many versions it deleted per second.
	Elapsed time.Duration
	Rate    float64
	// Remaining estimates how many versions are left; -1 if there is no estimate.
	Remaining int64
	// Continuation is for a next run, after OutOfTime.
	Continuation Continuation
}

// Requests counts calls.
type Requests struct {
	// Lists, Batches and Singles are ListObjectVersions, DeleteObjects and DeleteObject. Refused is how many of the
	// latter two S3 throttled.
	Lists, Batches, Singles, Refused int64
}

// Leftover is a group of versions, or of uploads, that were not deleted for the same cause.
type Leftover struct {
	// Code is S3's error code, "" if no answer came from S3, or [StillListed]; Message is the first explanation.
	Code, Message string
	// Uploads means that the group holds uploads, not versions.
	Uploads bool
	// Count is how many there are, and Example is one of them.
	Count   int64
	Example Version
	// Examined is how many of them were checked for locks, and Locks what was found.
	Examined int
	Locks    Locked
	samples  []Version
}

// StillListed is the code of versions and uploads that S3 lists again after it answered that they are deleted or
// aborted. It is not one of S3's codes.
const StillListed = "StillListed"

// AccessDenied is S3's code for a call that a policy or a lock does not allow.
const AccessDenied = "AccessDenied"

// deniedUnread replaces AccessDenied if the answer repeats a key that XML cannot carry, and so cannot be parsed.
const deniedUnread = "HTTP 403"

// Denied reports whether a policy or a lock does not allow the deletion.
func (g Leftover) Denied() bool { return g.Code == AccessDenied || g.Code == deniedUnread }

// Locked counts what protects versions.
type Locked struct {
	// Governance, Compliance, Legal and Event count versions under each; one version can count twice. The retention of a version under
	// an event hold is not counted, because its end is not known yet.
	Governance, Compliance, Legal, Event int
	// Earliest is when the first retention among them ends, Until when the last does.
	Earliest, Until time.Time
}

const (
	// mostCauses bounds the groups, mostSamples how many versions of each are checked for locks.
	mostCauses  = 24
	mostSamples = 256
)

// leftovers collects what is not deleted. It is safe for concurrent use.
type leftovers struct {
	mu     sync.Mutex
	groups []*Leftover
}

func (l *leftovers) any() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.groups) > 0
}

func (l *leftovers) add(versions []Version, why Failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.group(why, false)
	if g.Count == 0 {
		g.Example = clone(versions[0])
	}
	g.Count += int64(len(versions))
	for _, v := range versions[:min(len(versions), mostSamples-len(g.samples))] {
		g.samples = append(g.samples, clone(v))
	}
}

func (l *leftovers) addUpload(upload Upload, why Failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.group(why, true)
	g.Count++
	g.Example = Version{Key: upload.Key, ID: upload.ID}
}

// addReturned adds versions or uploads that S3 lists after it answered that it deleted them.
func (l *leftovers) addReturned(example Version, count int64, uploads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups = append(l.groups, &Leftover{Code: StillListed, Count: count, Uploads: uploads, Example: example, samples: []Version{example}})
}

// group returns the group of a cause; causes beyond mostCauses share the last.
func (l *leftovers) group(why Failure, uploads bool) *Leftover {
	for _, g := range l.groups {
		if g.Code == why.Code && g.Uploads == uploads {
			return g
		}
	}
	if len(l.groups) == mostCauses {
		return l.groups[mostCauses-1]
	}
	g := &Leftover{Code: why.Code, Message: why.Message, Uploads: uploads}
	l.groups = append(l.groups, g)
	return g
}

// clone copies a version, so that it does not keep its page in memory.
func clone(v Version) Version {
	return Version{Key: strings.Clone(v.Key), ID: strings.Clone(v.ID)}
}

// report returns what the run counted.
func (r *run) report(outcome Outcome, err error) Report {
	elapsed := time.Since(r.began)
	report := Report{
		Bucket: r.Bucket, Prefix: r.Prefix, Outcome: outcome, Err: err,
		Deleted: r.count.deleted.Load(), Uploads: r.count.uploads.Load(),
		Requests: Requests{
			Lists: r.count.lists.Load(), Batches: r.count.batches.Load(),
			Singles: r.count.singles.Load(), Refused: r.count.refused.Load(),
		},
		Elapsed: elapsed, Remaining: r.remaining(),
		Continuation: Continuation{Began: r.Before.Began, Runs: r.Before.Runs + 1, Deleted: r.Before.Deleted + r.count.deleted.Load()},
	}
	if elapsed > 0 {
		report.Rate = float64(report.Deleted) / elapsed.Seconds()
	}
	for _, g := range r.leftovers.groups {
		report.Leftovers = append(report.Leftovers, *g)
	}
	sort.SliceStable(report.Leftovers, func(i, j int) bool { return report.Leftovers[i].Count > report.Leftovers[j].Count })
	return report
}

// remaining estimates how many versions are left; -1 if there is no estimate.
func (r *run) remaining() int64 {
	s := r.current.Load()
	if s == nil {
		return -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	versions, ok := s.ranges.left()
	if !ok {
		return -1
	}
	return int64(versions) + int64(s.waiting+s.versionsInFlight)
}

// watch reports progress until stop is called.
func (r *run) watch() (stop func()) {
	if r.Progress == nil {
		return func() {}
	}
	every := r.ProgressEvery
	if every == 0 {
		every = defaultProgressEvery
	}
	ticker, done, ended := time.NewTicker(every), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		var before int64
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				deleted := r.count.deleted.Load()
				progress := Progress{
					Deleted: r.Before.Deleted + deleted, Remaining: r.remaining(),
					Rate: float64(deleted-before) / every.Seconds(), Elapsed: time.Since(r.Before.Began),
				}
				r.survive(func() { r.Progress(progress) })
				before = deleted
			}
		}
	}()
	return func() { ticker.Stop(); close(done); <-ended }
}

// explain reads what protects the versions that S3 did not delete. If versions can be locked, each refusal may be due to
// a lock: MinIO's code is InvalidRequest (docs/facts.md: S3).
func (r *run) explain(ctx context.Context, report *Report) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for i := range report.Leftovers {
		if g := &report.Leftovers[i]; (r.locked || g.Denied()) && !g.Uploads {
			r.examine(ctx, g)
		}
	}
}

// examine reads the locks of a group's samples. A version that is gone by now has none; a failed read is skipped,
// because the next may succeed.
func (r *run) examine(ctx context.Context, g *Leftover) {
	for _, v := range g.samples {
		if ctx.Err() != nil {
			return
		}
		hold, err := r.Store.Hold(ctx, v)
		if k, _ := kindOf(err); err != nil && k != gone {
			continue
		}
		g.Examined++
		g.Locks.add(hold, r.began)
	}
}

func (l *Locked) add(hold Hold, now time.Time) {
	if hold.Legal {
		l.Legal++
	}
	if hold.Event {
		l.Event++
		return
	}
	if hold.Mode == "" || !hold.Until.After(now) {
		return
	}
	if hold.Mode == "COMPLIANCE" {
		l.Compliance++
	} else {
		l.Governance++
	}
	if l.Earliest.IsZero() || hold.Until.Before(l.Earliest) {
		l.Earliest = hold.Until
	}
	if hold.Until.After(l.Until) {
		l.Until = hold.Until
	}
}

// Reason returns in words why the bucket is not empty; "" if it is.
func (r Report) Reason() string {
	var b strings.Builder
	fmt.Fprintf(&b, "bucket %s: ", r.Bucket)
	if r.Prefix != "" {
		fmt.Fprintf(&b, "prefix %q: ", r.Prefix)
	}
	switch r.Outcome {
	case Emptied:
		return ""
	case NeedsMFA:
		b.WriteString("MFA delete is on, so only the root user with its device can delete versions; nothing was deleted")
		return b.String()
	case OutOfTime:
		b.WriteString("the time ran out")
	case Interrupted:
		b.WriteString("interrupted")
	case Refilled:
		fmt.Fprintf(&b, "something keeps writing to it: it was not empty after %d passes", mostPasses)
	case Stopped:
		fmt.Fprintf(&b, "%v", r.Err)
	case LeftOver:
		b.WriteString("not everything could be deleted")
	}
	for _, g := range r.Leftovers {
		b.WriteString("; " + g.String())
	}
	fmt.Fprintf(&b, "; deleted %d versions in %s (%.0f/s)", r.Deleted, r.Elapsed.Round(time.Second), r.Rate)
	if r.Remaining > 0 && (r.Outcome == OutOfTime || r.Outcome == Interrupted) {
		fmt.Fprintf(&b, ", about %d left", r.Remaining)
	}
	return b.String()
}

// String describes the group in one phrase.
func (g Leftover) String() string {
	what, code := "version", g.Code
	if code == StillListed {
		return g.stillListed()
	}
	if g.Uploads {
		what = "unfinished upload"
	}
	if g.Count != 1 {
		what += "s"
	}
	if code == "" {
		code = "no answer from S3"
	}
	text := fmt.Sprintf("%d %s: %s", g.Count, what, code)
	if locks := g.Locks.String(); locks != "" {
		if int64(g.Examined) < g.Count {
			locks = fmt.Sprintf("of %d looked at, %s", g.Examined, locks)
		}
		text += " (" + locks + ")"
	} else if g.Message != "" {
		text += " (" + g.Message + ")"
	}
	return text + ", e.g. " + g.Example.String()
}

// stillListed describes a group of StillListed in one phrase.
func (g Leftover) stillListed() string {
	what, did := "version", "it deleted them"
	if g.Uploads {
		what, did = "unfinished upload", "it aborted them, or that they are not there"
	}
	if g.Count != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s: S3 answered that %s, and still lists them, for example %s", g.Count, what, did, g.Example)
}

// String describes the locks; "" if there are none.
func (l Locked) String() string {
	var parts []string
	for _, part := range []struct {
		n    int
		text string
	}{
		{l.Compliance, "under compliance retention, which cannot be lifted"},
		{l.Governance, "under governance retention, which BypassGovernanceRetention lifts"},
		{l.Legal, "under a legal hold, which has to be removed"},
		{l.Event, "under an event hold, which has to be released; the retention ends only after that"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	if !l.Earliest.IsZero() {
		parts = append(parts, fmt.Sprintf("the first retention ends %s, the last %s", l.Earliest.UTC().Format(time.RFC3339), l.Until.UTC().Format(time.RFC3339)))
	}
	return strings.Join(parts, ", ")
}
