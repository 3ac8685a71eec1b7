package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/history"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// corrected returns the latest record: the guard's last correction.
func (a *guardedAccount) corrected() history.Entry {
	a.Helper()
	lines := strings.Split(strings.TrimSpace(a.says("history --json")), "\n")
	var e history.Entry
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &e); err != nil || e.Outcome != "corrected" {
		a.Fatalf("the latest record is %+v, %v, want a correction", e, err)
	}
	return e
}

// undo runs guard undo with typed input.
func (a *guardedAccount) undo(stdin string, args ...string) (string, string, int) {
	a.Helper()
	return a.guard(stdin, append([]string{"undo"}, args...)...)
}

func TestUndoPutsThePolicyBackAndPausesTheGuard(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.opens()
	locked, e := a.policy(), a.corrected()
	out, errs, code := a.undo(a.bucket+"\n", e.RequestID, "--for", "2h")
	for _, text := range []string{
		"bucket-policy of " + a.bucket + ", as it was before ", `- {"Sid":"DenyObjectsOutsideEndpoint"`, `+ {"Sid":"Shared"`, "this opens access: ",
		"the guard corrects nothing of " + a.bucket + " until ", "is as it was before. The guard corrects it again when the window ends",
	} {
		if code != 0 || !strings.Contains(out, text) {
			t.Errorf("undo: exit code %d, %q, %q, want %q", code, out, errs, text)
		}
	}
	if !strings.Contains(errs, "Type "+a.bucket+" to open it: ") {
		t.Errorf("undo asks %q, want the bucket's name", errs)
	}
	if got := a.policy(); !(replaced{isPolicy: true}).same(e.Before, got) || got == locked {
		t.Errorf("the policy is %s, want %s", got, e.Before)
	}
	a.says("pause --list", a.bucket+"  until ", "guard undo "+e.RequestID+"  by "+operator)
	if out, _, code := a.undo("", e.RequestID); code != 0 || !strings.Contains(out, "there is nothing to undo") {
		t.Errorf("undo again: exit code %d, %q, want nothing to undo", code, out)
	}
}

// The guard runs, sees what undo wrote, and leaves it alone until the window ends.
func TestTheGuardLeavesAloneWhatUndoWroteUntilTheWindowEnds(t *testing.T) {
	t.Parallel()
	for name, deployed := range map[string]func(*testing.T) *guardedAccount{
		"template.yaml": func(t *testing.T) *guardedAccount { return newGuarded(t) }, "guard.yaml": func(t *testing.T) *guardedAccount { return newGuardOfMany(t) },
	} {
		t.Run(name, func(t *testing.T) {
			a := deployed(t)
			a.opens()
			locked, e := a.policy(), a.corrected()
			out, errs, code := a.undo("", e.RequestID, "--bucket", a.bucket, "--yes-it-opens-access", "--for", "2h")
			if code != 0 {
				t.Fatalf("undo: exit code %d, %q, %q, want 0", code, out, errs)
			}
			a.settles() // the event of what undo wrote
			a.cloud.Events.Sweep()
			a.settles()
			if got := a.policy(); !(replaced{isPolicy: true}).same(e.Before, got) {
				t.Errorf("in the window the policy is %s, want %s", got, e.Before)
			}
			a.says("history --json --bucket "+a.bucket, `"message":"standing down"`, "guard undo "+e.RequestID)
			a.says("pause --end --bucket " + a.bucket)
			a.cloud.Events.Sweep()
			a.settles()
			if got := a.policy(); got != locked {
				t.Errorf("after the window the policy is %s, want %s", got, locked)
			}
		})
	}
}

func TestUndoWritesNothingWithoutAYes(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.opens()
	locked, e := a.policy(), a.corrected()
	for name, c := range map[string]struct {
		stdin string
		flags []string
		says  string
	}{
		"nothing typed":            {"", nil, `was not typed; nothing was written`},
		"another name":             {"docs-example\n", nil, `was not typed; nothing was written`},
		"yes instead of the name":  {"yes\n", nil, `was not typed; nothing was written`},
		"--yes for what opens":     {"", []string{"--yes"}, "--yes is not enough, --yes-it-opens-access is"},
		"another bucket":           {"", []string{"--yes-it-opens-access", "--bucket", "docs-example"}, "has no such record"},
		"another property":         {"", []string{"--yes-it-opens-access", "--property", "subnets"}, "has no such record"},
		"a record of another time": {"", []string{"--yes-it-opens-access", "--since", "1ms"}, "--since looks further back"},
	} {
		out, errs, code := a.undo(c.stdin, append([]string{e.RequestID}, c.flags...)...)
		if code != exitUntouched || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit code %d, %q, %q, want %d and %q", name, code, out, errs, exitUntouched, c.says)
		}
	}
	if got := a.policy(); got != locked {
		t.Errorf("the policy is %s, want %s", got, locked)
	}
	a.says("pause --list", "no maintenance window")
}

func TestUndoTakesTheWindowBackIfItCannotWrite(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.opens()
	e := a.corrected()
	a.denied = []string{"s3:PutBucketPolicy"}
	_, errs, code := a.undo("", e.RequestID, "--yes-it-opens-access")
	if code != exitUntouched || !strings.Contains(errs, "the permission s3:PutBucketPolicy is missing") {
		t.Errorf("undo: exit code %d, %q, want the missing permission", code, errs)
	}
	a.says("pause --list", "no maintenance window")
	a.says("pause --bucket " + a.bucket + " --for 30m --reason before")
	if _, _, code := a.undo("", e.RequestID, "--yes-it-opens-access"); code != exitUntouched {
		t.Errorf("undo: exit code %d, want %d", code, exitUntouched)
	}
	a.says("pause --list", a.bucket+"  until ", "  before  by ")
}

func TestUndoKeepsAWindowThatLastsLonger(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.opens()
	e := a.corrected()
	a.says("pause --bucket " + a.bucket + " --for 3h --reason longer")
	out, errs, code := a.undo("", e.RequestID, "--yes-it-opens-access")
	if code != 0 || !strings.Contains(out, "by the window of "+operator) {
		t.Errorf("undo: exit code %d, %q, %q, want the longer window", code, out, errs)
	}
	a.says("pause --list", "  longer  by ")
}

func TestUndoSurvivesALostAnswer(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.opens()
	e := a.corrected()
	a.cloud.Gate.Inject(api.Fault{Operation: "PutBucketPolicy", Caller: operator, After: true, Error: &api.Error{Status: 403, Code: "AccessDenied"}})
	if out, errs, code := a.undo("", e.RequestID, "--yes-it-opens-access"); code != 0 || !strings.Contains(out, "is as it was before") {
		t.Errorf("undo: exit code %d, %q, %q, want 0: it was written", code, out, errs)
	}
}

func TestUndoPutsOtherPropertiesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*guardedAccount) error
		says   string
	}{
		"public access block": {func(a *guardedAccount) error {
			_, err := a.adminAway.DeletePublicAccessBlock(a.Context(), &awss3.DeletePublicAccessBlockInput{Bucket: &a.bucket})
			return err
		}, "public-access-block of "},
		"a part of it": {func(a *guardedAccount) error {
			_, err := a.adminAway.PutPublicAccessBlock(a.Context(), &awss3.PutPublicAccessBlockInput{
				Bucket: &a.bucket, PublicAccessBlockConfiguration: &s3types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true)},
			})
			return err
		}, `+ {"blockPublicAcls":true,"ignorePublicAcls":false`},
		"ownership": {func(a *guardedAccount) error {
			_, err := a.adminAway.PutBucketOwnershipControls(a.Context(), &awss3.PutBucketOwnershipControlsInput{
				Bucket: &a.bucket, OwnershipControls: &s3types.OwnershipControls{Rules: []s3types.OwnershipControlsRule{{ObjectOwnership: "ObjectWriter"}}},
			})
			return err
		}, "+ ObjectWriter"},
		"no policy": {func(a *guardedAccount) error {
			_, err := a.adminAway.DeleteBucketPolicy(a.Context(), &awss3.DeleteBucketPolicyInput{Bucket: &a.bucket})
			return err
		}, `- {"Sid":"DenyPlainHTTP"`},
		"endpoint policy": {func(a *guardedAccount) error {
			_, err := a.adminEC2.ModifyVpcEndpoint(a.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &a.endpoint, ResetPolicy: aws.Bool(true)})
			return err
		}, "endpoint-policy of vpce-"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newGuarded(t)
			if err := c.change(a); err != nil {
				t.Fatal(err)
			}
			a.settles()
			e := a.corrected()
			out, errs, code := a.undo("", e.RequestID, "--yes-it-opens-access")
			if code != 0 || !strings.Contains(out, c.says) || !strings.Contains(out, "is as it was before") {
				t.Errorf("undo: exit code %d, %q, %q, want 0 and %q", code, out, errs, c.says)
			}
		})
	}
}

func TestUndoAsksForYesIfNothingOpens(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	narrower := strings.Replace(a.policy(), `"Statement":[`, `"Statement":[{"Sid":"More","Effect":"Deny","Principal":"*","Action":"s3:PutObjectTagging","Resource":"arn:aws:s3:::`+a.bucket+`/*"},`, 1)
	if _, err := a.adminAway.PutBucketPolicy(t.Context(), &awss3.PutBucketPolicyInput{Bucket: &a.bucket, Policy: &narrower}); err != nil {
		t.Fatal(err)
	}
	a.settles()
	e := a.corrected()
	if _, errs, code := a.undo("no\n", e.RequestID); code != exitUntouched || !strings.Contains(errs, "Type yes to write it: ") {
		t.Errorf("undo: exit code %d, %q, want a question for yes", code, errs)
	}
	out, errs, code := a.undo("yes\n", e.RequestID)
	if code != 0 || strings.Contains(out, "opens access") || !strings.Contains(out, `+ {"Sid":"More"`) {
		t.Errorf("undo: exit code %d, %q, %q, want it written", code, out, errs)
	}
}

func TestUndoRefusesWhatCannotBePutBack(t *testing.T) {
	t.Parallel()
	a := newGuarded(t)
	a.sleeps()
	group := a.stack.Physical("RemediateLogGroup")
	for record, c := range map[string]struct{ fields, says string }{
		"unread":    {`"resource":"bucket-policy","message":"corrected","unread":"AccessDenied"`, "could not read the state before"},
		"truncated": {`"resource":"bucket-policy","message":"corrected","before":"{ … (truncated: 30000 bytes in all)"`, "only a part of the state before"},
		"observed":  {`"resource":"bucket-policy","message":"drift observed","before":"{}"`, "did not change it: drift observed"},
		"subnets":   {`"resource":"subnets","message":"corrected","before":"[]"`, "guard undo does not put back subnets"},
		"block":     {`"resource":"public-access-block","message":"corrected","before":"x"`, "the public access block in the record: "},
		"stranger":  {`"resource":"bucket-policy","message":"corrected","before":"{\"Statement\":[]}","target":"docs-example"`, "NoSuchBucket"},
		"deleted": {`"resource":"endpoint-policy","message":"corrected","before":"{\"Statement\":[]}","target":"vpce-0123456789abcdef0"`,
			"there is no VPC endpoint vpce-0123456789abcdef0"},
	} {
		line := `{"trigger":{"kind":"sweep"},"requestId":"` + record + `","target":"` + a.bucket + `",` + c.fields + `}`
		a.cloud.Logs.Put(group, "stream", time.Now(), line)
		if out, errs, code := a.undo("", record, "--yes-it-opens-access"); code != exitUntouched || !strings.Contains(errs, c.says) {
			t.Errorf("%s: exit code %d, %q, %q, want %d and %q", record, code, out, errs, exitUntouched, c.says)
		}
	}
	for _, property := range []string{"bucket-policy", "ownership-controls"} {
		a.cloud.Logs.Put(group, "stream", time.Now(), `{"trigger":{"kind":"sweep"},"requestId":"two","target":"`+a.bucket+`","message":"corrected","resource":"`+property+`","before":""}`)
	}
	if _, errs, code := a.undo("", "two"); code != exitUntouched || !strings.Contains(errs, "select one with --property, and --bucket or --vpc-endpoint: bucket-policy of ") {
		t.Errorf("two properties: exit code %d, %q, want a list of them", code, errs)
	}
	a.says("pause --list", "no maintenance window")
}
