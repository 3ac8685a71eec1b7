// Command healthcheck is the Lambda function that checks the health of endpoint, lock and guard. Its code is in
// internal/function/healthcheck.
package main

import (
	"s3-endpoint-guard/internal/function"
	"s3-endpoint-guard/internal/function/healthcheck"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() { function.Main(version, healthcheck.New) }
