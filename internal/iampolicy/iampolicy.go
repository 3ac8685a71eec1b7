// Package iampolicy parses, compares, evaluates and judges IAM policy documents: bucket policies, VPC endpoint
// policies and identity policies.
//
// Three questions are answered here, each by one function:
//
//	[Evaluate]  may this request be made, and which statement decided it?
//	[Equal]     do two documents say the same, however S3 has rewritten one of them?
//	[Judge]     is a live document still the desired one, or at least still closed?
//
// Judge calls a changed document closed only where that follows from its text:
//
//	live Deny                                            counts as
//	covers a desired Deny, under its conditions or fewer kept
//	has a condition, principal, resource, action less    not there
//	live Allow
//	no wider than a desired Allow                        foreseen
//	denied to everybody by what is kept, or at once      foreseen
//	anything else, whoever it is for                     open
//
// What is not understood is never guessed. An element, operator, effect or value that AWS does not document makes
// [Parse] fail; a request whose outcome depends on something unknown is [Undecided]; and for [Judge] both count as
// [Open]. Truth therefore has three values inside the package (see truth.go).
//
// The package imports the standard library only, makes no call, reads no clock, and its values are safe for use by
// several goroutines at once.
//
// To teach it a condition operator, add a row to operators (operators.go) and a comparison for its kind; to teach it
// an S3 action, add its name to actions.go.
package iampolicy

// Policy is a parsed policy document: identity, resource (bucket) or endpoint policy. It does not change.
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

	// variable is true when what the statement covers depends on the request's context.
	variable  bool
	canonical string
	meaning   string // the canonical form without the Sid
}

// String is the policy's canonical form: compact JSON in which two documents that mean the same read the same.
// [Parse] accepts it, and parsing it gives the same canonical form again.
func (p *Policy) String() string { return p.canonical }

// Equal reports whether two policies mean the same, whatever their spelling: see canonical.go for what counts as
// spelling.
func Equal(a, b *Policy) bool { return a.canonical == b.canonical }
