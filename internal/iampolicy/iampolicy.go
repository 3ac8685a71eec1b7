// Package iampolicy parses, compares, evaluates and judges IAM policy documents: bucket policies, VPC endpoint
// policies and identity policies.
//
// It answers three questions, each with one function:
//
//	[Evaluate]  is this request allowed, and which statement decides it?
//	[Equal]     do two documents mean the same, even if S3 has rewritten one of them?
//	[Judge]     is the live document the desired one, or at least still closed?
//
// Judge calls a changed document closed only if this follows from its text:
//
//	live Deny                                            result
//	covers a desired Deny, with its conditions or fewer  kept
//	has an extra condition, or covers less               ignored
//	live Allow
//	no wider than a desired Allow                        foreseen
//	denied to everyone by a kept or unconditional Deny   foreseen
//	otherwise, for all principals                        open
//
// The package does not guess. An element, operator, effect or value that AWS does not document makes [Parse] fail; a
// request whose outcome depends on something unknown is [Undecided]; [Judge] treats both as [Open]. Inside the package,
// truth therefore has three values (see truth.go).
//
// The package imports the standard library only, makes no calls and reads no clock. Its values are safe for concurrent
// use by multiple goroutines.
//
// To add a condition operator, add a row to operators (operators.go) and a comparison for its kind; to add an S3 action,
// add its name to actions.go.
package iampolicy

// Policy is a parsed policy document: identity, resource (bucket) or endpoint policy. It is immutable.
type Policy struct {
	version    string
	id         string
	statements []*statement
	canonical  string
}

// statement is one statement of a policy, ready to be matched.
type statement struct {
	index int // position in the document, from 1
	sid   string
	allow bool // Allow, else Deny

	principal    *principals // nil when the statement has neither Principal nor NotPrincipal
	notPrincipal bool
	actions      []string // lower case, wildcards compiled
	notAction    bool
	resources    []text
	notResource  bool
	conditions   []condition

	// variable is true when the scope of the statement depends on the request's context.
	variable  bool
	canonical string
	meaning   string // the canonical form without the Sid
}

// String returns the policy's canonical form: compact JSON that is identical for two documents with the same meaning.
// [Parse] accepts it, and the result has the same canonical form.
func (p *Policy) String() string { return p.canonical }

// Equal reports whether two policies mean the same. It ignores differences in spelling, which canonical.go lists.
func Equal(a, b *Policy) bool { return a.canonical == b.canonical }
