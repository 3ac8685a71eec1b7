package iampolicy_test

import (
	"testing"

	"s3-endpoint-guard/internal/iampolicy"
)

// BenchmarkJudge judges one live document against the whole probe set: under 1 ms is what we promise.
func BenchmarkJudge(b *testing.B) {
	for _, c := range []struct {
		name, desired, live string
		probes              []iampolicy.Probe
	}{
		{"same", desiredBucket, desiredBucket, bucketProbes},
		{"closed", desiredBucket, statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, listingStrangers, strangers, `{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`), bucketProbes},
		{"closed with news", desiredBucket, statements(plainHTTP, objectsOutside, deletingOutside, listingOutside, listingStrangers, strangers,
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs/private/*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}}`), bucketProbes},
		{"open", desiredBucket, articleBucket, bucketProbes},
		{"endpoint closed", desiredEndpoint, statements(tenants), endpointProbes},
		{"endpoint open", desiredEndpoint, fullAccess, endpointProbes},
	} {
		b.Run(c.name, func(b *testing.B) {
			desired, live := []byte(c.desired), []byte(c.live)
			b.ReportAllocs()
			for b.Loop() {
				iampolicy.Judge(desired, live, c.probes)
			}
			b.ReportMetric(float64(len(c.probes)), "probes")
		})
	}
}

// BenchmarkProbes makes the probe sets, once for each cold start that meets drift.
func BenchmarkProbes(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		iampolicy.BucketProbes(docs)
		iampolicy.EndpointProbes(docs)
	}
}
