//go:build unix

package audit_test

import (
	"strings"
	"syscall"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/lock"
)

// BenchmarkJudgeBucket judges one bucket: what an audit of many buckets costs for each. CPU time does not depend on what else runs.
func BenchmarkJudgeBucket(b *testing.B) {
	for name, policy := range map[string]string{
		"no-policy": "", "locked": document(plainHTTP, outside, strangers, ownApp), "open": document(fewActions, strangers, ownApp),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			began := cpu(b)
			for i := 0; b.Loop(); i++ {
				found := bucket(policy)
				if policy != "" {
					found.Policy.Text += strings.Repeat(" ", i%64) // it was not parsed before
				}
				audit.JudgeBucket(found, nil, lock.Lock{Account: account}, lock.AtLeast)
			}
			b.ReportMetric(float64(cpu(b)-began)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu returns the nanoseconds of CPU time that the process has used.
func cpu(b *testing.B) int64 {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}
