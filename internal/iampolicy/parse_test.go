package iampolicy_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// statementWith returns the valid document below with one text replaced.
func statementWith(t *testing.T, old, replacement string) string {
	t.Helper()
	const good = `{"Version":"2012-10-17","Statement":[{"Sid":"S","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"}}}]}`
	if !strings.Contains(good, old) {
		t.Fatalf("no %s in the valid document", old)
	}
	return strings.Replace(good, old, replacement, 1)
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
func TestParseAcceptsWhatAWSDocuments(t *testing.T) {
	with := func(old, replacement string) string { return statementWith(t, old, replacement) }
	for name, document := range map[string]string{
		"a policy":                       with("", ""),
		"elements in another order":      `{"Statement":[{"Resource":"*","Action":"*","Effect":"Allow"}],"Id":"x","Version":"2012-10-17"}`,
		"one statement without a list":   `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`,
		"white space":                    " \n\t" + with("", "") + "\r\n ",
		"no version":                     with(`"Version":"2012-10-17",`, ""),
		"version 2008-10-17":             with("2012-10-17", "2008-10-17"),
		"a Sid with spaces and dashes":   with(`"S"`, `"Access-only from here"`),
		"an empty Sid":                   with(`"S"`, `""`),
		"lists of one":                   with(`"s3:GetObject"`, `["s3:GetObject"]`),
		"all types of principals":        with(`"*"`, `{"AWS":["*","111122223333","`+alice+`","`+session+`","`+fedUser+`","AROAEXAMPLEDELETED0001"],"Service":"ec2.amazonaws.com","Federated":["accounts.google.com"],"CanonicalUser":"79a5"}`),
		"principals of other partitions": with(`"*"`, `{"AWS":["arn:aws-cn:iam::111122223333:root","arn:aws-us-gov:iam::111122223333:role/r"]}`),
		"CloudFront's identity":          with(`"*"`, `{"AWS":"arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E1"}`),
		"a number for a value":           with(`"StringEquals":{"aws:SourceVpce":"vpce-1"}`, `"NumericEquals":{"s3:max-keys":10}`),
		"a Boolean for a value":          with(`"StringEquals":{"aws:SourceVpce":"vpce-1"}`, `"Bool":{"aws:SecureTransport":false}`),
		"set operators with IfExists":    with("StringEquals", "ForAllValues:StringNotLikeIfExists"),
		"the same key of two operators":  with(`"Condition":{`, `"Condition":{"StringLike":{"aws:SourceVpce":"vpce-*"},`),
		"an empty condition":             with(`{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`, `{}`),
		"characters beyond ASCII":        with("docs/*", "docs/pâté\\u0301/*"),
		"a pair of surrogates":           with("docs/*", `docs/\ud83d\ude00/*`),
		"variables of any shape":         with("docs/*", "docs/${aws:PrincipalTag/cost center}${*}${aws:username, 'a}b'}"),
		"a broken variable of old":       `{"Version":"2008-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::docs/${"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := iampolicy.Parse([]byte(document)); err != nil {
				t.Errorf("Parse(%s) = %v, want no error", document, err)
			}
		})
	}
}

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html
func TestParseRefuses(t *testing.T) {
	with := func(old, replacement string) string { return statementWith(t, old, replacement) }
	condition := func(c string) string { return with(`"StringEquals":{"aws:SourceVpce":"vpce-1"}`, c) }
	principal := func(p string) string { return with(`"Principal":"*"`, p) }
	for name, c := range map[string]struct{ document, reason string }{
		"nothing":                            {"", "empty document"},
		"white space":                        {" \n", "empty document"},
		"what is not JSON":                   {"{", "not JSON"},
		"a comma too many":                   {with(`"vpce-1"}}`, `"vpce-1"},}`), "not JSON"},
		"single quotes":                      {`{'Statement':[]}`, "not JSON"},
		"a byte order mark":                  {"\ufeff" + with("", ""), "not JSON"},
		"text after the document":            {with("", "") + "x", "text after"},
		"a second document":                  {with("", "") + with("", ""), "text after"},
		"invalid UTF-8":                      {with("docs", "\xff"), "not UTF-8"},
		"half a surrogate pair":              {with("docs", `\ud83d`), "does not exist"},
		"deep nesting":                       {with(`"vpce-1"`, strings.Repeat("[", 10)+strings.Repeat("]", 10)), "nested too deeply"},
		"very deep nesting":                  {with(`"vpce-1"`, strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)), "max depth"},
		"a list":                             {"[" + with("", "") + "]", "not a JSON object"},
		"null":                               {"null", "not a JSON object"},
		"text":                               {`"policy"`, "not a JSON object"},
		"an empty object":                    {`{}`, "no Statement"},
		"no statements":                      {`{"Statement":[]}`, "no Statement"},
		"null for statements":                {`{"Statement":null}`, "no Statement"},
		"a text for a statement":             {`{"Statement":["x"]}`, "not an object"},
		"an unknown element":                 {with(`"Version"`, `"Policy":{},"Version"`), `unknown element "Policy"`},
		"an unknown element of a statement":  {with(`"Sid"`, `"Conditions":{},"Sid"`), "unknown element"},
		"an element in another case":         {with(`"Effect"`, `"effect"`), "unknown element"},
		"an element twice":                   {with(`"Effect":"Allow"`, `"Effect":"Deny","Effect":"Allow"`), `"Effect" given twice`},
		"an element twice by an escape":      {with(`"Effect":"Allow"`, `"Effect":"Deny","\u0045ffect":"Allow"`), `"Effect" given twice`},
		"an unknown version":                 {with("2012-10-17", "2012-10-18"), "neither 2008-10-17"},
		"a version that is a number":         {with(`"2012-10-17"`, "2012"), "neither 2008-10-17"},
		"an Id that is a number":             {with(`"Version"`, `"Id":1,"Version"`), "not a text"},
		"a Sid that is a number":             {with(`"S"`, "1"), "not a text"},
		"a wildcard in a user's ARN":         {principal(`"Principal":{"AWS":"arn:aws:iam::111122223333:user/*"}`), "no principal"},
		"a wildcard for a role's sessions":   {principal(`"Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/app/?"}`), "no principal"},
		"a wildcard in a NotPrincipal":       {principal(`"NotPrincipal":{"AWS":["*","arn:aws:iam::111122223333:role/a*"]}`), "no principal"},
		"a group":                            {principal(`"Principal":{"AWS":"arn:aws:iam::111122223333:group/g"}`), "no principal"},
		"no effect":                          {with(`"Effect":"Allow",`, ""), "no Effect"},
		"an unknown effect":                  {with(`"Allow"`, `"Permit"`), "neither Allow nor Deny"},
		"an effect in another case":          {with(`"Allow"`, `"allow"`), "neither Allow nor Deny"},
		"an effect in a list":                {with(`"Allow"`, `["Allow"]`), "neither Allow nor Deny"},
		"no action":                          {with(`"Action":"s3:GetObject",`, ""), "neither Action nor NotAction"},
		"Action and NotAction":               {with(`"Action"`, `"NotAction":"s3:PutObject","Action"`), "both Action and NotAction"},
		"no resource":                        {with(`"Resource":"arn:aws:s3:::docs/*",`, ""), "neither Resource nor NotResource"},
		"Resource and NotResource":           {with(`"Resource"`, `"NotResource":"arn:aws:s3:::x","Resource"`), "both Resource and NotResource"},
		"Principal and NotPrincipal":         {principal(`"Principal":"*","NotPrincipal":{"AWS":"111122223333"}`), "both Principal and NotPrincipal"},
		"an empty list of actions":           {with(`"s3:GetObject"`, "[]"), "empty list"},
		"an empty action":                    {with(`"s3:GetObject"`, `""`), "empty text"},
		"an action without a service":        {with("s3:GetObject", "GetObject"), "no action"},
		"an action without a name":           {with("s3:GetObject", "s3:"), "no action"},
		"a number for an action":             {with(`"s3:GetObject"`, "7"), "not a text"},
		"null for an action":                 {with(`"s3:GetObject"`, "null"), "not a text"},
		"a list of lists":                    {with(`"s3:GetObject"`, `[["s3:GetObject"]]`), "not a text"},
		"a resource that is no ARN":          {with("arn:aws:s3:::docs/*", "docs/*"), "an ARN"},
		"an object for a resource":           {with(`"arn:aws:s3:::docs/*"`, "{}"), "not a text"},
		"a principal without a type":         {principal(`"Principal":"111122223333"`), "a principal is"},
		"a list of principals without types": {principal(`"Principal":["*"]`), "a principal is"},
		"no type of principal":               {principal(`"Principal":{}`), "a principal is"},
		"an unknown type of principal":       {principal(`"Principal":{"Aws":"*"}`), `unknown type of principal "Aws"`},
		"no principal of a type":             {principal(`"Principal":{"AWS":[]}`), "empty list"},
		"a name for a principal":             {principal(`"Principal":{"AWS":"alice"}`), `no principal: "alice"`},
		"a short account id":                 {principal(`"Principal":{"AWS":"11112222333"}`), "no principal"},
		"another service's ARN":              {principal(`"Principal":{"AWS":"arn:aws:s3:::docs"}`), "no principal"},
		"a condition that is a list":         {with(`{"StringEquals":{"aws:SourceVpce":"vpce-1"}}`, "[]"), "not an object"},
		"an operator without keys":           {condition(`"StringEquals":"x"`), "not an object"},
		"an unknown operator":                {condition(`"StringMatches":{"aws:k":"v"}`), "unknown condition operator"},
		"an operator without a key":          {condition(`"StringEquals":{}`), "StringEquals: an operator without a key"},
		"an operator without a key in two":   {condition(`"StringEquals":{},"StringNotEquals":{"aws:SourceVpce":"vpce-1"}`), "StringEquals: an operator without a key"},
		"an unknown operator without keys":   {condition(`"StringMatches":{}`), "an operator without a key"},
		"a Kelvin sign in an action":         {with("s3:GetObject", "s3:ListBuc\u212aet"), "no action"},
		"a dotted I in an action":            {with("s3:GetObject", "s3:L\u0130stBucket"), "no action"},
		"a long s in a service":              {with("s3:GetObject", "\u017f3:GetObject"), "no action"},
		"a wildcard in an action's service":  {with("s3:GetObject", "s?:GetObject"), "no action"},
		"an asterisk in it":                  {with("s3:GetObject", "s*3:*"), "no action"},
		"an asterisk for it":                 {with("s3:GetObject", "*:GetObject"), "no action"},
		"a Kelvin sign in a key":             {condition(`"StringEquals":{"aws:To\u212aenIssueTime":"v"}`), "no condition key"},
		"another letter in a tag's key":      {condition(`"StringEquals":{"aws:PrincipalTag/Stra\u00dfe":"v"}`), "no condition key"},
		"another letter in a variable":       {with("docs/*", "docs/${aws:us\u0435rname}"), "no policy variable"},
		"an operator in another case":        {condition(`"stringEquals":{"aws:k":"v"}`), "unknown condition operator"},
		"an unknown set operator":            {condition(`"ForNoValue:StringEquals":{"aws:k":"v"}`), "unknown condition operator"},
		"IfExists twice":                     {condition(`"StringEqualsIfExistsIfExists":{"aws:k":"v"}`), "unknown condition operator"},
		"IfExists of Null":                   {condition(`"NullIfExists":{"aws:k":"true"}`), "unknown condition operator"},
		"a set of Null":                      {condition(`"ForAnyValue:Null":{"aws:k":"true"}`), "unknown condition operator"},
		"a key in two spellings":             {condition(`"StringEquals":{"aws:k":"v","aws:K":"w"}`), `"aws:K" given twice`},
		"a key without a service":            {condition(`"StringEquals":{"k":"v"}`), "no condition key"},
		"no value":                           {condition(`"StringEquals":{"aws:k":[]}`), "empty list"},
		"null for a value":                   {condition(`"StringEquals":{"aws:k":null}`), "neither text"},
		"an object for a value":              {condition(`"StringEquals":{"aws:k":{}}`), "neither text"},
		"a number that is none":              {condition(`"NumericEquals":{"aws:k":"ten"}`), "no number"},
		"a number with an exponent":          {condition(`"NumericEquals":{"aws:k":1e3}`), "no number"},
		"a date that is none":                {condition(`"DateEquals":{"aws:k":"2026-02-30"}`), "no date"},
		"a Boolean that is none":             {condition(`"Bool":{"aws:k":"yes"}`), "neither true nor false"},
		"a Null that is neither":             {condition(`"Null":{"aws:k":"maybe"}`), "neither true nor false"},
		"bytes that are not base64":          {condition(`"BinaryEquals":{"aws:k":"!"}`), "base64"},
		"an address that is none":            {condition(`"IpAddress":{"aws:k":"203.0.113.256"}`), "203.0.113.256"},
		"a range that is none":               {condition(`"IpAddress":{"aws:k":"203.0.113.0/33"}`), "203.0.113.0/33"},
		"an address with a zone":             {condition(`"IpAddress":{"aws:k":"fe80::1%eth0"}`), "zone"},
		"a variable as a Boolean":            {condition(`"Bool":{"aws:k":"${aws:SecureTransport}"}`), "neither true nor false"},
		"a variable without an end":          {with("docs/*", "docs/${aws:username"), "no policy variable"},
		"a variable without a service":       {with("docs/*", "docs/${username}"), "no policy variable"},
		"a default value without quotes":     {with("docs/*", "docs/${aws:username, anonymous}"), "no default value"},
		"a variable before the fifth colon":  {with("aws:s3:::docs/*", "aws:s3::${aws:PrincipalAccount}:docs/*"), "before the fifth colon"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := iampolicy.Parse([]byte(c.document))
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("Parse(%.300s) = %v, want an error with %q", c.document, err, c.reason)
			}
		})
	}
}

func TestParseNamesTheStatementAndTheElement(t *testing.T) {
	document := statements(to("Allow", `"Principal":"*"`), `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"no"}}}`)
	_, err := iampolicy.Parse([]byte(document))
	want := `statement 2: Condition: Bool: aws:SecureTransport: neither true nor false: "no"`
	if err == nil || err.Error() != want {
		t.Errorf("Parse = %v, want %s", err, want)
	}
}
