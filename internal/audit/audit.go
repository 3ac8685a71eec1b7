// Package audit judges buckets and VPC endpoints as they were found, in an account or in files, against a [lock.Lock]: what the
// lock allows, and nothing else, may be allowed.
//
//	found            what was read of a bucket or an endpoint: policy, public access block, object ownership
//	lock             who may have access and by which endpoints; what is not given is guessed from the policies (guess.go)
//	verdict          lock.Judge, as in the running guard, and public access block and object ownership
//	findings         iampolicy.Breaches(found): each request that is allowed and must not be, and the statement that allows it
//
// A value that is not known stays unknown (unknown.go): a policy with such values is judged twice, once as if they
// allowed the most, once as if they allowed the least. Only where both agree is there a verdict.
//
// The package imports lock, iampolicy and the standard library only. It is for the command line; no function uses it.
package audit

import (
	"slices"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Origin says where something was found. Its fields are "" or 0 if they are not known.
type Origin struct {
	// File and Line are a place in a file; lines count from 1.
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	// Address is the name there, e.g. "module.data.aws_s3_bucket_policy.docs" or "Resources.DocsPolicy".
	Address string `json:"address,omitempty"`
}

// Document is a policy as it was found.
type Document struct {
	// Text is the JSON document, "" if there is no policy. It may contain unknown values, see [Unknown].
	Text string
	// Unread is why the document is not known, e.g. "known after apply" or "AccessDenied"; "" if Text is the document.
	Unread string
	Origin Origin
}

// Flag is a setting that is on, off, or not known.
type Flag int8

// The values of a Flag.
const (
	Off Flag = iota
	On
	NotKnown
)

// PublicAccessBlock is a bucket's public access block.
type PublicAccessBlock struct {
	BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets Flag
	Origin                                                                      Origin
}

// With lists the names of the settings with a value, in the order of the API.
func (p PublicAccessBlock) With(value Flag) []string {
	var names []string
	for _, s := range []struct {
		name string
		flag Flag
	}{
		{"BlockPublicAcls", p.BlockPublicAcls}, {"IgnorePublicAcls", p.IgnorePublicAcls},
		{"BlockPublicPolicy", p.BlockPublicPolicy}, {"RestrictPublicBuckets", p.RestrictPublicBuckets},
	} {
		if s.flag == value {
			names = append(names, s.name)
		}
	}
	return names
}

// Ownership is a bucket's object ownership.
type Ownership struct {
	// Value is e.g. "BucketOwnerEnforced"; "" if the bucket has no such configuration.
	Value string
	// Unread is why the value is not known; "" if it is.
	Unread string
	Origin Origin
}

// Bucket is what was found for one bucket.
type Bucket struct {
	// Name is the bucket's name. Title is what messages call it, if that is not its name, e.g. because the name is not known.
	Name, Title string
	// Account and Region are the bucket's; "" if they are not known.
	Account, Region string
	Policy          Document
	// PublicAccessBlock and Ownership are nil if nothing was found that says what they are: then they are not judged.
	PublicAccessBlock *PublicAccessBlock
	Ownership         *Ownership
	// AccountBlock is the account's public access block; nil if it is not known. It does not change the verdict, because whoever
	// administers the account can turn it off without an event of the bucket.
	AccountBlock *PublicAccessBlock
}

// Endpoint is what was found for one VPC endpoint for S3.
type Endpoint struct {
	// ID is the endpoint's id. Title is what messages call it, if that is not its id.
	ID, Title string
	// VPCID, Account and Region are the endpoint's; "" if they are not known.
	VPCID, Account, Region string
	// Policy is the endpoint's policy. An endpoint without a policy has the default one, which allows everything.
	Policy Document
}

// Verdict is the result for one bucket or endpoint.
type Verdict string

// The verdicts, from harmless to worst; a bucket's verdict is the worst of its properties.
const (
	// Locked: nothing is allowed that must be denied. The policy may differ from the rendered lock.
	Locked Verdict = "locked"
	// Drifted: as Locked, but the policy differs, and the mode is [lock.Exact].
	Drifted Verdict = "drifted"
	// Undecided: it cannot be told; Result.Reason says why.
	Undecided Verdict = "cannot tell"
	// Open: a request is allowed that must be denied, or the policy cannot be shown to be closed.
	Open Verdict = "open"
)

var verdicts = []Verdict{Locked, Drifted, Undecided, Open}

// Worse returns the worse of two verdicts.
func Worse(a, b Verdict) Verdict {
	return verdicts[max(slices.Index(verdicts, a), slices.Index(verdicts, b))]
}

// Kind is what a Result is about.
type Kind string

// The kinds.
const (
	KindBucket   Kind = "bucket"
	KindEndpoint Kind = "endpoint"
)

// Result is the result for one bucket or endpoint.
type Result struct {
	Kind    Kind    `json:"kind"`
	Name    string  `json:"name"`
	Origin  Origin  `json:"origin"`
	Verdict Verdict `json:"verdict"`
	// Reason says why the verdict is [Undecided].
	Reason string `json:"reason,omitempty"`
	// Lock is the rendered lock with which the policy was compared.
	Lock string `json:"lock"`
	// Judgement is what the running guard's judge says of the policy and the rendered lock: same, closed or open. It is "" if
	// the policy is not known, or not completely.
	Judgement iampolicy.Verdict `json:"judgement,omitempty"`
	// Guesses says what of the lock was guessed, and from what.
	Guesses  []Guess   `json:"guesses"`
	Findings []Finding `json:"findings"`
	// Write is what would be written; nil if nothing would, or if that is not known.
	Write *Write `json:"write,omitempty"`
}

// Write is the policy that the guard would write.
type Write struct {
	// Document is the whole policy. Diff compares it with the one that was found: removed statements are only in Document.
	Document string             `json:"document"`
	Diff     []iampolicy.Change `json:"diff"`
	// Incomplete says what Document lacks before it can be written, e.g. the endpoint's id; "" if nothing.
	Incomplete string `json:"incomplete,omitempty"`
}

// Finding is one thing that is wrong.
type Finding struct {
	Rule    Rule   `json:"rule"`
	Message string `json:"message"`
	// Statement is the title of the statement that allows the requests; "" if there is none.
	Statement string `json:"statement,omitempty"`
	// Access lists the requests that are allowed and must not be.
	Access []Access `json:"access,omitempty"`
	Origin Origin   `json:"origin"`
}

// Access is a set of requests: each caller may take each action from each place.
type Access struct {
	Callers []string `json:"callers"`
	Paths   []string `json:"paths"`
	// On are the resources: the bucket, its objects, or other buckets.
	On      []string `json:"on"`
	Actions []string `json:"actions"`
}
