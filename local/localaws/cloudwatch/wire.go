package cloudwatch

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// maxBody is the maximum size of a request's decompressed body, in bytes.
const maxBody = 16 << 20

// object is a structure of any protocol. Its values are strings, float64s, bools, [time.Time]s, objects and lists
// ([]any) of them, and in answers also non-negative ints. Protocols without types have strings: the methods convert
// them to the wanted type.
type object map[string]any

// wire is one protocol.
type wire interface {
	// decode returns a request's operation and parameters.
	decode(*api.Request) (operation string, parameters object, err error)
	// encode writes the result of an operation.
	encode(r *api.Request, operation string, result object) (*api.Response, error)
	// refuse writes an error.
	refuse(*api.Request, *api.Error) *api.Response
}

// wireOf returns a request's protocol.
func wireOf(r *api.Request) wire {
	switch {
	case r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return cborWire{}
	case r.Header.Get("X-Amz-Target") != "":
		return jsonWire{}
	}
	return queryWire{query.Protocol{Namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/"}}
}

// body returns a request's decompressed body: SDKs compress large PutMetricData calls.
func body(r *api.Request) ([]byte, error) {
	if r.Header.Get("Content-Encoding") != "gzip" {
		return r.Body, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(r.Body))
	if err != nil {
		return nil, refuse("SerializationException", "%s", err)
	}
	text, err := io.ReadAll(io.LimitReader(reader, maxBody))
	if err != nil {
		return nil, refuse("SerializationException", "%s", err)
	}
	return text, nil
}

// shapes are the names of error shapes that differ from the codes that clients see.
var shapes = map[string]string{
	"InvalidParameterValue":       "InvalidParameterValueException",
	"InvalidParameterCombination": "InvalidParameterCombinationException",
	"InvalidParameterInput":       "DashboardInvalidInputError",
	"MissingParameter":            "MissingRequiredParameterException",
	"InternalServiceError":        "InternalServiceFault",
	"InvalidFormat":               "InvalidFormatFault",
	"LimitExceeded":               "LimitExceededFault",
}

// fault returns an error as the protocols other than query write it, and the answer's headers.
func fault(r *api.Request, e *api.Error, contentType string) (object, http.Header) {
	shape, ok := shapes[e.Code]
	if !ok {
		shape = e.Code
	}
	side := "Sender"
	if e.Status >= http.StatusInternalServerError {
		side = "Receiver"
	}
	header := http.Header{"Content-Type": {contentType}, "X-Amzn-Requestid": {r.ID}, "X-Amzn-Query-Error": {e.Code + ";" + side}}
	maps.Copy(header, e.Header)
	return object{"__type": "com.amazonaws.cloudwatch#" + shape, "message": e.Message}, header
}

// cborWire is Smithy RPC v2 CBOR.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
type cborWire struct{}

const cborType = "application/cbor"

func (cborWire) decode(r *api.Request) (string, object, error) {
	_, operation, _ := strings.Cut(r.URL.Path, "/operation/")
	encoded, err := body(r)
	if err != nil || len(encoded) == 0 {
		return operation, object{}, err
	}
	value, err := cbor.Decode(encoded)
	if err != nil {
		return operation, nil, refuse("SerializationException", "%s", err)
	}
	parameters, ok := fromCBOR(value).(object)
	if !ok {
		return operation, nil, refuse("SerializationException", "the request is no structure")
	}
	return operation, parameters, nil
}

func (cborWire) encode(r *api.Request, _ string, result object) (*api.Response, error) {
	header := http.Header{"Content-Type": {cborType}, "Smithy-Protocol": {"rpc-v2-cbor"}, "X-Amzn-Requestid": {r.ID}}
	return &api.Response{Status: http.StatusOK, Header: header, Body: cbor.Encode(toCBOR(result))}, nil
}

func (cborWire) refuse(r *api.Request, e *api.Error) *api.Response {
	detail, header := fault(r, e, cborType)
	header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return &api.Response{Status: e.Status, Header: header, Body: cbor.Encode(toCBOR(detail))}
}

// fromCBOR converts a CBOR value to an object's value; nil for types that requests do not use.
func fromCBOR(value cbor.Value) any {
	switch v := value.(type) {
	case cbor.String:
		return string(v)
	case cbor.Bool:
		return bool(v)
	case cbor.Map:
		o := object{}
		for name, member := range v {
			o[name] = fromCBOR(member)
		}
		return o
	case cbor.List:
		list := []any{}
		for _, item := range v {
			list = append(list, fromCBOR(item))
		}
		return list
	case *cbor.Tag:
		if at, err := cbor.AsTime(v); err == nil {
			return at
		}
		return nil
	}
	if number, err := cbor.AsFloat64(value); err == nil {
		return number
	}
	if number, err := cbor.AsInt64(value); err == nil {
		return float64(number)
	}
	return nil
}

// toCBOR converts an object's value to a CBOR value.
func toCBOR(value any) cbor.Value {
	switch v := value.(type) {
	case string:
		return cbor.String(v)
	case bool:
		return cbor.Bool(v)
	case float64:
		return cbor.Float64(v)
	case int:
		return cbor.Uint(v)
	case time.Time:
		return &cbor.Tag{ID: 1, Value: cbor.Float64(seconds(v))}
	case object:
		m := cbor.Map{}
		for name, member := range v {
			m[name] = toCBOR(member)
		}
		return m
	case []any:
		list := cbor.List{}
		for _, item := range v {
			list = append(list, toCBOR(item))
		}
		return list
	}
	return &cbor.Nil{}
}

// seconds returns a time in seconds since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// jsonWire is AWS JSON 1.0.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
type jsonWire struct{}

const jsonType = "application/x-amz-json-1.0"

func (jsonWire) decode(r *api.Request) (string, object, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	text, err := body(r)
	if err != nil {
		return operation, nil, err
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return operation, nil, refuse("SerializationException", "%s", err)
	}
	return operation, fromJSON(members).(object), nil
}

// fromJSON converts a decoded JSON value to an object's value.
func fromJSON(value any) any {
	switch v := value.(type) {
	case map[string]any:
		o := object{}
		for name, member := range v {
			o[name] = fromJSON(member)
		}
		return o
	case []any:
		for i, item := range v {
			v[i] = fromJSON(item)
		}
	}
	return value
}

func (jsonWire) encode(r *api.Request, _ string, result object) (*api.Response, error) {
	text, err := json.Marshal(toJSON(result))
	return &api.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {jsonType}, "X-Amzn-Requestid": {r.ID}}, Body: text}, err
}

func (jsonWire) refuse(r *api.Request, e *api.Error) *api.Response {
	detail, header := fault(r, e, jsonType)
	// Encoding a structure of two strings cannot fail.
	text, _ := json.Marshal(detail)
	return &api.Response{Status: e.Status, Header: header, Body: text}
}

// toJSON converts an object's value to a value for JSON.
func toJSON(value any) any {
	switch v := value.(type) {
	case time.Time:
		return seconds(v)
	case object:
		o := map[string]any{}
		for name, member := range v {
			o[name] = toJSON(member)
		}
		return o
	case []any:
		list := []any{}
		for _, item := range v {
			list = append(list, toJSON(item))
		}
		return list
	}
	return value
}

// queryWire is the query protocol.
type queryWire struct{ query.Protocol }

func (queryWire) decode(r *api.Request) (string, object, error) {
	params, err := query.Parse(r)
	if err != nil {
		return "", nil, err
	}
	parameters, _ := fromQuery(params.Tree()).(object)
	return params["Action"], parameters, nil
}

// fromQuery converts a tree of parameters to an object's value.
func fromQuery(n *query.Node) any {
	if list := n.Fields["member"]; list != nil {
		n = list
	}
	switch {
	case n.Items != nil:
		var list []any
		for _, item := range n.Items {
			list = append(list, fromQuery(item))
		}
		return list
	case n.Fields != nil:
		o := object{}
		for name, member := range n.Fields {
			o[name] = fromQuery(member)
		}
		return o
	}
	return n.Value
}

func (w queryWire) encode(r *api.Request, operation string, result object) (*api.Response, error) {
	return w.Answer(r, operation, result)
}

func (w queryWire) refuse(r *api.Request, e *api.Error) *api.Response { return w.Error(r, e) }

// MarshalXML implements [xml.Marshaler]: members sorted by name, lists as member elements.
func (o object) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if err := encodeXML(e, name, o[name]); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// encodeXML writes a value as an element with that name.
func encodeXML(e *xml.Encoder, name string, value any) error {
	start := xml.StartElement{Name: xml.Name{Local: name}}
	switch v := value.(type) {
	case float64:
		return e.EncodeElement(strconv.FormatFloat(v, 'f', -1, 64), start)
	case time.Time:
		return e.EncodeElement(v.UTC().Format(time.RFC3339Nano), start)
	case []any:
		if err := e.EncodeToken(start); err != nil {
			return err
		}
		for _, item := range v {
			if err := encodeXML(e, "member", item); err != nil {
				return err
			}
		}
		return e.EncodeToken(start.End())
	}
	return e.EncodeElement(value, start)
}
