#!/usr/bin/env bash
# aws-sdk-go-v2 feature/s3/transfermanager v0.5.7: the successor of the download manager fetches a large object in one request.
#
# Guess: a 40 MiB object is fetched in parallel ranges, as the deprecated feature/s3/manager does, whose place this
# module takes.
# Behaviour: it asks for part 1 and goes by the number of parts that the answer names. An object that was put in one piece
# (up to 5 GB) has one part, so the whole of it comes through one connection, whatever concurrency and part size are set,
# unless GetObjectType is set to ranges.
# The older manager makes 8 range requests for the same object.
# Seen:
#   manager: 8 requests, 8 with a range, 41943040 bytes
#   transfermanager: 1 requests, 0 with a range, 41943040 bytes
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2@v1.48.0 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.10 \
  github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager@v0.5.7 github.com/aws/aws-sdk-go-v2/feature/s3/manager@v1.23.24 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager github.com/aws/aws-sdk-go-v2/feature/s3/manager
cat > main.go <<'GO'
package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// counter counts what is written to it.
type counter struct{ atomic.Int64 }

func (c *counter) WriteAt(p []byte, _ int64) (int, error) {
	c.Add(int64(len(p)))
	return len(p), nil
}

func main() {
	object := make([]byte, 40<<20)
	var requests, ranges atomic.Int64
	// As S3 answers for an object that was put in one piece: ranges are honoured, part 1 is the whole object, and no
	// number of parts is named.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Range") != "" {
			ranges.Add(1)
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(object))
	}))
	defer server.Close()
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "example", SecretAccessKey: "example"}, nil
		}),
	})
	bucket, key := aws.String("docs"), aws.String("large")
	for _, way := range []struct {
		name  string
		fetch func(*counter) error
	}{
		{"manager", func(c *counter) error {
			_, err := manager.NewDownloader(client).Download(context.Background(), c, &s3.GetObjectInput{Bucket: bucket, Key: key})
			return err
		}},
		{"transfermanager", func(c *counter) error {
			tm := transfermanager.New(client, func(o *transfermanager.Options) { o.Concurrency = 10 })
			_, err := tm.DownloadObject(context.Background(), &transfermanager.DownloadObjectInput{Bucket: bucket, Key: key, WriterAt: c})
			return err
		}},
	} {
		requests.Store(0)
		ranges.Store(0)
		var c counter
		if err := way.fetch(&c); err != nil {
			panic(err)
		}
		fmt.Printf("%s: %d requests, %d with a range, %d bytes\n", way.name, requests.Load(), ranges.Load(), c.Load())
	}
}
GO
seen=$(go run .)
echo "$seen"
want='manager: 8 requests, 8 with a range, 41943040 bytes
transfermanager: 1 requests, 0 with a range, 41943040 bytes'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
