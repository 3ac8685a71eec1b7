package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
)

// sceneTime limits a scene. Each takes at most a few seconds; the limit is for a scene that hangs in CI.
const sceneTime = time.Minute

// demoOptions are the flags of guard demo.
type demoOptions struct {
	stack stackFlags
	// scenes are the numbers of the scenes to play; none means all.
	scenes []int
	list   bool
	pause  bool
	json   bool
}

func demoCommand() *cobra.Command {
	var o demoOptions
	command := &cobra.Command{
		Use:   "demo",
		Short: "Play attacks on the guarded bucket and their correction, without an AWS account",
		Long: `Deploys template.yaml onto an AWS in this process, attacks the bucket and its endpoint with real requests, and shows
what the guard's own bootstrap, run over the Lambda Runtime API, does about it.

Each promised answer is checked. The exit code is 0 when all promises were kept, 1 when one was not, and 2 when the
demo could not be played.`,
		Example: `  guard demo --list
  guard demo --scene 6,9 --pause`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error { return o.run(command) },
	}
	flags := command.Flags()
	flags.IntSliceVar(&o.scenes, "scene", nil, "play only the scenes with these `NUMBERS`, with the preparations that they need")
	flags.BoolVar(&o.list, "list", false, "print the numbers and titles of the scenes")
	flags.BoolVar(&o.pause, "pause", false, "wait for Enter before each scene but the first")
	flags.BoolVar(&o.json, "json", false, "print lines of JSON")
	o.stack.flags(flags)
	return command
}

// run runs the command.
func (o *demoOptions) run(command *cobra.Command) error {
	if o.list {
		fmt.Fprint(command.OutOrStdout(), sceneList())
		return nil
	}
	chosen, err := chooseScenes(o.scenes)
	if err != nil {
		return &exitError{exitUnjudged, err}
	}
	ctx, cancel := signal.NotifyContext(command.Context(), os.Interrupt)
	defer cancel()
	between := func(context.Context, numberedScene) error { return nil }
	if o.pause {
		if between, err = waitsForEnter(command.InOrStdin(), command.ErrOrStderr()); err != nil {
			return &exitError{exitUnjudged, err}
		}
	}
	var audience teller = newPlain(command.OutOrStdout())
	if o.json {
		audience = lines{json.NewEncoder(command.OutOrStdout())}
	}
	broken, err := play(ctx, o.stack, audience, chosen, between)
	switch {
	case err != nil:
		return &exitError{2, fmt.Errorf("playing the demo: %w", err)}
	case len(broken) > 0:
		return &exitError{1, fmt.Errorf("%s not kept, the first: %s", count(len(broken), "promise"), broken[0])}
	}
	return nil
}

// play deploys the template, plays scenes and returns the promises that were not kept. It calls between before each
// scene but the first.
func play(ctx context.Context, where stackFlags, audience teller, scenes []numberedScene,
	between func(context.Context, numberedScene) error) (broken []string, err error) {
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
	for i, scene := range scenes {
		if i > 0 {
			if err := between(ctx, scene); err != nil {
				return s.broken, err
			}
		}
		if err := s.plays(ctx, scene); err != nil {
			return s.broken, fmt.Errorf("%s: %w", scene.title, err)
		}
	}
	audience.end(s.kept, len(s.broken), time.Since(began))
	return s.broken, nil
}
