package endtoend_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// Limits of a cold start: its time, and its processor time with that of the first correction. docs/measurements.md has the aims.
const (
	mostColdStart       = 1.6 // times that of a function that does nothing
	mostFirstCorrection = 0.6 // times that of BASELINE
)

// formerVariables are the names that earlier builds read, and those of today.
var formerVariables = map[string]string{
	"ROUTE_TABLE_IDS": "TABLES", "SECURITY_HUB": "HUB", "GROUP_IDS": "GROUPS", "CLIENT_GROUP_IDS": "CLIENT_GROUPS",
	"NOTIFY_FORMAT": "FORMAT", "RUNBOOK_URL": "RUNBOOK", "SECURITY_GROUP_IDS": "GROUPS", "ALLOWED_GROUP_IDS": "CLIENT_GROUPS",
}

// colds are the measurements of one function in new processes.
type colds struct {
	name               string
	wall, start, first []time.Duration
}

// BenchmarkColdStart measures new processes of RemediateFunction, of a function that does nothing and, if the variable BASELINE is the
// path of another build's bootstrap, of that one, in turn. "start" is until the first poll of the Runtime API; "first" also has the first
// invocation, which judges a bucket policy that is open and corrects it. Processor time is user and system time of the whole process.
func BenchmarkColdStart(b *testing.B) {
	s := deploy(b, nil)
	least := filepath.Join(b.TempDir(), "bootstrap")
	run(b, "--eval=nothing: ; $(BUILD) -ldflags '-s -w' -o $(OUT) ./test/endtoend/testdata/nothing", "nothing", "OUT="+least,
		"TARGET="+runtime.GOOS+"/"+runtime.GOARCH)
	deployed, _ := s.Lambda.Function(s.function)
	add := func(name, bootstrap string, f lambda.Function) *colds {
		f.Name, f.Bootstrap = name, unpacked(s, bootstrap)
		_, err := s.Lambda.Create(f)
		s.must(err)
		return &colds{name: name}
	}
	ours, nothing := add("remediate", deployed.Bootstrap, deployed), add("nothing", least, lambda.Function{MemoryMB: 256})
	measured := []*colds{ours, nothing}
	baseline := os.Getenv("BASELINE")
	if baseline != "" {
		f := deployed
		f.Environment = maps.Clone(f.Environment)
		delete(f.Environment, "GOMAXPROCS") // which its template did not set
		f.Local = map[string]string{"ENDPOINT_TYPE": "Interface"}
		for former, now := range formerVariables {
			f.Local[former] = f.Environment[now]
		}
		measured = append(measured, add("baseline", baseline, f))
	}
	for b.Loop() {
		for _, c := range measured {
			c.measure(s)
		}
	}
	for _, c := range measured {
		c.report(b)
	}
	// The ratios are of pairs that were measured one after the other, because other programs slow both.
	ratios(b, "start/nothing", ours.wall, nothing.wall, mostColdStart)
	if baseline != "" {
		ratios(b, "first/baseline", ours.first, measured[2].first, mostFirstCorrection)
	}
}

// unpacked returns the path of a copy, as Lambda has the file from the package. What the linker wrote through a mapping is in the kernel's
// cache in pieces of one page each, which makes the start of a large program a millisecond longer.
func unpacked(s *scene, bootstrap string) string {
	s.Helper()
	program, err := os.ReadFile(bootstrap)
	s.must(err)
	path := filepath.Join(s.TempDir(), "bootstrap")
	s.must(os.WriteFile(path, program, 0o700))
	return path
}

// measure starts a process that is only started, and one that is also invoked.
func (c *colds) measure(s *scene) {
	s.Helper()
	s.must(s.Lambda.Shutdown(c.name))
	var wall time.Duration
	c.start = append(c.start, processorTime(s, c.name, func() {
		var err error
		wall, err = s.Lambda.Provision(s.Context(), c.name)
		s.must(err)
	}))
	c.wall = append(c.wall, wall)
	s.must(s.S3.PutPolicy(s.bucket, fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"444455556666"},
		"Action":"s3:GetObject","Resource":"arn:aws:s3:::%s/*"}}`, s.bucket)))
	c.first = append(c.first, processorTime(s, c.name, func() {
		i, err := s.Lambda.Invoke(s.Context(), c.name, []byte("{}"))
		s.must(err)
		if i.Failure != nil {
			s.Fatalf("%s failed: %v", c.name, i.Failure)
		}
	}))
	if corrected := s.live().BucketPolicy == s.desired.BucketPolicy; corrected == (c.name == "nothing") {
		s.Fatalf("%s: the policy is restored: %t", c.name, corrected)
	}
}

// processorTime returns what a function's processes use until use has returned. No other process may end meanwhile.
func processorTime(s *scene, function string, use func()) time.Duration {
	s.Helper()
	used := func() time.Duration {
		s.must(s.Lambda.Shutdown(function)) // a process counts when it has ended
		var u syscall.Rusage
		s.must(syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	use()
	return used() - before
}

func (c *colds) report(b *testing.B) {
	b.ReportMetric(milliseconds(median(c.wall)), "ms-start-"+c.name)
	b.ReportMetric(milliseconds(median(c.start)), "cpu-ms-start-"+c.name)
	b.ReportMetric(milliseconds(median(c.first)), "cpu-ms-first-"+c.name)
	b.Logf("%s: start %.1f ms, %.1f ms of processor time; with the first correction %.1f ms of processor time", c.name,
		milliseconds(median(c.wall)), milliseconds(median(c.start)), milliseconds(median(c.first)))
}

// ratios reports the quartiles of the ratios of pairs, and fails if the median is above most.
func ratios(b *testing.B, name string, ours, theirs []time.Duration, most float64) {
	var all []float64
	for i := range ours {
		all = append(all, float64(ours[i])/float64(theirs[i]))
	}
	slices.Sort(all)
	low, middle, high := all[len(all)/4], median(all), all[len(all)*3/4]
	b.ReportMetric(middle, name)
	b.Logf("%s: %.2f (quartiles %.2f and %.2f of %d pairs)", name, middle, low, high, len(all))
	if middle > most && len(all) > 5 {
		b.Errorf("%s is %.2f, want at most %.2f", name, middle, most)
	}
}
