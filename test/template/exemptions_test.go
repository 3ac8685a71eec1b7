package template_test

import (
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// managementRole is a common one: the CDK's service role for CloudFormation.
const managementRole = "arn:aws:iam::111122223333:role/cdk-hnb659fds-cfn-exec-role-111122223333-eu-central-1"

// HeadBucket is s3:ListBucket. The exemptions open the names of objects, and never an object.
func TestWhatTheExemptionsFromTheLockOpen(t *testing.T) {
	const admin, other = "arn:aws:iam::111122223333:user/admin", "arn:aws:iam::111122223333:role/other"
	via := func(first, last string) map[string][]string {
		return map[string][]string{"aws:SecureTransport": {"true"}, "aws:ViaAWSService": {"true"},
			"aws:CalledVia": {first, last}, "aws:CalledViaFirst": {first}, "aws:CalledViaLast": {last}}
	}
	internet := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {"198.51.100.7"}}
	plain := map[string][]string{"aws:SecureTransport": {"false"}, "aws:SourceIp": {"198.51.100.7"}}
	inside := map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceVpce": {endpointID}, "aws:SourceVpc": {vpcID}}
	const formation = "cloudformation.amazonaws.com"
	for name, c := range map[string]struct {
		management string
		principal  string
		context    map[string][]string
		want       []string
	}{
		"CloudFormation in an administrator's name": {"", admin, via(formation, formation), []string{"s3:ListBucket"}},
		"another service by CloudFormation":         {"", admin, via(formation, "athena.amazonaws.com"), nil},
		"CloudFormation by another service":         {"", admin, via("servicecatalog.amazonaws.com", formation), []string{"s3:ListBucket"}},
		"another service":                           {"", admin, via("athena.amazonaws.com", "athena.amazonaws.com"), nil},
		"CloudFormation in a stranger's name":       {"", "arn:aws:iam::999900001111:user/stranger", via(formation, formation), nil},
		"an administrator":                          {managementRole, admin, internet, nil},
		"a role that is not named":                  {managementRole, other, internet, nil},
		"the named role where none is named":        {"", managementRole, internet, nil},
		"the named role":                            {managementRole, managementRole, internet, []string{"s3:ListBucket"}},
		"the named role inside the VPC":             {managementRole, managementRole, inside, []string{"s3:ListBucket"}},
		"the named role over plain HTTP":            {managementRole, managementRole, plain, nil},
		"the second of two":                         {managementRole + "," + other, other, internet, []string{"s3:ListBucket"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := deploy(t, parameters{"ManagementRoleArns": c.management})
			at := iampolicy.Standpoint{Caller: name, Principal: c.principal, Context: c.context}
			open := iampolicy.OpenActions(parse(t, environment(s)["BUCKET_POLICY"]), setting(s), at)
			var got []string
			for _, action := range slices.Concat(iampolicy.ObjectActions(), iampolicy.ListingActions()) {
				if _, ok := open[action]; ok {
					got = append(got, action)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("open to %s: %v, want %v", c.principal, got, c.want)
			}
		})
	}
}

// The judge derives the exemptions from the policy alone: a live document with more exemptions is open, one with
// fewer is not.
func TestTheJudgeKnowsTheExemptions(t *testing.T) {
	s := deploy(t, parameters{"ManagementRoleArns": managementRole})
	desired := environment(s)["BUCKET_POLICY"]
	if err := iampolicy.Lockout([]byte(desired), setting(s)); err != nil {
		t.Errorf("Lockout = %v, want nil", err)
	}
	for name, c := range map[string]struct {
		old, new string
		want     iampolicy.Verdict
	}{
		"nothing changed":           {"DenyPlainHTTP", "DenyPlainHTTP", iampolicy.Same},
		"BoolIfExists":              {`"Bool":`, `"BoolIfExists":`, iampolicy.Closed},
		"no role is exempt":         {`,"ArnNotEquals":{"aws:PrincipalArn":["` + managementRole + `"]}`, "", iampolicy.Closed},
		"another service is exempt": {`"aws:CalledViaLast":"cloudformation.amazonaws.com"`, `"aws:CalledViaLast":["cloudformation.amazonaws.com","athena.amazonaws.com"]`, iampolicy.Open},
		"any service is exempt":     {`"aws:CalledViaLast":"cloudformation.amazonaws.com"`, `"aws:CalledViaLast":"cloudformation.amazonaws.com"},"BoolIfExists":{"aws:ViaAWSService":"false"`, iampolicy.Open},
		"another role is exempt":    {`["` + managementRole + `"]`, `["` + managementRole + `","` + guardRole + `"]`, iampolicy.Open},
		"versions are exempt":       {`"s3:ListBucket?*"`, `"s3:ListBucketM*"`, iampolicy.Open},
		"another account may list names, of which CloudFormation's calls in its name are not denied": {
			`{"Sid":"DenyPlainHTTP"`, `{"Effect":"Allow","Principal":{"AWS":"999900001111"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::` + setting(s).Bucket + `"},{"Sid":"DenyPlainHTTP"`, iampolicy.Open},
		"another account may read objects, which is denied to it in any case": {
			`{"Sid":"DenyPlainHTTP"`, `{"Effect":"Allow","Principal":{"AWS":"999900001111"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + setting(s).Bucket + `/*"},{"Sid":"DenyPlainHTTP"`, iampolicy.Closed},
		"objects are exempt": {`"aws:SourceVpce":"` + endpointID + `"}`, `"aws:SourceVpce":"` + endpointID + `","aws:CalledViaLast":"cloudformation.amazonaws.com"}`, iampolicy.Open},
	} {
		live := strings.Replace(desired, c.old, c.new, 1)
		if live == desired && c.want != iampolicy.Same {
			t.Fatalf("%s: %s is not in %s", name, c.old, desired)
		}
		got := iampolicy.Judge([]byte(desired), []byte(live), listed(iampolicy.ForbiddenOnBucket(setting(s))))
		if got.Verdict != c.want {
			t.Errorf("%s: %s (%s), want %s", name, got.Verdict, got.Allowed, c.want)
		}
	}
}
