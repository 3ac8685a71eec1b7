package awscall

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
)

// jsonAnswers is how services answer whose protocols are in JSON.
type jsonAnswers struct{}

func (jsonAnswers) decode(answer []byte, out any) error { return json.Unmarshal(answer, out) }

// refusal reads an error. Its code may be in a header, and have a namespace before it or an address behind it. SQS has its former code in
// another header; the SDK takes that.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
func (jsonAnswers) refusal(response *http.Response, answer []byte) said {
	var body struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(answer, &body) // what is no JSON has no code, as with the SDK; names match in any case
	code, _, _ := strings.Cut(cmp.Or(response.Header.Get("X-Amzn-Errortype"), body.Type, body.Code), ":")
	code = code[strings.LastIndex(code, "#")+1:]
	former, _, _ := strings.Cut(response.Header.Get("X-Amzn-Query-Error"), ";")
	return said{cmp.Or(former, code), body.Message}
}

// awsJSON is the protocol of services that take the operation's name in a header.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
type awsJSON struct {
	jsonAnswers
	target, version string
}

// JSON returns a service with the AWS JSON protocol: target precedes an operation in X-Amz-Target, and version is that of the protocol,
// "1.0" or "1.1".
func JSON(id, name, target, version string) Service {
	return Service{id, name, awsJSON{target: target, version: version}}
}

func (p awsJSON) message(operation string, in any) (message, error) {
	body, err := json.Marshal(in)
	return message{body: body, header: map[string]string{
		"Content-Type": "application/x-amz-json-" + p.version, "X-Amz-Target": p.target + "." + operation,
	}}, err
}

// restJSON is the protocol of services whose operations have paths.
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
type restJSON struct {
	jsonAnswers
	paths map[string]string // by the operations' names
}

func (p restJSON) message(operation string, in any) (message, error) {
	body, err := json.Marshal(in)
	return message{path: p.paths[operation], body: body, header: map[string]string{"Content-Type": "application/json"}}, err
}
