package history_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/history"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestOnlyRecordsAreEntries(t *testing.T) {
	const record = `{"timestamp":"2026-03-02T12:00:00Z","level":"ERROR","message":"corrected","requestId":"8f507cfc","trigger":{"kind":"event","eventName":"PutBucketPolicy"},
		"actor":{"arn":"arn:aws:iam::111122223333:user/ada"},"resource":"bucket-policy","target":"docs","verdict":"open","before":"{}","after":"{ }","sinceEventMs":1500,"elapsedMs":20,"attempts":1}`
	e, ok := history.Parse(record, noon)
	if open, known := e.Open(); !ok || e.RequestID != "8f507cfc" || e.Record.RequestID != "8f507cfc" || e.Outcome != guard.Corrected || e.BeforeBytes != 2 ||
		!e.Time.Equal(noon) || open != 1500*time.Millisecond || !known || e.Who() != "arn:aws:iam::111122223333:user/ada" {
		t.Errorf("Parse = %+v, %t, want the record", e, ok)
	}
	for _, line := range []string{
		"", "START", "{", "[]", "null", `{"message":"already as desired","trigger":{"kind":"sweep"}}`, `{"message":"corrected","resource":"bucket-policy"}`,
		`{"_aws":{},"resource":"x","trigger":{"kind":"sweep"}}`, `{"message":"corrected","resource":7,"trigger":{"kind":"sweep"}}`,
	} {
		if e, ok := history.Parse(line, noon); ok {
			t.Errorf("Parse(%q) = %+v, want no record", line, e)
		}
	}
}

func TestWhoIsTheBestNameOfTheActor(t *testing.T) {
	for want, actor := range map[string]*guard.Actor{
		"": nil, "arn": {ARN: "arn", AccountID: "1"}, "account 1": {AccountID: "1", SourceIPAddress: "192.0.2.1"},
		"service": {InvokedBy: "service"}, "192.0.2.1": {SourceIPAddress: "192.0.2.1"},
	} {
		if got := (history.Entry{Record: guard.Record{Actor: actor}}).Who(); got != want {
			t.Errorf("Who = %q, want %q", got, want)
		}
	}
}

func TestPatternOfSelectsByWhatIsGiven(t *testing.T) {
	if got := history.PatternOf("", "", ""); got != `{ $.resource = "*" }` {
		t.Errorf("PatternOf() = %s", got)
	}
	if got, want := history.PatternOf("id", "subnets", "vpce-1"), `{ $.resource = "*" && $.requestId = "id" && $.resource = "subnets" && $.target = "vpce-1" }`; got != want {
		t.Errorf("PatternOf = %s, want %s", got, want)
	}
}

// observed is a record of drift that was observed, some minutes after noon.
func observed(minute int, actor, target, verdict, sid string) history.Entry {
	trigger := `"sweep"`
	if actor != "" {
		trigger = `"event"`
	}
	e, ok := history.Parse(fmt.Sprintf(`{"message":"drift observed","requestId":"run-%d","trigger":{"kind":%s},"actor":{"arn":%q},"resource":"bucket-policy",
		"target":%q,"verdict":%q,"allowed":"request %d","diff":[{"removed":true,"name":"Lock","value":"{}"},{"removed":false,"name":%q,"value":"{}"}]}`,
		minute, trigger, actor, target, verdict, minute, sid), noon.Add(time.Duration(minute)*time.Minute))
	if !ok {
		panic("no record")
	}
	return e
}

func TestASummaryGroupsWhatWouldHaveBeenCorrected(t *testing.T) {
	var s history.Summary
	for _, e := range []history.Entry{
		observed(1, "", "docs", "closed", "More"), observed(2, "ada", "docs", "open", "Public"), observed(3, "", "docs", "open", "Public"),
		observed(4, "", "docs", "open", "Public"), observed(5, "bob", "docs", "open", "Public"), observed(6, "", "docs", "open", "Public"),
		observed(7, "ada", "logs", "open", "Public"),
	} {
		s.Add(e)
	}
	corrected := observed(8, "ada", "docs", "open", "Public")
	corrected.Outcome = guard.Corrected
	s.Add(corrected)
	var got []string
	for _, g := range s.Groups() {
		got = append(got, fmt.Sprintf("%s %s %s %s: %d changes, %d records, %s-%s, %s %s", g.Target, g.Verdict, g.Actor, g.Statement, g.Changes, g.Records,
			g.First.Format("04"), g.Last.Format("04"), g.Allowed, g.RequestID))
	}
	want := []string{
		"docs open ada Public: 1 changes, 3 records, 02-04, request 4 run-4",
		"docs open bob Public: 1 changes, 2 records, 05-06, request 6 run-6",
		"logs open ada Public: 1 changes, 1 records, 07-07, request 7 run-7",
		"docs closed  More: 0 changes, 1 records, 01-01, request 1 run-1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("Groups =\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestASummaryIsBounded(t *testing.T) {
	var s history.Summary
	for i := range history.MaxGroups + 5 {
		s.Add(observed(1, "", fmt.Sprint("bucket-", i), "open", strings.Repeat("é", 500)))
	}
	if groups := s.Groups(); len(groups) != history.MaxGroups || s.Left != 5 || len(groups[0].Statement) > 310 {
		t.Errorf("there are %d groups, %d records are left out, a statement has %d bytes", len(groups), s.Left, len(groups[0].Statement))
	}
}

func TestAStatementThatIsMissingIsNamed(t *testing.T) {
	var s history.Summary
	e := observed(1, "", "docs", "open", "")
	e.Diff = e.Diff[:1]
	s.Add(e)
	if got := s.Groups()[0].Statement; got != "without Lock" {
		t.Errorf("Statement = %q, want \"without Lock\"", got)
	}
}
