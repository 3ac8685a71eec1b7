package iampolicy_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

func TestLockout(t *testing.T) {
	const everything = `{"Sid":"Everything","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::docs","arn:aws:s3:::docs/*"],"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-0123456789abcdef0"}}}`
	for name, c := range map[string]struct {
		policy string
		locked []string
	}{
		"desired":                    {desiredBucket, nil},
		"everything outside":         {statements(everything), []string{"guard", "teardown", "administrator", "administrators' role"}},
		"all but the guard":          {statements(strings.Replace(everything, `"StringNotEquals"`, `"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/guard"},"StringNotEquals"`, 1)), []string{"teardown", "administrator"}},
		"the guard alone":            {statements(`{"Effect":"Deny","Principal":{"AWS":"arn:aws:iam::111122223333:role/guard"},"Action":"s3:PutBucketPolicy","Resource":"*"}`), []string{"guard from the internet may not s3:PutBucketPolicy"}},
		"not a policy":               {"{", []string{"not JSON"}},
		"a policy without principal": {mayRead, nil},
	} {
		t.Run(name, func(t *testing.T) {
			err := iampolicy.Lockout([]byte(c.policy), docs)
			if (err == nil) != (len(c.locked) == 0) {
				t.Fatalf("Lockout(%s) = %v, want %v", c.policy, err, c.locked)
			}
			for _, want := range c.locked {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("Lockout(%s) = %v, want %s in it", c.policy, err, want)
				}
			}
		})
	}
}

// An owner may deny everybody what does not concern the lock. Nobody may be locked out further than before.
func TestLockoutBeyondWhatTheLivePolicyDenies(t *testing.T) {
	denies := func(action, principal string) string {
		return statements(`{"Effect":"Deny","Principal":` + principal + `,"Action":"` + action + `","Resource":"*"}`)
	}
	const everybody, guard = `"*"`, `{"AWS":"arn:aws:iam::111122223333:role/guard"}`
	for name, c := range map[string]struct{ desired, live, locked string }{
		"nobody may delete, as before":          {denies("s3:DeleteBucket", everybody), denies("s3:DeleteBucket", everybody), ""},
		"nobody may delete, which is new":       {denies("s3:DeleteBucket", everybody), denies("s3:PutBucketTagging", everybody), "s3:DeleteBucket"},
		"nobody may delete, before no policy":   {denies("s3:DeleteBucket", everybody), "", "s3:DeleteBucket"},
		"nobody may delete, before no document": {denies("s3:DeleteBucket", everybody), "{", "s3:DeleteBucket"},
		"the guard may not write, as before":    {denies("s3:PutBucketPolicy", guard), denies("s3:PutBucketPolicy", guard), "guard from the internet may not s3:PutBucketPolicy"},
		"nobody may write, as before":           {denies("s3:*Policy", everybody), denies("s3:*Policy", everybody), "administrator"},
		"the guard may not tag, as before":      {denies("s3:PutBucketTagging", guard), denies("s3:PutBucketTagging", guard), ""},
	} {
		err := iampolicy.LockoutBeyond([]byte(c.desired), []byte(c.live), docs)
		if (err == nil) != (c.locked == "") || err != nil && !strings.Contains(err.Error(), c.locked) {
			t.Errorf("%s: LockoutBeyond = %v, want %q", name, err, c.locked)
		}
	}
}

// docs/design.md: the article's statement leaves 104 of 106 actions open to an anonymous caller on the internet.
func TestWhatTheArticlesBucketPolicyLeavesOpen(t *testing.T) {
	all := len(iampolicy.ObjectActions()) + len(iampolicy.ListingActions()) + len(iampolicy.ConfigurationActions())
	if all != 106 {
		t.Errorf("%d S3 actions, want 106", all)
	}
	from := docs.Standpoints()[0]
	if from.Caller != "anonymous caller" || from.Path != "from the internet" {
		t.Fatalf("first standpoint = %s %s, want an anonymous caller from the internet", from.Caller, from.Path)
	}
	open := iampolicy.OpenActions(mustParse(t, articleBucket), docs, from)
	if len(open) != 104 {
		t.Errorf("the article's policy leaves %d actions open, want 104", len(open))
	}
	for _, closed := range []string{"s3:GetObject", "s3:PutObject"} {
		if by, found := open[closed]; found {
			t.Errorf("%s is open (%s), want denied", closed, by)
		}
	}
	if got := iampolicy.OpenActions(mustParse(t, desiredBucket), docs, from); len(got) != 0 {
		t.Errorf("the desired policy leaves %v open, want nothing", got)
	}
	if got := iampolicy.OpenActions(nil, docs, from); len(got) != 0 {
		t.Errorf("without a policy %v is open to anonymous callers, want nothing", got)
	}
}
