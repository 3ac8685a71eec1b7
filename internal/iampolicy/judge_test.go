package iampolicy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// docs is the setting of the tests, with all roles.
var docs = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs",
	EndpointID: "vpce-0123456789abcdef0", VPCID: "vpc-0123456789abcdef0",
	Workload: app, ProbeRole: "arn:aws:iam::111122223333:role/probe", Teardown: "arn:aws:iam::111122223333:role/teardown",
	Guard: "arn:aws:iam::111122223333:role/guard",
}

// The desired policies of the tests, as docs/design.md describes them.
const (
	plainHTTP = `{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"],
		"Condition":{"BoolIfExists":{"aws:SecureTransport":"false"}}}`
	objectsOutside = `{"Sid":"DenyObjectsOutsideEndpoint","Effect":"Deny","Principal":"*",
		"NotAction":["s3:DeleteObject","s3:DeleteObjectVersion","s3:AbortMultipartUpload"],"Resource":"arn:aws:s3:::docs/*",
		"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}}`
	deletingOutside = `{"Sid":"DenyDeletingOutsideEndpoint","Effect":"Deny","Principal":"*",
		"Action":["s3:DeleteObject","s3:DeleteObjectVersion","s3:AbortMultipartUpload"],"Resource":"arn:aws:s3:::docs/*",
		"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"},"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/teardown"}}}`
	listingOutside = `{"Sid":"DenyListingOutsideEndpoint","Effect":"Deny","Principal":"*","Action":"s3:ListBucket*","Resource":"arn:aws:s3:::docs",
		"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"},"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/teardown"}}}`
	strangers = `{"Sid":"DenyStrangers","Effect":"Deny","Principal":"*","Action":["s3:*"],"Resource":"arn:aws:s3:::docs/*",
		"Condition":{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app","arn:aws:iam::111122223333:role/probe","arn:aws:iam::111122223333:role/teardown"]}}}`
	listingStrangers = `{"Sid":"DenyListingToStrangers","Effect":"Deny","Principal":"*","Action":["s3:ListBucket*"],"Resource":"arn:aws:s3:::docs",
		"Condition":{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app","arn:aws:iam::111122223333:role/probe","arn:aws:iam::111122223333:role/teardown"]}}}`

	tenants = `{"Sid":"AllowWorkload","Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject","s3:ListBucket"],
		"Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"],
		"Condition":{"StringEquals":{"aws:SourceVpc":"vpc-0123456789abcdef0","aws:ResourceAccount":"111122223333","aws:PrincipalAccount":"111122223333"},
		"ArnEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app","arn:aws:iam::111122223333:role/probe"]}}}`
	packages   = `{"Sid":"AllowAmazonLinuxRepositories","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/*"}`
	fullAccess = `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
)

var (
	desiredBucket            = statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers)
	desiredEndpoint          = statements(tenants, packages)
	forbiddenOnBucket        = iampolicy.ForbiddenOnBucket(docs)
	forbiddenThroughEndpoint = iampolicy.ForbiddenThroughEndpoint(docs)
)

// articleBucket and articleEndpoint are the policies of the article on which this project is based.
var (
	articleBucket = `{"Version":"2012-10-17","Id":"Policy1415115909153","Statement":[
		{"Sid":"Access-only-from-SimpleAWSVPC","Effect":"Deny","Principal":"*","Action":["s3:PutObject","s3:GetObject"],
		 "Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"],"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}},
		{"Sid":"Access-from-everywhere","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"]}]}`
	articleEndpoint = statements(`{"Sid":"AllowAccessToSpecificBucket","Principal":"*","Action":"s3:*","Effect":"Allow",
		"Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"],"Condition":{"StringEquals":{"aws:sourceVpc":"vpc-0123456789abcdef0"}}}`)
)

// judged is a live document and the expected verdict; for open ones, allowed is a part of the expected reason.
type judged struct {
	live    string
	verdict iampolicy.Verdict
	allowed string
}

func same(live string) judged          { return judged{live, iampolicy.Same, ""} }
func closed(live string) judged        { return judged{live, iampolicy.Closed, ""} }
func open(live, allowed string) judged { return judged{live, iampolicy.Open, allowed} }

func checkJudge(t *testing.T, desired string, forbidden []iampolicy.ForbiddenRequest, cases map[string]judged) {
	t.Helper()
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := iampolicy.Judge([]byte(desired), []byte(c.live), listed(forbidden))
			if got.Verdict != c.verdict || !strings.Contains(got.Allowed, c.allowed) || (got.Allowed != "") != (c.verdict == iampolicy.Open) {
				t.Errorf("Judge(desired, %s) = %s (%s), want %s (%s)", c.live, got.Verdict, got.Allowed, c.verdict, c.allowed)
			}
		})
	}
}

// replaced returns the desired bucket policy with one text replaced, once.
func replaced(t *testing.T, document, old, replacement string) string {
	t.Helper()
	if !strings.Contains(document, old) {
		t.Fatalf("no %s in %s", old, document)
	}
	return strings.Replace(document, old, replacement, 1)
}

func TestJudgeBucketPolicy(t *testing.T) {
	swap := func(old, replacement string) string { return replaced(t, desiredBucket, old, replacement) }
	deny := func(rest string) string {
		return `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"` + rest + `}`
	}
	checkJudge(t, desiredBucket, forbiddenOnBucket, map[string]judged{
		"untouched":             same(desiredBucket),
		"reordered":             same(statements(listingStrangers, strangers, listingOutside, deletingOutside, objectsOutside, plainHTTP)),
		"as S3 stores it":       same(strings.NewReplacer(`["s3:*"]`, `"s3:*"`, `"Principal":"*"`, `"Principal":{"AWS":"*"}`).Replace(desiredBucket)),
		"a Deny more":           closed(statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers, deny(""))),
		"a Deny more, for some": closed(statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers, deny(`,"Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}`))),
		"a Sid twice":           closed(statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers, `{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}`)),
		"another Sid":           closed(swap("DenyPlainHTTP", "Renamed")),
		"an Id":                 closed(swap(`"Version"`, `"Id":"x","Version"`)),
		"the old version":       closed(swap("2012-10-17", "2008-10-17")),
		"an Allow that Denies cover": closed(statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers,
			`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`)),
		"Bool for BoolIfExists":              open(swap("BoolIfExists", "Bool"), `cannot be shown to be closed: DenyPlainHTTP does not hold for s3:* on arn:aws:s3:::docs: DenyPlainHTTP depends on Bool aws:SecureTransport "false"`),
		"the article's":                      open(articleBucket, "anonymous caller from the internet: s3:"),
		"deleted":                            open("", "administrator of the account from the internet: s3:GetObject on arn:aws:s3:::docs/thankyou.txt is allowed"),
		"not JSON":                           open("{", "cannot be judged"),
		"an unknown element":                 open(swap(`"Sid"`, `"Comment":"","Sid"`), "unknown element"),
		"an identity policy":                 open(mayRead, "a statement without Principal"),
		"NotPrincipal of everybody":          open(strings.ReplaceAll(desiredBucket, `"Principal"`, `"NotPrincipal"`), "administrator of the account"),
		"without a statement":                open(statements(plainHTTP, deletingOutside, listingOutside, strangers, listingStrangers), "workload from the internet"),
		"plain HTTP":                         open(statements(objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers), "over plain HTTP"),
		"strangers through ours":             open(statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, listingStrangers), "through the endpoint"),
		"listing":                            open(statements(plainHTTP, objectsOutside, deletingOutside, strangers, listingStrangers), "s3:ListBucket"),
		"another endpoint":                   open(swap("vpce-0123456789abcdef0", "vpce-0fedcba9876543210"), `depends on StringNotEquals aws:SourceVpce "vpce-0fedcba9876543210"`),
		"one more endpoint":                  open(swap(`"vpce-0123456789abcdef0"`, `["vpce-0123456789abcdef0","vpce-0fedcba9876543210"]`), `cannot be shown to be closed: DenyObjectsOutsideEndpoint does not hold for s3:* on arn:aws:s3:::docs/*: DenyObjectsOutsideEndpoint depends on StringNotEquals aws:SourceVpce ["vpce-0123456789abcdef0","vpce-0fedcba9876543210"]`),
		"every endpoint":                     open(strings.ReplaceAll(desiredBucket, `"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}`, `"StringNotLike":{"aws:SourceVpce":"vpce-*"}`), "through an endpoint of another VPC"),
		"the VPC, not the endpoint":          open(strings.ReplaceAll(desiredBucket, `{"aws:SourceVpce":"vpce-0123456789abcdef0"}`, `{"aws:SourceVpc":"vpc-0123456789abcdef0"}`), "another endpoint of the same VPC"),
		"only reading is denied":             open(replaced(t, desiredBucket, `["s3:*"]`, `["s3:Get*"]`), "is allowed"),
		"one more role":                      open(strings.ReplaceAll(desiredBucket, `role/app"`, `role/app","arn:aws:iam::111122223333:role/other"`), "arn:aws:iam::111122223333:role/other"),
		"a foreign role":                     open(strings.ReplaceAll(desiredBucket, `role/app"`, `role/app","arn:aws:iam::999900001111:role/evil"`), "arn:aws:iam::999900001111:role/evil"),
		"every role":                         open(strings.ReplaceAll(desiredBucket, `role/app"`, `*"`), "administrator of the account through the endpoint: s3:GetObject"),
		"configuration for anybody":          open(swap(`"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::docs"},`), "anonymous caller from the internet: s3:PutBucketPolicy"),
		"configuration for one account":      open(swap(`"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":{"AWS":"999900001111"},"Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::docs"},`), "cannot be shown to be closed: statement 1 allows s3:PutBucketPolicy on arn:aws:s3:::docs, which the desired document does not"),
		"configuration for a service":        open(swap(`"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":{"Service":"evil.amazonaws.com"},"Action":"s3:PutBucketAcl","Resource":"arn:aws:s3:::docs"},`), "cannot be shown to be closed: statement 1 allows s3:PutBucketAcl on arn:aws:s3:::docs"),
		"configuration for a canonical user": open(swap(`"Statement":[`, `"Statement":[{"Effect":"Allow","Principal":{"CanonicalUser":"79a5"},"Action":"s3:PutBucketAcl","Resource":"arn:aws:s3:::docs"},`), "cannot be shown to be closed: statement 1"),
	})
}

// The live document allows a principal or resource that the set of forbidden requests does not contain.
func TestJudgeFindsExceptions(t *testing.T) {
	except := func(condition string) string {
		return replaced(t, desiredBucket, `{"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app"`, `{`+condition+`,"ArnNotEquals":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/app"`)
	}
	checkJudge(t, desiredBucket, forbiddenOnBucket, map[string]judged{
		"for a user agent":                  open(except(`"StringNotLikeIfExists":{"aws:UserAgent":"*backdoor*"}`), `DenyStrangers depends on StringNotLikeIfExists aws:UserAgent "*backdoor*"`),
		"for an address":                    open(except(`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), "NotIpAddress aws:SourceIp"),
		"for addresses of a range":          open(except(`"NotIpAddressIfExists":{"aws:VpcSourceIp":"2001:db8:1::/48"}`), "NotIpAddressIfExists aws:VpcSourceIp"),
		"for an organisation":               open(except(`"StringNotEqualsIgnoreCase":{"aws:PrincipalOrgID":"o-Evil"}`), "StringNotEqualsIgnoreCase aws:PrincipalOrgID"),
		"for a tag":                         open(except(`"StringNotEquals":{"aws:PrincipalTag/Friend":"yes"}`), "StringNotEquals aws:principaltag/friend"),
		"for calls by services":             open(except(`"BoolIfExists":{"aws:ViaAWSService":"false"}`), "BoolIfExists aws:ViaAWSService"),
		"for services":                      open(except(`"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}`), "BoolIfExists aws:PrincipalIsAWSService"),
		"for those with a token":            open(except(`"Null":{"aws:TokenIssueTime":"true"}`), "Null aws:TokenIssueTime"),
		"for those without one":             open(except(`"Null":{"aws:TokenIssueTime":"false"}`), "is allowed"),
		"for a time":                        open(except(`"DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`), "is allowed"),
		"for a time, if known":              open(except(`"DateLessThanIfExists":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}`), "DateLessThanIfExists aws:CurrentTime"),
		"for short listings":                open(except(`"NumericGreaterThanIfExists":{"s3:max-keys":"10"}`), "s3:max-keys"),
		"for other tags":                    open(except(`"ForAllValues:StringEquals":{"aws:TagKeys":"x"}`), "aws:TagKeys"),
		"for a secret":                      open(except(`"BinaryEqualsIfExists":{"aws:Secret":"QQ=="}`), "aws:secret"),
		"for a resource":                    open(replaced(t, desiredBucket, `["s3:*"],"Resource":"arn:aws:s3:::docs/*"`, `["s3:*"],"NotResource":"arn:aws:s3:::docs/public/*"`), "DenyStrangers leaves some of it out"),
		"for all but some resources":        open(replaced(t, desiredBucket, `["s3:*"],"Resource":"arn:aws:s3:::docs/*"`, `["s3:*"],"Resource":["arn:aws:s3:::docs/t*"]`), "DenyStrangers leaves some of it out"),
		"for whoever a variable names":      open(replaced(t, desiredBucket, `["s3:*"],"Resource":"arn:aws:s3:::docs/*"`, `["s3:*"],"Resource":["arn:aws:s3:::docs/*${aws:username}"]`), "is allowed"),
		"by NotPrincipal":                   open(strings.ReplaceAll(desiredBucket, `"Principal":"*","Action":["s3`, `"NotPrincipal":{"AWS":["arn:aws:iam::111122223333:user/evil","111122223333"]},"Action":["s3`), "root user of the account through the endpoint: s3:GetObject on arn:aws:s3:::docs/thankyou.txt is allowed (nothing denies it)"),
		"by NotPrincipal, perhaps":          open(strings.ReplaceAll(desiredBucket, `"Principal":"*","Action":["s3`, `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/evil"},"Action":["s3`), "DenyStrangers is not about everybody"),
		"by NotPrincipal of a deleted role": open(replaced(t, desiredBucket, `"Principal":"*","Action":["s3:*"]`, `"NotPrincipal":{"AWS":"AROAEXAMPLEDELETED0001"},"Action":["s3:*"]`), "DenyStrangers is not about everybody"),
	})
}

func TestJudgeEndpointPolicy(t *testing.T) {
	swap := func(old, replacement string) string { return replaced(t, desiredEndpoint, old, replacement) }
	add := func(statement string) string { return statements(tenants, packages, statement) }
	checkJudge(t, desiredEndpoint, forbiddenThroughEndpoint, map[string]judged{
		"untouched":                same(desiredEndpoint),
		"without packages":         closed(statements(tenants)),
		"without the workload":     closed(statements(packages)),
		"more for the workload":    closed(swap(`"s3:ListBucket"]`, `"s3:ListBucket","s3:DeleteObject"]`)),
		"the default":              open(fullAccess, "anonymous caller through the endpoint: "),
		"none":                     open("", "is allowed (nothing denies it)"),
		"the article's":            open(articleEndpoint, "through the endpoint: "),
		"foreign buckets":          open(add(`{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::somebody-*/*"}`), "somebody-elses-bucket"),
		"one foreign bucket":       open(add(`{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::evil/*"}`), "statement 3 allows s3:PutObject on arn:aws:s3:::evil/*, which the desired document does not"),
		"listing a foreign bucket": open(add(`{"Effect":"Allow","Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::evil"}`), "s3:ListBucket on arn:aws:s3:::evil"),
		"writing packages":         open(swap(`"Action":"s3:GetObject","Resource":"arn:aws:s3:::al2023`, `"Action":"s3:*Object","Resource":"arn:aws:s3:::al2023`), "s3:PutObject on arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/thankyou.txt is allowed (endpoint policy: AllowAmazonLinuxRepositories)"),
		"the bucket of a namesake": open(swap(`"aws:ResourceAccount":"111122223333",`, ``), "is allowed"),
		"any principal":            open(swap(`"ArnEquals"`, `"ArnEqualsIfExists"`), "AllowWorkload allows s3:GetObject on arn:aws:s3:::docs without ArnEquals aws:PrincipalArn"),
		"any VPC":                  open(swap(`"aws:SourceVpc":"vpc-0123456789abcdef0",`, ``), "from another VPC"),
		"an account by name":       open(add(`{"Effect":"Allow","Principal":{"AWS":"999900001111"},"Action":"s3:*","Resource":"*"}`), "statement 3 allows s3:* on *"),
	})
}

func TestJudgeWithADesiredPolicyThatIsNone(t *testing.T) {
	for _, desired := range []string{"", "{", `{"Statement":{"Effect":"Deny"}}`} {
		got := iampolicy.Judge([]byte(desired), []byte(desiredBucket), listed(forbiddenOnBucket))
		if got.Verdict != iampolicy.Open || !strings.Contains(got.Allowed, "desired document cannot be judged") {
			t.Errorf("Judge(%s, live) = %+v, want open, because it cannot be judged", desired, got)
		}
	}
}

func TestJudgeListsWhatDiffers(t *testing.T) {
	live := statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, `{"Sid":"Me","Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::docs/*"}`)
	want := []iampolicy.Change{
		{Removed: true, Sid: "DenyListingToStrangers", Statement: mustParse(t, statements(listingStrangers)).String()},
		{Sid: "Me", Statement: `{"Sid":"Me","Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::docs/*"}`},
	}
	want[0].Statement = strings.TrimSuffix(strings.TrimPrefix(want[0].Statement, `{"Version":"2012-10-17","Statement":[`), `]}`)
	got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket))
	if diff := cmp.Diff(want, got.Diff); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
	if got := iampolicy.Judge([]byte(desiredBucket), nil, listed(forbiddenOnBucket)).Diff; len(got) != 6 {
		t.Errorf("Diff of no policy lists %d statements, want all 6 desired ones", len(got))
	}
}

func TestJudgeTakesForbiddenRequestsOfOthers(t *testing.T) {
	const name = "Mine here: s3:GetObject on " + object
	desired, live := statements(strangers), strings.Replace(statements(strangers), "DenyStrangers", "Renamed", 1)
	for principal, want := range map[string]string{alice: "", app: name + " is allowed (nothing denies it)", "nonsense": "cannot be shown to be closed: by the desired document, too, " + name + ` cannot be judged: no principal: "nonsense"`} {
		request := iampolicy.Forbid(iampolicy.Standpoint{Caller: "Mine", Path: "here", Principal: principal}, "s3:GetObject", object, owner)
		got := iampolicy.Judge([]byte(desired), []byte(live), listed([]iampolicy.ForbiddenRequest{request}))
		if got.Allowed != want || (got.Verdict == iampolicy.Closed) != (want == "") {
			t.Errorf("Judge with a request by %s = %s (%s), want %q", principal, got.Verdict, got.Allowed, want)
		}
	}
}

func TestAllowed(t *testing.T) {
	if got := iampolicy.Allowed([]byte(desiredBucket), forbiddenOnBucket); got != "" {
		t.Errorf("Allowed(desired) = %s, want no allowed request", got)
	}
	if got := iampolicy.Allowed([]byte(desiredEndpoint), forbiddenThroughEndpoint); got != "" {
		t.Errorf("Allowed(desired) = %s, want no allowed request", got)
	}
	if got, want := iampolicy.Allowed([]byte(articleBucket), forbiddenOnBucket), "Access-from-everywhere"; !strings.Contains(got, want) {
		t.Errorf("Allowed(article) = %s, want a request that %s allows", got, want)
	}
	if got, want := iampolicy.Allowed([]byte(mayRead), forbiddenOnBucket), "cannot be judged"; !strings.Contains(got, want) {
		t.Errorf("Allowed(identity policy) = %s, want %s", got, want)
	}
}

// Judge groups forbidden requests and shares work between them; here Evaluate decides each forbidden request separately.
func TestJudgeAgreesWithEvaluate(t *testing.T) {
	everything := mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	anybody := mustParse(t, fullAccess)
	for name, c := range map[string]struct {
		document  string
		forbidden []iampolicy.ForbiddenRequest
	}{
		"desired bucket policy":   {desiredBucket, forbiddenOnBucket},
		"article's bucket policy": {articleBucket, forbiddenOnBucket},
		"half a bucket policy":    {statements(objectsOutside, strangers), forbiddenOnBucket},
		"variables":               {statements(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/${aws:PrincipalAccount}*"}`, listingStrangers), forbiddenOnBucket},
		"desired endpoint policy": {desiredEndpoint, forbiddenThroughEndpoint},
		"article's endpoint":      {articleEndpoint, forbiddenThroughEndpoint},
		"default endpoint":        {fullAccess, forbiddenThroughEndpoint},
	} {
		t.Run(name, func(t *testing.T) {
			document := mustParse(t, c.document)
			for _, p := range c.forbidden {
				policies := iampolicy.Policies{Identity: []*iampolicy.Policy{everything}, Resource: document}
				if p.OfEndpoint() {
					policies.Resource, policies.Endpoint = anybody, document
				}
				want := iampolicy.Evaluate(p.Request(), policies).Effect == iampolicy.Deny
				got := iampolicy.Allowed([]byte(c.document), []iampolicy.ForbiddenRequest{p}) == ""
				if got != want {
					t.Fatalf("%s: denied by Judge %t, by Evaluate %t", p.Name(), got, want)
				}
			}
		})
	}
}

func TestForbiddenRequestsHaveReadableNames(t *testing.T) {
	if got, want := forbiddenOnBucket[0].Name(), "anonymous caller from the internet: s3:GetObject on arn:aws:s3:::docs/thankyou.txt"; got != want {
		t.Errorf("first forbidden request = %s, want %s", got, want)
	}
	seen := map[string]bool{}
	for _, p := range append(iampolicy.ForbiddenOnBucket(docs), iampolicy.ForbiddenThroughEndpoint(docs)...) {
		key := fmt.Sprint(p.OfEndpoint(), p.Request().ResourceAccount, p.Name())
		if seen[key] {
			t.Errorf("request %s is there twice", p.Name())
		}
		seen[key] = true
	}
}

// The forbidden requests must not contain requests that the design permits.
func TestForbiddenRequestsLeaveOutWhatIsPermitted(t *testing.T) {
	for _, p := range forbiddenOnBucket {
		switch {
		case strings.HasPrefix(p.Name(), "workload through the endpoint:"), strings.HasPrefix(p.Name(), "probe through the endpoint:"),
			strings.HasPrefix(p.Name(), "teardown from the internet: s3:DeleteObject on"), strings.HasPrefix(p.Name(), "teardown from the internet: s3:ListBucket"),
			strings.HasPrefix(p.Name(), "administrator of the account from the internet: s3:PutBucketPolicy"), strings.HasPrefix(p.Name(), "guard from the internet: s3:GetBucketPolicy"):
			t.Errorf("request %s, but that is permitted", p.Name())
		}
	}
	for _, p := range forbiddenThroughEndpoint {
		if strings.HasPrefix(p.Name(), "workload through the endpoint: s3:GetObject on arn:aws:s3:::docs/") && p.Request().ResourceAccount == owner {
			t.Errorf("request %s, but that is permitted", p.Name())
		}
		if strings.HasSuffix(p.Name(), ": s3:GetObject on arn:aws:s3:::al2023-repos-eu-central-1-de612dc2/thankyou.txt") {
			t.Errorf("request %s, but reading packages is permitted", p.Name())
		}
	}
}

func TestForbiddenRequestsNeedNeitherProbeRoleNorTeardown(t *testing.T) {
	s := docs
	s.ProbeRole, s.Teardown, s.Guard = "", "", ""
	for _, p := range append(iampolicy.ForbiddenOnBucket(s), iampolicy.ForbiddenThroughEndpoint(s)...) {
		if strings.HasPrefix(p.Name(), "probe ") || strings.HasPrefix(p.Name(), "teardown ") || strings.HasPrefix(p.Name(), "guard ") {
			t.Fatalf("request %s, but the setting has no such role", p.Name())
		}
	}
	if got := iampolicy.Allowed([]byte(desiredBucket), iampolicy.ForbiddenOnBucket(s)); got != "" {
		t.Errorf("Allowed(desired) = %s, want no allowed request", got)
	}
}

// listed returns a function that returns the requests.
func listed(requests []iampolicy.ForbiddenRequest) func() []iampolicy.ForbiddenRequest {
	return func() []iampolicy.ForbiddenRequest { return requests }
}
