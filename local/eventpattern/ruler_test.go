package eventpattern_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/eventpattern"
)

// The answers in testdata/ruler.json are those of AWS's own matcher (aws/event-ruler, July 2026).
func TestAgreesWithTheRuler(t *testing.T) {
	text, err := os.ReadFile("testdata/ruler.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Expect string
		Rule, Event  json.RawMessage
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if got, err := answer(t, string(c.Rule), string(c.Event)); got != c.Expect {
				t.Errorf("%s on %s: %s (%v), want %s", c.Rule, c.Event, got, err, c.Expect)
			}
		})
	}
}

// answer matches a pattern with an event, with the numbers as written.
func answer(t *testing.T, rule, event string) (string, error) {
	t.Helper()
	var decoded [2]map[string]any
	for i, text := range []string{rule, event} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&decoded[i]); err != nil {
			t.Fatalf("test data %s: %v", text, err)
		}
	}
	pattern, err := eventpattern.Compile(decoded[0])
	if err != nil {
		return "refused", err
	}
	if ok, _ := pattern.Match(decoded[1]); !ok {
		return "no match", nil
	}
	return "match", nil
}

// A number is compared as a number if its digits identify one double.
func TestNumbersAreDoubles(t *testing.T) {
	for name, c := range map[string]struct{ rule, event, want string }{
		"beyond five billion":      {`{"numeric":[">",0]}`, `6e9`, "match"},
		"seven decimals":           {`{"numeric":["<",0.1234568]}`, `0.1234567`, "match"},
		"the largest":              {`{"numeric":[">=",1.7976931348623157e308]}`, `1.7976931348623157E+308`, "match"},
		"the smallest":             {`{"numeric":[">",0,"<",1]}`, `5e-324`, "match"},
		"minus nothing":            {`{"numeric":["=",0]}`, `-0.0`, "match"},
		"many zeros":               {`{"numeric":["=",0.1]}`, `0.` + `1` + strings.Repeat("0", 100), "match"},
		"too large":                {`{"numeric":[">",0]}`, `1e309`, "no match"},
		"too many digits":          {`{"numeric":[">",0]}`, `9007199254740993`, "no match"},
		"a limit too large":        {`{"numeric":[">",1e309]}`, `1`, "refused"},
		"a limit of too many":      {`{"numeric":[">",9007199254740993]}`, `1`, "refused"},
		"an exponent out of reach": {`{"numeric":[">",1e99999999999999999999]}`, `1`, "refused"},
		"the same text":            {`9007199254740993`, `9007199254740993`, "match"},
		"the double next to it":    {`9007199254740993`, `9007199254740992`, "no match"},
		"the same number":          {`1e20`, `100000000000000000000`, "match"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := answer(t, `{"a":[`+c.rule+`]}`, `{"a":`+c.event+`}`); got != c.want {
				t.Errorf("%s on %s: %s (%v), want %s", c.rule, c.event, got, err, c.want)
			}
		})
	}
}
