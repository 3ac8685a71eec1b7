package awsconfig_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
)

// answering is an HTTP client that gives each request the same response. It calls first before the request is sent.
type answering struct{ first func() }

func (a answering) Do(*http.Request) (*http.Response, error) {
	if a.first != nil {
		a.first()
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(
		`<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`))}, nil
}

func versioning(client *s3.Client) error {
	_, err := client.GetBucketVersioning(context.Background(), &s3.GetBucketVersioningInput{Bucket: aws.String("docs")})
	return err
}

func s3With(t testing.TB, a answering) *s3.Client {
	c, err := awsconfig.Load(environment(nil))
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPClient = a
	return s3.NewFromConfig(c)
}

// inUse returns the memory of all goroutines' stacks.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.StackInuse
}

// A stack that had grown by doubling would have 32 KB at the deepest point of this call.
func TestACallMakesItsStackLargeEnough(t *testing.T) {
	const goroutines, each = 40, 64 << 10
	waiting, done := make(chan struct{}), make(chan struct{})
	client := s3With(t, answering{first: func() { waiting <- struct{}{}; <-done }})
	before := inUse()
	failures := make(chan error)
	for range goroutines {
		go func() { failures <- versioning(client) }()
	}
	for range goroutines {
		<-waiting
	}
	deepest := inUse() - before
	close(done)
	for range goroutines {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	if most, least := uint64(goroutines*each*3/2), uint64(goroutines*each*3/4); deepest > most || deepest < least {
		t.Errorf("the stacks of %d calls have %d KB each, want %d", goroutines, deepest/goroutines>>10, each>>10)
	}
}

// BenchmarkFirstCall is a call by a new goroutine, without the network.
func BenchmarkFirstCall(b *testing.B) {
	client := s3With(b, answering{})
	b.ReportAllocs()
	for b.Loop() {
		failed := make(chan error)
		go func() { failed <- versioning(client) }()
		if err := <-failed; err != nil {
			b.Fatal(err)
		}
	}
}
