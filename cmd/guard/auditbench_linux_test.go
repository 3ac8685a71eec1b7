package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// collection is what the runtime prints of a garbage collection with GODEBUG=gctrace=1: the heap before it, in MB.
var collection = regexp.MustCompile(`(?m)^gc .* (\d+)->\d+->\d+ MB`)

// BenchmarkAuditProcess measures a process of guard audit: its processor time for each bucket, its largest heap, and its largest resident
// set. Neither of the latter may grow with the number of buckets.
func BenchmarkAuditProcess(b *testing.B) {
	path, err := builtCommand()
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct {
		policy string
		args   []string
		code   int
	}{
		"locked": {lockedPolicy, []string{"--json"}, 0}, "open": {openPolicy, []string{"--json"}, exitOpen},
		"open-html-sarif": {openPolicy, []string{"--sarif", "--html", filepath.Join(b.TempDir(), "page.html")}, exitOpen},
	} {
		for _, buckets := range []int{1000, 10000} {
			b.Run(fmt.Sprint(name, "-", buckets), func(b *testing.B) {
				a := newAudited(b)
				a.answersReads()
				for i := range buckets {
					bucket := fmt.Sprintf("docs-%05d", i)
					a.must(a.S3.CreateBucket(bucket, ""))
					a.must(a.S3.PutPublicAccessBlock(bucket, &s3.PublicAccessBlock{}))
					a.must(a.S3.PutPolicy(bucket, []byte(strings.ReplaceAll(c.policy, "docs-example", bucket))))
				}
				for b.Loop() {
					var out, errs bytes.Buffer
					command := exec.CommandContext(b.Context(), path, append([]string{"audit", "--all", "--endpoint-url", a.url}, c.args...)...)
					command.Stdout, command.Stderr, command.Env = &out, &errs, append(os.Environ(), "GODEBUG=gctrace=1")
					a.must(command.Start())
					resident := residentSet(command.Process.Pid)
					_ = command.Wait() // the exit code says it
					if code := command.ProcessState.ExitCode(); code != c.code || strings.Count(out.String(), "\n") < buckets {
						b.Fatalf("exit code %d, want %d: %d lines, %s", code, c.code, strings.Count(out.String(), "\n"), errs.String())
					}
					heap := 0
					for _, m := range collection.FindAllStringSubmatch(errs.String(), -1) {
						before, _ := strconv.Atoi(m[1])
						heap = max(heap, before)
					}
					spent := command.ProcessState.UserTime() + command.ProcessState.SystemTime()
					b.ReportMetric(float64(spent.Microseconds())/1000/float64(buckets), "cpu-ms/bucket")
					b.ReportMetric(float64(heap), "MB-heap")
					b.ReportMetric(<-resident, "MiB-resident")
				}
			})
		}
	}
}

// residentSet returns the largest resident set of a process in MiB, once it has ended. The usage that the kernel reports for a child
// begins with that of its parent, which is larger here.
func residentSet(pid int) <-chan float64 {
	most := make(chan float64, 1)
	go func() {
		last := 0.0
		for mib := child.PeakMemory(pid); mib > 0; mib = child.PeakMemory(pid) { // until it has ended
			last = mib
			time.Sleep(20 * time.Millisecond)
		}
		most <- last
	}()
	return most
}
