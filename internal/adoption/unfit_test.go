package adoption_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/lock"
)

func TestBucketsThatCannotBeGuardedAreRefused(t *testing.T) {
	l := theLock(t)
	deny := func(action, except string) string {
		return fmt.Sprintf(`{"Effect":"Deny","Principal":"*","Action":%q,"Resource":"arn:aws:s3:::docs","Condition":{"ArnNotEquals":{"aws:PrincipalArn":%q}}}`, action, except)
	}
	var many []string
	for i := range 126 {
		many = append(many, fmt.Sprintf(`{"Sid":"Allow%d","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/reader-%d"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/%d/*"}`, i, i, i))
	}
	for name, c := range map[string]struct {
		policy         string
		exact, atLeast string
	}{
		"no policy":                   {},
		"a policy of its own":         {policy: policy(statement("GetObject"))},
		"denies others the deletion":  {policy: policy(deny("s3:DeleteBucket", "arn:aws:iam::111122223333:role/admin"))},
		"denies the guard its writes": {policy: policy(deny("s3:PutBucketPolicy", "arn:aws:iam::111122223333:role/admin")), exact: "denies s3:PutBucketPolicy", atLeast: "denies s3:PutBucketPolicy"},
		"excepts the guard":           {policy: policy(deny("s3:*", guardRole))},
		"nearly full":                 {policy: policy(many...), atLeast: "more than the 20480 bytes"},
		"full, and holds the lock":    {policy: with(l.BucketPolicy("docs"), many[:118]...)},
		"not understood":              {policy: policy(`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*","Unknown":1}`), atLeast: "PolicyMode Exact"},
	} {
		t.Run(name, func(t *testing.T) {
			image := adoption.NewImage("docs", time.Time{}, adoption.State{Policy: c.policy}, "")
			for mode, want := range map[lock.Mode]string{lock.Exact: c.exact, lock.AtLeast: c.atLeast} {
				got := strings.Join(adoption.Unfit(image, l, mode, guardRole), "\n")
				if (got == "") != (want == "") || !strings.Contains(got, want) {
					t.Errorf("%s: Unfit = %q, want %q", mode, got, want)
				}
			}
		})
	}
	if err := adoption.Lockout(l, guardRole); err != nil {
		t.Errorf("Lockout = %v, want none: the lock leaves configuration to IAM", err)
	}
}
