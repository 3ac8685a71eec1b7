package iampolicy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// The principals of the tests. 111122223333 owns the bucket "docs".
const (
	alice    = "arn:aws:iam::111122223333:user/alice"
	root     = "arn:aws:iam::111122223333:root"
	app      = "arn:aws:iam::111122223333:role/app"
	session  = "arn:aws:sts::111122223333:assumed-role/app/i-0123"
	fedUser  = "arn:aws:sts::111122223333:federated-user/carol"
	stranger = "arn:aws:iam::444455556666:user/mallory"
	trail    = "cloudtrail.amazonaws.com"
	origin   = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"
	nobody   = ""

	object = "arn:aws:s3:::docs/thankyou.txt"
	bucket = "arn:aws:s3:::docs"
	owner  = "111122223333"
)

func mustParse(t testing.TB, document string) *iampolicy.Policy {
	t.Helper()
	p, err := iampolicy.Parse([]byte(document))
	if err != nil {
		t.Fatalf("Parse(%s): %v", document, err)
	}
	return p
}

// statements returns a policy of version 2012-10-17.
func statements(list ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

// to returns a statement with the given principal, for s3:GetObject on the bucket's objects.
func to(effect, principal string) string {
	return `{"Effect":"` + effect + `",` + principal + `,"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`
}

func allowTo(principal string) string { return statements(to("Allow", principal)) }
func denyTo(principal string) string  { return statements(to("Deny", principal)) }

// mayRead is an identity policy.
const mayRead = `{"Version":"2012-10-17","Statement":{"Sid":"Read","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`

// fullIdentity is an identity policy that allows everything.
const fullIdentity = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// request is a test case: by default s3:GetObject on the object, with the policies that apply.
type request struct {
	by       string
	action   string
	on       string
	context  map[string][]string
	bucket   string
	endpoint string
	identity []string

	want   iampolicy.Effect
	wantBy string // "" accepts all
}

func (r request) evaluate(t testing.TB) iampolicy.Decision {
	t.Helper()
	ask := iampolicy.Request{Principal: r.by, Action: "s3:GetObject", Resource: object, ResourceAccount: owner, Context: r.context}
	if r.action != "" {
		ask.Action = r.action
	}
	if r.on != "" {
		ask.Resource = r.on
	}
	var p iampolicy.Policies
	if r.bucket != "" {
		p.Resource = mustParse(t, r.bucket)
	}
	if r.endpoint != "" {
		p.Endpoint = mustParse(t, r.endpoint)
	}
	for _, document := range r.identity {
		p.Identity = append(p.Identity, mustParse(t, document))
	}
	return iampolicy.Evaluate(ask, p)
}

func check(t *testing.T, cases map[string]request) {
	t.Helper()
	for name, r := range cases {
		t.Run(name, func(t *testing.T) {
			got := r.evaluate(t)
			if got.Effect != r.want || r.wantBy != "" && got.By != r.wantBy {
				t.Errorf("Evaluate(%+v) = %q by %q, want %q by %q", r, got.Effect, got.By, r.want, r.wantBy)
			}
		})
	}
}

const (
	allow     = iampolicy.Allow
	deny      = iampolicy.Deny
	undecided = iampolicy.Undecided
)

func identity(documents ...string) []string { return documents }

// quoted returns a text as JSON.
func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}
