package iampolicy_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// BenchmarkJudge judges one live document with all forbidden requests. The promised time is under 1 ms.
// judgeNew judges documents that were not parsed before, against a desired one that was, as a process of the guard does.
func judgeNew(b *testing.B, desired, live string, forbidden []iampolicy.ForbiddenRequest) {
	var texts [][]byte
	for i := range 64 { // more than package iampolicy remembers
		texts = append(texts, []byte(live+strings.Repeat(" ", i)))
	}
	for i := 0; b.Loop(); i++ {
		iampolicy.Judge([]byte(desired), texts[i%len(texts)], listed(forbidden))
	}
}

func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct {
		name, desired, live string
		forbidden           []iampolicy.ForbiddenRequest
	}{
		{"same", desiredBucket, desiredBucket, forbiddenOnBucket},
		{"closed", desiredBucket, statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, listingStrangers, strangers, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`), forbiddenOnBucket},
		{"closed with news", desiredBucket, statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, listingStrangers, strangers,
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/private/*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}}`), forbiddenOnBucket},
		{"open", desiredBucket, articleBucket, forbiddenOnBucket},
		{"endpoint closed", desiredEndpoint, statements(tenants), forbiddenThroughEndpoint},
		{"endpoint open", desiredEndpoint, fullAccess, forbiddenThroughEndpoint},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			judgeNew(b, c.desired, c.live, c.forbidden)
			b.ReportMetric(float64(len(c.forbidden)), "requests")
		})
	}
}

// longest are bucket policies of S3's maximum size, 20 KB, that take Judge the longest time.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
func longest() map[string]string {
	fill := func(first, each, last string) string {
		var b strings.Builder
		b.WriteString(first)
		for i := 0; b.Len() < 20_000-len(each)-len(last)-10; i++ {
			b.WriteString(strings.ReplaceAll(each, "#", strconv.Itoa(i)))
		}
		return b.String() + last
	}
	desired := strings.TrimSuffix(strings.Join(strings.Fields(desiredBucket), ""), "]}")
	tail := `],"Resource":"arn:aws:s3:::docs/*"}]}`
	return map[string]string{
		"many statements": fill(desired, `,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/#*"}`, `]}`),
		"many conditions": fill(desired, `,{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"aws:k#":"*a*b*c*d"}}}`, `]}`),
		"many Allows":     fill(desired, `,{"Effect":"Allow","Principal":"*","Action":"s3:G#","Resource":"arn:aws:s3:::docs/*"}`, `]}`),
		"many actions":    fill(desired+`,{"Effect":"Allow","Principal":"*","Action":["s3:x"`, `,"s3:G*#"`, tail),
		"many values":     fill(desired+`,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:SourceVpce":["x"`, `,"*#*?*"`, `]}}}]}`),
		"all in one Deny": fill(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":["s3:x"`, `,"s3:*#"`, tail),
		"hostile wildcards": fill(desired+`,{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::`+strings.Repeat("*d", 4_000)+`"},{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::`,
			"dddd", `"}]}`),
		"actions by resources": fill(desired+`,{"Effect":"Allow","Principal":"*","Action":["s3:a"`, `,"s3:g#"`, `],"Resource":["arn:aws:s3:::docs/a","arn:aws:s3:::docs/b","arn:aws:s3:::docs/c"]},{"Effect":"Deny","Principal":"*","Action":"sns:*","Resource":"*"}]}`),
	}
}

// BenchmarkJudgeAtItsWorst judges the longest bucket policies.
func BenchmarkJudgeAtItsWorst(b *testing.B) {
	for name, live := range longest() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			judgeNew(b, desiredBucket, live, forbiddenOnBucket)
		})
	}
}

func TestNoDocumentKeepsTheJudgeBusy(t *testing.T) {
	for name, live := range longest() {
		began := time.Now()
		iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket))
		if took := time.Since(began); took > hangs {
			t.Errorf("%s take %v", name, took)
		}
		if _, err := iampolicy.Parse([]byte(live)); err != nil || len(live) > 20_480 {
			t.Errorf("%s: %d bytes, %v, want a policy that S3 accepts", name, len(live), err)
		}
	}
}

// BenchmarkForbiddenRequests creates the sets of forbidden requests, as each cold start with drift does once.
func BenchmarkForbiddenRequests(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		iampolicy.ForbiddenOnBucket(docs)
		iampolicy.ForbiddenThroughEndpoint(docs)
	}
}
