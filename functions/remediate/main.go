// Command remediate is the Lambda function that corrects drift. Its code is in internal/function/remediate.
package main

import (
	"runtime/debug"

	"example.com/s3-endpoint-guard/internal/function"
	"example.com/s3-endpoint-guard/internal/function/remediate"
)

// version is set by the build (-ldflags -X).
var version = "dev"

// gcPercent is how much a process allocates until the next garbage collection, in percent of what it keeps. A sweep keeps a few MB and
// allocates 60 KB for each call: by Go's default of 100, a fifth to a quarter of its processor time is collections (docs/measurements.md).
const gcPercent = 200

func main() {
	debug.SetGCPercent(gcPercent)
	function.Main(version, remediate.New)
}
