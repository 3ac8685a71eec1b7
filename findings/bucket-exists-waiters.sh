#!/usr/bin/env bash
# aws-sdk-go-v2 service/s3 v1.114.10 and @aws-sdk/client-s3 3.1169.0: the same waiter, two answers to 403.
#
# Guess: the waiter BucketExists takes a refusal (403) for proof that the bucket exists, as the AWS CLI documents and as it
# was in the first Go SDK; and one model generates the waiters, so all SDKs agree.
# Behaviour: Go's gives up at the first 403 with an error; JavaScript's asks on until its time is over. Neither says that
# the bucket exists. A deployment that waits for a bucket whose policy refuses HeadBucket fails at once in the
# one language and after the whole time-out in the other.
# Seen:
#   Go: error after 1 request(s)
#   JavaScript: TIMEOUT after several requests
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2@v1.48.0 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.10 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2/service/s3
npm init -y >/dev/null
npm install --loglevel=error --no-audit --no-fund --ignore-scripts @aws-sdk/client-s3@3.1169.0 >log 2>&1 || { cat log >&2; exit 1; }
echo "@aws-sdk/client-s3 $(node -p 'require("@aws-sdk/client-s3/package.json").version')"
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
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests++
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	client := s3.New(s3.Options{
		Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "example", SecretAccessKey: "example"}, nil
		}),
	})
	result := "exists"
	if err := s3.NewBucketExistsWaiter(client).Wait(context.Background(), &s3.HeadBucketInput{Bucket: aws.String("docs")}, 10*time.Second); err != nil {
		result = "error"
	}
	fmt.Printf("Go: %s after %d request(s)\n", result, requests)
}
GO
cat > main.cjs <<'JS'
const http = require('http');
const { S3Client, waitUntilBucketExists } = require('@aws-sdk/client-s3');
let requests = 0;
const server = http.createServer((_, answer) => { requests++; answer.statusCode = 403; answer.end(); });
server.listen(0, '127.0.0.1', async () => {
  const client = new S3Client({
    region: 'eu-central-1', endpoint: `http://127.0.0.1:${server.address().port}`, forcePathStyle: true,
    credentials: { accessKeyId: 'example', secretAccessKey: 'example' },
  });
  let result;
  try {
    result = (await waitUntilBucketExists({ client, maxWaitTime: 5, minDelay: 1, maxDelay: 1 }, { Bucket: 'docs' })).state;
  } catch (error) {
    result = JSON.parse(error.message).state;
  }
  console.log(`JavaScript: ${result} after ${requests > 1 ? 'several requests' : requests}`);
  client.destroy();
  server.close();
});
JS
seen=$(go run .; node --no-warnings main.cjs 2>/dev/null)
echo "$seen"
want='Go: error after 1 request(s)
JavaScript: TIMEOUT after several requests'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
