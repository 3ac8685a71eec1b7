package s3bucket

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// LifecycleAPI contains the calls that [Lifecycle] makes.
type LifecycleAPI interface {
	lifecycleReader
	PutBucketLifecycleConfiguration(context.Context, *s3.PutBucketLifecycleConfigurationInput, ...func(*s3.Options)) (*s3.PutBucketLifecycleConfigurationOutput, error)
}

// Lifecycle keeps the bucket's lifecycle rules as template.yaml declares them.
//
// A rule is judged by what it deletes and when, not by its text. Drift is open if S3 would delete current versions, or
// old versions sooner than the template says; no policy can prevent that. All other drift is closed: rules that delete
// less, abort uploads, or move objects to another storage class. S3 executes the rules once a day, and what it had
// scheduled is not deleted if the rule is gone by then. Source: docs/facts.md, S3
type Lifecycle struct {
	API    LifecycleAPI
	Bucket Bucket
	// OldVersionDays is the number of days for which old versions of objects are kept.
	OldVersionDays int32
}

var _ guard.Resource = (*Lifecycle)(nil)

const (
	// canaries is the prefix of the probe's objects, canaryDays for how many days their old versions are kept.
	canaries   = ".s3-endpoint-guard/"
	canaryDays = 1
	// uploadDays is the number of days after which unfinished uploads are aborted.
	uploadDays = 7
)

// Name implements [guard.Resource].
func (l *Lifecycle) Name() string { return "lifecycle-rules" }

// Rules returns the desired rules: those of the resource Bucket in template.yaml.
func (l *Lifecycle) Rules() []types.LifecycleRule {
	rule := func(id, prefix string) types.LifecycleRule {
		return types.LifecycleRule{
			ID: &id, Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: &prefix},
		}
	}
	uploads, probes, versions := rule("AbortIncompleteUploads", ""), rule("ExpireCanaries", canaries), rule("ExpireOldVersions", "")
	uploads.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(uploadDays)}
	probes.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(canaryDays)}
	versions.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: &l.OldVersionDays}
	versions.Expiration = &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}
	return []types.LifecycleRule{uploads, probes, versions}
}

// Inspect implements [guard.Resource].
func (l *Lifecycle) Inspect(ctx context.Context) ([]guard.Finding, error) {
	live, err := l.Bucket.lifecycle(ctx, l.API)
	desired := l.Rules()
	if err != nil {
		return l.Bucket.unread(l.Name(), guard.CompactSet(desired), err)
	}
	finding := guard.Finding{Property: l.Name(), Target: l.Bucket.Name, Verdict: iampolicy.Same}
	l.compare(&finding, effects(live), effects(desired))
	if finding.Verdict == iampolicy.Same {
		return []guard.Finding{finding}, nil // the states take longer than the comparison
	}
	finding.Desired = guard.CompactSet(desired)
	if len(live) > 0 {
		finding.Live = guard.CompactSet(live)
	}
	return []guard.Finding{finding}, nil
}

// lifecycleReader contains the call that [Bucket.lifecycle] makes.
type lifecycleReader interface {
	GetBucketLifecycleConfiguration(context.Context, *s3.GetBucketLifecycleConfigurationInput, ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error)
}

// lifecycle reads the bucket's lifecycle rules; a bucket without a configuration has none.
func (b Bucket) lifecycle(ctx context.Context, api lifecycleReader) ([]types.LifecycleRule, error) {
	answer, err := api.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &b.Name, ExpectedBucketOwner: &b.Account})
	switch {
	case errorcode.Of(err) == "NoSuchLifecycleConfiguration":
		return nil, nil
	case err != nil:
		return nil, err
	default:
		return answer.Rules, nil
	}
}

// compare sets a finding's verdict and differences.
func (l *Lifecycle) compare(f *guard.Finding, live, desired []effect) {
	for _, e := range desired {
		if !slices.Contains(live, e) {
			f.Verdict = iampolicy.Closed
			f.Diff = append(f.Diff, guard.Difference{Removed: true, Value: e.String()})
		}
	}
	var harm []string
	for _, e := range live {
		if slices.Contains(desired, e) {
			continue
		}
		f.Diff = append(f.Diff, guard.Difference{Value: e.String()})
		if e.harms(l.OldVersionDays) {
			harm = append(harm, e.String())
		}
	}
	switch {
	case len(harm) > 0:
		f.Verdict, f.Allowed = iampolicy.Open, "S3 deletes what must be kept: "+strings.Join(harm, "; ")
	case len(f.Diff) > 0:
		f.Verdict = iampolicy.Closed
	}
}

// Restore implements [guard.Resource].
func (l *Lifecycle) Restore(ctx context.Context, _ guard.Finding) error {
	_, err := l.API.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &l.Bucket.Name, ExpectedBucketOwner: &l.Bucket.Account,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: l.Rules()},
	})
	return l.Bucket.wrap(err)
}
