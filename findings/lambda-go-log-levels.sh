#!/usr/bin/env bash
# github.com/aws/aws-lambda-go v1.55.1: two of Lambda's six log levels mean INFO.
#
# Guess: lambdacontext.NewLogger follows AWS_LAMBDA_LOG_LEVEL, in which Lambda puts one of TRACE, DEBUG, INFO, WARN, ERROR and FATAL:
# FATAL silences what is below errors, TRACE shows debug lines.
# Behaviour: TRACE and FATAL are unknown to it, and what is unknown is INFO. Who sets a function to FATAL to save the cost of
# its logs pays for every INFO line; who sets TRACE to see more sees no debug line.
# Seen:
#   TRACE: INFO WARN ERROR
#   DEBUG: DEBUG INFO WARN ERROR
#   ERROR: ERROR
#   FATAL: INFO WARN ERROR
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/aws/aws-lambda-go@v1.55.1 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-lambda-go
cat > main.go <<'GO'
package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	log := lambdacontext.NewLogger()
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		log.Log(context.Background(), level, "a line")
	}
}
GO
go build -o logs .
seen=$(for level in TRACE DEBUG ERROR FATAL; do
  echo "$level: $(AWS_LAMBDA_LOG_FORMAT=JSON AWS_LAMBDA_LOG_LEVEL=$level ./logs 2>&1 | sed -n 's/.*"level":"\([A-Z]*\)".*/\1/p' | paste -sd ' ')"
done)
echo "$seen"
want='TRACE: INFO WARN ERROR
DEBUG: DEBUG INFO WARN ERROR
ERROR: ERROR
FATAL: INFO WARN ERROR'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
