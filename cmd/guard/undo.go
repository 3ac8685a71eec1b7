package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/history"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pause"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// exitUnverified is the exit code of guard undo if it wrote, and the state could not be shown to be as wanted.
const exitUnverified = 1

// undoer is the command guard undo.
type undoer struct {
	searcher
	record, property string
	lasts            time.Duration
	yes, yesItOpens  bool

	in io.Reader
}

func undoCommand() *cobra.Command {
	u := &undoer{searcher: searcher{since: ago(30 * 24 * time.Hour)}}
	c := &cobra.Command{
		Use:   "undo RECORD",
		Short: "Put back what the guard replaced",
		Long: `Undo puts back the state before a correction of the guard: a bucket's policy, public access block or object ownership, or a VPC
endpoint's policy. RECORD is the record's id, which guard history and the guard's messages show; if that run corrected more than one
property, --property and --bucket or --vpc-endpoint select one.

It shows what it would write, and says if that opens access. Then it asks: for the name of the bucket or endpoint if it opens access
(--yes-it-opens-access does not ask), otherwise for yes (--yes). It makes a maintenance window for the bucket, as guard pause does, for
--for, or keeps one that lasts longer; writes; and reads back. When the window ends, the guard corrects it again: until then, change what
the guard wants, in its template or parameters. If nothing was written, the window is taken back.

The exit code is 0 if the state is as it was before the correction; 1 if it was written, and could not be read back as written; 2 if
nothing was written. The permissions needed: those of guard history and guard pause, and to read and write the property:
s3:GetBucketPolicy, s3:GetBucketPublicAccessBlock, s3:GetBucketOwnershipControls, s3:PutBucketPolicy or s3:DeleteBucketPolicy,
s3:PutBucketPublicAccessBlock, s3:PutBucketOwnershipControls, ec2:DescribeVpcEndpoints, ec2:ModifyVpcEndpoint.`,
		Args: arguments(1, 1),
		RunE: func(c *cobra.Command, args []string) error {
			u.record, u.in = args[0], c.InOrStdin()
			err := u.ready(c)
			if err == nil {
				err = u.check()
			}
			if err != nil {
				return misused(c, err)
			}
			ctx, stop := interruptible(c.Context())
			defer stop()
			return u.undo(ctx)
		},
	}
	f := c.Flags()
	u.searcher.flags(f)
	f.StringVar(&u.property, "property", "", "the `PROPERTY`, e.g. bucket-policy, if the run corrected more than one")
	f.DurationVar(&u.lasts, "for", time.Hour, "how long the guard corrects nothing afterwards, e.g. 2h")
	f.BoolVar(&u.yes, "yes", false, "do not ask, unless it opens access")
	f.BoolVar(&u.yesItOpens, "yes-it-opens-access", false, "do not ask, even if it opens access")
	return c
}

var (
	recordShape   = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	propertyShape = regexp.MustCompile(`^[a-z-]{1,64}$`)
)

// check finds wrong usage.
func (u *undoer) check() error {
	switch {
	case !recordShape.MatchString(u.record):
		return fmt.Errorf("%s: want the id of a record, as guard history shows it", u.record)
	case u.property != "" && !propertyShape.MatchString(u.property):
		return fmt.Errorf("--property %s: want the name of a property, e.g. bucket-policy", u.property)
	}
	return u.window("docs").Check(u.now())
}

// window is the maintenance window that undo makes.
func (u *undoer) window(target string) pause.Window {
	return pause.Window{Target: target, Until: u.now().Add(u.lasts), Reason: "guard undo " + u.record}
}

// untouched means that nothing was written.
func untouched(err error) error {
	return &exitError{exitUntouched, fmt.Errorf("%w; nothing was written", err)}
}

func (u *undoer) undo(ctx context.Context) error {
	sdk, err := u.sdk(ctx)
	if err != nil {
		return untouched(err)
	}
	entry, err := u.find(ctx, sdk)
	if err != nil {
		return untouched(err)
	}
	image, why := entry.Image()
	if why != "" {
		return untouched(fmt.Errorf("record %s: %s", u.record, why))
	}
	me, account, err := whoAmI(ctx, sdk)
	if err != nil {
		return untouched(err)
	}
	p, err := u.replaced(sdk, entry, account)
	if err != nil {
		return untouched(err)
	}
	live, err := p.read(ctx)
	if err != nil {
		return untouched(err)
	}
	if p.same(image, live) {
		fmt.Fprintf(u.out, "%s of %s is as it was before: there is nothing to undo\n", entry.Resource, entry.Target)
		return nil
	}
	fmt.Fprintf(u.out, "%s of %s, as it was before %s:\n", entry.Resource, entry.Target, atUTC(entry.Time))
	writeChanges(u.out, p.changes(image, live))
	opens := p.opens(entry, image)
	if opens != "" {
		fmt.Fprintf(u.out, "%s: %s\n", paletteFor(u.out).red("this opens access"), opens)
	}
	if err := u.confirm(ctx, entry.Target, opens != ""); err != nil {
		return untouched(err)
	}
	takeBack, err := u.pause(ctx, sdk, entry.Target, me)
	if err != nil {
		return untouched(err)
	}
	if err := p.write(ctx, image); err != nil {
		if live, unread := p.read(ctx); unread != nil || !p.same(image, live) { // else only the answer was lost
			return untouched(errors.Join(err, takeBack()))
		}
	}
	return u.verify(ctx, p, entry, image)
}

// find returns the one record that is selected.
func (u *undoer) find(ctx context.Context, sdk aws.Config) (history.Entry, error) {
	log, err := u.log(ctx, sdk)
	if err != nil {
		return history.Entry{}, err
	}
	since := u.since.before(u.now())
	var found history.Entry
	var names []string
	for e, err := range u.records(ctx, log, since, history.PatternOf(u.record, u.property, u.bucket+u.vpcEndpoint)) {
		if err != nil {
			return found, err
		}
		names, found = append(names, e.Resource+" of "+e.Target), e
	}
	switch len(names) {
	case 0:
		return found, fmt.Errorf("log group %s has no such record %s since %s; --since looks further back", log.Group, u.record,
			atUTC(since))
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("record %s is of several properties: select one with --property, and --bucket or --vpc-endpoint: %s", u.record,
		list(names, 1000))
}

// confirm asks whether to write, unless a flag says so.
func (u *undoer) confirm(ctx context.Context, target string, opens bool) error {
	switch {
	case u.yesItOpens || u.yes && !opens:
		return nil
	case u.yes:
		return errors.New("it opens access: --yes is not enough, --yes-it-opens-access is")
	case opens && typed(ctx, u.in, u.err, "Type "+target+" to open it: ") != target:
		return fmt.Errorf("%q was not typed", target)
	case !opens && !strings.EqualFold(typed(ctx, u.in, u.err, "Type yes to write it: "), "yes"):
		return errors.New(`"yes" was not typed`)
	}
	return ctx.Err()
}

// pause makes the maintenance window, or keeps one that lasts longer. takeBack restores what was before.
func (u *undoer) pause(ctx context.Context, sdk aws.Config, target, me string) (takeBack func() error, err error) {
	guard, err := u.guard(ctx, sdk)
	if err != nil {
		return nil, err
	}
	if err := guard.covers(target); err != nil {
		return nil, err
	}
	windows, wanted := guard.windows(sdk), u.window(target)
	wanted.By = me
	// Broken parameters of others do not matter here, and a refusal of this read is one of the next, too.
	old, _ := windows.Read(ctx)
	if kept, ok := pause.Active(old, target, wanted.Until); ok {
		fmt.Fprintf(u.out, "the guard corrects nothing of %s until %s, by the window of %s\n", target, atUTC(kept.Until), kept.By)
		return func() error { return nil }, nil
	}
	made, replaced, err := windows.put(ctx, wanted)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(u.out, "the guard corrects nothing of %s until %s\n", target, atUTC(made.Until))
	return func() error {
		// Also after Ctrl-C: the guard must not stand down for nothing.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
		defer cancel()
		if replaced.Active(u.now()) {
			return windows.Put(ctx, replaced)
		}
		return windows.end(ctx, target)
	}, nil
}

// readBack is how long the state is read until it is as written: S3's configuration is eventually consistent, and EC2 applies changes
// of an endpoint one after another.
const readBack = 30 * time.Second

// verify reads the property until it is as written.
func (u *undoer) verify(ctx context.Context, p replaced, entry history.Entry, image string) error {
	ctx, cancel := context.WithTimeout(ctx, readBack)
	defer cancel()
	pauses := timeleft.Backoff{First: 200 * time.Millisecond, Longest: 2 * time.Second}
	for {
		live, err := p.read(ctx)
		if err == nil && p.same(image, live) {
			fmt.Fprintf(u.out, "%s of %s is as it was before. The guard corrects it again when the window ends, unless what it wants is changed\n",
				entry.Resource, entry.Target)
			return nil
		}
		if waiting := pauses.Wait(ctx); waiting != nil {
			return &exitError{exitUnverified, fmt.Errorf("%s of %s was written, and is not as written when it is read back: %w", entry.Resource,
				entry.Target, cmp.Or(err, waiting))}
		}
	}
}

// opens returns why the image opens access; "" if it does not.
func (p replaced) opens(entry history.Entry, image string) string {
	if entry.Verdict == iampolicy.Open {
		return cmp.Or(entry.Allowed, "the guard found it open")
	}
	return p.judge(image)
}
