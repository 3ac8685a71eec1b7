package iampolicy_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// document is a policy as decoded JSON, which tests rewrite or change.
type document = map[string]any

func decode(t *rapid.T, text string) document {
	var d document
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func encode(t *rapid.T, d document) string {
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// drawList draws one to three of the given texts, without repetition. A single text is sometimes drawn without a list.
func drawList(t *rapid.T, of ...string) any {
	list := rapid.SliceOfNDistinct(rapid.SampledFrom(of), 1, min(3, len(of)), rapid.ID).Draw(t, "list")
	if len(list) == 1 && rapid.Bool().Draw(t, "alone") {
		return list[0]
	}
	return anyList(list)
}

func anyList(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// drawPolicy draws a resource policy with all elements, operators and types of principals.
func drawPolicy(t *rapid.T) document {
	d := document{"Version": rapid.SampledFrom([]string{"2008-10-17", "2012-10-17"}).Draw(t, "version")}
	var statements []any
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		statements = append(statements, unnamesake(statements, drawStatement(t)))
	}
	d["Statement"] = statements
	return d
}

// unnamesake deletes a statement's Sid if another statement has the same one.
func unnamesake(others []any, s document) document {
	for _, other := range others {
		if other.(document)["Sid"] == s["Sid"] {
			delete(s, "Sid")
		}
	}
	return s
}

func drawStatement(t *rapid.T) document {
	not := func(name string) string {
		if rapid.IntRange(0, 3).Draw(t, "not") == 0 {
			return "Not" + name
		}
		return name
	}
	s := document{
		"Effect":         rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect"),
		not("Principal"): drawPrincipal(t),
		not("Action"):    drawList(t, "s3:GetObject", "s3:PutObject", "s3:Get*", "s3:*", "*", "s3:?etObject", "s3:ListBucket", "s3:PutBucketPolicy"),
		not("Resource"):  drawList(t, "*", "arn:aws:s3:::docs", "arn:aws:s3:::docs/*", "arn:aws:s3:::docs/t?ankyou.txt", "arn:aws:s3:::docs/${aws:username}/*"),
	}
	if rapid.Bool().Draw(t, "named") {
		s["Sid"] = rapid.SampledFrom([]string{"One", "Two", "Three"}).Draw(t, "sid")
	}
	if rapid.Bool().Draw(t, "conditional") {
		s["Condition"] = drawCondition(t)
	}
	return s
}

func drawPrincipal(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just[any]("*"),
		rapid.Just[any](document{"AWS": "*"}),
		rapid.Custom(func(t *rapid.T) any {
			return document{"AWS": drawList(t, "111122223333", "arn:aws:iam::444455556666:root", alice, app, session, "AROAEXAMPLEDELETED0001")}
		}),
		rapid.Custom(func(t *rapid.T) any {
			return document{"Service": drawList(t, "logging.s3.amazonaws.com", trail), "AWS": drawList(t, alice, "*")}
		}),
	).Draw(t, "principal")
}

func drawCondition(t *rapid.T) document {
	all := document{
		"StringEquals":              document{"aws:SourceVpce": drawList(t, docs.EndpointID, "vpce-1")},
		"StringNotEquals":           document{"aws:SourceVpc": drawList(t, docs.VPCID), "aws:PrincipalAccount": drawList(t, owner)},
		"StringLike":                document{"aws:username": drawList(t, "a*", "${aws:PrincipalTag/name}")},
		"ForAnyValue:StringLike":    document{"aws:TagKeys": drawList(t, "a*", "b")},
		"ForAllValues:StringEquals": document{"aws:TagKeys": drawList(t, "a", "b")},
		"Bool":                      document{"aws:SecureTransport": "false"},
		"BoolIfExists":              document{"aws:PrincipalIsAWSService": rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")},
		"NumericLessThan":           document{"s3:max-keys": "10"},
		"DateGreaterThan":           document{"aws:CurrentTime": "2026-01-01T00:00:00Z"},
		"NotIpAddress":              document{"aws:SourceIp": drawList(t, "198.51.100.0/24", "2001:db8::/32")},
		"ArnNotEquals":              document{"aws:PrincipalArn": drawList(t, app, alice)},
		"Null":                      document{"aws:PrincipalArn": "true"},
	}
	names := slices.Sorted(maps.Keys(all))
	c := document{}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, 3, rapid.ID).Draw(t, "operators") {
		c[name] = all[name]
	}
	return c
}

// respell rewrites a document without changing its meaning, as S3 and people do.
func respell(t *rapid.T, d document) document {
	out := document{}
	for name, value := range d {
		out[name] = value
	}
	if d["Version"] == "2008-10-17" && rapid.Bool().Draw(t, "without version") {
		delete(out, "Version")
	}
	if rapid.Bool().Draw(t, "empty id") {
		out["Id"] = ""
	}
	var statements []any
	for _, s := range d["Statement"].([]any) {
		statements = append(statements, respellStatement(t, s.(document)))
	}
	out["Statement"] = shuffled(t, statements)
	if len(statements) == 1 && rapid.Bool().Draw(t, "alone") {
		out["Statement"] = statements[0]
	}
	return out
}

func respellStatement(t *rapid.T, s document) document {
	out := document{}
	for name, value := range s {
		switch name {
		case "Principal", "NotPrincipal":
			out[name] = respellPrincipal(t, value)
		case "Action", "NotAction":
			out[name] = respellList(t, value, func(s string) string {
				return rapid.SampledFrom([]string{s, strings.ToUpper(s), strings.ToLower(s)}).Draw(t, "case")
			})
		case "Resource", "NotResource":
			out[name] = respellList(t, value, nil)
		case "Condition":
			out[name] = respellCondition(t, value.(document))
		default:
			out[name] = value
		}
	}
	if _, named := out["Sid"]; !named && rapid.Bool().Draw(t, "empty sid") {
		out["Sid"] = ""
	}
	return out
}

func respellPrincipal(t *rapid.T, value any) any {
	types, ok := value.(document)
	if !ok {
		return rapid.SampledFrom([]any{"*", document{"AWS": "*"}, document{"AWS": []any{"*"}}}).Draw(t, "everybody")
	}
	out := document{}
	for name, list := range types {
		out[name] = respellList(t, list, func(s string) string {
			switch s {
			case "111122223333":
				return rapid.SampledFrom([]string{s, root}).Draw(t, "account")
			case "arn:aws:iam::444455556666:root":
				return rapid.SampledFrom([]string{s, "444455556666"}).Draw(t, "account")
			}
			return s
		})
	}
	return out
}

func respellCondition(t *rapid.T, c document) document {
	out := document{}
	for operator, keys := range c {
		block := document{}
		for key, values := range keys.(document) {
			key = rapid.SampledFrom([]string{key, strings.ToLower(key), strings.ToUpper(key)}).Draw(t, "key")
			block[key] = respellList(t, values, nil)
			if literal := map[string]any{"false": false, "true": true, "10": 10}[first(values)]; literal != nil && rapid.Bool().Draw(t, "literal") {
				block[key] = literal
			}
		}
		out[operator] = block
	}
	return out
}

func first(value any) string {
	s, _ := value.(string)
	return s
}

// respellList reorders a list, repeats members, converts between a single text and a list, and rewrites members.
func respellList(t *rapid.T, value any, rewrite func(string) string) any {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	list = slices.Clone(list)
	if rapid.Bool().Draw(t, "repeated") {
		list = append(list, list[0])
	}
	for i := range list {
		if rewrite != nil {
			list[i] = rewrite(list[i].(string))
		}
	}
	if len(list) == 1 && rapid.Bool().Draw(t, "alone") {
		return list[0]
	}
	return shuffled(t, list)
}

func shuffled(t *rapid.T, list []any) []any {
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	out := make([]any, len(list))
	for i, from := range rapid.Permutation(order).Draw(t, "order") {
		out[i] = list[from]
	}
	return out
}

func parse(t *rapid.T, text string) *iampolicy.Policy {
	p, err := iampolicy.Parse([]byte(text))
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return p
}

func TestEveryRewriteIsSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawPolicy(t)
		before, after := encode(t, d), encode(t, respell(t, d))
		if got := iampolicy.Judge([]byte(before), []byte(after), listed(forbiddenOnBucket)); got.Verdict != iampolicy.Same {
			t.Fatalf("Judge(%s, %s) = %s, want same; %v", before, after, got.Verdict, got.Diff)
		}
	})
}

func TestCanonicalFormIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := parse(t, encode(t, drawPolicy(t)))
		if again := parse(t, p.String()); again.String() != p.String() {
			t.Fatalf("canonical form of %s = %s, want no change", p, again)
		}
	})
}

// A policy and its canonical form must give the same decisions.
func TestCanonicalFormDecidesTheSame(t *testing.T) {
	everything := parseOnce(t)
	rapid.Check(t, func(t *rapid.T) {
		p := parse(t, encode(t, drawPolicy(t)))
		again := parse(t, p.String())
		r := rapid.SampledFrom(forbiddenOnBucket).Draw(t, "probe").Request()
		a := iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: p})
		b := iampolicy.Evaluate(r, iampolicy.Policies{Identity: everything, Resource: again})
		if a.Effect != b.Effect {
			t.Fatalf("%+v is %s by %s, but %s by its canonical form", r, a.Effect, p, b.Effect)
		}
	})
}

func parseOnce(t *testing.T) []*iampolicy.Policy {
	return []*iampolicy.Policy{mustParse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}
}

// mutate changes the desired policy in one or several places; the result may be equal to the desired policy.
func mutate(t *rapid.T, d document) document {
	for range rapid.IntRange(1, 3).Draw(t, "mutations") {
		statements := d["Statement"].([]any)
		i := rapid.IntRange(0, len(statements)-1).Draw(t, "which")
		s := statements[i].(document)
		switch rapid.IntRange(0, 7).Draw(t, "mutation") {
		case 0:
			if len(statements) > 1 {
				d["Statement"] = slices.Delete(slices.Clone(statements), i, i+1)
			}
		case 1:
			d["Statement"] = append(slices.Clone(statements), unnamesake(statements, drawStatement(t)))
		case 2:
			s["Effect"] = rapid.SampledFrom([]string{"Allow", "Deny"}).Draw(t, "effect")
		case 3:
			delete(s, "NotAction")
			s["Action"] = drawList(t, "s3:GetObject", "s3:*", "s3:Put*", "s3:ListBucket*")
		case 4:
			delete(s, "NotResource")
			s["Resource"] = drawList(t, "arn:aws:s3:::docs", "arn:aws:s3:::docs/*", "arn:aws:s3:::docs/secret/*")
		case 5:
			delete(s, "NotPrincipal")
			s["Principal"] = drawPrincipal(t)
		case 6:
			delete(s, "Principal")
			s["NotPrincipal"] = drawPrincipal(t)
		case 7:
			s["Condition"] = drawCondition(t)
		}
	}
	return d
}

func TestEveryMutationThatChangesAnAnswerIsSeen(t *testing.T) {
	everything := parseOnce(t)
	rapid.Check(t, func(t *rapid.T) {
		live := encode(t, mutate(t, decode(t, desiredBucket)))
		p := parse(t, live)
		got := iampolicy.Judge([]byte(desiredBucket), []byte(live), listed(forbiddenOnBucket))
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(forbiddenOnBucket)-1), 40, 40).Draw(t, "requests") {
			answer := iampolicy.Evaluate(forbiddenOnBucket[i].Request(), iampolicy.Policies{Identity: everything, Resource: p})
			if answer.Effect != iampolicy.Deny && got.Verdict != iampolicy.Open {
				t.Fatalf("Judge(desired, %s) = %s, but %s: %+v", live, got.Verdict, forbiddenOnBucket[i].Name(), answer)
			}
		}
		if equal := iampolicy.Equal(parse(t, desiredBucket), p); equal != (got.Verdict == iampolicy.Same) {
			t.Fatalf("Judge(desired, %s) = %s, but equal is %t", live, got.Verdict, equal)
		}
	})
}
