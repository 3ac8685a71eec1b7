// Command healthcheck is the Lambda function that checks the health of endpoint, lock and guard. Its code is in
// internal/function/healthcheck.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3-endpoint-guard/internal/function/healthcheck"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() {
	log := lambdacontext.NewLogger().With("version", version)
	slog.SetDefault(log)
	function, err := healthcheck.New(os.Getenv, log)
	if err != nil {
		log.Error("not started", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}
