package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/logs"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// newLogs makes a service with the group "guard", and a client with one policy.
func newLogs(t *testing.T, policy string) (*logs.Service, *cloudwatchlogs.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	s := logs.New(gate.Options())
	gate.Add(s)
	s.CreateGroup("guard")
	return s, cloudwatchlogs.NewFromConfig(localtest.Config(t, gate, policy))
}

// search returns the messages that match, of all pages.
func search(t *testing.T, client *cloudwatchlogs.Client, in cloudwatchlogs.FilterLogEventsInput) (messages []string, err error) {
	t.Helper()
	in.LogGroupName = aws.String("guard")
	for pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			messages = append(messages, *e.Message)
		}
	}
	return messages, nil
}

func TestPatternsSelectLines(t *testing.T) {
	s, client := newLogs(t, localtest.Everything)
	lines := []string{
		`START of "a run"`, `ERROR: the run failed`,
		`{"message":"corrected","resource":"bucket-policy","requestId":"8f507cfc","elapsedMs":17,"trigger":{"kind":"event"},"none":null,"overruled":true}`,
		`{"message":"already as desired","requestId":"11111111","elapsedMs":3,"trigger":{"kind":"sweep"}}`,
	}
	for i, line := range lines {
		s.Put("guard", "stream", noon.Add(time.Duration(i)*time.Second), line)
	}
	for pattern, want := range map[string][]int{
		"":                              {0, 1, 2, 3},
		"run":                           {0, 1},
		"run failed":                    {1},
		`"a run"`:                       {0},
		"run -ERROR":                    {0},
		"?START ?ERROR":                 {0, 1},
		`"\"a run\""`:                   {0},
		`{ $.resource = "*" }`:          {2},
		`{$.requestId="8f507cfc"}`:      {2},
		`{$.requestId="8f50*"}`:         {2},
		`{ $.requestId = 11111111 }`:    {3},
		`{ $.trigger.kind = "sweep" }`:  {3},
		`{ $.trigger.kind != "sweep" }`: {2},
		`{ $.elapsedMs > 3 }`:           {2},
		`{ $.elapsedMs >= 3 }`:          {2, 3},
		`{ $.elapsedMs <= 3 }`:          {3},
		`{ $.elapsedMs < 3 }`:           nil,
		`{ $.elapsedMs = 17 }`:          {2},
		`{ $.none IS NULL }`:            {2},
		`{ $.overruled IS TRUE }`:       {2},
		`{ $.overruled IS FALSE }`:      nil,
		`{ $.resource NOT EXISTS }`:     {3},
		`{ $.message = "corrected" && $.resource = "bucket-policy" }`:                    {2},
		`{ $.message = "corrected" && $.resource = "subnets" }`:                          nil,
		`{ $.elapsedMs = 3 || $.elapsedMs = 17 && $.resource = "subnets" }`:              {3},
		`{ ($.elapsedMs = 3 || $.elapsedMs = 17) && $.resource = "bucket-policy" }`:      {2},
		`{ $.message = "corrected" && ($.resource = "subnets" || $.overruled IS TRUE) }`: {2},
		`{ $.trigger = "sweep" }`: nil,
	} {
		var texts []string
		for _, i := range want {
			texts = append(texts, lines[i])
		}
		if got, err := search(t, client, cloudwatchlogs.FilterLogEventsInput{FilterPattern: &pattern}); err != nil || !slices.Equal(got, texts) {
			t.Errorf("%s finds %q, %v, want %q", pattern, got, err, texts)
		}
	}
}

func TestPatternsThatAreNotSupportedAreRefused(t *testing.T) {
	_, client := newLogs(t, localtest.Everything)
	for _, pattern := range []string{
		"{ $.a = 1", "{ }", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a < x }", "{ $.a ~ 1 }", "{ ($.a = 1 }", "{ $.a = 1 ) }", "{ $.a[0] = 1 }",
		"[ip, user]", "%ERROR%", `"open`, "{ $.a IS ODD }", strings.Repeat("x", 1025),
	} {
		if _, err := search(t, client, cloudwatchlogs.FilterLogEventsInput{FilterPattern: &pattern}); localtest.Code(err) != "InvalidParameterException" {
			t.Errorf("%s: %v, want InvalidParameterException", pattern, err)
		}
	}
}

func TestEventsAreInTheOrderOfTheirTimeWithinTheTimes(t *testing.T) {
	s, client := newLogs(t, localtest.Everything)
	for _, second := range []int{3, 1, 2, 2, 0, 4} {
		s.Put("guard", "stream", noon.Add(time.Duration(second)*time.Second), fmt.Sprint(second))
	}
	s.Put("gone", "stream", noon, "lost")
	at := func(second int) *int64 { return aws.Int64(noon.Add(time.Duration(second) * time.Second).UnixMilli()) }
	got, err := search(t, client, cloudwatchlogs.FilterLogEventsInput{StartTime: at(1), EndTime: at(3), Limit: aws.Int32(2)})
	if err != nil || strings.Join(got, "") != "1223" {
		t.Errorf("from 1 to 3: %q, %v, want 1, 2, 2, 3", got, err)
	}
}

func TestPagesAreBounded(t *testing.T) {
	s, client := newLogs(t, localtest.Everything)
	long := strings.Repeat("x", 300<<10)
	for i := range 5 {
		s.Put("guard", "stream", noon.Add(time.Duration(i)*time.Second), long)
	}
	page := localtest.Must(client.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupIdentifier: aws.String("arn:aws:logs:eu-central-1:111122223333:log-group:guard")}))(t)
	if len(page.Events) != 3 || page.NextToken == nil {
		t.Errorf("a page has %d events of 300 KB, token %v, want 3 and a token", len(page.Events), page.NextToken)
	}
	if got, err := search(t, client, cloudwatchlogs.FilterLogEventsInput{}); err != nil || len(got) != 5 {
		t.Errorf("all pages have %d events, %v, want 5", len(got), err)
	}
	for range 20001 {
		s.Put("guard", "stream", noon.Add(time.Minute), "y")
	}
	s.Put("guard", "stream", noon.Add(time.Hour), "last")
	page = localtest.Must(client.FilterLogEvents(t.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("guard"), FilterPattern: aws.String("last")}))(t)
	if len(page.Events) != 0 || page.NextToken == nil {
		t.Errorf("a page has %d events, token %v, want none, and a token", len(page.Events), page.NextToken)
	}
	if got, err := search(t, client, cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String("last")}); err != nil || len(got) != 1 {
		t.Errorf("all pages have %q, %v, want the last", got, err)
	}
}

func TestGroupsAreListed(t *testing.T) {
	s, client := newLogs(t, localtest.Everything)
	for i := range 60 {
		s.CreateGroup(fmt.Sprintf("other-%02d", i))
	}
	s.DeleteGroup("other-59")
	count := 0
	for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(client, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("other-")}); pages.HasMorePages(); {
		page := localtest.Must(pages.NextPage(t.Context()))(t)
		count += len(page.LogGroups)
	}
	if count != 59 {
		t.Errorf("DescribeLogGroups lists %d groups, want 59", count)
	}
}

func TestThePermissionOnTheGroupIsEnoughForASearch(t *testing.T) {
	_, client := newLogs(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:FilterLogEvents",
		"Resource":"arn:aws:logs:eu-central-1:111122223333:log-group:guard"}]}`)
	if _, err := search(t, client, cloudwatchlogs.FilterLogEventsInput{}); err != nil {
		t.Error(err)
	}
	if _, err := client.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}); localtest.Code(err) != "AccessDeniedException" {
		t.Errorf("DescribeLogGroups = %v, want AccessDeniedException", err)
	}
}
