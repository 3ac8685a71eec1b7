package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/survey"
)

// heapMeter counts the results that are written, and measures the memory that is in use after a collection now and then.
type heapMeter struct{ results, most uint64 }

func (h *heapMeter) Write(text []byte) (int, error) {
	h.results += uint64(strings.Count(string(text), "\n"))
	if h.results%100 == 0 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		h.most = max(h.most, m.HeapAlloc)
	}
	return len(text), nil
}

// BenchmarkAuditMemory measures the memory in use while buckets without a policy are judged, whose number must not matter.
func BenchmarkAuditMemory(b *testing.B) {
	for _, buckets := range []int{1000, 10000} {
		b.Run(fmt.Sprint(buckets), func(b *testing.B) {
			for b.Loop() {
				account, out := &bucketsWithoutAnything{}, &heapMeter{}
				a := &auditor{concurrency: 16, out: out, err: io.Discard, json: true, pace: survey.NewPacer(16)}
				a.reader = &survey.Reader{Home: "eu-central-1", Account: "111122223333", Pace: a.pace, Client: func(string) survey.S3 { return account }}
				var err error
				if a.results, err = newAuditResults(a); err != nil {
					b.Fatal(err)
				}
				if err := a.judge(b.Context(), numbered(buckets)); err != nil || a.results.judged() != buckets {
					b.Fatalf("%d of %d buckets judged, %v", a.results.judged(), buckets, err)
				}
				b.ReportMetric(float64(out.most)/(1<<20), "MiB-in-use(most)")
			}
		})
	}
}

// BenchmarkAuditOfAThousandOpenBuckets measures the audit of buckets with the policies of testdata/policies, nearly all of them open,
// beside the time that the calls alone need.
func BenchmarkAuditOfAThousandOpenBuckets(b *testing.B) {
	const buckets, concurrency, latency = 1000, 16, 30 * time.Millisecond
	a := newAudited(b)
	a.answersReads()
	files, made := policyFiles(b, "bucket"), 0
	for i := 0; made < buckets; i++ {
		text, err := os.ReadFile(files[i%len(files)])
		a.must(err)
		name := fmt.Sprintf("quay-%05d", i)
		a.must(a.S3.CreateBucket(name, ""))
		a.must(a.S3.PutPublicAccessBlock(name, nil))
		if a.S3.PutPolicy(name, []byte(strings.ReplaceAll(string(text), "quay-ledger-example", name))) != nil {
			a.must(a.S3.DeleteBucket(name)) // S3 refuses the policy
			continue
		}
		made++
	}
	a.latency = latency
	for b.Loop() {
		began := time.Now()
		results, errs, code := a.results("--all", "--concurrency", fmt.Sprint(concurrency))
		if len(results) != buckets || code != 1 {
			b.Fatalf("%d results, code %d: %s", len(results), code, errs)
		}
		b.ReportMetric(float64(time.Since(began))/float64(3*buckets*latency/concurrency), "ratio")
	}
}
