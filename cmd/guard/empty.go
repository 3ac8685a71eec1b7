package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"s3-endpoint-guard/internal/emptying"
)

// Exit codes of guard empty, besides 0 for a bucket that was proven empty (or counted).
const (
	exitNotEmpty    = 1 // something is left, and standard error says why
	exitUntouched   = 2 // nothing was touched: used wrongly, no such bucket, no access, its name not typed
	exitInterrupted = 3 // stopped on the way; the same command goes on
)

// emptier is the command guard empty.
type emptier struct {
	bucket, owner, region, profile, endpoint string
	yes, dryRun, bypass                      bool

	in          io.Reader
	out, err    io.Writer
	interactive bool // standard error is a terminal
}

func emptyCommand() *cobra.Command {
	e := &emptier{}
	c := &cobra.Command{
		Use:   "empty --bucket NAME",
		Short: "Delete every version, delete marker and unfinished upload of a bucket, and prove it empty",
		Long: `Empty deletes everything in a bucket: all versions of all objects, delete markers, unfinished uploads. It cannot be undone.
It asks for the bucket's name to be typed (--yes does not ask, for scripts). --dry-run counts and prices, and deletes nothing.

What is stopped (Ctrl-C, a lost connection) goes on where it was when the same command is given again.

Exit codes: 0 the bucket is proven empty; 1 something is left, and standard error says what and why; 2 nothing was
touched, because the name was not confirmed, the bucket is not there or not yours, or the command is used wrongly;
3 interrupted.

Credentials and Region are found as the AWS CLI finds them. The permissions needed: s3:ListBucketVersions,
s3:ListBucketMultipartUploads, s3:GetBucketVersioning, s3:GetBucketObjectLockConfiguration, s3:DeleteObject,
s3:DeleteObjectVersion, s3:AbortMultipartUpload, and for a full account of locks s3:GetObjectRetention and
s3:GetObjectLegalHold; with --bypass-governance-retention also s3:BypassGovernanceRetention.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			e.in, e.out, e.err = c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()
			e.interactive = term.IsTerminal(int(os.Stderr.Fd()))
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt)
			defer stop()
			return e.run(ctx)
		},
	}
	f := c.Flags()
	f.StringVar(&e.bucket, "bucket", "", "the bucket's name")
	f.StringVar(&e.owner, "owner", "", "account id that the bucket must belong to")
	f.StringVar(&e.region, "region", "", "the bucket's Region, if not the configured one")
	f.StringVar(&e.profile, "profile", "", "profile in the shared AWS configuration")
	f.StringVar(&e.endpoint, "endpoint-url", "", "address of S3, if not AWS's")
	f.BoolVar(&e.yes, "yes", false, "do not ask")
	f.BoolVar(&e.dryRun, "dry-run", false, "count and price, delete nothing")
	f.BoolVar(&e.bypass, "bypass-governance-retention", false, "delete versions under governance retention too")
	return c
}

// run does what was asked.
func (e *emptier) run(ctx context.Context) error {
	if e.bucket == "" {
		return &exitError{exitUntouched, errors.New("--bucket is missing")}
	}
	debug.SetMemoryLimit(emptying.Memory)
	debug.SetGCPercent(-1)
	store, err := e.store(ctx)
	if err != nil {
		return &exitError{exitUntouched, err}
	}
	// To the engine a bucket that is gone is an empty one. Here it is a name that was misspelt.
	if _, err := store.Protection(ctx); err != nil && ctx.Err() == nil {
		return &exitError{exitUntouched, fmt.Errorf("looking at bucket %s: %w; nothing was touched", e.bucket, err)}
	}
	options := emptying.Options{Store: store, Bucket: e.bucket, BypassGovernance: e.bypass}
	if e.dryRun {
		return e.count(ctx, options)
	}
	confirmed := e.yes || e.confirmed(ctx)
	switch {
	case ctx.Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted; nothing was touched")}
	case !confirmed:
		return &exitError{exitUntouched, fmt.Errorf("%q was not typed: nothing was touched", e.bucket)}
	}
	options.Progress, options.ProgressEvery = e.progress, e.every()
	report, err := emptying.Run(ctx, options)
	if e.interactive {
		fmt.Fprint(e.err, "\r\x1b[K")
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return &exitError{exitInterrupted, fmt.Errorf("interrupted after %d versions; the same command goes on", report.Deleted)}
	case err != nil:
		return &exitError{exitNotEmpty, err}
	}
	fmt.Fprintf(e.out, "bucket %s is empty: deleted %d versions and %d unfinished uploads in %s (%.0f/s, %d requests)\n", e.bucket, report.Deleted,
		report.Uploads, report.Elapsed.Round(time.Millisecond), report.Rate, report.Requests.Lists+report.Requests.Batches+report.Requests.Singles)
	return nil
}

// store makes the bucket's store from the machine's AWS configuration.
func (e *emptier) store(ctx context.Context) (emptying.Store, error) {
	sdk, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(emptying.HTTPClient()), config.WithRegion(e.region), config.WithSharedConfigProfile(e.profile))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	client := s3.NewFromConfig(sdk, func(o *s3.Options) {
		if e.endpoint != "" {
			o.BaseEndpoint, o.UsePathStyle = &e.endpoint, true
		}
	})
	return emptying.New(client, e.bucket, e.owner), nil
}

// confirmed asks for the bucket's name, until the context ends.
func (e *emptier) confirmed(ctx context.Context) bool {
	fmt.Fprintf(e.err, "This deletes everything in bucket %s, all versions, for good.\nType the bucket's name to go on: ", e.bucket)
	typed := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(e.in).ReadString('\n')
		typed <- line
	}()
	line := ""
	select {
	case <-ctx.Done():
	case line = <-typed:
	}
	if line == "" {
		fmt.Fprintln(e.err)
	}
	return strings.TrimSpace(line) == e.bucket
}

// every is how often to tell progress: a bar moves, a log grows.
func (e *emptier) every() time.Duration {
	if e.interactive {
		return 200 * time.Millisecond
	}
	return 10 * time.Second
}

// progress shows how far the work is: a bar on a terminal, otherwise a line.
func (e *emptier) progress(p emptying.Progress) {
	line := fmt.Sprintf("%d deleted, %.0f/s", p.Deleted, p.Rate)
	if p.Remaining >= 0 {
		line += fmt.Sprintf(", about %d left", p.Remaining)
	}
	if !e.interactive {
		fmt.Fprintln(e.err, line)
		return
	}
	fmt.Fprintf(e.err, "\r\x1b[K%s %s", bar(p.Deleted, p.Remaining), line)
}

// barWidth is in characters.
const barWidth = 30

// bar draws how much of the whole is done; an unknown whole is drawn empty.
func bar(done, left int64) string {
	filled := 0
	if left >= 0 && done+left > 0 {
		filled = int(barWidth * done / (done + left))
	}
	return "[" + strings.Repeat("#", filled) + strings.Repeat(".", barWidth-filled) + "]"
}

// Prices in us-east-1, in US dollars. Deleting is free of charge.
// https://aws.amazon.com/s3/pricing/
const (
	pricePerList    = 0.005 / 1000
	pricePerGiB     = 0.023 // a month, standard storage
	versionsPerList = 1000
)

// count tells what is there and what deleting it costs.
func (e *emptier) count(ctx context.Context, options emptying.Options) error {
	found, err := emptying.Count(ctx, options)
	switch {
	case err != nil && ctx.Err() != nil:
		return &exitError{exitInterrupted, errors.New("interrupted while counting; nothing was touched")}
	case err != nil:
		return &exitError{exitNotEmpty, err}
	}
	versions := found.Versions + found.Markers
	gib := float64(found.Bytes) / (1 << 30)
	lists := versions/versionsPerList + versions/versionsPerList/4 + 2
	fmt.Fprintf(e.out, "bucket %s holds %d versions (%.2f GiB), %d delete markers, %d unfinished uploads\n", e.bucket, found.Versions, gib, found.Markers, found.Uploads)
	fmt.Fprintf(e.out, "deleting takes about %d listings ($%.4f) and %d deletes (free); counting took %d listings ($%.4f)\n",
		lists, float64(lists)*pricePerList, (versions+versionsPerList-1)/versionsPerList, found.Lists, float64(found.Lists)*pricePerList)
	fmt.Fprintf(e.out, "the storage costs about $%.2f a month (us-east-1, standard class; classes with a minimum duration charge the rest of it)\n", gib*pricePerGiB)
	if found.Protection.MFADelete {
		fmt.Fprintln(e.out, "MFA delete is on: only the root user with its device can delete versions")
	}
	if found.Protection.ObjectLock {
		fmt.Fprintln(e.out, "Object Lock is on: versions under retention or a legal hold will be left")
	}
	return nil
}
