package samtemplate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func TestPlanChecksParameters(t *testing.T) {
	for name, c := range map[string]struct{ declared, given, want string }{
		"any text":                    {`{Type: String}`, "x y", ""},
		"allowed value":               {`{Type: String, AllowedValues: [a, 1]}`, "1", ""},
		"value not allowed":           {`{Type: String, AllowedValues: [a, 1]}`, "b", `parameter P: "b" is none of a, 1`},
		"in words":                    {`{Type: String, AllowedValues: [a], ConstraintDescription: only a}`, "b", `is none of a: only a`},
		"pattern":                     {`{Type: String, AllowedPattern: "[a-z]+"}`, "abc", ""},
		"pattern is for the whole":    {`{Type: String, AllowedPattern: "[a-z]+|[0-9]+"}`, "abc1", `"abc1" does not match [a-z]+|[0-9]+`},
		"pattern of Java's only":      {`{Type: String, AllowedPattern: "(?!x)"}`, "x", "Parameters.P: AllowedPattern: "},
		"pattern for each of a list":  {`{Type: CommaDelimitedList, AllowedPattern: "[a-z]"}`, "a, 1", `"1" does not match`},
		"values for each of a list":   {`{Type: CommaDelimitedList, AllowedValues: [a, b]}`, "a , b", ""},
		"too short":                   {`{Type: String, MinLength: 2}`, "é", `"é" is shorter than 2 characters`},
		"long enough":                 {`{Type: String, MinLength: 2}`, "éé", ""},
		"too long":                    {`{Type: String, MaxLength: 2}`, "abc", `"abc" is longer than 2`},
		"number":                      {`{Type: Number, MinValue: 1, MaxValue: 3}`, "1.5", ""},
		"no number":                   {`{Type: Number}`, "one", `"one" is no Number`},
		"no number, infinite":         {`{Type: Number}`, "Inf", `"Inf" is no Number`},
		"empty number":                {`{Type: Number}`, "", `"" is no Number`},
		"too little":                  {`{Type: Number, MinValue: 1}`, "0", "0 is less than 1"},
		"too much":                    {`{Type: Number, MaxValue: 1}`, "2", "2 is more than 1"},
		"numbers":                     {`{Type: List<Number>}`, "1, 2", ""},
		"no numbers":                  {`{Type: List<Number>}`, "1, x", `"x" is no Number`},
		"VPC":                         {`{Type: "AWS::EC2::VPC::Id"}`, "vpc-0a1b", ""},
		"no VPC":                      {`{Type: "AWS::EC2::VPC::Id"}`, "", `"" is no AWS::EC2::VPC::Id`},
		"subnets":                     {`{Type: "List<AWS::EC2::Subnet::Id>"}`, "subnet-1,vpc-1", `"vpc-1" is no AWS::EC2::Subnet::Id`},
		"zone":                        {`{Type: "AWS::EC2::AvailabilityZone::Name"}`, "eu-central-1a", ""},
		"name in SSM":                 {`{Type: "AWS::SSM::Parameter::Value<String>"}`, "/a", ""},
		"no name in SSM":              {`{Type: "AWS::SSM::Parameter::Value<List<String>>"}`, "", "an empty name"},
		"missing":                     {`{Type: String}`, "missing", "parameter P: missing, and without a default"},
		"a secret is not told":        {`{Type: String, NoEcho: true, MinLength: 9}`, "secret", "parameter P: the value breaks a constraint"},
		"unknown type":                {`{Type: Text}`, "x", `Parameters.P: unknown type "Text"`},
		"no type":                     {`{Default: x}`, "x", `unknown type ""`},
		"unknown entry":               {`{Type: String, Length: 1}`, "x", "Parameters.P.Length: unknown here"},
		"a limit that is no number":   {`{Type: String, MinLength: x}`, "x", "Parameters.P.MinLength: want a number"},
		"a default that is a list":    {`{Type: String, Default: [x]}`, "x", "Parameters.P.Default: want text"},
		"allowed values of functions": {`{Type: String, AllowedValues: [!Ref A]}`, "x", "AllowedValues[0]: want text"},
		"a parameter as text":         {`String`, "x", "Parameters.P: want a mapping"},
	} {
		t.Run(name, func(t *testing.T) {
			given := map[string]string{"P": c.given}
			if c.given == "missing" {
				given = nil
			}
			err := refusal("Parameters: {P: "+c.declared+"}"+bucket, samtemplate.Options{Parameters: given})
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s = %q: %v, want no error", c.declared, c.given, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s = %q: %v, want an error with %q", c.declared, c.given, err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v contains the secret", err)
			}
		})
	}
}

func TestPlanTellsEveryFaultOfTheParametersAtOnce(t *testing.T) {
	err := refusal(`Parameters: {A: {Type: String}, B: {Type: Number, Default: x}, C: {Type: String, Default: y}}`+bucket,
		samtemplate.Options{Parameters: map[string]string{"D": "1", "E": "2"}})
	const want = `parameter D: not a parameter of the template
parameter E: not a parameter of the template
parameter A: missing, and without a default
parameter B: "x" is no Number`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestParametersAreToldAsDeclared(t *testing.T) {
	template, err := samtemplate.Parse([]byte(`
Parameters:
  B: {Type: Number, Default: 5, Description: How many, ConstraintDescription: A number}
  A: {Type: String, AllowedValues: ["on", "off"], AllowedPattern: o.*, NoEcho: true}
` + bucket))
	if err != nil {
		t.Fatal(err)
	}
	want := []samtemplate.Parameter{
		{Name: "B", Type: "Number", Default: "5", HasDefault: true, Description: "How many", ConstraintDescription: "A number"},
		{Name: "A", Type: "String", AllowedValues: []string{"on", "off"}, AllowedPattern: "o.*", NoEcho: true},
	}
	if diff := cmp.Diff(want, template.Parameters()); diff != "" {
		t.Errorf("Parameters() (-want +got):\n%s", diff)
	}
}

func TestValuesInSSMAreInventedByTheirType(t *testing.T) {
	for typ, want := range map[string]string{
		"AWS::EC2::Image::Id":        "ami-0",
		"String":                     "ami-0",
		"AWS::EC2::VPC::Id":          "vpc-0",
		"List<AWS::EC2::Subnet::Id>": "subnet-0",
	} {
		p := plan(t, `
Parameters: {P: {Type: "AWS::SSM::Parameter::Value<`+typ+`>", Default: /name}}
Resources: {A: {Type: T, Properties: {X: !Ref P, Y: !Join ["", [!Ref P]]}}}`, samtemplate.Options{})
		properties, err := p.Properties("A", named{})
		if strings.HasPrefix(typ, "List") {
			if err == nil {
				t.Errorf("Join of a list in a list = %v, want an error", properties)
			}
			continue
		}
		if got, _ := properties["Y"].(string); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("value of %s = %v, %v, want %s…", typ, properties, err, want)
		}
	}
}
