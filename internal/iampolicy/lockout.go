package iampolicy

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// allowAll is an identity policy that allows everything.
var allowAll = sync.OnceValue(func() *Policy {
	p, err := Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err)
	}
	return p
})

// Lockout reports which callers cannot configure the bucket under a bucket policy. The guard, the teardown role (if there
// is one) and administrators of the account must be allowed all configuration actions from the internet over TLS, as far
// as their identity policies allow them. It returns nil when they are allowed, else one joined error that names each caller
// and action denied. A document that cannot be evaluated counts as a lockout.
//
// Source: docs/facts.md, S3, "Everyone else can be locked out".
func Lockout(desired []byte, s Setting) error { return LockoutBeyond(desired, nil, s) }

// keeping are the actions that read and write what the guard guards.
var keeping = []string{
	"s3:DeleteBucketPolicy", "s3:GetBucketOwnershipControls", "s3:GetBucketPolicy", "s3:GetBucketPublicAccessBlock",
	"s3:PutBucketOwnershipControls", "s3:PutBucketPolicy", "s3:PutBucketPublicAccessBlock",
}

// LockoutBeyond is [Lockout] without what the live policy denies, too: an owner may deny everybody to delete a bucket. What reads and
// writes the guarded configuration must be allowed in any case: who denies it to administrators has locked them out. A live policy
// that cannot be evaluated counts as none.
func LockoutBeyond(desired, live []byte, s Setting) error {
	p, err := Parse(desired)
	if err != nil {
		return err
	}
	before, _ := Parse(live)
	var locked []error
	for _, at := range s.Standpoints() {
		if at.Path != s.internet().name || !s.configures(at) {
			continue
		}
		allowed, denied := openActions(p, s, at, configurationActions), deniedActions(before, s, at)
		for _, action := range configurationActions {
			if _, found := allowed[action]; !found && (slices.Contains(keeping, action) || !denied(action)) {
				locked = append(locked, fmt.Errorf("%s %s may not %s", at.Caller, at.Path, action))
				break
			}
		}
	}
	return errors.Join(locked...)
}

// deniedActions returns a function that reports whether a policy denies a caller a configuration action on the bucket; nil denies none. It
// evaluates the policy at the first call only.
func deniedActions(p *Policy, s Setting, at Standpoint) func(action string) bool {
	open := sync.OnceValue(func() map[string]string { return openActions(p, s, at, configurationActions) })
	return func(action string) bool {
		if p == nil {
			return false
		}
		_, found := open()[action]
		return !found
	}
}

// DeniedTo lists those of the actions on the setting's bucket that a bucket policy denies a role of the account, from the internet
// over TLS, although IAM allows them.
func DeniedTo(p *Policy, s Setting, role string, actions []string) []string {
	s.Guard = role
	var denied []string
	for _, at := range s.Standpoints() {
		if at.Path != s.internet().name || at.Principal != role {
			continue
		}
		open := openActions(p, s, at, actions)
		for _, action := range actions {
			if _, found := open[action]; !found {
				denied = append(denied, action)
			}
		}
	}
	return denied
}

// configures reports whether a caller must be able to configure the bucket.
func (s Setting) configures(at Standpoint) bool {
	switch at.Principal {
	case s.Guard, s.Teardown, s.iam(s.Account, "user/administrator"), s.iam(s.Account, administrators):
		return at.Principal != ""
	}
	return false
}

// OpenActions lists the S3 actions on the setting's bucket and its objects that a caller may take under a bucket policy if
// IAM allows it everything, each with what allows it (as in [Decision.By]). An undecided action counts as open. A nil
// policy means a bucket without one.
func OpenActions(p *Policy, s Setting, at Standpoint) map[string]string {
	return openActions(p, s, at, nil)
}

// openActions is [OpenActions] of some actions; nil means all.
func openActions(p *Policy, s Setting, at Standpoint, of []string) map[string]string {
	open := map[string]string{}
	for _, t := range targetsOn(s.BucketARN(), 0) {
		if of != nil && !slices.Contains(of, t.action) {
			continue
		}
		d := Evaluate(
			Request{Principal: at.Principal, Action: t.action, Resource: t.resource, ResourceAccount: s.Account, Context: at.Context},
			Policies{Identity: []*Policy{allowAll()}, Resource: p})
		if d.Effect != Deny {
			open[t.action] = d.By
		}
	}
	return open
}
