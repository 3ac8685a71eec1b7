package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set with -ldflags "-X main.version=…". Without it the Go command's build information is used.
var version string

// versionText returns the version of this build.
func versionText() string {
	stamp := version
	if info, ok := debug.ReadBuildInfo(); ok && stamp == "" {
		stamp = info.Main.Version
	}
	return fmt.Sprintf("%s (%s, %s/%s)", cmp.Or(stamp, "(devel)"), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
