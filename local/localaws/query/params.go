// Package query implements the service's side of AWS's query protocol and of EC2's variant: it decodes
// Action=…&Name.member.1=… into parameters and encodes answers and errors as XML.
//
//	protocol  lists                 structures           answer
//	query     Name.member.1         Name.member.1.Field  <OpResponse><OpResult>…</OpResult><ResponseMetadata>…
//	EC2       Name.1                Name.1.Field         <OpResponse><requestId>…</requestId>…
//
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
package query

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Params are the parameters of one call by their full name, e.g. "Filter.1.Value.2".
type Params map[string]string

// Parse reads the parameters of a call from its body and its URL. A call without an Action is an [api.Error] with
// code MissingAction, one that is not a form has code MalformedQueryString.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func Parse(r *api.Request) (Params, error) {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, &api.Error{Status: http.StatusBadRequest, Code: "MalformedQueryString", Message: "The query string contains a syntax error."}
	}
	params := Params{}
	for _, values := range []url.Values{r.URL.Query(), form} {
		for name, value := range values {
			params[name] = value[0]
		}
	}
	if params["Action"] == "" {
		return nil, &api.Error{Status: http.StatusBadRequest, Code: "MissingAction", Message: "The request is missing an action or a required parameter."}
	}
	return params, nil
}

// common are the parameters of all calls.
var common = []string{"Action", "Version"}

// Only refuses the call, with an [api.Error] with code UnknownParameter, if it has a parameter that is not in names,
// so that no unsupported parameter is silently ignored. Names are without the numbers of lists, e.g. "Filter.Value";
// one that ends in ".*" includes all parameters below it.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (p Params) Only(names ...string) error {
	var unknown []string
	for full, value := range p {
		name := unnumbered(full)
		known := func(k string) bool {
			below, all := strings.CutSuffix(k, ".*")
			return name == k || all && strings.HasPrefix(name, below+".") || value == "" && strings.HasPrefix(k, name+".")
		}
		if !slices.ContainsFunc(common, known) && !slices.ContainsFunc(names, known) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return &api.Error{Status: http.StatusBadRequest, Code: "UnknownParameter", Message: fmt.Sprintf(
		"The parameter %s is not recognized: the local AWS does not imitate it for %s", slices.Min(unknown), p["Action"])}
}

// unnumbered returns a parameter's name without the numbers of lists.
func unnumbered(name string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(name, "."), func(part string) bool {
		_, err := strconv.Atoi(part)
		return err == nil || part == "member"
	}), ".")
}

// Unknown returns the answer to an unsupported action.
func (p Params) Unknown() *api.Error {
	return &api.Error{
		Status: http.StatusBadRequest, Code: "InvalidAction",
		Message: "The action " + p["Action"] + " is not valid for this web service.",
	}
}

// Has reports whether the call has a parameter with this name, or a list or structure below it.
func (p Params) Has(name string) bool {
	if _, ok := p[name]; ok {
		return true
	}
	for full := range p {
		if strings.HasPrefix(full, name+".") {
			return true
		}
	}
	return false
}

// Bool returns a bool parameter; false if it was not sent.
func (p Params) Bool(name string) bool { return strings.EqualFold(p[name], "true") }

// Int returns an integer parameter; absent if it was not sent or is not a number.
func (p Params) Int(name string, absent int) int {
	n, err := strconv.Atoi(p[name])
	if err != nil {
		return absent
	}
	return n
}

// List returns a list of strings in both variants; nil if it was not sent.
func (p Params) List(name string) []string {
	var list []string
	for _, prefix := range p.elements(name) {
		if value, ok := p[prefix]; ok {
			list = append(list, value)
		}
	}
	return list
}

// Structs returns a list of structures in both variants, each with the parameters below it; nil if it was not sent.
func (p Params) Structs(name string) []Params {
	var list []Params
	for _, prefix := range p.elements(name) {
		list = append(list, p.Struct(prefix))
	}
	return list
}

// Struct returns the parameters below a name, without the name; empty if none was sent.
func (p Params) Struct(name string) Params {
	below := Params{}
	for full, value := range p {
		if rest, ok := strings.CutPrefix(full, name+"."); ok {
			below[rest] = value
		}
	}
	return below
}

// elements returns the prefixes of a list's elements, in order: Name.1, Name.2 … or Name.member.1, Name.member.2 …
func (p Params) elements(name string) []string {
	if p.Has(name + ".member") {
		name += ".member"
	}
	var prefixes []string
	for i := 1; p.Has(name + "." + strconv.Itoa(i)); i++ {
		prefixes = append(prefixes, name+"."+strconv.Itoa(i))
	}
	return prefixes
}
