package iampolicy

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// plain converts a value of decodeStrictly into what package json decodes.
func plain(value any) any {
	switch v := value.(type) {
	case object:
		members := map[string]any{}
		for _, m := range v {
			members[m.name] = plain(m.value)
		}
		return members
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, plain(item))
		}
		return list
	}
	return value
}

// FuzzDecodeStrictly compares what is read, if it is not refused, with what package json reads.
func FuzzDecodeStrictly(f *testing.F) {
	for _, text := range []string{
		` { "a" : [ 1 , -2.5e+3,true,false , null, {}, [ ] ] ,"b":{"c":"d"} } `, "[\t\"\\\\\",\"\\\"\",\"\\u00e9\\n\\/\\ud83d\\ude00\",\"\"]", `"x"`, ` 0 `, `null`,
		"{\"\\u0061\":\"b\",\r\n\"c\":[[],[{}],[\"]\",\"}\",\",\",\":\"]]}", `{"a":1,"a":2}`, `[1] x`, `[1`, `"\`, `"a\"`, `[1,]`, `{"a" 1}`, `{,}`, `[01]`, `tru`, "\"\x01\"",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got, err := decodeStrictly(document)
		var want any
		d := json.NewDecoder(bytes.NewReader(document))
		d.UseNumber()
		if wrong := d.Decode(&want); wrong != nil && err == nil {
			t.Fatalf("decodeStrictly(%q) = %v, but package json: %v", document, got, wrong)
		}
		if err == nil && (!json.Valid(document) || !reflect.DeepEqual(plain(got), want)) {
			t.Fatalf("decodeStrictly(%q) = %v, want %v", document, plain(got), want)
		}
	})
}

// What package json reads must not be refused without one of the reasons that decodeStrictly has.
func TestStrictDecodingReadsOrdinaryDocuments(t *testing.T) {
	for _, text := range []string{
		` { "a" : [ 1 , -2.5e+3,true,false , null, {}, [ ] ] ,"b":{"c":"d"} } `, "[\t\"\\\\\",\"\\\"\",\"\\u00e9\\n\\/\\ud83d\\ude00\",\"\"]",
		"{\"\\u0061\":\"b\",\r\n\"c\":[[],[{}],[\"]\",\"}\",\",\",\":\"]]}", `"x"`, ` 0 `, `null`,
	} {
		if _, err := decodeStrictly([]byte(text)); err != nil {
			t.Errorf("decodeStrictly(%s): %v", text, err)
		}
	}
}
