package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"example.com/s3-endpoint-guard/internal/aws/guardlog"
	"example.com/s3-endpoint-guard/internal/history"
)

// searcher reads the records of a deployed guard.
type searcher struct {
	onStack
	vpcEndpoint string
	since       ago
	json        bool

	out, err    io.Writer
	interactive bool // standard error is a terminal
	now         func() time.Time
}

func (s *searcher) flags(f *pflag.FlagSet) {
	f.Var(&s.since, "since", "how far back, e.g. 12h, 7d or 2w")
	f.StringVar(&s.bucket, "bucket", "", "only records of the bucket `NAME`")
	f.StringVar(&s.vpcEndpoint, "vpc-endpoint", "", "only records of the VPC endpoint `ID`")
	s.onStack.flags(f)
}

// ready completes a searcher for a run of its command, and finds wrong usage.
func (s *searcher) ready(c *cobra.Command) error {
	s.out, s.err, s.now = c.OutOrStdout(), c.ErrOrStderr(), time.Now
	s.interactive = term.IsTerminal(int(os.Stderr.Fd()))
	if err := s.onStack.check(); err != nil {
		return err
	}
	switch {
	case s.bucket != "" && s.vpcEndpoint != "":
		return fmt.Errorf("--bucket and --vpc-endpoint: want at most one")
	case s.vpcEndpoint != "":
		return checkEndpointID(s.vpcEndpoint)
	case s.bucket != "":
		return checkBucketName(s.bucket)
	}
	return nil
}

// records yields the records since a time that match a pattern, and shows the progress on a terminal.
func (s *searcher) records(ctx context.Context, log guardlog.Log, since time.Time, pattern string) iter.Seq2[history.Entry, error] {
	return func(yield func(history.Entry, error) bool) {
		pages, records := 0, 0
		progress := func() {
			if pages++; s.interactive {
				fmt.Fprintf(s.err, "\r\x1b[K%s searched, %s", count(pages, "page"), count(records, "record"))
			}
		}
		defer s.clear()
		for line, err := range log.Search(ctx, since, pattern, progress) {
			if err != nil {
				yield(history.Entry{}, needing("logs:FilterLogEvents", err))
				return
			}
			e, ok := history.Parse(line.Text, line.Time)
			if !ok {
				continue
			}
			records++
			s.clear()
			if !yield(e, nil) {
				return
			}
		}
	}
}

// clear removes the progress from the terminal.
func (s *searcher) clear() {
	if s.interactive {
		fmt.Fprint(s.err, "\r\x1b[K")
	}
}

const logPermissions = `cloudformation:DescribeStackResource, for a stack of template.yaml also cloudformation:ListStackResources, and
logs:FilterLogEvents. Credentials, Region and the addresses of the services are found as the AWS CLI finds them.`

func historyCommand() *cobra.Command {
	s := &searcher{since: ago(7 * 24 * time.Hour)}
	c := &cobra.Command{
		Use:   "history",
		Short: "Show what a deployed guard found and corrected",
		Long: `History reads the records in the log of a deployed guard, oldest first: when, which property of what, the verdict, the outcome,
how long it was open, who changed it as CloudTrail says, the size of the state before, and the record's id, with which guard undo puts
that state back. "Open" counts from CloudTrail's event to the verified correction; for drift that a sweep found it is not known.

--json prints one object a line, with all members of a record (docs/events.md), "time", "requestId" and "beforeBytes".

The exit code is 0 if the log was read to its end, 2 if it was not. The permissions needed: ` + logPermissions,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.ready(c); err != nil {
				return misused(c, err)
			}
			ctx, stop := interruptible(c.Context())
			defer stop()
			if err := s.history(ctx); err != nil {
				return &exitError{exitUnjudged, err}
			}
			return nil
		},
	}
	s.flags(c.Flags())
	c.Flags().BoolVar(&s.json, "json", false, "print one JSON object a line")
	return c
}

func (s *searcher) history(ctx context.Context) error {
	sdk, err := s.sdk(ctx)
	if err != nil {
		return err
	}
	log, err := s.log(ctx, sdk)
	if err != nil {
		return err
	}
	since := s.since.before(s.now())
	seen, colour := 0, paletteFor(s.out)
	for e, err := range s.records(ctx, log, since, history.PatternOf("", "", s.bucket+s.vpcEndpoint)) {
		if err != nil {
			return err
		}
		if seen++; s.json {
			err = writeLine(s.out, e)
		} else {
			err = printEntry(s.out, colour, e)
		}
		if err != nil {
			return err
		}
	}
	if seen == 0 && !s.json {
		fmt.Fprintf(s.out, "no records since %s in log group %s\n", atUTC(since), log.Group)
	}
	return nil
}

// printEntry prints a record in three lines: what happened, who caused it, and its id.
func printEntry(to io.Writer, colour palette, e history.Entry) error {
	lasted := ""
	switch open, known := e.Open(); {
	case known:
		lasted = " " + open.Round(10*time.Millisecond).String() + " after the event"
	case e.Outcome.IsOver():
		lasted = " when it was found"
	}
	what := e.Resource
	if e.Target != "" {
		what += " of " + e.Target
	}
	who := cmp.Or(e.Who(), string(e.Trigger.Kind))
	if e.Trigger.EventName != "" {
		who += " (" + e.Trigger.EventName + ")"
	}
	_, err := fmt.Fprintf(to, "%s  %s  %s\n   %s%s; by %s\n   state before: %s; record %s\n", atUTC(e.Time), colour.bold(what), colour.verdict(e.Verdict),
		e.Outcome, lasted, who, size(e), e.RequestID)
	return err
}

// size describes the state before.
func size(e history.Entry) string {
	switch {
	case e.Unread != "":
		return "not read"
	case e.BeforeBytes == 0:
		return "none"
	}
	return count(e.BeforeBytes, "byte")
}
