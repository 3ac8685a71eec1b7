// Package securityhub keeps one finding in AWS Security Hub for each guarded property: active and failed while the
// property has drifted, archived and passed when it is as desired. docs/events.md describes the findings.
//
// It makes one Security Hub call, with awscall.
package securityhub

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Hub imports findings into the Security Hub of the account and Region. It is for one run at a time.
//
// It imports a finding for each record of ended drift, and for drift that stays when its outcome or verdict has changed. A
// property that has no record and was inspected is as desired: its finding is resolved if it is active, or if this process
// has not imported it yet. An earlier process may have left it active, and only this process remembers what it imported.
type Hub struct {
	SecurityHub awscall.Caller
	// Setting names the account, the Region, the bucket and the endpoint; no bucket and no endpoint if the guard has a fleet.
	Setting iampolicy.Setting
	// StackID is the ARN of the guard's own stack.
	StackID string
	// Runbook is the URL of the runbook, or its path in the repository.
	Runbook string
	// Now returns the current time.
	Now func() time.Time

	// known are the findings that this process has imported.
	known map[guard.Key]status
}

// status is what a finding says.
type status struct {
	// active is true while the property has drifted.
	active  bool
	verdict iampolicy.Verdict
	outcome guard.Outcome
	// created is when the finding became active, or when it was imported if it never was.
	created time.Time
}

// update is a finding to import, and what it says.
type update struct {
	property guard.Key
	status   status
	finding  finding
}

// Limits of a run: findings of one call, and calls. A fleet's process that has just started has thousands of findings to resolve;
// what a run leaves out, the next one imports.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
const (
	maxFindings = 100
	maxCalls    = 10
)

// Name names the hub in the function's memory of failures.
func (h *Hub) Name() string { return "Security Hub" }

// Send imports the findings of a run that are news, those of drift first: with one call, or with up to [maxCalls]. The error names
// the properties whose findings were not imported; the next run imports them again.
//
// While the stack is being deleted it imports nothing: soon no guard could resolve the findings.
func (h *Hub) Send(ctx context.Context, report guard.Report) error {
	if report.Stack.Deleting {
		return nil
	}
	var failures []error
	calls := 0
	for part := range slices.Chunk(h.updates(report, h.Now()), maxFindings) {
		if calls++; calls > maxCalls {
			break
		}
		failures = append(failures, h.put(ctx, part))
	}
	return errors.Join(failures...)
}

// put imports findings with one call.
func (h *Hub) put(ctx context.Context, updates []update) error {
	var in struct{ Findings []finding }
	for _, u := range updates {
		in.Findings = append(in.Findings, u.finding)
	}
	var answer response
	if err := h.SecurityHub.Call(ctx, "BatchImportFindings", in, &answer); err != nil {
		var properties []string
		for _, u := range updates {
			properties = append(properties, u.property.Property)
			delete(h.known, u.property)
		}
		return fmt.Errorf("importing the findings of %s: %w", strings.Join(properties, ", "), err)
	}
	return h.note(updates, answer)
}

// note remembers the imported findings. Security Hub can accept a call and refuse single findings of it.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html#API_BatchImportFindings_ResponseSyntax
func (h *Hub) note(updates []update, answer response) error {
	refused := map[string]error{}
	for _, f := range answer.FailedFindings {
		refused[f.ID] = fmt.Errorf("%s: %s", f.ErrorCode, f.ErrorMessage)
	}
	var failures []error
	for _, u := range updates {
		if why := refused[u.finding.ID]; why != nil {
			delete(h.known, u.property)
			failures = append(failures, fmt.Errorf("importing the finding of %s: %w", u.property.Property, why))
			continue
		}
		if h.known == nil {
			h.known = map[guard.Key]status{}
		}
		h.known[u.property] = u.status
	}
	return errors.Join(failures...)
}

// updates returns the findings that are news. A record without a verdict says nothing about its property, because the
// resource could not be inspected: its findings stay as they are.
func (h *Hub) updates(report guard.Report, now time.Time) []update {
	var updates []update
	recorded := map[guard.Key]bool{}
	for _, r := range report.Records {
		recorded[r.Key()] = true
		if r.Verdict == "" {
			continue
		}
		next := status{!r.Outcome.IsOver(), r.Verdict, r.Outcome, h.created(r.Key(), now)}
		if last, ok := h.known[r.Key()]; !ok || !next.active || next != last {
			updates = append(updates, update{r.Key(), next, h.finding(next, r, now)})
		}
	}
	for _, f := range report.AsDesired {
		last, ok := h.known[f.Key()]
		if recorded[f.Key()] || ok && !last.active {
			continue
		}
		next := status{verdict: last.verdict, created: h.created(f.Key(), now)}
		resolved := h.finding(next, guard.Record{Resource: f.Property, Target: f.Target, Place: f.Place}, now)
		updates = append(updates, update{f.Key(), next, resolved})
	}
	return updates
}

// created returns when a property's finding became active, or now if it is not known to be active.
func (h *Hub) created(property guard.Key, now time.Time) time.Time {
	if last := h.known[property]; last.active {
		return last.created
	}
	return now
}

// The finding's fields that are always the same. The types are of AWS's taxonomy, the labels of severity as AWS describes
// them: HIGH must be addressed as a priority, LOW needs no action of its own, INFORMATIONAL is no issue.
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html
// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-type-taxonomy.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html
const (
	schemaVersion = "2018-10-08"
	generator     = "s3-endpoint-guard"
	exposure      = "Effects/Data Exposure"
	practices     = "Software and Configuration Checks/AWS Security Best Practices"
)

var (
	severities = map[iampolicy.Verdict]string{iampolicy.Open: "HIGH", iampolicy.Closed: "LOW", "": "INFORMATIONAL"}
	kinds      = map[iampolicy.Verdict]string{iampolicy.Open: exposure, iampolicy.Closed: practices, "": practices}
)

// Limits of a finding's texts, in bytes; AWS counts characters.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Recommendation.html
const (
	maxTitle          = 256
	maxDescription    = 1024
	maxRecommendation = 512
	maxProductField   = 2048
)

// finding returns a property's finding. Its Id is always the same, so that Security Hub updates it. Workflow is absent:
// only the account's users change it, and Security Hub resets it when a finding becomes active again.
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
// https://docs.aws.amazon.com/securityhub/latest/userguide/findings-workflow-status.html
func (h *Hub) finding(s status, r guard.Record, now time.Time) finding {
	setting := r.Place.In(h.Setting)
	result, state := "PASSED", "ARCHIVED"
	if s.active {
		result, state = "FAILED", "ACTIVE"
	}
	return finding{
		SchemaVersion: schemaVersion,
		ID:            id(setting, r.Resource),
		ProductARN: fmt.Sprintf("arn:%s:securityhub:%s:%s:product/%s/default",
			setting.Partition, setting.Region, setting.Account, setting.Account),
		GeneratorID:  generator + "/" + r.Resource,
		AWSAccountID: setting.Account,
		// A new finding must have the same time in both; a later UpdatedAt is an update.
		CreatedAt: stamp(s.created), FirstObservedAt: stamp(s.created), UpdatedAt: stamp(now), LastObservedAt: stamp(now),
		Title:       shortened(fmt.Sprintf("%s of %s must be as its stack deployed it", r.Resource, r.Target), maxTitle),
		Description: shortened(description(r), maxDescription),
		Compliance:  compliance{result},
		RecordState: state,
		// A finding provider sets these two here, so that it does not overwrite what users set.
		FindingProviderFields: providerFields{
			Severity: severity{Label: severities[s.verdict], Original: string(s.verdict)},
			Types:    []string{kinds[s.verdict]},
		},
		Resources:     resources(setting, r.Target),
		Remediation:   h.remediation(r),
		ProductFields: h.fields(r),
	}
}

// id returns the Id of a property's finding. It contains what makes it unique in the organisation: the bucket or, if that is a
// fleet's, the endpoint.
func id(s iampolicy.Setting, property string) string {
	return strings.Join([]string{generator, s.Region, s.Account, cmp.Or(s.Bucket, s.EndpointID), property}, "/")
}

// stamp returns a time in the format of findings.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html#timestamps
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// resources returns the bucket, and the endpoint if the property is the endpoint's. ASFF has no type for VPC endpoints.
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-resources.html
func resources(s iampolicy.Setting, target string) []resource {
	var list []resource
	if s.Bucket != "" {
		list = append(list, resource{"AwsS3Bucket", s.BucketARN(), s.Partition, s.Region})
	}
	if target != s.Bucket {
		list = append(list, resource{"Other", s.EndpointARN(), s.Partition, s.Region})
	}
	return list
}

// description says what was found and done.
func description(r guard.Record) string {
	if r.Outcome == "" {
		return r.Resource + " is as the stack deployed it."
	}
	parts := []string{fmt.Sprintf("%s drift of %s: %s.", r.Verdict, r.Resource, r.Outcome)}
	for _, part := range []struct{ label, text string }{
		{"Why open", r.Allowed}, {"Error", r.Error}, {"Not readable", r.Unread},
	} {
		if part.text != "" {
			parts = append(parts, part.label+": "+part.text+".")
		}
	}
	return strings.Join(parts, " ")
}

// remediation names the runbook's section; nil if there is nothing to do.
func (h *Hub) remediation(r guard.Record) *remediation {
	if r.Outcome == "" {
		return nil
	}
	link := r.Remedy().Link()
	what := recommendation{Text: shortened("What to do: "+link, maxRecommendation)}
	if strings.HasPrefix(h.Runbook, "https://") {
		_, section, _ := strings.Cut(link, "#")
		what.URL = h.Runbook + "#" + section
	}
	return &remediation{what}
}

// fields returns the facts for filters and automation. Empty ones are absent, because ASFF refuses empty texts.
func (h *Hub) fields(r guard.Record) map[string]string {
	all := map[string]string{
		"property": r.Resource, "outcome": string(r.Outcome), "verdict": string(r.Verdict), "stackId": h.StackID,
		"requestId": r.RequestID, "eventName": r.Trigger.EventName, "eventId": r.Trigger.EventID,
	}
	if r.Actor != nil {
		all["actor"], all["actorIssuer"], all["actorAddress"] = r.Actor.ARN, r.Actor.IssuerARN, r.Actor.SourceIPAddress
	}
	fields := map[string]string{}
	for name, value := range all {
		if value != "" {
			fields[generator+"/"+name] = shortened(value, maxProductField)
		}
	}
	return fields
}

// shortened limits a text's length in bytes.
func shortened(text string, limit int) string {
	const mark = " …"
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit-len(mark)], "") + mark
	}
	return text
}
