package samtemplate_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
func TestConditions(t *testing.T) {
	for text, want := range map[string]string{
		`!Equals [!Ref P, "1"]`:                           "true",
		`!Equals [!Ref P, 1]`:                             "true",
		`!Equals [true, "true"]`:                          "true",
		`!Equals [a, A]`:                                  "false",
		`!Not [!Equals [a, b]]`:                           "true",
		`!And [!Equals [a, a], !Condition IsOn]`:          "true",
		`!And [!Equals [a, a], {Condition: IsOff}]`:       "false",
		`!Or [!Condition IsOff, !Condition IsOn]`:         "true",
		`!Or [!Condition IsOff, !Condition IsOff]`:        "false",
		`{Fn::Or: [{Condition: IsOff}, !Condition IsOn]}`: "true",
		`!Equals [!If [IsOn, a, b], a]`:                   "true",
		`!Equals [!If [IsOff, a, b], a]`:                  "false",
		`!Equals [!Join ["", !Ref L], ab]`:                "true",
		`!Equals [!FindInMap [M, a, b], c]`:               "true",
		`!Equals [!Sub "${AWS::Region}", eu-central-1]`:   "true",
		`!Equals [!Select [1, !Ref L], b]`:                "true",
		`!Equals [!Ref L, ab]`:                            "want text, not a list",
		`!Equals [!Ref Bucket, ab]`:                       "resource Bucket: only parameters can be named here",
		`!Equals [!Ref Nobody, ab]`:                       "unknown name Nobody",
		`!Equals [a, !Ref Nobody]`:                        "unknown name Nobody",
		`!Equals [a]`:                                     "1 elements, want 2 to 2",
		`!Equals [!If [Maybe, a, b], a]`:                  "unknown condition Maybe",
		`!Equals [!If [IsOn], a]`:                         "1 elements, want 3 to 3",
		`!Not [!Equals [a, b], !Equals [a, b]]`:           "2 elements, want 1 to 1",
		`!Not [!Equals [a]]`:                              "1 elements, want 2 to 2",
		`!And [!Equals [a, a]]`:                           "1 elements, want 2 to 10",
		`!And [!Equals [a, b], !Equals [a]]`:              "1 elements, want 2 to 2",
		`!Condition Maybe`:                                "Conditions.C: unknown condition Maybe",
		`{Condition: [a]}`:                                "want text",
		`{Fn::Contains: [[a], a]}`:                        "unknown function Fn::Contains",
		`!Sub x`:                                          "want a condition function",
		`true`:                                            "want a condition function",
		`{Equals: [a, b]}`:                                "want a condition function",
	} {
		t.Run(text, func(t *testing.T) {
			template := `
Parameters: {P: {Type: Number, Default: 1}, L: {Type: CommaDelimitedList, Default: "a,b"}}
Mappings: {M: {a: {b: c}}}
Conditions: {C: ` + text + `, IsOn: !Equals [a, a], IsOff: !Equals [a, b]}
Resources: {Bucket: {Type: AWS::S3::Bucket}, Thing: {Type: T, Properties: {X: !If [C, "true", "false"]}}}`
			if want != "true" && want != "false" {
				if err := refusal(template, samtemplate.Options{}); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error = %v, want one with %q", err, want)
				}
				return
			}
			properties, err := plan(t, template, samtemplate.Options{}).Properties("Thing", named{})
			if err != nil || properties["X"] != want {
				t.Errorf("holds = %v, %v, want %s", properties["X"], err, want)
			}
		})
	}
}

const rules = `
Parameters:
  Type: {Type: String, Default: Interface, AllowedValues: [Interface, Gateway]}
  Subnets: {Type: CommaDelimitedList, Default: "a,b"}
Rules:
  GatewayHasTables:
    RuleCondition: !Equals [!Ref Type, Gateway]
    Assertions:
      - Assert: {Fn::EachMemberIn: [!Ref Subnets, [x, "y"]]}
        AssertDescription: gateway endpoints want x and y
      - Assert: {Fn::Contains: [!Ref Subnets, x]}
  Always:
    Assertions:
      - Assert: !Not [{Fn::EachMemberEquals: [!Ref Subnets, z]}]
        AssertDescription: not all may be z
` + bucket

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
func TestRulesAssert(t *testing.T) {
	for name, c := range map[string]struct {
		typ, subnets string
		want         string // the whole error, "" = none
	}{
		"condition does not hold": {"Interface", "a,b", ""},
		"all hold":                {"Gateway", "x,y", ""},
		"one fails":               {"Gateway", "y", "rule GatewayHasTables: assertion does not hold: "},
		"several fail": {"Gateway", "z,z", "rule GatewayHasTables: assertion does not hold: gateway endpoints want x and y\n" +
			"rule GatewayHasTables: assertion does not hold: \nrule Always: assertion does not hold: not all may be z"},
	} {
		t.Run(name, func(t *testing.T) {
			err := refusal(rules, samtemplate.Options{Parameters: map[string]string{"Type": c.typ, "Subnets": c.subnets}})
			got := ""
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("error = %q, want %q", got, c.want)
			}
		})
	}
}

func TestRulesRefuseWhatTheyCannotTake(t *testing.T) {
	rule := func(assertion string) string {
		return "Parameters: {L: {Type: CommaDelimitedList, Default: a}}\nConditions: {C: !Equals [a, a]}\nRules: {R: {Assertions: " + assertion + "}}" + bucket
	}
	refuses(t, map[string]struct{ text, want string }{
		"no assertions":            {"Rules: {R: {RuleCondition: !Equals [a, a]}}" + bucket, "Rules.R: Assertions: want a list"},
		"a bad rule condition":     {"Rules: {R: {RuleCondition: x, Assertions: []}}" + bucket, "want a condition function"},
		"no assert":                {rule(`[{AssertDescription: x}]`), "no Assert"},
		"an unknown entry":         {rule(`[{Assert: !Equals [a, a], Why: x}]`), "Why: unknown here"},
		"a bad assert":             {rule(`[{Assert: x}]`), "want a condition function"},
		"a bad description":        {rule(`[{Assert: !Equals [a, b], AssertDescription: [x]}]`), "want text"},
		"a condition":              {rule(`[{Assert: !Condition C}]`), "Rules cannot name a condition"},
		"other functions":          {rule(`[{Assert: !Equals [!Join ["", !Ref L], a]}]`), "Rules take only Ref here, not Fn::Join"},
		"short forms of their own": {rule(`[{Assert: !Contains [!Ref L, a]}]`), "unknown function !Contains"},
		"a resource":               {rule(`[{Assert: {Fn::Contains: [!Ref L, !Ref Bucket]}}]`), "only parameters"},
		"text as a list":           {rule(`[{Assert: {Fn::Contains: [a, a]}}]`), "want a list"},
		"a list as text":           {rule(`[{Assert: {Fn::Contains: [[a], [a]]}}]`), "want text"},
		"members in text":          {rule(`[{Assert: {Fn::EachMemberIn: [[a], a]}}]`), "want a list"},
		"one list":                 {rule(`[{Assert: {Fn::EachMemberIn: [[a]]}}]`), "1 elements, want 2 to 2"},
		"an unknown name":          {rule(`[{Assert: {Fn::EachMemberEquals: [!Ref X, a]}}]`), "unknown name X"},
	})
}
