package s3bucket_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// blocks returns the four public access block settings, in the order of S3's documentation.
func blocks(acls, ignore, policy, restrict bool) *types.PublicAccessBlockConfiguration {
	return &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: &acls, IgnorePublicAcls: &ignore, BlockPublicPolicy: &policy, RestrictPublicBuckets: &restrict,
	}
}

const allOn = `{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}`

func TestAnyPublicAccessBlockOffIsOpen(t *testing.T) {
	off := func(name string) guard.Difference { return guard.Difference{Removed: true, Name: name, Value: "true"} }
	for name, test := range map[string]struct {
		live *types.PublicAccessBlockConfiguration
		diff []guard.Difference
	}{
		"all on":         {blocks(true, true, true, true), nil},
		"first off":      {blocks(false, true, true, true), []guard.Difference{off("BlockPublicAcls")}},
		"second off":     {blocks(true, false, true, true), []guard.Difference{off("IgnorePublicAcls")}},
		"third off":      {blocks(true, true, false, true), []guard.Difference{off("BlockPublicPolicy")}},
		"fourth off":     {blocks(true, true, true, false), []guard.Difference{off("RestrictPublicBuckets")}},
		"none mentioned": {&types.PublicAccessBlockConfiguration{}, []guard.Difference{off("BlockPublicAcls"), off("IgnorePublicAcls"), off("BlockPublicPolicy"), off("RestrictPublicBuckets")}},
		"not configured": {nil, []guard.Difference{off("BlockPublicAcls"), off("IgnorePublicAcls"), off("BlockPublicPolicy"), off("RestrictPublicBuckets")}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeS3{t: t, blocks: test.live}
			block := &s3bucket.PublicAccessBlock{API: fake, Bucket: docs}
			f := inspect(t, block)
			if diff := cmp.Diff(test.diff, f.Diff); diff != "" || (f.Verdict == iampolicy.Same) != (test.diff == nil) {
				t.Errorf("verdict %s, diff (-want +got):\n%s", f.Verdict, diff)
			}
			if test.diff != nil && f.Verdict != iampolicy.Open || (f.Live == "") != (test.live == nil) || f.Desired != allOn {
				t.Errorf("finding %+v, want it open, with live and desired state", f)
			}
			if err := block.Restore(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if f := inspect(t, block); f.Verdict != iampolicy.Same || f.Live != allOn {
				t.Errorf("after Restore: %s %s, want same, all on", f.Verdict, f.Live)
			}
		})
	}
}

func TestAccessControlListsInForceAreOpen(t *testing.T) {
	owns := func(o types.ObjectOwnership) *types.OwnershipControls {
		return &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: o}}}
	}
	for name, test := range map[string]struct {
		live *types.OwnershipControls
		want iampolicy.Verdict
		is   string
	}{
		"lists off":        {owns(types.ObjectOwnershipBucketOwnerEnforced), iampolicy.Same, "BucketOwnerEnforced"},
		"owner preferred":  {owns(types.ObjectOwnershipBucketOwnerPreferred), iampolicy.Open, "BucketOwnerPreferred"},
		"writer owns":      {owns(types.ObjectOwnershipObjectWriter), iampolicy.Open, "ObjectWriter"},
		"no rule":          {&types.OwnershipControls{}, iampolicy.Open, ""},
		"not configured":   {nil, iampolicy.Open, ""},
		"more than a rule": {&types.OwnershipControls{Rules: make([]types.OwnershipControlsRule, 2)}, iampolicy.Open, "[{ {}} { {}}]"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeS3{t: t, ownership: test.live}
			ownership := &s3bucket.Ownership{API: fake, Bucket: docs}
			f := inspect(t, ownership)
			if f.Verdict != test.want || f.Live != test.is {
				t.Errorf("finding %s %q, want %s %q", f.Verdict, f.Live, test.want, test.is)
			}
			if err := ownership.Restore(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if got := inspect(t, ownership).Verdict; got != iampolicy.Same {
				t.Errorf("after Restore: %s, want same", got)
			}
		})
	}
}

func TestAPublicListIsReplacedFirst(t *testing.T) {
	fake := &fakeS3{t: t, publicList: true}
	ownership := &s3bucket.Ownership{API: fake, Bucket: docs}
	if err := ownership.Restore(t.Context(), guard.Finding{}); err != nil {
		t.Fatal(err)
	}
	want := []string{"PutBucketOwnershipControls", "PutBucketAcl", "PutBucketOwnershipControls"}
	if diff := cmp.Diff(want, fake.writes); diff != "" || inspect(t, ownership).Verdict != iampolicy.Same {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	fake = &fakeS3{t: t, publicList: true, fail: map[string]string{"PutBucketAcl": "AccessDenied"}}
	err := (&s3bucket.Ownership{API: fake, Bucket: docs}).Restore(t.Context(), guard.Finding{})
	if err == nil || !contains(err.Error(), "AccessDenied") {
		t.Errorf("Restore = %v, want the reason why the list cannot be replaced", err)
	}
}

func TestNamesAreThoseOfTheProperties(t *testing.T) {
	fake := &fakeS3{t: t, policy: aws.String(desired)}
	for _, r := range []guard.Resource{
		newPolicy(fake), &s3bucket.PublicAccessBlock{API: fake, Bucket: docs}, &s3bucket.Ownership{API: fake, Bucket: docs},
	} {
		if got := inspect(t, r).Property; got != r.Name() {
			t.Errorf("property %q of resource %q, want the same name", got, r.Name())
		}
	}
}
