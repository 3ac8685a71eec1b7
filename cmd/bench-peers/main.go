// Command bench-peers measures the correction of drift by RemediateFunction beside that by Cloud Custodian's Lambda handler: after the
// same attack, on the same local AWS, with 30 ms added to each call. Usage:
//
//	bench-peers            a table of the figures, and one of what each leaves open, on standard output
//	bench-peers -runs 20   with that many processes of each
//
// Cloud Custodian runs if C7N_PYTHON is the path of a Python that can import c7n. The first lines of the output give the versions.
// docs/measurements.md says what the figures do not show. Emptying is measured beside its peers by bench-teardown.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	defer cancel()
	if err := start(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		cancel()
		os.Exit(1)
	}
}

func start(ctx context.Context, args []string, to io.Writer) (err error) {
	flags := flag.NewFlagSet("bench-peers", flag.ContinueOnError)
	runs := flags.Int("runs", 10, "processes of each contender, each with a cold and a warm run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *runs < 1 {
		return fmt.Errorf("unexpected arguments %q: want at most -runs with a number above 0", args)
	}
	line, err := custodianProgram.Line()
	if err != nil {
		return err
	}
	fmt.Fprintln(to, line)
	s, err := newScene(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closing := s.close(); err == nil {
			err = closing
		}
	}()
	all, err := s.contenders(ctx)
	if err != nil {
		return err
	}
	for _, a := range []attack{admitAccount, openBucket} {
		if err := s.measure(ctx, all, a, *runs, to); err != nil {
			return err
		}
	}
	return s.compare(ctx, all, attacks, to)
}

// named is a contender with its name in the tables.
type named struct {
	name string
	contender
}

// contenders returns the guard, and Cloud Custodian with two policies if it is installed.
func (s *scene) contenders(ctx context.Context) ([]named, error) {
	all := []named{{"the guard", ours{s.cloud.Lambda, s.function}}}
	python := custodianProgram.Named()
	if python == "" {
		return all, nil
	}
	for _, policy := range []struct {
		name string
		lean bool
	}{{"default", false}, {"leanest", true}} {
		c, err := s.newCustodian(ctx, python, policy.name, policy.lean)
		if err != nil {
			return nil, err
		}
		all = append(all, named{"Custodian, " + policy.name, c})
	}
	return all, nil
}
