package s3versions

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// decodePage makes a ListObjectVersions call fill page instead of its own output.
func decodePage(page *emptying.Page) func(*middleware.Stack) error {
	return decode(
		func(body []byte) error { return readPage(body, page) },
		func() any { return &s3.ListObjectVersionsOutput{} },
	)
}

// decodeFailures makes a DeleteObjects call fill failures instead of its own output.
func decodeFailures(failures *[]emptying.Failure) func(*middleware.Stack) error {
	return decode(
		func(body []byte) (err error) { *failures, err = readFailures(body); return err },
		func() any { return &s3.DeleteObjectsOutput{} },
	)
}

// decodeUploads makes a ListMultipartUploads call read its answer by [readUploads].
func decodeUploads(page *[]emptying.Upload, next *emptying.Upload, more *bool) func(*middleware.Stack) error {
	return decode(
		func(body []byte) (err error) { *page, *next, *more, err = readUploads(body); return err },
		func() any { return &s3.ListMultipartUploadsOutput{} },
	)
}

// readFailures reads a DeleteResult. In quiet mode it holds nothing but failures.
func readFailures(body []byte) ([]emptying.Failure, error) {
	failures, err := scanFailures(body)
	if err != nil {
		return readAnyFailures(body)
	}
	return failures, nil
}

// scanFailures reads a DeleteResult in the form in which S3 writes it.
func scanFailures(body []byte) ([]emptying.Failure, error) {
	if unusual(body) {
		return nil, errXML
	}
	var failures []emptying.Failure
	var f emptying.Failure
	root, inside, complete := false, false, false
	for t := (tags{rest: body}); ; {
		e, ok, err := t.next()
		switch name := string(e.name); {
		case err != nil:
			return nil, err
		case !ok && !complete:
			return nil, errXML
		case !ok:
			return failures, nil
		case name == "DeleteResult":
			if complete || inside || e.closing != root {
				return nil, errXML
			}
			root, complete = true, e.closing || e.whole
		case name == "Error":
			if e.whole || !root || complete || e.closing != inside {
				return nil, errXML
			}
			if e.closing {
				failures = append(failures, f)
			}
			inside, f = !e.closing, emptying.Failure{}
		case inside:
			if err := setField(&f, e); err != nil {
				return nil, err
			}
		}
	}
}

// setField stores one element of an Error in a failure.
func setField(f *emptying.Failure, e element) error {
	if !e.whole {
		return errXML // its child elements can have the same names
	}
	text, err := unescape(e.text)
	if err != nil {
		return err
	}
	switch string(e.name) {
	case "Key":
		f.Key = text
	case "VersionId":
		f.ID = text
	case "Code":
		f.Code = text
	case "Message":
		f.Message = text
	}
	return nil
}

// encodeBatch makes a DeleteObjects call send versions instead of its input's list.
func encodeBatch(versions []emptying.Version) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Serialize.Insert(encoding(versions), "OperationSerializer", middleware.After)
	}
}

// encoding is a step that writes the body of a DeleteObjects call, right after the SDK's own has written an empty one.
type encoding []emptying.Version

// ID implements middleware.SerializeMiddleware.
func (encoding) ID() string { return "BatchEncoding" }

// HandleSerialize implements middleware.SerializeMiddleware.
func (versions encoding) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	middleware.SerializeOutput, middleware.Metadata, error,
) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return middleware.SerializeOutput{}, middleware.Metadata{}, &smithy.SerializationError{Err: fmt.Errorf("unknown transport %T", in.Request)}
	}
	request, err := request.SetStream(bytes.NewReader(writeBatch(versions)))
	if err != nil {
		return middleware.SerializeOutput{}, middleware.Metadata{}, &smithy.SerializationError{Err: err}
	}
	in.Request = request
	return next.HandleSerialize(ctx, in)
}

// writeBatch writes the XML of a DeleteObjects request in quiet mode.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func writeBatch(versions []emptying.Version) []byte {
	size := 0
	for _, v := range versions {
		size += len(v.Key) + len(v.ID) + 64
	}
	b := bytes.NewBuffer(make([]byte, 0, size+128))
	b.WriteString(`<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>`)
	for _, v := range versions {
		b.WriteString("<Object><Key>")
		writeText(b, v.Key)
		b.WriteString("</Key><VersionId>")
		writeText(b, v.ID)
		b.WriteString("</VersionId></Object>")
	}
	b.WriteString("</Delete>")
	return b.Bytes()
}

// writeText writes text, escaped where XML requires it.
func writeText(b *bytes.Buffer, text string) {
	for i := range len(text) {
		if escaped[text[i]] {
			_ = xml.EscapeText(b, []byte(text)) // a bytes.Buffer returns no error
			return
		}
	}
	b.WriteString(text)
}

// escaped are the bytes that must be escaped in XML.
var escaped = [256]bool{'<': true, '>': true, '&': true, '"': true, '\'': true, '\r': true, '\n': true, '\t': true}
