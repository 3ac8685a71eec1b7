package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"
)

// previewLatency is the time that each call takes in the drawn hour, so that the curves look like those of AWS.
const previewLatency = 9 * time.Millisecond

func dashboardPreviewCommand() *cobra.Command {
	var where stackFlags
	var out string
	command := &cobra.Command{
		Use:   "dashboard-preview",
		Short: "Draw the stack's dashboard, with the data of an hour on the local AWS",
		Long: `Deploys template.yaml onto an AWS in this process, plays an hour of it in less than a minute, and draws the dashboard as
the template defines it. The hour contains normal load, attacks with their corrections, and the loss of a zone.

Latencies are those of this machine, with a few milliseconds added to each call. Bands of anomaly detection are not drawn.`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error {
			if out == "-" {
				text, err := preview(command.Context(), where)
				fmt.Fprint(command.OutOrStdout(), text)
				return err
			}
			return replaceFile(out, func() (string, error) { return preview(command.Context(), where) })
		},
	}
	command.Flags().StringVar(&out, "out", "docs/dashboard.svg", "the file to write, - for standard output")
	where.flags(command.Flags())
	return command
}

// replaceFile writes the result of make to a file. It returns an error before it calls make if the file is not
// writable, and keeps the old file if make fails.
func replaceFile(name string, make func() (string, error)) error {
	_, before := os.Stat(name)
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return err
	}
	text, err := make()
	if err != nil && errors.Is(before, fs.ErrNotExist) {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return err
	}
	return os.WriteFile(name, []byte(text), 0o644)
}

// preview simulates an hour and draws the dashboard.
func preview(ctx context.Context, where stackFlags) (svg string, err error) {
	s, err := newStage(ctx, where, silent{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	board, err := s.board()
	if err != nil {
		return "", err
	}
	board.Span = time.Hour
	if err := s.playHour(ctx); err != nil {
		return "", fmt.Errorf("playing an hour: %w", err)
	}
	var text strings.Builder
	err = board.SVG(&text, s.deployed, s.cloud.Clock.Now())
	return text.String(), err
}

// playHour simulates an hour, minute by minute, with the app's load and some failures.
func (s *stage) playHour(ctx context.Context) error {
	s.cloud.Gate.SetLatency(previewLatency)
	for minute := range 60 {
		if err := errors.Join(s.work(ctx, minute), s.trouble(ctx, minute), s.cloud.Pass(ctx, time.Minute)); err != nil {
			return err
		}
	}
	return nil
}

// load is the number of objects that the app writes and reads per minute; it repeats every 12 minutes.
var load = []int{3, 4, 6, 5, 4, 7, 8, 6, 5, 3, 2, 3}

// work writes and reads objects of 64 KB as the app.
func (s *stage) work(ctx context.Context, minute int) error {
	body := strings.Repeat("x", 64<<10)
	for range load[minute%len(load)] {
		in := &s3.PutObjectInput{Bucket: &s.bucket, Key: aws.String("report.txt"), Body: strings.NewReader(body)}
		if _, err := s.app.PutObject(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// trouble causes the failure that is planned for that minute.
func (s *stage) trouble(ctx context.Context, minute int) error {
	switch minute {
	case 14:
		_, err := s.adminAway.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &s.bucket})
		return errors.Join(err, s.putPolicy(ctx, articleBucketPolicy(s.bucket, s.endpoint)))
	case 27:
		return s.resetEndpointPolicy(ctx)
	case 40:
		return s.setZone(types.NetworkInterfaceStatusAvailable)
	case 46:
		return s.setZone(types.NetworkInterfaceStatusInUse)
	case 59: // so that the board shows what an alarm looks like
		return s.setZone(types.NetworkInterfaceStatusAvailable)
	}
	return nil
}

// setZone gives the endpoint's network interface in the second zone a status.
func (s *stage) setZone(status types.NetworkInterfaceStatus) error {
	zone := s.stack.Attribute("SubnetB", "AvailabilityZone")
	for _, n := range s.cloud.EC2.NetworkInterfaces(s.endpoint) {
		if n.Zone == zone {
			return s.cloud.EC2.SetInterfaceStatus(n.ID, string(status))
		}
	}
	return fmt.Errorf("the endpoint has no network interface in %s", zone)
}

// silent is a teller without output.
type silent struct{}

func (silent) scene(int, string)              {}
func (silent) says(string, string)            {}
func (silent) promise(promise)                {}
func (silent) correction(correction)          {}
func (silent) board(string, func(lineWriter)) {}
func (silent) end(int, int, time.Duration)    {}

var _ teller = silent{}
