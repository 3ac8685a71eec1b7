package samtemplate_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// frame is a template in which "Value: %" is replaced by the value under test.
const frame = `
Parameters:
  Name: {Type: String, Default: docs}
  Items: {Type: CommaDelimitedList, Default: "a, b"}
  None: {Type: CommaDelimitedList, Default: ""}
  Count: {Type: Number, Default: 5}
  Image: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", Default: /aws/al2023}
Mappings:
  Zones:
    eu-central-1: {Suffix: amazonaws.com, Both: [x, 2]}
Conditions:
  Always: !Equals [!Ref Name, docs]
  Never: !Not [!Condition Always]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Queue: {Type: AWS::SQS::Queue}
  Endpoint: {Type: AWS::EC2::VPCEndpoint}
  Odd: {Type: AWS::Odd::Thing}
  Off: {Type: AWS::S3::Bucket, Condition: Never}
  Thing:
    Type: AWS::SSM::Parameter
    Properties:
      Value: %
`

func framed(value string) string { return strings.Replace(frame, "%", value, 1) }

// named implements Attributes with readable names.
type named struct{}

func (named) Ref(id string) (string, bool) { return "ref:" + id, id != "Odd" }

func (named) GetAtt(id, name string) (any, bool) {
	if name == "List" {
		return []any{"one", "two"}, true
	}
	return "att:" + id + ":" + name, name != "Nothing"
}

// value resolves the value in the frame.
func value(t *testing.T, text string, o samtemplate.Options) (any, error) {
	t.Helper()
	template, err := samtemplate.Parse([]byte(framed(text)))
	if err != nil {
		return nil, err
	}
	plan, err := template.Plan(o)
	if err != nil {
		return nil, err
	}
	properties, err := plan.Properties("Thing", named{})
	return properties["Value"], err
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func TestPropertiesResolveFunctions(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"text":                            {`plain`, `"plain"`},
		"number":                          {`7`, `7`},
		"decimal":                         {`1.5`, `1.5`},
		"bool":                            {`true`, `true`},
		"an unquoted date is text":        {`2012-10-17`, `"2012-10-17"`},
		"list and mapping":                {`[{a: 1}, [b]]`, `[{"a":1},["b"]]`},
		"Ref of a parameter":              {`!Ref Name`, `"docs"`},
		"Ref of a number is text":         {`!Ref Count`, `"5"`},
		"Ref of a list, spaces cut":       {`!Ref Items`, `["a","b"]`},
		"Ref of an empty list":            {`!Ref None`, `[""]`},
		"Ref in its long form":            {`{Ref: Name}`, `"docs"`},
		"Ref of a resource":               {`!Ref Bucket`, `"ref:Bucket"`},
		"pseudo parameters":               {`!Sub "${AWS::Partition} ${AWS::Region} ${AWS::AccountId} ${AWS::URLSuffix} ${AWS::StackName}"`, `"aws eu-central-1 111122223333 amazonaws.com s3-endpoint-guard"`},
		"stack id":                        {`!Ref AWS::StackId`, `"arn:aws:cloudformation:eu-central-1:111122223333:stack/s3-endpoint-guard/0f0f0f0f-0000-4000-8000-000000000001"`},
		"notification ARNs":               {`!Ref AWS::NotificationARNs`, `[]`},
		"GetAtt":                          {`!GetAtt Bucket.Arn`, `"att:Bucket:Arn"`},
		"GetAtt of a dotted attribute":    {`!GetAtt Bucket.A.B`, `"att:Bucket:A.B"`},
		"GetAtt as a list":                {`!GetAtt [Bucket, Arn]`, `"att:Bucket:Arn"`},
		"GetAtt in its long form":         {`{Fn::GetAtt: [Bucket, Arn]}`, `"att:Bucket:Arn"`},
		"GetAtt of a list":                {`!Select [1, !GetAtt Endpoint.List]`, `"two"`},
		"Sub":                             {`!Sub "${Name}-${Bucket}-${Bucket.Arn}"`, `"docs-ref:Bucket-att:Bucket:Arn"`},
		"Sub with its own names":          {`!Sub ["${a}${Name}${b}", {a: !Ref Count, Name: 1, b: !Sub "<${Name}>"}]`, `"51<docs>"`},
		"Sub with a literal":              {`!Sub "${!Name} $ {Name}"`, `"${Name} $ {Name}"`},
		"Sub in its long form":            {`{Fn::Sub: "${Name}"}`, `"docs"`},
		"If":                              {`!If [Always, 1, 2]`, `1`},
		"If, otherwise":                   {`!If [Never, !Ref Off, 2]`, `2`},
		"Join":                            {`!Join [",", [a, 1, true, 1.5, !Ref Name]]`, `"a,1,true,1.5,docs"`},
		"Join of a list":                  {`!Join ["", !Ref Items]`, `"ab"`},
		"Join drops NoValue":              {`!Join [",", [a, !Ref AWS::NoValue, b]]`, `"a,b"`},
		"Split":                           {`!Split ["-", "a-b"]`, `["a","b"]`},
		"Select":                          {`!Select [!Ref AWS::NoValue, [a]]`, `error: AWS::NoValue cannot stand here`},
		"Select by text":                  {`!Select ["1", [a, b]]`, `"b"`},
		"Select from GetAZs":              {`!Select [2, !GetAZs ""]`, `"eu-central-1c"`},
		"GetAZs of a Region":              {`!GetAZs us-east-1`, `["us-east-1a","us-east-1b","us-east-1c"]`},
		"GetAZs of this Region":           {`{Fn::GetAZs: {Ref: AWS::Region}}`, `["eu-central-1a","eu-central-1b","eu-central-1c"]`},
		"FindInMap":                       {`!FindInMap [Zones, !Ref AWS::Region, Suffix]`, `"amazonaws.com"`},
		"FindInMap of a list":             {`!FindInMap [Zones, eu-central-1, Both]`, `["x",2]`},
		"Base64":                          {`{Fn::Base64: !Sub "x ${Name}"}`, `"eCBkb2Nz"`},
		"Cidr":                            {`!Cidr ["10.0.0.0/16", 2, 8]`, `["10.0.0.0/24","10.0.1.0/24"]`},
		"Cidr of IPv6":                    {`!Cidr ["2001:db8::/56", 2, 64]`, `["2001:db8::/64","2001:db8:0:1::/64"]`},
		"NoValue drops what it stands at": {`{a: !Ref AWS::NoValue, b: [!Ref AWS::NoValue, c]}`, `{"b":["c"]}`},
		"NoValue by If":                   {`{a: !If [Never, 1, !Ref AWS::NoValue]}`, `{}`},
		"image parameters are invented":   {`!Select [0, !Split ["-", !Ref Image]]`, `"ami"`},
		"Condition as a name in data":     {`[{Condition: {Bool: {a: true}}}, {Condition: x}]`, `[{"Condition":{"Bool":{"a":true}}},{"Condition":"x"}]`},

		"unknown name":                  {`!Ref Nobody`, `error: Ref: unknown name Nobody`},
		"unknown name in Sub":           {`!Sub "${Nobody.Arn}"`, `error: Fn::Sub: unknown name Nobody`},
		"unknown name in a dead branch": {`!If [Never, !Ref Nobody, 1]`, `error: unknown name Nobody`},
		"attribute of a parameter":      {`!GetAtt Name.Arn`, `error: unknown name Name`},
		"unknown attribute":             {`!GetAtt Bucket.Nothing`, `error: Bucket has no known attribute Nothing (AWS::S3::Bucket)`},
		"unknown Ref":                   {`!Ref Odd`, `error: Ref of Odd (AWS::Odd::Thing) is not known`},
		"resource that is off":          {`!Ref Off`, `error: Off is not in the stack: condition Never does not hold`},
		"attribute of one that is off":  {`!If [Always, !GetAtt Off.Arn, 1]`, `error: Off is not in the stack`},
		"unknown function":              {`!Magic x`, `error: unknown function !Magic`},
		"unknown function, long":        {`{Fn::ImportValue: x}`, `error: unknown function Fn::ImportValue`},
		"function beside a name":        {`{Fn::Sub: x, b: c}`, `error: Fn::Sub must stand alone`},
		"function of Rules":             {`{Fn::Contains: [[a], a]}`, `error: unknown function Fn::Contains`},
		"function of Conditions":        {`!Equals [a, b]`, `error: Fn::Equals stands only in Conditions and Rules`},
		"GetAtt without attribute":      {`!GetAtt Bucket`, `error: want a resource's name and an attribute`},
		"GetAtt of a mapping":           {`{Fn::GetAtt: {a: b}}`, `error: want a list`},
		"Sub with a bash variable":      {`!Sub "${Name:-x}"`, `error: ${Name:-x} is no name; a literal is written ${!Name:-x}`},
		"Sub not closed":                {`!Sub "${Name"`, `error: ${ without }`},
		"Sub of a list":                 {`!Sub "${Items}"`, `error: want text, not a list`},
		"Sub of a function":             {`{Fn::Sub: [!Ref Name, {}]}`, `error: want text`},
		"Sub with three":                {`!Sub [a, {}, b]`, `error: 3 elements, want 2 to 2`},
		"If of an unknown condition":    {`!If [Sometimes, 1, 2]`, `error: Fn::If: unknown condition Sometimes`},
		"If with two":                   {`!If [Always, 1]`, `error: 2 elements, want 3 to 3`},
		"Join of text":                  {`!Join [",", a]`, `error: want a list`},
		"Join of lists":                 {`!Join [",", [[a]]]`, `error: want text, not a list`},
		"Join by a function":            {`!Join [!Ref Name, [a]]`, `error: want text`},
		"Split of a list":               {`!Split [",", [a]]`, `error: want text`},
		"Select beyond the end":         {`!Select [2, [a, b]]`, `error: Fn::Select: no element 2 in a list of 2`},
		"Select by no number":           {`!Select [x, [a, b]]`, `error: Fn::Select: no element x`},
		"Select from text":              {`!Select [0, a]`, `error: Fn::Select: want a list`},
		"FindInMap, nothing there":      {`!FindInMap [Zones, eu-central-1, Prefix]`, `error: nothing under Zones.eu-central-1.Prefix`},
		"Base64 of a list":              {`{Fn::Base64: [a]}`, `error: want text`},
		"Cidr of no network":            {`!Cidr [x, 1, 8]`, `error: Fn::Cidr: `},
		"Cidr of too many":              {`!Cidr ["10.0.0.0/24", 3, 7]`, `error: 3 networks with 7 host bits do not fit 10.0.0.0/24`},
		"Cidr beyond 256":               {`!Cidr ["10.0.0.0/8", 257, 8]`, `error: 257 networks, want 1 to 256`},
		"Cidr with bits too many":       {`!Cidr ["10.0.0.0/24", 1, 9]`, `error: do not fit`},
		"a number with a leading zero":  {`012`, `error: 012: write true or false, or quotes around it`},
		"a hexadecimal number":          {`0x10`, `error: want a plain decimal number`},
		"an infinite number":            {`.inf`, `error: want a plain decimal number`},
		"yes":                           {`yes`, `error: yes: write true or false`},
		"null":                          {`null`, `error: null is no value`},
		"nothing":                       {``, `error: null is no value`},
		"an anchor":                     {`&a x`, `error: anchors and aliases`},
		"a doubled name":                {`{a: 1, a: 2}`, `error: Resources.Thing.Properties.Value.a: stands here twice`},
		"a binary":                      {`!!binary eA==`, `error: !!binary is no value`},
		"a merge":                       {`{<<: {a: b}}`, `error: a name must be plain text`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := value(t, c.text, samtemplate.Options{})
			checkJSON(t, c.text, got, err, c.want)
		})
	}
}

// checkJSON compares with JSON, or with a part of an error after "error: ".
func checkJSON(t *testing.T, text string, got any, err error, want string) {
	t.Helper()
	if part, ok := strings.CutPrefix(want, "error: "); ok {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s = %v, %v, want an error with %q", text, got, err, part)
		}
		return
	}
	if err != nil {
		t.Fatalf("%s: %v, want %s", text, err, want)
	}
	encoder := &strings.Builder{}
	e := json.NewEncoder(encoder)
	e.SetEscapeHTML(false)
	if err := e.Encode(got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, strings.TrimSpace(encoder.String())); diff != "" {
		t.Errorf("%s (-want +got):\n%s", text, diff)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	_, err := value(t, "\n        - a\n        - b: !Ref Nobody", samtemplate.Options{})
	const want = "line 25: Resources.Thing.Properties.Value[1].b: Ref: unknown name Nobody"
	if err == nil || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestOptionsDefaultByRegion(t *testing.T) {
	for region, want := range map[string]string{
		"":              `"aws eu-central-1 amazonaws.com"`,
		"us-gov-west-1": `"aws-us-gov us-gov-west-1 amazonaws.com"`,
		"cn-north-1":    `"aws-cn cn-north-1 amazonaws.com.cn"`,
	} {
		const text = `!Sub "${AWS::Partition} ${AWS::Region} ${AWS::URLSuffix}"`
		got, err := value(t, text, samtemplate.Options{Region: region})
		checkJSON(t, region, got, err, want)
	}
}
