package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/aws/pauses"
	"example.com/s3-endpoint-guard/internal/pause"
)

// pauser is the command guard pause.
type pauser struct {
	onStack
	vpcEndpoint string
	lasts       time.Duration
	until       string
	reason      string
	list, end   bool

	out io.Writer
	now func() time.Time
}

func pauseCommand() *cobra.Command {
	p := &pauser{now: time.Now}
	c := &cobra.Command{
		Use:   "pause --bucket NAME --for DURATION --reason TEXT | --list | --end --bucket NAME",
		Short: "Make a maintenance window, in which the guard leaves a bucket's drift alone",
		Long: `Pause makes a maintenance window for one bucket, or for one VPC endpoint: until it ends, the guard records drift and tells it,
but corrects nothing, so that Terraform or a person can work. A window ends by itself, a day after it was made at the latest. A
second one for the same bucket replaces the first. --list shows the windows, --end ends one before its time: the next sweep
corrects what has drifted.

A window is an SSM parameter below /s3-endpoint-guard/pause/STACK, with its end, its reason, and the ARN of the caller's
credentials. CloudTrail has the call that made it, as PutParameter.

The exit code is 0 if the window was made or ended, or the list is whole; 2 otherwise, and nothing was changed then. The
permissions needed: cloudformation:DescribeStackResource, for a stack of template.yaml also cloudformation:ListStackResources, and
lambda:GetFunctionConfiguration (the running guard says what it guards), and ssm:GetParametersByPath on that path; to make a window ssm:PutParameter on what is below it, to end one ssm:DeleteParameter.
Credentials, Region and the addresses of the services are found as the AWS CLI finds them.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			p.out = c.OutOrStdout()
			window, err := p.check()
			if err != nil {
				return misused(c, err)
			}
			ctx, stop := interruptible(c.Context())
			defer stop()
			if err := p.run(ctx, window); err != nil {
				return &exitError{exitUnjudged, err}
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&p.bucket, "bucket", "", "`NAME` of the bucket")
	f.StringVar(&p.vpcEndpoint, "vpc-endpoint", "", "`ID` of the VPC endpoint, instead of a bucket")
	f.DurationVar(&p.lasts, "for", 0, "how long, e.g. 2h")
	f.StringVar(&p.until, "until", "", "until when, e.g. 2026-03-02T14:00:00Z, instead of --for")
	f.StringVar(&p.reason, "reason", "", "`TEXT` that the guard tells with the drift")
	f.BoolVar(&p.list, "list", false, "show the windows")
	f.BoolVar(&p.end, "end", false, "end the window now")
	p.onStack.flags(f)
	return c
}

// check finds wrong usage, and returns the window to make; that of --end has only a target, that of --list nothing.
func (p *pauser) check() (w pause.Window, err error) {
	if err := p.onStack.check(); err != nil {
		return w, err
	}
	making := p.lasts != 0 || p.until != "" || p.reason != ""
	switch {
	case p.list && (p.end || making || p.bucket != "" || p.vpcEndpoint != ""):
		return w, errors.New("--list stands alone")
	case p.list:
		return w, nil
	case (p.bucket == "") == (p.vpcEndpoint == ""):
		return w, errors.New("want --bucket or --vpc-endpoint")
	case p.end && making:
		return w, errors.New("--end has no meaning with --for, --until and --reason")
	case p.bucket != "":
		err = checkBucketName(p.bucket)
	default:
		err = checkEndpointID(p.vpcEndpoint)
	}
	if err != nil {
		return w, err
	}
	w.Target = p.bucket + p.vpcEndpoint
	if p.end {
		return w, nil
	}
	if (p.lasts == 0) == (p.until == "") {
		return w, errors.New("want --for or --until")
	}
	now := p.now()
	w.Reason, w.Until = p.reason, now.Add(p.lasts)
	if p.until != "" {
		if w.Until, err = time.Parse(time.RFC3339, p.until); err != nil {
			return w, fmt.Errorf("--until %s: want a time such as 2026-03-02T14:00:00Z", p.until)
		}
	}
	return w, w.Check(now)
}

func (p *pauser) run(ctx context.Context, w pause.Window) error {
	sdk, err := p.sdk(ctx)
	if err != nil {
		return err
	}
	return p.on(ctx, sdk, w)
}

// on makes, shows or ends windows of the stack that an AWS configuration reaches.
func (p *pauser) on(ctx context.Context, sdk aws.Config, w pause.Window) error {
	guard, err := p.guard(ctx, sdk)
	if err != nil {
		return err
	}
	windows := guard.windows(sdk)
	switch {
	case p.list:
		return p.show(ctx, windows)
	case p.end:
		if err := windows.end(ctx, w.Target); err != nil {
			return err
		}
		fmt.Fprintf(p.out, "%s: the window is ended; the next sweep corrects what has drifted\n", w.Target)
		return nil
	}
	if err := guard.covers(w.Target); err != nil {
		return err
	}
	if w.By, _, err = whoAmI(ctx, sdk); err != nil {
		return err
	}
	made, replaced, err := windows.put(ctx, w)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s: the guard of stack %s corrects nothing until %s (about %s from now)\n", w.Target, p.stack, atUTC(made.Until),
		made.Until.Sub(p.now()).Round(time.Minute))
	if replaced.Active(p.now()) {
		fmt.Fprintf(p.out, "it replaces the window until %s of %s: %s\n", atUTC(replaced.Until), replaced.By, replaced.Reason)
	}
	return nil
}

// show prints the windows, those that have ended too: their parameters remain until they are ended or replaced.
func (p *pauser) show(ctx context.Context, windows windows) error {
	list, err := windows.Read(ctx)
	if err != nil {
		err = needing("ssm:GetParametersByPath", err)
	}
	for _, w := range list {
		state := "until"
		if !w.Active(p.now()) {
			state = "ended"
		}
		fmt.Fprintf(p.out, "%s  %s %s  %s  by %s\n", w.Target, state, atUTC(w.Until), w.Reason, w.By)
	}
	if len(list) == 0 && err == nil {
		fmt.Fprintf(p.out, "stack %s has no maintenance window\n", p.stack)
	}
	return err
}

// atUTC formats a time for people.
func atUTC(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// windows are the maintenance windows of a stack.
type windows struct {
	pauses.Reader
	pauses.Writer
}

// put makes a window, and reads it back. It returns what was stored, and the window that was replaced.
func (w windows) put(ctx context.Context, window pause.Window) (made, replaced pause.Window, err error) {
	// Broken parameters do not matter: the window's own is written.
	old, _ := w.Read(ctx)
	if i := slices.IndexFunc(old, func(o pause.Window) bool { return o.Target == window.Target }); i >= 0 {
		replaced = old[i]
	}
	if err := w.Put(ctx, window); err != nil {
		return made, replaced, needing("ssm:PutParameter", err)
	}
	stored, err := w.Read(ctx)
	if i := slices.IndexFunc(stored, func(o pause.Window) bool { return o.Target == window.Target }); i >= 0 {
		return stored[i], replaced, nil
	}
	return made, replaced, errors.Join(fmt.Errorf("the window of %s was written, and is not there when it is read back", window.Target),
		needing("ssm:GetParametersByPath", err))
}

// end removes a window.
func (w windows) end(ctx context.Context, target string) error {
	return needing("ssm:DeleteParameter", w.End(ctx, target))
}
