package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// Exit codes of guard empty, in addition to 0 for a bucket that was proven empty (or counted).
const (
	exitNotEmpty    = 1 // something is left; standard error says why
	exitUntouched   = 2 // nothing was deleted: wrong usage, no such bucket, no access, name not typed
	exitInterrupted = 3 // interrupted; the same command continues
)

// emptier is the command guard empty.
type emptier struct {
	place
	prefix                                    string
	yes, dryRun, bypass, deleteBucket, asJSON bool

	bound       func() // limits the memory of the process
	in          io.Reader
	err         io.Writer
	tell        io.Writer // results for the user: standard output, or nowhere with --json
	interactive bool      // standard error is a terminal
}

const emptyHelp = `Empty deletes everything in a bucket: all versions of all objects, delete markers, unfinished uploads. It cannot be undone.
It asks for the bucket's name to be typed (--yes does not ask, for scripts). --dry-run counts and prices, and deletes nothing.
--prefix limits it to the keys that begin with a text. --delete-bucket deletes the bucket as well, once it is proven empty;
if there is no such bucket, it says so and the exit code is 0.

Ctrl-C and SIGTERM stop it: deletions that are under way have 5 seconds to end, then it reports what it did. A second signal
ends it at once. The same command, run again, continues.

Exit codes: 0 the bucket is proven empty; 1 something is left, and standard error says what and why; 2 nothing was
touched, because the name was not confirmed, the bucket is not there or not yours, or the command is used wrongly;
3 interrupted.

--json writes one object to standard output: bucket, prefix, region; outcome (emptied, counted, absent, interrupted,
untouched, left over, needs MFA, refilled, stopped); exitCode; error; deletedVersions (delete markers included) and
abortedUploads; bucketDeleted; seconds; requests; causes, each with S3's code (or StillListed: S3 lists what it said
is deleted), a message, what and how many are left, an example, and the locks on those that were examined; with
--dry-run found, which is what the bucket holds.

Credentials, Region and the address of S3 are found as the AWS CLI finds them: in the environment (AWS_ENDPOINT_URL_S3,
AWS_ENDPOINT_URL) and in the profile, with its addressing_style. Where S3 answers that the bucket is in another Region, the
command goes there. Only general purpose buckets are supported: no directory buckets, access points or their aliases.

The permissions needed: s3:ListBucketVersions, s3:ListBucketMultipartUploads, s3:GetBucketVersioning,
s3:GetBucketObjectLockConfiguration, s3:DeleteObject, s3:DeleteObjectVersion, s3:AbortMultipartUpload, and for a full
report of locks s3:GetObjectRetention and s3:GetObjectLegalHold; with --bypass-governance-retention also
s3:BypassGovernanceRetention, with --delete-bucket s3:DeleteBucket.`

// boundMemory limits the memory of this process, which does nothing but empty a bucket.
func boundMemory() {
	debug.SetMemoryLimit(emptying.Memory)
	debug.SetGCPercent(-1)
}

// emptyCommand makes the command. bound limits the memory of its process.
func emptyCommand(bound func()) *cobra.Command {
	e := &emptier{bound: bound}
	c := &cobra.Command{
		Use:   "empty --bucket NAME",
		Short: "Delete every version, delete marker and unfinished upload of a bucket, and prove it empty",
		Long:  emptyHelp,
		Args:  arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			e.in, e.err, e.tell = c.InOrStdin(), c.ErrOrStderr(), c.OutOrStdout()
			e.interactive = term.IsTerminal(int(os.Stderr.Fd()))
			if !e.asJSON {
				return e.run(c, &account{})
			}
			e.tell = io.Discard
			a := newAccount(e.bucket, e.prefix)
			err := e.run(c, a)
			return errors.Join(err, a.told(a.write(c.OutOrStdout(), err)))
		},
	}
	e.flags(c.Flags())
	return c
}

func (e *emptier) flags(f *pflag.FlagSet) {
	f.StringVar(&e.bucket, "bucket", "", "the bucket's `NAME`")
	f.StringVar(&e.prefix, "prefix", "", "delete only what has a key that begins with `TEXT`")
	f.BoolVar(&e.deleteBucket, "delete-bucket", false, "delete the bucket too, once it is proven empty")
	f.StringVar(&e.owner, "owner", "", "id of the `ACCOUNT` that the bucket must belong to")
	f.StringVar(&e.region, "region", "", "the `REGION` to ask, if not the configured one")
	f.StringVar(&e.profile, "profile", "", "`NAME` of a profile in the shared AWS configuration")
	f.StringVar(&e.endpoint, "endpoint-url", "", "`ADDRESS` of S3, if not AWS's")
	f.BoolVar(&e.yes, "yes", false, "do not ask")
	f.BoolVar(&e.dryRun, "dry-run", false, "count and price, delete nothing")
	f.BoolVar(&e.bypass, "bypass-governance-retention", false, "delete versions under governance retention too")
	f.BoolVar(&e.asJSON, "json", false, "write one JSON object to standard output, and nothing else")
}

// run executes the command and records the result in the account.
func (e *emptier) run(c *cobra.Command, a *account) error {
	if err := e.check(c.Flags().Changed("prefix")); err != nil {
		return misused(c, err)
	}
	e.bound()
	ctx, now, stop := signals(c.Context())
	defer stop()
	client, err := e.open(ctx, e.err)
	if client != nil {
		a.Region = client.Options().Region
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return a.interrupted(errors.New("interrupted; nothing was touched"))
	case e.deleteBucket && errorcode.Of(err) == noSuchBucket:
		a.Outcome = outcomeAbsent
		fmt.Fprintf(e.tell, "there is no bucket %s: nothing to delete\n", e.bucket)
		return nil
	case err != nil: // For the engine a missing bucket is an empty one. Here the name is misspelt.
		return &exitError{exitUntouched, fmt.Errorf("%w; nothing was touched", err)}
	}
	options := emptying.Options{
		Store: s3versions.New(client, e.bucket, e.owner), Bucket: e.bucket, Prefix: e.prefix, BypassGovernance: e.bypass, Now: now,
	}
	if e.dryRun {
		return e.count(ctx, options, a)
	}
	if err := e.confirm(ctx, a); err != nil {
		return err
	}
	if err := e.empty(ctx, options, a); err != nil || !e.deleteBucket {
		return err
	}
	return e.removeBucket(ctx, client, a)
}

// confirm asks whether to continue, unless --yes is set.
func (e *emptier) confirm(ctx context.Context, a *account) error {
	confirmed := e.yes || e.confirmed(ctx)
	switch {
	case ctx.Err() != nil:
		return a.interrupted(errors.New("interrupted; nothing was touched"))
	case !confirmed:
		return &exitError{exitUntouched, fmt.Errorf("%q was not typed: nothing was touched", e.bucket)}
	}
	return nil
}

// check finds wrong usage before a request is sent.
func (e *emptier) check(prefixGiven bool) error {
	switch {
	case e.bucket == "":
		return errors.New("--bucket is missing")
	case prefixGiven && e.prefix == "": // perhaps a variable without a value: it must not mean the whole bucket
		return errors.New("--prefix is empty: leave it out to empty the whole bucket")
	case e.deleteBucket && e.prefix != "":
		return errors.New("--delete-bucket and --prefix exclude each other: only an empty bucket can be deleted")
	}
	return checkBucketName(e.bucket)
}

// signals returns a context that the first Ctrl-C or SIGTERM ends, and a channel that the second one closes. A third
// one ends the process.
func signals(parent context.Context) (ctx context.Context, now <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(parent)
	caught, second, done := make(chan os.Signal, 2), make(chan struct{}), make(chan struct{})
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(caught)
		for _, end := range []func(){cancel, func() { close(second) }} {
			select {
			case <-caught:
				end()
			case <-done:
				return
			}
		}
	}()
	return ctx, second, func() { close(done); cancel() }
}

// empty deletes all versions and uploads in the bucket, or under the prefix.
func (e *emptier) empty(ctx context.Context, options emptying.Options, a *account) error {
	options.Progress, options.ProgressEvery = e.progress, e.every()
	defer context.AfterFunc(ctx, func() {
		if e.interactive {
			fmt.Fprintln(e.err) // the progress bar has no line end
		}
		fmt.Fprintln(e.err, "stopping: deletions under way have 5 s to end; the next Ctrl-C or SIGTERM ends at once")
	})()
	report, err := emptying.Run(ctx, options)
	if e.interactive {
		fmt.Fprint(e.err, "\r\x1b[K")
	}
	a.fill(report)
	requests := report.Requests.Lists + report.Requests.Batches + report.Requests.Singles
	switch {
	case report.Outcome == emptying.Interrupted:
		return a.interrupted(fmt.Errorf("%w; %d unfinished uploads aborted; the same command goes on", err, report.Uploads))
	case err != nil && report.Outcome == emptying.Stopped && report.Requests.Batches+report.Requests.Singles+report.Uploads == 0:
		return &exitError{exitUntouched, fmt.Errorf("%w; nothing was touched", err)}
	case err != nil:
		return &exitError{exitNotEmpty, err}
	}
	what := "is empty"
	if e.prefix != "" {
		what = fmt.Sprintf("has nothing under %q", e.prefix)
	}
	fmt.Fprintf(e.tell, "bucket %s %s: deleted %d versions and %d unfinished uploads in %s (%.0f/s, %d requests)\n", e.bucket, what,
		report.Deleted, report.Uploads, report.Elapsed.Round(time.Millisecond), report.Rate, requests)
	return nil
}

// noSuchBucket is S3's code for a bucket that is not there.
const noSuchBucket = "NoSuchBucket"

// removeBucket deletes the bucket, which was proven empty. A bucket that no longer exists is a success.
func (e *emptier) removeBucket(ctx context.Context, client *s3.Client, a *account) error {
	input := &s3.DeleteBucketInput{Bucket: &e.bucket}
	if e.owner != "" {
		input.ExpectedBucketOwner = &e.owner
	}
	call, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	_, err := client.DeleteBucket(call, input, func(o *s3.Options) { o.Retryer = awsconfig.Retryer() })
	switch {
	case err == nil:
		a.BucketDeleted = true
		fmt.Fprintf(e.tell, "bucket %s is deleted\n", e.bucket)
	case errorcode.Of(err) == noSuchBucket:
		a.BucketDeleted = true
		fmt.Fprintf(e.tell, "bucket %s is gone\n", e.bucket)
	case ctx.Err() != nil:
		return a.interrupted(fmt.Errorf("bucket %s is empty; interrupted while it was being deleted; the same command goes on", e.bucket))
	default:
		return &exitError{exitNotEmpty, fmt.Errorf("bucket %s was proven empty, and could not be deleted: %w", e.bucket, err)}
	}
	return nil
}

// confirmed asks for the bucket's name, until the context ends.
func (e *emptier) confirmed(ctx context.Context) bool {
	what := ""
	if e.prefix != "" {
		what = fmt.Sprintf(" under %q", e.prefix)
	}
	if e.deleteBucket {
		what = ", and the bucket itself"
	}
	question := fmt.Sprintf("This deletes everything in bucket %s%s, all versions, for good.\nType the bucket's name to go on: ", e.bucket, what)
	return typed(ctx, e.in, e.err, question) == e.bucket
}

// every returns the interval of progress reports: a bar is redrawn, a log gets a new line.
func (e *emptier) every() time.Duration {
	if e.interactive {
		return 200 * time.Millisecond
	}
	return 10 * time.Second
}

// progress shows how much is done: a bar on a terminal, otherwise a line.
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

// bar draws the done part of the total; if the total is unknown, the bar is empty.
func bar(done, left int64) string {
	filled := 0
	if left >= 0 && done+left > 0 {
		filled = int(barWidth * done / (done + left))
	}
	return "[" + strings.Repeat("#", filled) + strings.Repeat(".", barWidth-filled) + "]"
}
