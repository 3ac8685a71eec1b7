package template_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// links are the anchors of runbook headings, as GitHub makes them.
func links(t *testing.T, headings *regexp.Regexp) []string {
	t.Helper()
	text, err := os.ReadFile("docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	var anchors []string
	for _, m := range headings.FindAllStringSubmatch(string(text), -1) {
		anchors = append(anchors, strings.ReplaceAll(strings.ToLower(m[1]), " ", "-"))
	}
	return anchors
}

// maxDescription is the longest description that CloudWatch accepts, in characters.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
const maxDescription = 1024

func TestDescriptionsTellTheFirstStepsAndTheRunbook(t *testing.T) {
	const runbook = "https://example.com/runbook.md"
	longest := parameters{"RunbookUrl": runbook + strings.Repeat("x", 150-len(runbook))}
	var described []string
	for _, s := range []stack{deploy(t, longest), deploy(t, longest.with("EndpointType", "Gateway")), deployGuard(t, longest)} {
		for _, r := range slices.Concat(s.ofType("AWS::CloudWatch::Alarm"), s.ofType("AWS::CloudWatch::CompositeAlarm")) {
			text, _ := s.properties(r.LogicalID)["AlarmDescription"].(string)
			if len(text) > maxDescription {
				t.Errorf("the description of %s has %d characters, want at most %d", r.LogicalID, len(text), maxDescription)
			}
			steps := regexp.MustCompile(`\. 1\. .+[.?] 2\. .+[.?] 3\. .+[.?] Runbook: docs/runbook\.md (\S*)#([a-z-]+)$`).FindStringSubmatch(text)
			if steps == nil || steps[1] != longest["RunbookUrl"] {
				t.Errorf("the description of %s is %q, want the event, three steps and the runbook", r.LogicalID, text)
				continue
			}
			if strings.HasPrefix(text, "For information: ") != slices.Contains(informational, strings.TrimSuffix(r.LogicalID, "Alarm")) {
				t.Errorf("%s has a wrong statement on whether it is informational", r.LogicalID)
			}
			described = append(described, steps[2])
		}
	}
	slices.Sort(described)
	described = slices.Compact(described)
	headings := links(t, regexp.MustCompile(`(?m)^### (.+)$`))
	slices.Sort(headings)
	if !slices.Equal(described, headings) {
		t.Errorf("descriptions link to %q, but the runbook has the headings %q", described, headings)
	}
}

func TestMissingDataAreTreatedWithAReason(t *testing.T) {
	text, err := os.ReadFile("guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	alarms := len(regexp.MustCompile(`(?m)^    Type: AWS::CloudWatch::Alarm$`).FindAll(text, -1))
	reasons := len(regexp.MustCompile(`(?m)^      TreatMissingData: (missing|ignore|breaching|notBreaching|!If \[IsContained, ignore, breaching\]) # \S+`).FindAll(text, -1))
	if alarms == 0 || reasons != alarms {
		t.Errorf("%d of %d alarms have a TreatMissingData with a reason", reasons, alarms)
	}
}
