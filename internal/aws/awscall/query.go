package awscall

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/url"
)

// query is the protocol of services that take a form and answer XML. Its value is the version of the service's API.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type query string

func (p query) message(operation string, in any) (message, error) {
	values, ok := in.(url.Values)
	if !ok {
		return message{}, fmt.Errorf("the input is %T, not url.Values", in)
	}
	form := maps.Clone(values)
	form.Set("Action", operation)
	form.Set("Version", string(p))
	return message{body: []byte(form.Encode()), header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}, nil
}

func (query) decode(answer []byte, out any) error { return xml.Unmarshal(answer, out) }

// refusal reads an error. What is no XML has no code, so that the SDK's retryer goes by the status.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#operation-error-serialization
func (query) refusal(_ *http.Response, answer []byte) said {
	var body struct {
		Code    string `xml:"Error>Code"`
		Message string `xml:"Error>Message"`
	}
	_ = xml.Unmarshal(answer, &body)
	return said{body.Code, body.Message}
}
