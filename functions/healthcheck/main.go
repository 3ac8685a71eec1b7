// Command healthcheck is the Lambda function that checks the health of endpoint, lock and guard. Its code is in
// internal/function/healthcheck.
package main

import (
	"example.com/s3-endpoint-guard/internal/function"
	"example.com/s3-endpoint-guard/internal/function/healthcheck"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() { function.Main(version, healthcheck.New) }
