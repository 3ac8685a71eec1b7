package iampolicy

import "strings"

// AWS documents where a wildcard is allowed in a resource ARN: in each part between two colons; it matches no colon unless
// it is a * at the end of its part; the service part allows none. IAM rejects some ARNs that break these rules; S3's
// behaviour is not documented. A match that breaks them is therefore unknown: such a Deny does not count as closed, and
// such an Allow counts as possibly open.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards

// arnParts is the number of parts of an ARN. The last one may contain colons.
const arnParts = 6

// servicePart is the index of the service among the parts of an ARN.
const servicePart = 2

// isDoubtful reports whether an ARN in a document has a wildcard before its last part that may match less in AWS than
// [glob] matches.
func isDoubtful(arn string) bool {
	part := 0
	for i := range len(arn) {
		atEnd := i+1 == len(arn) || arn[i+1] == ':'
		switch {
		case arn[i] == ':':
			part++
		case part == arnParts-1 || arn == "*":
			return false
		case arn[i] == '?', arn[i] == '*' && (part == servicePart || !atEnd):
			return true
		}
	}
	return false
}

// matchesResource compares a resource with the pattern that the text resolves to for the request.
func (t *text) matchesResource(pattern, resource string) truth {
	switch {
	case !glob(pattern, resource):
		return no
	case !t.doubtful:
		return yes
	}
	parts := strings.SplitN(pattern, ":", arnParts)
	if len(parts) > servicePart && hasWildcard(parts[servicePart]) {
		return unknown
	}
	if matchesParts(parts, strings.SplitN(resource, ":", arnParts)) {
		return yes
	}
	return unknown
}

// matchesParts matches the parts of an ARN with those of a pattern. A pattern part that ends in * may match several parts.
func matchesParts(patterns, parts []string) bool {
	if len(patterns) == 0 {
		return len(parts) == 0
	}
	most := min(1, len(parts))
	if strings.HasSuffix(patterns[0], string([]byte{anyText})) {
		most = len(parts)
	}
	for n := 1; n <= most; n++ {
		if glob(patterns[0], strings.Join(parts[:n], ":")) && matchesParts(patterns[1:], parts[n:]) {
			return true
		}
	}
	return false
}
