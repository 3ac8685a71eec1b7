package audit_test

import (
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/lock"
)

// BenchmarkJudgeBucket judges one bucket: what an audit of many buckets costs for each.
func BenchmarkJudgeBucket(b *testing.B) {
	for name, policy := range map[string]string{"locked": document(plainHTTP, outside, strangers, ownApp), "open": document(fewActions, strangers, ownApp)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				audit.JudgeBucket(bucket(policy), nil, lock.Lock{Account: account}, lock.AtLeast)
			}
		})
	}
}
