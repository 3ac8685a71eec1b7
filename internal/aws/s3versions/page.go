package s3versions

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// span is a range of bytes in a text.
type span struct{ from, to int }

// pageReader reads a ListVersionsResult. The keys and ids of a page share one string, so that a page needs few
// allocations.
type pageReader struct {
	arena          []byte
	raw            [][]byte // keys as written: the element with their encoding can come after them
	keys, ids      []span   // in the arena
	sizes          []int64
	stamps         []uint64
	nulls          bool // an id is "null", so the stamps are needed
	root, complete bool
	listingEnd
}

// listingEnd is what a listing contains besides its entries. These elements come in varying order, before or after the
// entries.
type listingEnd struct {
	truncated       string // as written; "" if missing
	nextKey, nextID string // unescaped, but as encoded as the keys
	encoding        string
}

var readers = sync.Pool{New: func() any { return new(pageReader) }}

// readPage fills page from the body of an answer.
func readPage(body []byte, page *emptying.Page) error {
	r := readers.Get().(*pageReader)
	defer readers.Put(r)
	r.reset()
	if r.read(body) != nil {
		r.reset()
		if err := r.readAny(body); err != nil {
			return err
		}
	}
	return r.fill(page)
}

func (r *pageReader) reset() {
	clear(r.raw) // they keep the answer in memory
	*r = pageReader{arena: r.arena[:0], raw: r.raw[:0], keys: r.keys[:0], ids: r.ids[:0], sizes: r.sizes[:0], stamps: r.stamps[:0]}
}

// read reads a listing as S3 writes it.
func (r *pageReader) read(body []byte) error {
	if unusual(body) {
		return errXML
	}
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
	return nil
}

// entries reads the versions and delete markers that come next. Each is cut out as a whole, because only two or three of
// its dozen elements are needed.
func (r *pageReader) entries(t *tags) error {
	for {
		if inside, ok := t.whole("<Version>", "</Version>"); ok {
			text, _ := field(inside, "<Size>")
			size, err := strconv.ParseInt(string(text), 10, 64)
			if err != nil || size < 0 {
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

// entry reads one version or delete marker. A second key in it is an error.
func (r *pageReader) entry(inside []byte, size int64) error {
	key, behind := field(inside, "<Key>")
	id, _ := field(inside, "<VersionId>")
	if indexTag(behind, "<Key>") >= 0 {
		return errXML
	}
	var modified, tag []byte
	if string(id) == emptying.NullVersion {
		modified, _ = field(inside, "<LastModified>")
		tag, _ = field(inside, "<ETag>")
	}
	if bytes.IndexByte(key, '&') >= 0 {
		text, err := unescape(key)
		if err != nil {
			return err
		}
		key = []byte(text)
	}
	if bytes.IndexByte(id, '&') >= 0 {
		text, err := unescape(id)
		if err != nil {
			return err
		}
		id = []byte(text)
	}
	return r.add(key, id, size, stampOf(modified, tag))
}

// quoted is an escaped quotation mark.
var quoted = []byte("&quot;")

// add adds one entry. An entry without an id is an error: a deletion without an id would create a delete marker.
func (r *pageReader) add(key, id []byte, size int64, stamp uint64) error {
	if len(key) == 0 || len(id) == 0 {
		return errXML
	}
	from := len(r.arena)
	r.arena = append(r.arena, id...)
	r.ids = append(r.ids, span{from, len(r.arena)})
	r.raw, r.sizes, r.stamps = append(r.raw, key), append(r.sizes, size), append(r.stamps, stamp)
	r.nulls = r.nulls || string(id) == emptying.NullVersion
	return nil
}

// stampSeed makes the stamps unpredictable.
var stampSeed = maphash.MakeSeed()

// stampOf returns a hash of when and what was written. ETags have quotation marks, escaped or not.
func stampOf(modified, tag []byte) uint64 {
	tag = bytes.Trim(bytes.TrimSuffix(bytes.TrimPrefix(tag, quoted), quoted), `"`)
	return maphash.Bytes(stampSeed, modified) ^ 31*maphash.Bytes(stampSeed, tag)
}

// head processes a tag outside of versions and delete markers.
func (r *pageReader) head(e element) error {
	switch string(e.name) {
	case "ListVersionsResult":
		if e.closing != r.root || r.complete || e.whole {
			return errXML // nested, a second one, or an empty one
		}
		r.root, r.complete = true, e.closing
		return nil
	case "Version", "DeleteMarker":
		return errXML // one that entries cannot read
	}
	text, err := unescape(e.text)
	if err != nil {
		return err
	}
	return r.set(string(e.name), text)
}

// set stores an element of the listing. Common prefixes are an error: they would hide entries, and are not requested.
func (l *listingEnd) set(name, text string) error {
	switch name {
	case "IsTruncated":
		l.truncated = text
	case "NextKeyMarker":
		l.nextKey = text
	case "NextVersionIdMarker", "NextUploadIdMarker":
		l.nextID = text
	case "EncodingType":
		l.encoding = text
	case "CommonPrefixes", "ListVersionsResult":
		return errXML
	}
	return nil
}

// more reports whether the listing continues. A listing without IsTruncated must not have a marker either.
func (l *listingEnd) more() (bool, error) {
	switch strings.TrimSpace(l.truncated) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "":
		if l.nextKey == "" {
			return false, nil
		}
	}
	return false, errXML
}

// encoded reports whether keys are URL-encoded.
func (l *listingEnd) encoded() bool { return strings.TrimSpace(l.encoding) == "url" }

// next returns where the listing continues: at the last entry if the marker is missing or cannot be decoded. Ceph's
// marker is not encoded even if the keys are, and then is the last key (docs/facts.md: S3).
func (l *listingEnd) next(last emptying.Position) (emptying.Position, error) {
	at := emptying.Position{Key: l.nextKey, VersionID: l.nextID}
	if l.encoded() && at.Key != last.Key {
		decoded, err := appendUnescaped(nil, []byte(at.Key))
		if at.Key = string(decoded); err != nil {
			at = last
		}
	}
	if at.Key == "" {
		at = last
	}
	if at.Key == "" {
		return at, errXML
	}
	if at.Key == last.Key && at.VersionID == "" {
		at.VersionID = last.VersionID // otherwise the other versions of that key would be skipped
	}
	return at, nil
}

// fill makes the page.
func (r *pageReader) fill(page *emptying.Page) (err error) {
	encoded := r.encoded()
	for _, raw := range r.raw {
		from := len(r.arena)
		if !encoded {
			r.arena = append(r.arena, raw...)
		} else if r.arena, err = appendUnescaped(r.arena, raw); err != nil {
			return err
		}
		r.keys = append(r.keys, span{from, len(r.arena)})
	}
	text := string(r.arena)
	page.Versions = make([]emptying.Version, len(r.keys))
	for i, k := range r.keys {
		page.Versions[i] = emptying.Version{Key: text[k.from:k.to], ID: text[r.ids[i].from:r.ids[i].to]}
	}
	page.Sizes = slices.Clone(r.sizes)
	if r.nulls {
		page.Stamps = slices.Clone(r.stamps)
	}
	if page.More, err = r.more(); err != nil || !page.More {
		return err
	}
	var last emptying.Position
	if n := len(page.Versions); n > 0 {
		last = emptying.Position{Key: page.Versions[n-1].Key, VersionID: page.Versions[n-1].ID}
	}
	page.Next, err = r.next(last)
	return err
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
