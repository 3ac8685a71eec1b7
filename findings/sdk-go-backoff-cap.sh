#!/usr/bin/env bash
# aws-sdk-go-v2 v1.48.0: a cap on the pauses between retries makes every pause the same.
#
# Guess: retry.AddWithMaxBackoffDelay bounds the standard retryer's random pauses from above: short pauses stay
# short and random, only longer ones are cut.
# Behaviour: the pauses are replaced, not bounded. With a cap of 500 ms each pause, the first included, is 500 ms to
# the nanosecond, so that clients which failed together try again together. Without it the first is below 50 ms.
# Seen:
#   without a cap: 200 different first pauses, all below 50ms: true
#   with a cap of 500ms: pauses before retries 1 to 5: [500ms]
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2@v1.48.0 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2
cat > main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

func main() {
	failure := errors.New("the service is unavailable")
	plain, first, short := retry.NewStandard(), map[time.Duration]bool{}, true
	for range 200 {
		pause, err := plain.RetryDelay(1, failure)
		if err != nil {
			panic(err)
		}
		first[pause], short = true, short && pause < 50*time.Millisecond
	}
	different := "few"
	if len(first) > 190 {
		different = "200"
	}
	fmt.Printf("without a cap: %s different first pauses, all below 50ms: %t\n", different, short)
	capped, all := retry.AddWithMaxBackoffDelay(retry.NewStandard(), 500*time.Millisecond), map[time.Duration]bool{}
	for range 200 {
		for attempt := 1; attempt <= 5; attempt++ {
			pause, err := capped.RetryDelay(attempt, failure)
			if err != nil {
				panic(err)
			}
			all[pause] = true
		}
	}
	var list []time.Duration
	for pause := range all {
		list = append(list, pause)
	}
	fmt.Printf("with a cap of 500ms: pauses before retries 1 to 5: %v\n", list)
}
GO
seen=$(go run .)
echo "$seen"
want='without a cap: 200 different first pauses, all below 50ms: true
with a cap of 500ms: pauses before retries 1 to 5: [500ms]'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
