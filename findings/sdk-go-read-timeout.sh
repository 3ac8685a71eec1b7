#!/usr/bin/env bash
# aws-sdk-go-v2 v1.48.0: the read timeout ends uploads that make progress, and closes idle connections.
#
# Guess: WithReadTimeout (new in 2026; "the maximum time the client waits for a connection to deliver any data", "not a deadline on the
# operation") counts while the client waits for an answer. A request that is still being sent does not wait for one, and a connection
# that lies idle between two requests waits for none.
# Behaviour: it counts from the last byte received, whatever the client does. A body that takes longer to send than the timeout fails,
# although the server reads each piece at once; the error can be "use of closed network connection", which names no timeout. A slow
# answer passes. So with a read timeout of 30 s an S3 client cannot upload a part that takes 31 s. (The SDK's own default, still
# opt-in, exempts S3 and Lambda for this reason; the option applies to each service.) And a connection that is idle for longer is
# closed, long before the transport's 90 s, so the next request makes another.
# Seen:
#   no read timeout: upload of 6s: 200; answer of 6s: 200; two requests with a pause of 6s: 1 connection
#   read timeout 2s: upload of 6s: failed; answer of 6s: 200; two requests with a pause of 6s: 2 connections
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
go mod init finding 2>/dev/null
go get github.com/aws/aws-sdk-go-v2@v1.48.0 2>log || { cat log >&2; exit 1; }
go list -m github.com/aws/aws-sdk-go-v2
cat > main.go <<'GO'
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

const (
	whole = 6 * time.Second
	piece = 200 * time.Millisecond
)

// slowly copies one byte in each piece of the whole time to write.
func slowly(write func(string)) {
	for range int(whole / piece) {
		time.Sleep(piece)
		write("x")
	}
}

func serve(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if r.URL.Path == "/slow" {
		slowly(func(text string) {
			_, _ = io.WriteString(w, text)
			w.(http.Flusher).Flush()
		})
	}
}

// ask makes a request, reads the answer, and returns its status.
func ask(client *awshttp.BuildableClient, url string, body io.Reader) string {
	request, err := http.NewRequest(http.MethodPut, url, body)
	if err != nil {
		panic(err)
	}
	answer, err := client.Do(request)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return "failed"
	}
	return fmt.Sprint(answer.StatusCode)
}

func try(name string, client *awshttp.BuildableClient) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(serve))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	reader, writer := io.Pipe()
	go func() {
		slowly(func(text string) { _, _ = io.WriteString(writer, text) })
		_ = writer.Close()
	}()
	upload := ask(client, server.URL, reader)
	_ = reader.Close()
	answer := ask(client, server.URL+"/slow", strings.NewReader("x"))
	ask(client, server.URL, strings.NewReader("x"))
	before := connections.Load()
	time.Sleep(whole)
	ask(client, server.URL, strings.NewReader("x"))
	used := map[int32]string{0: "1 connection", 1: "2 connections"}[connections.Load()-before]
	fmt.Printf("%s: upload of %v: %s; answer of %v: %s; two requests with a pause of %v: %s\n", name, whole, upload, whole, answer, whole, used)
}

func main() {
	try("no read timeout", awshttp.NewBuildableClient())
	try("read timeout 2s", awshttp.NewBuildableClient().WithReadTimeout(2*time.Second))
}
GO
seen=$(go run . 2>log) || { cat log >&2; exit 1; }
echo "$seen"
want='no read timeout: upload of 6s: 200; answer of 6s: 200; two requests with a pause of 6s: 1 connection
read timeout 2s: upload of 6s: failed; answer of 6s: 200; two requests with a pause of 6s: 2 connections'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
