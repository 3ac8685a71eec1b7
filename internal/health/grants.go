package health

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// Document is one policy of a role.
type Document struct {
	// Name is an inline policy's name, or a managed policy's ARN.
	Name string
	// Text is the policy as JSON.
	Text string
}

// Grant is a permission in a policy that the workload does not need.
type Grant struct {
	// Policy names the document, e.g. "role policy bucket" or "endpoint policy".
	Policy string `json:"policy"`
	// Statement is the statement's Sid, or its number from 1.
	Statement string `json:"statement"`
	// Allows is the permission, e.g. "s3:*" or "to change the guard: lambda:UpdateFunctionCode on arn:…".
	Allows string `json:"allows"`
}

// String returns the grant as in the log.
func (g Grant) String() string { return g.Policy + ": " + g.Statement + " allows " + g.Allows }

// judgeGrants audits the policies of the workload's role, the bucket and the endpoint. It ignores conditions: a
// permission with a condition counts as a permission.
//
// It audits the policies that could be read even if others could not; it reports 0 findings only if all could be read.
func (t Criteria) judgeGrants(r *Report, s Snapshot) {
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
		r.Problems = append(r.Problems, Problem{Metric: metrics.RoleFindings, Why: g.String()})
	}
	if known || len(r.Findings) > 0 {
		r.count(metrics.RoleFindings, len(r.Findings))
	}
}

// statement contains the parts of a policy's statement that the audit reads.
type statement struct {
	Sid, Effect           string
	Action, NotAction     texts
	Resource, NotResource texts
	Condition             json.RawMessage
}

// texts is one string or a list of strings.
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

// statements parses a policy's statements; Statement may be a list or a single one.
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

// wide returns statements that allow all actions, all S3 actions, or an action on all resources. A document that cannot
// be parsed is also a finding.
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

// title returns a statement's Sid, or its number.
func (s statement) title(i int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return fmt.Sprintf("statement %d", i+1)
}

// wide returns what a statement allows by wildcards or exclusion.
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

// everyAction reports whether an action pattern matches all actions, or all of S3.
func everyAction(action string) bool {
	service, name, ok := strings.Cut(strings.ToLower(action), ":")
	if !ok {
		return strings.Trim(action, "*") == ""
	}
	s3 := service == "s3" || strings.ContainsAny(service, "*?") && strings.Trim(service, "s3*?") == ""
	return s3 && name != "" && strings.Trim(name, "*") == ""
}

// everyResource reports whether a resource pattern matches all resources, or all of a service, e.g. arn:aws:s3:::*.
func everyResource(resource string) bool {
	fields := strings.SplitN(resource, ":", 6)
	name := fields[len(fields)-1]
	return name != "" && strings.Trim(name, "*/") == "" && (len(fields) == 1 || len(fields) == 6)
}
