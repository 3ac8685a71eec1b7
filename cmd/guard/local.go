package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/local/board"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

func localCommand() *cobra.Command {
	var where stackFlags
	var seen boardFlags
	var raw, existing bool
	command := &cobra.Command{
		Use:   "local",
		Short: "Keep the guarded stack running on the local AWS, for the AWS CLI",
		Long: `Deploys template.yaml onto an AWS in this process and keeps it running until Ctrl-C, sweeps included. It prints the
export lines with which the AWS CLI, or any SDK, runs as the administrator, the app or a stranger. It shows what the
guard does, and the messages of the guard and the alarms, as they happen.

With --board it serves a page that shows who reaches the bucket by which path, each event with its correction, the
alarms, the dashboard and the latest message. There CloudTrail's events arrive after two seconds.

With --existing it makes three buckets and an endpoint instead, as they exist in an account, and puts guard.yaml before
them. It observes; --parameter Enforcement=Enforce lets it write.`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := seen.check(command); err != nil {
				return err
			}
			if existing && (seen.on || where.template != "") {
				return &exitError{2, errors.New("--existing deploys the guard.yaml that this command was built with, and has no board")}
			}
			ctx, cancel := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			run := func(n *news) error { return stay(ctx, where, seen, n) }
			if existing {
				run = func(n *news) error { return stayBefore(ctx, where, n) }
			}
			if err := run(newNews(command.OutOrStdout(), raw)); err != nil {
				return &exitError{2, fmt.Errorf("running the local AWS: %w", err)}
			}
			return nil
		},
	}
	command.Flags().BoolVar(&raw, "json", false, "print the functions' logs, including metrics, and the messages unformatted")
	command.Flags().BoolVar(&existing, "existing", false, "put guard.yaml before buckets and an endpoint that exist, instead of template.yaml")
	seen.flags(command.Flags())
	where.flags(command.Flags())
	return command
}

// stay deploys the stack, prints how to reach it, and runs until the context ends.
func stay(ctx context.Context, where stackFlags, seen boardFlags, n *news) (err error) {
	options, watcher := localOptions(n), &spectator{board: board.New()}
	if seen.on {
		options = watcher.hooks(options)
	}
	d, err := where.deploy(ctx, options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.cloud.Quiesce(ctx); err != nil { // until the guard's first check ends, which would correct an attack at once
		return err
	}
	version, err := d.seed(ctx)
	if err != nil {
		return fmt.Errorf("putting %s into the bucket: %w", objectKey, err)
	}
	var address string
	if seen.on {
		var closeBoard func() error
		if address, closeBoard, err = watcher.opens(ctx, d, version, seen); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeBoard()) }()
	}
	n.mu.Lock()
	if seen.on {
		announce(n.to, address)
	}
	err = d.tellHow(ctx, n.to)
	n.mu.Unlock()
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// opens opens the board of a local AWS on the real clock.
func (s *spectator) opens(ctx context.Context, d *deployed, version string, f boardFlags) (address string, closeBoard func() error, err error) {
	c, err := newCallers(d)
	if err != nil {
		return "", nil, err
	}
	d.cloud.Gate.KeepCalls(keptCalls)
	d.cloud.Events.Disturb(arrival(eventLate))
	show, err := c.shows("s3-endpoint-guard, local AWS", version, func(ctx context.Context, a attack, event string) error {
		d.cloud.Events.Disturb(arrival(event))
		defer d.cloud.Events.Disturb(arrival(eventLate))
		return a.run(ctx, c)
	})
	if err != nil {
		return "", nil, err
	}
	s.watched.Store(c)
	s.board.Show(show)
	return openBoard(ctx, s.board, f)
}

// localOptions returns the options of a local AWS on the real clock.
func localOptions(n *news) localaws.Options {
	return localaws.Options{Clock: clock.Real(), Patient: true, Watch: true, Log: n.log, Messages: n.message}
}

// arrival returns the disturbance for a chosen arrival of events.
func arrival(event string) events.Disturbance {
	switch event {
	case eventNow:
		return events.Disturbance{}
	case eventLost:
		return events.Disturbance{Lose: true}
	}
	return events.Disturbance{Delay: eventDelay}
}

// seed puts the article's object into the bucket, as the app does, and returns its version.
func (d *deployed) seed(ctx context.Context) (version string, err error) {
	inside, err := d.cloud.Through(d.stack.Endpoint())
	if err != nil {
		return "", err
	}
	app := s3.NewFromConfig(d.cloud.Config(d.stack.Workload(), inside), func(o *s3.Options) { o.UsePathStyle = true })
	out, err := app.PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(d.stack.Physical("Bucket")), Key: aws.String(objectKey), Body: strings.NewReader(objectText),
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.VersionId), nil
}

// tellHow prints how the AWS CLI uses each caller's credentials.
func (d *deployed) tellHow(ctx context.Context, w io.Writer) error {
	inside, err := d.cloud.Through(d.stack.Endpoint())
	if err != nil {
		return err
	}
	away := d.cloud.Internet()
	err = exports(ctx, w, d.cloud, []visitor{
		{"An administrator, on the internet", d.cloud.Admin(), away},
		{"The app, through the VPC endpoint", d.stack.Workload(), inside},
		{"A user of another account, through the VPC endpoint", d.cloud.OtherAccount(), inside},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, `# A stranger on the internet
curl -i %[1]s/%[2]s/%[4]s

# Try, as the administrator:
aws s3api delete-bucket-policy --bucket %[2]s
aws ec2 modify-vpc-endpoint --vpc-endpoint-id %[3]s --reset-policy
aws sns subscribe --topic-arn %[5]s --protocol email --notification-endpoint you@example.com

# What the guard does follows, and the messages that a subscriber gets. Ctrl-C ends it all.
`, away, d.stack.Physical("Bucket"), d.stack.Endpoint(), objectKey, d.stack.Physical("NotificationTopic"))
	return nil
}

// visitor is a caller with the address at which it uses the local AWS.
type visitor struct {
	title  string
	caller api.Caller
	url    string
}

// exports prints the environment variables with which the AWS CLI uses each visitor's credentials.
func exports(ctx context.Context, w io.Writer, cloud *localaws.Cloud, visitors []visitor) error {
	for _, v := range visitors {
		config := cloud.Config(v.caller, v.url)
		keys, err := config.Credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, `# %[1]s
export AWS_ENDPOINT_URL=%[2]s AWS_REGION=%[3]s AWS_DEFAULT_REGION=%[3]s
export AWS_ACCESS_KEY_ID=%[4]s AWS_SECRET_ACCESS_KEY=%[5]s

`, v.title, v.url, config.Region, keys.AccessKeyID, keys.SecretAccessKey)
	}
	return nil
}
