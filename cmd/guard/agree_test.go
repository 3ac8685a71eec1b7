package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// TestAuditCheckAndTheRunningGuardAgree puts each bucket policy of testdata/policies on a bucket of its own, and compares the verdicts of
// guard check on the file, of guard audit on the account, and of the deployed RemediateFunction of guard.yaml in Observe, all with the
// same lock.
func TestAuditCheckAndTheRunningGuardAgree(t *testing.T) {
	t.Parallel()
	const (
		role    = "arn:aws:iam::111122223333:role/quay-app"
		exempt  = "arn:aws:iam::111122223333:role/quay-exempt"
		manager = "arn:aws:iam::111122223333:role/quay-manager"
	)
	a := newGuardOfMany(t, "BucketNames=quay-policy-*", "Enforcement=Observe", "AllowAwsServices=false", "WorkloadRoleArns="+role,
		"ExemptRoleArns="+exempt, "ManagementRoleArns="+manager)
	lock := []string{"--account", "111122223333", "--region", "eu-central-1", "--role", role, "--except-role", exempt, "--management-role", manager,
		"--vpce", a.endpoint, "--vpce", a.others[0]}
	account := &auditedAccount{TB: t, Cloud: a.cloud, url: a.cloud.Internet()}
	account.answersReads()
	checked, files := map[string]audit.Result{}, map[string]string{}
	put := func(name, file, policy string) {
		policy = strings.ReplaceAll(policy, "quay-ledger-example", name)
		if !a.holds(name, policy) {
			return // S3 refuses the policy
		}
		out, _, _ := runGuardOn(append([]string{"check", "--json", writeFile(t, file, policy)}, lock...)...)
		var r report
		if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Results) != 1 {
			t.Fatalf("guard check of %s = %s, %v", file, out, err)
		}
		checked[name], files[name] = r.Results[0], file
	}
	for i, file := range policyFiles(t, "bucket") {
		text, err := os.ReadFile(file)
		a.must(err)
		put(fmt.Sprintf("quay-policy-%02d", i), filepath.Base(file), string(text))
	}
	own := strings.ReplaceAll(checked["quay-policy-00"].Lock, "quay-policy-00", "quay-ledger-example")
	put("quay-policy-lock", "lock.json", own)
	put("quay-policy-other-sids", "other-sids.json", regexp.MustCompile(`("Sid": *")`).ReplaceAllString(own, "${1}Other"))
	a.cloud.Events.Sweep()
	a.settles()
	guarded := a.observed("bucket-policy")
	audited, errs, _ := account.results(append([]string{"--bucket", "quay-policy-*"}, lock[2:]...)...)
	if len(audited) != len(checked) || len(checked) < 50 {
		t.Fatalf("%d policies are checked, %d audited (%s)", len(checked), len(audited), errs)
	}
	verdicts := map[iampolicy.Verdict]int{}
	for _, r := range audited {
		check, guard := checked[r.Name], guarded[r.Name]
		guard.Verdict = cmp.Or(guard.Verdict, iampolicy.Same)
		agrees := guard.Unread != "" || (guard.Verdict == iampolicy.Open) == (check.Verdict == audit.Open)
		if guard.Unread == "" { // the guard may not read some: it takes them for open
			verdicts[guard.Verdict]++
		}
		if r.Judgement != check.Judgement || r.Verdict != check.Verdict || !agrees {
			t.Errorf("%s (%s): guard audit says %s (%s), guard check %s (%s), the running guard %s", r.Name, files[r.Name], r.Judgement, r.Verdict, check.Judgement, check.Verdict, guard.Verdict)
		}
	}
	if verdicts[iampolicy.Open] < 40 || verdicts[iampolicy.Same] != 2 {
		t.Errorf("the running guard's verdicts are %v", verdicts)
	}
}

// holds makes a bucket with a policy and safe settings. It reports false, and makes none, if S3 refuses the policy.
func (a *guardedAccount) holds(name, policy string) bool {
	a.Helper()
	on := s3.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}
	a.must(a.cloud.S3.CreateBucket(name, ""))
	a.must(a.cloud.S3.PutPublicAccessBlock(name, nil))
	if a.cloud.S3.PutPolicy(name, []byte(policy)) != nil {
		a.must(a.cloud.S3.DeleteBucket(name))
		return false
	}
	a.must(a.cloud.S3.PutPublicAccessBlock(name, &on))
	a.must(a.cloud.S3.PutOwnership(name, "BucketOwnerEnforced"))
	return true
}

// observed returns the guard's latest records about a property, by bucket. A bucket without one is as desired.
func (a *guardedAccount) observed(property string) map[string]observedRecord {
	a.Helper()
	out, errs, err := runGuardOn("history", "--json", "--since", "1h", "--stack", a.stack.Name(), "--endpoint-url", a.cloud.Internet())
	if err != nil {
		a.Fatalf("guard history: %v\n%s", err, errs)
	}
	latest := map[string]observedRecord{}
	for line := range strings.Lines(out) {
		var r observedRecord
		a.must(json.Unmarshal([]byte(line), &r))
		if r.Resource == property {
			latest[r.Target] = r
		}
	}
	return latest
}

// observedRecord is what the test reads of a record.
type observedRecord struct {
	Target, Resource, Unread string
	Verdict                  iampolicy.Verdict
}
