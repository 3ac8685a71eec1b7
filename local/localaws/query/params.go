// Package query speaks AWS's query protocol and EC2's flavour of it, from the side of a service: it decodes
// Action=…&Name.member.1=… into parameters and writes answers and errors as XML.
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

	"s3-endpoint-guard/local/localaws/api"
)

// Params are the parameters of one call by their full name, e.g. "Filter.1.Value.2".
type Params map[string]string

// Parse reads the parameters of a call from its body and its URL. A call without an Action is an [api.Error] of
// code MissingAction, one that is not a form of code MalformedQueryString.
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

// common are the parameters that every call may have.
var common = []string{"Action", "Version"}

// Only refuses the call, by an [api.Error] of code UnknownParameter, if it has a parameter that is not among these: what
// the local AWS does not imitate must not look as if it were done. Names are without the numbers of lists, e.g.
// "Filter.Value"; one that ends in ".*" stands for all below it.
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

// unnumbered is a parameter's name without what makes it a member of lists.
func unnumbered(name string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(name, "."), func(part string) bool {
		_, err := strconv.Atoi(part)
		return err == nil || part == "member"
	}), ".")
}

// Unknown is the answer to an action that the service does not have.
func (p Params) Unknown() *api.Error {
	return &api.Error{
		Status: http.StatusBadRequest, Code: "InvalidAction",
		Message: "The action " + p["Action"] + " is not valid for this web service.",
	}
}

// Has reports whether a parameter of this name, or a list or structure below it, was sent.
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

// Bool is a parameter's truth; false when it was not sent.
func (p Params) Bool(name string) bool { return strings.EqualFold(p[name], "true") }

// Int is a parameter's number; absent when it was not sent or is no number.
func (p Params) Int(name string, absent int) int {
	n, err := strconv.Atoi(p[name])
	if err != nil {
		return absent
	}
	return n
}

// List is a list of strings in either flavour; nil when it was not sent.
func (p Params) List(name string) []string {
	var list []string
	for _, prefix := range p.elements(name) {
		if value, ok := p[prefix]; ok {
			list = append(list, value)
		}
	}
	return list
}

// Structs is a list of structures in either flavour, each with the parameters below it; nil when it was not sent.
func (p Params) Structs(name string) []Params {
	var list []Params
	for _, prefix := range p.elements(name) {
		list = append(list, p.Struct(prefix))
	}
	return list
}

// Struct are the parameters below a name, without it; empty when none was sent.
func (p Params) Struct(name string) Params {
	below := Params{}
	for full, value := range p {
		if rest, ok := strings.CutPrefix(full, name+"."); ok {
			below[rest] = value
		}
	}
	return below
}

// elements are the prefixes of a list's elements, in order: Name.1, Name.2 … or Name.member.1, Name.member.2 …
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
