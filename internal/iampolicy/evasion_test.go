package iampolicy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// changed returns a policy in which change was applied to each statement whose Sid contains sid.
func changed(t testing.TB, policy, sid string, change func(document)) string {
	t.Helper()
	var d document
	if err := json.Unmarshal([]byte(policy), &d); err != nil {
		t.Fatal(err)
	}
	for _, s := range d["Statement"].([]any) {
		if name, _ := s.(document)["Sid"].(string); strings.Contains(name, sid) {
			change(s.(document))
		}
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// also returns a change that adds a condition to a statement.
func also(operator, key string, value any) func(document) {
	return func(s document) {
		c := s["Condition"].(document)
		if c[operator] == nil {
			c[operator] = document{}
		}
		c[operator].(document)[key] = value
	}
}

func with(element string, value any) func(document) {
	return func(s document) { s[element] = value }
}

// swapped returns a change that replaces one element of a statement by another, e.g. Resource by NotResource.
func swapped(element, instead string, value any) func(document) {
	return func(s document) {
		delete(s, element)
		s[instead] = value
	}
}

// A Deny that applies to less than before is open, even if no forbidden request is allowed.
func TestJudgeTrustsNoNarrowerDeny(t *testing.T) {
	for name, change := range map[string]func(document){
		"an exception for a header":            also("StringNotEquals", "aws:Referer", "x"),
		"for a pattern of a header":            also("StringNotLike", "aws:Referer", "*x*"),
		"for what another header says":         also("StringNotEquals", "aws:Referer", "${aws:UserAgent}"),
		"for the same, with a default":         also("StringNotEquals", "aws:Referer", "${aws:UserAgent, 'x'}"),
		"for a principal that a header names":  also("StringNotEquals", "aws:PrincipalArn", "${aws:Referer}"),
		"for whoever is tagged":                also("StringNotEquals", "aws:SourceVpce", []any{docs.EndpointID, "${aws:PrincipalTag/vpce}"}),
		"for every endpoint, by itself":        also("StringNotEquals", "aws:SourceVpce", "${aws:SourceVpce}"),
		"for principals unlike the probes'":    also("StringLike", "aws:PrincipalArn", "*o*"),
		"for a date":                           also("DateGreaterThan", "aws:CurrentTime", "2031-01-01T00:00:00Z"),
		"for every address of a kind":          also("NotIpAddress", "aws:SourceIp", "0.0.0.0/0"),
		"for old TLS":                          also("NumericLessThan", "s3:TlsVersion", "1.3"),
		"for access points":                    also("StringNotEquals", "s3:DataAccessPointAccount", owner),
		"for a tagged object":                  also("StringNotEquals", "s3:ExistingObjectTag/public", "yes"),
		"for a set of two":                     also("ForAllValues:StringNotEquals", "aws:TagKeys", []any{"a", "b"}),
		"for requests without a key":           also("Null", "aws:SourceVpce", "false"),
		"for requests with a key":              also("Null", "aws:Referer", "true"),
		"for requests on behalf":               also("ForAllValues:StringNotEquals", "aws:CalledVia", "athena.amazonaws.com"),
		"the opposite":                         with("Condition", document{"StringEquals": document{"aws:SourceVpce": docs.EndpointID}}),
		"any value instead of all":             with("Condition", document{"ForAnyValue:StringNotEquals": document{"aws:SourceVpce": docs.EndpointID}}),
		"the endpoint's id in capitals":        with("Condition", document{"StringNotEquals": document{"aws:SourceVpce": strings.ToUpper(docs.EndpointID)}}),
		"a pattern around the endpoint's id":   with("Condition", document{"StringNotLike": document{"aws:SourceVpce": docs.EndpointID[:20] + "?"}}),
		"the VPC instead of the endpoint":      with("Condition", document{"StringNotEquals": document{"aws:SourceVpc": docs.VPCID}}),
		"some principals instead of everybody": with("Principal", document{"AWS": []any{app, "arn:aws:iam::111122223333:user/administrator"}}),
		"another account":                      with("Principal", document{"AWS": "999988887777"}),
		"everybody but somebody":               swapped("Principal", "NotPrincipal", document{"AWS": []any{origin}}),
		"everybody but nobody":                 swapped("Principal", "NotPrincipal", document{"AWS": "AROAEXAMPLEDELETED0001"}),
		"the beginnings of the probes' keys":   with("Resource", []any{"arn:aws:s3:::docs/t*", "arn:aws:s3:::docs/~*"}),
		"keys that are not very short":         with("Resource", "arn:aws:s3:::docs/??*"),
		"keys of one kind":                     with("Resource", "arn:aws:s3:::docs/*.txt"),
		"the bucket instead of its objects":    with("Resource", "arn:aws:s3:::docs"),
		"keys that a header leaves":            swapped("Resource", "NotResource", []any{"arn:aws:s3:::docs/${aws:Referer}"}),
		"all keys but one":                     swapped("Resource", "NotResource", []any{"arn:aws:s3:::docs", "arn:aws:s3:::docs/secret.txt"}),
		"keys that a tag names":                with("Resource", "arn:aws:s3:::docs/*${aws:PrincipalTag/x}"),
		"every action but one":                 with("NotAction", []any{"s3:getobjectversion", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload"}),
		"the actions that are known today":     swapped("NotAction", "Action", anyList(iampolicy.ObjectActions())),
	} {
		t.Run(name, func(t *testing.T) {
			live := changed(t, desiredBucket, "DenyObjectsOutside", change)
			got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket))
			named := strings.HasPrefix(got.Allowed, "cannot be shown to be closed: DenyObjectsOutsideEndpoint does not hold for s3:* on arn:aws:s3:::docs/*: ") || strings.Contains(got.Allowed, "is allowed")
			if got.Verdict != iampolicy.Open || !named {
				t.Errorf("Judge(desired, %s) = %s (%s), want open, and why", live, got.Verdict, got.Allowed)
			}
		})
	}
}

// A live document that denies more, or the same in an equivalent form that AWS documents, is closed.
func TestJudgeTrustsWiderDenies(t *testing.T) {
	for name, c := range map[string]struct {
		sid    string
		change func(document)
	}{
		"no condition":                        {"Outside", with("Condition", document{})},
		"every resource":                      {"", with("Resource", "*")},
		"every object of every bucket":        {"Objects", with("Resource", "arn:aws:s3:::*")},
		"every action":                        {"Objects", swapped("NotAction", "Action", "*")},
		"fewer actions left out":              {"DenyObjects", with("NotAction", "s3:DeleteObject")},
		"no role left out":                    {"Strangers", with("Condition", document{})},
		"fewer roles left out":                {"Strangers", with("Condition", document{"ArnNotEquals": document{"aws:PrincipalArn": app}})},
		"IfExists where it changes nothing":   {"Strangers", with("Condition", document{"ArnNotEqualsIfExists": document{"aws:PrincipalArn": app}})},
		"ArnNotLike for ArnNotEquals":         {"Strangers", with("Condition", document{"ArnNotLike": document{"aws:PrincipalArn": app}})},
		"everybody, and somebody by name":     {"", with("Principal", document{"AWS": []any{"*", app}})},
		"plain HTTP, and every other request": {"PlainHTTP", with("Condition", document{"BoolIfExists": document{"aws:SecureTransport": []any{"true", "false"}}})},
	} {
		t.Run(name, func(t *testing.T) {
			live := changed(t, desiredBucket, c.sid, c.change)
			if got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket)); got.Verdict != iampolicy.Closed {
				t.Errorf("Judge(desired, %s) = %s (%s), want closed", live, got.Verdict, got.Allowed)
			}
		})
	}
}

func TestJudgeTakesDeniesApart(t *testing.T) {
	objects := changed(t, statements(plainHTTP), "", with("Resource", "arn:aws:s3:::docs/*"))
	bucketOnly := changed(t, changed(t, statements(plainHTTP), "", with("Resource", "arn:aws:s3:::docs")), "", with("Sid", "B"))
	live := statements(only(t, objects), only(t, bucketOnly), objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers)
	if got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket)); got.Verdict != iampolicy.Closed {
		t.Errorf("Judge(desired, one Deny in two) = %s (%s), want closed", got.Verdict, got.Allowed)
	}
}

// only returns the only statement of a policy.
func only(t testing.TB, policy string) string {
	t.Helper()
	var d struct{ Statement []json.RawMessage }
	if err := json.Unmarshal([]byte(policy), &d); err != nil || len(d.Statement) != 1 {
		t.Fatal(policy, err)
	}
	return string(d.Statement[0])
}

// The desired bucket policy allows nothing; each live Allow must therefore be denied to all outsiders.
func TestJudgeTrustsNoAllowInABucketPolicy(t *testing.T) {
	add := func(rest string) string {
		return statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, strangers, listingStrangers, `{"Sid":"Added","Effect":"Allow",`+rest+`}`)
	}
	const put = `"Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::docs"`
	check := func(c string) string { return `,"Condition":{` + c + `}` }
	checkJudge(t, desiredBucket, forbiddenOnBucket, map[string]judged{
		"to everybody":                open(add(`"Principal":"*",`+put), "anonymous caller from the internet: s3:PutBucketPolicy on arn:aws:s3:::docs is allowed (bucket policy: Added)"),
		"under two conditions":        open(add(`"Principal":"*",`+put+check(`"StringEquals":{"aws:UserAgent":"x","aws:Referer":"y"}`)), "cannot be shown to be closed: Added allows s3:PutBucketPolicy on arn:aws:s3:::docs"),
		"to a range and a header":     open(add(`"Principal":"*",`+put+check(`"StringEquals":{"aws:UserAgent":"x"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}`)), "Added"),
		"to an account and a header":  open(add(`"Principal":{"AWS":"999988887777"},`+put+check(`"StringEquals":{"aws:UserAgent":"x"}`)), "Added"),
		"to an organisation":          open(add(`"Principal":"*",`+put+check(`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/*"},"StringEquals":{"aws:PrincipalOrgID":"o-evil"}`)), "Added"),
		"to a service for a resource": open(add(`"Principal":{"Service":"cloudtrail.amazonaws.com"},`+put+check(`"ArnLike":{"aws:SourceArn":"arn:aws:cloudtrail:us-east-1:999988887777:trail/x"}`)), "Added"),
		"to an identity provider":     open(add(`"Principal":{"Federated":"cognito-identity.amazonaws.com"},`+put+check(`"StringEquals":{"cognito-identity.amazonaws.com:aud":"x"}`)), "Added"),
		"to CloudFront":               open(add(`"Principal":{"AWS":"`+origin+`"},`+put), "Added"),
		"to a canonical user":         open(add(`"Principal":{"CanonicalUser":"79a5"},`+put+check(`"StringEquals":{"aws:UserAgent":"x"}`)), "Added"),
		"to all but one":              open(add(`"NotPrincipal":{"AWS":"111122223333"},`+put), "Added"),
		"to our own account":          closed(add(`"Principal":{"AWS":"` + root + `"},"Action":"s3:*","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"]`)),
		"to our own account's id":     closed(add(`"Principal":{"AWS":["` + owner + `"]},` + put)),
		"to it and another one":       open(add(`"Principal":{"AWS":["`+root+`","999988887777"]},`+put), "Added"),
		"to it and a service":         open(add(`"Principal":{"AWS":"`+root+`","Service":"cloudtrail.amazonaws.com"},`+put), "Added"),
		"to it in another partition":  open(add(`"Principal":{"AWS":"arn:aws-cn:iam::111122223333:root"},`+put), "Added"),
		"to it and everybody":         open(add(`"Principal":{"AWS":["`+root+`","*"]},`+put), "is allowed"),
		"to our own workload":         open(add(`"Principal":{"AWS":"`+app+`"},`+put), "Added"),
		"of all actions but one":      open(add(`"Principal":"*","NotAction":"s3:GetObject","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"]`), "is allowed"),
		"on all resources but some":   open(add(`"Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::docs/*"`), "is allowed"),
		"by wildcards":                open(add(`"Principal":"*","Action":"s3:P*tB?cketPolicy","Resource":"arn:aws:s3:::*"`), "s3:PutBucketPolicy on arn:aws:s3:::docs is allowed"),
		"of an action yet unknown":    open(add(`"Principal":"*","Action":"s3:PutBucketFuture","Resource":"arn:aws:s3:::docs"`), "Added allows s3:putbucketfuture on arn:aws:s3:::docs, which the desired document does not"),
		"of reading, which is denied": closed(add(`"Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"`)),
		"of all that is denied":       closed(add(`"Principal":{"AWS":"999988887777"},"Action":"s3:*","Resource":"arn:aws:s3:::docs/private/*"`)),
		"of listing, which is denied": closed(add(`"Principal":"*","Action":["s3:ListBucket","s3:ListBucketVersions"],"Resource":"arn:aws:s3:::docs"`)),
	})
	reader := `{"Sid":"Added","Effect":"Allow","Principal":{"AWS":"` + origin + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`
	withReader := strings.TrimSuffix(changed(t, desiredBucket, "", swapped("Principal", "NotPrincipal", document{"AWS": origin})), "]}") // sorted keys: Statement, Version
	withReader = strings.Replace(withReader, `{"Statement":[`, `{"Statement":[`+reader+`,`, 1)
	checkJudge(t, desiredBucket, forbiddenOnBucket, map[string]judged{
		"to CloudFront, which every Deny leaves out": open(withReader, "DenyPlainHTTP is not about everybody"),
	})
}

// An endpoint's live Allow must be no wider than a desired one.
func TestJudgeTrustsNoWiderAllowInAnEndpointPolicy(t *testing.T) {
	evil := func(rest string) string {
		return statements(tenants, packages, `{"Sid":"Added","Effect":"Allow",`+rest+`,"Action":"s3:PutObject","Resource":"arn:aws:s3:::evil/*"}`)
	}
	to := func(condition string) string { return evil(`"Principal":"*","Condition":{` + condition + `}`) }
	workload := func(change func(document)) string { return changed(t, desiredEndpoint, "AllowWorkload", change) }
	linux := func(change func(document)) string { return changed(t, desiredEndpoint, "AllowAmazon", change) }
	without := func(operator, key string) func(document) {
		return func(s document) { delete(s["Condition"].(document)[operator].(document), key) }
	}
	const repository = "arn:aws:s3:::al2023-repos-eu-central-1-de612dc2"
	checkJudge(t, desiredEndpoint, forbiddenThroughEndpoint, map[string]judged{
		"a bucket more":                   open(evil(`"Principal":"*"`), "Added allows s3:PutObject on arn:aws:s3:::evil/*, which the desired document does not"),
		"for one owner":                   open(to(`"StringEquals":{"aws:ResourceAccount":"999988887777"}`), "Added"),
		"for a header":                    open(to(`"StringEquals":{"aws:UserAgent":"x"}`), "Added"),
		"for our VPC":                     open(to(`"StringEquals":{"aws:SourceVpc":"`+docs.VPCID+`"}`), "Added"),
		"for a stranger":                  open(evil(`"Principal":{"AWS":"999988887777"}`), "Added"),
		"for a stranger's role":           open(to(`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::999988887777:role/x"}`), "Added"),
		"for a tag":                       open(to(`"StringEquals":{"aws:PrincipalTag/a":"b"}`), "Added"),
		"for services":                    open(to(`"Bool":{"aws:ViaAWSService":"true"}`), "Added"),
		"for our own account":             open(evil(`"Principal":{"AWS":"`+root+`"}`), "cannot be shown to be closed: Added"),
		"for all but us":                  open(evil(`"NotPrincipal":{"AWS":"111122223333"}`), "Added"),
		"a bucket that a tag names":       open(workload(with("Resource", "arn:aws:s3:::${aws:PrincipalTag/bucket}/*")), "AllowWorkload"),
		"buckets whose names begin alike": open(workload(with("Resource", "arn:aws:s3:::docs*")), "AllowWorkload allows s3:GetObject on arn:aws:s3:::docs*"),
		"buckets with a character more":   open(workload(with("Resource", "arn:aws:s3:::docs?/*")), "AllowWorkload"),
		"all buckets but one":             open(workload(swapped("Resource", "NotResource", "arn:aws:s3:::secret")), "is allowed"),
		"repositories of every Region":    open(linux(with("Resource", "arn:aws:s3:::al2023-repos-*")), "AllowAmazonLinuxRepositories allows s3:GetObject on arn:aws:s3:::al2023-repos-*, which the desired document does not"),
		"buckets that begin like it":      open(linux(with("Resource", repository+"*")), "AllowAmazonLinuxRepositories"),
		"writing packages, secretly": open(linux(func(s document) {
			s["Action"] = "s3:PutObject"
			s["Condition"] = document{"StringEquals": document{"aws:UserAgent": "x"}}
		}), "AllowAmazonLinuxRepositories"),
		"a namesake's bucket":                 open(workload(without("StringEquals", "aws:ResourceAccount")), "is allowed"),
		"without a condition that is doubled": open(workload(without("StringEquals", "aws:PrincipalAccount")), `without StringEquals aws:PrincipalAccount "111122223333"`),
		"another service":                     open(statements(tenants, packages, `{"Effect":"Allow","Principal":"*","Action":"sts:*","Resource":"*"}`), "statement 3 allows sts:* on *"),
		"an access point":                     open(statements(tenants, packages, `{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:us-east-1:999988887777:accesspoint/evil/object/*"}`), "statement 3"),
		"more conditions":                     closed(workload(also("IpAddress", "aws:VpcSourceIp", "10.0.0.0/8"))),
		"fewer roles":                         closed(workload(with("Condition", document{"StringEquals": document{"aws:SourceVpc": docs.VPCID, "aws:ResourceAccount": owner, "aws:PrincipalAccount": owner}, "ArnLike": document{"aws:PrincipalArn": app}}))),
		"one principal by name":               closed(workload(with("Principal", document{"AWS": app}))),
		"fewer keys":                          closed(workload(with("Resource", "arn:aws:s3:::docs/a/*"))),
		"fewer actions":                       closed(workload(with("Action", "s3:GetObject"))),
		"every action, for the workload":      closed(workload(with("Action", "s3:*"))),
		"one package":                         closed(linux(with("Resource", repository+"/x"))),
		"a Deny more":                         closed(statements(tenants, packages, `{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"}`)),
		"an Allow that a Deny denies":         closed(statements(tenants, packages, `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::x/*"}`, `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::x*"}`)),
		"an Allow that a Deny may deny":       open(statements(tenants, packages, `{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::x/*"}`, `{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"Null":{"aws:UserAgent":"false"}}}`), "statement 3"),
	})
}

// In version 2008-10-17 a variable is plain text.
func TestJudgeTellsVariablesFromText(t *testing.T) {
	home := statements(`{"Sid":"S","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/*","Condition":{"StringNotEquals":{"aws:SourceVpce":"${aws:PrincipalTag/vpce}"}}}`)
	if got := iampolicy.Judge([]byte(home), []byte(strings.Replace(home, `"Sid":"S"`, `"Sid":"T"`, 1)), nil); got.Verdict != iampolicy.Closed {
		t.Errorf("Judge with another Sid = %s (%s), want closed", got.Verdict, got.Allowed)
	}
	if got := iampolicy.Judge([]byte(home), []byte(strings.Replace(home, "2012-10-17", "2008-10-17", 1)), nil); got.Verdict != iampolicy.Open {
		t.Errorf("Judge with the old version = %s, want open", got.Verdict)
	}
}
