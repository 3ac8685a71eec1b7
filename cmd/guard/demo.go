package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// demoTime limits the scenes, without build and deployment. They take a few seconds; the limit is for a scene that
// hangs in CI.
const demoTime = time.Minute

func demoCommand() *cobra.Command {
	var asJSON bool
	var where stackFlags
	command := &cobra.Command{
		Use:   "demo",
		Short: "Play attacks on the guarded bucket and their correction, without an AWS account",
		Long: `Deploys template.yaml onto an AWS in this process, attacks the bucket and its endpoint with real requests, and shows
what the guard's own bootstrap, run over the Lambda Runtime API, does about it.

Each promised answer is checked. The exit code is 0 when all promises were kept, 1 when one was not, and 2 when the
demo could not be played.`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, cancel := signal.NotifyContext(command.Context(), os.Interrupt)
			defer cancel()
			var audience teller = newPlain(command.OutOrStdout())
			if asJSON {
				audience = lines{json.NewEncoder(command.OutOrStdout())}
			}
			broken, err := play(ctx, where, audience)
			switch {
			case err != nil:
				return &exitError{2, fmt.Errorf("playing the demo: %w", err)}
			case len(broken) > 0:
				return &exitError{1, fmt.Errorf("%s not kept, the first: %s", count(len(broken), "promise"), broken[0])}
			}
			return nil
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print lines of JSON")
	where.flags(command.Flags())
	return command
}

// play deploys the template, plays all scenes and returns the promises that were not kept.
func play(ctx context.Context, where stackFlags, audience teller) (broken []string, err error) {
	began := time.Now()
	s, err := newStage(ctx, where, audience)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, demoTime) // from here on, because the build may take minutes
	defer cancel()
	for i, scene := range slices.Concat(story[:1], healthStory, story[1:], afterStory) {
		s.scene = scene.title
		audience.scene(i+1, scene.title)
		if err := scene.play(ctx, s); err != nil {
			return s.broken, fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	audience.end(s.kept, len(s.broken), time.Since(began))
	return s.broken, nil
}
