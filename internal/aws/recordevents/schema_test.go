package recordevents_test

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"example.com/s3-endpoint-guard/internal/aws/recordevents"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/eventpattern"
	"example.com/s3-endpoint-guard/test/golden"
)

const (
	schemaFile = "../../../docs/record.schema.json"
	docsFile   = "../../../docs/events.md"
	stackID    = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001"
)

var setting = iampolicy.Setting{
	Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs-example",
	EndpointID: "vpce-0a1b2c3d4e5f60718",
}

// examples are records of all kinds.
var examples = map[string]guard.Record{
	"corrected": {
		Outcome: guard.Corrected, Resource: "bucket-policy", Target: "docs-example", Verdict: iampolicy.Open,
		Trigger: guard.Trigger{
			Kind: guard.Event, EventID: "e-1", EventName: "PutBucketPolicy", EventTime: time.Date(2026, 3, 2, 9, 1, 3, 0, time.UTC),
		},
		Actor: &guard.Actor{
			ARN: "arn:aws:sts::111122223333:assumed-role/ops/alice", IssuerARN: "arn:aws:iam::111122223333:role/ops",
			SourceIPAddress: "198.51.100.7", UserAgent: "aws-cli/2.31.0",
		},
		Allowed: "anonymous caller from the internet: s3:GetObject on arn:aws:s3:::docs-example/thankyou.txt is allowed",
		Diff:    []guard.Difference{{Name: "Everyone", Value: `{"Effect":"Allow","Principal":"*"}`}},
		Before:  `{"Statement":[{"Sid":"Everyone"}]}`, After: `{"Statement":[{"Sid":"DenyPlainHTTP"}]}`,
		Stack: "CREATE_COMPLETE", SinceEventMs: 4210, ElapsedMs: 96, Attempts: 1,
		RequestID: "5c1f3a52-0000-4000-8000-000000000001",
	},
	"contested": {
		Outcome: guard.Corrected, Resource: "subnets", Target: "vpce-0a1b2c3d4e5f60718", Verdict: iampolicy.Closed,
		Trigger: guard.Trigger{Kind: guard.Sweep}, Diff: []guard.Difference{{Removed: true, Value: "subnet-0aaa1111bbbb2222c"}},
		Before: `[]`, After: `["subnet-0aaa1111bbbb2222c"]`, Stack: "UPDATE_IN_PROGRESS", ElapsedMs: 1500, Attempts: 2,
		Overruled: true,
		Contested: &guard.Contest{Corrections: 3, Guard: "arn:aws:iam::111122223333:role/guard"},
	},
	"observed": {
		Outcome: guard.Observed, Resource: "public-access-block", Target: "docs-example", Verdict: iampolicy.Open,
		Trigger: guard.Trigger{Kind: guard.Direct}, Allowed: "public access may be granted: BlockPublicAcls off",
	},
	"unreadable": {
		Outcome: guard.NotCorrected, Resource: "bucket-policy", Target: "docs-example", Verdict: iampolicy.Open,
		Trigger: guard.Trigger{Kind: guard.Sweep, Unknown: true},
		Actor:   &guard.Actor{ARN: "AIDAEXAMPLEFOREIGN001", AccountID: "999900001111"},
		Unread:  "bucket docs-example: AccessDenied", Error: "written without knowing what was live",
		Runbook: guard.RemedyDenied, Attempts: 1,
	},
	"gone": {
		Outcome: guard.NotCorrected, Resource: "vpc-endpoint", Missing: true, Runbook: guard.RemedyEndpointGone,
		Trigger: guard.Trigger{Kind: guard.Stack, EventName: "UPDATE_COMPLETE"},
		Error:   "inspecting vpc-endpoint: endpoint vpce-0a1b2c3d4e5f60718: deleted",
	},
}

// schema compiles the published schema.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	s, err := compiler.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkSchema fails the test if a detail does not have the published form.
func checkSchema(t *testing.T, detail string) {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(detail))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(value); err != nil {
		t.Errorf("the detail is not as docs/record.schema.json says: %v\n%s", err, detail)
	}
}

// event returns an entry as rules get it. EventBridge sets the fields in the second line.
func event(t *testing.T, r guard.Record) string {
	t.Helper()
	b, f := newBus()
	send(t, b, r)
	e := f.calls[0][0]
	var indented bytes.Buffer
	if err := json.Indent(&indented, []byte(e.Detail), "  ", "  "); err != nil {
		t.Fatal(err)
	}
	arns, err := json.MarshalIndent(e.Resources, "  ", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return `{
  "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "time": "2026-03-02T09:01:08Z",
  "account": "111122223333", "region": "eu-central-1",
  "source": "` + e.Source + `",
  "detail-type": "` + e.DetailType + `",
  "resources": ` + string(arns) + `,
  "detail": ` + indented.String() + "\n}\n"
}

func TestEventsAreAsOnFileAndAsTheSchemaSays(t *testing.T) {
	for name, r := range examples {
		t.Run(name, func(t *testing.T) {
			got, path := event(t, r), filepath.Join("testdata", name+".json")
			golden.File(t, path, got)
			var whole struct{ Detail json.RawMessage }
			if err := json.Unmarshal([]byte(got), &whole); err != nil {
				t.Fatal(err)
			}
			checkSchema(t, string(whole.Detail))
		})
	}
}

func TestTheSchemaRefusesOtherDetails(t *testing.T) {
	for name, detail := range map[string]string{
		"nothing":            `{}`,
		"another outcome":    `{"message":"fixed"}`,
		"a time of no form":  `{"trigger":{"kind":"event","eventTime":"yesterday"}}`,
		"a text for a count": `{"attempts":"1"}`,
	} {
		whole := `{"message":"corrected","trigger":{"kind":"sweep"},"resource":"subnets","before":"","after":"","elapsedMs":1,` +
			`"attempts":1,"account":"111122223333","region":"eu-central-1","stackId":"arn:aws:x","bucket":"docs-example"}`
		var fields, changes map[string]any
		if err := json.Unmarshal([]byte(whole), &fields); err != nil {
			t.Fatal(err)
		}
		if err := schema(t).Validate(fields); err != nil {
			t.Fatalf("the schema refuses a complete detail: %v", err)
		}
		if err := json.Unmarshal([]byte(detail), &changes); err != nil {
			t.Fatal(err)
		}
		for field, value := range changes {
			fields[field] = value
		}
		if name == "nothing" {
			fields = map[string]any{}
		}
		if err := schema(t).Validate(fields); err == nil {
			t.Errorf("%s: the schema accepts %s, want it to refuse", name, detail)
		}
	}
}

func TestTheDocumentationShowsARealEvent(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	if example := event(t, examples["corrected"]); !strings.Contains(string(text), "```json\n"+example+"```\n") {
		t.Errorf("docs/events.md does not contain the event of testdata/corrected.json:\n%s", example)
	}
}

// The first example in docs/events.md is an event, the others are patterns of rules.
func TestTheDocumentationsPatternsMatch(t *testing.T) {
	text, err := os.ReadFile(docsFile)
	if err != nil {
		t.Fatal(err)
	}
	var patterns []*eventpattern.Pattern
	for i, block := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		var document any
		if err := json.Unmarshal([]byte(block[1]), &document); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		p, err := eventpattern.Compile(document)
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, p)
	}
	if len(patterns) != 2 {
		t.Fatalf("%d patterns, want 2", len(patterns))
	}
	for name, want := range map[string][]bool{
		"corrected": {true, false}, "contested": {false, false}, "observed": {false, false},
		"unreadable": {false, true}, "gone": {false, true},
	} {
		var e map[string]any
		if err := json.Unmarshal([]byte(event(t, examples[name])), &e); err != nil {
			t.Fatal(err)
		}
		for i, p := range patterns {
			if got, _ := p.Match(e); got != want[i] {
				t.Errorf("pattern %d matches %s: %t, want %t", i+1, name, got, want[i])
			}
		}
	}
}

// TestTheSchemaHasEachFieldOfARecord compares the schema with the types: names, and whether a field is always present.
func TestTheSchemaHasEachFieldOfARecord(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s object
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	fields(reflect.TypeFor[recordevents.Detail](), "", want)
	s.fields("", got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields, and whether they are required (-types +schema):\n%s", diff)
	}
}

// object is a part of a schema.
type object struct {
	Properties map[string]object
	Required   []string
	Items      *object
}

// fields notes the names of all fields below an object, and whether they are required.
func (o object) fields(prefix string, into map[string]bool) {
	for name, p := range o.Properties {
		into[prefix+name] = slices.Contains(o.Required, name)
		if p.Items != nil {
			p = *p.Items
		}
		p.fields(prefix+name+".", into)
	}
}

// fields notes the JSON names of a type's fields, and whether they are always encoded.
func fields(typ reflect.Type, prefix string, into map[string]bool) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			fields(f.Type, prefix, into)
		case f.IsExported() && name != "-":
			into[prefix+name] = !strings.Contains(options, "omit")
			fields(f.Type, prefix+name+".", into)
		}
	}
}

// TestTheSchemaHasAllOutcomes compares the schema's values with the constants in the code.
func TestTheSchemaHasAllOutcomes(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Properties struct {
			Message struct{ Enum []string }
			Trigger struct {
				Properties struct{ Kind struct{ Enum []string } }
			}
		}
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for _, values := range []struct {
		file, typ string
		schema    []string
	}{
		{"../../guard/record.go", "Outcome", s.Properties.Message.Enum},
		{"../../guard/trigger.go", "Kind", s.Properties.Trigger.Properties.Kind.Enum},
	} {
		if diff := cmp.Diff(constants(t, values.file, values.typ), values.schema); diff != "" {
			t.Errorf("values of %s (-code +schema):\n%s", values.typ, diff)
		}
	}
}

// constants returns the values of a file's string constants of a type, in order.
func constants(t *testing.T, file, typ string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == typ {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, value)
		}
		return true
	})
	return values
}
