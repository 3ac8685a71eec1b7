package iampolicy

import "strings"

// AWS documents where a wildcard in a resource's ARN counts: in each part between two colons; it matches no colon unless it
// is a * at the end of its part; and none may stand in the service's part. IAM refuses some ARNs that break this, S3 does
// not say what it does. So what only matches against these rules is unknown: such a Deny closes nothing, and such an Allow
// may open something.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html#reference_policies_elements_resource_wildcards

// arnParts is how many parts an ARN has. The last one may hold colons of its own.
const arnParts = 6

// servicePart is the place of the service among an ARN's parts.
const servicePart = 2

// isDoubtful reports whether an ARN of a document has a wildcard before its last part that may match less than [glob] lets
// it match.
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

// matchesResource compares a resource with the pattern that this text has become for the request.
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

// matchesParts matches the parts of an ARN with those of a pattern, of which one that ends in a * may take several.
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
