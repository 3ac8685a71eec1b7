package endtoend_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	localec2 "example.com/s3-endpoint-guard/local/localaws/ec2"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

// Limits of the function. The first two are multiples of the latency that is added to each call.
const (
	added           = 30 * time.Millisecond
	mostCorrection  = 4.0
	mostQuiet       = 1.5
	mostArtefactMiB = 8.0
)

func median[T cmp.Ordered](values []T) T {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// inTrips returns a time as a multiple of the added latency.
func inTrips(d time.Duration) float64 { return float64(d) / float64(added) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// warm makes a scene whose function has run, with the added latency on each call.
func warm(b *testing.B, p parameters) *scene {
	s := deploy(b, p)
	s.Gate.SetLatency(added)
	s.watch(func() { s.invoke("{}") })
	return s
}

// BenchmarkQuietRun measures warm runs without drift.
func BenchmarkQuietRun(b *testing.B) {
	for _, endpointType := range []string{"Interface", "Gateway"} {
		b.Run(endpointType, func(b *testing.B) {
			s := warm(b, endpointTypes[endpointType])
			var took []time.Duration
			calls := 0
			for b.Loop() {
				r := s.watch(func() { s.invoke("{}") })
				took = append(took, r.invocations[0].Duration)
				calls = len(r.calls)
			}
			b.ReportMetric(milliseconds(median(took)), "ms/run(median)")
			b.ReportMetric(float64(calls), "calls/run")
			if got := inTrips(median(took)); got > mostQuiet {
				b.Errorf("a quiet run takes %.2f × %s, want at most %.1f", got, added, mostQuiet)
			}
		})
	}
}

// BenchmarkCorrection measures warm runs that correct one drift: the time to the verified correction, and to the end
// of the invocation, which is after the notification.
func BenchmarkCorrection(b *testing.B) {
	for _, c := range []struct {
		property     string
		endpointType string
		drift        func(*scene) error
	}{
		{"bucket-policy", "Interface", func(s *scene) error { return s.S3.DeletePolicy(s.bucket) }},
		{"public-access-block", "Interface", func(s *scene) error { return s.S3.PutPublicAccessBlock(s.bucket, &locals3.PublicAccessBlock{}) }},
		{"ownership-controls", "Interface", func(s *scene) error { return s.S3.PutOwnership(s.bucket, "ObjectWriter") }},
		{"endpoint-policy", "Interface", func(s *scene) error {
			return s.EC2.ModifyEndpoint(s.endpoint, localec2.EndpointChange{ResetPolicy: true})
		}},
		{"private-dns", "Interface", func(s *scene) error {
			return s.EC2.ModifyEndpoint(s.endpoint, localec2.EndpointChange{PrivateDNS: aws.Bool(false)})
		}},
		{"route-tables", "Gateway", func(s *scene) error {
			return s.EC2.ModifyEndpoint(s.endpoint, localec2.EndpointChange{RemoveRouteTableIDs: []string{s.stack.Physical("RouteTable")}})
		}},
	} {
		b.Run(c.property, func(b *testing.B) { measureCorrection(b, endpointTypes[c.endpointType], c.property, c.drift) })
	}
}

func measureCorrection(b *testing.B, p parameters, property string, drift func(*scene) error) {
	s := warm(b, p)
	var verified, ended []time.Duration
	calls := 0
	for b.Loop() {
		s.must(drift(s))
		r := s.watch(func() { s.invoke("{}") })
		if len(r.records) != 1 || r.records[0].Resource != property || r.records[0].Message != "corrected" {
			b.Fatalf("records %q, want one correction of %s:\n%s", r.outcomes(), property, r.log())
		}
		verified = append(verified, time.Duration(r.records[0].ElapsedMs)*time.Millisecond)
		ended = append(ended, r.invocations[0].Duration)
		calls = len(r.calls)
	}
	b.ReportMetric(milliseconds(median(verified)), "ms-verified(median)")
	b.ReportMetric(milliseconds(median(ended)), "ms-invocation(median)")
	b.ReportMetric(float64(calls), "calls/run")
	if got := inTrips(median(verified)); got > mostCorrection {
		b.Errorf("a correction takes %.2f × %s, want at most %.1f", got, added, mostCorrection)
	}
}

// BenchmarkArtefact reports the size of the deployed bootstrap for arm64, zipped.
func BenchmarkArtefact(b *testing.B) {
	folder := b.TempDir()
	run(b, "build-RemediateFunction", "ARTIFACTS_DIR="+folder)
	for b.Loop() {
		size := zipped(b, filepath.Join(folder, "bootstrap"))
		b.ReportMetric(size, "MiB-zipped")
	}
}

// run runs the project's Makefile, so that the measured binary is built like the deployed one.
func run(t testing.TB, arguments ...string) {
	t.Helper()
	command := exec.Command("make", append([]string{"--silent"}, arguments...)...)
	command.Dir = "../.."
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make %v: %v\n%s", arguments, err, said)
	}
}

// zipped returns the size of a file in a zip archive, in MiB.
func zipped(t testing.TB, path string) float64 {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	entry, err := writer.Create("bootstrap")
	if err == nil {
		_, err = io.Copy(entry, file)
	}
	if err := cmp.Or(err, writer.Close()); err != nil {
		t.Fatal(fmt.Errorf("zipping %s: %w", path, err))
	}
	return float64(archive.Len()) / (1 << 20)
}
