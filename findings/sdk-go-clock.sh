#!/usr/bin/env bash
# aws-sdk-go-v2 v1.48.0: an answer that succeeds moves the clock that signs the next request.
#
# Guess: the client corrects its clock after the service refused a request because of its time, and not otherwise.
# Behaviour: the Date header of every answer counts, of a success too. One answer of an endpoint whose clock is an hour
# fast (a proxy, a gateway, a test double) makes the same client sign its next request an hour into the future, which
# another endpoint would refuse.
# Seen:
#   the first request was signed 0 h off, the second 1 h off, the third 0 h off
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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	var off []float64
	ahead := time.Hour // of the server's clock, in its first answer alone
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil {
			panic(err)
		}
		off = append(off, signed.Sub(time.Now()).Round(time.Hour).Hours())
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		ahead = 0
	}))
	defer server.Close()
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "example", SecretAccessKey: "example"}, nil
		}),
	})
	for range 3 {
		if _, err := client.HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: aws.String("docs")}); err != nil {
			panic(err)
		}
	}
	fmt.Printf("the first request was signed %.0f h off, the second %.0f h off, the third %.0f h off\n", off[0]+0, off[1]+0, off[2]+0)
}
GO
seen=$(go run . | sed 's/-0 h/0 h/g')
echo "$seen"
want='the first request was signed 0 h off, the second 1 h off, the third 0 h off'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
