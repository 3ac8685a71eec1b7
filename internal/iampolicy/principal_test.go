package iampolicy_test

import "testing"

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html
func TestEvaluatePrincipal(t *testing.T) {
	aws := func(name string) string { return `"Principal":{"AWS":"` + name + `"}` }
	check(t, map[string]request{
		"user by ARN":                              {by: alice, bucket: allowTo(aws(alice)), want: allow},
		"user names are case-sensitive":            {by: alice, bucket: allowTo(aws("arn:aws:iam::111122223333:user/Alice")), want: deny},
		"user with a path":                         {by: "arn:aws:iam::111122223333:user/eng/bob", bucket: allowTo(aws("arn:aws:iam::111122223333:user/eng/bob")), want: allow},
		"another user":                             {by: alice, bucket: allowTo(aws("arn:aws:iam::111122223333:user/bob")), want: deny},
		"several principals are an or":             {by: alice, bucket: allowTo(`"Principal":{"AWS":["arn:aws:iam::111122223333:user/bob","` + alice + `"]}`), want: allow},
		"several types are an or":                  {by: alice, bucket: allowTo(`"Principal":{"Service":"ec2.amazonaws.com","AWS":"` + alice + `"}`), want: allow},
		"the own account only delegates":           {by: alice, bucket: allowTo(aws("111122223333")), want: deny},
		"its root user's ARN only delegates":       {by: alice, bucket: allowTo(aws(root)), want: deny},
		"delegation and an identity policy":        {by: alice, bucket: allowTo(aws(root)), identity: identity(mayRead), want: allow},
		"a Deny for the account hits its users":    {by: alice, bucket: denyTo(aws(root)), identity: identity(mayRead), want: deny},
		"a Deny for the account hits its roles":    {by: session, bucket: denyTo(aws("111122223333")), identity: identity(mayRead), want: deny},
		"a Deny for another account does not":      {by: alice, bucket: denyTo(aws("444455556666")), identity: identity(mayRead), want: allow},
		"a role covers its sessions":               {by: session, bucket: allowTo(aws(app)), want: allow},
		"a role with a path covers its sessions":   {by: session, bucket: allowTo(aws("arn:aws:iam::111122223333:role/service/app")), want: allow},
		"a role of another account does not":       {by: session, bucket: allowTo(aws("arn:aws:iam::444455556666:role/app")), want: deny},
		"another role does not":                    {by: session, bucket: allowTo(aws("arn:aws:iam::111122223333:role/apple")), want: deny},
		"a session by name":                        {by: session, bucket: allowTo(aws(session)), want: allow},
		"another session of the role":              {by: "arn:aws:sts::111122223333:assumed-role/app/other", bucket: allowTo(aws(session)), want: deny},
		"a role is not its session":                {by: app, bucket: allowTo(aws(session)), want: deny},
		"a federated user by ARN":                  {by: fedUser, bucket: allowTo(aws(fedUser)), want: allow},
		"a user is not a role of that name":        {by: "arn:aws:iam::111122223333:user/app", bucket: allowTo(aws(app)), want: deny},
		"a deleted user's id is nobody":            {by: alice, bucket: allowTo(aws("AIDAEXAMPLEDELETED0001")), want: deny},
		"a deleted role's id denies nobody":        {by: session, bucket: denyTo(aws("AROAEXAMPLEDELETED0001")), identity: identity(mayRead), want: allow},
		"a canonical user might be anybody's":      {by: stranger, bucket: allowTo(`"Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`), identity: identity(mayRead), want: undecided},
		"a canonical user is not anonymous":        {by: nobody, bucket: allowTo(`"Principal":{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}`), want: deny},
		"a canonical user beside a certain answer": {by: alice, bucket: allowTo(`"Principal":{"CanonicalUser":"79a5","AWS":"` + alice + `"}`), want: allow},
		"CloudFront's identity by name":            {by: origin, bucket: allowTo(aws(origin)), want: allow},
		"another identity of CloudFront":           {by: origin + "2", bucket: allowTo(aws(origin)), want: deny},
		"CloudFront's identity is everybody, too":  {by: origin, bucket: allowTo(`"Principal":"*"`), want: allow},
		"CloudFront's identity has no IAM policy":  {by: origin, identity: identity(mayRead), want: deny},
		"CloudFront's identity is denied":          {by: origin, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", aws(origin))), want: deny},
		"an account of another partition":          {by: "arn:aws-cn:iam::111122223333:user/alice", bucket: allowTo(aws("arn:aws-cn:iam::111122223333:root")), identity: identity(mayRead), want: allow},
		"an account's namesake in another one":     {by: stranger, bucket: allowTo(aws("arn:aws-cn:iam::444455556666:root")), identity: identity(mayRead), want: deny},
		"CloudFront's identity is not the account": {by: alice, bucket: allowTo(aws("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1")), want: deny},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
func TestEvaluateNotPrincipal(t *testing.T) {
	not := func(names string) string { return `"NotPrincipal":{"AWS":[` + names + `]}` }
	q := func(s string) string { return `"` + s + `"` }
	check(t, map[string]request{
		"spares a user named with its account":          {by: alice, bucket: denyTo(not(q(alice) + "," + q(root))), identity: identity(mayRead), want: allow},
		"spares by the account's id as well":            {by: alice, bucket: denyTo(not(q(alice) + "," + q(owner))), identity: identity(mayRead), want: allow},
		"does not say of a user without its account":    {by: alice, bucket: denyTo(not(q(alice))), identity: identity(mayRead), want: undecided},
		"does not say of an account's users":            {by: alice, bucket: denyTo(not(q(root))), identity: identity(mayRead), want: undecided},
		"does not say by the account's id":              {by: alice, bucket: denyTo(not(q(owner) + "," + q(stranger))), identity: identity(mayRead), want: undecided},
		"denies a role beside a user of the account":    {by: app, bucket: denyTo(not(q(alice) + "," + q(root))), identity: identity(mayRead), want: deny},
		"denies another session of a role":              {by: "arn:aws:sts::111122223333:assumed-role/app/other", bucket: denyTo(not(q(session) + "," + q(app) + "," + q(root))), identity: identity(mayRead), want: deny},
		"denies other users of the account":             {by: alice, bucket: denyTo(not(q("arn:aws:iam::111122223333:user/bob") + "," + q(root))), identity: identity(mayRead), want: deny},
		"denies others":                                 {by: stranger, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", not(q(alice)+","+q(root)))), identity: identity(mayRead), want: deny},
		"denies anonymous callers":                      {by: nobody, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", not(q(alice)+","+q(root)))), want: deny},
		"spares a session named with role and account":  {by: session, bucket: denyTo(not(q(session) + "," + q(app) + "," + q(root))), identity: identity(mayRead), want: allow},
		"does not say of a session without its role":    {by: session, bucket: denyTo(not(q(session) + "," + q(root))), identity: identity(mayRead), want: undecided},
		"does not say of a session without its account": {by: session, bucket: denyTo(not(q(session) + "," + q(app))), identity: identity(mayRead), want: undecided},
		"does not say of a role's sessions":             {by: session, bucket: denyTo(not(q(app) + "," + q(root))), identity: identity(mayRead), want: undecided},
		"spares the root user by the account":           {by: root, bucket: denyTo(not(q(root))), want: allow},
		"spares a service by name":                      {by: trail, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", `"NotPrincipal":{"Service":"cloudtrail.amazonaws.com"}`)), want: allow},
		"denies another service":                        {by: trail, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", `"NotPrincipal":{"Service":"ec2.amazonaws.com"}`)), want: deny},
		"of everybody denies nobody":                    {by: alice, bucket: denyTo(`"NotPrincipal":"*"`), identity: identity(mayRead), want: allow},
		"of AWS * denies nobody":                        {by: nobody, bucket: statements(to("Allow", `"Principal":"*"`), to("Deny", `"NotPrincipal":{"AWS":"*"}`)), want: allow},
		"of a deleted role denies everybody":            {by: session, bucket: denyTo(not(q("AROAEXAMPLEDELETED0001"))), identity: identity(mayRead), want: deny},
		"with Allow allows everybody else":              {by: nobody, bucket: allowTo(not(q(alice))), want: allow},
		"with Allow does not allow the one":             {by: alice, bucket: allowTo(not(q(alice))), want: deny},
		"with Allow does not allow the account's users": {by: alice, bucket: allowTo(not(q(root))), want: deny},
		"of a canonical user cannot be decided":         {by: alice, bucket: denyTo(`"NotPrincipal":{"CanonicalUser":"79a5"}`), identity: identity(mayRead), want: undecided},
		"denies a session alone when it is another's":   {by: session, bucket: denyTo(not(q("arn:aws:sts::444455556666:assumed-role/app/i-0123"))), identity: identity(mayRead), want: deny},
		"in an endpoint policy":                         {by: alice, identity: identity(mayRead), endpoint: statements(to("Allow", `"Principal":"*"`), to("Deny", not(q(alice)))), want: undecided},
	})
}
