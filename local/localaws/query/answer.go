package query

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Protocol encodes the answers of one service.
type Protocol struct {
	// Namespace is the XML namespace of its answers, e.g. "http://sns.amazonaws.com/doc/2010-03-31/".
	Namespace string
	// EC2 selects EC2's variant.
	EC2 bool
}

// Answer encodes the result of an operation. The result is a struct with xml tags, or nil for an empty one.
func (p Protocol) Answer(r *api.Request, operation string, result any) (*api.Response, error) {
	fields, err := inner(result)
	if err != nil {
		return nil, fmt.Errorf("writing the answer to %s: %w", operation, err)
	}
	if p.EC2 {
		return p.document(r, http.StatusOK, operation+"Response", element("requestId", r.ID)+fields), nil
	}
	body := "<" + operation + "Result>" + fields + "</" + operation + "Result>" +
		"<ResponseMetadata>" + element("RequestId", r.ID) + "</ResponseMetadata>"
	return p.document(r, http.StatusOK, operation+"Response", body), nil
}

// Operation returns an operation that needs one permission and whose result is its answer.
func (p Protocol) Operation(r *api.Request, name string, need api.Need, do func() (any, error)) *api.Operation {
	return &api.Operation{Name: name, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
		result, err := do()
		if err != nil {
			return nil, err
		}
		return p.Answer(r, name, result)
	}}
}

// Error encodes an error. The HTTP status distinguishes errors of the caller from errors of the service.
func (p Protocol) Error(r *api.Request, e *api.Error) *api.Response {
	detail := element("Code", e.Code) + element("Message", e.Message)
	var answer *api.Response
	if p.EC2 {
		answer = Protocol{}.document(r, e.Status, "Response", "<Errors><Error>"+detail+"</Error></Errors>"+element("RequestID", r.ID))
	} else {
		fault := "Sender"
		if e.Status >= http.StatusInternalServerError {
			fault = "Receiver"
		}
		answer = p.document(r, e.Status, "ErrorResponse", "<Error>"+element("Type", fault)+detail+"</Error>"+element("RequestId", r.ID))
	}
	for name, values := range e.Header {
		answer.Header[name] = values
	}
	return answer
}

// document returns a complete XML answer.
func (p Protocol) document(r *api.Request, status int, root, body string) *api.Response {
	namespace := ""
	if p.Namespace != "" {
		namespace = ` xmlns="` + p.Namespace + `"`
	}
	header := http.Header{"Content-Type": {"text/xml;charset=UTF-8"}}
	header.Set("X-Amzn-Requestid", r.ID)
	text := xml.Header + "<" + root + namespace + ">" + body + "</" + root + ">"
	return &api.Response{Status: status, Header: header, Body: []byte(text)}
}

// inner returns a struct's XML without the outer element, so that its fields can be combined with others.
func inner(result any) (string, error) {
	if result == nil {
		return "", nil
	}
	var text bytes.Buffer
	wrapper := xml.StartElement{Name: xml.Name{Local: "r"}}
	if err := xml.NewEncoder(&text).EncodeElement(result, wrapper); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(bytes.TrimPrefix(text.Bytes(), []byte("<r>")), []byte("</r>"))), nil
}

// element returns one XML element with text.
func element(name, text string) string {
	var escaped bytes.Buffer
	// Writing to a bytes.Buffer cannot fail.
	_ = xml.EscapeText(&escaped, []byte(text))
	return "<" + name + ">" + escaped.String() + "</" + name + ">"
}
