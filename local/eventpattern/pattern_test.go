package eventpattern_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/eventpattern"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("test data %s: %v", text, err)
	}
	return v
}

type match struct {
	pattern, event string
	want           bool
}

func matches(pattern, event string) match { return match{pattern, event, true} }
func misses(pattern, event string) match  { return match{pattern, event, false} }

func run(t *testing.T, table map[string]match) {
	t.Helper()
	for name, m := range table {
		t.Run(name, func(t *testing.T) {
			pattern, err := eventpattern.Compile(decode(t, m.pattern))
			if err != nil {
				t.Fatalf("Compile(%s): %v", m.pattern, err)
			}
			got, why := pattern.Match(decode(t, m.event))
			if got != m.want {
				t.Errorf("%s matches %s = %t, want %t (%s)", m.pattern, m.event, got, m.want, why)
			}
			if got != (why.Reason == "") {
				t.Errorf("%s on %s: match %t, mismatch %+v", m.pattern, m.event, got, why)
			}
		})
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func TestMatchComparesValues(t *testing.T) {
	run(t, map[string]match{
		"string":                            matches(`{"a":["x"]}`, `{"a":"x"}`),
		"another string":                    misses(`{"a":["x"]}`, `{"a":"y"}`),
		"strings are case-sensitive":        misses(`{"a":["x"]}`, `{"a":"X"}`),
		"names are case-sensitive":          misses(`{"a":["x"]}`, `{"A":"x"}`),
		"one of several":                    matches(`{"a":["x","y"]}`, `{"a":"y"}`),
		"every field is needed":             misses(`{"a":["x"],"b":["y"]}`, `{"a":"x","b":"z"}`),
		"other fields do not matter":        matches(`{"a":["x"]}`, `{"a":"x","b":[{"c":1}]}`),
		"nested":                            matches(`{"a":{"b":["x"]}}`, `{"a":{"b":"x"}}`),
		"a name with a dot is a path":       matches(`{"a":{"b.c":["x"]}}`, `{"a":{"b":{"c":"x"}}}`),
		"empty string":                      matches(`{"a":[""]}`, `{"a":""}`),
		"empty string is not null":          misses(`{"a":[""]}`, `{"a":null}`),
		"null":                              matches(`{"a":[null]}`, `{"a":null}`),
		"null is not absent":                misses(`{"a":[null]}`, `{}`),
		"bool":                              matches(`{"a":[true]}`, `{"a":true}`),
		"other bool":                        misses(`{"a":[true]}`, `{"a":false}`),
		"bool is no string":                 misses(`{"a":[true]}`, `{"a":"true"}`),
		"string is no bool":                 misses(`{"a":["true"]}`, `{"a":true}`),
		"number":                            matches(`{"a":[1]}`, `{"a":1}`),
		"1 is 1.0":                          matches(`{"a":[1]}`, `{"a":1.0}`),
		"100 is 1e2":                        matches(`{"a":[100]}`, `{"a":1e2}`),
		"number is no string":               misses(`{"a":[1]}`, `{"a":"1"}`),
		"number beyond five billion":        matches(`{"a":[111122223333]}`, `{"a":111122223333}`),
		"other number beyond five billion":  misses(`{"a":[111122223333]}`, `{"a":111122223334}`),
		"a field that is an object":         misses(`{"a":["x"]}`, `{"a":{"x":"x"}}`),
		"an object that is a field":         misses(`{"a":{"b":["x"]}}`, `{"a":"x"}`),
		"same address spelt otherwise":      matches(`{"a":["::1"]}`, `{"a":"0:0:0:0:0:0:0:1"}`),
		"address in anything-but, as text":  matches(`{"a":[{"anything-but":"::1"}]}`, `{"a":"0:0:0:0:0:0:0:1"}`),
		"no address where one is asked for": misses(`{"a":["10.0.0.1"]}`, `{"a":"cloudformation.amazonaws.com"}`),
	})
}

func TestMatchUsesOperators(t *testing.T) {
	run(t, map[string]match{
		"prefix":                      matches(`{"a":[{"prefix":"Put"}]}`, `{"a":"PutBucketPolicy"}`),
		"prefix of another case":      misses(`{"a":[{"prefix":"put"}]}`, `{"a":"PutBucketPolicy"}`),
		"empty prefix: any string":    matches(`{"a":[{"prefix":""}]}`, `{"a":"x"}`),
		"prefix of a number":          misses(`{"a":[{"prefix":"1"}]}`, `{"a":12}`),
		"prefix in any case":          matches(`{"a":[{"prefix":{"equals-ignore-case":"put"}}]}`, `{"a":"PUTx"}`),
		"short for prefix":            misses(`{"a":[{"prefix":{"equals-ignore-case":"put"}}]}`, `{"a":"PU"}`),
		"suffix":                      matches(`{"a":[{"suffix":".png"}]}`, `{"a":"x.png"}`),
		"not suffix":                  misses(`{"a":[{"suffix":".png"}]}`, `{"a":".png.jpg"}`),
		"suffix in any case":          matches(`{"a":[{"suffix":{"equals-ignore-case":".png"}}]}`, `{"a":"x.PNG"}`),
		"not suffix in any case":      misses(`{"a":[{"suffix":{"equals-ignore-case":".png"}}]}`, `{"a":1}`),
		"any case":                    matches(`{"a":[{"equals-ignore-case":"Alice"}]}`, `{"a":"aLICE"}`),
		"any case, longer":            misses(`{"a":[{"equals-ignore-case":"Alice"}]}`, `{"a":"alices"}`),
		"Kelvin sign is no k":         misses(`{"a":[{"equals-ignore-case":"k"}]}`, `{"a":"\u212a"}`),
		"wildcard":                    matches(`{"a":[{"wildcard":"*/lib/*"}]}`, `{"a":"/usr/lib/x"}`),
		"wildcard for nothing":        matches(`{"a":[{"wildcard":"a*b"}]}`, `{"a":"ab"}`),
		"wildcard does not overlap":   misses(`{"a":[{"wildcard":"ab*ba"}]}`, `{"a":"aba"}`),
		"wildcard tries later places": matches(`{"a":[{"wildcard":"a*bc*c"}]}`, `{"a":"abcbcc"}`),
		"wildcard, wrong start":       misses(`{"a":[{"wildcard":"a*"}]}`, `{"a":"ba"}`),
		"wildcard, wrong middle":      misses(`{"a":[{"wildcard":"a*b*c*d"}]}`, `{"a":"a-c-d"}`),
		"wildcard on a number":        misses(`{"a":[{"wildcard":"*"}]}`, `{"a":1}`),
		"escaped star":                matches(`{"a":[{"wildcard":"a\\**"}]}`, `{"a":"a*b"}`),
		"escaped star is no wildcard": misses(`{"a":[{"wildcard":"a\\*"}]}`, `{"a":"ab"}`),
		"escaped backslash":           matches(`{"a":[{"wildcard":"a\\\\*"}]}`, `{"a":"a\\b"}`),
		"wildcard without star":       matches(`{"a":[{"wildcard":"x"}]}`, `{"a":"x"}`),
		"numeric range":               matches(`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":5.0}`),
		"numeric below range":         misses(`{"a":[{"numeric":[">",0,"<=",5]}]}`, `{"a":0}`),
		"numeric equality":            matches(`{"a":[{"numeric":["=",3.018e2]}]}`, `{"a":301.8}`),
		"numeric less":                misses(`{"a":[{"numeric":["<",10]}]}`, `{"a":10}`),
		"numeric at least":            matches(`{"a":[{"numeric":[">=",10]}]}`, `{"a":10}`),
		"numeric on a string":         misses(`{"a":[{"numeric":["<",10]}]}`, `{"a":"1"}`),
		"numeric beyond five billion": matches(`{"a":[{"numeric":[">",0]}]}`, `{"a":6e9}`),
		"numeric of seven decimals":   matches(`{"a":[{"numeric":["<",0.1234568]}]}`, `{"a":0.1234567}`),
		"cidr":                        matches(`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.0.255"}`),
		"outside cidr":                misses(`{"a":[{"cidr":"10.0.0.0/24"}]}`, `{"a":"10.0.1.0"}`),
		"cidr, IPv6":                  matches(`{"a":[{"cidr":"2001:db8::/32"}]}`, `{"a":"2001:db8:1::"}`),
		"cidr of a service's name":    misses(`{"a":[{"cidr":"0.0.0.0/0"}]}`, `{"a":"s3.amazonaws.com"}`),
		"cidr of a number":            misses(`{"a":[{"cidr":"0.0.0.0/0"}]}`, `{"a":1}`),
		"cidr of a zoned address":     misses(`{"a":[{"cidr":"fe80::/10"}]}`, `{"a":"fe80::1%eth0"}`),
	})
}

// docs/facts.md, CloudTrail through EventBridge.
func TestMatchExcludesAndAsksForPresence(t *testing.T) {
	const guard = `{"a":[{"anything-but":"guard"}]}`
	run(t, map[string]match{
		"anything-but":                    matches(guard, `{"a":"admin"}`),
		"not anything-but":                misses(guard, `{"a":"guard"}`),
		"anything-but an absent field":    misses(guard, `{}`),
		"anything-but or absent":          matches(`{"a":[{"anything-but":"guard"},{"exists":false}]}`, `{}`),
		"anything-but a list":             misses(`{"a":[{"anything-but":["x","y"]}]}`, `{"a":"y"}`),
		"anything-but a number":           misses(`{"a":[{"anything-but":1}]}`, `{"a":1.0}`),
		"anything-but numbers":            matches(`{"a":[{"anything-but":[1,2]}]}`, `{"a":3}`),
		"anything-but a number: a string": matches(`{"a":[{"anything-but":1}]}`, `{"a":"1"}`),
		"anything-but a string: a number": matches(guard, `{"a":1}`),
		"anything-but a string: null":     matches(guard, `{"a":null}`),
		"anything-but prefix":             misses(`{"a":[{"anything-but":{"prefix":"us-"}}]}`, `{"a":"us-east-1"}`),
		"anything-but prefixes":           misses(`{"a":[{"anything-but":{"prefix":["us-","eu-"]}}]}`, `{"a":"eu-west-1"}`),
		"anything-but suffix":             matches(`{"a":[{"anything-but":{"suffix":".png"}}]}`, `{"a":"x.jpg"}`),
		"anything-but in any case":        misses(`{"a":[{"anything-but":{"equals-ignore-case":"x"}}]}`, `{"a":"X"}`),
		"anything-but wildcard":           misses(`{"a":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"a":"/lib/"}`),
		"anything-but, some element":      matches(guard, `{"a":["guard","admin"]}`),
		"anything-but, every element":     misses(guard, `{"a":["guard","guard"]}`),
		"exists":                          matches(`{"a":[{"exists":true}]}`, `{"a":1}`),
		"exists: null is a value":         matches(`{"a":[{"exists":true}]}`, `{"a":null}`),
		"exists: absent":                  misses(`{"a":[{"exists":true}]}`, `{}`),
		"exists looks at leaves only":     misses(`{"a":[{"exists":true}]}`, `{"a":{"b":1}}`),
		"exists: an empty list has none":  misses(`{"a":[{"exists":true}]}`, `{"a":[]}`),
		"absent":                          matches(`{"a":[{"exists":false}]}`, `{"b":1}`),
		"absent: present":                 misses(`{"a":[{"exists":false}]}`, `{"a":"AccessDenied"}`),
		"absent: an object is no leaf":    matches(`{"a":[{"exists":false}]}`, `{"a":{"b":1}}`),
		"absent: an empty list":           matches(`{"a":[{"exists":false}]}`, `{"a":[]}`),
		"absent below an absent object":   matches(`{"a":{"b":[{"exists":false}]}}`, `{}`),
	})
}

// https://github.com/aws/event-ruler#json-array-matching
func TestMatchTakesFieldsFromOneListElement(t *testing.T) {
	const employees = `{"employees":[{"first":"Anna","last":"Smith"},{"first":"Peter","last":"Jones"}]}`
	const nested = `{"employees":[[{"first":"Anna","last":"Smith"}],[{"first":"Peter","last":"Jones"}]]}`
	run(t, map[string]match{
		"any element of a list":              matches(`{"a":["y"]}`, `{"a":["x","y"]}`),
		"none of a list":                     misses(`{"a":["z"]}`, `{"a":["x","y"]}`),
		"lists in lists":                     matches(`{"a":["y"]}`, `{"a":[["x"],["y"]]}`),
		"field of an element":                matches(`{"employees":{"first":["Peter"]}}`, employees),
		"fields of one element":              matches(`{"employees":{"first":["Peter"],"last":["Jones"]}}`, employees),
		"fields of two elements":             misses(`{"employees":{"first":["Anna"],"last":["Jones"]}}`, employees),
		"fields of one element, nested":      matches(`{"employees":{"first":["Peter"],"last":["Jones"]}}`, nested),
		"fields of two elements, nested":     misses(`{"employees":{"first":["Anna"],"last":["Jones"]}}`, nested),
		"two scalar lists in one object":     matches(`{"a":["x"],"b":["y"]}`, `{"a":["w","x"],"b":["y","z"]}`),
		"elements of different lists":        matches(`{"a":{"n":["x"]},"b":{"n":["y"]}}`, `{"a":[{"n":"w"},{"n":"x"}],"b":[{"n":"y"}]}`),
		"later element fits all three":       matches(`{"l":{"a":[1],"b":[2],"c":[3]}}`, `{"l":[{"a":1,"b":2},{"a":1,"c":3},{"a":1,"b":2,"c":3}]}`),
		"absent in the element that matched": matches(`{"l":{"a":["x"],"b":[{"exists":false}]}}`, `{"l":[{"a":"x"},{"a":"y","b":1}]}`),
		"present in it":                      misses(`{"l":{"a":["x"],"b":[{"exists":false}]}}`, `{"l":[{"a":"x","b":1},{"a":"y"}]}`),
		// docs/facts.md: EC2 lists are an object for one element, a list for several.
		"one EC2 element":      matches(`{"id":{"content":["vpce-1"]}}`, `{"id":{"tag":1,"content":"vpce-1"}}`),
		"several EC2 elements": matches(`{"id":{"content":["vpce-2"]}}`, `{"id":[{"tag":1,"content":"vpce-1"},{"tag":2,"content":"vpce-2"}]}`),
		"no EC2 element":       misses(`{"id":{"content":["vpce-1"]}}`, `{"id":""}`),
	})
}

// https://github.com/aws/event-ruler#the-or-primitive
func TestMatchOr(t *testing.T) {
	const nested = `{"s":["aws"],"$or":[{"m":["x"]},{"t":["y"],"n":["z"],"$or":[{"i":[1]},{"p":[2]}]}]}`
	const parallel = `{"$or":[{"a":["x"]},{"b":["x"]}],"d":{"$or":[{"c":["y"]},{"e":["y"]}]}}`
	run(t, map[string]match{
		"first":                matches(nested, `{"s":"aws","m":"x"}`),
		"second with inner":    matches(nested, `{"s":"aws","t":"y","n":"z","p":2}`),
		"second without inner": misses(nested, `{"s":"aws","t":"y","n":"z"}`),
		"outer fails":          misses(nested, `{"s":"other","m":"x"}`),
		"parallel, both":       matches(parallel, `{"b":"x","d":{"c":"y"}}`),
		"parallel, one":        misses(parallel, `{"b":"x","d":{"c":"x"}}`),
		"same name, another place": matches(`{"a":["x"],"d":{"$or":[{"a":["y"]},{"b":["y"]}]}}`,
			`{"a":"x","d":{"a":"y"}}`),
		"same field in two alternatives": matches(`{"$or":[{"a":["x"]},{"a":["y"],"b":["z"]}]}`, `{"a":"y","b":"z"}`),
	})
}

func TestMatchSaysWhichFieldAndWhy(t *testing.T) {
	const outer = `{"source":["aws.s3"],"detail":{"eventName":["A",{"prefix":"B"}],"n":[{"numeric":[">",0,"<",9]}]}}`
	for name, m := range map[string]struct{ pattern, event, want string }{
		"the outermost first": {outer, `{"source":"aws.ec2","detail":{"eventName":"C","n":1}}`,
			`source: want "aws.s3", got "aws.ec2"`},
		"tests in words": {outer, `{"source":"aws.s3","detail":{"eventName":"C","n":1}}`,
			`detail.eventName: want "A" or prefix "B", got "C"`},
		"absent": {outer, `{"source":"aws.s3","detail":{"eventName":"A"}}`,
			`detail.n: want a number > 0 and < 9, got none`},
		"numbers": {outer, `{"source":"aws.s3","detail":{"eventName":"A","n":12}}`,
			`detail.n: want a number > 0 and < 9, got 12`},
		"all values of a list": {`{"a":["x"]}`, `{"a":["y",1,null]}`, `a: want "x", got ["y",1,null]`},
		"presence":             {`{"a":[{"exists":false}]}`, `{"a":"x"}`, `a: want no value, got "x"`},
		"absence":              {`{"a":[{"exists":true}]}`, `{}`, `a: want a value, got none`},
		"exclusion": {`{"a":[{"anything-but":["x","y"]},null]}`, `{"a":"x"}`,
			`a: want anything but "x" or "y" or null, got "x"`},
		"address":  {`{"a":[{"cidr":"10.0.0.0/8"}]}`, `{"a":"x"}`, `a: want an address in 10.0.0.0/8, got "x"`},
		"any case": {`{"a":[{"equals-ignore-case":"x"}]}`, `{"a":"y"}`, `a: want "x" in any case, got "y"`},
		"edge in any case": {`{"a":[{"suffix":{"equals-ignore-case":"x"}}]}`, `{"a":"y"}`,
			`a: want suffix "x" in any case, got "y"`},
		"wildcard": {`{"a":[{"wildcard":"x*"},true]}`, `{"a":"y"}`, `a: want wildcard "x*" or true, got "y"`},
		"the closest alternative": {`{"$or":[{"a":["x"],"b":["x"]},{"a":["y"],"b":["z"]}]}`, `{"a":"y","b":"y"}`,
			`b: want "z", got "y"`},
		"the alternative that the event has": {`{"$or":[{"a":["x"]},{"b":["x"]}]}`, `{"b":"y"}`, `b: want "x", got "y"`},
		"two elements of a list": {`{"l":{"a":["x"],"b":["y"]}}`, `{"l":[{"a":"x","b":"x"},{"a":"y","b":"y"}]}`,
			`l.b: want it in the same list element as the other fields, got ["x","y"]`},
		"no object": {`{"a":["x"]}`, `["x"]`, `event: want a JSON object, got ["x"]`},
	} {
		t.Run(name, func(t *testing.T) {
			pattern, err := eventpattern.Compile(decode(t, m.pattern))
			if err != nil {
				t.Fatalf("Compile(%s): %v", m.pattern, err)
			}
			if _, why := pattern.Match(decode(t, m.event)); why.String() != m.want {
				t.Errorf("mismatch of %s = %s, want %s", m.event, why, m.want)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	for name, refused := range map[string]struct{ pattern, want string }{
		"no object":                {`["x"]`, "a list, want an object"},
		"empty pattern":            {`{}`, "an empty object"},
		"empty object":             {`{"a":{}}`, "a: an empty object"},
		"empty list":               {`{"a":[]}`, "a: an empty list"},
		"a leaf that is no list":   {`{"a":{"b":"x"}}`, "a.b: a string, want a list or an object"},
		"a list in a list":         {`{"a":[["x"]]}`, "a: a list in the list"},
		"unknown operator":         {`{"a":[{"like":"x"}]}`, `a: "like" is no operator`},
		"two operators in one":     {`{"a":[{"prefix":"x","suffix":"y"}]}`, "an operator with 2 names"},
		"no operator":              {`{"a":[{}]}`, "an operator with 0 names"},
		"exists with a string":     {`{"a":[{"exists":"true"}]}`, "exists: a string"},
		"prefix with a number":     {`{"a":[{"prefix":1}]}`, "prefix: a number"},
		"prefix with wildcard":     {`{"a":[{"prefix":{"wildcard":"x"}}]}`, "prefix: takes equals-ignore-case inside"},
		"prefix with two":          {`{"a":[{"prefix":{}}]}`, "prefix: an operator with 0 names"},
		"any case with a list":     {`{"a":[{"equals-ignore-case":["x"]}]}`, "equals-ignore-case: a list"},
		"two stars":                {`{"a":[{"wildcard":"x**"}]}`, "two stars"},
		"unknown escape":           {`{"a":[{"wildcard":"\\x"}]}`, "escapes something else"},
		"escape at the end":        {`{"a":[{"wildcard":"x\\"}]}`, "escapes something else"},
		"no network":               {`{"a":[{"cidr":"10.0.0.0"}]}`, "cidr: "},
		"host bits":                {`{"a":[{"cidr":"10.0.0.1/8"}]}`, "want 10.0.0.0/8"},
		"one address":              {`{"a":[{"cidr":"10.0.0.1/32"}]}`, "one address"},
		"numeric without a list":   {`{"a":[{"numeric":5}]}`, "numeric: want a list"},
		"numeric of three":         {`{"a":[{"numeric":[">",0,"<"]}]}`, "numeric: want a list"},
		"numeric of strings":       {`{"a":[{"numeric":[">","0"]}]}`, "numeric: a string, want a number"},
		"numeric without operator": {`{"a":[{"numeric":[0,1]}]}`, "0 is no comparison"},
		"numeric, two lower":       {`{"a":[{"numeric":[">",0,">",1]}]}`, "a lower one, then an upper"},
		"numeric, nothing between": {`{"a":[{"numeric":[">",5,"<",5]}]}`, "nothing lies between"},
		"anything-but null":        {`{"a":[{"anything-but":null}]}`, "anything-but: null"},
		"anything-but nothing":     {`{"a":[{"anything-but":[]}]}`, "an empty list"},
		"anything-but mixed":       {`{"a":[{"anything-but":["x",1]}]}`, "strings and numbers"},
		"anything-but exists":      {`{"a":[{"anything-but":{"exists":true}}]}`, `"exists" cannot stand inside`},
		"anything-but two":         {`{"a":[{"anything-but":{}}]}`, "anything-but: an operator with 0"},
		"anything-but no prefix":   {`{"a":[{"anything-but":{"prefix":""}}]}`, "not empty"},
		"anything-but bad star":    {`{"a":[{"anything-but":{"wildcard":"**"}}]}`, "two stars"},
		"or of an object":          {`{"$or":{"a":["x"]}}`, "$or: want a list"},
		"or of one":                {`{"$or":[{"a":["x"]}]}`, "$or: want a list of at least two"},
		"or of strings":            {`{"$or":["a","b"]}`, "$or: a string in the list"},
		"or with an empty object":  {`{"$or":[{"a":["x"]},{}]}`, "an empty object"},
		"or with a reserved name":  {`{"$or":[{"a":["x"]},{"prefix":["x"]}]}`, "prefix: an operator's name"},
		"or makes too many":        {`{` + tooMany() + `}`, "more than 1000"},
		// docs/facts.md, CloudTrail through EventBridge ("never do it").
		"outside and inside or": {`{"a":["x"],"$or":[{"a":["y"]},{"b":["z"]}]}`, "a: tested twice"},
		"outside and deep inside or": {`{"d":{"a":["x"]},"$or":[{"d":{"a":["y"]}},{"b":["z"]}]}`,
			"d.a: tested twice"},
		"in two or": {`{"d":{"$or":[{"a":["x"]},{"b":["x"]}]},"$or":[{"d":{"a":["y"]}},{"c":["z"]}]}`,
			"d.a: tested twice"},
		"one path spelt twice": {`{"a":{"b":["x"]},"a.b":["y"]}`, "a.b: tested twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := eventpattern.Compile(decode(t, refused.pattern))
			if err == nil || !strings.Contains(err.Error(), refused.want) {
				t.Errorf("Compile(%s) = %v, want an error with %q", refused.pattern, err, refused.want)
			}
		})
	}
}

// tooMany returns the members of a pattern with 2^10 combinations.
func tooMany() string {
	var members []string
	for name := 'a'; name < 'k'; name++ {
		members = append(members, `"`+string(name)+`":{"$or":[{"x":["1"]},{"y":["1"]}]}`)
	}
	return strings.Join(members, ",")
}

func TestCompileTakesGoNumbers(t *testing.T) {
	pattern, err := eventpattern.Compile(map[string]any{"a": []any{map[string]any{"numeric": []any{">=", 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	if ok, why := pattern.Match(map[string]any{"a": json.Number("2.0")}); !ok {
		t.Errorf("numeric >= 2 on json.Number 2.0: %s, want a match", why)
	}
	if _, err := eventpattern.Compile(map[string]any{"a": []any{struct{}{}}}); err == nil {
		t.Error("Compile of a Go struct = nil, want an error")
	}
}

// The records have the shapes in docs/facts.md, CloudTrail through EventBridge.
func TestPatternsOnRecords(t *testing.T) {
	const bucket = `{"source":["aws.s3"],"detail":{"eventSource":["s3.amazonaws.com"],
		"eventName":["PutBucketPolicy","DeleteBucketPolicy"],"errorCode":[{"exists":false}],
		"requestParameters":{"bucketName":["docs-example"]},
		"userIdentity":{"sessionContext":{"sessionIssuer":{"arn":[{"exists":false},
			{"anything-but":"arn:aws:iam::111122223333:role/guard-RemediateRole-EXAMPLE"}]}}}}}`
	const endpoint = `{"source":["aws.ec2"],"detail":{"$or":[
		{"requestParameters":{"ModifyVpcEndpointRequest":{"VpcEndpointId":["vpce-0a1b2c3d4e5f60718"]}}},
		{"requestParameters":{"DeleteVpcEndpointsRequest":{"VpcEndpointId":{"content":["vpce-0a1b2c3d4e5f60718"]}}}}]}}`
	const lowerCase = `{"detail":{"requestParameters":{"vpcEndpointId":["vpce-0a1b2c3d4e5f60718"]}}}`
	const notInvoked = `{"detail":{"userIdentity":{"invokedBy":[{"anything-but":"cloudformation.amazonaws.com"}]}}}`
	for _, r := range []struct {
		pattern, event string
		want           bool
	}{
		{bucket, "put-bucket-policy.json", true},
		{bucket, "put-bucket-policy.failed.json", false},
		{bucket, "put-bucket-policy.own-role.json", false},
		{bucket, "modify-vpc-endpoint.two-subnets.json", false},
		{endpoint, "modify-vpc-endpoint.two-subnets.json", true},
		{endpoint, "delete-vpc-endpoints.one.json", true},
		{endpoint, "delete-vpc-endpoints.two.json", true},
		{endpoint, "put-bucket-policy.json", false},
		{lowerCase, "modify-vpc-endpoint.two-subnets.json", false},
		{notInvoked, "put-bucket-policy.json", false},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", r.event))
		if err != nil {
			t.Fatal(err)
		}
		pattern, err := eventpattern.Compile(decode(t, r.pattern))
		if err != nil {
			t.Fatal(err)
		}
		if got, why := pattern.Match(decode(t, string(text))); got != r.want {
			t.Errorf("%.60s… matches %s = %t, want %t (%s)", r.pattern, r.event, got, r.want, why)
		}
	}
}
