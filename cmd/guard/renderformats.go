package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/prevent"
)

// renderFunc prints a lock's statements for these buckets, and for the endpoints; or a policy that protects them and the
// guard, which is in a stack of that name.
type renderFunc func(l lock.Lock, buckets []string, stack string) (string, error)

// ofLock is the renderFunc of a format to which the stack does not matter.
func ofLock(render func(lock.Lock, []string) (string, error)) renderFunc {
	return func(l lock.Lock, buckets []string, _ string) (string, error) { return render(l, buckets) }
}

// renderSCP and renderRCP print organisation policies. The roles that still may make the calls are those that manage the
// buckets.
func renderSCP(l lock.Lock, buckets []string, stack string) (string, error) {
	policy, err := protected(l, buckets, stack).SCP()
	return policy + "\n", err
}

func renderRCP(l lock.Lock, buckets []string, stack string) (string, error) {
	policy, err := protected(l, buckets, stack).RCP()
	return policy + "\n", err
}

func protected(l lock.Lock, buckets []string, stack string) prevent.Deployment {
	return prevent.Deployment{
		Partition: l.Partition, Region: l.Region, Account: l.Account, Stack: stack, Buckets: buckets, EndpointIDs: l.EndpointIDs,
		Exempt: l.ManagementRoles,
	}
}

// renderFormats are the formats of guard render; each is a flag.
var renderFormats = []struct {
	flag, usage string
	render      renderFunc
}{
	{"json", "print the policies as JSON: by bucket, and that of the endpoints", ofLock(renderJSON)},
	{"terraform", "print data sources aws_iam_policy_document", ofLock(renderTerraform)},
	{"cdk", "print TypeScript with statements for addToResourcePolicy and addToPolicy", ofLock(renderCDK)},
	{"cloudformation", "print a template with the bucket policies", ofLock(renderCloudFormation)},
	{"scp", "print a service control policy that lets only --management-role change buckets, endpoints and the guard", renderSCP},
	{"rcp", "print a resource control policy that lets only --management-role change the buckets' configuration", renderRCP},
}

func renderJSON(l lock.Lock, buckets []string) (string, error) {
	policies := struct {
		Buckets  map[string]json.RawMessage `json:"buckets"`
		Endpoint json.RawMessage            `json:"endpoint"`
	}{map[string]json.RawMessage{}, json.RawMessage(l.EndpointPolicy())}
	for _, name := range buckets {
		policies.Buckets[name] = json.RawMessage(l.BucketPolicy(name))
	}
	return indented(policies, "")
}

// indented returns JSON without HTML escapes, each line after the first with a prefix.
func indented(v any, prefix string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent(prefix, "  ")
	err := e.Encode(v)
	return b.String(), err
}

// renderTerraform prints data sources, because a bucket's policy is one resource, which may exist already.
func renderTerraform(l lock.Lock, buckets []string) (string, error) {
	var b strings.Builder
	fmt.Fprint(&b, `# The lock of guard.yaml. Combine it with your own statements:
#
#   data "aws_iam_policy_document" "mine" {
#     source_policy_documents = [data.aws_iam_policy_document.<name below>.json]
#     # your own statements
#   }
`)
	for _, name := range buckets {
		fmt.Fprintf(&b, "\n# For aws_s3_bucket_policy of %s.\n", name)
		if err := terraformDocument(&b, "lock_"+strings.ReplaceAll(name, ".", "_"), l.BucketPolicy(name)); err != nil {
			return "", err
		}
	}
	fmt.Fprintf(&b, "\n# For aws_vpc_endpoint_policy of %s.\n", strings.Join(l.EndpointIDs, ", "))
	err := terraformDocument(&b, "lock_endpoint", l.EndpointPolicy())
	return b.String(), err
}

// terraformDocument prints a policy as a data source. Terraform's names may have hyphens.
func terraformDocument(b *strings.Builder, name, policy string) error {
	p, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "data \"aws_iam_policy_document\" %q {\n", name)
	for i, v := range p.Views() {
		if i > 0 {
			fmt.Fprintln(b)
		}
		effect := "Deny"
		if v.Allow {
			effect = "Allow"
		}
		fmt.Fprintf(b, "  statement {\n    sid       = %q\n    effect    = %q\n    actions   = %s\n    resources = %s\n",
			v.Title, effect, hclList(v.Actions), hclList(v.Resources))
		fmt.Fprint(b, "    principals {\n      type        = \"*\"\n      identifiers = [\"*\"]\n    }\n") // a lock is about everybody
		for _, c := range v.Conditions {
			fmt.Fprintf(b, "    condition {\n      test     = %q\n      variable = %q\n      values   = %s\n    }\n", c.Operator, c.Key, hclList(c.Values))
		}
		fmt.Fprintln(b, "  }")
	}
	fmt.Fprintln(b, "}")
	return nil
}

// hclList writes texts, which have no policy variables, as HCL.
func hclList(texts []string) string {
	quoted := make([]string, len(texts))
	for i, t := range texts {
		quoted[i] = strconv.Quote(t)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func renderCDK(l lock.Lock, buckets []string) (string, error) {
	var b strings.Builder
	fmt.Fprint(&b, "import { PolicyStatement } from 'aws-cdk-lib/aws-iam';\n\n"+
		"/** The lock of guard.yaml by bucket: for each of them, bucket.addToResourcePolicy(statement). */\n"+
		"export const bucketLocks: Record<string, PolicyStatement[]> = {\n")
	for _, name := range buckets {
		fmt.Fprintf(&b, "  '%s': ", name)
		if err := cdkStatements(&b, "  ", l.BucketPolicy(name)); err != nil {
			return "", err
		}
		fmt.Fprint(&b, ",\n")
	}
	fmt.Fprintf(&b, "};\n\n/** For each of them, endpoint.addToPolicy(statement): %s. */\nexport const endpointLock: PolicyStatement[] = ", strings.Join(l.EndpointIDs, ", "))
	err := cdkStatements(&b, "", l.EndpointPolicy())
	fmt.Fprint(&b, ";\n")
	return b.String(), err
}

// cdkStatements prints the statements of a policy as a list in TypeScript.
func cdkStatements(b *strings.Builder, indent, policy string) error {
	list, err := statementsOf(policy)
	if err != nil {
		return err
	}
	fmt.Fprint(b, "[\n")
	for _, s := range list {
		text, err := indented(s, indent+"  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%s  PolicyStatement.fromJson(%s),\n", indent, strings.TrimSpace(text))
	}
	fmt.Fprint(b, indent+"]")
	return nil
}

// renderCloudFormation prints a template in YAML, in which the statements are JSON. An endpoint that exists has its policy among its
// own properties, so that its policy is metadata.
func renderCloudFormation(l lock.Lock, buckets []string) (string, error) {
	var b strings.Builder
	fmt.Fprint(&b, "AWSTemplateFormatVersion: \"2010-09-09\"\nDescription: The lock of guard.yaml. Add your own statements.\nResources:\n")
	for i, name := range buckets {
		fmt.Fprintf(&b, "  Lock%d:\n    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: %s\n      PolicyDocument:\n", i+1, name)
		if err := yamlStatements(&b, "        ", l.BucketPolicy(name)); err != nil {
			return "", err
		}
	}
	fmt.Fprintf(&b, "Metadata:\n  # The PolicyDocument for AWS::EC2::VPCEndpoint, %s.\n  EndpointPolicyDocument:\n", strings.Join(l.EndpointIDs, ", "))
	err := yamlStatements(&b, "    ", l.EndpointPolicy())
	return b.String(), err
}

// yamlStatements prints a policy's elements, with the statements as JSON.
func yamlStatements(b *strings.Builder, indent, policy string) error {
	list, err := statementsOf(policy)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%sVersion: \"2012-10-17\"\n%sStatement:\n", indent, indent)
	for _, s := range list {
		text, err := indented(s, indent+"    ")
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "%s  - %s\n", indent, strings.TrimSpace(text))
	}
	return nil
}

// statementsOf splits a policy.
func statementsOf(policy string) ([]json.RawMessage, error) {
	var document struct{ Statement []json.RawMessage }
	err := json.Unmarshal([]byte(policy), &document)
	return document.Statement, err
}
