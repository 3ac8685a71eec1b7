#!/usr/bin/env bash
# aws-sdk-go-v2 v1.48.0: one client makes 35 failing retries, and then none at all.
#
# Guess: each call is tried three times, so 100 calls to a service that answers 500 make 300 requests.
# Behaviour: all calls of a client share 500 tokens, a retry takes 14 of them (5 in earlier releases), and only
# successes give them back. The first 17 calls are tried three times, the 18th twice, the other 82 once, and the error is not the
# familiar "exceeded maximum number of attempts". In a long run a client that has had 35 bad answers in a row no longer
# retries, and nothing in its options shows that.
# Seen:
#   100 calls made 135 requests; the first 17 calls made 3 each, the last 80 made 1 each
#   the last error speaks of the retry quota: true
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2@v1.48.0 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.10 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2 github.com/aws/aws-sdk-go-v2/service/s3
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer server.Close()
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		// The standard retryer, without its pauses.
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "example", SecretAccessKey: "example"}, nil
		}),
	})
	var err error
	var each []int
	for range 100 {
		before := requests
		_, err = client.GetBucketTagging(context.Background(), &s3.GetBucketTaggingInput{Bucket: aws.String("docs")})
		each = append(each, requests-before)
	}
	threes, ones := 0, 0
	for threes < 100 && each[threes] == 3 {
		threes++
	}
	for ones < 80 && each[99-ones] == 1 {
		ones++
	}
	fmt.Printf("100 calls made %d requests; the first %d calls made 3 each, the last %d made 1 each\n", requests, threes, ones)
	fmt.Printf("the last error speaks of the retry quota: %t\n", strings.Contains(err.Error(), "retry quota exceeded"))
}
GO
seen=$(go run .)
echo "$seen"
want='100 calls made 135 requests; the first 17 calls made 3 each, the last 80 made 1 each
the last error speaks of the retry quota: true'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
