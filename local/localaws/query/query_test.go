package query_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// request returns a call with a form as its body.
func request(form string) *api.Request {
	return &api.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Body: []byte(form), ID: "request-1"}
}

func TestParamsReadBothFlavoursOfLists(t *testing.T) {
	for name, v := range map[string]struct {
		form string
		want []string
	}{
		"EC2":                {"Action=A&Id.1=a&Id.2=b", []string{"a", "b"}},
		"query":              {"Action=A&Id.member.1=a&Id.member.2=b", []string{"a", "b"}},
		"more than nine":     {"Action=A&Id.1=1&Id.2=2&Id.3=3&Id.4=4&Id.5=5&Id.6=6&Id.7=7&Id.8=8&Id.9=9&Id.10=10", []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}},
		"empty":              {"Action=A&Id=", nil},
		"of another name":    {"Action=A&Identity.1=a", nil},
		"elements are empty": {"Action=A&Id.1=", []string{""}},
	} {
		t.Run(name, func(t *testing.T) {
			params := localtest.Must(query.Parse(request(v.form)))(t)
			if diff := cmp.Diff(v.want, params.List("Id")); diff != "" {
				t.Errorf("List(%q) (-want +got):\n%s", v.form, diff)
			}
		})
	}
}

func TestParamsReadStructures(t *testing.T) {
	params := localtest.Must(query.Parse(request("Action=A&Filter.1.Name=vpc-id&Filter.1.Value.1=vpc-1&Filter.2.Name=state&On=TRUE&Port=443")))(t)
	filters := params.Structs("Filter")
	if len(filters) != 2 || filters[0]["Name"] != "vpc-id" || filters[0].List("Value")[0] != "vpc-1" || filters[1].List("Value") != nil {
		t.Errorf("Structs(Filter) = %v", filters)
	}
	if !params.Bool("On") || params.Bool("Off") || params.Int("Port", -1) != 443 || params.Int("ToPort", -1) != -1 {
		t.Errorf("flags and numbers of %v differ from those sent", params)
	}
}

func TestParseRefusesWhatIsNoCall(t *testing.T) {
	for form, want := range map[string]string{"Version=1": "MissingAction", "Action=%zz": "MalformedQueryString"} {
		_, err := query.Parse(request(form))
		if refusal, ok := err.(*api.Error); !ok || refusal.Code != want {
			t.Errorf("Parse(%q) = %v, want %s", form, err, want)
		}
	}
}

func TestACallHasOnlyTheParametersThatAreImitated(t *testing.T) {
	names := []string{"VpcId", "Filter.Name", "Filter.Value", "Dns.Type", "Tags.*"}
	for form, want := range map[string]string{
		"Action=A&Version=1&VpcId=vpc-1":                                  "",
		"Action=A&Filter.1.Name=a&Filter.1.Value.1=b&Filter.2.Value.10=c": "",
		"Action=A&Filter.member.1.Name=a&Tags.1.Key=k&Tags.1.Deep.2.X=v":  "",
		"Action=A&Dns.Type=ipv4&Filter=":                                  "",
		"Action=A&Dns.Type=ipv4&Dns.Other=x":                              "Dns.Other",
		"Action=A&IpAddressType=dualstack&VpcId=vpc-1":                    "IpAddressType",
		"Action=A&VpcIds.1=vpc-1":                                         "VpcIds",
		"Action=A&Filter.1.Names.1=vpc-1":                                 "Filter.Names",
		"Action=A&Tags=":                                                  "",
		"Action=A&Other=":                                                 "Other",
	} {
		err := localtest.Must(query.Parse(request(form)))(t).Only(names...)
		refusal, refused := err.(*api.Error)
		if refused != (want != "") || refused && (refusal.Code != "UnknownParameter" || !strings.Contains(refusal.Message, " "+want+" ")) {
			t.Errorf("Only(%q) = %v, want %q named", form, err, want)
		}
	}
}

func TestTreeTellsListsFromStructures(t *testing.T) {
	params := localtest.Must(query.Parse(request("Action=A&Version=1&List.1=a&List.2=b&Struct.Field=c&Deep.1.List.1.Field=d")))(t)
	leaf := func(value string) *query.Node { return &query.Node{Value: value} }
	structure := func(name string, n *query.Node) *query.Node {
		return &query.Node{Fields: map[string]*query.Node{name: n}}
	}
	list := func(items ...*query.Node) *query.Node { return &query.Node{Items: items} }
	want := &query.Node{Fields: map[string]*query.Node{
		"List": list(leaf("a"), leaf("b")), "Struct": structure("Field", leaf("c")),
		"Deep": list(structure("List", list(structure("Field", leaf("d"))))),
	}}
	if diff := cmp.Diff(want, params.Tree()); diff != "" {
		t.Errorf("Tree (-want +got):\n%s", diff)
	}
}

func TestAnswersAndErrorsAreInTheProtocolsShape(t *testing.T) {
	type result struct {
		Name string
		Tags []string `xml:"Tags>member"`
	}
	standard, ec2 := query.Protocol{Namespace: "urn:x"}, query.Protocol{Namespace: "urn:x", EC2: true}
	refusal := &api.Error{Status: 400, Code: "Bad", Message: "a < b"}
	answer := func(p query.Protocol, result any) string {
		return string(localtest.Must(p.Answer(request(""), "Op", result))(t).Body)
	}
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	for _, v := range []struct{ name, got, want string }{
		{"answer", answer(standard, result{"n", []string{"<t>"}}), head + `<OpResponse xmlns="urn:x"><OpResult><Name>n</Name><Tags><member>&lt;t&gt;</member></Tags></OpResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></OpResponse>`},
		{"empty answer", answer(standard, nil), head + `<OpResponse xmlns="urn:x"><OpResult></OpResult><ResponseMetadata><RequestId>request-1</RequestId></ResponseMetadata></OpResponse>`},
		{"EC2's answer", answer(ec2, result{Name: "n"}), head + `<OpResponse xmlns="urn:x"><requestId>request-1</requestId><Name>n</Name><Tags></Tags></OpResponse>`},
		{"error", string(standard.Error(request(""), refusal).Body), head + `<ErrorResponse xmlns="urn:x"><Error><Type>Sender</Type><Code>Bad</Code><Message>a &lt; b</Message></Error><RequestId>request-1</RequestId></ErrorResponse>`},
		{"EC2's error", string(ec2.Error(request(""), refusal).Body), head + `<Response><Errors><Error><Code>Bad</Code><Message>a &lt; b</Message></Error></Errors><RequestID>request-1</RequestID></Response>`},
	} {
		t.Run(v.name, func(t *testing.T) {
			if diff := cmp.Diff(v.want, v.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
