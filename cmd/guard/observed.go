package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/aws/guardlog"
	"example.com/s3-endpoint-guard/internal/history"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

func reportCommand() *cobra.Command {
	s := &searcher{since: ago(14 * 24 * time.Hour)}
	c := &cobra.Command{
		Use:   "report",
		Short: "Sum up what a guard in Observe would have corrected",
		Long: `Report sums up the drift that a deployed guard with Enforcement=Observe found and left: for each bucket or endpoint, property,
actor, verdict and statement how many changes CloudTrail reported and how many records there are (each sweep records drift that lasts
again), the first and the last one, and what was allowed. Open drift comes first. It is the list to read before Enforcement=Enforce.

--json prints one object: "stack", "since", "until", "groups", "recordsLeftOut".

The exit code is 0 if nothing open was observed, 1 if open drift was, and 2 if that cannot be told: the log could not be read, or has
not one line since then, so that no guard looked. The permissions needed: ` + logPermissions,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.ready(c); err != nil {
				return misused(c, err)
			}
			ctx, stop := interruptible(c.Context())
			defer stop()
			open, err := s.report(ctx)
			switch {
			case err != nil:
				return &exitError{exitUnjudged, err}
			case open:
				return &exitError{code: exitOpen}
			}
			return nil
		},
	}
	s.flags(c.Flags())
	c.Flags().BoolVar(&s.json, "json", false, "print a JSON object")
	return c
}

// observed is the output of guard report --json.
type observed struct {
	Stack  string          `json:"stack"`
	Since  time.Time       `json:"since"`
	Until  time.Time       `json:"until"`
	Groups []history.Group `json:"groups"`
	// RecordsLeftOut is the number of records that are in no group.
	RecordsLeftOut int `json:"recordsLeftOut"`
}

// errSilent means that no guard looked.
var errSilent = errors.New("has no line since then: no guard looked, so it is not known what it would have found")

// report prints the report and returns whether it has open drift.
func (s *searcher) report(ctx context.Context) (open bool, err error) {
	sdk, err := s.sdk(ctx)
	if err != nil {
		return false, err
	}
	r, err := s.sumUp(ctx, sdk)
	if err != nil {
		return false, err
	}
	if s.json {
		err = writeLine(s.out, r)
	} else {
		err = r.print(s.out)
	}
	return len(r.Groups) > 0 && r.Groups[0].Verdict == iampolicy.Open, err
}

// sumUp sums up the records of the stack that an AWS configuration reaches.
func (s *searcher) sumUp(ctx context.Context, sdk aws.Config) (observed, error) {
	log, err := s.log(ctx, sdk)
	if err != nil {
		return observed{}, err
	}
	until := s.now()
	since := s.since.before(until)
	r := observed{Stack: s.stack, Since: since.UTC(), Until: until.UTC()}
	var summary history.Summary
	for e, err := range s.records(ctx, log, since, history.PatternOf("", "", s.bucket+s.vpcEndpoint)) {
		if err != nil {
			return observed{}, err
		}
		summary.Add(e)
	}
	r.Groups, r.RecordsLeftOut = summary.Groups(), summary.Left
	if len(r.Groups) == 0 {
		return r, s.looked(ctx, log, since)
	}
	return r, nil
}

// looked returns nil if the log has a line since a time: the guard logs one in each run.
func (s *searcher) looked(ctx context.Context, log guardlog.Log, since time.Time) error {
	for _, err := range log.Search(ctx, since, "", nil) {
		return needing("logs:FilterLogEvents", err)
	}
	return fmt.Errorf("log group %s %w", log.Group, errSilent)
}

// print prints the report for people.
func (r observed) print(to io.Writer) error {
	colour := paletteFor(to)
	fmt.Fprintf(to, "stack %s, %s to %s\n", r.Stack, atUTC(r.Since), atUTC(r.Until))
	if len(r.Groups) == 0 {
		fmt.Fprintln(to, "no drift was observed: nothing would have been corrected")
	}
	for _, g := range r.Groups {
		fmt.Fprintf(to, "\n%s  %s  %s\n", colour.bold(g.Property+" of "+cmp.Or(g.Target, "-")), colour.verdict(g.Verdict), g.Statement)
		fmt.Fprintf(to, "   by %s: %s, %s\n", cmp.Or(g.Actor, "nobody known: a sweep found it"), count(g.Changes, "change"), count(g.Records, "record"))
		fmt.Fprintf(to, "   first %s, last %s, record %s\n", atUTC(g.First), atUTC(g.Last), g.RequestID)
		if g.Allowed != "" {
			fmt.Fprintf(to, "   %s\n", g.Allowed)
		}
	}
	if r.RecordsLeftOut > 0 {
		fmt.Fprintf(to, "\n%s of other kinds are left out: select with --bucket or --since\n", count(r.RecordsLeftOut, "record"))
	}
	_, err := fmt.Fprintln(to)
	return err
}
