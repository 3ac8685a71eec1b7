package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/survey"
)

// auditResult is the result for one bucket or endpoint of an account.
type auditResult struct {
	audit.Result
	Region string `json:"region"`
	// Missing are the permissions that are missing, Failures the calls that failed for other reasons.
	Missing  []string `json:"missingPermissions,omitempty"`
	Failures []string `json:"failures,omitempty"`
}

// auditResults prints results as they come and counts them. It keeps none.
type auditResults struct {
	*auditor
	page     *auditPage   // nil without --html
	log      *sarifWriter // of --sarif
	colour   palette
	notes    []string
	errors   []string // what could not be read
	verdicts map[audit.Verdict]int
	missing  map[string]int // permission to the number of results that lack it
	shown    time.Time
	// total is the number of buckets and endpoints that were listed so far; complete is true if these are all.
	total    atomic.Int64
	complete atomic.Bool

	mu sync.Mutex // of notes, errors and missing
}

func newAuditResults(a *auditor) (r *auditResults, err error) {
	r = &auditResults{auditor: a, colour: paletteFor(a.out), verdicts: map[audit.Verdict]int{}, missing: map[string]int{}}
	r.shown = time.Now()
	r.log = &sarifWriter{w: a.out, version: versionText()}
	if a.html != "" {
		r.page, err = newAuditPage(a.html)
	}
	return r, err
}

func (r *auditResults) listed(n int) { r.total.Add(int64(n)) }
func (r *auditResults) listedAll()   { r.complete.Store(true) }

func (r *auditResults) note(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, text)
}

// failed records why a part could not be read, if it is not the interruption.
func (r *auditResults) failed(ctx context.Context, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, err.Error())
	if failure, ok := errors.AsType[*survey.Failure](err); ok && failure.Missing() {
		r.missing[failure.Permission] += 0
	}
}

// add prints a result.
func (r *auditResults) add(result auditResult) error {
	r.verdicts[result.Verdict]++
	r.mu.Lock()
	for _, permission := range result.Missing {
		r.missing[permission]++
	}
	r.mu.Unlock()
	defer r.progress()
	if r.page != nil {
		if err := r.page.add(result); err != nil {
			return err
		}
	}
	switch {
	case r.json:
		r.clear()
		return writeLine(r.out, result)
	case r.sarif:
		r.clear()
		return r.log.add(result.Result)
	}
	r.clear()
	var text bytes.Buffer
	writeResult(&text, r.colour, result.Result)
	for _, permission := range result.Missing {
		fmt.Fprintf(&text, "  missing  the permission %s\n", permission)
	}
	for _, failure := range result.Failures {
		fmt.Fprintf(&text, "  failed   %s\n", failure)
	}
	_, err := r.out.Write(text.Bytes())
	return err
}

func (r *auditResults) judged() (n int) {
	for _, count := range r.verdicts {
		n += count
	}
	return n
}

// progress shows the counts: on a terminal five times a second in one line, otherwise a line every ten seconds.
func (r *auditResults) progress() {
	every := 10 * time.Second
	if r.interactive {
		every = 200 * time.Millisecond
	}
	if time.Since(r.shown) < every {
		return
	}
	r.shown = time.Now()
	line := r.counts()
	if limit := r.pace.Limit(); limit < r.concurrency {
		line += fmt.Sprintf(", %s at a time because of throttling", count(limit, "call"))
	}
	if r.interactive {
		fmt.Fprintf(r.err, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(r.err, line)
	}
}

// clear removes the line of the progress before other output.
func (r *auditResults) clear() {
	if r.interactive {
		fmt.Fprint(r.err, "\r\x1b[K")
	}
}

// counts says how many are judged, and how many are open.
func (r *auditResults) counts() string {
	total := fmt.Sprint(r.total.Load())
	if !r.complete.Load() {
		total = "at least " + total
	}
	return fmt.Sprintf("%d of %s judged, %d open", r.judged(), total, r.verdicts[audit.Open]+r.verdicts[audit.Drifted])
}

// end prints what remains, and returns the error with the exit code.
func (r *auditResults) end(interrupted bool, err error) error {
	r.clear()
	if err != nil {
		return &exitError{exitUnjudged, fmt.Errorf("writing the results: %w", err)}
	}
	if !interrupted && r.judged() == 0 && len(r.errors) == 0 {
		r.errors = append(r.errors, "there is nothing to judge")
	}
	for _, permission := range slices.Sorted(maps.Keys(r.missing)) {
		text := "the permission " + permission + " is missing"
		if n := r.missing[permission]; n > 0 {
			text += fmt.Sprintf(" for %s", count(n, "bucket"))
		}
		r.notes = append(r.notes, text)
	}
	if r.page != nil {
		if err := r.page.end(r.counts(), interrupted, slices.Concat(r.notes, r.errors)); err != nil {
			return &exitError{exitUnjudged, fmt.Errorf("writing the results: %w", err)}
		}
	}
	switch {
	case r.sarif:
		if err := r.log.end(r.notes, r.errors); err != nil {
			return &exitError{exitUnjudged, fmt.Errorf("writing the results: %w", err)}
		}
	case r.judged() > 0 && !r.json:
		fmt.Fprintln(r.out, verdictCounts(r.verdicts))
	}
	for _, n := range r.notes {
		fmt.Fprintln(r.err, "note:", n)
	}
	for _, e := range r.errors {
		fmt.Fprintln(r.err, "guard:", e)
	}
	switch {
	case interrupted:
		return &exitError{exitStopped, fmt.Errorf("interrupted: %s", r.counts())}
	case r.verdicts[audit.Open]+r.verdicts[audit.Drifted] > 0:
		return &exitError{code: exitOpen}
	case r.verdicts[audit.Undecided]+len(r.errors)+len(r.missing) > 0:
		return &exitError{code: exitUnjudged}
	}
	return nil
}
