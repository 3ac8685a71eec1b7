package remediate

import (
	"errors"
	"fmt"
	"strings"

	"s3-endpoint-guard/internal/iampolicy"
)

// Config is what the function is told by its environment. template.yaml sets every variable.
type Config struct {
	// Setting names what is guarded and who may do what.
	Setting iampolicy.Setting
	// BucketPolicy and EndpointPolicy are the desired documents.
	BucketPolicy, EndpointPolicy string
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// SubnetIDs are the workload's subnets, and an interface endpoint's own.
	SubnetIDs []string
	// SecurityGroupIDs are an interface endpoint's groups, AllowedGroupIDs those whose members may reach it.
	SecurityGroupIDs, AllowedGroupIDs []string
	// RouteTableIDs are a gateway endpoint's route tables.
	RouteTableIDs []string
	// StackID and TopicARN are our own stack's and notification topic's ARNs.
	StackID, TopicARN string
	// Observe makes the guard write nothing.
	Observe bool
}

// ReadConfig reads the environment. The error names everything that is wrong with it at once.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := &reader{getenv: getenv}
	role := arn("iam", "role/")
	guardRole := r.match("GUARD_ROLE_ARN", role)
	c := Config{
		Setting: iampolicy.Setting{
			Partition: partition(guardRole), Region: getenv("AWS_REGION"),
			Account: r.match("ACCOUNT_ID", account), Bucket: r.match("BUCKET", name),
			EndpointID: r.match("ENDPOINT_ID", id("vpce")), VPCID: r.match("VPC_ID", id("vpc")),
			Guard: guardRole, Workload: r.match("WORKLOAD_ROLE_ARN", role),
			ProbeRole: r.optional("PROBE_ROLE_ARN", role), Teardown: r.optional("TEARDOWN_ROLE_ARN", role),
		},
		BucketPolicy:   r.policy("BUCKET_POLICY"),
		EndpointPolicy: r.policy("ENDPOINT_POLICY"),
		Gateway:        r.choice("ENDPOINT_TYPE", "Interface", "Gateway") == "Gateway",
		SubnetIDs:      r.list("SUBNET_IDS", id("subnet")),
		StackID:        r.match("STACK_ID", arn("cloudformation", "stack/")),
		TopicARN:       r.match("TOPIC_ARN", arn("sns", "")),
		Observe:        r.choice("ENFORCEMENT", "Enforce", "Observe") == "Observe",
	}
	if c.Gateway {
		c.RouteTableIDs = r.list("ROUTE_TABLE_IDS", id("rtb"))
	} else {
		c.SecurityGroupIDs = r.list("SECURITY_GROUP_IDS", id("sg"))
		c.AllowedGroupIDs = r.list("ALLOWED_GROUP_IDS", id("sg"))
	}
	return c, errors.Join(r.problems...)
}

// shape is what a variable must look like. Shapes are functions and not regular expressions, which would have to be
// compiled at every cold start.
type shape struct {
	says string
	is   func(string) bool
}

var (
	name    = shape{"a name", func(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\n/:") }}
	account = shape{"an account id of 12 digits", isAccount}
)

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// id is the shape of an EC2 id with a prefix.
func id(prefix string) shape {
	return shape{"an id that begins with " + prefix + "-", func(s string) bool {
		rest, ok := strings.CutPrefix(s, prefix+"-")
		return ok && rest != "" && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
	}}
}

// arn is the shape of an ARN of a service whose resource part has a prefix.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func arn(service, prefix string) shape {
	return shape{fmt.Sprintf("an ARN of %s %s", service, prefix), func(s string) bool {
		parts := strings.SplitN(s, ":", 6)
		return len(parts) == 6 && parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") && parts[2] == service &&
			isAccount(parts[4]) && strings.HasPrefix(parts[5], prefix) && len(parts[5]) > len(prefix)
	}}
}

// partition is the partition in an ARN; "" when there is none.
func partition(arn string) string {
	parts := strings.SplitN(arn, ":", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}

// reader reads variables and gathers what is wrong with them.
type reader struct {
	getenv   func(string) string
	problems []error
}

func (r *reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// match reads a variable that must be set and have the shape.
func (r *reader) match(name string, want shape) string {
	if r.getenv(name) == "" {
		r.problem("%s is not set", name)
		return ""
	}
	return r.optional(name, want)
}

// optional reads a variable that may be empty but must otherwise have the shape.
func (r *reader) optional(name string, want shape) string {
	value := r.getenv(name)
	if value != "" && !want.is(value) {
		r.problem("%s is %q, want %s", name, value, want.says)
	}
	return value
}

// list reads a comma-separated variable with at least one item.
func (r *reader) list(name string, want shape) []string {
	if r.getenv(name) == "" {
		r.problem("%s is not set", name)
		return nil
	}
	items := strings.Split(r.getenv(name), ",")
	for _, item := range items {
		if !want.is(item) {
			r.problem("%s has %q, want %s", name, item, want.says)
		}
	}
	return items
}

// choice reads a variable that has one of a few values.
func (r *reader) choice(name string, values ...string) string {
	value := r.getenv(name)
	for _, v := range values {
		if v == value {
			return value
		}
	}
	r.problem("%s is %q, want %s", name, value, strings.Join(values, " or "))
	return ""
}

// policy reads a variable that must be a policy that the judge understands.
func (r *reader) policy(name string) string {
	document := r.getenv(name)
	if document == "" {
		r.problem("%s is not set", name)
		return ""
	}
	if _, err := iampolicy.Parse([]byte(document)); err != nil {
		r.problem("%s: %w", name, err)
	}
	return document
}
