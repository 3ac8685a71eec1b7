package health

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/internal/metrics"
)

// Document is one policy of a role.
type Document struct {
	// Name is an inline policy's name, or a managed policy's ARN.
	Name string
	// Text is the policy as JSON.
	Text string
}

// Grant is something that a policy allows and that nothing here needs.
type Grant struct {
	// Policy names the document, e.g. "role policy bucket" or "endpoint policy".
	Policy string `json:"policy"`
	// Statement is the statement's Sid, or its number from 1.
	Statement string `json:"statement"`
	// Allows is what is granted, e.g. "s3:*" or "to change the guard: lambda:UpdateFunctionCode on arn:…".
	Allows string `json:"allows"`
}

// String is the grant as the log shows it.
func (g Grant) String() string { return g.Policy + ": " + g.Statement + " allows " + g.Allows }

// judgeGrants audits the policies of the workload's role, the bucket and the endpoint. Conditions are no excuse: what
// is granted under one is granted to somebody, some day.
//
// What could be read is audited also where something could not; that there is nothing to find is said only of all.
func (t Terms) judgeGrants(r *Report, s Snapshot) {
	known := r.made(RolePolicies, s.Role.Err)
	rights := t.rights(s)
	for _, d := range s.Role.Value {
		d.Name = "role policy " + d.Name
		r.Findings = append(r.Findings, wide(d)...)
		r.Findings = append(r.Findings, t.rightsOver(d, rights)...)
	}
	if s.BucketPolicy.Err == nil && s.BucketPolicy.Value.Live != "" {
		r.Findings = append(r.Findings, wide(Document{"bucket policy", s.BucketPolicy.Value.Live})...)
	}
	for _, f := range s.Endpoint.Value.Findings {
		if f.Property == "endpoint-policy" && f.Live != "" {
			r.Findings = append(r.Findings, wide(Document{"endpoint policy", f.Live})...)
		}
	}
	for _, g := range r.Findings {
		r.Problems = append(r.Problems, Problem{metrics.RoleFindings, g.String()})
	}
	if known || len(r.Findings) > 0 {
		r.count(metrics.RoleFindings, len(r.Findings))
	}
}

// statement is the part of a policy's statement that the audit reads.
type statement struct {
	Sid, Effect           string
	Action, NotAction     texts
	Resource, NotResource texts
	Condition             json.RawMessage
}

// texts is a text or a list of them.
type texts []string

// UnmarshalJSON implements [json.Unmarshaler].
func (t *texts) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*t = texts{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(t))
}

// statements reads a policy's statements, which may be one alone.
func statements(document string) ([]statement, error) {
	if _, err := iampolicy.Parse([]byte(document)); err != nil {
		return nil, err
	}
	var policy struct{ Statement json.RawMessage }
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return nil, err
	}
	var list []statement
	if json.Unmarshal(policy.Statement, &list) == nil {
		return list, nil
	}
	list = make([]statement, 1)
	return list, json.Unmarshal(policy.Statement, &list[0])
}

// wide finds statements that allow every S3 action, every action, or something on every resource. A document that
// cannot be read is a finding as well.
func wide(d Document) []Grant {
	list, err := statements(d.Text)
	if err != nil {
		return []Grant{{d.Name, "the document", "what cannot be judged: " + err.Error()}}
	}
	var found []Grant
	for i, s := range list {
		if s.Effect != "Allow" {
			continue
		}
		for _, allows := range s.wide() {
			found = append(found, Grant{d.Name, s.title(i), allows})
		}
	}
	return found
}

// title is a statement's Sid, or its number.
func (s statement) title(i int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("statement %d", i+1)
}

// wide is what a statement allows without naming it.
func (s statement) wide() []string {
	var found []string
	for _, action := range s.Action {
		if everyAction(action) {
			found = append(found, action)
		}
	}
	if len(s.NotAction) > 0 {
		found = append(found, "every action but "+strings.Join(s.NotAction, ", "))
	}
	if slices.ContainsFunc(s.Resource, everyResource) {
		found = append(found, strings.Join(s.Action, ", ")+" on every resource")
	}
	if len(s.NotResource) > 0 {
		found = append(found, "every resource but "+strings.Join(s.NotResource, ", "))
	}
	return found
}

// everyAction is whether an action stands for all actions, or all of S3.
func everyAction(action string) bool {
	service, name, ok := strings.Cut(strings.ToLower(action), ":")
	if !ok {
		return strings.Trim(action, "*") == ""
	}
	s3 := service == "s3" || strings.ContainsAny(service, "*?") && strings.Trim(service, "s3*?") == ""
	return s3 && name != "" && strings.Trim(name, "*") == ""
}

// everyResource is whether a resource stands for all of them, or for all of a service, as arn:aws:s3:::* does.
func everyResource(resource string) bool {
	fields := strings.SplitN(resource, ":", 6)
	name := fields[len(fields)-1]
	return name != "" && strings.Trim(name, "*/") == "" && (len(fields) == 1 || len(fields) == 6)
}
