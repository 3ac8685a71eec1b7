package vpcendpoint

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

func (e *Endpoint) inspectPolicy(live types.VpcEndpoint) guard.Finding {
	document := aws.ToString(live.PolicyDocument)
	d := e.judge(cmp.Or(document, lock.FullAccess))
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
