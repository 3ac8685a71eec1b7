package notify

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// searched is the time before a message in which its record is searched: longer than the longest time for which a record
// waits for its message.
const searched = 24 * time.Hour

// pattern returns the filter pattern of the message's log line; "" if the record has no request id.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
func (m Message) pattern() string {
	if m.Record.RequestID == "" {
		return ""
	}
	of := ""
	if m.Record.Place != (guard.Place{}) {
		of = fmt.Sprintf(` && $.target="%s"`, m.Record.Target)
	}
	return fmt.Sprintf(`{$.requestId="%s" && $.resource="%s"%s}`, m.Record.RequestID, m.Record.Resource, of)
}

// consoles are the domains of the AWS Management Console, in docs/facts.md (SNS and chat).
var consoles = map[string]string{
	"aws":        "console.aws.amazon.com",
	"aws-cn":     "console.amazonaws.cn",
	"aws-us-gov": "console.amazonaws-us-gov.com",
}

// recordURL returns the console's address of the record: the log group, searched for the record. The format of these
// addresses is not documented (docs/facts.md, SNS and chat).
func (m Message) recordURL() string {
	o := m.Origin
	host := cmp.Or(consoles[o.Partition], consoles["aws"])
	if o.Partition == "aws" {
		host = o.Region + "." + host
	}
	address := fmt.Sprintf("https://%s/cloudwatch/home?region=%s#logsV2:log-groups/log-group/%s",
		host, o.Region, twice(o.LogGroup))
	if pattern := m.pattern(); pattern != "" {
		start := m.Time.Add(-searched).UnixMilli()
		address += "/log-events" + dollars(url.QueryEscape(fmt.Sprintf("?filterPattern=%s&start=%d", once(pattern), start)))
	}
	return address
}

// once escapes all characters that are not unreserved in a URL, spaces included.
func once(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// twice escapes a part of the console's fragment, which is escaped twice and has $ instead of %.
func twice(text string) string { return dollars(once(once(text))) }

func dollars(text string) string { return strings.ReplaceAll(text, "%", "$") }

// recordCommand returns the AWS CLI command that prints the record.
func (m Message) recordCommand() string {
	return fmt.Sprintf("aws logs filter-log-events --region %s --log-group-name %s --start-time %d --filter-pattern '%s'"+
		` --query "events[].message" --output text`, m.Origin.Region, m.Origin.LogGroup, m.Time.Add(-searched).UnixMilli(), m.pattern())
}

// runbookURL returns the address of the runbook's section for the record.
func (m Message) runbookURL() string {
	link := m.Record.Remedy().Link()
	if m.Origin.Runbook == "" {
		return link
	}
	_, section, _ := strings.Cut(link, "#")
	return m.Origin.Runbook + "#" + section
}
