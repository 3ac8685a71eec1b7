//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAuditInATerminal interrupts an audit: the results so far and the counts are printed. The credentials are those of a profile.
func TestAuditInATerminal(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	for i := range 60 {
		a.bucket(fmt.Sprintf("docs-%02d", i), openPolicy)
	}
	profile := filepath.Join(t.TempDir(), "config")
	a.must(os.WriteFile(profile, fmt.Appendf(nil, "[profile audit]\nregion = eu-central-1\naws_access_key_id = %s\naws_secret_access_key = %s\n",
		os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")), 0o600))
	a.Gate.SetLatency(100 * time.Millisecond)
	in := inTerminalWith(t, []string{"AWS_CONFIG_FILE=" + profile}, "audit", "--all", "--profile", "audit", "--concurrency", "2", "--endpoint-url", a.url)
	in.shows(t, `\r\x1b\[K[1-9]\d* of 60 judged, [1-9]\d* open`)
	in.types(t, ctrlC)
	code := in.ends(t)
	counts := regexp.MustCompile(`guard: interrupted: (\d+) of 60 judged, (\d+) open\r\n$`).FindStringSubmatch(in.screen.String())
	if code != exitStopped || counts == nil {
		t.Fatalf("guard audit: exit code %d, it shows %q; want %d and the counts", code, in.screen.String(), exitStopped)
	}
	judged, _ := strconv.Atoi(counts[1])
	shown := strings.Count(in.screen.String(), "bucket \x1b[1mdocs-")
	if judged == 0 || judged == 60 || counts[2] != counts[1] || shown != judged {
		t.Errorf("%d results are shown, %s of %s are open; want a part of the 60, all open", shown, counts[2], counts[1])
	}
}
