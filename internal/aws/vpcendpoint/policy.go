package vpcendpoint

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// fullAccess is the effective policy of an endpoint without a policy.
// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html#vpc-endpoint-policies-default
const fullAccess = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

func (e *Endpoint) inspectPolicy(live types.VpcEndpoint) guard.Finding {
	document := aws.ToString(live.PolicyDocument)
	d := e.judge(cmp.Or(document, fullAccess))
	return guard.Finding{
		Property: policyProperty, Target: e.ID,
		Verdict: d.Verdict, Allowed: d.Allowed, Diff: guard.Differences(d.Diff),
		Live: document, Desired: d.Document, State: d,
	}
}

func (e *Endpoint) judge(live string) guard.Decision {
	if e.Lock != nil {
		return e.Lock.Judge(live)
	}
	return guard.Decision{Judgement: iampolicy.Judge([]byte(e.Policy), []byte(live), e.Forbidden), Document: e.Policy}
}

func (e *Endpoint) unseen() guard.Decision {
	if e.Lock != nil {
		return e.Lock.Unseen()
	}
	return guard.Decision{Document: e.Policy}
}

// refuse returns the reason why the desired document must not be written, or nil.
func (e *Endpoint) refuse(f guard.Finding) error {
	if e.Lock != nil {
		d, _ := f.State.(guard.Decision)
		return d.Refusal
	}
	e.once.Do(func() { e.refusal = guard.Holds(e.Policy, e.Forbidden()) })
	return e.refusal
}
