package iampolicy_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards
func TestWildcardsInResources(t *testing.T) {
	const vpce = "arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/vpce-1"
	on := func(pattern, resource string, want iampolicy.Effect) request {
		return request{by: alice, action: "x:Get", on: resource, want: want,
			identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"` + pattern + `"}}`)}
	}
	check(t, map[string]request{
		"everything":                     on("*", vpce, allow),
		"at the end of the resource":     on("arn:aws:s3:::docs/*", object, allow),
		"inside the resource":            on("arn:aws:s3:::d*s/t?ankyou.txt", object, allow),
		"over colons of a key":           on("arn:aws:s3:::docs/a*c?d", "arn:aws:s3:::docs/a:b:c:d", allow),
		"inside a part":                  on("arn:aws:ec2:eu-*-1:*:vpc-endpoint/*", vpce, allow),
		"one character of a part":        on("arn:aws:ec2:eu-central-?:111122223333:vpc-endpoint/*", vpce, allow),
		"parts that are left out":        on("arn:aws:ec2:*", vpce, allow),
		"parts in the middle":            on("arn:aws:ec2:*:vpc-endpoint/*", vpce, allow),
		"inside and over parts":          on("arn:aws:ec2:eu-*-1:*", vpce, allow),
		"everything after the partition": on("arn:aws:*", "arn:aws:s3:::docs", undecided),
		"everything after arn":           on("arn:*", vpce, allow),
		"inside the service":             on("arn:aws:s*3:::docs/*", object, undecided),
		"for the service":                on("arn:aws:*:::docs/*", object, undecided),
		"a character of the service":     on("arn:aws:s?:::docs/*", object, undecided),
		"from the service into the name": on("arn:aws:s*ocs/*", object, undecided),
		"from a part into the next":      on("arn:aws:ec2:eu*3:vpc-endpoint/*", vpce, undecided),
		"a character for a colon":        on("arn:aws:s3??:docs/*", object, undecided),
		"no match at all":                on("arn:aws:s*vil/*", object, deny),
		"another region":                 on("arn:aws:ec2:us-*-1:*", vpce, deny),
	})
}

// A Deny whose wildcard may match nothing does not count as closed; an Allow with such a wildcard counts as open.
func TestJudgeTrustsNoDoubtfulWildcard(t *testing.T) {
	evil := `{"Sid":"Added","Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::evil/*"}`
	denying := func(resource string) string {
		return statements(tenants, packages, evil, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"`+resource+`"}`)
	}
	checkJudge(t, desiredEndpoint, forbiddenThroughEndpoint, map[string]judged{
		"denied":                        closed(denying("arn:aws:s3:::evil/*")),
		"denied beyond the region":      closed(denying("arn:aws:s3:*")),
		"denied in services":            open(denying("arn:aws:s*:::evil/*"), "cannot be shown to be closed: Added allows s3:PutObject on arn:aws:s3:::evil/*"),
		"denied over colons":            open(denying("arn:aws:s*vil/*"), "cannot be shown to be closed: Added"),
		"denied by a colon's character": open(denying("arn:aws:s3??:evil/*"), "cannot be shown to be closed: Added"),
		"allowed in services":           open(strings.Replace(desiredEndpoint, `"arn:aws:s3:::docs"`, `"arn:aws:s*:::other"`, 1), "cannot be shown to be closed"),
	})
	checkJudge(t, desiredBucket, forbiddenOnBucket, map[string]judged{
		"the objects of services":   open(strings.Replace(desiredBucket, `"arn:aws:s3:::docs/*"`, `"arn:aws:s?:::docs/*"`, 1), "does not hold"),
		"all but those of services": open(strings.Replace(desiredBucket, `["s3:*"],"Resource":"arn:aws:s3:::docs/*"`, `["s3:*"],"NotResource":"arn:aws:s?:::other/*"`, 1), "does not hold"),
	})
}

func TestCaseIsFoldedInASCIIOnly(t *testing.T) {
	ignoring := func(policy string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"S3:GETOBJECT","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"AWS:PrincipalTag/Team":"` + policy + `"}}}}`
	}
	tagged := func(value string) map[string][]string { return map[string][]string{"aws:principaltag/TEAM": {value}} }
	check(t, map[string]request{
		"ASCII":                               {by: alice, context: tagged("kIlO"), identity: identity(ignoring("KiLo")), want: allow},
		"the same letters":                    {by: alice, context: tagged("Straße"), identity: identity(ignoring("sTRAßE")), want: allow},
		"a Kelvin sign in values":             {by: alice, context: tagged("\u212Aeys"), identity: identity(ignoring("keys")), want: undecided},
		"letters of another case":             {by: alice, context: tagged("ÉTÉ"), identity: identity(ignoring("été")), want: undecided},
		"other letters":                       {by: alice, context: tagged("ÉTÉ"), identity: identity(ignoring("hiver")), want: deny},
		"a Kelvin sign in a request's action": {by: alice, action: "s3:ListBuc\u212Aet", identity: identity(fullIdentity), want: undecided},
		"a dotted I in a request's key":       {by: alice, context: map[string][]string{"aws:Source\u0130p": {"x"}}, identity: identity(fullIdentity), want: undecided},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
func TestSidsMayRepeatWhereS3StoresThem(t *testing.T) {
	twice := statements(`{"Sid":"S","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}`, `{"Sid":"S","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"*"}`)
	own := strings.ReplaceAll(twice, `"Principal":"*",`, "")
	check(t, map[string]request{
		"in a bucket policy, both count":    {by: nobody, bucket: twice, want: deny, wantBy: "bucket policy: S"},
		"in a bucket policy, the first":     {by: nobody, action: "s3:PutObject", bucket: twice, want: allow, wantBy: "bucket policy: S"},
		"in an endpoint policy":             {by: alice, endpoint: twice, identity: identity(mayRead), want: deny, wantBy: "endpoint policy: S"},
		"in an identity policy":             {by: alice, identity: identity(mayRead, own), want: undecided, wantBy: `identity policy 2: the Sid "S" is given twice`},
		"none at all in an identity policy": {by: alice, identity: identity(strings.ReplaceAll(own, `"Sid":"S",`, "")), want: deny},
	})
}

// A session's ARN does not contain the path of its role.
func TestRolesWithPaths(t *testing.T) {
	const sso = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ana@example.com"
	const linked = "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForExample/x"
	const hint = "bucket policy: D: depends on the role's path, which its session's ARN lacks: give the role's ARN as aws:PrincipalArn in the context"
	const inside = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/"
	but := func(operator, arn string) string {
		return statements(`{"Sid":"D","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"` + operator + `":{"aws:PrincipalArn":"` + arn + `"}}}`)
	}
	given := map[string][]string{"aws:PrincipalArn": {inside + "eu-central-1/AWSReservedSSO_Admin_0123456789abcdef"}}
	all := identity(fullIdentity)
	check(t, map[string]request{
		"in any Region but one":        {by: sso, bucket: but("ArnNotLike", inside+"*/AWSReservedSSO_Admin_*"), identity: all, want: undecided, wantBy: hint},
		"in one Region":                {by: sso, bucket: but("ArnNotEquals", inside+"eu-central-1/AWSReservedSSO_Admin_0123456789abcdef"), identity: all, want: undecided, wantBy: hint},
		"by StringNotEquals":           {by: sso, bucket: but("StringNotEquals", inside+"AWSReservedSSO_Admin_0123456789abcdef"), identity: all, want: undecided, wantBy: hint},
		"by StringNotEqualsIgnoreCase": {by: sso, bucket: but("StringNotEqualsIgnoreCase", inside+"awsreservedsso_Admin_0123456789abcdef"), identity: all, want: undecided, wantBy: hint},
		"by a variable":                {by: sso, bucket: statements(`{"Sid":"D","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/${aws:PrincipalArn}/*"}`), identity: all, want: undecided},
		"in every Region":              {by: sso, bucket: but("ArnNotLike", inside+"*AWSReservedSSO_Admin_*"), identity: all, want: allow},
		"of every role":                {by: sso, bucket: but("ArnNotLike", "arn:aws:iam::111122223333:role/*"), identity: all, want: allow},
		"of another permission set":    {by: sso, bucket: but("ArnNotLike", inside+"*AWSReservedSSO_Audit_*"), identity: all, want: deny},
		"of another account":           {by: sso, bucket: but("ArnNotLike", strings.Replace(inside, "1111", "2222", 1)+"*"), identity: all, want: deny},
		"a role without the path":      {by: sso, bucket: but("ArnNotLike", "arn:aws:iam::111122223333:role/AWSReservedSSO_Admin_0123456789abcdef"), identity: all, want: deny},
		"with the role's ARN":          {by: sso, context: given, bucket: but("ArnNotLike", inside+"*/AWSReservedSSO_Admin_*"), identity: all, want: allow},
		"denied by the role's ARN":     {by: sso, context: given, bucket: but("ArnNotEquals", inside+"AWSReservedSSO_Admin_0123456789abcdef"), identity: all, want: deny},
		"named in the Principal":       {by: sso, bucket: allowTo(`"Principal":{"AWS":"` + inside + `eu-central-1/AWSReservedSSO_Admin_0123456789abcdef"}`), want: allow},
		"a service-linked role":        {by: linked, bucket: but("ArnNotLike", "arn:aws:iam::111122223333:role/aws-service-role/example.amazonaws.com/*"), identity: all, want: undecided, wantBy: hint},
		"a role that may have a path":  {by: session, bucket: but("ArnNotEquals", "arn:aws:iam::111122223333:role/team/app"), identity: all, want: undecided, wantBy: hint},
		"a role that has none here":    {by: session, bucket: but("ArnNotEquals", app), identity: all, want: allow},
		"a role of another name":       {by: session, bucket: but("ArnNotEquals", "arn:aws:iam::111122223333:role/team/apple"), identity: all, want: deny},
		"a role that is no session":    {by: app, bucket: but("ArnNotEquals", "arn:aws:iam::111122223333:role/team/app"), identity: all, want: deny},
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html
func TestAssumedRoot(t *testing.T) {
	const assumed = "arn:aws:sts::111122223333:assumed-root"
	locked := statements(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)
	task := identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:DeleteBucketPolicy","Resource":"*"}}`)
	check(t, map[string]request{
		"deletes a policy that denies all":    {by: assumed, action: "s3:DeleteBucketPolicy", on: bucket, bucket: locked, identity: task, want: allow},
		"no more than its task policy":        {by: assumed, action: "s3:PutBucketPolicy", on: bucket, bucket: locked, identity: task, want: deny},
		"may get at the policy":               {by: assumed, action: "s3:PutBucketPolicy", on: bucket, bucket: locked, want: allow},
		"not what the bucket's policy denies": {by: assumed, bucket: locked, want: deny},
		"without its task policy":             {by: assumed, want: undecided},
		"another account's":                   {by: assumed, action: "s3:DeleteBucketPolicy", on: bucket, bucket: strings.Replace(locked, "Deny", "Allow", 1), identity: identity(mayRead), want: allow},
		"is the root user to conditions":      {by: assumed, action: "s3:GetBucketPolicy", on: bucket, endpoint: statements(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + root + `"},"Bool":{"aws:AssumedRoot":"true"}}}`), want: allow},
		"the root user is none":               {by: root, action: "s3:GetBucketPolicy", on: bucket, endpoint: statements(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:AssumedRoot":"true"}}}`), want: deny},
	})
}

func TestParseIdentityRefusesWhatIAMRefuses(t *testing.T) {
	const read = `{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	for document, want := range map[string]string{
		mayRead:                    "",
		allowTo(`"Principal":"*"`): "it has an Id or a Principal",
		strings.Replace(mayRead, `"Version"`, `"Id":"x","Version"`, 1): "it has an Id or a Principal",
		statements(read, read): `the Sid "S" is given twice`,
		"{}":                   "no Statement",
	} {
		if _, err := iampolicy.ParseIdentity([]byte(document)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("ParseIdentity(%s) = %v, want %q", document, err, want)
		}
	}
}
