package s3

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"slices"
	"strings"
)

// checkStatement refuses a statement that S3 would refuse although it is well-formed.
// FACTS: Policy evaluation
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

// principal is one value of a Principal element and the key under which it stands.
type principal struct {
	kind, value string
}

// principals are the values of a Principal element; "*" alone stands under "AWS".
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

// texts are the strings of an element that is a string or a list of strings.
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
	// accountARN are principals that stand for an account or for a session: S3 takes them without looking further.
	accountARN = regexp.MustCompile(`^arn:[a-z-]+:(iam::\d{12}:root|sts::\d{12}:(assumed-role|federated-user)/[^*?]+)$`)
	// nameARN are principals whose user or role must be there.
	nameARN = regexp.MustCompile(`^arn:[a-z-]+:iam::\d{12}:(user|role)/[^*?]+$`)
)

// principalExists reports whether S3 accepts a principal. The unique id of a deleted role is one that it does not, nor
// is an ARN with a wildcard in it.
// FACTS: S3, Policy evaluation
func (s *Service) principalExists(p principal) bool {
	switch {
	case p.kind != "AWS", p.value == "*", accountID.MatchString(p.value), accountARN.MatchString(p.value):
		return true
	case nameARN.MatchString(p.value):
		return s.exists(p.value)
	}
	return false
}

// ofBucket reports whether a resource is the bucket or something in it.
func (s *Service) ofBucket(resource, bucket string) bool {
	rest, ok := strings.CutPrefix(resource, s.arn(bucket, ""))
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '*')
}

// onObjects are the actions on objects among those without a wildcard. All others are on buckets.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-actions-as-permissions
var onObjects = regexp.MustCompile(`(?i)^s3:(((Get|Put|Delete|Restore|Replicate|Update|Initiate)Object.*)|AbortMultipartUpload|` +
	`ListMultipartUploadParts|BypassGovernanceRetention|ReplicateDelete|ReplicateTags|ObjectOwnerOverrideToBucketOwner)$`)

// checkLevels refuses a statement none of whose actions fits any of its resources.
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

// fits reports whether an action may be one on the resource.
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

// rewrite makes of a document what S3 makes of it: a default version, lists in another order and without brackets
// around one element, accounts as ARNs of their roots, and everybody as "*". Conditions stay as they are.
// FACTS: S3
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

// rewriteList turns a list round, and takes a list of one apart.
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

// accountToARN writes an account as the ARN of its root.
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

// textWhere is the policy's text in which users and roles that have been deleted since are their unique ids.
// FACTS: S3
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

// withKind is a copy of a Principal element with other values under one kind, if it had any.
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

// uniqueID invents the unique id of a user or role that is gone, the same one each time.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func uniqueID(arn string) string {
	prefix := "AROA"
	if strings.Contains(arn, ":user/") {
		prefix = "AIDA"
	}
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}
