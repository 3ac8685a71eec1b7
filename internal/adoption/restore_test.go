package adoption_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/lock"
)

const (
	account   = "111122223333"
	endpoint  = "vpce-0a1b2c3d4e5f60718"
	guardRole = "arn:aws:iam::111122223333:role/guard"
)

// parameters are those of the lock in the tests.
var parameters = lock.Parameters{
	BucketNames: "docs", VPCEndpointIDs: endpoint, AllowAWSServices: "false", EndpointPolicy: lock.AccountPolicy, PolicyMode: string(lock.AtLeast),
}

func theLock(t testing.TB) lock.Lock {
	t.Helper()
	l, err := parameters.Lock("aws", "eu-central-1", account)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// policy is a policy with statements.
func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// statement is an Allow for everyone, with the action as its Sid.
func statement(action string) string {
	return fmt.Sprintf(`{"Sid":%q,"Effect":"Allow","Principal":"*","Action":"s3:%s","Resource":"arn:aws:s3:::docs/*"}`, action, action)
}

// grant is an Allow for two principals.
func grant(a, b string) string {
	return fmt.Sprintf(`{"Sid":"Grant","Effect":"Allow","Principal":{"AWS":[%q,%q]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`, a, b)
}

// with adds statements to a policy.
func with(document string, statements ...string) string {
	return strings.TrimSuffix(document, "]}") + "," + strings.Join(statements, ",") + "]}"
}

func TestAPolicyIsPutBackOnlyIfTheGuardMayHaveWrittenIt(t *testing.T) {
	locked := theLock(t).BucketPolicy("docs")
	other := strings.ReplaceAll(locked, endpoint, "vpce-0fffffffffffffff")
	read, list := statement("GetObject"), statement("GetObjectAcl")
	for name, c := range map[string]struct {
		before, live string
		put          bool
		left, failed string
	}{
		"nothing was written":                           {before: policy(read), live: policy(read)},
		"S3 has rewritten it":                           {before: policy(read), live: strings.Replace(policy(read), `"2012-10-17",`, `"2012-10-17", `, 1)},
		"none before, none now":                         {},
		"the lock alone":                                {before: policy(read), live: locked, put: true},
		"the lock, none before":                         {live: locked, put: true},
		"the lock of earlier parameters":                {before: policy(read), live: other, put: true},
		"merged":                                        {before: policy(read, list), live: with(locked, read, list), put: true},
		"merged, without what opened":                   {before: policy(read, list), live: with(locked, list), put: true},
		"a part of the lock":                            {before: policy(read), live: policy(firstOf(locked), read), put: true},
		"somebody else's":                               {before: policy(read), live: policy(list), left: "neither the one before nor the guard's"},
		"deleted by somebody else":                      {before: policy(read), live: "", left: "neither the one before nor the guard's"},
		"written by somebody, none before":              {live: policy(list), left: "neither the one before nor the guard's"},
		"not a policy":                                  {before: policy(read), live: "{}", left: "neither the one before nor the guard's"},
		"a statement beside the lock":                   {before: policy(read), live: with(locked, list), failed: "GetObjectAcl"},
		"a statement beside the lock, none before":      {live: with(locked, list), failed: "GetObjectAcl"},
		"held the lock before":                          {before: with(locked, read), live: with(locked, read)},
		"held the lock before, its owner has added":     {before: with(locked, read), live: with(locked, read, list), left: "held the lock before"},
		"held the lock before, the guard wrote it back": {before: with(locked, read), live: locked, put: true},
		"a role in it was deleted":                      {before: policy(grant("arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/a")), live: with(locked, grant("AROAEXAMPLEEXAMPLE123", "arn:aws:iam::111122223333:role/a")), put: true},
		"a role in it was replaced":                     {before: policy(grant("arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/a")), live: with(locked, grant("AROAEXAMPLEEXAMPLE123", "arn:aws:iam::111122223333:role/b")), failed: "Grant"},
		"a public policy beside the article's":          {before: policy(read), live: policy(read, list), left: "neither the one before nor the guard's"},
	} {
		t.Run(name, func(t *testing.T) {
			image := adoption.NewImage("docs", time.Time{}, adoption.State{Policy: c.before}, "")
			got, err := adoption.PlanRestore(image, locked, adoption.State{Policy: c.live})
			if c.failed != "" {
				if err == nil || !strings.Contains(err.Error(), c.failed) || got != (adoption.Restoration{}) {
					t.Fatalf("PlanRestore = %+v, %v, want an error that names %s", got, err, c.failed)
				}
				return
			}
			if err != nil || got.Policy != c.put || !strings.Contains(got.Left, c.left) || (got.Left == "") != (c.left == "") {
				t.Errorf("PlanRestore = %+v, %v, want policy %t, left %q", got, err, c.put, c.left)
			}
		})
	}
}

// firstOf is the first statement of a rendered lock.
func firstOf(document string) string {
	_, list, _ := strings.Cut(document, `"Statement":[`)
	first, _, _ := strings.Cut(list, "}},")
	return first + "}}"
}

func TestSettingsArePutBackOnlyIfTheyAreTheGuards(t *testing.T) {
	locked := theLock(t).BucketPolicy("docs")
	all := &adoption.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}
	some := &adoption.PublicAccessBlock{BlockPublicAcls: true}
	for name, c := range map[string]struct {
		before, live adoption.State
		want         adoption.Restoration
	}{
		"never changed":       {adoption.State{PublicAccessBlock: all, Ownership: "BucketOwnerEnforced"}, adoption.State{PublicAccessBlock: all, Ownership: "BucketOwnerEnforced"}, adoption.Restoration{}},
		"set by the guard":    {adoption.State{PublicAccessBlock: some, Ownership: "ObjectWriter"}, adoption.State{PublicAccessBlock: all, Ownership: "BucketOwnerEnforced"}, adoption.Restoration{PublicAccessBlock: true, Ownership: true}},
		"no configuration":    {adoption.State{}, adoption.State{PublicAccessBlock: all, Ownership: "BucketOwnerEnforced"}, adoption.Restoration{PublicAccessBlock: true, Ownership: true}},
		"set by others since": {adoption.State{PublicAccessBlock: all, Ownership: "BucketOwnerEnforced"}, adoption.State{PublicAccessBlock: some, Ownership: "ObjectWriter"}, adoption.Restoration{Left: "object ownership ObjectWriter and its public access block, set since by somebody else"}},
	} {
		t.Run(name, func(t *testing.T) {
			image := adoption.NewImage("docs", time.Time{}, c.before, "")
			got, err := adoption.PlanRestore(image, locked, c.live)
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Errorf("with the policy of before: %v (-want +got)\n%s", err, diff)
			}
			foreign := c.live
			foreign.Policy = policy(statement("GetObject"))
			if got, err := adoption.PlanRestore(image, locked, foreign); err != nil || got != (adoption.Restoration{Left: got.Left}) || got.Left == "" {
				t.Errorf("with a policy of somebody else: %+v, %v, want nothing put back, and said", got, err)
			}
		})
	}
}

func TestAListIsPutBackOnlyOverTheGuardsPrivateOne(t *testing.T) {
	owner := adoption.Grant{Account: "o", Permission: "FULL_CONTROL"}
	logs := adoption.Grant{Group: "http://acs.amazonaws.com/groups/s3/LogDelivery", Permission: "WRITE"}
	public := adoption.Grant{Group: "http://acs.amazonaws.com/groups/global/AllUsers", Permission: "READ"}
	const writer = "ObjectWriter"
	for name, c := range map[string]struct {
		before, live adoption.State
		put, left    bool
	}{
		"replaced by the guard":  {before: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, logs}}, live: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner}}, put: true},
		"never replaced":         {before: adoption.State{Ownership: writer, Grants: []adoption.Grant{logs, owner}}, live: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, logs}}},
		"replaced by others":     {before: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, logs}}, live: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, public}}},
		"lists are still off":    {before: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, logs}}, live: adoption.State{Ownership: "BucketOwnerEnforced"}},
		"public, blocked before": {before: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, public}, PublicAccessBlock: &adoption.PublicAccessBlock{BlockPublicAcls: true}}, live: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner}}, left: true},
		"public, not blocked":    {before: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner, public}}, live: adoption.State{Ownership: writer, Grants: []adoption.Grant{owner}}, put: true},
	} {
		put, left := adoption.PlanGrants(adoption.NewImage("docs", time.Time{}, c.before, ""), c.live)
		if put != c.put || (left != "") != c.left {
			t.Errorf("%s: PlanGrants = %t, %q, want %t, left %t", name, put, left, c.put, c.left)
		}
	}
}
