package iampolicy

import (
	"fmt"
	"sync"
	"testing"
)

func numbered(i int) []byte {
	return fmt.Appendf(nil, `{"Statement":{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/%d"}}`, i)
}

func TestADocumentIsParsedOnceWhileItIsInUse(t *testing.T) {
	first, err := Parse(numbered(0))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := Parse(numbered(0)); again != first {
		t.Error("the same document is parsed a second time")
	}
	for i := range 2 * len(recent.list) {
		p, err := Parse(numbered(i + 1))
		if err != nil || p.statements[0].resources[0].source != fmt.Sprintf("arn:aws:s3:::docs/%d", i+1) {
			t.Fatalf("Parse(%s) = %v, %v", numbered(i+1), p, err)
		}
	}
	if recall(numbered(0)) != nil {
		t.Errorf("a document is kept after %d others", 2*len(recent.list))
	}
	document := numbered(0)
	if _, err := Parse(document); err != nil {
		t.Fatal(err)
	}
	document[0] = '['
	if recall(numbered(0)) == nil || recall(document) != nil {
		t.Error("what the caller does with its bytes changes what is remembered")
	}
}

func TestDocumentsAreParsedConcurrently(t *testing.T) {
	var all sync.WaitGroup
	for i := range 4 * len(recent.list) {
		all.Go(func() {
			want := fmt.Sprintf("arn:aws:s3:::docs/%d", i%10)
			if p, err := Parse(numbered(i % 10)); err != nil || p.statements[0].resources[0].source != want {
				t.Errorf("Parse(%s) = %v, %v", numbered(i%10), p, err)
			}
		})
	}
	all.Wait()
}
