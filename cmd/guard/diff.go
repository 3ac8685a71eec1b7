package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// The exit codes of guard diff.
const (
	exitDifferent = 1
	exitUnjudged  = 2
)

func diffCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "diff A.json B.json",
		Short: "Compare the meaning of two policies",
		Long: `Diff compares the meaning of two policies ("-" reads one from standard input): order, one-element lists, an empty Sid and
all else that S3 is known to rewrite make no difference.

A file holds a policy, or what "aws s3api get-bucket-policy", "aws ec2 describe-vpc-endpoints" (of one endpoint) or
"aws ssm get-parameter" (of the stack's desired policy) printed.

The exit code is 0 when they are the same, 1 when they differ (standard output then lists the statements that only one
of them has), and 2 when one of them cannot be judged.`,
		Args: arguments(2, 2),
		RunE: func(c *cobra.Command, files []string) error {
			changes, err := diffFiles(files[0], files[1], c.InOrStdin())
			if err != nil {
				return unjudged(c, err)
			}
			if len(changes) == 0 {
				return nil
			}
			writeChanges(c.OutOrStdout(), changes)
			return &exitError{code: exitDifferent}
		},
	}
	c.SetFlagErrorFunc(misused)
	return c
}

// unjudged gives an error exit code 2, because 1 means that the policies differ.
func unjudged(_ *cobra.Command, err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: exitUnjudged, err: err}
}

func diffFiles(a, b string, stdin io.Reader) ([]iampolicy.Change, error) {
	from, err := parseFile(a, stdin)
	if err != nil {
		return nil, err
	}
	to, err := parseFile(b, stdin)
	if err != nil {
		return nil, err
	}
	return iampolicy.Diff(from, to), nil
}

func parseFile(name string, stdin io.Reader) (*iampolicy.Policy, error) {
	document, err := readInput(name, stdin)
	if err != nil {
		return nil, err
	}
	p, err := parsePolicy(document)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// writeChanges writes one line for each statement: - in red for the first document's, + in green for the second's.
func writeChanges(w io.Writer, changes []iampolicy.Change) {
	colour := paletteFor(w)
	for _, c := range changes {
		line := colour.green("+ " + c.Statement)
		if c.Removed {
			line = colour.red("- " + c.Statement)
		}
		fmt.Fprintln(w, line)
	}
}
