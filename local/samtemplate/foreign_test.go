package samtemplate_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// foreign reads a template; unknown values are written as ?description?.
func foreign(text string, parameters map[string]string) (*samtemplate.Foreign, error) {
	return samtemplate.ReadForeign([]byte(text), samtemplate.ForeignOptions{
		Options:   samtemplate.Options{Parameters: parameters},
		Types:     []string{"AWS::S3::BucketPolicy", "AWS::S3::Bucket", "AWS::EC2::VPCEndpoint"},
		Unknown:   func(what string) string { return "?" + what + "?" },
		IsUnknown: func(text string) bool { return strings.Contains(text, "?") },
	})
}

// valueOf resolves one value in the property X of a bucket.
func valueOf(t *testing.T, value string, parameters map[string]string) any {
	t.Helper()
	f, err := foreign(`
Transform: [AWS::Serverless-2016-10-31, Company::Macro]
Parameters:
  Given: {Type: String}
  Missing: {Type: String}
  Default: {Type: String, Default: d}
  Names: {Type: CommaDelimitedList}
  Vpc: {Type: AWS::EC2::VPC::Id}
  Image: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /image}
  Strange: {Type: AWS::Company::Thing}
Mappings:
  Map: {a: {b: mapped}}
  Odd: {'Fn::Transform': {Name: AWS::Include}}
Conditions:
  Yes: !Equals [!Ref Default, d]
  Perhaps: !Equals [!Ref Missing, x]
  AlsoPerhaps: !And [!Condition Perhaps, !Condition Yes]
  Circle: !Not [!Condition Circle]
Hooks: {}
Resources:
  Role: {Type: AWS::IAM::Role, Properties: {RoleName: app}}
  Function: {Type: AWS::Serverless::Function}
  Other: {Type: Company::Thing::Kind}
  Odd: text
  Self: {Type: AWS::S3::Bucket, Properties: {BucketName: !Sub '${Self}-x'}}
  Maybe: {Type: AWS::S3::Bucket, Condition: Perhaps}
  Never: {Type: AWS::S3::Bucket, Condition: No}
  Bucket: {Type: AWS::S3::Bucket, Properties: {X: `+value+`}}
Outputs: {X: {Value: !ImportValue y}}
`, parameters)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.Resources {
		if r.LogicalID == "Bucket" {
			return r.Properties["X"]
		}
	}
	t.Fatal("no Bucket")
	return nil
}

func TestForeignValuesAreKnownOrNot(t *testing.T) {
	for value, want := range map[string]any{
		`!Ref Given`:                              "g",
		`!Ref Default`:                            "d",
		`!Ref Missing`:                            "?parameter Missing?",
		`!Sub "a-${Missing}-${Given}"`:            "a-?parameter Missing?-g",
		`!Ref Names`:                              []any{"?parameter Names?"},
		`!Ref Image`:                              "?parameter Image?",
		`!Ref Strange`:                            "?parameter Strange?",
		`!Ref Nosuch`:                             "?Nosuch?",
		`!Ref Other`:                              "?Other?",
		`!GetAtt Other.Arn`:                       "?Other.Arn?",
		`!GetAtt Role.Arn`:                        "arn:aws:iam::111122223333:role/app",
		`!GetAtt FunctionRole.Arn`:                "?FunctionRole.Arn?",
		`!ImportValue network-Vpce`:               "?!ImportValue network-Vpce?",
		`{"Fn::ImportValue": network-Vpce}`:       "?Fn::ImportValue network-Vpce?",
		`{"Fn::Transform": {Name: X}}`:            "?Fn::Transform Name X?",
		`[a, !Ref Missing]`:                       []any{"a", "?parameter Missing?"},
		`{k: !Ref Missing, l: 1}`:                 map[string]any{"k": "?parameter Missing?", "l": 1},
		`!Join ["-", [a, !Ref Missing]]`:          "a-?parameter Missing?",
		`!Split [" ", !Ref Missing]`:              "?Fn::Split   Missing?",
		`!Select [0, !Split ["e", !Ref Missing]]`: "?Fn::Select 0 e Missing?",
		`!Base64 {Ref: Missing}`:                  "?Fn::Base64 Ref Missing?",
		`!FindInMap [Map, a, b]`:                  "mapped",
		`!FindInMap [Map, !Ref Missing, b]`:       "?Fn::FindInMap Map Missing b?",
		`!FindInMap [Odd, a, b]`:                  "?Fn::FindInMap Odd a b?",
		`!If [Yes, 1, 2]`:                         1,
		`!If [Perhaps, 1, 2]`:                     "?Fn::If Perhaps 1 2?",
		`!If [AlsoPerhaps, 1, 2]`:                 "?Fn::If AlsoPerhaps 1 2?",
		`!If [Circle, 1, 2]`:                      "?Fn::If Circle 1 2?",
		`!If [Nosuch, 1, 2]`:                      "?Fn::If Nosuch 1 2?",
		`!If [Yes, !Ref "AWS::NoValue", 2]`:       nil,
		`null`:                                    nil,
		`yes`:                                     true,
		`"yes"`:                                   "yes",
		`012345678901`:                            "?number 012345678901 without quotes?",
		`2012-10-17`:                              "2012-10-17",
		`"{{resolve:ssm:/vpce}}"`:                 "?{{resolve:ssm:/vpce}}?",
		`!Sub "{{resolve:ssm:/${Given}}}"`:        "?{{resolve:ssm:/g}}?",
		`!Cidr [!Ref Missing, 1, 8]`:              "?Fn::Cidr Missing 1 8?",
		`!Company x`:                              "?!Company x?",
	} {
		if got := valueOf(t, value, map[string]string{"Given": "g"}); !cmp.Equal(got, want) {
			t.Errorf("%s = %#v, want %#v", value, got, want)
		}
	}
	if vpc, _ := valueOf(t, "!Ref Vpc", nil).(string); !strings.HasPrefix(vpc, "vpc-0") {
		t.Errorf("a parameter of the type of a VPC's id is %q, want an invented id", vpc)
	}
}

func TestForeignResources(t *testing.T) {
	f, err := foreign("Parameters:\n  Name: {Type: String}\n  Old: {Type: String, Default: ''}\nConditions:\n  Perhaps: !Equals [!Ref Other, x]\n  No: !Equals [a, b]\nResources:\n"+
		"  A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name}}\n"+
		"  P: {Type: AWS::S3::BucketPolicy, Condition: Perhaps, Properties: {Bucket: !Ref A}}\n"+
		"  Q: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: !Sub '${Old}'}}\n"+
		"  N: {Type: AWS::S3::Bucket, Condition: No}\n  S: {Type: AWS::CloudFormation::Stack}\n  I: {}\n  'Fn::ForEach::x': [a, [b], {c: d}]\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Resources) != 3 || f.Resources[0].Line != 8 || f.Resources[1].Condition != "Perhaps" || f.Resources[2].Condition != "" {
		t.Fatalf("resources %+v, want A, P (perhaps) and Q", f.Resources)
	}
	name := f.Resources[0].Ref
	if !strings.HasPrefix(name, "invented-") || f.Resources[1].Properties["Bucket"] != name || !strings.HasPrefix(f.Resources[2].Ref, "invented-") {
		t.Errorf("the bucket is called %q, its policy's bucket %v, the other's %q; want invented names", name, f.Resources[1].Properties["Bucket"], f.Resources[2].Ref)
	}
	notes := strings.Join(f.Notes, "\n")
	for _, want := range []string{"stands for the bucket name in parameter Name", "nested stack S is not followed", "I has no Type", "Fn::ForEach::x is not understood"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes %q, want %q", notes, want)
		}
	}
}

func TestForeignTemplatesThatAreNone(t *testing.T) {
	for text, says := range map[string]string{
		"":                 "an empty template",
		"[1]":              "want a mapping",
		"Parameters: {}":   "no Resources",
		"Resources: text":  "want a mapping",
		"a: &a 1\nb: *a\n": "aliases are not for CloudFormation",
		"{":                "yaml",
		"Parameters: 1\nResources: {A: {Type: AWS::S3::Bucket}}": "want a mapping",
	} {
		if _, err := foreign(text, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("ReadForeign(%q) = %v, want %q", text, err, says)
		}
	}
}

// Some serializers escape slashes, and Python's json.dumps a character beyond U+FFFF as two.
func TestForeignJSONThatIsNoYAML(t *testing.T) {
	for text, name := range map[string]string{
		"\t{\n\t\"Resources\": {\n\t\t\"A\": {\"Type\": \"AWS::S3::Bucket\", \"Properties\": {\"X\": \"a\\tb\"}}\n\t}\n}": "a\tb",
		`{"Description": "\ud83d\ude42",
		  "Resources": {
		    "A": {"Type": "AWS::S3::Bucket", "Properties": {"X": "\uD83D\uDE42 \\ud83d\\ude42 \u00e4\/\""}}}}`: `🙂 \ud83d\ude42 ä/"`,
	} {
		f, err := foreign(text, nil)
		if err != nil || len(f.Resources) != 1 || f.Resources[0].Line != 3 || f.Resources[0].Properties["X"] != name {
			t.Errorf("ReadForeign(%s) = %+v, %v, want a bucket in line 3 with %s", text, f, err, name)
		}
	}
	if _, err := foreign(`{"Description": "\ud83d", "Resources": {}}`, nil); err == nil {
		t.Error("half of a character is read")
	}
}

// ReadForeign reads our own template to the same values as Load.
func TestForeignReadsOurTemplate(t *testing.T) {
	path := filepath.Join("..", "..", "template.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	own, err := samtemplate.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := own.Plan(samtemplate.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := foreign(string(text), nil)
	if err != nil || len(f.Resources) < 4 {
		t.Fatalf("%d resources, %v", len(f.Resources), err)
	}
	for _, r := range f.Resources {
		want, err := plan.Properties(r.LogicalID, samtemplate.Invented(plan))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, r.Properties); diff != "" {
			t.Errorf("%s (-Load +ReadForeign):\n%s", r.LogicalID, diff)
		}
	}
}

func FuzzReadForeign(f *testing.F) {
	f.Add("Resources: {A: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref A}}}")
	f.Add("Conditions: {C: !Not [!Condition C]}\nResources: {A: {Type: AWS::S3::BucketPolicy, Condition: C, Properties: {Bucket: !GetAtt [A, b]}}}")
	f.Fuzz(func(_ *testing.T, text string) {
		_, _ = foreign(text, nil) // must not panic
	})
}
