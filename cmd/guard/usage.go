package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// arguments accepts from least to most arguments. Any other number is wrong usage.
func arguments(least, most int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return misused(c, fmt.Errorf("an argument is missing: want %d, got %d", least, len(args)))
		case len(args) > most:
			return misused(c, fmt.Errorf("unexpected argument %q", args[most]))
		}
		return nil
	}
}

// misused marks err as wrong usage of a verb: it adds the verb's usage.
func misused(c *cobra.Command, err error) error {
	return &exitError{exitUnjudged, fmt.Errorf("%w\nusage: %s\n%s --help says more", err, c.UseLine(), c.CommandPath())}
}

// helpCommand is cobra's help command, except that an unknown verb is wrong usage.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [VERB]",
		Short: "Print what a verb does",
		RunE: func(c *cobra.Command, args []string) error {
			verb, rest, err := c.Root().Find(args)
			if err == nil && len(rest) > 0 {
				err = fmt.Errorf("unexpected argument %q", rest[0])
			}
			if err != nil {
				return misused(c, err)
			}
			verb.InitDefaultHelpFlag()
			return verb.Help()
		},
	}
}
