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
	targets := s.targetsOf(configurationActions)
	now, then := newExamination(p), newExamination(before)
	for _, at := range s.standpointsOn(s.internet()) {
		if !s.configures(at) {
			continue
		}
		denied := now.denied(s, at, targets)
		if len(denied) == 0 {
			continue
		}
		known := then.denied(s, at, targets)
		for _, action := range denied {
			if slices.Contains(keeping, action) || !slices.Contains(known, action) {
				locked = append(locked, fmt.Errorf("%s %s may not %s", at.Caller, at.Path, action))
				break
			}
		}
	}
	return errors.Join(locked...)
}

// DeniedTo lists those of the actions on the setting's bucket that a bucket policy denies a role of the account, from the internet
// over TLS, although IAM allows them. A policy that cannot be evaluated denies none.
func DeniedTo(p *Policy, s Setting, role string, actions []string) []string {
	s.Guard = role
	targets, e := s.targetsOf(actions), newExamination(p)
	var denied []string
	for _, at := range s.standpointsOn(s.internet()) {
		if at.Principal == role {
			denied = append(denied, e.denied(s, at, targets)...)
		}
	}
	return denied
}

// targetsOf lists actions with their resources in the setting's bucket.
func (s Setting) targetsOf(actions []string) []*target {
	return slices.DeleteFunc(targetsOn(s.BucketARN(), 0), func(t *target) bool { return !slices.Contains(actions, t.action) })
}

// denied lists the actions that a bucket policy denies a caller whom IAM allows everything: none without a policy, and if it cannot be
// evaluated.
func (e *examination) denied(s Setting, at Standpoint, targets []*target) []string {
	if e.policy == nil || len(targets) == 0 || e.policy.checkPrincipals() != nil {
		return nil
	}
	sc := &scene{from: at, account: s.Account}
	c, err := newContext(sc.request(targets[0]))
	if err != nil {
		return nil
	}
	var denied []string
	applying := e.applying(c, nil)
	for _, t := range targets {
		c.aim(t)
		if e.rule(c, t, applying, false).effect == Deny {
			denied = append(denied, t.action)
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
	open := map[string]string{}
	for _, t := range targetsOn(s.BucketARN(), 0) {
		d := Evaluate(
			Request{Principal: at.Principal, Action: t.action, Resource: t.resource, ResourceAccount: s.Account, Context: at.Context},
			Policies{Identity: []*Policy{allowAll()}, Resource: p})
		if d.Effect != Deny {
			open[t.action] = d.By
		}
	}
	return open
}
