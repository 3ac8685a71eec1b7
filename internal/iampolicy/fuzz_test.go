package iampolicy_test

import (
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// shapes are real policies, S3's spellings of them, and invalid policies.
func shapes() []string {
	return []string{
		desiredBucket, desiredEndpoint, articleBucket, articleEndpoint, fullAccess, mayRead,
		`{"Version":"2008-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"AWS":"AROAEXAMPLEDELETED0001"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}]}`,
		`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotPrincipal":{"AWS":["` + session + `","` + app + `","` + root + `"],"Service":"ec2.amazonaws.com"},"NotAction":"s3:?et*","NotResource":"arn:aws:s3:::docs/${aws:username, 'x'}/${*}*"}}`,
		`{"Statement":{"Effect":"Deny","Principal":{"CanonicalUser":"79a5","Federated":"accounts.google.com"},"Action":"*","Resource":"*","Condition":{"ForAllValues:StringNotLikeIfExists":{"aws:TagKeys":["a*",1,true]},"NotIpAddress":{"aws:SourceIp":["::/0","10.0.0.0/8"]},"DateLessThan":{"aws:CurrentTime":1772442063},"NumericEquals":{"s3:max-keys":10.50},"BinaryEquals":{"aws:k":"QQ=="},"Null":{"aws:TokenIssueTime":true},"ArnLike":{"aws:SourceArn":"arn:*:*:*:*:${aws:username}"}}}}`,
		``, `{}`, `[]`, `null`, `{"Statement":[]}`, `{"Statement":{}}`, `{"Statement":{"Effect":"Deny","Effect":"Allow"}}`, `{"Statement":[[[[[[[[[[]]]]]]]]]]}`,
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range shapes() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		p, err := iampolicy.Parse(document)
		if err != nil {
			return
		}
		again, err := iampolicy.Parse([]byte(p.String()))
		if err != nil {
			t.Fatalf("Parse(%s): %v", p, err)
		}
		if !iampolicy.Equal(p, again) || len(iampolicy.Diff(p, again)) != 0 {
			t.Fatalf("canonical form of %s = %s, want no change", p, again)
		}
		for _, r := range []iampolicy.Request{forbiddenOnBucket[0].Request(), forbiddenOnBucket[len(forbiddenOnBucket)-1].Request()} {
			iampolicy.Evaluate(r, iampolicy.Policies{Identity: []*iampolicy.Policy{p}, Resource: p, Endpoint: p})
		}
	})
}

func FuzzJudge(f *testing.F) {
	for _, s := range shapes() {
		f.Add([]byte(desiredBucket), []byte(s))
		f.Add([]byte(s), []byte(desiredBucket))
	}
	few := append(iampolicy.ForbiddenOnBucket(docs)[:200:200], iampolicy.ForbiddenThroughEndpoint(docs)[:200]...)
	f.Fuzz(func(t *testing.T, desired, live []byte) {
		j := iampolicy.Judge(desired, live, listed(few))
		a, errA := iampolicy.Parse(desired)
		b, errB := iampolicy.Parse(live)
		readable := errA == nil && errB == nil
		if same := j.Verdict == iampolicy.Same; same && (!readable || !iampolicy.Equal(a, b)) {
			t.Fatalf("Judge(%s, %s) = same, but they are not", desired, live)
		}
		if (j.Verdict == iampolicy.Open) != (j.Allowed != "") {
			t.Fatalf("Judge(%s, %s) = %+v, want a reason exactly when open", desired, live, j)
		}
	})
}

// FuzzEvaluate looks for requests that make Evaluate panic or run for a long time.
func FuzzEvaluate(f *testing.F) {
	f.Add(alice, "s3:GetObject", object, "arn:aws:s3:::docs/*a*b*c", "aws:username", "alice")
	f.Add(session, "S3:x", "arn:aws:s3:::\xff\xfe", "arn:aws:s3:::?\xff*", "", "\xfe*")
	f.Add("arn:aws:iam::111122223333:root", ":", "", "arn:", "aws:PrincipalArn", "")
	f.Fuzz(func(t *testing.T, principal, action, resource, pattern, key, value string) {
		r := iampolicy.Request{
			Principal: principal, Action: action, Resource: resource, ResourceAccount: owner,
			Context: map[string][]string{key: {value}},
		}
		p, err := iampolicy.Parse([]byte(statements(`{"Effect":"Allow","Principal":"*","Action":"*","Resource":` + quoted(pattern) + `,"Condition":{"StringLike":{"aws:k":` + quoted(pattern) + `}}}`)))
		if err != nil {
			return
		}
		if d := iampolicy.Evaluate(r, iampolicy.Policies{Resource: p}); d.By == "" {
			t.Fatalf("Evaluate(%+v) = %+v, want a reason", r, d)
		}
	})
}
