// Command probe is the Lambda function that probes the endpoint as the workload would. Its code is in
// internal/function/probe.
package main

import (
	"example.com/s3-endpoint-guard/internal/function"
	"example.com/s3-endpoint-guard/internal/function/probe"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() { function.Main(version, probe.New) }
