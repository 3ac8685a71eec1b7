// Command teardown is the Lambda function behind the custom resource that empties the bucket when the stack is deleted.
// Its code is in internal/function/teardown.
package main

import (
	"runtime/debug"

	"example.com/s3-endpoint-guard/internal/emptying"
	"example.com/s3-endpoint-guard/internal/function"
	"example.com/s3-endpoint-guard/internal/function/teardown"
)

// version is set by the build (-ldflags -X).
var version = "dev"

func main() {
	// Garbage collection before the memory limit is reached would only cost processor time.
	debug.SetMemoryLimit(emptying.Memory)
	debug.SetGCPercent(-1)
	function.Main(version, teardown.New)
}
