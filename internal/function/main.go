// Package function starts the project's Lambda functions. Each of them has a package below this folder.
package function

import (
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Main is the main function of a Lambda function: it makes the function from its environment, a logger and standard output,
// and then serves invocations. version is part of each log line. If the function cannot be made, Main logs the reason and
// exits with status 1. F is what lambda.Start accepts: a lambda.Handler or a handler function.
func Main[F any](version string, create func(getenv func(string) string, log *slog.Logger, out io.Writer) (F, error)) {
	log := lambdacontext.NewLogger().With("version", version)
	slog.SetDefault(log)
	function, err := create(os.Getenv, log, os.Stdout)
	if err != nil {
		log.Error("not started", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}
