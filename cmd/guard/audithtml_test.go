package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAuditAsAPage shows the page in a browser: a red cell opens to its requests, the statement and the fix; the filters hide buckets.
func TestAuditAsAPage(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	a.bucket("a-locked", lockedPolicy)
	a.bucket("b-shared", openPolicy)
	a.bucket("c-without", "")
	page := filepath.Join(t.TempDir(), "audit.html")
	if _, errs, code := a.audit("--all", "--html", page); code != 1 || errs != "" {
		t.Fatalf("guard audit --html: code %d, %q", code, errs)
	}
	text, err := os.ReadFile(page)
	a.must(err)
	if found := regexp.MustCompile(`(src|href)="[^#d][^"]*"|url\(|https?://`).FindString(string(text)); found != "" {
		t.Errorf("the page refers to another place: %s", found)
	}
	in := openTab(t, "file://"+page)
	for script, want := range map[string]string{
		`document.querySelectorAll("section").length + ""`:                                                                                "3",
		`document.querySelector("[data-name=b-shared] td.bad").innerText.trim()`:                                                          "open",
		`document.querySelector("[data-name=b-shared] summary").click(), document.querySelector("[data-name=b-shared] td.bad").innerText`: "s3:GetObject|Allowed by the statement Shared. Remove the Allow statement",
		`text.value = "c-", filter(), [...document.querySelectorAll("section:not([hidden])")].map(s => s.dataset.name).join()`:            "c-without",
		`text.value = "", only.checked = true, filter(), document.getElementById("shown").value`:                                          "2 of 3",
		`document.getElementById("summary").innerText`:                                                                                    "3 of 3 judged, 2 open",
	} {
		got := evaluate[string](in, script)
		for _, part := range strings.Split(want, "|") {
			if !strings.Contains(got, part) {
				t.Errorf("%s = %q, want %q", script, got, part)
			}
		}
	}
}
