package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/survey"
)

// bucketsWithoutAnything has buckets without a policy, a public access block and object ownership, and counts those that are read.
type bucketsWithoutAnything struct {
	survey.S3 // nil: nothing else is called
	read      atomic.Int64
}

func (b *bucketsWithoutAnything) GetBucketPolicy(context.Context, *awss3.GetBucketPolicyInput, ...func(*awss3.Options)) (*awss3.GetBucketPolicyOutput, error) {
	b.read.Add(1)
	return nil, &smithy.GenericAPIError{Code: "NoSuchBucketPolicy"}
}

func (b *bucketsWithoutAnything) GetPublicAccessBlock(context.Context, *awss3.GetPublicAccessBlockInput, ...func(*awss3.Options)) (*awss3.GetPublicAccessBlockOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "NoSuchPublicAccessBlockConfiguration"}
}

func (b *bucketsWithoutAnything) GetBucketOwnershipControls(context.Context, *awss3.GetBucketOwnershipControlsInput, ...func(*awss3.Options)) (*awss3.GetBucketOwnershipControlsOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "OwnershipControlsNotFoundError"}
}

// slowReader reads nothing of the output until ready is closed.
type slowReader struct{ ready chan struct{} }

func (r slowReader) Write(text []byte) (int, error) {
	<-r.ready
	return len(text), nil
}

// The memory does not grow with the number of buckets: a few are held, even if nobody reads the output. Each that is held has been
// read, so the reads are counted.
func TestAuditHoldsAFewBucketsAtATime(t *testing.T) {
	t.Parallel()
	for _, buckets := range []int{200, 400} {
		synctest.Test(t, func(t *testing.T) {
			const concurrency = 16
			account, out := &bucketsWithoutAnything{}, slowReader{make(chan struct{})}
			a := &auditor{concurrency: concurrency, out: out, err: io.Discard, json: true, pace: survey.NewPacer(concurrency)}
			a.reader = &survey.Reader{Home: "eu-central-1", Account: "111122223333", Pace: a.pace, Client: func(string) survey.S3 { return account }}
			var err error
			if a.results, err = newAuditResults(a); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error)
			go func() { ended <- a.judge(t.Context(), numbered(buckets)) }()
			synctest.Wait()
			if held, most := account.read.Load(), int64(4*concurrency+1); held != most {
				t.Errorf("of %d buckets %d are held while nobody reads, want %d", buckets, held, most)
			}
			close(out.ready)
			if err := <-ended; err != nil || a.results.judged() != buckets {
				t.Errorf("%d of %d buckets judged, %v", a.results.judged(), buckets, err)
			}
		})
	}
}

// numbered yields so many buckets.
func numbered(n int) iter.Seq[target] {
	return func(yield func(target) bool) {
		for i := range n {
			if !yield(target{fmt.Sprintf("docs-%04d", i), "eu-central-1"}) {
				return
			}
		}
	}
}
