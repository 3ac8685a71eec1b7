package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// allOff is Block Public Access with all settings off.
var allOff = &s3.PublicAccessBlock{}

// denying returns a policy that denies an action to all principals: it is not public, and locks out no one.
func denying(statement string) string {
	return `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Deny",` + statement + `}]}`
}

func TestStoredPoliciesAreRewrittenWithoutAnotherMeaning(t *testing.T) {
	for name, c := range map[string]struct{ put, want string }{
		"one-element lists collapse": {
			denying(`"Principal":"*","Action":["s3:*"],"Resource":["arn:aws:s3:::docs-example/*"],"Condition":{"StringEquals":{"aws:SourceVpce":["vpce-1"]}}`),
			denying(`"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*","Condition":{"StringEquals":{"aws:SourceVpce":["vpce-1"]}}`),
		},
		"lists come back in another order": {
			denying(`"Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::docs-example/a/*","arn:aws:s3:::docs-example/b/*"]`),
			denying(`"Principal":"*","Action":["s3:PutObject","s3:GetObject"],"Resource":["arn:aws:s3:::docs-example/b/*","arn:aws:s3:::docs-example/a/*"]`),
		},
		"an absent Sid is empty, an absent Version the old one": {
			`{"Statement":{"Effect":"Deny","Principal":"*","NotAction":"s3:Get*","Resource":"arn:aws:s3:::docs-example"}}`,
			`{"Version":"2008-10-17","Statement":[{"Sid":"","Effect":"Deny","Principal":"*","NotAction":"s3:Get*","Resource":"arn:aws:s3:::docs-example"}]}`,
		},
		"everybody is a star": {
			denying(`"Principal":{"AWS":["*"]},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*"`),
			denying(`"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*"`),
		},
		"an account is its root": {
			denying(`"Principal":{"AWS":"444455556666"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*"`),
			denying(`"Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*"`),
		},
		"conditions stay, numbers and white space included": {
			denying(`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::docs-example",` +
				"\n" + `"Condition":{"NumericGreaterThan":{"s3:max-keys":10},"StringNotLike":{"s3:prefix":["b <&>","a"]}}`),
			denying(`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::docs-example",` +
				`"Condition":{"NumericGreaterThan":{"s3:max-keys":10},"StringNotLike":{"s3:prefix":["b <&>","a"]}}`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			client := s.as(s.admin())
			_, err := client.PutBucketPolicy(background, &awss3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: &c.put})
			s.must(err)
			answer, err := client.GetBucketPolicy(background, &awss3.GetBucketPolicyInput{Bucket: aws.String(bucket)})
			s.must(err)
			if got := *answer.Policy; got != c.want {
				t.Errorf("policy\n%s\nreads back\n%s\nwant\n%s", c.put, got, c.want)
			}
			both := s.parse(c.put, *answer.Policy)
			if !iampolicy.Equal(both[0], both[1]) {
				t.Errorf("policy\n%s\nhas another meaning when it is read back:\n%s", c.put, *answer.Policy)
			}
		})
	}
}

func TestPoliciesThatS3RefusesAreMalformed(t *testing.T) {
	const denied = "MalformedPolicy: "
	for name, c := range map[string]struct{ put, want string }{
		"no JSON":                {`nonsense`, "Policies must be valid JSON and the first byte must be '{'"},
		"a list":                 {`[]`, "Policies must be valid JSON and the first byte must be '{'"},
		"text behind it":         {denying(`"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`) + "x", "Policies must be valid JSON"},
		"an unknown element":     {denying(`"Principle":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Policy has invalid syntax"},
		"no principal":           {denying(`"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Missing required field Principal"},
		"another service":        {denying(`"Principal":"*","Action":"ec2:RunInstances","Resource":"arn:aws:s3:::docs-example"`), "Policy has invalid action"},
		"another bucket":         {denying(`"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example-2"`), "Policy has invalid resource"},
		"any bucket":             {denying(`"Principal":"*","Action":"s3:*","Resource":"*"`), "Policy has invalid resource"},
		"a role that is not":     {denying(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/gone"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Invalid principal in policy"},
		"a deleted role's id":    {denying(`"Principal":{"AWS":"AROAEXAMPLEEXAMPLE123"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Invalid principal in policy"},
		"half a principal":       {denying(`"Principal":{"AWS":"arn:aws:iam::111122223333:role/a*"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Invalid principal in policy"},
		"half an account":        {denying(`"Principal":{"AWS":"arn:aws:iam::11112222*:root"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Invalid principal in policy"},
		"any role's session":     {denying(`"NotPrincipal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:sts::111122223333:assumed-role/app/?-1"]},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Invalid principal in policy"},
		"allowing all but one":   {strings.Replace(denying(`"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"s3:*","Resource":"arn:aws:s3:::docs-example"`), "Deny", "Allow", 1), "Allow with NotPrincipal is not allowed."},
		"an object's action":     {denying(`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example"`), "Action does not apply to any resource(s) in statement"},
		"a bucket's action":      {denying(`"Principal":"*","Action":"s3:ListBucket","Resource":"arn:aws:s3:::docs-example/*"`), "Action does not apply to any resource(s) in statement"},
		"more than 20 kilobytes": {denying(`"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/` + strings.Repeat("a", 20<<10) + `"`), "Policy exceeds the maximum allowed document size."},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.gone["arn:aws:iam::111122223333:role/gone"] = true
			err := s.store.PutPolicy(bucket, []byte(c.put))
			if err == nil || !strings.HasPrefix(err.Error(), denied+c.want) {
				t.Errorf("PutPolicy = %v, want %s", err, denied+c.want)
			}
			if got := s.store.Policy(bucket); got != "" {
				t.Errorf("policy after the refusal = %s, want none", got)
			}
		})
	}
}

func TestDeletedPrincipalsComeBackAsIDsThatCannotBePut(t *testing.T) {
	s := newScene(t)
	role, kept := "arn:aws:iam::111122223333:role/app", "arn:aws:iam::111122223333:user/admin"
	s.must(s.store.PutPolicy(bucket, []byte(denying(`"Principal":{"AWS":["`+role+`","`+kept+`"]},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::docs-example"`))))
	s.gone[role] = true
	text := s.store.Policy(bucket)
	if strings.Contains(text, role) || !strings.Contains(text, `"AROA`) || !strings.Contains(text, kept) {
		t.Errorf("policy after the deletion of the role = %s, want the role's id, and the user unchanged", text)
	}
	if err := s.store.PutPolicy(bucket, []byte(text)); err == nil || !strings.Contains(err.Error(), "Invalid principal in policy") {
		t.Errorf("PutPolicy(with the id) = %v, want Invalid principal in policy", err)
	}
}

// allowing returns a policy that allows reading to a principal under a condition ("" for none).
func allowing(principal, condition string) string {
	if condition != "" {
		condition = `,"Condition":{` + condition + `}`
	}
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*"` + condition + `}]}`
}

func TestPublicMeansOpenToMoreThanFixedValues(t *testing.T) {
	const public, private = true, false
	for name, c := range map[string]struct {
		document string
		want     bool
	}{
		"everybody":                       {allowing(`"*"`, ``), public},
		"every AWS principal":             {allowing(`{"AWS":"*"}`, ``), public},
		"one of several is everybody":     {allowing(`{"AWS":["arn:aws:iam::444455556666:root","*"]}`, ``), public},
		"another account":                 {allowing(`{"AWS":"arn:aws:iam::444455556666:root"}`, ``), private},
		"a service":                       {allowing(`{"Service":"cloudtrail.amazonaws.com"}`, ``), private},
		"one endpoint":                    {allowing(`"*"`, `"StringEquals":{"aws:SourceVpce":"vpce-1"}`), private},
		"one network":                     {allowing(`"*"`, `"StringLike":{"aws:SourceVpc":"vpc-1"}`), private},
		"any network":                     {allowing(`"*"`, `"StringLike":{"aws:SourceVpc":"vpc-*"}`), public},
		"one of two networks is any":      {allowing(`"*"`, `"StringLike":{"aws:SourceVpc":["vpc-1","vpc-*"]}`), public},
		"all networks but one":            {allowing(`"*"`, `"StringNotEquals":{"aws:SourceVpc":"vpc-1"}`), public},
		"one network, if any":             {allowing(`"*"`, `"StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}`), public},
		"a variable":                      {allowing(`"*"`, `"StringEquals":{"aws:SourceAccount":"${aws:PrincipalAccount}"}`), public},
		"one role":                        {allowing(`"*"`, `"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/app"}`), private},
		"one organisation":                {allowing(`"*"`, `"StringEquals":{"aws:PrincipalOrgID":"o-1"}`), private},
		"addresses":                       {allowing(`"*"`, `"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), private},
		"half the internet":               {allowing(`"*"`, `"IpAddress":{"aws:SourceIp":"0.0.0.0/1"}`), public},
		"private addresses":               {allowing(`"*"`, `"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`), private},
		"a wide range of IPv6":            {allowing(`"*"`, `"IpAddress":{"aws:SourceIp":"2000::/3"}`), public},
		"a network of IPv6":               {allowing(`"*"`, `"IpAddress":{"aws:SourceIp":"2001:db8::/32"}`), private},
		"not these addresses":             {allowing(`"*"`, `"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}`), public},
		"a key that narrows nothing":      {allowing(`"*"`, `"StringEquals":{"aws:UserAgent":"me"}`), public},
		"access points of one account":    {allowing(`"*"`, `"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:eu-central-1:111122223333:accesspoint/*"}`), private},
		"access points of any account":    {allowing(`"*"`, `"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:eu-central-1:*:accesspoint/a"}`), public},
		"a Deny for everybody":            {denying(`"Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*"`), private},
		"one of two conditions is narrow": {allowing(`"*"`, `"StringEquals":{"aws:SourceVpce":"vpce-1"},"StringLike":{"aws:UserAgent":"*"}`), private},
		"the article's policy": {`{"Version":"2012-10-17","Statement":[` +
			`{"Sid":"Access-to-specific-VPCE-only","Effect":"Deny","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::docs-example/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}},` +
			`{"Sid":"Access-from-everywhere","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs-example","arn:aws:s3:::docs-example/*"]}]}`, public},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			err := s.store.PutPolicy(bucket, []byte(c.document))
			if refused := localtest.Code(asAPI(err)) == "AccessDenied"; refused != c.want {
				t.Errorf("PutPolicy under BlockPublicPolicy = %v, want refused %v", err, c.want)
			}
			s.must(s.store.PutPublicAccessBlock(bucket, allOff))
			s.must(s.store.PutPolicy(bucket, []byte(c.document)))
			answer, err := s.as(s.admin()).GetBucketPolicyStatus(background, &awss3.GetBucketPolicyStatusInput{Bucket: aws.String(bucket)})
			s.must(err)
			if got := aws.ToBool(answer.PolicyStatus.IsPublic); got != c.want {
				t.Errorf("IsPublic = %v, want %v", got, c.want)
			}
		})
	}
}

// service is the principal of an AWS service.
var service = api.Caller{Principal: "cloudtrail.amazonaws.com"}

func TestRestrictPublicBucketsKeepsOtherAccountsOut(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, "a", []byte("x")))
	s.must(s.store.PutPublicAccessBlock(bucket, allOff))
	s.must(s.store.PutPolicy(bucket, []byte(allowing(`"*"`, ``))))
	callers := map[string]api.Caller{
		"anonymous": {}, "other account": s.caller(other, "user/neighbour", everything),
		"own account": s.caller(account, "user/plain"), "service": service,
	}
	read := func(who string) string {
		_, err := s.as(callers[who]).GetObject(background, &awss3.GetObjectInput{Bucket: name, Key: aws.String("a")})
		return localtest.Code(err)
	}
	for who := range callers {
		if got := read(who); got != "" {
			t.Errorf("unrestricted read by %s = %s, want success", who, got)
		}
	}
	s.store.PutAccountPublicAccessBlock(account, &s3.PublicAccessBlock{RestrictPublicBuckets: true})
	for who, want := range map[string]string{"anonymous": "AccessDenied", "other account": "AccessDenied", "own account": "", "service": ""} {
		if got := read(who); got != want {
			t.Errorf("restricted read by %s = %q, want %q", who, got, want)
		}
	}
}
