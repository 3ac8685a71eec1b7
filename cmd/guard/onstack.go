package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/pflag"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/guardlog"
)

// onStack says which deployed guard a verb is about, and with which credentials it is reached.
type onStack struct {
	place
	stack string
}

// defaultStack is the stack's name in samconfig.toml.
const defaultStack = "s3-endpoint-guard"

func (o *onStack) flags(f *pflag.FlagSet) {
	f.StringVar(&o.stack, "stack", defaultStack, "`NAME` of the guard's stack")
	f.StringVar(&o.region, "region", "", "the stack's `REGION`, if not the configured one")
	f.StringVar(&o.profile, "profile", "", "`NAME` of a profile in the shared AWS configuration")
	f.StringVar(&o.endpoint, "endpoint-url", "", "`ADDRESS` of all services, if not AWS's")
}

// stackShape is the form of a stack's name.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
var stackShape = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

// check finds wrong usage.
func (o *onStack) check() error {
	if !stackShape.MatchString(o.stack) {
		return fmt.Errorf("--stack %s: want the name of a stack", o.stack)
	}
	return nil
}

// sdk reads the machine's AWS configuration. Throttled calls are made again, as the functions' are.
func (o *onStack) sdk(ctx context.Context) (aws.Config, error) {
	sdk, err := o.load(ctx)
	if err != nil {
		return sdk, err
	}
	sdk.Retryer = awsconfig.Retryer
	return sdk, nil
}

// log finds the guard's log.
func (o *onStack) log(ctx context.Context, sdk aws.Config) (guardlog.Log, error) {
	group, err := guardlog.Group(ctx, cloudformation.NewFromConfig(sdk), o.stack)
	if err != nil {
		return guardlog.Log{}, needingItsOwn(err)
	}
	return guardlog.Log{API: cloudwatchlogs.NewFromConfig(sdk), Group: group}, nil
}

// needing adds to a refusal the permission that is missing, and keeps AWS's own words, also those in a [errorcode.Failure]; nil stays
// nil.
func needing(permission string, err error) error {
	if failure, ok := err.(*errorcode.Failure); ok {
		err = failure.Err
	}
	if failure := (&errorcode.Failure{Permission: permission, Err: err}); err != nil && failure.Missing() {
		return fmt.Errorf("%w: %w", failure, err)
	}
	return err
}

// needingItsOwn is needing with the permission that a [errorcode.Failure] names; other errors stay as they are.
func needingItsOwn(err error) error {
	if failure, ok := errors.AsType[*errorcode.Failure](err); ok {
		return needing(failure.Permission, failure)
	}
	return err
}

// whoAmI returns the ARN and the account of the caller's credentials, which needs no permission.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func whoAmI(ctx context.Context, sdk aws.Config) (arn, account string, err error) {
	answer, err := sts.NewFromConfig(sdk).GetCallerIdentity(ctx, nil)
	if err != nil {
		return "", "", fmt.Errorf("asking who the caller is: %w", err)
	}
	return aws.ToString(answer.Arn), aws.ToString(answer.Account), nil
}

// interruptible returns a context that ends at the first Ctrl-C or SIGTERM. The second one ends the process.
func interruptible(parent context.Context) (context.Context, func()) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	cancel := context.AfterFunc(ctx, stop)
	return ctx, func() { cancel(); stop() }
}

// typed asks for a line, until the context ends.
func typed(ctx context.Context, in io.Reader, out io.Writer, question string) string {
	fmt.Fprint(out, question)
	lines := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n')
		lines <- line
	}()
	line := ""
	select {
	case <-ctx.Done():
	case line = <-lines:
	}
	if line == "" {
		fmt.Fprintln(out)
	}
	return strings.TrimSpace(line)
}

// ago is a flag for a time in the past: a duration, which may also be in days (7d) or weeks (2w).
type ago time.Duration

// days matches a number of days or weeks.
var days = regexp.MustCompile(`^([0-9]{1,4})([dw])$`)

// String implements [pflag.Value].
func (a *ago) String() string {
	d := time.Duration(*a)
	if d > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return d.String()
}

// Set implements [pflag.Value].
func (a *ago) Set(text string) error {
	d, err := time.ParseDuration(text)
	if m := days.FindStringSubmatch(text); m != nil {
		unit := map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		number, parseErr := time.ParseDuration(m[1] + "ns")
		d, err = unit*number, parseErr
	}
	switch {
	case err != nil:
		return errors.New("want a duration such as 12h, 7d or 2w")
	case d <= 0:
		return errors.New("want a duration in the past")
	}
	*a = ago(d)
	return nil
}

// Type implements [pflag.Value].
func (a *ago) Type() string { return "duration" }

// before returns the time that is so long ago.
func (a *ago) before(now time.Time) time.Time { return now.Add(-time.Duration(*a)) }
