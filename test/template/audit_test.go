package template_test

import (
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/lock"
)

// The template's own policies are a lock for `guard check`, which guesses what it must hold from the policies alone.
func TestOurPoliciesAreLockedForAnAudit(t *testing.T) {
	for _, p := range []parameters{
		{"EndpointType": "Interface"}, {"EndpointType": "Gateway"}, {"CreateProbe": "false"}, {"ManagementRoleArns": managementRole},
	} {
		s := deploy(t, p)
		e := environment(s)
		r := audit.JudgeBucket(audit.Bucket{Name: bucket, Policy: audit.Document{Text: e["BUCKET_POLICY"]}}, nil, lock.Lock{}, lock.AtLeast)
		if r.Verdict != audit.Locked || len(r.Findings) != 0 {
			t.Errorf("the bucket policy with %v is %s: %+v, want locked and no findings", p, r.Verdict, r.Findings)
		}
		r = audit.JudgeEndpoint(audit.Endpoint{ID: endpointID, Policy: audit.Document{Text: e["ENDPOINT_POLICY"]}}, lock.Lock{}, lock.AtLeast)
		if r.Verdict != audit.Locked || len(r.Findings) != 0 {
			t.Errorf("the endpoint policy with %v is %s: %+v, want locked and no findings", p, r.Verdict, r.Findings)
		}
	}
}
