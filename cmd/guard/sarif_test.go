package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
)

// The results of an audit of many buckets are written at once, so that they need no memory.
func TestSARIFIsWrittenAsTheResultsCome(t *testing.T) {
	var out bytes.Buffer
	log := &sarifWriter{w: &out, version: "v0"}
	for i := range 3 {
		name := fmt.Sprintf("docs-%d", i)
		if err := log.add(audit.Result{Kind: audit.KindBucket, Name: name, Findings: []audit.Finding{{Rule: audit.CannotTell}}}); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), name) {
			t.Errorf("the finding about %s is kept: %s", name, out.String())
		}
	}
}
