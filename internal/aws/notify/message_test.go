package notify_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/test/golden"
)

var admin = &guard.Actor{
	ARN: "arn:aws:sts::111122223333:assumed-role/ops/alice", IssuerARN: "arn:aws:iam::111122223333:role/ops",
	SourceIPAddress: "198.51.100.7", UserAgent: "aws-cli/2.31.0",
}

// origin is where the examples come from.
var origin = notify.Origin{
	Partition: "aws", Region: "eu-central-1", Account: "111122223333", Stack: "s3-endpoint-guard", Bucket: "docs-example",
	LogGroup: "s3-endpoint-guard-RemediateLogGroup-EXAMPLE", Runbook: "https://git.example.com/guard/blob/main/docs/runbook.md",
}

// message returns the message about a record, one of an invocation of Lambda.
func message(r guard.Record) notify.Message {
	r.RequestID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
	from := origin
	if r.Place != (guard.Place{}) { // of a fleet
		from.Bucket = ""
	}
	return notify.Message{
		Record: r, Origin: from, Time: time.Date(2026, 3, 2, 9, 1, 8, 0, time.UTC),
		Thread: "docs-example/" + r.Resource + "/2026-03-02T09:01:08Z",
	}
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
		Error: "inspecting vpc-endpoint: endpoint vpce-0a1b2c3d4e5f60718: deleted", ElapsedMs: 61, Runbook: guard.RemedyEndpointGone,
	},
	"fleet-window": {
		Outcome: guard.StandingDown, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy", Target: "data-1",
		Place: guard.Place{Bucket: "data-1"}, Verdict: iampolicy.Open, Allowed: "a statement", Stack: "CREATE_COMPLETE",
		Paused: &guard.Pause{Until: time.Date(2026, 3, 2, 11, 0, 0, 0, time.UTC), Reason: "migration\nDone: restored", By: "arn:aws:iam::111122223333:user/ops"},
	},
	"fleet-owner": {
		Outcome: guard.StandingDown, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy", Target: "data-1",
		Place: guard.Place{Bucket: "data-1"}, Verdict: iampolicy.Closed, Stack: "CREATE_COMPLETE",
		Owner: &guard.Owner{ID: "arn:aws:cloudformation:eu-central-1:111122223333:stack/app/1", Status: "UPDATE_IN_PROGRESS"},
	},
	"fleet-deleted": {
		Outcome: guard.Gone, Actor: admin, Resource: "bucket", Target: "data-1", Place: guard.Place{Bucket: "data-1"},
		Trigger: guard.Trigger{Kind: guard.Event, EventID: "e-1", EventName: "DeleteBucket", EventTime: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC)},
	},
	"fleet-endpoint": {
		Outcome: guard.Corrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "security-group-rules", Target: "sg-0a1b2c3d4e5f60718",
		Place: guard.Place{Endpoint: "vpce-0a1b2c3d4e5f60718"}, Verdict: iampolicy.Open, Allowed: "others reach the endpoint", ElapsedMs: 90, Attempts: 1,
		Repeats: &guard.Repeats{More: 3, Since: time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC)},
	},
	"lockout-refused": {
		Outcome: guard.Refused, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy", Target: "docs-example",
		Verdict: iampolicy.Open, Allowed: "anonymous caller from the internet: s3:ListBucket on arn:aws:s3:::docs-example is allowed", Attempts: 1, ElapsedMs: 70, Error: "restoring bucket-policy: lockout refused",
	},
	"unread-not-verified": {
		Outcome: guard.NotCorrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "bucket-policy", Target: "docs-example",
		Verdict: iampolicy.Open, Allowed: "not known, because AWS denies the guard to read it", Attempts: 1,
		Unread: "bucket docs-example: AccessDenied", Error: "written without knowing what was live", ElapsedMs: 4210, Runbook: guard.RemedyDenied,
	},
	"overruled": {
		Outcome: guard.Corrected, Actor: &guard.Actor{ARN: "AIDAEXAMPLEFOREIGN001", AccountID: "999900001111"}, Resource: "bucket-policy",
		Trigger: guard.Trigger{Kind: guard.Sweep}, Target: "docs-example", Verdict: iampolicy.Open, Allowed: "anonymous caller from the internet: s3:ListBucket on arn:aws:s3:::docs-example is allowed",
		Stack: "UPDATE_IN_PROGRESS", Overruled: true, ElapsedMs: 1096, Attempts: 1,
		Repeats: &guard.Repeats{More: 130, Since: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC)},
	},
	"ended": {
		Outcome: guard.Ended, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "security-groups", Target: "vpce-0a1b2c3d4e5f60718",
		Verdict: iampolicy.Open, Allowed: "members of sg-1 reach the endpoint", Attempts: 1,
	},
	"not-corrected": {
		Outcome: guard.NotCorrected, Trigger: guard.Trigger{Kind: guard.Sweep}, Resource: "private-dns", Target: "vpce-0a1b2c3d4e5f60718",
		Verdict: iampolicy.Closed, Attempts: 3, ElapsedMs: 30400, Error: "UnauthorizedOperation",
	},
}

// longest is a record with all that a message can say, each as long as possible.
func longest() guard.Record {
	r := records["not-corrected"]
	long := strings.Repeat("<&>`@x\x01", 4<<10)
	r.Contested, r.Repeats = records["contested"].Contested, records["overruled"].Repeats
	r.Verdict, r.Overruled, r.Stack = iampolicy.Open, true, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"
	r.Trigger = records["corrected-open"].Trigger
	r.Allowed, r.Error, r.Unread, r.Before, r.After, r.Trigger.EventName = long, long, long, long, long, long
	r.Actor = &guard.Actor{ARN: long, AccountID: long, IssuerARN: long, InvokedBy: long, SourceIPAddress: long, UserAgent: long}
	for range 200 {
		r.Diff = append(r.Diff, guard.Difference{Value: long})
	}
	return r
}

func TestMessagesReadAsWritten(t *testing.T) {
	for name, r := range records {
		t.Run(name, func(t *testing.T) {
			m := message(r)
			golden.File(t, filepath.Join("testdata", name+".txt"), "Subject: "+m.Subject()+"\n\n"+m.Body(notify.Text))
			golden.File(t, filepath.Join("testdata", name+".json"), m.Body(notify.AmazonQ))
		})
	}
}

func TestTextIsShortAndHasTwoLinks(t *testing.T) {
	all := maps.Clone(records)
	all["the longest"] = longest()
	for name, r := range all {
		text := message(r).Body(notify.Text)
		if n := strings.Count(text, "\n"); n >= 40 {
			t.Errorf("%s: %d lines, want fewer than 40:\n%s", name, n, text)
		}
		links := regexp.MustCompile(`https?://[^/]+`).FindAllString(text, -1)
		if diff := cmp.Diff([]string{"https://eu-central-1.console.aws.amazon.com", "https://git.example.com"}, links); diff != "" {
			t.Errorf("%s: links (-want +got):\n%s", name, diff)
		}
		if name == "the longest" && !strings.Contains(text, "... and 194 more") {
			t.Errorf("the text does not say how many differences it omits:\n%s", text)
		}
	}
}

func TestEveryFormatHasTheSameFacts(t *testing.T) {
	for name, r := range records {
		m := message(r)
		text, chat := m.Body(notify.Text), notificationOf(t, m)
		said := chat.Content.Description + strings.Join(chat.Content.NextSteps, "\n")
		facts := regexp.MustCompile(`(?m)^ *([\w ]+):  +"?([^"\n]+)`).FindAllStringSubmatch(text, -1)
		if len(facts) < 6 {
			t.Errorf("%s: %d facts in the text, want at least 6", name, len(facts))
		}
		for _, fact := range facts {
			if !strings.Contains(strings.ReplaceAll(said, "`", ""), fact[1]+": "+strings.TrimSpace(fact[2])) {
				t.Errorf("%s: the chat message does not have %q:\n%s", name, fact[0], said)
			}
		}
		for _, link := range regexp.MustCompile(`https://\S+`).FindAllString(text, -1) {
			if !strings.Contains(said, link) {
				t.Errorf("%s: the chat message does not have the link %s", name, link)
			}
		}
	}
}

// Each message links to a section of the runbook that exists.
func TestEveryMessageLinksToItsSectionOfTheRunbook(t *testing.T) {
	runbook, err := os.ReadFile("../../../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range records {
		if !strings.Contains(string(runbook), "\n## "+string(r.Remedy())+"\n") {
			t.Errorf("%s: the runbook has no heading %q", name, r.Remedy())
		}
		m := message(r)
		anchor := strings.ReplaceAll(strings.ToLower(string(r.Remedy())), " ", "-")
		for address, want := range map[string]string{
			"": "docs/runbook.md#" + anchor, "docs/runbook.md": "docs/runbook.md#" + anchor,
			"https://example.com/r": "https://example.com/r#" + anchor,
		} {
			m.Origin.Runbook = address
			for _, format := range []notify.Format{notify.Text, notify.AmazonQ} {
				if !regexp.MustCompile(`(?m)(\s|: )` + regexp.QuoteMeta(want) + `("|$)`).MatchString(m.Body(format)) {
					t.Errorf("%s, %s: no link %s", name, format, want)
				}
			}
		}
	}
}

func TestTheLinkToTheRecordIsThatOfThePartition(t *testing.T) {
	const search = "%s/cloudwatch/home?region=%s#logsV2:log-groups/log-group/guard-Log$252FGroup/log-events" +
		"$3FfilterPattern$3D$257B$2524.requestId$253D$2522r-1$2522$2520$2526$2526$2520" +
		"$2524.resource$253D$2522bucket-policy$2522$257D$26start$3D1772355668000"
	for partition, want := range map[string]struct{ region, host string }{
		"aws":        {"eu-central-1", "https://eu-central-1.console.aws.amazon.com"},
		"aws-cn":     {"cn-north-1", "https://console.amazonaws.cn"},
		"aws-us-gov": {"us-gov-west-1", "https://console.amazonaws-us-gov.com"},
	} {
		m := message(records["corrected-open"])
		m.Record.RequestID, m.Origin.LogGroup = "r-1", "guard-Log/Group"
		m.Origin.Partition, m.Origin.Region = partition, want.region
		if link := fmt.Sprintf(search, want.host, want.region); !strings.Contains(m.Body(notify.Text), "\n  "+link+"\n") {
			t.Errorf("%s: no link %s in\n%s", partition, link, m.Body(notify.Text))
		}
	}
}

// The command in the text finds the record's line in the log, which has all fields.
func TestTheTextHasTheCommandThatPrintsTheRecord(t *testing.T) {
	const want = `aws logs filter-log-events --region eu-central-1 --log-group-name s3-endpoint-guard-RemediateLogGroup-EXAMPLE` +
		` --start-time 1772355668000 --filter-pattern '{$.requestId="8f507cfc-xmpl-4697-b07a-ac58fc914c95" && $.resource="bucket-policy"}'`
	m := message(records["corrected-open"])
	if text := m.Body(notify.Text); !strings.Contains(text, "\n  "+want) {
		t.Errorf("no command %s in\n%s", want, text)
	}
	m.Record.RequestID = ""
	if text := m.Body(notify.Text); strings.Contains(text, "filter") {
		t.Errorf("the text filters the log without a request id:\n%s", text)
	}
}

func TestHowLongAccessWasOpen(t *testing.T) {
	open := records["corrected-open"]
	with := func(change func(*guard.Record)) guard.Record {
		r := open
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		record guard.Record
		want   string
	}{
		"from an event":         {open, "4.2 s, from the event to the verified correction"},
		"in no time":            {with(func(r *guard.Record) { r.SinceEventMs = 830 }), "830 ms, from the event to the verified correction"},
		"for long":              {with(func(r *guard.Record) { r.SinceEventMs = 5025000 }), "1h23m45s, from the event to the verified correction"},
		"found by a sweep":      {with(func(r *guard.Record) { r.SinceEventMs = 0 }), "not known: no event gives the start; usually at most one sweep interval"},
		"during a deployment":   {records["overruled"], "not known: the guard waited for CloudFormation first"},
		"closed":                {records["corrected-closed"], "no time: the drift gave no access"},
		"not judged":            {records["gone"], "not known: the state could not be read"},
		"still, after an event": {with(func(r *guard.Record) { r.Outcome = guard.NotCorrected }), "still open, since 2026-03-02T09:01:03Z (the event)"},
		"still, after a sweep":  {records["lockout-refused"], "still open: no event gives the start"},
	} {
		t.Run(name, func(t *testing.T) {
			text := message(test.record).Body(notify.Text)
			if !strings.Contains(text, "\nOpen for:      "+test.want+"\n") {
				t.Errorf("the text does not have %q:\n%s", test.want, text)
			}
		})
	}
}

func TestAttributesAreThoseThatFiltersNeed(t *testing.T) {
	gone := records["gone"]
	for name, want := range map[string]map[string]string{
		"corrected-open": {"outcome": "corrected", "verdict": "open", "resource": "bucket-policy",
			"bucket": "docs-example", "account": "111122223333", "region": "eu-central-1"},
		"gone": {"outcome": "not corrected", "resource": gone.Resource, // no verdict: SNS refuses empty values
			"bucket": "docs-example", "account": "111122223333", "region": "eu-central-1"},
	} {
		got := message(records[name]).Attributes()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: attributes (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheDocumentationNamesAttributesAndOutcomes(t *testing.T) {
	text, err := os.ReadFile("../../../docs/notifications.md")
	if err != nil {
		t.Fatal(err)
	}
	words := slices.Collect(maps.Keys(message(records["corrected-open"]).Attributes()))
	for _, r := range records {
		words = append(words, string(r.Outcome))
	}
	for _, word := range words {
		if !strings.Contains(string(text), "`"+word+"`") {
			t.Errorf("docs/notifications.md does not name %s", word)
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
			got := message(r).Subject()
			if len(got) > 99 || strings.ContainsFunc(got, func(c rune) bool { return c < ' ' || c > '~' }) || !strings.HasSuffix(got, string(r.Outcome)) {
				t.Errorf("Subject = %q (%d), want one line of at most 99 ASCII characters that ends in the outcome", got, len(got))
			}
		})
	}
}

// forge sets all texts of a record that others choose.
func forge(r guard.Record, text string) guard.Record {
	r.Actor = &guard.Actor{ARN: text, AccountID: text, IssuerARN: text, InvokedBy: text, SourceIPAddress: text, UserAgent: text}
	r.Allowed, r.Error, r.Unread, r.Trigger.EventName, r.Trigger.EventID = text, text, text, text, text
	r.Diff = []guard.Difference{{Name: text, Value: text}}
	return r
}

func TestForeignTextWritesNoLinesOfTheGuard(t *testing.T) {
	r := forge(records["corrected-open"], "x\nDone:     nothing\u2028Error: none\n- Done: nothing")
	for _, format := range []notify.Format{notify.Text, notify.AmazonQ} {
		body := message(r).Body(format)
		if format == notify.AmazonQ {
			body = notificationOf(t, message(r)).Content.Description
		}
		if n := len(regexp.MustCompile(`(?m)^(- )?Done:`).FindAllString(body, -1)); n != 1 {
			t.Errorf("%s: %d lines begin with Done, want only the guard's own:\n%s", format, n, body)
		}
		if strings.Contains(body, "\u2028") {
			t.Errorf("%s: the message contains a Unicode line separator", format)
		}
	}
}

func TestForeignTextMakesNoLinksAndMentions(t *testing.T) {
	for _, forged := range []string{
		"<https://evil.example|the record>", "[the runbook](https://evil.example)", "<@U012AB3CD> <!channel>", "@SRE-Team", "a@b.example",
		"` [out of the code](https://evil.example) `", "``` <!here> ```", `"` + " https://evil.example",
	} {
		m := message(forge(records["corrected-open"], forged))
		if text := m.Body(notify.Text); strings.Contains(text, "https://evil") || strings.Contains(text, `"" `) {
			t.Errorf("%s: the text has it as it is:\n%s", forged, text)
		}
		description := notificationOf(t, m).Content.Description
		if found := regexp.MustCompile(`[<>@]|https?://`).FindString(description); found != "" {
			t.Errorf("%s: the description has %s:\n%s", forged, found, description)
		}
		outside := regexp.MustCompile("(?s)```.*```|`[^`\n]*`").ReplaceAllString(description, "")
		if found := regexp.MustCompile("evil|U012AB3CD|channel|here|SRE|b\\.example|`").FindString(outside); found != "" {
			t.Errorf("%s: the description has %s outside of code:\n%s", forged, found, description)
		}
	}
}

func TestAllOutcomesHaveAnExample(t *testing.T) {
	var outcomes []guard.Outcome
	for _, r := range records {
		outcomes = append(outcomes, r.Outcome)
	}
	for _, outcome := range []guard.Outcome{
		guard.Corrected, guard.Ended, guard.Observed, guard.StandingDown, guard.NotCorrected, guard.Refused,
	} {
		if !slices.Contains(outcomes, outcome) {
			t.Errorf("no example is %q", outcome)
		}
	}
}
