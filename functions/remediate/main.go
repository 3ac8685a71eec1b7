// Command remediate is the Lambda function that corrects drift. Its code is in internal/function/remediate.
package main

import (
	"example.com/s3-endpoint-guard/internal/function"
	"example.com/s3-endpoint-guard/internal/function/remediate"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() { function.Main(version, remediate.New) }
