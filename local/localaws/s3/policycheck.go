package s3

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"slices"
	"strings"
)

// checkStatement refuses a well-formed statement that S3 refuses (docs/facts.md, Policy evaluation).
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
func (s *Service) checkStatement(b *bucket, st statement) error {
	if st.Principal == nil && st.NotPrincipal == nil {
		return malformed("Missing required field Principal")
	}
	if st.NotPrincipal != nil && st.Effect == "Allow" {
		return malformed("Allow with NotPrincipal is not allowed.")
	}
	for _, principal := range slices.Concat(principals(st.Principal), principals(st.NotPrincipal)) {
		if !s.principalExists(principal) {
			return malformed("Invalid principal in policy")
		}
	}
	for _, action := range slices.Concat(texts(st.Action), texts(st.NotAction)) {
		if action != "*" && !strings.HasPrefix(strings.ToLower(action), "s3:") {
			return malformed("Policy has invalid action")
		}
	}
	for _, resource := range slices.Concat(texts(st.Resource), texts(st.NotResource)) {
		if !s.ofBucket(resource, b.name) {
			return malformed("Policy has invalid resource")
		}
	}
	return checkLevels(st)
}

// principal is one value of a Principal element and its key.
type principal struct {
	kind, value string
}

// principals returns the values of a Principal element; a plain "*" has the key "AWS".
func principals(element any) []principal {
	if text, ok := element.(string); ok {
		return []principal{{"AWS", text}}
	}
	var all []principal
	kinds, _ := element.(map[string]any)
	for kind, values := range kinds {
		for _, value := range texts(values) {
			all = append(all, principal{kind, value})
		}
	}
	return all
}

// texts returns the strings of an element that is a string or a list of strings.
func texts(element any) []string {
	switch e := element.(type) {
	case string:
		return []string{e}
	case []any:
		var all []string
		for _, value := range e {
			if text, ok := value.(string); ok {
				all = append(all, text)
			}
		}
		return all
	}
	return nil
}

var (
	accountID = regexp.MustCompile(`^\d{12}$`)
	// accountARN matches principals for an account or a session. S3 accepts them without a check.
	accountARN = regexp.MustCompile(`^arn:[a-z-]+:(iam::\d{12}:root|sts::\d{12}:(assumed-role|federated-user)/[^*?]+)$`)
	// nameARN matches principals whose user or role must exist.
	nameARN = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:(user|role)/[^*?]+$`)
)

// principalExists reports whether S3 accepts a principal. It does not accept the unique id of a deleted role, or an
// ARN with a wildcard (docs/facts.md, S3 and Policy evaluation).
func (s *Service) principalExists(p principal) bool {
	switch {
	case p.kind != "AWS", p.value == "*", accountID.MatchString(p.value), accountARN.MatchString(p.value):
		return true
	case nameARN.MatchString(p.value):
		return s.exists(p.value)
	}
	return false
}

// ofBucket reports whether a resource is the bucket or an object in it.
func (s *Service) ofBucket(resource, bucket string) bool {
	rest, ok := strings.CutPrefix(resource, s.arn(bucket, ""))
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '*')
}

// onObjects matches the actions on objects, of those without a wildcard. All others are on buckets.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-actions-as-permissions
var onObjects = regexp.MustCompile(`(?i)^s3:(((Get|Put|Delete|Restore|Replicate|Update|Initiate)Object.*)|AbortMultipartUpload|` +
	`ListMultipartUploadParts|BypassGovernanceRetention|ReplicateDelete|ReplicateTags|ObjectOwnerOverrideToBucketOwner)$`)

// checkLevels refuses a statement in which no action fits a resource.
func checkLevels(st statement) error {
	actions, resources := texts(st.Action), texts(st.Resource)
	if len(actions) == 0 || len(resources) == 0 {
		return nil
	}
	for _, action := range actions {
		if !slices.ContainsFunc(resources, func(resource string) bool { return fits(action, resource) }) {
			return malformed("Action does not apply to any resource(s) in statement")
		}
	}
	return nil
}

// fits reports whether an action can apply to the resource.
func fits(action, resource string) bool {
	switch {
	case strings.ContainsAny(action, "*?"):
		return true
	case onObjects.MatchString(action):
		return strings.ContainsAny(resource, "/*")
	}
	name, _, _ := strings.Cut(resource, "/")
	return resource == name || strings.HasSuffix(name, "*")
}

// rewrite changes a document as S3 does: it adds a default version, changes the order of lists, removes brackets
// around one element, and writes accounts as ARNs of their roots and all principals as "*". Conditions are not
// changed (docs/facts.md, S3).
func (d *policyDocument) rewrite() {
	if d.Version == "" {
		d.Version = "2008-10-17"
	}
	for i := range d.Statement {
		st := &d.Statement[i]
		for _, element := range []*any{&st.Action, &st.NotAction, &st.Resource, &st.NotResource} {
			*element = rewriteList(*element)
		}
		st.Principal, st.NotPrincipal = rewritePrincipal(st.Principal), rewritePrincipal(st.NotPrincipal)
	}
}

// rewriteList reverses a list, and replaces a list of one by its element.
func rewriteList(element any) any {
	list, ok := element.([]any)
	switch {
	case !ok:
		return element
	case len(list) == 1:
		return list[0]
	}
	turned := slices.Clone(list)
	slices.Reverse(turned)
	return turned
}

// rewritePrincipal rewrites a Principal element.
func rewritePrincipal(element any) any {
	kinds, ok := element.(map[string]any)
	if !ok {
		return element
	}
	rewritten := map[string]any{}
	for kind, values := range kinds {
		rewritten[kind] = rewriteList(eachPrincipal(values, accountToARN))
	}
	if len(rewritten) == 1 && rewritten["AWS"] == any("*") {
		return "*"
	}
	return rewritten
}

// accountToARN returns the ARN of an account's root.
func accountToARN(value string) string {
	if accountID.MatchString(value) {
		return "arn:aws:iam::" + value + ":root"
	}
	return value
}

// eachPrincipal applies a change to a string, or to each string of a list.
func eachPrincipal(values any, change func(string) string) any {
	switch v := values.(type) {
	case string:
		return change(v)
	case []any:
		changed := make([]any, len(v))
		for i, value := range v {
			text, _ := value.(string)
			changed[i] = change(text)
		}
		return changed
	}
	return values
}

// textWhere returns the policy's text, in which deleted users and roles are replaced by their unique ids
// (docs/facts.md, S3).
func (p *policy) textWhere(exists func(arn string) bool) string {
	d := p.document
	d.Statement = slices.Clone(d.Statement)
	gone := func(value string) string {
		if nameARN.MatchString(value) && !exists(value) {
			return uniqueID(value)
		}
		return value
	}
	for i := range d.Statement {
		st := &d.Statement[i]
		for _, element := range []*any{&st.Principal, &st.NotPrincipal} {
			if kinds, ok := (*element).(map[string]any); ok {
				*element = withKind(kinds, "AWS", eachPrincipal(kinds["AWS"], gone))
			}
		}
	}
	return encodePolicy(d)
}

// withKind returns a copy of a Principal element with other values under one kind, if it had any.
func withKind(kinds map[string]any, kind string, values any) map[string]any {
	changed := map[string]any{}
	for k, v := range kinds {
		changed[k] = v
		if k == kind {
			changed[k] = values
		}
	}
	return changed
}

// uniqueID returns an invented unique id of a deleted user or role, the same one each time.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func uniqueID(arn string) string {
	prefix := "AROA"
	if strings.Contains(arn, ":user/") {
		prefix = "AIDA"
	}
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
