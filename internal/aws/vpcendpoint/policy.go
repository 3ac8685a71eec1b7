package vpcendpoint

import (
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
	judged := document
	if judged == "" {
		judged = fullAccess
	}
	j := iampolicy.Judge([]byte(e.Policy), []byte(judged), e.Forbidden)
	return guard.Finding{
		Property: policyProperty, Target: e.ID,
		Verdict: j.Verdict, Allowed: j.Allowed, Diff: guard.Differences(j.Diff),
		Live: document, Desired: e.Policy,
	}
}
