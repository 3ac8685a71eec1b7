// Package environment reads a function's environment variables, which the template sets, and reports all errors in them
// at once. A list is comma-separated; an empty value means none.
//
// It imports iampolicy and the standard library only.
package environment

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Shape is the required format of a variable. Shapes are functions, because regular expressions would have to be
// compiled at each cold start.
type Shape struct {
	says string
	is   func(string) bool
}

// The shapes that need no parameter.
var (
	// Name is the shape of the name of a bucket, role, rule, function, host or Availability Zone.
	Name = Shape{"a name", isName}
	// Key is the shape of an object's key.
	Key = Shape{"an object's key", func(s string) bool { return s != "" && len(s) <= 1024 }}
	// Stack is the shape of the last part of a stack's ARN, with its name and id.
	Stack = Shape{"a stack such as stack/name/id", func(s string) bool {
		parts := strings.Split(s, "/")
		return len(parts) == 3 && parts[0] == "stack" && isName(parts[1]) && isName(parts[2])
	}}
	// Address is the shape of a URL, or of a path in the repository.
	Address = Shape{"an address without spaces and fragment", func(s string) bool { return !strings.ContainsAny(s, " \t\n#") }}
	// Yes is the shape of a switch that is off when it is not set.
	Yes = Shape{"true or nothing", func(s string) bool { return s == "true" }}
	// Count is the shape of a whole number from 1.
	Count = Shape{"a whole number from 1", func(s string) bool { n, err := strconv.ParseUint(s, 10, 31); return err == nil && n > 0 }}
	// CIDR is the shape of an IPv4 range.
	CIDR = Shape{"an IPv4 range such as 10.0.0.0/24", func(s string) bool {
		p, err := netip.ParsePrefix(s)
		return err == nil && p.Addr().Is4()
	}}
)

func isName(s string) bool { return s != "" && !strings.ContainsAny(s, " \t\n/:") }

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// ID returns the shape of an EC2 id with a prefix.
func ID(prefix string) Shape {
	return Shape{"an id that begins with " + prefix + "-", func(s string) bool {
		rest, ok := strings.CutPrefix(s, prefix+"-")
		return ok && rest != "" && strings.Trim(rest, "0123456789abcdefghijklmnopqrstuvwxyz") == ""
	}}
}

// ARN returns the shape of an ARN of a service whose resource part has a prefix.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func ARN(service, prefix string) Shape {
	return Shape{fmt.Sprintf("an ARN of %s %s", service, prefix), func(s string) bool {
		parts := strings.SplitN(s, ":", 6)
		return len(parts) == 6 && parts[0] == "arn" && strings.HasPrefix(parts[1], "aws") && parts[2] == service &&
			isAccount(parts[4]) && strings.HasPrefix(parts[5], prefix) && len(parts[5]) > len(prefix)
	}}
}

// split returns the partition and the account in an ARN; "" and "" for other texts.
func split(arn string) (partition, account string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return "", ""
	}
	return parts[1], parts[4]
}

// Reader reads variables and collects the errors in them. Create one with [New].
type Reader struct {
	getenv   func(string) string
	problems []error
}

// New creates a reader of the variables that getenv returns.
func New(getenv func(string) string) *Reader { return &Reader{getenv: getenv} }

// Err joins all errors in the variables read so far; nil if there are none.
func (r *Reader) Err() error { return errors.Join(r.problems...) }

// Refuse adds an error in variables that are checked elsewhere; nil adds none.
func (r *Reader) Refuse(err error) {
	if err != nil {
		r.problems = append(r.problems, err)
	}
}

func (r *Reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// Number reads a whole number of at least 1.
func (r *Reader) Number(name string) int {
	n, err := strconv.Atoi(r.getenv(name))
	if err != nil || n < 1 {
		r.problem("%s is %q, want a whole number from 1", name, r.getenv(name))
	}
	return n
}

// Match reads a variable that must be set and have the Shape.
func (r *Reader) Match(name string, want Shape) string {
	if r.getenv(name) == "" {
		r.problem("%s is not set", name)
		return ""
	}
	return r.Optional(name, want)
}

// Optional reads a variable that may be empty but must otherwise have the Shape.
func (r *Reader) Optional(name string, want Shape) string {
	value := r.getenv(name)
	if value != "" && !want.is(value) {
		r.problem("%s is %q, want %s", name, value, want.says)
	}
	return value
}

// List reads a comma-separated variable with at least one item.
func (r *Reader) List(name string, want Shape) []string {
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

// Choice reads a variable that has one of a few values.
func (r *Reader) Choice(name string, values ...string) string {
	value := r.getenv(name)
	for _, v := range values {
		if v == value {
			return value
		}
	}
	r.problem("%s is %q, want %s", name, value, strings.Join(values, " or "))
	return ""
}

// written expands a policy that the template has abbreviated: an environment has 4 KB, and Lambda measures it as JSON,
// where each quotation mark counts twice. The template's policies do not otherwise contain these characters, nor can a
// role's name or path from a parameter ("@" is allowed in IAM names, so it is not used here).
var written = strings.NewReplacer(
	"~", `","Effect":"Deny","Principal":"*","Action":"s3:`,
	"#", `"Effect":"Allow","Principal":"*","Action":`,
	"^", `"Condition":{"StringNotEquals":{"aws:`,
	"|", `Equals":{"aws:PrincipalArn":["arn:`,
	";", `","Resource":"arn:`,
	"'", `"`,
)

// Policy reads a variable that must be a policy that package iampolicy can parse.
//
// A policy without quotation marks is an abbreviated one, see [written]; others are used as they are.
func (r *Reader) Policy(name string) string {
	document := r.getenv(name)
	if document == "" {
		r.problem("%s is not set", name)
		return ""
	}
	if !strings.Contains(document, `"`) {
		document = written.Replace(document)
	}
	if _, err := iampolicy.Parse([]byte(document)); err != nil {
		r.problem("%s: %w", name, err)
	}
	return document
}
