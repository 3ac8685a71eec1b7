package iampolicy_test

import (
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
func TestEvaluateWithinOneAccount(t *testing.T) {
	everyone := `"Principal":"*"`
	denyAll := `{"Version":"2012-10-17","Statement":{"Sid":"Never","Effect":"Deny","Action":"*","Resource":"*"}}`
	check(t, map[string]request{
		"nothing allows":                       {by: alice, want: deny, wantBy: "no identity policy and no bucket policy allows s3:GetObject"},
		"identity policy alone suffices":       {by: alice, identity: identity(mayRead), want: allow, wantBy: "identity policy 1: Read"},
		"bucket policy alone suffices":         {by: alice, bucket: allowTo(everyone), want: allow, wantBy: "bucket policy: statement 1"},
		"any identity policy suffices":         {by: alice, identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ec2:*","Resource":"*"}}`, mayRead), want: allow, wantBy: "identity policy 2: Read"},
		"Deny in the bucket policy wins":       {by: alice, bucket: denyTo(everyone), identity: identity(mayRead), want: deny, wantBy: "bucket policy: statement 1"},
		"Deny in an identity policy wins":      {by: alice, bucket: allowTo(everyone), identity: identity(mayRead, denyAll), want: deny, wantBy: "identity policy 2: Never"},
		"Deny wins whatever the order":         {by: alice, bucket: statements(to("Deny", everyone), to("Allow", everyone)), want: deny},
		"a Deny of another action does not":    {by: alice, action: "s3:PutObject", bucket: statements(to("Deny", everyone)), identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`), want: allow},
		"root needs no permission":             {by: root, want: allow, wantBy: "root user of the owning account"},
		"root is denied like anybody":          {by: root, bucket: denyTo(everyone), want: deny},
		"a role's session by its own policies": {by: session, identity: identity(mayRead), want: allow},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func TestEvaluateAcrossAccounts(t *testing.T) {
	account := `"Principal":{"AWS":"444455556666"}`
	check(t, map[string]request{
		"both allow":                                {by: stranger, bucket: allowTo(account), identity: identity(mayRead), want: allow},
		"only the bucket policy allows":             {by: stranger, bucket: allowTo(account), want: deny, wantBy: "no identity policy allows s3:GetObject"},
		"only the identity policy allows":           {by: stranger, identity: identity(mayRead), want: deny, wantBy: "no bucket policy allows s3:GetObject"},
		"the caller by name and its own policy":     {by: stranger, bucket: allowTo(`"Principal":{"AWS":"` + stranger + `"}`), identity: identity(mayRead), want: allow},
		"the caller by name alone is not enough":    {by: stranger, bucket: allowTo(`"Principal":{"AWS":"` + stranger + `"}`), want: deny},
		"everybody alone is not enough":             {by: stranger, bucket: allowTo(`"Principal":"*"`), want: deny},
		"the other account's root needs no policy":  {by: "arn:aws:iam::444455556666:root", bucket: allowTo(account), want: allow},
		"the other account's root needs our bucket": {by: "arn:aws:iam::444455556666:root", want: deny},
		"a third account":                           {by: "arn:aws:iam::777788889999:user/eve", bucket: allowTo(account), identity: identity(mayRead), want: deny},
	})
}

// No identity policy can allow an anonymous caller, because it belongs to no account.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-policy-language-overview.html
func TestEvaluateAnonymousCallersAndServices(t *testing.T) {
	check(t, map[string]request{
		"anonymous by *":                          {by: nobody, bucket: allowTo(`"Principal":"*"`), want: allow},
		"anonymous by AWS *":                      {by: nobody, bucket: allowTo(`"Principal":{"AWS":"*"}`), want: allow},
		"anonymous by AWS list with *":            {by: nobody, bucket: allowTo(`"Principal":{"AWS":["*","` + alice + `"]}`), want: allow},
		"anonymous not by account":                {by: nobody, bucket: allowTo(`"Principal":{"AWS":"111122223333"}`), want: deny, wantBy: "no bucket policy allows s3:GetObject"},
		"anonymous without a bucket policy":       {by: nobody, want: deny},
		"anonymous has no identity policies":      {by: nobody, identity: identity(mayRead), want: deny},
		"anonymous is denied with everybody":      {by: nobody, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", `"Principal":"*"`)), want: deny},
		"service by name":                         {by: trail, bucket: allowTo(`"Principal":{"Service":"cloudtrail.amazonaws.com"}`), want: allow},
		"service by *":                            {by: trail, bucket: allowTo(`"Principal":"*"`), want: allow},
		"service among several":                   {by: trail, bucket: allowTo(`"Principal":{"Service":["logging.s3.amazonaws.com","cloudtrail.amazonaws.com"]}`), want: allow},
		"another service":                         {by: trail, bucket: allowTo(`"Principal":{"Service":"logging.s3.amazonaws.com"}`), want: deny},
		"service has no identity policies":        {by: trail, identity: identity(mayRead), want: deny},
		"service is denied with everybody":        {by: trail, bucket: statements(to("Allow", `"Principal":{"Service":"cloudtrail.amazonaws.com"}`), to("Deny", `"Principal":"*"`)), want: deny},
		"service of China":                        {by: "ec2.amazonaws.com.cn", bucket: allowTo(`"Principal":{"Service":"ec2.amazonaws.com.cn"}`), want: allow},
		"provider of identities":                  {by: "accounts.google.com", bucket: allowTo(`"Principal":{"Federated":"accounts.google.com"}`), want: allow},
		"SAML provider":                           {by: "arn:aws:iam::111122223333:saml-provider/corp", bucket: allowTo(`"Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"}`), want: allow},
		"a service by wildcard is not documented": {by: trail, bucket: allowTo(`"Principal":{"Service":"*"}`), want: undecided},
	})
}

// Sources: docs/facts.md, S3, and https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func TestEvaluateRootAlwaysGetsAtTheBucketPolicy(t *testing.T) {
	denyAll := statements(`{"Sid":"Nobody","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"]}`)
	check(t, map[string]request{
		"get":                      {by: root, action: "s3:GetBucketPolicy", on: bucket, bucket: denyAll, want: allow},
		"put":                      {by: root, action: "s3:PutBucketPolicy", on: bucket, bucket: denyAll, want: allow},
		"delete, in any case":      {by: root, action: "s3:deletebucketpolicy", on: bucket, bucket: denyAll, want: allow},
		"nothing else":             {by: root, action: "s3:DeleteBucket", on: bucket, bucket: denyAll, want: deny, wantBy: "bucket policy: Nobody"},
		"no other principal":       {by: alice, action: "s3:PutBucketPolicy", on: bucket, bucket: denyAll, identity: identity(mayRead), want: deny},
		"no other account's root":  {by: "arn:aws:iam::444455556666:root", action: "s3:PutBucketPolicy", on: bucket, bucket: denyAll, want: deny},
		"endpoint policies can":    {by: root, action: "s3:PutBucketPolicy", on: bucket, bucket: denyAll, endpoint: denyAll, want: deny, wantBy: "endpoint policy: Nobody"},
		"endpoint policies cannot": {by: root, action: "s3:PutBucketPolicy", on: bucket, bucket: denyAll, endpoint: statements(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`), want: allow},
	})
}

// https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html
func TestEvaluateEndpointPolicy(t *testing.T) {
	everyone := `"Principal":"*"`
	check(t, map[string]request{
		"allows":                               {by: alice, identity: identity(mayRead), endpoint: allowTo(everyone), want: allow},
		"does not allow":                       {by: alice, identity: identity(mayRead), endpoint: allowTo(`"Principal":{"AWS":"` + stranger + `"}`), want: deny, wantBy: "no statement of the endpoint policy allows s3:GetObject"},
		"denies":                               {by: alice, identity: identity(mayRead), endpoint: statements(to("Allow", everyone), to("Deny", everyone)), want: deny, wantBy: "endpoint policy: statement 2"},
		"alone grants nothing":                 {by: alice, endpoint: allowTo(everyone), want: deny},
		"limits anonymous callers":             {by: nobody, bucket: allowTo(everyone), endpoint: allowTo(`"Principal":{"AWS":"111122223333"}`), want: deny},
		"an account stands for its principals": {by: alice, identity: identity(mayRead), endpoint: allowTo(`"Principal":{"AWS":"111122223333"}`), want: allow},
		"limits even the root user":            {by: root, endpoint: allowTo(`"Principal":{"AWS":"` + stranger + `"}`), want: deny},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html#policies-grammar-notes
func TestEvaluateRefusesDocumentsOfTheWrongType(t *testing.T) {
	check(t, map[string]request{
		"identity policy with a principal":    {by: alice, identity: identity(allowTo(`"Principal":"*"`)), want: undecided},
		"identity policy with an Id":          {by: alice, identity: identity(`{"Id":"x","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`), want: undecided},
		"bucket policy without a principal":   {by: alice, bucket: mayRead, want: undecided, wantBy: "bucket policy: a statement without Principal"},
		"endpoint policy without one":         {by: alice, identity: identity(mayRead), endpoint: mayRead, want: undecided},
		"bucket policy half without one":      {by: alice, bucket: statements(to("Allow", `"Principal":"*"`), `{"Effect":"Deny","Action":"*","Resource":"*"}`), want: undecided},
		"even if the caller is denied anyway": {by: nobody, identity: identity(allowTo(`"Principal":"*"`)), want: undecided},
	})
}

func TestEvaluateRefusesRequestsItDoesNotUnderstand(t *testing.T) {
	for name, r := range map[string]iampolicy.Request{
		"a principal that is no ARN":     {Principal: "alice", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"a principal with a wildcard":    {Principal: "*", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"a group":                        {Principal: "arn:aws:iam::111122223333:group/g", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"a user without a name":          {Principal: "arn:aws:iam::111122223333:user/", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"a session without a role":       {Principal: "arn:aws:sts::111122223333:assumed-role/app", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"a root user with a name":        {Principal: "arn:aws:iam::111122223333:root/x", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"an account that is no number":   {Principal: "arn:aws:iam::1111:user/u", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"an ARN cut short":               {Principal: "arn:aws:iam", Action: "s3:GetObject", Resource: object, ResourceAccount: owner},
		"an action without a service":    {Principal: alice, Action: "GetObject", Resource: object, ResourceAccount: owner},
		"an action with a wildcard":      {Principal: alice, Action: "s3:Get*", Resource: object, ResourceAccount: owner},
		"no resource":                    {Principal: alice, Action: "s3:GetObject", ResourceAccount: owner},
		"no owner of the resource":       {Principal: alice, Action: "s3:GetObject", Resource: object},
		"a context key in two spellings": {Principal: alice, Action: "s3:GetObject", Resource: object, ResourceAccount: owner, Context: map[string][]string{"aws:x": {"1"}, "AWS:X": {"2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := iampolicy.Policies{Identity: []*iampolicy.Policy{mustParse(t, mayRead)}}
			if got := iampolicy.Evaluate(r, p); got.Effect != undecided || got.By == "" {
				t.Errorf("Evaluate(%+v) = %+v, want %q with a reason", r, got, undecided)
			}
		})
	}
}

func TestEvaluateFindsTheOwnerInTheResourcesARN(t *testing.T) {
	publish := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}`)
	topic := mustParse(t, `{"Version":"2012-10-17","Statement":{"Sid":"Speak","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"*"}}`)
	r := iampolicy.Request{Principal: alice, Action: "sns:Publish", Resource: "arn:aws:sns:eu-central-1:111122223333:alarms"}
	if got := iampolicy.Evaluate(r, iampolicy.Policies{Identity: []*iampolicy.Policy{publish}}); got.Effect != allow {
		t.Errorf("Evaluate(%+v) = %+v, want %q", r, got, allow)
	}
	got := iampolicy.Evaluate(r, iampolicy.Policies{Identity: []*iampolicy.Policy{publish}, Resource: topic})
	if want := "resource policy: Speak"; got.Effect != deny || got.By != want {
		t.Errorf("Evaluate(%+v) = %+v, want %q by %q", r, got, deny, want)
	}
}
