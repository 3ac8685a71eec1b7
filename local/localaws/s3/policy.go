package s3

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// maxPolicy is the maximum size of a bucket policy, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
const maxPolicy = 20 << 10

// policy is a bucket policy that S3 has accepted.
type policy struct {
	document policyDocument
	// text is the document as S3 returns it.
	text   string
	parsed *iampolicy.Policy
	public bool
}

// policyDocument is a policy with its elements in S3's order.
type policyDocument struct {
	Version   string
	ID        string      `json:"Id,omitempty"`
	Statement []statement `json:"Statement"`
}

// statement is one statement. Elements that may be a string or a list keep their form until the rewrite.
type statement struct {
	Sid          string
	Effect       string
	Principal    any                       `json:",omitempty"`
	NotPrincipal any                       `json:",omitempty"`
	Action       any                       `json:",omitempty"`
	NotAction    any                       `json:",omitempty"`
	Resource     any                       `json:",omitempty"`
	NotResource  any                       `json:",omitempty"`
	Condition    map[string]map[string]any `json:",omitempty"`
}

// newPolicy checks a document for a bucket, and rewrites it as S3 does.
func (s *Service) newPolicy(b *bucket, document []byte) (*policy, error) {
	if len(document) > maxPolicy {
		return nil, malformed("Policy exceeds the maximum allowed document size.")
	}
	if !json.Valid(document) || !bytes.HasPrefix(bytes.TrimLeft(document, " \t\r\n"), []byte("{")) {
		return nil, malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	parsed, err := iampolicy.Parse(document)
	if errors.Is(err, iampolicy.ErrPrincipal) {
		return nil, malformed("Invalid principal in policy")
	}
	if err != nil {
		return nil, malformed("Policy has invalid syntax: " + err.Error())
	}
	d, err := decodePolicy(document)
	if err != nil {
		return nil, malformed("Policy has invalid syntax: " + err.Error())
	}
	for _, st := range d.Statement {
		if err := s.checkStatement(b, st); err != nil {
			return nil, err
		}
	}
	d.rewrite()
	return &policy{document: d, text: encodePolicy(d), parsed: parsed, public: isPublic(d)}, nil
}

// malformed returns the error for an invalid policy document.
func malformed(message string) *api.Error {
	return refuse(http.StatusBadRequest, "MalformedPolicy", message)
}

// decodePolicy decodes a document that [iampolicy.Parse] has accepted. A single statement may be outside a list.
func decodePolicy(document []byte) (policyDocument, error) {
	var d struct {
		policyDocument
		Statement json.RawMessage
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // condition values are returned as they were written
	if err := decoder.Decode(&d); err != nil {
		return policyDocument{}, err
	}
	if statements := bytes.TrimSpace(d.Statement); !bytes.HasPrefix(statements, []byte("[")) {
		d.Statement = slices.Concat([]byte("["), statements, []byte("]"))
	}
	decoder = json.NewDecoder(bytes.NewReader(d.Statement))
	decoder.UseNumber()
	err := decoder.Decode(&d.policyDocument.Statement)
	return d.policyDocument, err
}

// encodePolicy returns a document in one line.
func encodePolicy(d policyDocument) string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(d); err != nil {
		panic("s3: a policy that was decoded cannot be encoded: " + err.Error())
	}
	return strings.TrimSpace(text.String())
}

// policyFor returns the policy that applies to a caller's requests to a bucket: the bucket's own, with the grants of
// its ACL, except that Block Public Access hides a public one from callers of other accounts.
func (s *Service) policyFor(b *bucket, c api.Caller) *iampolicy.Policy {
	blocked := s.blocked(b)
	p := b.policy.value
	if p != nil && p.public && blocked.RestrictPublicBuckets && c.Account != b.owner && !isService(c.Principal) {
		p = nil
	}
	if b.ownership.value != bucketOwnerEnforced && !blocked.IgnorePublicAcls {
		return withACL(p, b.acl.value, s.arn(b.name, ""))
	}
	if p == nil {
		return nil
	}
	return p.parsed
}

// isService reports whether a principal is an AWS service.
func isService(principal string) bool {
	return strings.HasSuffix(principal, ".amazonaws.com") || strings.HasSuffix(principal, ".amazonaws.com.cn")
}

// aclActions are the actions on a bucket that an ACL permission allows.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#acl-access-policy-permission-mapping
var aclActions = map[string][]any{
	"READ":  {"s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"},
	"WRITE": {"s3:PutObject", "s3:DeleteObject"},
}

// withACL returns a policy that also contains an ACL's grants. An authenticated caller is one that has a principal
// type.
func withACL(p *policy, acl, bucketARN string) *iampolicy.Policy {
	grants := cannedGrants[acl]
	if len(grants) == 0 {
		if p == nil {
			return nil
		}
		return p.parsed
	}
	d := policyDocument{Version: "2012-10-17"}
	if p != nil {
		d = p.document
	}
	d.Statement = slices.Clone(d.Statement)
	for _, g := range grants {
		st := statement{
			Sid: "Acl" + g.permission, Effect: "Allow", Principal: "*",
			Action: aclActions[g.permission], Resource: []any{bucketARN, bucketARN + "/*"},
		}
		if g.group == authenticatedUsers {
			st.Condition = map[string]map[string]any{"Null": {"aws:PrincipalArn": "false"}}
		}
		d.Statement = append(d.Statement, st)
	}
	merged, err := iampolicy.Parse([]byte(encodePolicy(d)))
	if err != nil {
		panic("s3: a stored policy with its ACL does not parse: " + err.Error())
	}
	return merged
}

// putPolicy checks, rewrites and stores a policy. It refuses a public one that Block Public Access forbids.
func (c *call) putPolicy() (*answer, error) {
	p, err := c.service.newPolicy(c.bucket, c.Body)
	if err != nil {
		return nil, err
	}
	if p.public && c.service.blocked(c.bucket).BlockPublicPolicy {
		return nil, c.publicBlocked("s3:PutBucketPolicy", "policies", "BlockPublicPolicy")
	}
	c.bucket.policy.set(p)
	return noContent(), nil
}

// getPolicy returns the policy as S3 stores it.
func (c *call) getPolicy() (*answer, error) {
	p := c.bucket.policy.read(c.Stale)
	if p == nil {
		return nil, errNoSuchBucketPolicy
	}
	text := p.textWhere(c.service.exists)
	return (&answer{status: http.StatusOK, raw: []byte(text)}).with("Content-Type", "application/json"), nil
}

// errNoSuchBucketPolicy is the error for a read of a missing policy.
var errNoSuchBucketPolicy = refuse(http.StatusNotFound, "NoSuchBucketPolicy", "The bucket policy does not exist")

// deletePolicy removes the policy; it succeeds if there is none.
func (c *call) deletePolicy() (*answer, error) {
	c.bucket.policy.set(nil)
	return noContent(), nil
}

// getPolicyStatus returns whether the policy is public.
func (c *call) getPolicyStatus() (*answer, error) {
	p := c.bucket.policy.read(c.Stale)
	if p == nil {
		return nil, errNoSuchBucketPolicy
	}
	return asXML(func(d *document) {
		d.root("PolicyStatus")
		d.bool("IsPublic", p.public)
		d.close("PolicyStatus")
	}), nil
}
