#!/usr/bin/env bash
# aws-sdk-go-v2 v1.48.0: HTTP's Retry-After does not delay a retry, and AWS's own header delays it by 5 seconds at most.
#
# Guess: since v1.48.0 (10 November 2026: Retry Behavior 2.1, on by default) a client waits as long as the server asks for: three
# seconds for the standard header "Retry-After: 3", which Lambda's API and S3-compatible servers send, and a minute for
# "x-amz-retry-after: 60000".
# Behaviour: only x-amz-retry-after is read, in milliseconds, and what exceeds the client's own pause by more than 5 s is cut. With
# Retry-After the retries come as if it were not there (version 1 of the SDK waited for it), so all of them can fail before that time.
# Seen:
#   no header: second request within a second: true
#   Retry-After: 3: second request within a second: true
#   X-Amz-Retry-After: 3000: second request after 3s or more: true
#   X-Amz-Retry-After: 60000: second request after 5s to 10s: true
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2@v1.48.0 github.com/aws/aws-sdk-go-v2/service/sts@v1.52.0 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// pause is the time between a refused request and its retry.
func pause(header, value string) time.Duration {
	var came []time.Time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		came = append(came, time.Now())
		if header != "" {
			w.Header().Set(header, value)
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	key := func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	}
	client := sts.New(sts.Options{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: aws.CredentialsProviderFunc(key),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 2 }),
	})
	_, err := client.GetCallerIdentity(context.Background(), nil)
	if err == nil || len(came) != 2 {
		panic(fmt.Sprint(len(came), " requests: ", err))
	}
	waited := came[1].Sub(came[0])
	fmt.Fprintln(os.Stderr, header, value, waited)
	return waited
}

func main() {
	fmt.Println("no header: second request within a second:", pause("", "") < time.Second)
	fmt.Println("Retry-After: 3: second request within a second:", pause("Retry-After", "3") < time.Second)
	fmt.Println("X-Amz-Retry-After: 3000: second request after 3s or more:", pause("X-Amz-Retry-After", "3000") >= 3*time.Second)
	long := pause("X-Amz-Retry-After", "60000")
	fmt.Println("X-Amz-Retry-After: 60000: second request after 5s to 10s:", long >= 5*time.Second && long < 10*time.Second)
}
GO
seen=$(go run . 2>log) || { cat log >&2; exit 1; }
echo "$seen"
want='no header: second request within a second: true
Retry-After: 3: second request within a second: true
X-Amz-Retry-After: 3000: second request after 3s or more: true
X-Amz-Retry-After: 60000: second request after 5s to 10s: true'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
