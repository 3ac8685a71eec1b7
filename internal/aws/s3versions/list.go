package s3versions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The SDK's decoder takes about 18 s of processor time per million versions, nearly all that emptying takes. The decoder
// in this file reads only the elements that are needed. It replaces one step of the SDK, the decoding of a successful
// answer; signing, endpoints, retries and errors remain the SDK's.
//
// The reader below knows the XML that S3 writes: elements without attributes or prefixes, no comments, no CDATA. It
// rejects all other XML instead of guessing; the standard library's decoder reads that.

// operationDeserializer is the id of the SDK's step that decodes an answer.
const operationDeserializer = "OperationDeserializer"

// bodies has buffers for answers.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// decode makes a call decode the body of its successful answer with read.
func decode(read func(body []byte) error, result func() any) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		step := &decoding{read: read, result: result}
		original, err := stack.Deserialize.Swap(operationDeserializer, step)
		step.original = original
		return err
	}
}

// decoding is a step that replaces the SDK's decoding.
type decoding struct {
	original middleware.DeserializeMiddleware
	read     func(body []byte) error
	result   func() any
}

// ID implements middleware.DeserializeMiddleware.
func (d *decoding) ID() string { return operationDeserializer }

// HandleDeserialize implements middleware.DeserializeMiddleware.
func (d *decoding) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || response.StatusCode/100 != 2 {
		// The SDK's step handles this; it gets the answer that has already arrived.
		return d.original.HandleDeserialize(ctx, in, answered{out, metadata, err})
	}
	defer response.Body.Close()
	buffer := bodies.Get().(*bytes.Buffer)
	defer bodies.Put(buffer)
	buffer.Reset()
	if _, err := buffer.ReadFrom(response.Body); err != nil {
		return out, metadata, &smithy.DeserializationError{Err: fmt.Errorf("reading the answer: %w", err)}
	}
	if err := d.read(buffer.Bytes()); err != nil {
		return out, metadata, &smithy.DeserializationError{Err: err}
	}
	out.Result = d.result()
	return out, metadata, nil
}

// answered is a handler that returns an answer that has already arrived.
type answered struct {
	out      middleware.DeserializeOutput
	metadata middleware.Metadata
	err      error
}

// HandleDeserialize implements middleware.DeserializeHandler.
func (a answered) HandleDeserialize(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
	return a.out, a.metadata, a.err
}

// element is one piece of an XML document: a tag, and the text between it and the next tag.
type element struct {
	name    []byte
	closing bool // a closing tag
	whole   bool // a complete element: it has no child elements, and its closing tag has been read too
	text    []byte
}

// tags reads a document tag by tag, but skips the closing tags of elements that contain only text.
type tags struct {
	rest    []byte
	started bool
}

var errXML = errors.New("reading the answer: not the XML that S3 writes")

// unusual reports whether a document has comments or CDATA, which can contain text that looks like a tag. It searches
// for their second character, because the first is too frequent.
func unusual(document []byte) bool {
	for from := 0; ; {
		n := bytes.IndexByte(document[from:], '!')
		if n < 0 {
			return false
		}
		if from += n; from > 0 && document[from-1] == '<' {
			return true
		}
		from++
	}
}

// next returns the next tag; ok is false at the end of the document.
func (t *tags) next() (e element, ok bool, err error) {
	for {
		if !t.started {
			t.started = true
			t.text()
		}
		if len(t.rest) == 0 {
			return e, false, nil
		}
		end := bytes.IndexByte(t.rest, '>')
		if end < 2 {
			return e, false, errXML
		}
		name := t.rest[1:end]
		t.rest = t.rest[end+1:]
		text := t.text()
		switch {
		case name[0] == '?':
			continue
		case bytes.IndexByte(name, '<') >= 0 || prefixed(name):
			return e, false, errXML
		case name[0] == '/':
			return element{name: name[1:], closing: true}, true, nil
		}
		return t.opened(name, text), true, nil
	}
}

// prefixed reports whether an element's name has a namespace prefix.
func prefixed(tag []byte) bool {
	colon := bytes.IndexByte(tag, ':')
	return colon >= 0 && !bytes.ContainsAny(tag[:colon], " \t\r\n")
}

// text moves on to the next tag and returns what is before it.
func (t *tags) text() []byte {
	open := bytes.IndexByte(t.rest, '<')
	if open < 0 {
		open = len(t.rest)
	}
	text := t.rest[:open]
	t.rest = t.rest[open:]
	return text
}

// opened returns the element of an opening tag; a closing tag that follows the text is skipped.
func (t *tags) opened(name, text []byte) element {
	tag := name
	if space := bytes.IndexAny(name, " \t\r\n"); space >= 0 {
		name = name[:space]
	}
	if tag[len(tag)-1] == '/' {
		return element{name: bytes.TrimSuffix(name, []byte("/")), whole: true}
	}
	n := len(name) + len("</>")
	if len(t.rest) >= n && t.rest[1] == '/' && t.rest[n-1] == '>' && bytes.Equal(t.rest[2:n-1], name) {
		t.rest = t.rest[n:]
		t.text()
		return element{name: name, text: text, whole: true}
	}
	return element{name: name, text: text}
}

// whole reads the next element, from its opening tag to its closing tag, and returns what is inside. It returns false if
// something else comes next.
func (t *tags) whole(from, to string) (inside []byte, ok bool) {
	if len(t.rest) < len(from) || string(t.rest[:len(from)]) != from {
		return nil, false
	}
	n := indexTag(t.rest, to)
	if n < 0 {
		return nil, false
	}
	inside = t.rest[len(from):n]
	t.rest = t.rest[n+len(to):]
	t.text()
	return inside, true
}

// field returns the text of the first element with this opening tag, and what follows the text; nil if there is no such
// element, or if it has child elements.
func field(inside []byte, tag string) (text, behind []byte) {
	at := indexTag(inside, tag)
	if at < 0 {
		return nil, nil
	}
	text = inside[at+len(tag):]
	end := bytes.IndexByte(text, '<')
	if end < 0 || end+1 >= len(text) || text[end+1] != '/' {
		return nil, nil
	}
	return text[:end:end], text[end:]
}

// indexTag finds a tag. It searches for the first letter of the name, because the brackets that bytes.Index would search
// for are too frequent.
func indexTag(in []byte, tag string) int {
	letter := 1
	if tag[1] == '/' {
		letter = 2
	}
	for from := min(letter, len(in)); ; {
		n := bytes.IndexByte(in[from:], tag[letter])
		if n < 0 {
			return -1
		}
		begin := from + n - letter
		if len(in)-begin >= len(tag) && string(in[begin:begin+len(tag)]) == tag {
			return begin
		}
		from += n + 1
	}
}

// unescape resolves XML's entities and rejects others. html.UnescapeString would resolve HTML's entities too, and &#x85;
// to another character. https://www.w3.org/TR/xml/#sec-references
func unescape(text []byte) (string, error) {
	at := bytes.IndexByte(text, '&')
	if at < 0 {
		return string(text), nil
	}
	var b []byte
	for ; at >= 0; at = bytes.IndexByte(text, '&') {
		end := bytes.IndexByte(text[at:], ';')
		if end < 0 {
			return "", errXML
		}
		r, ok := entity(string(text[at+1 : at+end]))
		if !ok {
			return "", errXML
		}
		b = utf8.AppendRune(append(b, text[:at]...), r)
		text = text[at+end+1:]
	}
	return string(append(b, text...)), nil
}

// entity returns the character of an entity, which is given without its & and ;.
func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 31)
	return rune(n), err == nil && n > 0 && utf8.ValidRune(rune(n))
}
