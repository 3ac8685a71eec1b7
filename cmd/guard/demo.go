package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/local/localaws"
)

// demoOptions are the flags of guard demo.
type demoOptions struct {
	stack stackFlags
	// scenes are the numbers of the scenes to play; none means all.
	scenes []int
	list   bool
	pause  bool
	json   bool
	board  boardFlags
	tempo  tempo
}

func demoCommand() *cobra.Command {
	o := demoOptions{tempo: forPeople}
	command := &cobra.Command{
		Use:   "demo",
		Short: "Play attacks on the guarded bucket and their correction, without an AWS account",
		Long: `Deploys template.yaml onto an AWS in this process, attacks the bucket and its endpoint with real requests, and shows
what the guard's own bootstrap, run over the Lambda Runtime API, does about it. Act two puts guard.yaml before buckets that exist
already, and removes it again.

With --board it serves a page on which a button plays the scenes, and each attack has its own button, until Ctrl-C.

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
	o.board.flags(flags)
	command.MarkFlagsMutuallyExclusive("board", "pause")
	o.stack.flags(flags)
	return command
}

// run runs the command.
func (o *demoOptions) run(command *cobra.Command) error {
	if o.list {
		fmt.Fprint(command.OutOrStdout(), sceneList())
		return nil
	}
	if err := o.board.check(command); err != nil {
		return err
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
	if o.board.on {
		if err := exhibit(ctx, *o, audience, chosen, command.OutOrStdout()); err != nil {
			return &exitError{2, fmt.Errorf("showing the demo: %w", err)}
		}
		return nil
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
	s, err := newStage(ctx, where, localaws.Options{}, audience)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	err = s.playsAll(ctx, scenes, between)
	return s.broken, err
}
