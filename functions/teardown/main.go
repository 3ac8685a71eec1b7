// Command teardown is the Lambda function behind the custom resource that empties the bucket when the stack is deleted.
// Its code is in internal/function/teardown.
package main

import (
	"log/slog"
	"os"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3-endpoint-guard/internal/emptying"
	"s3-endpoint-guard/internal/function/teardown"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() {
	// Collecting garbage before the memory limit is reached would only cost processor time.
	debug.SetMemoryLimit(emptying.Memory)
	debug.SetGCPercent(-1)
	log := lambdacontext.NewLogger().With("version", version)
	slog.SetDefault(log)
	function, err := teardown.New(os.Getenv, log, os.Stdout)
	if err != nil {
		log.Error("not started", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}
