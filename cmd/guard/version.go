package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what the build says with -ldflags "-X main.version=…". Without it the Go command's own stamp counts.
var version string

// versionText says which build this is.
func versionText() string {
	stamp := version
	if info, ok := debug.ReadBuildInfo(); ok && stamp == "" {
		stamp = info.Main.Version
	}
	return fmt.Sprintf("%s (%s, %s/%s)", cmp.Or(stamp, "(devel)"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
