package policyfiles_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/policyfiles"
)

// verdicts judges what was found, by the names of buckets and endpoints.
func verdicts(f *policyfiles.Found) map[string]audit.Result {
	results := map[string]audit.Result{}
	var beside []audit.Endpoint
	for _, e := range f.Endpoints {
		r := audit.JudgeEndpoint(e, lock.Lock{}, lock.AtLeast)
		results[r.Name] = r
		if !audit.IsUnknown(e.ID) {
			beside = append(beside, e)
		}
	}
	for _, b := range f.Buckets {
		if policyfiles.HasPolicy(b) {
			r := audit.JudgeBucket(b, beside, lock.Lock{}, lock.AtLeast)
			results[r.Name] = r
		}
	}
	return results
}

// rules lists the rules of a result's findings, each once.
func rules(r audit.Result) []audit.Rule {
	var list []audit.Rule
	for _, f := range r.Findings {
		if !slices.Contains(list, f.Rule) {
			list = append(list, f.Rule)
		}
	}
	return list
}

func TestPoliciesAreFoundAndJudged(t *testing.T) {
	type want struct {
		verdict audit.Verdict
		rules   []audit.Rule
		reason  string
	}
	undecided := func(reason string) want { return want{audit.Undecided, []audit.Rule{audit.CannotTell}, reason} }
	locked := want{verdict: audit.Locked}
	letters := want{audit.Open, []audit.Rule{audit.OtherCallers}, ""}
	for name, c := range map[string]struct {
		files      []string
		parameters map[string]string
		want       map[string]want
		notes      []string
	}{
		"Terraform, all is new": {
			files: []string{"terraform/new/plan.json"},
			want: map[string]want{
				"harbour-ledger-example": undecided("aws_s3_bucket.ledger.arn (known after apply), aws_vpc_endpoint.s3.id (known after apply)"),
				"aws_s3_bucket.notes":    undecided("the policy is not known: aws_s3_bucket.notes.arn (known after apply)"),
				"aws_vpc_endpoint.s3":    locked,
			},
		},
		"Terraform, a change": {
			files: []string{"terraform/existing/plan.json"},
			want: map[string]want{
				"harbour-old-example":     {audit.Open, []audit.Rule{audit.OutsideEndpoint, audit.PlainHTTP}, ""},
				"harbour-ledger-example":  {audit.Open, []audit.Rule{audit.OutsideEndpoint, audit.OtherCallers, audit.PublicAccess}, ""},
				"harbour-letters-example": letters,
				"vpce-00231fe681594f9d3":  locked,
			},
			notes: []string{"aws_s3_bucket_policy.old[0] is deleted: the bucket has no policy then"},
		},
		"Terraform, a state": {
			files: []string{"terraform/existing/state.json"},
			want: map[string]want{
				"harbour-old-example":     {audit.Open, []audit.Rule{audit.OutsideEndpoint, audit.PlainHTTP}, ""},
				"harbour-ledger-example":  letters,
				"harbour-letters-example": letters,
				"vpce-00231fe681594f9d3":  locked,
			},
		},
		"CDK": {
			files: []string{"cdk"},
			want: map[string]want{
				"harbour-archive-example": locked,
				"Uploads4F6EB0FD":         {audit.Open, []audit.Rule{audit.CannotTell, audit.PublicAccess}, "Fn::ImportValue network-S3EndpointId"},
				"S3Endpoint":              locked,
			},
			notes: []string{"AWS::AccountId is taken as 111122223333", "stands for the id of S3Endpoint"},
		},
		"CDK, its manifest": {
			files: []string{"cdk/assembly-Prod/manifest.json"},
			want:  map[string]want{"Uploads4F6EB0FD": {audit.Open, []audit.Rule{audit.CannotTell, audit.PublicAccess}, "Fn::ImportValue network-S3EndpointId"}},
		},
		"CloudFormation without values": {
			files: []string{"cloudformation/parameters.yaml"},
			want:  map[string]want{"invented": undecided("parameter EndpointId")},
			notes: []string{"stands for the bucket name in parameter BucketName"},
		},
		"CloudFormation with values": {
			files:      []string{"cloudformation/parameters.yaml"},
			parameters: map[string]string{"EndpointId": "vpce-0a", "BucketName": "harbour-data-example"},
			want:       map[string]want{"harbour-data-example": {audit.Locked, []audit.Rule{audit.LocksOut}, ""}},
		},
		"CloudFormation, another branch": {
			files:      []string{"cloudformation/parameters.yaml"},
			parameters: map[string]string{"EndpointId": "vpce-0a", "BucketName": "harbour-data-example", "Stage": "test", "Readers": "arn:aws:iam::111122223333:role/a,arn:aws:iam::111122223333:role/b"},
			want:       map[string]want{"harbour-data-example": {audit.Open, []audit.Rule{audit.LocksOut, audit.ObjectOwnership}, ""}},
		},
		"SAM": {
			files: []string{"cloudformation/sam.yaml"},
			want: map[string]want{
				"Uploads":  {audit.Open, []audit.Rule{audit.OutsideEndpoint, audit.PlainHTTP}, ""},
				"Endpoint": {audit.Open, []audit.Rule{audit.EndpointOtherBuckets, audit.EndpointOtherCallers}, ""},
			},
		},
		"our own template": {
			files: []string{"../../../template.yaml"},
			want:  map[string]want{"Bucket": locked, "InterfaceEndpoint": locked},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var files []string
			for _, file := range c.files {
				files = append(files, filepath.Join("testdata", file))
			}
			f := policyfiles.Read(files, policyfiles.Options{Parameters: c.parameters})
			if len(f.Errors) > 0 {
				t.Fatal(f.Errors)
			}
			got := verdicts(f)
			for bucket, want := range c.want {
				found := false
				for name, r := range got {
					if name == bucket || bucket == "invented" && strings.HasPrefix(name, "invented-") {
						found = true
						if r.Verdict != want.verdict || !slices.Equal(rules(r), want.rules) || !strings.Contains(r.Reason, want.reason) {
							t.Errorf("%s is %s, %q (%s), want %+v; findings: %+v", bucket, r.Verdict, rules(r), r.Reason, want, r.Findings)
						}
						if r.Origin.File == "" || r.Origin.Line == 0 || r.Origin.Address == "" {
							t.Errorf("%s comes from %+v, want a file, a line and an address", bucket, r.Origin)
						}
					}
				}
				if !found {
					t.Errorf("%s was not found in %q", bucket, keys(got))
				}
			}
			if name != "our own template" && len(got) != len(c.want) {
				t.Errorf("found %q, want %d", keys(got), len(c.want))
			}
			for _, note := range c.notes {
				if !strings.Contains(strings.Join(f.Notes, "\n"), note) {
					t.Errorf("notes %q, want %q", f.Notes, note)
				}
			}
		})
	}
}

func keys(m map[string]audit.Result) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// edited returns a copy of a plan with changes in its JSON.
func edited(t *testing.T, plan string, edit func(p map[string]any)) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "terraform", plan))
	if err != nil {
		t.Fatal(err)
	}
	var p map[string]any
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	edit(p)
	if text, err = json.Marshal(p); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "plan.json")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// change returns the change of one resource in a plan.
func change(p map[string]any, address string) map[string]any {
	for _, c := range p["resource_changes"].([]any) {
		if c := c.(map[string]any); c["address"] == address {
			return c["change"].(map[string]any)
		}
	}
	panic(address + " is not in the plan")
}

func TestTerraformsUnknownValues(t *testing.T) {
	const document, policy = "data.aws_iam_policy_document.ledger", "aws_s3_bucket_policy.ledger"
	statement := func(p map[string]any, i int, part string) map[string]any {
		return change(p, document)[part].(map[string]any)["statement"].([]any)[i].(map[string]any)
	}
	for name, c := range map[string]struct {
		edit func(p map[string]any)
		want audit.Verdict
		says string
	}{
		"all statements": {func(p map[string]any) {
			change(p, document)["after_unknown"].(map[string]any)["statement"] = true
		}, audit.Undecided, "the policy is not known: data.aws_iam_policy_document.ledger.json (known after apply)"},
		"one statement": {func(p map[string]any) {
			change(p, document)["after_unknown"].(map[string]any)["statement"].([]any)[0] = true
		}, audit.Undecided, "a whole statement is not known"},
		"other documents": {func(p map[string]any) {
			change(p, document)["after"].(map[string]any)["source_policy_documents"] = []any{"{}"}
		}, audit.Undecided, "the policy is not known: data.aws_iam_policy_document.ledger.json (known after apply)"},
		"the principals": {func(p map[string]any) {
			statement(p, 0, "after_unknown")["principals"] = true
		}, audit.Undecided, "aws_s3_bucket.ledger.arn (known after apply)"},
		"the conditions": {func(p map[string]any) {
			statement(p, 1, "after_unknown")["condition"] = true
		}, audit.Undecided, "aws_vpc_endpoint.s3.id (known after apply)"},
		"the effect": {func(p map[string]any) {
			statement(p, 1, "after_unknown")["effect"] = true
			delete(statement(p, 1, "after"), "effect")
		}, audit.Undecided, "the Effect of a statement is not known"},
		"Allow statements only": {func(p map[string]any) {
			statement(p, 0, "after")["effect"] = "Allow"
			statement(p, 1, "after")["effect"] = "Allow"
		}, audit.Open, ""},
		"the whole policy": {func(p map[string]any) {
			change(p, policy)["after_unknown"] = true
		}, audit.Undecided, "it depends on what is not known"},
		"everything known": {func(p map[string]any) {
			for i := range 2 {
				statement(p, i, "after")["resources"] = []any{"arn:aws:s3:::harbour-ledger-example", "arn:aws:s3:::harbour-ledger-example/*"}
				statement(p, i, "after_unknown")["resources"] = []any{false, false}
			}
			statement(p, 1, "after")["condition"].([]any)[0].(map[string]any)["values"] = []any{"vpce-0a"}
			statement(p, 1, "after_unknown")["condition"] = []any{map[string]any{}}
		}, audit.Locked, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := policyfiles.Read([]string{edited(t, "new/plan.json", c.edit)}, policyfiles.Options{})
			r := verdicts(f)["harbour-ledger-example"]
			if len(f.Errors) > 0 || r.Verdict != c.want || !strings.Contains(r.Reason, c.says) {
				t.Errorf("%v, %s (%s), want %s (%s)", f.Errors, r.Verdict, r.Reason, c.want, c.says)
			}
		})
	}
}

// Old providers have the policy in the bucket. In newer ones that attribute is what S3 answered last, and does not count.
func TestTerraformsPolicyInTheBucket(t *testing.T) {
	const address, policy = "aws_s3_bucket.old", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::harbour-old-example/*"}}`
	for _, configured := range []bool{true, false} {
		file := edited(t, "existing/plan.json", func(p map[string]any) {
			change(p, address)["after"].(map[string]any)["policy"] = policy
			for _, c := range p["resource_changes"].([]any) {
				if c := c.(map[string]any); c["address"] == "aws_s3_bucket_policy.old[0]" {
					c["type"] = "aws_something_else"
				}
			}
			for _, r := range p["configuration"].(map[string]any)["root_module"].(map[string]any)["resources"].([]any) {
				if r := r.(map[string]any); r["address"] == address && configured {
					r["expressions"].(map[string]any)["policy"] = map[string]any{"constant_value": policy}
				}
			}
		})
		r, found := verdicts(policyfiles.Read([]string{file}, policyfiles.Options{}))["harbour-old-example"]
		if found != configured || found && !slices.Contains(rules(r), audit.GrantedToOthers) {
			t.Errorf("policy in the configuration: %t; judged: %t, %+v", configured, found, r.Findings)
		}
	}
}

func TestTerraformsDeletions(t *testing.T) {
	deletes := func(address string) func(p map[string]any) {
		return func(p map[string]any) {
			c := change(p, address)
			c["actions"], c["before"], c["after"] = []any{"delete"}, c["after"], nil
		}
	}
	for name, c := range map[string]struct {
		edit func(p map[string]any)
		want []audit.Rule // nil: the bucket is not judged
	}{
		"the access block": {deletes(`module.bucket["letters"].aws_s3_bucket_public_access_block.this`), []audit.Rule{audit.OtherCallers, audit.PublicAccess}},
		"the policy":       {deletes(`module.bucket["letters"].aws_s3_bucket_policy.this`), []audit.Rule{audit.OutsideEndpoint, audit.PlainHTTP}},
		"the bucket with them": {func(p map[string]any) {
			for _, kind := range []string{"aws_s3_bucket", "aws_s3_bucket_policy", "aws_s3_bucket_public_access_block"} {
				deletes(`module.bucket["letters"].` + kind + ".this")(p)
			}
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := policyfiles.Read([]string{edited(t, "existing/plan.json", c.edit)}, policyfiles.Options{})
			if r := verdicts(f)["harbour-letters-example"]; len(f.Errors) > 0 || !slices.Equal(rules(r), c.want) {
				t.Errorf("%v, %s, rules %q, want %q", f.Errors, r.Verdict, rules(r), c.want)
			}
		})
	}
}

func TestFilesThatCannotBeReadAreErrorsAndLoseNothing(t *testing.T) {
	folder := t.TempDir()
	for name, c := range map[string]struct{ text, says string }{
		"empty.json":    {" \n", "the file is empty"},
		"p.tfplan":      {"PK\x03\x04rest", "this is Terraform's own plan file: give what terraform show -json prints of it"},
		"log.json":      {`{"@level":"info","@message":"Terraform 1.11.4"}` + "\n" + `{"@level":"info"}` + "\n", "this is the log of terraform plan -json"},
		"main.tf":       {`resource "aws_s3_bucket" "a" {}`, "this is Terraform's source"},
		"version.json":  {`{"format_version": "2.0", "resource_changes": []}`, `format_version "2.0" is not known: want 0.x or 1.x`},
		"errored.json":  {`{"format_version": "1.2", "errored": true, "resource_changes": []}`, "the plan is not complete"},
		"changes.json":  {`{"format_version": "1.2", "resource_changes": {}}`, "reading it as Terraform's JSON"},
		"object.json":   {`{"a": 1}`, "this is neither a policy, nor a CloudFormation template"},
		"list.json":     {`[1]`, "want a mapping"},
		"broken.json":   {`{"Statement": [`, "not JSON"},
		"twice.json":    {`{"Statement": {"Effect": "Deny", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}}`, `"Effect" given twice`},
		"identity.json": {`{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`, "a statement without Principal: this is the policy of an identity or an organisation"},
		"queue.json":    {`{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "arn:aws:sqs:eu-west-1:111122223333:q"}}`, "it is about sqs, not about Amazon S3"},
		"yaml.yaml":     {"a: [", "reading it as a CloudFormation template: yaml"},
		"text.yaml":     {"just text", "reading it as a CloudFormation template: line 1: template: want a mapping"},
		"none.yaml":     {"Resources: {}", "no Resources"},
		"manifest.json": {`{"version": "1", "artifacts": {}}`, "the cloud assembly has no stacks"},
		"escape.json":   {`{"version": "1", "artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "../x.json"}}}}`, `S: "../x.json" is not a path in the assembly`},
		"missing.json":  {`{"version": "1", "artifacts": {"S": {"type": "aws:cloudformation:stack", "properties": {"templateFile": "x.json"}}}}`, "S: no such file"},
	} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f := policyfiles.Read([]string{file, "testdata/cloudformation/sam.yaml"}, policyfiles.Options{})
		if len(f.Errors) != 1 || !strings.HasPrefix(f.Errors[0].Error(), file+": ") || !strings.Contains(f.Errors[0].Error(), c.says) {
			t.Errorf("%s: errors %v, want one with %q", name, f.Errors, c.says)
		}
		if len(verdicts(f)) != 2 {
			t.Errorf("%s: %d results, want the 2 of the other file", name, len(verdicts(f)))
		}
	}
	f := policyfiles.Read([]string{"nosuch.json", folder}, policyfiles.Options{Parameters: map[string]string{"X": "1"}})
	want := []string{"nosuch.json: no such file or directory", folder + ": the cloud assembly has no stacks", "parameter X: no template has it"}
	for i, err := range f.Errors {
		if i >= len(want) || err.Error() != want[i] {
			t.Errorf("error %d: %v, want %q", i, err, want)
		}
	}
}

func TestWhatTheCLIPrintsIsAPolicy(t *testing.T) {
	const policy = `{\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"s3:*\",\"Resource\":\"arn:aws:s3:::docs-example/*\"}}`
	for text, want := range map[string]struct{ bucket, endpoint, note string }{
		`{"Policy": "` + policy + `"}`: {bucket: "docs-example"},
		`{"VpcEndpoints": [{"VpcEndpointId": "vpce-0a", "VpcId": "vpc-0a", "OwnerId": "111122223333", "ServiceName": "com.amazonaws.eu-west-1.s3", "PolicyDocument": "` + policy + `"}]}`:                   {endpoint: "vpce-0a"},
		`{"VpcEndpoints": [{"VpcEndpointId": "vpce-0b", "ServiceName": "com.amazonaws.eu-west-1.sqs", "PolicyDocument": "{}"}, {"VpcEndpointId": "vpce-0c", "ServiceName": "com.amazonaws.eu-west-1.s3"}]}`: {endpoint: "vpce-0c", note: "-: vpce-0b is not judged: it is an endpoint for com.amazonaws.eu-west-1.sqs"},
	} {
		f := policyfiles.Read([]string{"-"}, policyfiles.Options{Stdin: strings.NewReader(text)})
		bucket, endpoint := "", ""
		for _, b := range f.Buckets {
			bucket = b.Name
		}
		for _, e := range f.Endpoints {
			endpoint = e.ID
		}
		if len(f.Errors) > 0 || bucket != want.bucket || endpoint != want.endpoint || !strings.Contains(strings.Join(f.Notes, "\n"), want.note) {
			t.Errorf("%s: bucket %q, endpoint %q, notes %q, %v, want %+v", text, bucket, endpoint, f.Notes, f.Errors, want)
		}
	}
}

// No input may crash the reading.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		`{"format_version":"1.2","resource_changes":[{"address":"aws_s3_bucket_policy.a","type":"aws_s3_bucket_policy","name":"a","index":"k",` +
			`"module_address":"module.m[\"k\"]","change":{"actions":["create"],"after":{"bucket":"b"},"after_unknown":{"policy":true}}}],` +
			`"configuration":{"root_module":{"module_calls":{"m":{"module":{"resources":[{"mode":"managed","type":"aws_s3_bucket_policy","name":"a",` +
			`"expressions":{"policy":{"references":["data.aws_iam_policy_document.d.json"]}}}]}}}}}}`,
		`{"format_version":"1.0","values":{"root_module":{"resources":[{"type":"aws_vpc_endpoint","values":{"service_name":"x.s3","policy":"{}"}}]}}}`,
		"Resources: {A: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: !Ref B, PolicyDocument: {Statement: [!Ref C]}}}}",
		`{"VpcEndpoints":[{"ServiceName":"x.s3","PolicyDocument":"{}"}]}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		policyfiles.Read([]string{"-"}, policyfiles.Options{Stdin: strings.NewReader(text)})
	})
}
