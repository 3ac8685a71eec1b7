package iampolicy_test

import (
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// given is a condition and the request's values of the key "aws:k" (none: the key is missing).
type given struct {
	condition string
	values    []string
	want      iampolicy.Effect
}

func holds(condition string, values ...string) given { return given{condition, values, allow} }
func fails(condition string, values ...string) given { return given{condition, values, deny} }
func unsure(condition string, values ...string) given {
	return given{condition, values, undecided}
}

func checkConditions(t *testing.T, cases map[string]given) {
	t.Helper()
	for name, g := range cases {
		t.Run(name, func(t *testing.T) {
			r := request{
				by:       alice,
				context:  map[string][]string{"AWS:K": g.values},
				identity: identity(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + g.condition + `}}}`),
			}
			if got := r.evaluate(t); got.Effect != g.want {
				t.Errorf("Evaluate with %s on %q = %q by %q, want %q", g.condition, g.values, got.Effect, got.By, g.want)
			}
		})
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_String
func TestStringOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"StringEquals, equal":                     holds(`"StringEquals":{"aws:k":"v"}`, "v"),
		"StringEquals, other case":                fails(`"StringEquals":{"aws:k":"v"}`, "V"),
		"StringEquals, no wildcards":              fails(`"StringEquals":{"aws:k":"v*"}`, "vv"),
		"StringEquals, an asterisk is itself":     holds(`"StringEquals":{"aws:k":"v*"}`, "v*"),
		"StringEquals, one of several":            holds(`"StringEquals":{"aws:k":["u","v"]}`, "v"),
		"StringEquals, none of several":           fails(`"StringEquals":{"aws:k":["u","v"]}`, "w"),
		"StringEquals, missing":                   fails(`"StringEquals":{"aws:k":"v"}`),
		"StringEquals, empty text":                holds(`"StringEquals":{"aws:k":""}`, ""),
		"key names ignore case":                   holds(`"StringEquals":{"Aws:K":"v"}`, "v"),
		"StringNotEquals, equal":                  fails(`"StringNotEquals":{"aws:k":"v"}`, "v"),
		"StringNotEquals, unequal":                holds(`"StringNotEquals":{"aws:k":"v"}`, "w"),
		"StringNotEquals, missing":                holds(`"StringNotEquals":{"aws:k":"v"}`),
		"StringNotEquals, one of several is nor":  fails(`"StringNotEquals":{"aws:k":["u","v"]}`, "v"),
		"StringNotEquals, none of several is nor": holds(`"StringNotEquals":{"aws:k":["u","v"]}`, "w"),
		"StringEqualsIgnoreCase":                  holds(`"StringEqualsIgnoreCase":{"aws:k":"Value"}`, "vALUE"),
		"StringEqualsIgnoreCase, no wildcards":    fails(`"StringEqualsIgnoreCase":{"aws:k":"v*"}`, "vv"),
		"StringNotEqualsIgnoreCase":               fails(`"StringNotEqualsIgnoreCase":{"aws:k":"Value"}`, "vALUE"),
		"StringNotEqualsIgnoreCase, missing":      holds(`"StringNotEqualsIgnoreCase":{"aws:k":"Value"}`),
		"StringLike, *":                           holds(`"StringLike":{"aws:k":"a*z"}`, "a:/b z"),
		"StringLike, * for nothing":               holds(`"StringLike":{"aws:k":"a*z"}`, "az"),
		"StringLike, ? for one":                   holds(`"StringLike":{"aws:k":"a?z"}`, "aéz"),
		"StringLike, ? for none":                  fails(`"StringLike":{"aws:k":"a?z"}`, "az"),
		"StringLike, part only":                   fails(`"StringLike":{"aws:k":"b"}`, "abc"),
		"StringLike, case":                        fails(`"StringLike":{"aws:k":"A*"}`, "abc"),
		"StringLike, backtracking":                holds(`"StringLike":{"aws:k":"*ab*abc"}`, "xababababc"),
		"StringLike, brackets are themselves":     fails(`"StringLike":{"aws:k":"[ab]"}`, "a"),
		"StringLike, missing":                     fails(`"StringLike":{"aws:k":"*"}`),
		"StringNotLike":                           fails(`"StringNotLike":{"aws:k":"a*"}`, "abc"),
		"StringNotLike, other":                    holds(`"StringNotLike":{"aws:k":"a*"}`, "bc"),
		"StringNotLike, missing":                  holds(`"StringNotLike":{"aws:k":"*"}`),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Numeric
func TestNumericOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"equal":                         holds(`"NumericEquals":{"aws:k":"10"}`, "10"),
		"equal as decimals":             holds(`"NumericEquals":{"aws:k":"10.0"}`, "10"),
		"a JSON number":                 holds(`"NumericEquals":{"aws:k":10}`, "10"),
		"exact beyond a float":          fails(`"NumericEquals":{"aws:k":"9007199254740993"}`, "9007199254740992"),
		"not equal":                     holds(`"NumericNotEquals":{"aws:k":"10"}`, "11"),
		"not equal, missing":            holds(`"NumericNotEquals":{"aws:k":"10"}`),
		"less":                          holds(`"NumericLessThan":{"aws:k":"10"}`, "9.99"),
		"not less than itself":          fails(`"NumericLessThan":{"aws:k":"10"}`, "10"),
		"numbers, not texts":            holds(`"NumericLessThan":{"aws:k":"10"}`, "9"),
		"at most":                       holds(`"NumericLessThanEquals":{"aws:k":"10"}`, "10"),
		"greater":                       holds(`"NumericGreaterThan":{"aws:k":"-3"}`, "-2"),
		"not greater than itself":       fails(`"NumericGreaterThan":{"aws:k":"-3"}`, "-3"),
		"at least":                      holds(`"NumericGreaterThanEquals":{"aws:k":"10"}`, "10"),
		"less, missing":                 fails(`"NumericLessThan":{"aws:k":"10"}`),
		"the request's is no number":    unsure(`"NumericEquals":{"aws:k":"10"}`, "ten"),
		"the request's is a hex number": unsure(`"NumericEquals":{"aws:k":"10"}`, "0xa"),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Date
func TestDateOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"equal":                          holds(`"DateEquals":{"aws:k":"2026-03-02T09:01:03Z"}`, "2026-03-02T09:01:03Z"),
		"equal in another zone":          holds(`"DateEquals":{"aws:k":"2026-03-02T10:01:03+01:00"}`, "2026-03-02T09:01:03Z"),
		"equal to epoch seconds":         holds(`"DateEquals":{"aws:k":"1772442063"}`, "2026-03-02T09:01:03Z"),
		"epoch seconds as a number":      holds(`"DateLessThan":{"aws:k":1772442063}`, "1772442062"),
		"not equal":                      fails(`"DateNotEquals":{"aws:k":"2026-03-02"}`, "2026-03-02T00:00:00Z"),
		"before":                         holds(`"DateLessThan":{"aws:k":"2026-03-03T00:00Z"}`, "2026-03-02T23:59:59.999Z"),
		"not before itself":              fails(`"DateLessThan":{"aws:k":"2026-03-02T00:00:00Z"}`, "2026-03-02T00:00:00Z"),
		"at or before":                   holds(`"DateLessThanEquals":{"aws:k":"2026-03-02T00:00:00Z"}`, "2026-03-02T00:00:00Z"),
		"after":                          holds(`"DateGreaterThan":{"aws:k":"2025"}`, "2026-01-01"),
		"at or after":                    holds(`"DateGreaterThanEquals":{"aws:k":"2026-03"}`, "2026-03-01T00:00:00Z"),
		"after, missing":                 fails(`"DateGreaterThan":{"aws:k":"2025-01-01"}`),
		"the request's is no date":       unsure(`"DateLessThan":{"aws:k":"2025-01-01"}`, "yesterday"),
		"not equal, missing":             holds(`"DateNotEquals":{"aws:k":"2025-01-01"}`),
		"a month is not thirteen":        unsure(`"DateLessThan":{"aws:k":"2025-01-01"}`, "2025-13-01"),
		"not equal to an unknown moment": unsure(`"DateNotEquals":{"aws:k":"2025-01-01"}`, "soon"),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_Boolean
func TestBoolBinaryAndNullOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"Bool true":                        holds(`"Bool":{"aws:k":"true"}`, "true"),
		"Bool false":                       fails(`"Bool":{"aws:k":"false"}`, "true"),
		"Bool as JSON":                     holds(`"Bool":{"aws:k":false}`, "false"),
		"Bool in capitals":                 holds(`"Bool":{"aws:k":"True"}`, "TRUE"),
		"Bool, missing":                    fails(`"Bool":{"aws:k":"false"}`),
		"BoolIfExists, missing":            holds(`"BoolIfExists":{"aws:k":"false"}`),
		"BoolIfExists, there":              fails(`"BoolIfExists":{"aws:k":"false"}`, "true"),
		"Bool of something else":           unsure(`"Bool":{"aws:k":"true"}`, "1"),
		"Binary, in base64":                holds(`"BinaryEquals":{"aws:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`, "QmluYXJ5VmFsdWVJbkJhc2U2NA=="),
		"Binary, the bytes":                holds(`"BinaryEquals":{"aws:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`, "BinaryValueInBase64"),
		"Binary, other bytes":              fails(`"BinaryEquals":{"aws:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`, "binaryvalueinbase64"),
		"Binary, missing":                  fails(`"BinaryEquals":{"aws:k":"QmluYXJ5VmFsdWVJbkJhc2U2NA=="}`),
		"Null true, missing":               holds(`"Null":{"aws:k":"true"}`),
		"Null true, there":                 fails(`"Null":{"aws:k":"true"}`, "v"),
		"Null false, missing":              fails(`"Null":{"aws:k":"false"}`),
		"Null false, there":                holds(`"Null":{"aws:k":false}`, "v"),
		"Null false, several":              holds(`"Null":{"aws:k":"false"}`, "v", "w"),
		"Null of both":                     holds(`"Null":{"aws:k":["true","false"]}`),
		"several operators are an and":     fails(`"Bool":{"aws:k":"true"},"Null":{"aws:k":"true"}`, "true"),
		"several keys are an and":          fails(`"StringEquals":{"aws:k":"true","aws:other":"v"}`, "true"),
		"several negated keys are an and":  holds(`"StringNotEquals":{"aws:k":"v","aws:other":"v"}`, "w"),
		"a certain no beats an unsure yes": fails(`"Bool":{"aws:k":"true"},"StringEquals":{"aws:other":"v"}`, "perhaps"),
		"no condition":                     holds(``, "v"),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IPAddress
func TestAddressOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"in a range":                       holds(`"IpAddress":{"aws:k":"203.0.113.0/24"}`, "203.0.113.255"),
		"outside":                          fails(`"IpAddress":{"aws:k":"203.0.113.0/24"}`, "203.0.114.0"),
		"a range written by a member":      holds(`"IpAddress":{"aws:k":"203.0.113.9/24"}`, "203.0.113.1"),
		"one address":                      holds(`"IpAddress":{"aws:k":"203.0.113.7"}`, "203.0.113.7"),
		"another address":                  fails(`"IpAddress":{"aws:k":"203.0.113.7"}`, "203.0.113.8"),
		"IPv6":                             holds(`"IpAddress":{"aws:k":"2001:DB8:1234:5678::/64"}`, "2001:db8:1234:5678:0:0:0:1"),
		"IPv6, one address":                holds(`"IpAddress":{"aws:k":"2001:db8::1"}`, "2001:DB8:0::1"),
		"IPv6 outside":                     fails(`"IpAddress":{"aws:k":"2001:DB8:1234:5678::/64"}`, "2001:db8:1234:5679::1"),
		"IPv4 in a list with IPv6":         holds(`"IpAddress":{"aws:k":["2001:db8::/32","203.0.113.0/24"]}`, "203.0.113.1"),
		"every IPv4 is not every IPv6":     fails(`"IpAddress":{"aws:k":"0.0.0.0/0"}`, "2001:db8::1"),
		"NotIpAddress, in":                 fails(`"NotIpAddress":{"aws:k":"203.0.113.0/24"}`, "203.0.113.5"),
		"NotIpAddress, outside":            holds(`"NotIpAddress":{"aws:k":["203.0.113.0/24","192.0.2.0/24"]}`, "198.51.100.1"),
		"NotIpAddress, in one of two":      fails(`"NotIpAddress":{"aws:k":["203.0.113.0/24","192.0.2.0/24"]}`, "192.0.2.1"),
		"missing, as behind endpoints":     fails(`"IpAddress":{"aws:k":"0.0.0.0/0"}`),
		"NotIpAddress, missing":            holds(`"NotIpAddress":{"aws:k":"0.0.0.0/0"}`),
		"an IPv4 address written as IPv6":  holds(`"IpAddress":{"aws:k":"203.0.113.0/24"}`, "::ffff:203.0.113.5"),
		"an IPv4 range written as IPv6":    holds(`"IpAddress":{"aws:k":"::ffff:203.0.113.0/120"}`, "203.0.113.5"),
		"the request's is no address":      unsure(`"IpAddress":{"aws:k":"0.0.0.0/0"}`, "cloudformation.amazonaws.com"),
		"the request's address has a zone": unsure(`"IpAddress":{"aws:k":"fe80::/10"}`, "fe80::1%eth0"),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
func TestARNOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"equal":                               holds(`"ArnEquals":{"aws:k":"arn:aws:iam::111122223333:role/app"}`, app),
		"case":                                fails(`"ArnEquals":{"aws:k":"arn:aws:iam::111122223333:role/App"}`, app),
		"ArnEquals knows wildcards":           holds(`"ArnEquals":{"aws:k":"arn:aws:iam::*:role/a?p"}`, app),
		"ArnLike":                             holds(`"ArnLike":{"aws:k":"arn:*:iam::111122223333:*"}`, app),
		"a component at a time":               fails(`"ArnLike":{"aws:k":"arn:aws:someservice:*:111122223333:finance/*"}`, "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"),
		"StringLike spans components":         holds(`"StringLike":{"aws:k":"arn:aws:someservice:*:111122223333:finance/*"}`, "arn:aws:someservice:us-east-2:999999999999:store/abc:111122223333:finance/document.txt"),
		"the last component holds its colons": holds(`"ArnLike":{"aws:k":"arn:aws:sns:*:*:a*z"}`, "arn:aws:sns:eu-central-1:1:a:b:z"),
		"ArnNotEquals, equal":                 fails(`"ArnNotEquals":{"aws:k":"arn:aws:iam::111122223333:role/app"}`, app),
		"ArnNotLike, other":                   holds(`"ArnNotLike":{"aws:k":["arn:aws:iam::111122223333:role/x*","arn:aws:iam::111122223333:role/y*"]}`, app),
		"ArnNotLike, missing":                 holds(`"ArnNotLike":{"aws:k":"arn:aws:iam::111122223333:role/*"}`),
		"ArnLike, missing":                    fails(`"ArnLike":{"aws:k":"arn:aws:iam::111122223333:role/*"}`),
		"the request's is no ARN":             fails(`"ArnLike":{"aws:k":"arn:*:*:*:*:*"}`, "app"),
		"a pattern of too few components":     fails(`"ArnLike":{"aws:k":"arn:aws:iam:*:role/app"}`, app),
		"the same, negated":                   holds(`"ArnNotLike":{"aws:k":"arn:aws:*"}`, app),
		"a lone * is not documented":          unsure(`"ArnLike":{"aws:k":"*"}`, app),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_IfExists
func TestIfExists(t *testing.T) {
	checkConditions(t, map[string]given{
		"StringEqualsIfExists, missing":      holds(`"StringEqualsIfExists":{"aws:k":"v"}`),
		"StringEqualsIfExists, equal":        holds(`"StringEqualsIfExists":{"aws:k":"v"}`, "v"),
		"StringEqualsIfExists, unequal":      fails(`"StringEqualsIfExists":{"aws:k":"v"}`, "w"),
		"StringNotEqualsIfExists, missing":   holds(`"StringNotEqualsIfExists":{"aws:k":"v"}`),
		"StringNotEqualsIfExists, equal":     fails(`"StringNotEqualsIfExists":{"aws:k":"v"}`, "v"),
		"NumericLessThanIfExists, missing":   holds(`"NumericLessThanIfExists":{"aws:k":"1"}`),
		"DateGreaterThanIfExists, missing":   holds(`"DateGreaterThanIfExists":{"aws:k":"2026-01-01"}`),
		"IpAddressIfExists, missing":         holds(`"IpAddressIfExists":{"aws:k":"192.0.2.0/24"}`),
		"ArnLikeIfExists, unequal":           fails(`"ArnLikeIfExists":{"aws:k":"arn:aws:iam::1:x"}`, app),
		"BinaryEqualsIfExists, missing":      holds(`"BinaryEqualsIfExists":{"aws:k":"QQ=="}`),
		"ForAnyValue with IfExists, missing": unsure(`"ForAnyValue:StringEqualsIfExists":{"aws:k":"v"}`),
		"ForAnyValue, empty":                 unsure(`"ForAnyValue:StringEqualsIfExists":{"aws:k":"v"}`, ""),
		"ForAnyValue with IfExists, unequal": fails(`"ForAnyValue:StringEqualsIfExists":{"aws:k":"v"}`, "w", "x"),
	})
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
func TestSetOperators(t *testing.T) {
	checkConditions(t, map[string]given{
		"ForAllValues, all match":             holds(`"ForAllValues:StringEquals":{"aws:k":["a","b","c"]}`, "a", "b"),
		"ForAllValues, one does not":          fails(`"ForAllValues:StringEquals":{"aws:k":["a","b","c"]}`, "a", "d"),
		"ForAllValues, missing":               holds(`"ForAllValues:StringEquals":{"aws:k":"a"}`),
		"ForAllValues, empty":                 holds(`"ForAllValues:StringEquals":{"aws:k":"a"}`, ""),
		"ForAllValues, like":                  holds(`"ForAllValues:StringLike":{"aws:k":"a*"}`, "ab", "ac"),
		"ForAllValues, none may match":        holds(`"ForAllValues:StringNotEquals":{"aws:k":["a","b"]}`, "c", "d"),
		"ForAllValues, one does match":        fails(`"ForAllValues:StringNotEquals":{"aws:k":["a","b"]}`, "c", "b"),
		"ForAnyValue, one matches":            holds(`"ForAnyValue:StringEquals":{"aws:k":["a","b"]}`, "x", "b"),
		"ForAnyValue, none matches":           fails(`"ForAnyValue:StringEquals":{"aws:k":["a","b"]}`, "x", "y"),
		"ForAnyValue, missing":                fails(`"ForAnyValue:StringEquals":{"aws:k":"a"}`),
		"ForAnyValue, empty":                  fails(`"ForAnyValue:StringLike":{"aws:k":"*"}`, ""),
		"ForAnyValue, one is not in the list": holds(`"ForAnyValue:StringNotEquals":{"aws:k":["a","b"]}`, "a", "x"),
		"ForAnyValue, all are in the list":    fails(`"ForAnyValue:StringNotEquals":{"aws:k":["a","b"]}`, "a", "b"),
		"ForAnyValue, negated and missing":    fails(`"ForAnyValue:StringNotEquals":{"aws:k":"a"}`),
		"ForAnyValue, numbers":                holds(`"ForAnyValue:NumericGreaterThan":{"aws:k":"5"}`, "1", "6"),
		"ForAnyValue, one certain is enough":  holds(`"ForAnyValue:NumericGreaterThan":{"aws:k":"5"}`, "x", "6"),
		"ForAllValues, one unsure spoils it":  unsure(`"ForAllValues:NumericGreaterThan":{"aws:k":"5"}`, "x", "6"),
		"several values need a set operator":  unsure(`"StringEquals":{"aws:k":"a"}`, "a", "b"),
		"ForAllValues on one value":           holds(`"ForAllValues:StringEquals":{"aws:k":"a"}`, "a"),
	})
}
