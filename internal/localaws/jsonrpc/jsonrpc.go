// Package jsonrpc speaks AWS JSON 1.1, from the side of a service: the operation stands in the header X-Amz-Target, its
// parameters and its result are JSON.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
package jsonrpc

import (
	"encoding/json"
	"net/http"
	"strings"

	"s3-endpoint-guard/internal/localaws/api"
)

const contentType = "application/x-amz-json-1.1"

// Operation is the operation that a request asks for.
func Operation(r *api.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndex(target, ".")+1:]
}

// Parse reads a request's parameters into a struct.
func Parse(r *api.Request, parameters any) error {
	if len(r.Body) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.Body, parameters); err != nil {
		return &api.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

// Unknown is the answer to an operation that the service does not have.
func Unknown(r *api.Request) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: "UnknownOperationException", Message: "the local AWS has no operation " + Operation(r)}
}

// Answer writes a result, which must be one that JSON can write.
func Answer(r *api.Request, result any) (*api.Response, error) {
	text, err := json.Marshal(result)
	return &api.Response{Status: http.StatusOK, Header: header(r), Body: text}, err
}

// Error writes an error.
func Error(r *api.Request, e *api.Error) *api.Response {
	// Two texts can always be written.
	text, _ := json.Marshal(map[string]string{"__type": e.Code, "message": e.Message})
	answer := &api.Response{Status: e.Status, Header: header(r), Body: text}
	for name, values := range e.Header {
		answer.Header[name] = values
	}
	return answer
}

func header(r *api.Request) http.Header {
	return http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {r.ID}}
}
