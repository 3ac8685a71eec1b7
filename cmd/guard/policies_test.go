package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/policyfiles"
)

var rewrite = flag.Bool("verdicts", false, "write testdata/policies/verdicts.md")

const policyFolder = "../../testdata/policies"

// policyFiles lists the files of testdata/policies in a folder.
func policyFiles(t testing.TB, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(policyFolder, folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has %d files, %v", folder, len(files), err)
	}
	return files
}

// TestPoliciesAsPublicRepositoriesHaveThem judges each policy of testdata/policies, and compares the verdict and the rules that it
// breaks, or the reason why it is refused, with verdicts.md. Rewrite that file with -verdicts, and read the difference.
func TestPoliciesAsPublicRepositoriesHaveThem(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	fmt.Fprintf(&table, "# What guard check answers\n\n| policy | verdict | rules, or why it is refused |\n|---|---|---|\n")
	count := map[string]int{}
	for _, folder := range []string{"bucket", "endpoint", "refused"} {
		for _, file := range policyFiles(t, folder) {
			out, _, err := runGuardOn("check", "--json", "--account", "111122223333", file)
			var r report
			if err := json.Unmarshal([]byte(out), &r); err != nil {
				t.Fatalf("%s: %s: %v", file, out, err)
			}
			count[folder]++
			name := folder + "/" + strings.TrimSuffix(filepath.Base(file), ".json")
			if refused := folder == "refused"; refused != (len(r.Results) == 0) || refused != (len(r.Errors) == 1) || refused && exitCode(err) != 2 {
				t.Errorf("%s: %d results, errors %q, code %d", name, len(r.Results), r.Errors, exitCode(err))
				continue
			}
			if folder == "refused" {
				fmt.Fprintf(&table, "| %s | refused | %s |\n", name, strings.ReplaceAll(strings.TrimPrefix(r.Errors[0], file+": "), "|", `\|`))
				continue
			}
			result := r.Results[0]
			if string(result.Kind) != folder {
				t.Errorf("%s is judged as the policy of a %s", name, result.Kind)
			}
			rules := map[string]bool{}
			for _, f := range result.Findings {
				rules[string(f.Rule)] = true
			}
			fmt.Fprintf(&table, "| %s | %s | %s |\n", name, result.Verdict, strings.Join(slices.Sorted(maps.Keys(rules)), ", "))
		}
	}
	if count["bucket"] < 50 || count["endpoint"] < 15 || count["refused"] < 15 {
		t.Errorf("%v policies, want at least 50 of buckets, 15 of endpoints, and 15 that are refused", count)
	}
	golden := filepath.Join(policyFolder, "verdicts.md")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if table.String() != string(want) {
		t.Errorf("%s differs; go test ./cmd/guard -run %s -verdicts writes:\n%s", golden, t.Name(), table.String())
	}
}

// livePolicy answers as S3 with one policy.
type livePolicy string

func (l livePolicy) GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...func(*s3.Options)) (*s3.GetBucketPolicyOutput, error) {
	if l == "" {
		return nil, &smithy.GenericAPIError{Code: "NoSuchBucketPolicy"}
	}
	text := string(l)
	return &s3.GetBucketPolicyOutput{Policy: &text}, nil
}

func (livePolicy) PutBucketPolicy(context.Context, *s3.PutBucketPolicyInput, ...func(*s3.Options)) (*s3.PutBucketPolicyOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "AccessDenied"}
}

// TestCheckAndTheRunningGuardAgree compares the verdict of guard check on each plain bucket policy of testdata, and on those that the
// other files of testdata hold, with that of the running guard, which reads the same policy from S3 and has the same lock: the lock
// that guard check guesses, and one that is given, as template.yaml has it.
func TestCheckAndTheRunningGuardAgree(t *testing.T) {
	t.Parallel()
	files := append(policyFiles(t, "bucket"), policyFiles(t, "refused")...)
	for _, other := range []string{"terraform/existing/plan.json", "terraform/existing/state.json", "cdk", "cloudformation/sam.yaml"} {
		files = append(files, filepath.Join("..", "..", "local", "policyfiles", "testdata", other))
	}
	const account = "111122223333"
	modes := map[string]lock.Mode{"guessed": lock.AtLeast, "given": lock.Exact}
	for name, given := range map[string]lock.Lock{
		"guessed": {Account: account},
		"given": {
			Account: account, Region: "eu-central-1", EndpointIDs: []string{"vpce-0a1b2c3d4e5f60718"}, VPCIDs: []string{"vpc-0a1b2c3d4e5f60718"},
			Workloads: lock.Roles("arn:aws:iam::111122223333:role/quay-app"), Exceptions: []lock.Exception{}, ManagementRoles: []string{}, Grants: []json.RawMessage{},
		},
	} {
		verdicts := map[iampolicy.Verdict]int{}
		for _, file := range files {
			for _, b := range policyfiles.Read([]string{file}, policyfiles.Options{Account: account}).Buckets {
				r := audit.JudgeBucket(b, nil, given, modes[name])
				if r.Judgement == "" {
					continue // the policy is not known completely
				}
				l, _ := audit.GuessLock(given, b, nil)
				if j := l.WithDefaults().Judge(modes[name], b.Name, b.Policy.Text); j.Compared != r.Judgement || j.Allowed != "" && r.Verdict == audit.Locked {
					t.Errorf("%s lock, %s: guard check says %s (%s), the lock %s (%s)", name, file, r.Verdict, r.Judgement, j.Compared, j.Allowed)
				}
				guards := inspected(t, b, r.Lock, forbidden(given, b, name == "given"))
				verdicts[guards]++
				if guards != r.Judgement || r.Verdict == audit.Locked && guards == iampolicy.Open || r.Verdict == audit.Open && guards != iampolicy.Open && !blocksOff(r) {
					t.Errorf("%s lock, %s: guard check says %s (%s), the running guard %s", name, file, r.Verdict, r.Judgement, guards)
				}
			}
		}
		if verdicts[iampolicy.Open] < 50 || verdicts[iampolicy.Closed] < 1 {
			t.Errorf("%s lock: %v, want at least 50 open and one closed", name, verdicts)
		}
	}
}

// forbidden returns what the running guard's judge tries: what the template's lock forbids, or what the guessed lock denies of it.
func forbidden(l lock.Lock, b audit.Bucket, given bool) func() []iampolicy.ForbiddenRequest {
	own, _ := audit.GuessLock(l, b, nil)
	if given {
		return func() []iampolicy.ForbiddenRequest { return iampolicy.ForbiddenOnBucket(own.Setting(b.Name)) }
	}
	return func() []iampolicy.ForbiddenRequest { return own.ForbiddenOnBucket(b.Name) }
}

// blocksOff reports whether a bucket is open by its public access block or its object ownership.
func blocksOff(r audit.Result) bool {
	return slices.ContainsFunc(r.Findings, func(f audit.Finding) bool { return f.Rule == audit.PublicAccess || f.Rule == audit.ObjectOwnership })
}

// inspected returns the running guard's verdict on a bucket's policy.
func inspected(t *testing.T, b audit.Bucket, desired string, forbidden func() []iampolicy.ForbiddenRequest) iampolicy.Verdict {
	t.Helper()
	live := &s3bucket.Policy{
		API: livePolicy(b.Policy.Text), Bucket: s3bucket.Bucket{Name: b.Name, Account: "111122223333"}, Desired: desired, Forbidden: forbidden,
	}
	findings, err := live.Inspect(t.Context())
	if err != nil || len(findings) != 1 {
		t.Fatalf("%s: %v, %d findings", b.Name, err, len(findings))
	}
	return findings[0].Verdict
}
