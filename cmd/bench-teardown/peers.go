package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/s3versions"
	"example.com/s3-endpoint-guard/internal/emptying"
)

// contender empties a bucket, and returns how many versions it deleted.
type contender func(ctx context.Context, client *s3.Client, bucket string) (int64, error)

// contenders are this project's engine and the peers' algorithms, reimplemented on the same SDK. They are faster here
// than the originals, which run on Node.js or decode with an older SDK: the comparison favours the peers. Installed
// originals run too.
var contenders = map[string]contender{
	"ours":        ours,
	"cdk":         cdk,
	"cdk's own":   cdksOwn,
	"s5cmd":       s5cmd,
	"s5cmd's own": s5cmdsOwn,
	"terraform":   terraform,
}

// ours does what functions/teardown does, with its memory limit.
func ours(ctx context.Context, client *s3.Client, bucket string) (int64, error) {
	debug.SetMemoryLimit(emptying.Memory)
	debug.SetGCPercent(-1)
	report, err := emptying.Run(ctx, emptying.Options{Store: s3versions.New(client, bucket, ""), Bucket: bucket})
	return report.Deleted, err
}

// cdk does what the handler of CDK's autoDeleteObjects does: list the first page, delete it, and repeat.
// https://github.com/aws/aws-cdk, packages/@aws-cdk/custom-resource-handlers/lib/aws-s3/auto-delete-objects-handler
func cdk(ctx context.Context, client *s3.Client, bucket string) (deleted int64, err error) {
	for {
		page, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &bucket})
		if err != nil {
			return deleted, err
		}
		batch := identifiers(page)
		if len(batch) == 0 {
			return deleted, nil
		}
		if _, err := client.DeleteObjects(ctx, deletion(bucket, batch)); err != nil {
			return deleted, err
		}
		deleted += int64(len(batch))
		if !aws.ToBool(page.IsTruncated) {
			return deleted, nil
		}
	}
}

//go:embed cdk.js
var cdkScript string

// cdksOwn is the handler that CDK itself deploys, on Node.js. It does not report how much it deleted.
func cdksOwn(ctx context.Context, client *s3.Client, _ string) (int64, error) {
	node := exec.CommandContext(ctx, "node", "-e", cdkScript, os.Getenv(cdkLib))
	node.Env = append(environment(client), "NODE_NO_WARNINGS=1")
	node.Stderr = os.Stderr
	return 0, node.Run()
}

// environment returns the variables that direct an original to the model.
func environment(client *s3.Client) []string {
	return append(os.Environ(), "AWS_ENDPOINT_URL="+*client.Options().BaseEndpoint, "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret")
}

// s5cmdDeletes and s5cmdTries are s5cmd's number of concurrent DeleteObjects calls, and of attempts per call.
const s5cmdDeletes, s5cmdTries = 10, 11

// s5cmd does what `s5cmd rm --all-versions` does: one listing feeds deletes of a thousand, ten at a time.
// https://github.com/peak/s5cmd, storage/s3.go, MultiDelete
func s5cmd(ctx context.Context, client *s3.Client, bucket string) (int64, error) {
	retries := func(o *s3.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.RateLimiter = s5cmdTries, unlimited{} })
	}
	return pipeline(ctx, bucket, client, retries, s5cmdDeletes)
}

// s5cmdsOwn is s5cmd itself. It prints each deleted version on standard output, which is not read.
func s5cmdsOwn(ctx context.Context, client *s3.Client, bucket string) (int64, error) {
	rm := exec.CommandContext(ctx, os.Getenv(s5cmdPath), "--endpoint-url", *client.Options().BaseEndpoint, "--log", "error",
		"rm", "--all-versions", "s3://"+bucket+"/*")
	rm.Env = environment(client)
	rm.Stderr = os.Stderr
	return 0, rm.Run()
}

// terraform does what the AWS provider's force_destroy does: list a page, delete it, list the next.
// https://github.com/hashicorp/terraform-provider-aws, internal/service/s3/delete.go
func terraform(ctx context.Context, client *s3.Client, bucket string) (int64, error) {
	retries := func(o *s3.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 25 })
	}
	return pipeline(ctx, bucket, client, retries, 0)
}

// pipeline lists page by page and deletes each, with up to atATime deletes during the listing; 0 alternates between
// both.
func pipeline(ctx context.Context, bucket string, client *s3.Client, retries func(*s3.Options), atATime int) (int64, error) {
	var deletes tally
	turn := make(chan struct{}, max(atATime, 1))
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx, retries)
		if err != nil {
			return deletes.sum(err)
		}
		turn <- struct{}{}
		deletes.all.Go(func() {
			defer func() { <-turn }()
			batch := identifiers(page)
			if len(batch) == 0 {
				return
			}
			_, err := client.DeleteObjects(ctx, deletion(bucket, batch), retries)
			deletes.add(len(batch), err)
		})
		if atATime == 0 {
			deletes.all.Wait()
		}
	}
	return deletes.sum(nil)
}

// tally sums up concurrent deletes.
type tally struct {
	all     sync.WaitGroup
	mu      sync.Mutex
	deleted int64
	err     error
}

func (t *tally) add(n int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.err = errors.Join(t.err, fmt.Errorf("a batch: %w", err))
		return
	}
	t.deleted += int64(n)
}

func (t *tally) sum(err error) (int64, error) {
	t.all.Wait()
	return t.deleted, errors.Join(err, t.err)
}

// unlimited does not limit retries, as in older SDKs.
type unlimited struct{}

func (unlimited) GetToken(context.Context, uint) (func() error, error) {
	return func() error { return nil }, nil
}
func (unlimited) AddTokens(uint) error { return nil }

// identifiers returns a page's versions and delete markers.
func identifiers(page *s3.ListObjectVersionsOutput) (batch []types.ObjectIdentifier) {
	for _, v := range page.Versions {
		batch = append(batch, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
	}
	for _, m := range page.DeleteMarkers {
		batch = append(batch, types.ObjectIdentifier{Key: m.Key, VersionId: m.VersionId})
	}
	return batch
}

func deletion(bucket string, batch []types.ObjectIdentifier) *s3.DeleteObjectsInput {
	return &s3.DeleteObjectsInput{Bucket: &bucket, Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(true)}}
}
