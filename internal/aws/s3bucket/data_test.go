package s3bucket_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

func (f *fakeS3) GetBucketLifecycleConfiguration(_ context.Context, in *s3.GetBucketLifecycleConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	if err := f.call("GetBucketLifecycleConfiguration", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.lifecycle == nil {
		return nil, refuse("NoSuchLifecycleConfiguration")
	}
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: f.lifecycle}, nil
}

func (f *fakeS3) PutBucketLifecycleConfiguration(_ context.Context, in *s3.PutBucketLifecycleConfigurationInput, _ ...func(*s3.Options)) (*s3.PutBucketLifecycleConfigurationOutput, error) {
	if err := f.call("PutBucketLifecycleConfiguration", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.lifecycle = in.LifecycleConfiguration.Rules
	return &s3.PutBucketLifecycleConfigurationOutput{}, nil
}

func (f *fakeS3) GetBucketVersioning(_ context.Context, in *s3.GetBucketVersioningInput, _ ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error) {
	return &s3.GetBucketVersioningOutput{Status: f.versioning}, f.call("GetBucketVersioning", in.Bucket, in.ExpectedBucketOwner)
}

func (f *fakeS3) PutBucketVersioning(_ context.Context, in *s3.PutBucketVersioningInput, _ ...func(*s3.Options)) (*s3.PutBucketVersioningOutput, error) {
	if err := f.call("PutBucketVersioning", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.versioning = in.VersioningConfiguration.Status
	return &s3.PutBucketVersioningOutput{}, nil
}

func (f *fakeS3) GetBucketEncryption(_ context.Context, in *s3.GetBucketEncryptionInput, _ ...func(*s3.Options)) (*s3.GetBucketEncryptionOutput, error) {
	if err := f.call("GetBucketEncryption", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if f.encryption == nil {
		return nil, refuse("ServerSideEncryptionConfigurationNotFoundError")
	}
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: f.encryption}, nil
}

func (f *fakeS3) PutBucketEncryption(_ context.Context, in *s3.PutBucketEncryptionInput, _ ...func(*s3.Options)) (*s3.PutBucketEncryptionOutput, error) {
	if err := f.call("PutBucketEncryption", in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	f.encryption = in.ServerSideEncryptionConfiguration
	return &s3.PutBucketEncryptionOutput{}, nil
}

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// for30Days returns the lifecycle rules' resource of a bucket that keeps old versions for 30 days.
func for30Days(fake *fakeS3) *s3bucket.Lifecycle {
	return &s3bucket.Lifecycle{API: fake, Bucket: docs, OldVersionDays: 30}
}

// rule returns an enabled lifecycle rule for all objects, changed.
func rule(change func(*types.LifecycleRule)) types.LifecycleRule {
	r := types.LifecycleRule{Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")}}
	change(&r)
	return r
}

// old returns a rule that deletes old versions after some days, with a prefix and a number of versions that are kept.
func old(days int32, prefix string, newer *int32) types.LifecycleRule {
	return rule(func(r *types.LifecycleRule) {
		r.Filter.Prefix = &prefix
		r.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: &days, NewerNoncurrentVersions: newer}
	})
}

// restored checks a resource's finding, restores it, and checks that it is as desired.
func restored(t *testing.T, r guard.Resource, want iampolicy.Verdict, allowed string) {
	t.Helper()
	f := inspect(t, r)
	if f.Verdict != want || !strings.Contains(f.Allowed, allowed) || (allowed == "") != (f.Allowed == "") {
		t.Errorf("finding %s, %q, want %s, %q", f.Verdict, f.Allowed, want, allowed)
	}
	if (f.Verdict == iampolicy.Same) != (len(f.Diff) == 0) {
		t.Errorf("verdict %s with the differences %v", f.Verdict, f.Diff)
	}
	if err := r.Restore(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if f := inspect(t, r); f.Verdict != iampolicy.Same || f.Live != f.Desired {
		t.Errorf("after Restore: %s, %s, want same, %s", f.Verdict, f.Live, f.Desired)
	}
}

func TestALifecycleRuleIsJudgedByWhatItDeletesAndWhen(t *testing.T) {
	const same, closed, open = iampolicy.Same, iampolicy.Closed, iampolicy.Open
	desired := for30Days(nil).Rules()
	added := func(change func(*types.LifecycleRule)) []types.LifecycleRule {
		return append([]types.LifecycleRule{rule(change)}, desired...)
	}
	expires := func(e types.LifecycleExpiration) []types.LifecycleRule {
		return added(func(r *types.LifecycleRule) { r.Expiration = &e })
	}
	with := func(r types.LifecycleRule) []types.LifecycleRule { return append([]types.LifecycleRule{r}, desired...) }
	for name, test := range map[string]struct {
		live []types.LifecycleRule
		want iampolicy.Verdict
		// allowed is part of what the finding says, "" if it must say nothing.
		allowed string
	}{
		"as in the template": {desired, same, ""},
		"in another order":   {[]types.LifecycleRule{desired[2], desired[0], desired[1]}, same, ""},
		"in one rule": {[]types.LifecycleRule{desired[1], rule(func(r *types.LifecycleRule) {
			r.AbortIncompleteMultipartUpload, r.Expiration, r.NoncurrentVersionExpiration = desired[0].AbortIncompleteMultipartUpload, desired[2].Expiration, desired[2].NoncurrentVersionExpiration
		})}, same, ""},
		"in the older form": {[]types.LifecycleRule{desired[0], {Status: types.ExpirationStatusEnabled, Prefix: aws.String(".s3-endpoint-guard/"), NoncurrentVersionExpiration: desired[1].NoncurrentVersionExpiration}, desired[2]}, same, ""},
		"a disabled rule": {added(func(r *types.LifecycleRule) {
			r.Status, r.Expiration = types.ExpirationStatusDisabled, &types.LifecycleExpiration{Days: aws.Int32(1)}
		}), same, ""},
		"no rules":              {nil, closed, ""},
		"one rule missing":      {desired[:2], closed, ""},
		"one rule disabled":     {[]types.LifecycleRule{desired[0], desired[1], {Status: types.ExpirationStatusDisabled, NoncurrentVersionExpiration: desired[2].NoncurrentVersionExpiration}}, closed, ""},
		"kept longer":           {[]types.LifecycleRule{desired[0], desired[1], old(90, "", nil)}, closed, ""},
		"kept as long, in part": {with(old(30, "docs/", nil)), closed, ""},
		"uploads aborted": {added(func(r *types.LifecycleRule) {
			r.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(1)}
		}), closed, ""},
		"moved": {added(func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(1), StorageClass: types.TransitionStorageClassGlacier}}
		}), closed, ""},
		"old versions moved": {added(func(r *types.LifecycleRule) {
			r.NoncurrentVersionTransitions = []types.NoncurrentVersionTransition{{NoncurrentDays: aws.Int32(1)}}
		}), closed, ""},
		"canaries, sooner":     {with(old(1, ".s3-endpoint-guard/canary-", nil)), closed, ""},
		"everything tomorrow":  {expires(types.LifecycleExpiration{Days: aws.Int32(1)}), open, "delete current versions after 1 day"},
		"everything in a year": {expires(types.LifecycleExpiration{Days: aws.Int32(365)}), open, "delete current versions after 365 days"},
		"everything at a date": {expires(types.LifecycleExpiration{Date: aws.Time(noon)}), open, "delete current versions at 2026-03-02T12:00:00Z"},
		"one prefix": {added(func(r *types.LifecycleRule) {
			r.Filter.Prefix, r.Expiration = aws.String("docs/"), &types.LifecycleExpiration{Days: aws.Int32(3)}
		}), open, `after 3 days, keys beginning with "docs/"`},
		"tagged objects": {added(func(r *types.LifecycleRule) {
			r.Filter = &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("k"), Value: aws.String("v")}}
			r.Expiration = &types.LifecycleExpiration{Days: aws.Int32(1)}
		}), open, "tagged k=v"},
		"large objects": {added(func(r *types.LifecycleRule) {
			r.Filter = &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Prefix: aws.String("docs/"), ObjectSizeGreaterThan: aws.Int64(1)}}
			r.Expiration = &types.LifecycleExpiration{Days: aws.Int32(1)}
		}), open, `keys beginning with "docs/", larger than 1 bytes`},
		"old versions sooner":         {with(old(29, "", nil)), open, "delete old versions after 29 days"},
		"old versions, all but three": {with(old(1, "", aws.Int32(3))), open, "after 1 day except the 3 newest"},
		"a new kind of action":        {added(func(*types.LifecycleRule) {}), open, "not known here"},
	} {
		t.Run(name, func(t *testing.T) {
			restored(t, for30Days(&fakeS3{t: t, lifecycle: test.live}), test.want, test.allowed)
		})
	}
}

// Each quiet run would otherwise encode six lists of rules as JSON, which takes longer than to compare them.
func TestLifecycleRulesHaveTheirStatesOnlyIfTheyDrifted(t *testing.T) {
	desired := for30Days(nil).Rules()
	if f := inspect(t, for30Days(&fakeS3{t: t, lifecycle: desired})); f.Live != "" || f.Desired != "" {
		t.Errorf("rules as desired have the states %q and %q, want none", f.Live, f.Desired)
	}
	f := inspect(t, for30Days(&fakeS3{t: t, lifecycle: desired[:1]}))
	if !strings.Contains(f.Live, "AbortIncompleteUploads") || strings.Contains(f.Live, "null") || !strings.Contains(f.Desired, "ExpireCanaries") {
		t.Errorf("live rules %s, desired %s", f.Live, f.Desired)
	}
}

func TestSuspendedVersioningIsOpen(t *testing.T) {
	for status, want := range map[types.BucketVersioningStatus]iampolicy.Verdict{
		types.BucketVersioningStatusEnabled: iampolicy.Same, types.BucketVersioningStatusSuspended: iampolicy.Open, "": iampolicy.Open,
	} {
		allowed := ""
		if want == iampolicy.Open {
			allowed = "cannot be restored"
		}
		restored(t, &s3bucket.Versioning{API: &fakeS3{t: t, versioning: status}, Bucket: docs}, want, allowed)
	}
}

func TestAKeyThatOthersControlIsOpen(t *testing.T) {
	by := func(algorithm types.ServerSideEncryption, key *string) *types.ServerSideEncryptionConfiguration {
		return &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
			ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: algorithm, KMSMasterKeyID: key},
		}}}
	}
	for name, test := range map[string]struct {
		live    *types.ServerSideEncryptionConfiguration
		want    iampolicy.Verdict
		allowed string
	}{
		"S3's keys":      {by(types.ServerSideEncryptionAes256, nil), iampolicy.Same, ""},
		"not configured": {nil, iampolicy.Same, ""},
		"no rule":        {&types.ServerSideEncryptionConfiguration{}, iampolicy.Same, ""},
		"no default":     {&types.ServerSideEncryptionConfiguration{Rules: make([]types.ServerSideEncryptionRule, 1)}, iampolicy.Same, ""},
		"aws/s3":         {by(types.ServerSideEncryptionAwsKms, nil), iampolicy.Closed, ""},
		"a key":          {by(types.ServerSideEncryptionAwsKms, aws.String("alias/theirs")), iampolicy.Open, "the key alias/theirs"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeS3{t: t, encryption: test.live}
			encryption := &s3bucket.Encryption{API: fake, Bucket: docs}
			if f := inspect(t, encryption); f.Verdict != test.want || !strings.Contains(f.Allowed, test.allowed) {
				t.Errorf("finding %s, %q, want %s, %q", f.Verdict, f.Allowed, test.want, test.allowed)
			}
			if err := encryption.Restore(t.Context(), guard.Finding{}); err != nil {
				t.Fatal(err)
			}
			if f := inspect(t, encryption); f.Verdict != iampolicy.Same || f.Live != "AES256" {
				t.Errorf("after Restore: %s %q", f.Verdict, f.Live)
			}
		})
	}
}

// The before-image is what the AWS CLI accepts.
func TestTheBeforeImageOfLifecycleRulesHasOnlyWhatIsSet(t *testing.T) {
	f := inspect(t, for30Days(&fakeS3{t: t, lifecycle: []types.LifecycleRule{old(3, "docs/", nil)}}))
	const want = `[{"Filter":{"Prefix":"docs/"},"NoncurrentVersionExpiration":{"NoncurrentDays":3},"Status":"Enabled"}]`
	if f.Live != want {
		t.Errorf("live state %s, want %s", f.Live, want)
	}
}

func TestAFailedWriteOfTheDataSettingsIsReported(t *testing.T) {
	fake := &fakeS3{t: t, fail: map[string]string{
		"PutBucketLifecycleConfiguration": "AccessDenied", "PutBucketVersioning": "AccessDenied", "PutBucketEncryption": "AccessDenied",
	}}
	for _, r := range []guard.Resource{
		for30Days(fake), &s3bucket.Versioning{API: fake, Bucket: docs}, &s3bucket.Encryption{API: fake, Bucket: docs},
	} {
		if err := r.Restore(t.Context(), guard.Finding{}); guard.RemedyOf(err) != guard.RemedyDenied {
			t.Errorf("%s: Restore = %v, want %s", r.Name(), err, guard.RemedyDenied)
		}
	}
}
