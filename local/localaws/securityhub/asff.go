package securityhub

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Finding is a finding as decoded JSON, in the AWS Security Finding Format.
type Finding map[string]any

// text returns a text at the top level; "" if it is absent.
func (f Finding) text(name string) string {
	text, _ := f[name].(string)
	return text
}

// at returns a time at the top level.
func (f Finding) at(name string) time.Time {
	at, _ := time.Parse(time.RFC3339Nano, f.text(name))
	return at
}

// rule is what the format says about the values of one attribute.
type rule struct {
	// path is the attribute's name, below others with dots. "[]" stands for each element of a list, "*" for each key.
	path string
	// required attributes must be present in each object that can have them.
	required bool
	// min and max limit the length of a text in characters, or of a list or map in elements; 0 is no limit.
	min, max int
	// pattern must match a text; nil matches all that contain more than spaces.
	pattern *regexp.Regexp
	// values are all possible texts; nil allows others.
	values []string
}

// The timestamp pattern covers the formats that Security Hub documents, with Z or an offset.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/Welcome.html#timestamps
var (
	timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$`)
	product   = regexp.MustCompile(`^arn:aws(-cn|-us-gov)?:securityhub:[a-z0-9-]+:(\d{12}):product/\d{12}/default$`)
	accountID = regexp.MustCompile(`^\d{12}$`)
	url       = regexp.MustCompile(`^https?://\S+$`)
	// kind is namespace/category/classifier: the namespaces are fixed, the rest is optional.
	// https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-type-taxonomy.html
	kind = regexp.MustCompile(`^(Software and Configuration Checks|TTPs|Effects|Unusual Behaviors|` +
		`Sensitive Data Identifications)(/[^/]+){0,2}$`)
)

// labels are the labels of severity. https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Severity.html
var labels = []string{"INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"}

// rules are what AWS publishes about the attributes that this service knows; it refuses others.
//
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-top-level-attributes.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_FindingProviderFields.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Resource.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Recommendation.html
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_Compliance.html
var rules = []rule{
	{path: "SchemaVersion", required: true, values: []string{"2018-10-08"}},
	{path: "Id", required: true, min: 1, max: 512},
	{path: "ProductArn", required: true, min: 12, max: 2048, pattern: product},
	{path: "GeneratorId", required: true, min: 1, max: 512},
	{path: "AwsAccountId", required: true, pattern: accountID},
	{path: "CreatedAt", required: true, pattern: timestamp},
	{path: "UpdatedAt", required: true, pattern: timestamp},
	{path: "FirstObservedAt", pattern: timestamp},
	{path: "LastObservedAt", pattern: timestamp},
	{path: "Title", required: true, min: 1, max: 256},
	{path: "Description", required: true, min: 1, max: 1024},
	{path: "RecordState", values: []string{"ACTIVE", "ARCHIVED"}},
	{path: "Compliance"},
	{path: "Compliance.Status", values: []string{"PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"}},
	{path: "Severity"},
	{path: "Severity.Label", values: labels},
	{path: "Types", max: 50},
	{path: "Types[]", pattern: kind},
	{path: "FindingProviderFields"},
	{path: "FindingProviderFields.Severity"},
	{path: "FindingProviderFields.Severity.Label", values: labels},
	{path: "FindingProviderFields.Severity.Original", min: 1, max: 64},
	{path: "FindingProviderFields.Types", max: 50},
	{path: "FindingProviderFields.Types[]", pattern: kind},
	{path: "Resources", required: true, min: 1, max: 32},
	{path: "Resources[]"},
	{path: "Resources[].Type", required: true, min: 1, max: 256},
	{path: "Resources[].Id", required: true, min: 1},
	{path: "Resources[].Partition", values: []string{"aws", "aws-cn", "aws-us-gov"}},
	{path: "Resources[].Region", min: 1, max: 16},
	{path: "Remediation"},
	{path: "Remediation.Recommendation"},
	{path: "Remediation.Recommendation.Text", min: 1, max: 512},
	{path: "Remediation.Recommendation.Url", pattern: url},
	{path: "ProductFields", max: 50},
	{path: "ProductFields.*", min: 1, max: 2048},
}

// maxKey is the maximum length of a key of ProductFields.
const maxKey = 128

// Check returns all that contradicts the format in a finding.
func (f Finding) Check() error {
	c := &checker{present: map[string]bool{}}
	c.check("", map[string]any(f))
	if !c.present["Severity.Label"] && !c.present["FindingProviderFields.Severity.Label"] {
		c.fault("neither Severity.Label nor FindingProviderFields.Severity.Label is present")
	}
	if !c.present["Types"] && !c.present["FindingProviderFields.Types"] {
		c.fault("neither Types nor FindingProviderFields.Types is present")
	}
	return errors.Join(c.faults...)
}

// checker compares a finding with the rules.
type checker struct {
	// present are the paths of all attributes of the finding.
	present map[string]bool
	faults  []error
}

func (c *checker) fault(format string, details ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, details...))
}

// check checks a value, and all below it.
func (c *checker) check(path string, value any) {
	c.present[path] = true
	if path != "" {
		c.one(path, value)
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			child := below(path, name)
			if path == "ProductFields" {
				child = c.productField(name)
			}
			c.check(child, value[name])
		}
		c.lacks(path, value)
	case []any:
		for _, element := range value {
			c.check(path+"[]", element)
		}
	}
}

// productField checks a key of ProductFields, which the provider chooses, and returns the path of its rule.
func (c *checker) productField(key string) string {
	if utf8.RuneCountInString(key) > maxKey {
		c.fault("the key %s of ProductFields is longer than %d characters", key, maxKey)
	}
	return "ProductFields.*"
}

func below(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// lacks finds required attributes that an object does not have.
func (c *checker) lacks(path string, object map[string]any) {
	for _, r := range rules {
		parent, name := "", r.path
		if i := strings.LastIndex(r.path, "."); i >= 0 {
			parent, name = r.path[:i], r.path[i+1:]
		}
		if r.required && parent == path && object[name] == nil {
			c.fault("%s is required", r.path)
		}
	}
}

// one checks a value against the rule for its path.
func (c *checker) one(path string, value any) {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.path == path })
	if i < 0 {
		c.fault("the local AWS does not know the attribute %s", path)
		return
	}
	r, length := rules[i], 0
	switch value := value.(type) {
	case string:
		length = utf8.RuneCountInString(value)
		switch {
		case r.values != nil && !slices.Contains(r.values, value):
			c.fault("%s is %q, not one of %q", path, value, r.values)
		case r.pattern != nil && !r.pattern.MatchString(value):
			c.fault("%s is %q, which does not match %s", path, value, r.pattern)
		case strings.TrimSpace(value) == "":
			c.fault("%s is blank", path)
		}
	case []any:
		length = len(value)
	case map[string]any:
		length = len(value)
	default:
		c.fault("%s is %v, which is neither a text, nor a list, nor an object", path, value)
	}
	if length < r.min || r.max > 0 && length > r.max {
		c.fault("%s has the length %d, not %d to %d", path, length, r.min, r.max)
	}
}
