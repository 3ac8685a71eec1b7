package emptying

import (
	"fmt"
	"testing"
)

// TestWhatHasToWaitKeepsNothingElseOut is about a span that begins in a folder at its limit and continues behind it.
func TestWhatHasToWaitKeepsNothingElseOut(t *testing.T) {
	f := newRanges(listers, "")
	first := f.take(func(string) (bool, string) { return true, "" })
	var page Page
	for i := range BatchSize {
		page.Versions = append(page.Versions, Version{Key: fmt.Sprintf("p05/%06d", i), ID: "v"})
	}
	page.More, page.Next = true, Position{Key: page.Versions[BatchSize-1].Key, VersionID: "v"}
	f.arrived(first, page)

	full := func(key string) (bool, string) { return key >= "p050", "p050" }
	other := f.take(full)
	if other == nil || other.at.Key != "p050" || other.end != "" || first.end != "p050" {
		t.Fatalf("take while p05/ is full = %+v and leaves %+v, want the keys behind p05/", other, first)
	}
	f.arrived(other, Page{Versions: []Version{{Key: "p06/x", ID: "v"}}})
	if again := f.take(full); again != nil && again.at.Key < "p050" {
		t.Errorf("take while p05/ is full = %+v, want none of its keys", again)
	}
	if again := f.take(func(string) (bool, string) { return true, "" }); again == nil || again.at.Key >= "p050" {
		t.Errorf("take when p05/ is not full = %+v, want it to continue p05/", again)
	}
}
