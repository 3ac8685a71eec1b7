#!/usr/bin/env bash
# github.com/johannesboyne/gofakes3 v1.2.0: to delete a bucket's public access block deletes the bucket.
#
# Guess: a fake S3 that does not know a sub-resource refuses the request with NotImplemented, or ignores it.
# Behaviour: a query that it does not know is as good as none. DeletePublicAccessBlock and DeleteBucketPolicy are answered
# 204 and delete the (empty) bucket itself; GetBucketPolicy answers a listing of objects; PutBucketPolicy says that the bucket exists
# already. A test that only looks at the status of its clean-up passes.
# Seen:
#   DELETE ?publicAccessBlock: 204, then HEAD: 404
#   DELETE ?policy: 204, then HEAD: 404
#   GET ?policy: 200 ListBucketResult
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/johannesboyne/gofakes3@v1.2.0 2>log || { cat log >&2; exit 1; }
go list -m github.com/johannesboyne/gofakes3
cat > main.go <<'GO'
package main

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func main() {
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	defer server.Close()
	ask := func(method, path string) (int, string) {
		request, err := http.NewRequest(method, server.URL+path, nil)
		if err != nil {
			panic(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		defer answer.Body.Close()
		var document struct{ XMLName xml.Name }
		_ = xml.NewDecoder(answer.Body).Decode(&document) // some answers have no body
		return answer.StatusCode, document.XMLName.Local
	}
	for _, query := range []string{"publicAccessBlock", "policy"} {
		ask("PUT", "/docs")
		deleted, _ := ask("DELETE", "/docs?"+query)
		there, _ := ask("HEAD", "/docs")
		fmt.Printf("DELETE ?%s: %d, then HEAD: %d\n", query, deleted, there)
	}
	ask("PUT", "/docs")
	status, document := ask("GET", "/docs?policy")
	fmt.Printf("GET ?policy: %d %s\n", status, document)
}
GO
seen=$(go run . 2>log) || { cat log >&2; exit 1; }
echo "$seen"
want='DELETE ?publicAccessBlock: 204, then HEAD: 404
DELETE ?policy: 204, then HEAD: 404
GET ?policy: 200 ListBucketResult'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
