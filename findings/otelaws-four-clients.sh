#!/usr/bin/env bash
# go.opentelemetry.io/contrib/.../otelaws v0.72.0: tracing one client of the Go SDK brings four clients into the program.
#
# Guess: the tracing of SDK calls is a middleware that sees requests of all services through the SDK's interfaces. It imports no client,
# and adds next to nothing to the start of a program.
# Behaviour: for the attributes of four services it imports the clients of DynamoDB, S3, SNS and SQS, whichever the program calls. Their
# tables of endpoints and schemas are built before main begins: 25 times the allocations, and milliseconds, at each cold start of a
# Lambda function that traces, for example, only CloudWatch. No build tag leaves them out.
# Seen (milliseconds differ by machine):
#   clients that the import brings: dynamodb s3 sns sqs
#   without otelaws: 44872 bytes allocated before main
#   with otelaws: 1125952 bytes allocated before main
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
mkdir with without
cat > with/main.go <<'GO'
package main

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws"
)

func main() {
	var config aws.Config
	otelaws.AppendMiddlewares(&config.APIOptions)
}
GO
cat > without/main.go <<'GO'
package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"go.opentelemetry.io/otel"
)

func main() {
	var config aws.Config
	_, span := otel.Tracer("finding").Start(context.Background(), config.Region)
	span.End()
}
GO
go mod init finding 2>/dev/null
go get go.opentelemetry.io/contrib/instrumentation/github.com/aws/aws-sdk-go-v2/otelaws@v0.72.0 2>log || { cat log >&2; exit 1; }
go build -o programs/ ./with ./without 2>log || { cat log >&2; exit 1; }
clients=$(go list -deps ./with | sed -n 's,^github.com/aws/aws-sdk-go-v2/service/\([a-z0-9]*\)$,\1,p' | sort | xargs)
# start PROGRAM prints how many bytes its packages allocate before main, as Go's own trace of initialisation says.
start() { GODEBUG=inittrace=1 "programs/$1" 2>&1 | awk '/^init / { for (i = 1; i < NF; i++) if ($(i + 1) ~ /^bytes/) bytes += $i } END { print bytes }'; }
without=$(start without)
with=$(start with)
echo "clients that the import brings: $clients"
echo "without otelaws: $without bytes allocated before main"
echo "with otelaws: $with bytes allocated before main"
test "$clients" = "dynamodb s3 sns sqs" || { echo "changed: they were dynamodb s3 sns sqs" >&2; exit 1; }
test "$without" -lt 150000 || { echo "changed: without it about 45,000" >&2; exit 1; }
test "$with" -gt 600000 || { echo "changed: with it about 1,126,000" >&2; exit 1; }
