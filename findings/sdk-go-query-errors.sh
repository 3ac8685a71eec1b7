#!/usr/bin/env bash
# aws-sdk-go-v2 service/sts v1.51.9 and v1.52.0: an error answer without XML is no longer an API error.
#
# Guess: a minor version does not change which type of error an answer becomes. A 503 without a body, and the HTML page of a proxy or
# load balancer, are a smithy.APIError with the code "UnknownError".
# Behaviour: since clients of the query protocol use schemas (10 November 2026: STS v1.52.0, SNS v1.48.0) such an answer is a failure
# to decode ("deserialization failed, EOF") and no smithy.APIError. Code that branches on the API error, e.g. to tell a refusal from a
# broken connection, takes its other branch. An answer with an ErrorResponse is as before. In both versions the HTTP status is in
# smithyhttp.ResponseError, by which the retryer decides.
# Seen:
#   v1.51.9: 503 without a body: API error true, decoding failed false, HTTP status 503
#   v1.51.9: 403 with an HTML page: API error true, decoding failed false, HTTP status 403
#   v1.51.9: 403 with an ErrorResponse: API error true, decoding failed false, HTTP status 403
#   v1.52.0: 503 without a body: API error false, decoding failed true, HTTP status 503
#   v1.52.0: 403 with an HTML page: API error false, decoding failed true, HTTP status 403
#   v1.52.0: 403 with an ErrorResponse: API error true, decoding failed false, HTTP status 403
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
cat > main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func main() {
	for _, answer := range []struct {
		name   string
		status int
		body   string
	}{
		{"503 without a body", 503, ""},
		{"403 with an HTML page", 403, "<html><body>The proxy refuses this.</body></html>"},
		{"403 with an ErrorResponse", 403, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(answer.status)
			_, _ = io.WriteString(w, answer.body)
		}))
		key := func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}
		client := sts.New(sts.Options{
			Region: "us-east-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{}, Credentials: aws.CredentialsProviderFunc(key),
		})
		_, err := client.GetCallerIdentity(context.Background(), nil)
		var api smithy.APIError
		var decoding *smithy.DeserializationError
		var answered *smithyhttp.ResponseError
		if !errors.As(err, &answered) {
			panic(err)
		}
		fmt.Printf("%s: %s: API error %t, decoding failed %t, HTTP status %d\n",
			os.Args[1], answer.name, errors.As(err, &api), errors.As(err, &decoding), answered.HTTPStatusCode())
		server.Close()
	}
}
GO
for version in v1.51.9 v1.52.0; do
	rm -f go.mod go.sum
	go mod init finding 2>/dev/null
	go get "github.com/aws/aws-sdk-go-v2/service/sts@$version" 2>log || { cat log >&2; exit 1; }
	go run . "$version" 2>log >>seen || { cat log >&2; exit 1; }
done
cat seen
want='v1.51.9: 503 without a body: API error true, decoding failed false, HTTP status 503
v1.51.9: 403 with an HTML page: API error true, decoding failed false, HTTP status 403
v1.51.9: 403 with an ErrorResponse: API error true, decoding failed false, HTTP status 403
v1.52.0: 503 without a body: API error false, decoding failed true, HTTP status 503
v1.52.0: 403 with an HTML page: API error false, decoding failed true, HTTP status 403
v1.52.0: 403 with an ErrorResponse: API error true, decoding failed false, HTTP status 403'
[ "$(cat seen)" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
