package main

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/test/golden"
)

// renderArguments ask for a lock with everything that a lock can have.
var renderArguments = strings.Fields("render --bucket quay-docs --bucket pier.logs --vpce vpce-0a1b2c3d4e5f60718,vpce-0b1b2c3d4e5f60718 " +
	"--role arn:aws:iam::111122223333:role/quay-app --management-role arn:aws:iam::111122223333:role/terraform " +
	"--except-role arn:aws:iam::111122223333:role/backup --cidr 203.0.113.0/24 --aws-services --only-buckets --account 111122223333 --region eu-central-1")

// rendered is the lock of renderArguments.
func rendered(t *testing.T) lock.Lock {
	t.Helper()
	l, err := lock.Parameters{
		BucketNames: "quay-docs,pier.logs", VPCEndpointIDs: "vpce-0a1b2c3d4e5f60718,vpce-0b1b2c3d4e5f60718",
		WorkloadRoleARNs: "arn:aws:iam::111122223333:role/quay-app", ManagementRoleARNs: "arn:aws:iam::111122223333:role/terraform",
		ExemptRoleARNs: "arn:aws:iam::111122223333:role/backup", AllowedCIDRs: "203.0.113.0/24", AllowAWSServices: "true",
		EndpointPolicy: lock.BucketsPolicy, PolicyMode: string(lock.AtLeast),
	}.Lock("aws", "eu-central-1", "111122223333")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Each format is compared with a file that the tool it is for has read: docs/render.md says which version.
func TestRenderPrintsTheLockInEachFormat(t *testing.T) {
	t.Parallel()
	extension := map[string]string{"json": "json", "terraform": "tf", "cdk": "ts", "cloudformation": "yaml", "scp": "scp.json", "rcp": "rcp.json"}
	for _, f := range renderFormats {
		out, _, err := runGuardOn(append(slices.Clone(renderArguments), "--"+f.flag)...)
		if err != nil {
			t.Fatal(err)
		}
		golden.File(t, filepath.Join("testdata", "render", "lock."+extension[f.flag]), out)
	}
}

// What is printed is the lock of the running guard, which so leaves a policy alone that carries it.
func TestWhatIsRenderedHoldsTheLock(t *testing.T) {
	t.Parallel()
	l := rendered(t)
	held := func(format, bucket, policy string) {
		t.Helper()
		if j := l.Judge(lock.Exact, bucket, policy); j.Verdict != iampolicy.Same {
			t.Errorf("%s, %s: %s (%s), want the lock", format, bucket, j.Verdict, j.Allowed)
		}
	}
	out, _, err := runGuardOn(append(slices.Clone(renderArguments), "--json")...)
	if err != nil {
		t.Fatal(err)
	}
	var policies struct {
		Buckets  map[string]json.RawMessage
		Endpoint json.RawMessage
	}
	if err := json.Unmarshal([]byte(out), &policies); err != nil {
		t.Fatal(err)
	}
	terraform, _, err := runGuardOn(append(slices.Clone(renderArguments), "--terraform")...)
	if err != nil {
		t.Fatal(err)
	}
	documents := terraformDocuments(t, terraform)
	for _, name := range []string{"quay-docs", "pier.logs"} {
		held("json", name, string(policies.Buckets[name]))
		held("terraform", name, documents["lock_"+strings.ReplaceAll(name, ".", "_")])
	}
	for format, policy := range map[string]string{"json": string(policies.Endpoint), "terraform": documents["lock_endpoint"]} {
		if j := l.JudgeEndpoint(lock.Exact, "quay-docs", policy); j.Verdict != iampolicy.Same {
			t.Errorf("%s, endpoint: %s (%s), want the lock", format, j.Verdict, j.Allowed)
		}
	}
	template, _, err := runGuardOn(append(slices.Clone(renderArguments), "--cloudformation")...)
	if err != nil {
		t.Fatal(err)
	}
	out, _, err = runGuardOn("check", "--exact", "--json", "--account", "111122223333", "--vpce", "vpce-0a1b2c3d4e5f60718,vpce-0b1b2c3d4e5f60718",
		writeFile(t, "template.yaml", template))
	var r report
	if json.Unmarshal([]byte(out), &r) != nil || err != nil || len(r.Results) != 2 {
		t.Errorf("guard check of the template: %v, %s", err, out)
	}
}

var (
	hclName  = regexp.MustCompile(`^data "aws_iam_policy_document" (".*") \{$`)
	hclValue = regexp.MustCompile(`^([a-z]+) *= (.+)$`)
)

// terraformDocuments reads what Terraform's data sources would return, by name, from the lines that renderTerraform writes.
func terraformDocuments(t *testing.T, text string) map[string]string {
	t.Helper()
	type condition = map[string]map[string]any
	documents := map[string][]map[string]any{}
	var name, operator, key string
	var statement map[string]any
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := hclName.FindStringSubmatch(line); m != nil {
			name, _ = strconv.Unquote(m[1])
		}
		if line == "statement {" {
			statement = map[string]any{"Principal": "*", "Condition": condition{}}
			documents[name] = append(documents[name], statement)
		}
		m := hclValue.FindStringSubmatch(line)
		if m == nil || statement == nil {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(m[2]), &value); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		switch m[1] {
		case "sid", "effect":
			statement[strings.ToUpper(m[1][:1])+m[1][1:]] = value
		case "actions", "resources":
			statement[strings.ToUpper(m[1][:1])+m[1][1:len(m[1])-1]] = value
		case "test":
			operator, _ = value.(string)
		case "variable":
			key, _ = value.(string)
		case "values":
			conditions := statement["Condition"].(condition)
			if conditions[operator] == nil {
				conditions[operator] = map[string]any{}
			}
			conditions[operator][key] = value
		}
	}
	policies := map[string]string{}
	for name, statements := range documents {
		document, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
		if err != nil {
			t.Fatal(err)
		}
		policies[name] = string(document)
	}
	return policies
}
