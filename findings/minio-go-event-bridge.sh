#!/usr/bin/env bash
# github.com/minio/minio-go/v7 v7.4.1: to read, extend and write a bucket's notifications ends its events to EventBridge.
#
# Guess: a client that decodes a configuration of S3, and encodes it again, keeps what it contained, or refuses what it does not know.
# Behaviour: its types know topics, queues and functions only. S3's EventBridgeConfiguration and a Bucket Key are skipped when read
# and so are absent when written; S3 replaces the whole configuration. After adding a queue the bucket sends nothing to EventBridge
# any more, and after writing back its encryption each object costs calls to KMS again. No call reports an error.
# Seen:
#   notifications before: EventBridgeConfiguration
#   notifications after adding a queue: QueueConfiguration
#   encryption before: ApplyServerSideEncryptionByDefault BucketKeyEnabled
#   encryption after writing what was read: ApplyServerSideEncryptionByDefault
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off CGO_ENABLED=0
go mod init finding 2>/dev/null
go get github.com/minio/minio-go/v7@v7.4.1 2>log || { cat log >&2; exit 1; }
go list -m github.com/minio/minio-go/v7
cat > main.go <<'GO'
package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/notification"
)

// bucket holds the two documents of a bucket as they were last written, by the name of their sub-resource.
var bucket = map[string]string{
	"notification": `<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` +
		`<EventBridgeConfiguration/></NotificationConfiguration>`,
	"encryption": `<ServerSideEncryptionConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>` +
		`<ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault>` +
		`<BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>`,
}

// serve answers a read with the document and stores what is written.
func serve(w http.ResponseWriter, r *http.Request) {
	for name := range bucket {
		if !r.URL.Query().Has(name) {
			continue
		}
		if r.Method == http.MethodPut {
			body, err := io.ReadAll(r.Body)
			must(err)
			bucket[name] = string(body)
			return
		}
		_, _ = io.WriteString(w, bucket[name])
	}
}

// elements are those of the document that S3's reference names as parts of its configuration.
func elements(document string) string {
	var found []string
	for decoder := xml.NewDecoder(strings.NewReader(document)); ; {
		token, err := decoder.Token()
		if err == io.EOF {
			return strings.Join(found, " ")
		}
		must(err)
		start, ok := token.(xml.StartElement)
		if ok && slices.Contains([]string{"EventBridgeConfiguration", "QueueConfiguration", "ApplyServerSideEncryptionByDefault", "BucketKeyEnabled"}, start.Name.Local) {
			found = append(found, start.Name.Local)
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	server := httptest.NewServer(http.HandlerFunc(serve))
	defer server.Close()
	ctx := context.Background()
	client, err := minio.New(strings.TrimPrefix(server.URL, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4("test", "test", ""), Region: "us-east-1",
	})
	must(err)
	fmt.Println("notifications before:", elements(bucket["notification"]))
	events, err := client.GetBucketNotification(ctx, "docs")
	must(err)
	queue := notification.NewConfig(notification.NewArn("aws", "sqs", "us-east-1", "111122223333", "uploads"))
	queue.AddEvents(notification.ObjectCreatedAll)
	events.AddQueue(queue)
	must(client.SetBucketNotification(ctx, "docs", events))
	fmt.Println("notifications after adding a queue:", elements(bucket["notification"]))
	fmt.Println("encryption before:", elements(bucket["encryption"]))
	rules, err := client.GetBucketEncryption(ctx, "docs")
	must(err)
	must(client.SetBucketEncryption(ctx, "docs", rules))
	fmt.Println("encryption after writing what was read:", elements(bucket["encryption"]))
}
GO
seen=$(go run . 2>log) || { cat log >&2; exit 1; }
echo "$seen"
want='notifications before: EventBridgeConfiguration
notifications after adding a queue: QueueConfiguration
encryption before: ApplyServerSideEncryptionByDefault BucketKeyEnabled
encryption after writing what was read: ApplyServerSideEncryptionByDefault'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
