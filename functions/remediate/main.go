// Command remediate is the Lambda function that corrects drift. Its code is in internal/function/remediate.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"s3-endpoint-guard/internal/function/remediate"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() {
	log := lambdacontext.NewLogger().With("version", version)
	slog.SetDefault(log)
	function, err := remediate.New(os.Getenv, log, os.Stdout)
	if err != nil {
		log.Error("not started", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(function)
}
