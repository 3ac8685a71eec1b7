// Command adopt is the Lambda function behind the custom resource that adopts existing buckets and endpoints. Its code is in
// internal/function/adopt.
package main

import (
	"example.com/s3-endpoint-guard/internal/function"
	"example.com/s3-endpoint-guard/internal/function/adopt"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() { function.Main(version, adopt.New) }
