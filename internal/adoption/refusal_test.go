package adoption_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/adoption"
)

func TestTheSummaryNamesEachReasonOnceWithAllThatItConcerns(t *testing.T) {
	got := adoption.Summary([]adoption.Reason{
		{About: "a", Why: "there is no such bucket"}, {Why: "PolicyMode is wrong"}, {About: "b", Why: "it is elsewhere"}, {About: "c", Why: "there is no such bucket"},
	})
	if want := "a, c: there is no such bucket; PolicyMode is wrong; b: it is elsewhere"; got != want {
		t.Errorf("Summary = %q, want %q", got, want)
	}
}

// TestTheSummaryFits checks that no list of reasons makes the text too long, that no reason is lost as long as its text fits, and that
// every name is there or counted.
func TestTheSummaryFits(t *testing.T) {
	for reasons := 1; reasons < 60; reasons += 7 {
		for names := 1; names < 1200; names = 3*names + 1 {
			var list []adoption.Reason
			for i := range reasons {
				for j := range names {
					list = append(list, adoption.Reason{About: fmt.Sprintf("bucket-with-a-long-name-%d-%d", i, j), Why: fmt.Sprintf("reason %02d, with a sentence", i)})
				}
			}
			got := adoption.Summary(list)
			if len(got) > 3000 {
				t.Errorf("%d reasons about %d names: %d bytes, want at most 3000", reasons, names, len(got))
			}
			said, left := strings.Count(got, "with a sentence"), 0
			if at := strings.Index(got, "; and "); at >= 0 {
				if _, err := fmt.Sscanf(got[at:], "; and %d more reasons", &left); err != nil {
					left = 0
				}
			}
			if said+left != reasons {
				t.Errorf("%d reasons about %d names: %d said and %d counted:\n%s", reasons, names, said, left, got)
			}
			if reasons*100 < 3000 && said != reasons {
				t.Errorf("%d reasons about %d names: only %d are said:\n%s", reasons, names, said, got)
			}
			for _, line := range strings.Split(got, "; ") {
				about, _, ok := strings.Cut(line, ": ")
				if !ok {
					continue
				}
				counted := strings.Count(about, "bucket-")
				if at := strings.LastIndex(about, " and "); at >= 0 {
					var rest int
					if _, err := fmt.Sscanf(about[at:], " and %d more", &rest); err != nil {
						t.Fatal(err)
					}
					counted += rest
				}
				if counted != names {
					t.Errorf("%d of %d names are there or counted: %s", counted, names, line)
				}
			}
		}
	}
}
