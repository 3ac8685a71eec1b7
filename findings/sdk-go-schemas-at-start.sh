#!/usr/bin/env bash
# aws-sdk-go-v2 service/ssm v1.79.3 and v1.80.0: importing a client costs each start of the program.
#
# Guess: an imported client that the program never makes costs bytes of the binary and next to nothing at its start, in each
# minor version alike; and of a client with 150 operations, only what the program calls is paid for.
# Behaviour: since v1.80.0 (schemas of all operations and shapes, package service/ssm/schemas) the package's variables build
# the descriptions of all operations before main begins: about 18 times the memory, and milliseconds, on each start. No option
# avoids it, and the linker cannot leave it out. In a Lambda function it is paid at each cold start.
# Seen (milliseconds differ by machine):
#   v1.79.3: 82528 bytes allocated by the imports before main
#   v1.80.0: 1518416 bytes allocated by the imports before main
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
cat > main.go <<'GO'
package main

import _ "github.com/aws/aws-sdk-go-v2/service/ssm"

func main() {}
GO
# start VERSION prints how many bytes the client's packages allocate before main, as Go's own trace of initialisation says.
start() {
	rm -f go.mod go.sum
	go mod init finding 2>/dev/null
	go get "github.com/aws/aws-sdk-go-v2/service/ssm@$1" 2>log || { cat log >&2; exit 1; }
	go build -o program .
	GODEBUG=inittrace=1 ./program 2>&1 | awk '/service\/ssm/ { bytes += $8 } END { print bytes }'
}
before=$(start v1.79.3)
after=$(start v1.80.0)
echo "v1.79.3: $before bytes allocated by the imports before main"
echo "v1.80.0: $after bytes allocated by the imports before main"
test "$before" -lt 200000 || { echo "changed: v1.79.3 allocated about 82,500" >&2; exit 1; }
test "$after" -gt 1000000 || { echo "changed: v1.80.0 allocated about 1,518,000" >&2; exit 1; }
