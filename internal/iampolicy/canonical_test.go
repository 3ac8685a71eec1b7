package iampolicy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Source: docs/facts.md, S3, "S3 rewrites stored policies"
func TestSpellingMakesNoDifference(t *testing.T) {
	for name, c := range map[string][2]string{
		"white space":                    {statements(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), "\n" + `{ "Version" : "2012-10-17", "Statement" : [ { "Effect":"Deny", "Principal":"*", "Action":"*", "Resource":"*" } ] }`},
		"order of elements":              {statements(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), `{"Statement":[{"Resource":"*","Action":"*","Principal":"*","Effect":"Deny"}],"Version":"2012-10-17"}`},
		"order of statements":            {statements(to("Deny", `"Principal":"*"`), to("Allow", `"Principal":"*"`)), statements(to("Allow", `"Principal":"*"`), to("Deny", `"Principal":"*"`))},
		"order of actions":               {one(`"Action":["s3:PutObject","s3:GetObject"]`), one(`"Action":["s3:GetObject","s3:PutObject"]`)},
		"order of resources":             {one(`"Action":"*"`, `"Resource":["arn:aws:s3:::b","arn:aws:s3:::a"]`), one(`"Action":"*"`, `"Resource":["arn:aws:s3:::a","arn:aws:s3:::b"]`)},
		"order of principals":            {denyTo(`"Principal":{"AWS":["111122223333","444455556666"]}`), denyTo(`"Principal":{"AWS":["444455556666","111122223333"]}`)},
		"order of types of principals":   {denyTo(`"Principal":{"AWS":"111122223333","Service":"ec2.amazonaws.com"}`), denyTo(`"Principal":{"Service":"ec2.amazonaws.com","AWS":"111122223333"}`)},
		"order of operators":             {when(`"Bool":{"aws:a":"true"},"Null":{"aws:b":"true"}`), when(`"Null":{"aws:b":"true"},"Bool":{"aws:a":"true"}`)},
		"order of keys":                  {when(`"Bool":{"aws:a":"true","aws:b":"true"}`), when(`"Bool":{"aws:b":"true","aws:a":"true"}`)},
		"order of values":                {when(`"StringEquals":{"aws:a":["1","2"]}`), when(`"StringEquals":{"aws:a":["2","1"]}`)},
		"one-element list of actions":    {one(`"Action":["s3:GetObject"]`), one(`"Action":"s3:GetObject"`)},
		"one-element list of values":     {when(`"StringEquals":{"aws:a":["1"]}`), when(`"StringEquals":{"aws:a":"1"}`)},
		"one-element list of principals": {denyTo(`"Principal":{"AWS":["111122223333"]}`), denyTo(`"Principal":{"AWS":"111122223333"}`)},
		"one statement without a list":   {statements(to("Deny", `"Principal":"*"`)), `{"Version":"2012-10-17","Statement":` + to("Deny", `"Principal":"*"`) + `}`},
		"an action twice":                {one(`"Action":["s3:GetObject","s3:getobject"]`), one(`"Action":"s3:GetObject"`)},
		"a statement twice":              {statements(to("Deny", `"Principal":"*"`), to("Deny", `"Principal":"*"`)), statements(to("Deny", `"Principal":"*"`))},
		"an empty Sid":                   {statements(`{"Sid":"","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), statements(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)},
		"an empty Id":                    {`{"Id":"","Statement":` + to("Deny", `"Principal":"*"`) + `}`, `{"Statement":` + to("Deny", `"Principal":"*"`) + `}`},
		"the default version":            {`{"Version":"2008-10-17","Statement":` + to("Deny", `"Principal":"*"`) + `}`, `{"Statement":` + to("Deny", `"Principal":"*"`) + `}`},
		"everybody":                      {denyTo(`"Principal":{"AWS":"*"}`), denyTo(`"Principal":"*"`)},
		"everybody in a list":            {denyTo(`"Principal":{"AWS":["*"]}`), denyTo(`"Principal":"*"`)},
		"nobody but everybody":           {denyTo(`"NotPrincipal":{"AWS":"*"}`), denyTo(`"NotPrincipal":"*"`)},
		"an account":                     {denyTo(`"Principal":{"AWS":"111122223333"}`), denyTo(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`)},
		"an account of China":            {inChina(denyTo(`"Principal":{"AWS":"111122223333"}`)), inChina(denyTo(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`))},
		"case of actions":                {one(`"Action":"S3:GETOBJECT"`), one(`"Action":"s3:GetObject"`)},
		"case of keys":                   {when(`"StringEquals":{"aws:sourcevpc":"vpc-1"}`), when(`"StringEquals":{"aws:SourceVpc":"vpc-1"}`)},
		"case of an object tag's prefix": {when(`"StringEquals":{"S3:existingobjecttag/Team":"v"}`), when(`"StringEquals":{"s3:ExistingObjectTag/Team":"v"}`)},
		"case of a principal tag's key":  {when(`"StringEquals":{"aws:PrincipalTag/Team":"v"}`), when(`"StringEquals":{"aws:PrincipalTag/team":"v"}`)},
		"a number in quotes":             {when(`"NumericEquals":{"s3:max-keys":10}`), when(`"NumericEquals":{"s3:max-keys":"10"}`)},
		"a Boolean in quotes":            {when(`"Bool":{"aws:SecureTransport":false}`), when(`"Bool":{"aws:SecureTransport":"false"}`)},
		"a Boolean in capitals":          {when(`"Bool":{"aws:SecureTransport":"False"}`), when(`"Bool":{"aws:SecureTransport":"false"}`)},
		"an empty condition":             {when(``), one(`"Action":"*"`)},
		"escapes":                        {one(`"Action":"s3:\u0047etObject"`), one(`"Action":"s3:GetObject"`)},
		"escaped slashes":                {one(`"Action":"*"`, `"Resource":"arn:aws:s3:::a\/*"`), one(`"Action":"*"`, `"Resource":"arn:aws:s3:::a/*"`)},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustParse(t, c[0]), mustParse(t, c[1])
			if !iampolicy.Equal(a, b) || a.String() != b.String() {
				t.Errorf("%s and %s differ, want equal", a, b)
			}
			if diff := iampolicy.Diff(a, b); len(diff) != 0 {
				t.Errorf("Diff = %v, want none", diff)
			}
		})
	}
}

// inChina changes a document's ARNs to another partition.
func inChina(document string) string { return strings.ReplaceAll(document, "arn:aws:", "arn:aws-cn:") }

func TestMeaningMakesADifference(t *testing.T) {
	for name, c := range map[string][2]string{
		"the effect":                        {allowTo(`"Principal":"*"`), denyTo(`"Principal":"*"`)},
		"Principal and NotPrincipal":        {denyTo(`"Principal":"*"`), denyTo(`"NotPrincipal":"*"`)},
		"Principal and NotPrincipal of one": {denyTo(`"Principal":{"AWS":"111122223333"}`), denyTo(`"NotPrincipal":{"AWS":"111122223333"}`)},
		"Action and NotAction":              {one(`"Action":"s3:GetObject"`), one(`"NotAction":"s3:GetObject"`)},
		"Resource and NotResource":          {one(`"Action":"*"`, `"Resource":"arn:aws:s3:::a"`), one(`"Action":"*"`, `"NotResource":"arn:aws:s3:::a"`)},
		"no principal and everybody":        {statements(`{"Effect":"Deny","Action":"*","Resource":"*"}`), statements(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)},
		"an account and one of its users":   {denyTo(`"Principal":{"AWS":"111122223333"}`), denyTo(`"Principal":{"AWS":"` + alice + `"}`)},
		"an account of another partition":   {denyTo(`"Principal":{"AWS":"arn:aws:iam::111122223333:root"}`), denyTo(`"Principal":{"AWS":"arn:aws-cn:iam::111122223333:root"}`)},
		"case of an object tag's key":       {when(`"StringEquals":{"s3:ExistingObjectTag/Team":"v"}`), when(`"StringEquals":{"s3:ExistingObjectTag/team":"v"}`)},
		"case of a requested tag's key":     {when(`"StringEquals":{"s3:RequestObjectTag/Team":"v"}`), when(`"StringEquals":{"s3:RequestObjectTag/team":"v"}`)},
		"a name and a name of another type": {denyTo(`"Principal":{"Service":"a.amazonaws.com"}`), denyTo(`"Principal":{"Federated":"a.amazonaws.com"}`)},
		"everybody and everybody's service": {denyTo(`"Principal":"*"`), denyTo(`"Principal":{"Service":"*"}`)},
		"an action more":                    {one(`"Action":"s3:GetObject"`), one(`"Action":["s3:GetObject","s3:PutObject"]`)},
		"a wildcard":                        {one(`"Action":"s3:GetObject"`), one(`"Action":"s3:GetObject*"`)},
		"case of resources":                 {one(`"Action":"*"`, `"Resource":"arn:aws:s3:::a/x"`), one(`"Action":"*"`, `"Resource":"arn:aws:s3:::a/X"`)},
		"case of values":                    {when(`"StringEquals":{"aws:a":"v"}`), when(`"StringEquals":{"aws:a":"V"}`)},
		"the operator":                      {when(`"StringEquals":{"aws:a":"v"}`), when(`"StringLike":{"aws:a":"v"}`)},
		"IfExists":                          {when(`"Bool":{"aws:a":"false"}`), when(`"BoolIfExists":{"aws:a":"false"}`)},
		"a set operator":                    {when(`"StringEquals":{"aws:a":"v"}`), when(`"ForAllValues:StringEquals":{"aws:a":"v"}`)},
		"the key":                           {when(`"StringEquals":{"aws:SourceVpc":"v"}`), when(`"StringEquals":{"aws:SourceVpce":"v"}`)},
		"a condition":                       {when(`"StringEquals":{"aws:a":"v"}`), one(`"Action":"*"`)},
		"the version":                       {`{"Version":"2012-10-17","Statement":` + to("Deny", `"Principal":"*"`) + `}`, `{"Version":"2008-10-17","Statement":` + to("Deny", `"Principal":"*"`) + `}`},
		"the Sid":                           {statements(`{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}`), statements(`{"Sid":"b","Effect":"Deny","Action":"*","Resource":"*"}`)},
		"the Id":                            {`{"Id":"a","Statement":` + to("Deny", `"Principal":"*"`) + `}`, `{"Statement":` + to("Deny", `"Principal":"*"`) + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := mustParse(t, c[0]), mustParse(t, c[1])
			if iampolicy.Equal(a, b) {
				t.Errorf("%s and %s are equal, want different", a, b)
			}
			if diff := iampolicy.Diff(a, b); len(diff) == 0 {
				t.Errorf("Diff(%s, %s) is empty, want at least one change", a, b)
			}
		})
	}
}

// one returns a policy with one Deny that has the given elements.
func one(elements ...string) string {
	s := `{"Effect":"Deny","Principal":"*"`
	for _, e := range elements {
		s += "," + e
	}
	if len(elements) == 1 {
		s += `,"Resource":"*"`
	}
	return statements(s + "}")
}

// when returns a policy with one Deny that has a condition.
func when(condition string) string {
	return one(`"Action":"*"`, `"Resource":"*"`, `"Condition":{`+condition+`}`)
}

func TestStringIsReadable(t *testing.T) {
	p := mustParse(t, `{"Statement":{"Condition":{"StringEquals":{"AWS:SOURCEVPCE":["b","a"],"aws:principaltag/Team":"<&>"}},
		"Resource":["arn:aws:s3:::docs/*"],"Action":["s3:GETOBJECT","S3:list*","s3:*object","s3:?etObject","ec2:Describe*","*"],"Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Effect":"Deny","Sid":"S"}}`)
	want := `{"Version":"2008-10-17","Statement":[{"Sid":"S","Effect":"Deny","Principal":{"AWS":"111122223333"},` +
		`"Action":["ec2:describe*","s3:GetObject","s3:List*","s3:?etobject","s3:*object","*"],"Resource":"arn:aws:s3:::docs/*",` +
		`"Condition":{"StringEquals":{"aws:principaltag/team":"<&>","aws:SourceVpce":["a","b"]}}}]}`
	if diff := cmp.Diff(want, p.String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}

func TestDiffListsStatements(t *testing.T) {
	from := mustParse(t, `{"Version":"2012-10-17","Id":"old","Statement":[`+to("Deny", `"Principal":"*"`)+`,{"Sid":"Same","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"},{"Sid":"Gone","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`)
	to := mustParse(t, `{"Version":"2008-10-17","Statement":[{"Sid":"Same","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"},{"Sid":"New","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`)
	want := []iampolicy.Change{
		{Removed: true, Statement: `{"Version":"2012-10-17"}`},
		{Removed: true, Statement: `{"Id":"old"}`},
		{Removed: true, Statement: `{"Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs/*"}`},
		{Removed: true, Sid: "Gone", Statement: `{"Sid":"Gone","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`},
		{Statement: `{"Version":"2008-10-17"}`},
		{Sid: "New", Statement: `{"Sid":"New","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`},
	}
	if diff := cmp.Diff(want, iampolicy.Diff(from, to)); diff != "" {
		t.Errorf("Diff (-want +got):\n%s", diff)
	}
}
