// Package jsonrpc implements the service's side of AWS JSON 1.1: the operation is in the header X-Amz-Target, its
// parameters and its result are JSON.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
package jsonrpc

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

const contentType = "application/x-amz-json-1.1"

// Operation returns the operation of a request.
func Operation(r *api.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndex(target, ".")+1:]
}

// Parse reads a request's parameters into a struct, as [Decode] does. Its error is an [api.Error] with code
// SerializationException.
func Parse(r *api.Request, parameters any) error {
	if len(r.Body) == 0 {
		return nil
	}
	if err := Decode(r.Body, parameters); err != nil {
		return Refuse("SerializationException", err.Error())
	}
	return nil
}

// Decode reads JSON into a struct. A member without a field is an error, so that no unsupported parameter is silently
// ignored.
func Decode(body []byte, parameters any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	return decoder.Decode(parameters)
}

// Unknown returns the answer to an unsupported operation.
func Unknown(r *api.Request) *api.Error {
	return Refuse("UnknownOperationException", "the local AWS has no operation "+Operation(r))
}

// Refuse returns an error of the client.
func Refuse(code, message string) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

// Answer encodes a result, which must be valid for JSON.
func Answer(r *api.Request, result any) (*api.Response, error) {
	text, err := json.Marshal(result)
	return &api.Response{Status: http.StatusOK, Header: header(r), Body: text}, err
}

// Error encodes an error.
func Error(r *api.Request, e *api.Error) *api.Response {
	// Encoding two strings cannot fail.
	text, _ := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	answer := &api.Response{Status: e.Status, Header: header(r), Body: text}
	for name, values := range e.Header {
		answer.Header[name] = values
	}
	return answer
}

// Refuser implements [api.Refuser] with the codes of this protocol's services. Embed it in a service.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html
type Refuser struct{}

var _ api.Refuser = Refuser{}

// Denied implements [api.Refuser].
func (Refuser) Denied(r *api.Request, need api.Need, decision iampolicy.Decision) *api.Error {
	return Refuse("AccessDeniedException", api.DeniedMessage(r, need, decision))
}

// UnknownKey implements [api.Refuser].
func (Refuser) UnknownKey(*api.Request) *api.Error {
	return Refuse("UnrecognizedClientException", "The security token included in the request is invalid.")
}

func header(r *api.Request) http.Header {
	return http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {r.ID}}
}
