#!/usr/bin/env bash
# aws-sdk-go-v2/config v1.33.16: the AWS CLI and the Go SDK read one configuration file differently.
#
# Guess: LoadDefaultConfig reads from the shared file what the AWS CLI reads from it: a profile's "s3 = addressing_style = path",
# and a profile whose name is quoted because it holds a space.
# Behaviour: the addressing style is ignored without a word, so a store that answers in path style only is asked by a host
# name that does not exist; the quoted profile is "not found". The AWS CLI (1.45.11) honours the first and finds the second.
# Seen:
#   path style is asked for, the request goes to docs.s3.eu-central-1.amazonaws.com
#   profile "own address": failed to get shared config profile
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2/config@v1.33.16 github.com/aws/aws-sdk-go-v2/service/s3@v1.114.10 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2/config github.com/aws/aws-sdk-go-v2/service/s3
cat > config <<'INI'
[profile path]
region = eu-central-1
s3 =
  addressing_style = path

[profile "own address"]
region = eu-central-1
INI
cat > main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// asked notes where a request would go, and sends nothing.
type asked struct{ host string }

func (a *asked) Do(r *http.Request) (*http.Response, error) {
	a.host = r.URL.Host
	return nil, errors.New("not sent")
}

func main() {
	ctx, to := context.Background(), &asked{}
	files := config.WithSharedConfigFiles([]string{"config"})
	sdk, err := config.LoadDefaultConfig(ctx, files, config.WithSharedConfigProfile("path"))
	if err != nil {
		panic(err)
	}
	client := s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.HTTPClient, o.RetryMaxAttempts, o.Credentials = to, 1, aws.AnonymousCredentials{}
	})
	_, _ = client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String("docs")})
	fmt.Println("path style is asked for, the request goes to", to.host)
	_, err = config.LoadDefaultConfig(ctx, files, config.WithSharedConfigProfile("own address"))
	what, _, _ := strings.Cut(fmt.Sprint(err), ",")
	fmt.Printf("profile %q: %s\n", "own address", what)
}
GO
seen=$(env -u AWS_ENDPOINT_URL -u AWS_ENDPOINT_URL_S3 -u AWS_PROFILE -u AWS_REGION -u AWS_CA_BUNDLE go run .)
echo "$seen"
want='path style is asked for, the request goes to docs.s3.eu-central-1.amazonaws.com
profile "own address": failed to get shared config profile'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
