// Command guard is the project's command line.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() {
	err := rootCommand().Execute()
	if err == nil {
		return
	}
	code := exitUnjudged // wrong usage, or an error in the input
	var exit *exitError
	if errors.As(err, &exit) {
		code, err = exit.code, exit.err
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "guard:", err)
	}
	os.Exit(code)
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "guard",
		Short:         "Tools of s3-endpoint-guard: check and evaluate policies and events, run the guard on a local AWS, empty a bucket",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       versionText(),
	}
	root.SetVersionTemplate("guard {{.Version}}\n")
	root.SetFlagErrorFunc(misused)
	root.SetHelpCommand(helpCommand())
	root.AddCommand(
		auditCommand(), checkCommand(), renderCommand(), accessCommand(), diffCommand(), exposureCommand(), matchCommand(),
		historyCommand(), reportCommand(), undoCommand(), pauseCommand(),
		demoCommand(), localCommand(), costCommand(), emptyCommand(boundMemory),
	)
	return root
}

// exitError ends the command with an exit code. With a nil err it prints nothing on standard error.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}
