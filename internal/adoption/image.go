package adoption

import (
	"slices"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// ownerEnforced is the object ownership that disables access control lists, and that the guard restores.
const ownerEnforced = "BucketOwnerEnforced"

// guardedBlock is the public access block that the guard restores.
var guardedBlock = PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}

// NewImage returns the before-image of a bucket that was read at a time.
func NewImage(bucket string, taken time.Time, state State, stack string) BeforeImage {
	return BeforeImage{Format: Format, Bucket: bucket, Taken: taken.UTC(), State: state, Canonical: canonical(state.Policy), Stack: stack}
}

// canonical returns a policy's canonical form; "" if there is none or if it cannot be parsed.
func canonical(policy string) string {
	p, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		return ""
	}
	return p.String()
}

// samePolicy reports whether two policies mean the same. S3 rewrites what it stores (docs/facts.md, S3).
func samePolicy(a, b string) bool {
	if a == b {
		return true
	}
	form := canonical(a)
	return form != "" && form == canonical(b)
}

// sameBlock reports whether two public access blocks have the same settings; nil has none on.
func sameBlock(a, b *PublicAccessBlock) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}

// sameGrants reports whether two access control lists grant the same.
func sameGrants(a, b []Grant) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(g Grant) bool { return !slices.Contains(b, g) })
}
