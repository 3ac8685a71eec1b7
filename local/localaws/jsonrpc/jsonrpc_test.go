package jsonrpc_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

func TestParseRefusesWhatIsNotImitated(t *testing.T) {
	for body, want := range map[string]string{
		``:                                "",
		`{"Name":"sweep"}`:                "",
		`{"Name":"sweep","EventBus":"x"}`: "EventBus",
		`{"Name":`:                        "unexpected EOF",
	} {
		var in struct{ Name string }
		err := jsonrpc.Parse(&api.Request{Body: []byte(body)}, &in)
		refusal, refused := err.(*api.Error)
		if refused != (want != "") || refused && (refusal.Code != "SerializationException" || !strings.Contains(refusal.Message, want)) {
			t.Errorf("Parse(%s) = %v, want %q", body, err, want)
		}
	}
}
