package adoption

import (
	"fmt"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// GuardActions are what the guard does with a bucket.
var GuardActions = []string{
	"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock",
	"s3:GetBucketOwnershipControls", "s3:PutBucketOwnershipControls",
}

// Lockout reports whom the lock would prevent from configuring buckets: the guard's role, or the account's administrators. Nobody
// could then undo it. It is the same for all buckets.
func Lockout(l lock.Lock, guardRole string) error {
	setting := l.Setting(lock.InventedBucket)
	setting.Guard = guardRole
	return iampolicy.Lockout([]byte(l.BucketPolicy(lock.InventedBucket)), setting)
}

// Unfit returns the reasons why a bucket cannot be guarded as it was found: its policy shuts the guard out, cannot be kept, or leaves
// no room for the lock. There are none for a bucket that can be guarded.
func Unfit(image BeforeImage, l lock.Lock, mode lock.Mode, guardRole string) []string {
	if image.Policy == "" {
		return nil
	}
	p, err := iampolicy.Parse([]byte(image.Policy))
	if err != nil {
		if mode == lock.Exact {
			return nil
		}
		return []string{"its policy has something that AWS does not document, so that it cannot be kept beside the lock: correct it, or choose PolicyMode Exact"}
	}
	var reasons []string
	if denied := iampolicy.DeniedTo(p, l.Setting(image.Bucket), guardRole, GuardActions); len(denied) > 0 {
		reasons = append(reasons, fmt.Sprintf("its policy denies %s to the guard's role: except %s from that statement",
			strings.Join(denied, ", "), guardRole))
	}
	// A policy that holds the lock is never written.
	crowded := mode == lock.AtLeast && len(l.BucketPolicy(image.Bucket))+len(image.Canonical) > lock.MaxPolicy
	if crowded && l.Judge(mode, image.Bucket, image.Policy).Verdict != iampolicy.Same {
		reasons = append(reasons, fmt.Sprintf("its policy with the lock would have more than the %d bytes that S3 accepts: shorten it, or choose PolicyMode Exact",
			lock.MaxPolicy))
	}
	return reasons
}
