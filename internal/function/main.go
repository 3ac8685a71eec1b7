// Package function starts the project's Lambda functions. Each of them has a package below this folder.
package function

import (
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Main is the main function of a Lambda function: it makes the function from its environment, a logger and standard output,
// and then serves invocations. version is part of each log line. If the function cannot be made, Main logs the reason and
// exits with status 1. F is what lambda.Start accepts: a lambda.Handler or a handler function.
func Main[F any](version string, create func(getenv func(string) string, log *slog.Logger, out io.Writer) (F, error)) {
	log := lambdacontext.NewLogger().With("version", version)
	slog.SetDefault(log)
	readRootsOnce(os.Getenv, os.Setenv, bundle)
	collectLate()
	function, err := create(os.Getenv, log, os.Stdout)
	if err != nil {
		log.Error("not started", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}

// uncollected is the memory from which on a process collects garbage. The smallest function has 128 MB.
const uncollected = 32 << 20

// collectLate puts the first garbage collection off until the process has [uncollected] memory, and then lets Go collect as it does by
// default. A cold function would otherwise spend a fifth of its first run on collections, beginning with a heap of 4 MB.
// https://go.dev/doc/gc-guide#Memory_limit
func collectLate() {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(-1)
	debug.SetMemoryLimit(min(limit, uncollected))
	first := new([64]byte) // becomes garbage, so its finalizer runs after the first collection; of fewer bytes Go shares the memory
	runtime.SetFinalizer(first, func(*[64]byte) {
		debug.SetGCPercent(percent)
		debug.SetMemoryLimit(limit)
	})
}
