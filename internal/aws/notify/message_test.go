package notify_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"s3-endpoint-guard/docs"
	"s3-endpoint-guard/internal/aws/notify"
	"s3-endpoint-guard/internal/guard"
	"s3-endpoint-guard/internal/iampolicy"
)

var update = flag.Bool("update", false, "write the golden files anew")

var admin = &guard.Actor{
	ARN: "arn:aws:sts::111122223333:assumed-role/ops/alice", IssuerARN: "arn:aws:iam::111122223333:role/ops",
	SourceIPAddress: "198.51.100.7", UserAgent: "aws-cli/2.31.0",
}

// records are examples for all kinds of messages.
var records = map[string]guard.Record{
	"corrected-open": {
		Outcome: guard.Corrected, Actor: admin, Resource: "bucket-policy", Target: "docs-example",
		Trigger: guard.Trigger{Kind: guard.Event, EventID: "e-1", EventName: "PutBucketPolicy", EventTime: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC)},
		Verdict: iampolicy.Open, Allowed: "anonymous caller from the internet: s3:GetObject on arn:aws:s3:::docs-example/thankyou.txt is allowed",
		Diff: []guard.Difference{
			{Removed: true, Name: "DenyPlainHTTP", Value: `{"Effect":"Deny"}`},
			{Name: "Everyone", Value: `{"Effect":"Allow","Principal":"*"}`},
		},
		Before: `{"Statement":[{"Sid":"Everyone"}]}`, After: `{"Statement":[{"Sid":"DenyPlainHTTP"}]}`,
		Stack: "CREATE_COMPLETE", SinceEventMs: 4210, ElapsedMs: 96, Attempts: 1,
	},
	"corrected-closed": {
		Outcome: guard.Corrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "subnets", Target: "vpce-0a1b2c3d4e5f60718",
		Verdict: iampolicy.Closed, Diff: []guard.Difference{{Removed: true, Value: "subnet-0aaa1111bbbb2222c"}},
		Before: `[]`, After: `["subnet-0aaa1111bbbb2222c"]`, Stack: "UPDATE_COMPLETE", ElapsedMs: 1500, Attempts: 2,
	},
	"contested": {
		Outcome: guard.Corrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "subnets", Target: "vpce-0a1b2c3d4e5f60718",
		Verdict: iampolicy.Closed, Diff: []guard.Difference{{Removed: true, Value: "subnet-0aaa1111bbbb2222c"}},
		Before: `[]`, After: `["subnet-0aaa1111bbbb2222c"]`, ElapsedMs: 1500, Attempts: 1,
		Contested: &guard.Contest{Corrections: 3, Guard: "arn:aws:iam::111122223333:role/guard"},
	},
	"observed": {
		Outcome: guard.Observed, Trigger: guard.Trigger{Kind: guard.Direct}, Resource: "public-access-block", Target: "docs-example",
		Verdict: iampolicy.Open, Allowed: "public access may be granted: BlockPublicAcls off",
	},
	"standing-down": {
		Outcome: guard.StandingDown, Trigger: guard.Trigger{Kind: guard.Stack, EventName: "UPDATE_IN_PROGRESS"},
		Resource: "endpoint-policy", Target: "vpce-0a1b2c3d4e5f60718", Verdict: iampolicy.Closed, Stack: "UPDATE_IN_PROGRESS",
	},
	"gone": {
		Outcome: guard.NotCorrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "vpc-endpoint", Missing: true,
		Error: "inspecting vpc-endpoint: endpoint vpce-0a1b2c3d4e5f60718: deleted",
	},
	"lockout-refused": {
		Outcome: guard.Refused, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy", Target: "docs-example",
		Verdict: iampolicy.Open, Allowed: "anybody", Attempts: 1, Error: "restoring bucket-policy: lockout refused",
	},
	"unread-not-verified": {
		Outcome: guard.NotCorrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy", Target: "docs-example",
		Verdict: iampolicy.Open, Allowed: "not known, because AWS denies the guard to read it", Attempts: 1,
		Unread: "bucket docs-example: AccessDenied", Error: "written without knowing what was live", Runbook: guard.RemedyDenied,
	},
	"overruled": {
		Outcome: guard.Corrected, Actor: &guard.Actor{ARN: "AIDAEXAMPLEFOREIGN001", AccountID: "999900001111"}, Resource: "bucket-policy",
		Trigger: guard.Trigger{Kind: guard.Sweep}, Target: "docs-example", Verdict: iampolicy.Open, Allowed: "anybody",
		Stack: "UPDATE_IN_PROGRESS", Overruled: true, ElapsedMs: 1096, Attempts: 1,
		Repeats: &guard.Repeats{More: 130, Since: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC)},
	},
	"ended": {
		Outcome: guard.Ended, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "security-groups", Target: "vpce-0a1b2c3d4e5f60718",
		Verdict: iampolicy.Open, Allowed: "members of sg-1 reach the endpoint", Attempts: 1,
	},
	"not-corrected": {
		Outcome: guard.NotCorrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "private-dns", Target: "vpce-0a1b2c3d4e5f60718",
		Verdict: iampolicy.Closed, Attempts: 3, Error: "UnauthorizedOperation",
	},
}

func TestMessagesReadAsWritten(t *testing.T) {
	for name, r := range records {
		t.Run(name, func(t *testing.T) {
			section := regexp.MustCompile(`(?s)(What to do \([^)]+\):\n).*?\n\n(The full record)`)
			got := "Subject: " + notify.Subject(r) + "\n\n" + section.ReplaceAllString(notify.Message(r), "$1  (the runbook's section)\n\n$2")
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

// The runbook has one remedy per failure, and the message contains it.
func TestEveryMessageHasARemedyOfTheRunbookInIt(t *testing.T) {
	for name, r := range records {
		section := docs.Section(string(r.Remedy()))
		if section == "" {
			t.Errorf("%s: the runbook has no heading %q", name, r.Remedy())
			continue
		}
		unindented := strings.ReplaceAll(notify.Message(r), "\n  ", "\n")
		if !strings.Contains(unindented, section) {
			t.Errorf("%s: the message does not contain the text under %q", name, r.Remedy())
		}
	}
}

func TestMessagesEndInTheRecordAsJSON(t *testing.T) {
	for name, r := range records {
		message := notify.Message(r)
		var got guard.Record
		if err := json.Unmarshal([]byte(message[strings.Index(message, "\n{"):]), &got); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got.Resource != r.Resource || got.Before != r.Before || got.Outcome != r.Outcome {
			t.Errorf("%s: the message's JSON is %+v", name, got)
		}
	}
}

func TestSubjectFitsAndIsOneLineOfASCII(t *testing.T) {
	for name, r := range map[string]guard.Record{
		"a long target":         {Outcome: guard.StandingDown, Resource: "bucket-policy", Target: strings.Repeat("x", 300), Verdict: iampolicy.Open},
		"line breaks":           {Outcome: guard.Corrected, Resource: "bucket-policy", Target: "a\r\nBcc: everybody"},
		"other than ASCII":      {Outcome: guard.Corrected, Resource: "bücket–policy", Target: "docs"},
		"nothing at all to say": {},
	} {
		t.Run(name, func(t *testing.T) {
			got := notify.Subject(r)
			if len(got) > 99 || strings.ContainsFunc(got, func(c rune) bool { return c < ' ' || c > '~' }) || !strings.HasSuffix(got, string(r.Outcome)) {
				t.Errorf("Subject = %q (%d), want one line of at most 99 ASCII characters that ends in the outcome", got, len(got))
			}
		})
	}
}

func TestNobodyWritesLinesOfOurs(t *testing.T) {
	forged := "x\nCorrected:     after 1 ms\u2028Error: none"
	r := records["corrected-open"]
	r.Actor = &guard.Actor{ARN: forged, UserAgent: forged}
	r.Allowed, r.Error, r.Trigger.EventName = forged, forged, forged
	r.Diff = []guard.Difference{{Name: forged, Value: forged}}
	prose, _, _ := strings.Cut(notify.Message(r), "\n{")
	if n := strings.Count(prose, "\nCorrected: "); n != 1 {
		t.Errorf("the message has %d lines that begin with Corrected, want only the guard's own:\n%s", n, prose)
	}
	if strings.Contains(prose, "\u2028") {
		t.Error("the message contains a Unicode line separator")
	}
}

func TestMessageFitsInto256KB(t *testing.T) {
	r := records["corrected-open"]
	r.Before, r.After = strings.Repeat("\x01", 24<<10), strings.Repeat(`"`, 24<<10) // the worst to escape
	r.Allowed, r.Error = strings.Repeat("<", 24<<10), strings.Repeat("\x01", 24<<10)
	for range 200 {
		r.Diff = append(r.Diff, guard.Difference{Value: strings.Repeat("\x02", 1<<10)})
	}
	got := notify.Message(r)
	if len(got) > 256<<10 || !strings.Contains(got, "see the function's log") || !strings.Contains(got, "and 182 more") {
		t.Errorf("message of %d bytes, want at most 256 KB, and a note about the omitted parts", len(got))
	}
}
