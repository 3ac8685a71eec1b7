package eventpattern_test

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/local/eventpattern"
)

// leaf is one value of an event from which a pattern can be made.
type leaf struct {
	path  []string
	value any
}

// tree draws an event: objects of objects and scalars. It has no lists, because in a list another element may still
// match after one leaf has changed.
func tree(t *rapid.T, depth int) map[string]any {
	object := map[string]any{}
	for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching(`[a-dA-D-]{1,3}`), 1, 4, rapid.ID).Draw(t, "names") {
		if depth > 0 && rapid.Bool().Draw(t, "object") {
			object[name] = tree(t, depth-1)
			continue
		}
		object[name] = scalar().Draw(t, "scalar")
	}
	return object
}

func scalar() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.String().AsAny(),
		rapid.Bool().AsAny(),
		rapid.Just[any](nil),
		rapid.Float64Range(-5e9, 5e9).AsAny(),
		rapid.IntRange(-1000, 1000).AsAny(),
	)
}

func leaves(path []string, object map[string]any) []leaf {
	var all []leaf
	for name, value := range object {
		at := append(append([]string{}, path...), name)
		if inner, ok := value.(map[string]any); ok {
			all = append(all, leaves(at, inner)...)
			continue
		}
		all = append(all, leaf{at, value})
	}
	return all
}

// put sets the value at path in a nested object, and makes missing objects.
func put(object map[string]any, path []string, value any) {
	for _, name := range path[:len(path)-1] {
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object = inner
	}
	object[path[len(path)-1]] = value
}

func TestPatternOfAnEventsLeavesMatchesItUntilOneChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		event := tree(t, 3)
		all := leaves(nil, event)
		indexes := rapid.SliceOfNDistinct(rapid.IntRange(0, len(all)-1), 1, len(all), rapid.ID).Draw(t, "picked")
		source := map[string]any{}
		for _, i := range indexes {
			put(source, all[i].path, []any{all[i].value})
		}
		pattern, err := eventpattern.Compile(source)
		if err != nil {
			t.Fatalf("Compile(%v): %v", source, err)
		}
		if ok, why := pattern.Match(event); !ok {
			t.Fatalf("%v on the event it was made of: %s, want a match", source, why)
		}
		changed := all[indexes[0]]
		put(event, changed.path, []any{"not", changed.value}[:1])
		if changed.value == "not" {
			put(event, changed.path, "other")
		}
		ok, why := pattern.Match(event)
		if path := strings.Join(changed.path, "."); ok || why.Path != path {
			t.Fatalf("%v after %s changed: match %t (%s), want a mismatch at that path", source, path, ok, why)
		}
	})
}

// FuzzMatch looks for a panic, and for a match with a reason for a mismatch.
func FuzzMatch(f *testing.F) {
	for _, pattern := range []string{
		`{"source":["aws.s3"],"detail":{"eventName":[{"prefix":"Put"}],"errorCode":[{"exists":false}]}}`,
		`{"a":[{"numeric":[">",0,"<=",5]},{"cidr":"10.0.0.0/8"},{"wildcard":"a*b"}]}`,
		`{"$or":[{"a":[{"anything-but":{"prefix":"x"}}]},{"b":["y",1,null,true]}]}`,
	} {
		f.Add(pattern, `{"source":"aws.s3","detail":{"eventName":"PutBucketPolicy"}}`)
		f.Add(pattern, `{"a":[{"b":[1,2,[3]]},"10.0.0.1",1e400],"b":null}`)
	}
	f.Fuzz(func(t *testing.T, source, text string) {
		var raw, event any
		if !decodes(source, &raw) || !decodes(text, &event) {
			return
		}
		pattern, err := eventpattern.Compile(raw)
		if err != nil {
			return
		}
		if ok, why := pattern.Match(event); ok != (why.Reason == "") {
			t.Errorf("%s on %s: match %t with reason %q", source, text, ok, why.Reason)
		}
	})
}

// decodes reads a JSON text, keeping numbers as written.
func decodes(text string, into *any) bool {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into) == nil
}
