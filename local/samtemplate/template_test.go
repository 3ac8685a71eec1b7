package samtemplate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// plan plans a template that must be valid.
func plan(t *testing.T, text string, o samtemplate.Options) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := template.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// refusal returns the error of a template that Parse or Plan must reject.
func refusal(text string, o samtemplate.Options) error {
	template, err := samtemplate.Parse([]byte(text))
	if err != nil {
		return err
	}
	_, err = template.Plan(o)
	return err
}

// refuses checks that each template is rejected with its error.
func refuses(t *testing.T, table map[string]struct{ text, want string }) {
	t.Helper()
	for name, c := range table {
		t.Run(name, func(t *testing.T) {
			err := refusal(c.text, samtemplate.Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error = %v, want one with %q", c.text, err, c.want)
			}
		})
	}
}

const bucket = "\nResources: {Bucket: {Type: AWS::S3::Bucket}}"

func TestParseRefuses(t *testing.T) {
	refuses(t, map[string]struct{ text, want string }{
		"nothing":                 {``, "an empty template"},
		"no YAML":                 {`a: [`, "yaml"},
		"a list":                  {`[a]`, "template: want a mapping"},
		"no resources":            {`Description: x`, "no Resources"},
		"an unknown section":      {`Hooks: {}` + bucket, "line 1: Hooks: unknown here"},
		"another version":         {`AWSTemplateFormatVersion: 2020-01-01` + bucket, "want 2010-09-09"},
		"another macro":           {`Transform: AWS::LanguageExtensions` + bucket, "want AWS::Serverless-2016-10-31"},
		"Parameters as a list":    {`Parameters: [a]` + bucket, "Parameters: want a mapping"},
		"Rules as a list":         {`Rules: [a]` + bucket, "Rules: want a mapping"},
		"an unknown rule entry":   {`Rules: {R: {Assert: x}}` + bucket, "Rules.R.Assert: unknown here"},
		"Mappings as a list":      {`Mappings: [a]` + bucket, "Mappings: want a mapping"},
		"a flat mapping":          {`Mappings: {A: {B: c}}` + bucket, "Mappings.A.B: want a mapping"},
		"a list as a mapping":     {`Mappings: {A: [b]}` + bucket, "Mappings.A: want a mapping"},
		"Conditions as a list":    {`Conditions: [a]` + bucket, "Conditions: want a mapping"},
		"Globals for an API":      {`Globals: {Api: {}}` + bucket, "Globals.Api: unknown here"},
		"a Global of no function": {`Globals: {Function: {Role: x}}` + bucket, "Globals.Function.Role: unknown here"},
		"Globals as a list":       {`Globals: [a]` + bucket, "Globals: want a mapping"},
		"a resource as text":      {`Resources: {A: b}`, "Resources.A: want a mapping"},
		"no type":                 {`Resources: {A: {Properties: {}}}`, "Resources.A: no Type"},
		"a type that is a list":   {`Resources: {A: {Type: [b]}}`, "Resources.A.Type: want text"},
		"an unknown entry":        {`Resources: {A: {Type: B, Depends: C}}`, "Resources.A.Depends: unknown here"},
		"an unknown policy":       {`Resources: {A: {Type: B, DeletionPolicy: Keep}}`, "unknown policy Keep"},
		"an unknown dependency":   {`Resources: {A: {Type: B, DependsOn: C}}`, "DependsOn names unknown resource C"},
		"DependsOn by a function": {`Resources: {A: {Type: B, DependsOn: [!Ref C]}}`, "DependsOn[0]: want text"},
		"an unknown condition":    {`Resources: {A: {Type: B, Condition: C}}`, "Resources.A: unknown condition C"},
		"metadata as text":        {`Resources: {A: {Type: B, Metadata: x}}`, "Resources.A.Metadata: want a mapping"},
		"Outputs as a list":       {`Outputs: [a]` + bucket, "Outputs: want a mapping"},
		"an output as text":       {`Outputs: {O: x}` + bucket, "Outputs.O: want a mapping"},
		"an output of nothing":    {`Outputs: {O: {Description: x}}` + bucket, "Outputs.O: no Value"},
		"an output's condition":   {`Outputs: {O: {Value: x, Condition: C}}` + bucket, "Outputs.O: unknown condition C"},
		"its form":                {`Outputs: {O: {Value: x, Condition: [C]}}` + bucket, "Outputs.O.Condition: want text"},
		"an output's names":       {`Outputs: {O: {Value: !Ref C}}` + bucket, "Outputs.O.Value: Ref: unknown name C"},
		"names that are lists":    {`? [a] : b` + bucket, "a name must be plain text"},
		"names that are mappings": {`{? {a: b} : c}`, "a name must be plain text"},
	})
}

func TestLoadNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "template.yaml")
	if _, err := samtemplate.Load(path); !os.IsNotExist(err) {
		t.Errorf("Load of a missing file = %v, want fs.ErrNotExist", err)
	}
	if err := os.WriteFile(path, []byte("Hooks: {}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := samtemplate.Load(path); err == nil || !strings.HasPrefix(err.Error(), path) {
		t.Errorf("Load = %v, want an error that begins with %s", err, path)
	}
	if err := os.WriteFile(path, []byte(bucket), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := samtemplate.Load(path); err != nil {
		t.Errorf("Load = %v, want no error", err)
	}
}

func TestResourcesKeepMetadataAndPolicy(t *testing.T) {
	p := plan(t, `
Resources:
  A:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    Metadata:
      Build: {Method: makefile, N: [1, !Sub "${A}"]}
`, samtemplate.Options{})
	want := []samtemplate.Resource{{
		LogicalID: "A", Type: "AWS::S3::Bucket", DeletionPolicy: "Retain",
		Metadata: map[string]any{"Build": map[string]any{
			"Method": "makefile", "N": []any{1, map[string]any{"Fn::Sub": "${A}"}},
		}},
	}}
	if diff := cmp.Diff(want, p.Resources()); diff != "" {
		t.Errorf("Resources() (-want +got):\n%s", diff)
	}
}

// order returns the logical ids with their dependencies: "A B(A)".
func order(p *samtemplate.Plan) string {
	var ids []string
	for _, r := range p.Resources() {
		id := r.LogicalID
		if len(r.DependsOn) > 0 {
			id += "(" + strings.Join(r.DependsOn, ",") + ")"
		}
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

func TestResourcesComeAfterWhatTheyDependOn(t *testing.T) {
	const switched = `
Parameters: {On: {Type: String, Default: "true"}}
Conditions: {IsOn: !Equals [!Ref On, "true"]}
Resources:
  A: {Type: T, DependsOn: [C, D]}
  B: {Type: T, Properties: {X: !If [IsOn, !Ref D, !Ref C]}}
  C: {Type: T}
  D: {Type: T, Condition: IsOn, Properties: {X: !Sub "${C.Arn}"}}
`
	for name, c := range map[string]struct {
		text, on, want string
	}{
		"the template's order otherwise": {`Resources: {B: {Type: T}, A: {Type: T}}`, "", "B A"},
		"explicit":                       {`Resources: {A: {Type: T, DependsOn: B}, B: {Type: T}}`, "", "B A(B)"},
		"by Ref":                         {`Resources: {A: {Type: T, Properties: {X: !Ref B}}, B: {Type: T}}`, "", "B A(B)"},
		"by GetAtt":                      {`Resources: {A: {Type: T, Properties: {X: [!GetAtt B.Arn]}}, B: {Type: T}}`, "", "B A(B)"},
		"by Sub":                         {`Resources: {A: {Type: T, Properties: {X: !Sub "${B.Arn}"}}, B: {Type: T}}`, "", "B A(B)"},
		"by a name inside Sub":           {`Resources: {A: {Type: T, Properties: {X: !Sub ["${B}", {B: !Ref C}]}}, B: {Type: T}, C: {Type: T}}`, "", "C A(C) B"},
		"functions inside functions":     {`Resources: {A: {Type: T, Properties: {X: {Fn::Base64: {Fn::Sub: "${B}"}}}}, B: {Type: T}}`, "", "B A(B)"},
		"branches taken":                 {switched, "true", "C D(C) A(C,D) B(D)"},
		"branches not taken":             {switched, "false", "C A(C) B(C)"},
	} {
		t.Run(name, func(t *testing.T) {
			o := samtemplate.Options{}
			if c.on != "" {
				o.Parameters = map[string]string{"On": c.on}
			}
			if got := order(plan(t, c.text, o)); got != c.want {
				t.Errorf("order = %s, want %s", got, c.want)
			}
		})
	}
}

func TestPlanRefusesCircles(t *testing.T) {
	refuses(t, map[string]struct{ text, want string }{
		"of one":        {`Resources: {A: {Type: T, Properties: {X: !Ref A}}}`, "a circle of dependencies: A → A"},
		"of three":      {`Resources: {O: {Type: T, DependsOn: A}, A: {Type: T, DependsOn: B}, B: {Type: T, Properties: {X: !Ref C}}, C: {Type: T, Properties: {X: !GetAtt A.Y}}}`, "A → B → C → A"},
		"of conditions": {`Conditions: {A: !Not [!Condition B], B: !Not [!Condition A]}` + bucket, "a circle of conditions: A → B → A"},
		"output of a resource that is off": {`
Conditions: {IsOff: !Equals [a, b]}
Resources: {A: {Type: T, Condition: IsOff}, B: {Type: T}}
Outputs: {O: {Value: !Ref A}}`, "Outputs.O.Value: Ref: A is not in the stack"},
	})
}

func TestOutputsFollowTheirConditions(t *testing.T) {
	p := plan(t, `
Conditions: {IsOff: !Equals [a, b], IsOn: !Equals [a, a]}
Resources: {A: {Type: T}, B: {Type: T, Condition: IsOff}}
Outputs:
  One: {Value: !Ref A, Condition: IsOn, Export: {Name: x}}
  Two: {Value: !Ref B, Condition: IsOff}
  Three: {Value: 3, Description: x}
`, samtemplate.Options{})
	got, err := p.Outputs(named{})
	if diff := cmp.Diff(map[string]string{"One": "ref:A", "Three": "3"}, got); err != nil || diff != "" {
		t.Errorf("Outputs() = %v (-want +got):\n%s", err, diff)
	}
	p = plan(t, `{Resources: {Odd: {Type: T}}, Outputs: {O: {Value: !Ref Odd}, P: {Value: [a]}}}`, samtemplate.Options{})
	if _, err := p.Outputs(named{}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("Outputs() = %v, want an error of two lines", err)
	}
}

func TestPropertiesOfResourcesWithout(t *testing.T) {
	p := plan(t, `
Conditions: {IsOff: !Equals [a, b]}
Resources: {A: {Type: T}, B: {Type: T, Condition: IsOff}, C: {Type: T, Properties: [x]}}
`, samtemplate.Options{})
	if got, err := p.Properties("A", named{}); err != nil || got == nil || len(got) != 0 {
		t.Errorf("Properties(A) = %v, %v, want an empty map", got, err)
	}
	for id, want := range map[string]string{
		"B": "B is not in the stack: condition IsOff does not hold",
		"C": "Resources.C.Properties: want a mapping",
		"D": "no resource D in the template",
	} {
		if _, err := p.Properties(id, named{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Properties(%s) = %v, want an error with %q", id, err, want)
		}
	}
}

// FuzzPlan looks for a panic.
func FuzzPlan(f *testing.F) {
	f.Add(framed(`!Sub ["${a}${Name}", {a: !If [Always, !Ref Bucket, !GetAtt Queue.Arn]}]`))
	f.Add(framed(`!Select [0, !Split [",", !Join [",", !Ref Items]]]`))
	f.Add(rules)
	f.Add(globals)
	f.Fuzz(func(t *testing.T, text string) {
		template, err := samtemplate.Parse([]byte(text))
		if err != nil {
			return
		}
		p, err := template.Plan(samtemplate.Options{})
		if err != nil {
			return
		}
		a := samtemplate.Invented(p)
		for _, r := range p.Resources() {
			_, _ = p.Properties(r.LogicalID, a)
			_, _ = p.Function(r.LogicalID, a)
		}
		_, _ = p.Rules(a)
		_, _ = p.Outputs(a)
	})
}
