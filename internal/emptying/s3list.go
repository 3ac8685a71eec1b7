package emptying

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"slices"
	"strconv"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The SDK's own decoder costs about 18 s of processor time per million versions, nearly all of what emptying takes.
// What stands here instead reads only the elements that count. It replaces one step of the SDK's, the decoding of a
// successful answer: signing, endpoints, retries and errors stay the SDK's.

// operationDeserializer is the id of the SDK's step that decodes an answer.
const operationDeserializer = "OperationDeserializer"

// bodies are buffers for answers.
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

// decoding is a step that takes the place of the SDK's decoding.
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
		// The SDK knows what to do with this; it asks for the answer that is already there.
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

// answered is a handler that has its answer already.
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
	closing bool
	text    []byte
}

// tags reads a document tag by tag, but leaves out the closing tags of elements that hold nothing but text. It knows
// what S3 writes: no CDATA, no entities of its own.
type tags struct {
	rest    []byte
	started bool
}

var errXML = errors.New("reading the answer: not the XML that S3 writes")

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
		switch name[0] {
		case '?':
			continue
		case '!':
			return e, false, errXML
		case '/':
			return element{name: name[1:], closing: true}, true, nil
		}
		return t.opened(name, text), true, nil
	}
}

// text moves on to the next tag and returns what stands before it.
func (t *tags) text() []byte {
	open := bytes.IndexByte(t.rest, '<')
	if open < 0 {
		open = len(t.rest)
	}
	text := t.rest[:open]
	t.rest = t.rest[open:]
	return text
}

// opened is an opening tag; its closing tag is skipped when it follows the text.
func (t *tags) opened(name, text []byte) element {
	whole := name
	if space := bytes.IndexByte(name, ' '); space >= 0 {
		name = name[:space]
	}
	if whole[len(whole)-1] == '/' {
		return element{name: bytes.TrimSuffix(name, []byte("/"))}
	}
	n := len(name) + len("</>")
	if len(t.rest) >= n && t.rest[1] == '/' && bytes.Equal(t.rest[2:n-1], name) && string(name) != "DeleteResult" && string(name) != "ListVersionsResult" {
		t.rest = t.rest[n:]
		t.text()
	}
	return element{name: name, text: text}
}

// whole takes the next element, which begins with the one tag and ends with the other, and returns what is inside. It
// returns false where something else comes next.
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

// field returns the text of the first element that begins with a tag; nil where there is none.
func field(inside []byte, tag string) []byte {
	at := indexTag(inside, tag)
	if at < 0 {
		return nil
	}
	text := inside[at+len(tag):]
	return text[:max(bytes.IndexByte(text, '<'), 0)]
}

// indexTag finds a tag. It looks for the first letter of the name, for the brackets that bytes.Index would look for are
// everywhere.
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

// unescape resolves entities.
func unescape(text []byte) string {
	if bytes.IndexByte(text, '&') < 0 {
		return string(text)
	}
	return html.UnescapeString(string(text))
}

// span is where in an arena of text something is.
type span struct{ from, to int }

// pageReader reads a ListVersionsResult. Keys and ids of a page share one string, so that a page costs few allocations.
type pageReader struct {
	arena           []byte
	keys, ids       []span
	sizes           []int64
	more, complete  bool
	nextKey, nextID []byte
	encoded         bool
}

var readers = sync.Pool{New: func() any { return new(pageReader) }}

// readPage fills page from the body of an answer.
func readPage(body []byte, page *Page) error {
	r := readers.Get().(*pageReader)
	defer readers.Put(r)
	*r = pageReader{arena: r.arena[:0], keys: r.keys[:0], ids: r.ids[:0], sizes: r.sizes[:0]}
	for t := (tags{rest: body}); ; {
		if err := r.entries(&t); err != nil {
			return err
		}
		e, ok, err := t.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if err := r.head(e); err != nil {
			return err
		}
	}
	if !r.complete {
		return errXML
	}
	return r.fill(page)
}

// entries reads the versions and delete markers that come next. Each is cut out as a whole, for only two or three of a
// dozen elements in it count.
func (r *pageReader) entries(t *tags) error {
	for {
		if inside, ok := t.whole("<Version>", "</Version>"); ok {
			size, err := strconv.ParseInt(string(field(inside, "<Size>")), 10, 64)
			if err != nil {
				return errXML
			}
			if err := r.entry(inside, size); err != nil {
				return err
			}
		} else if inside, ok := t.whole("<DeleteMarker>", "</DeleteMarker>"); ok {
			if err := r.entry(inside, -1); err != nil {
				return err
			}
		} else {
			return nil
		}
	}
}

// entry reads one version, or delete marker.
func (r *pageReader) entry(inside []byte, size int64) error {
	key, id := field(inside, "<Key>"), field(inside, "<VersionId>")
	if len(key) == 0 || len(id) == 0 {
		return errXML
	}
	r.sizes = append(r.sizes, size)
	from := len(r.arena)
	if bytes.IndexByte(id, '&') >= 0 {
		id = []byte(unescape(id))
	}
	r.arena = append(r.arena, id...)
	r.ids = append(r.ids, span{from, len(r.arena)})
	return r.key(key)
}

// head takes a tag outside of versions and delete markers into account.
func (r *pageReader) head(e element) error {
	switch string(e.name) {
	case "ListVersionsResult":
		r.complete = e.closing
	case "Version", "DeleteMarker":
		return errXML // one that does not end
	case "IsTruncated":
		r.more = string(e.text) == "true"
	case "NextKeyMarker":
		r.nextKey = e.text
	case "NextVersionIdMarker":
		r.nextID = e.text
	case "EncodingType":
		r.encoded = string(e.text) == "url"
	}
	return nil
}

// key decodes a key into the arena. S3 names the encoding before the first version.
func (r *pageReader) key(text []byte) (err error) {
	from := len(r.arena)
	if bytes.IndexByte(text, '&') >= 0 {
		text = []byte(unescape(text))
	}
	if r.encoded {
		r.arena, err = appendUnescaped(r.arena, text)
	} else {
		r.arena = append(r.arena, text...)
	}
	r.keys = append(r.keys, span{from, len(r.arena)})
	return err
}

// fill makes the page.
func (r *pageReader) fill(page *Page) error {
	var err error
	from := len(r.arena)
	if r.encoded {
		r.arena, err = appendUnescaped(r.arena, r.nextKey)
	} else {
		r.arena = append(r.arena, unescape(r.nextKey)...)
	}
	if err != nil {
		return err
	}
	text := string(r.arena)
	page.Versions = make([]Version, len(r.keys))
	for i, k := range r.keys {
		page.Versions[i] = Version{Key: text[k.from:k.to], ID: text[r.ids[i].from:r.ids[i].to]}
	}
	page.Sizes, page.More = slices.Clone(r.sizes), r.more
	if r.more {
		page.Next = Position{Key: text[from:], VersionID: unescape(r.nextID)}
	}
	return nil
}

// appendUnescaped decodes S3's URL encoding, in which a plus is a space.
func appendUnescaped(to, text []byte) ([]byte, error) {
	if bytes.IndexByte(text, '%') < 0 && bytes.IndexByte(text, '+') < 0 {
		return append(to, text...), nil
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '+':
			to = append(to, ' ')
		case '%':
			if i+2 >= len(text) {
				return to, errXML
			}
			high, low := hexDigit(text[i+1]), hexDigit(text[i+2])
			if high < 0 || low < 0 {
				return to, errXML
			}
			to = append(to, byte(high<<4|low))
			i += 2
		default:
			to = append(to, c)
		}
	}
	return to, nil
}

func hexDigit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
