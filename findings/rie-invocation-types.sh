#!/usr/bin/env bash
# aws-lambda-runtime-interface-emulator of 2026-10-30 (bef5c4ba774d): a dry run runs the function, and errors look like successes.
#
# Guess: AWS's own emulator of Lambda's invocation API knows its invocation types: Event is answered 202 at once without a
# body, DryRun is answered 204 and runs nothing; and an error of the function is marked by the header X-Amz-Function-Error.
# Behaviour: the type is not looked at. Event waits and gets the result, DryRun carries the function out, and a function that
# fails is answered 200 without that header. Code that tests its retries, or its permissions by dry runs, against
# the emulator learns the opposite of what Lambda does.
# Seen:
#   RequestResponse: 200, result 1
#   Event: 200, result 2
#   DryRun: 200, result 3
#   failing: 200, X-Amz-Function-Error headers: 0
set -euo pipefail
dir=$(mktemp -d)
emulator=
trap '[ -z "$emulator" ] || kill "$emulator" 2>/dev/null || true; rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
version=v0.0.0-20261030222936-bef5c4ba774d
GOBIN="$dir" go install github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@$version 2>log || { cat log >&2; exit 1; }
go version -m aws-lambda-rie | awk '$1 == "mod" { print $2, $3 }' | tee module
grep -q "$version" module
go mod init finding 2>/dev/null
go get github.com/aws/aws-lambda-go@v1.55.1 2>log || { cat log >&2; exit 1; }
cat > main.go <<'GO'
package main

import (
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	runs := 0
	lambda.Start(func(event struct{ Fail bool }) (int, error) {
		runs++
		if event.Fail {
			return 0, errors.New("refused")
		}
		return runs, nil
	})
}
GO
go build -tags lambda.norpc -o bootstrap .
port=$((20000 + RANDOM % 20000))
./aws-lambda-rie --runtime-interface-emulator-address 127.0.0.1:$port --runtime-api-address 127.0.0.1:$((port + 1)) ./bootstrap >log 2>&1 &
emulator=$!
url=http://127.0.0.1:$port/2015-03-31/functions/function/invocations
for _ in $(seq 100); do curl -s -o /dev/null -m 2 "http://127.0.0.1:$port/" && break; sleep 0.1; done
invoke() { curl -s -m 20 -D head -o body -w '%{http_code}' -H "X-Amz-Invocation-Type: $1" -d "$2" "$url"; }
seen=$(for kind in RequestResponse Event DryRun; do
  status=$(invoke $kind '{}')
  echo "$kind: $status, result $(cat body)"
done
status=$(invoke RequestResponse '{"Fail":true}')
echo "failing: $status, X-Amz-Function-Error headers: $(grep -ci '^x-amz-function-error' head || true)")
echo "$seen"
want='RequestResponse: 200, result 1
Event: 200, result 2
DryRun: 200, result 3
failing: 200, X-Amz-Function-Error headers: 0'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
