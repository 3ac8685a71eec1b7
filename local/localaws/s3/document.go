package s3

import (
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// namespace is the XML namespace of S3's documents.
const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// timeFormat is the format of times in S3's documents.
const timeFormat = "2006-01-02T15:04:05.000Z"

// document is an XML document under construction. It appends to one buffer without reflection, because it has to be
// fast for listings of a million versions.
type document struct {
	bytes []byte
	// encode writes keys percent-encoded, as EncodingType=url asks for.
	encode bool
}

// newDocument begins a document.
func newDocument() *document {
	return &document{bytes: append(make([]byte, 0, 512), xml.Header...)}
}

// root opens the root element, in S3's namespace.
func (d *document) root(name string) {
	d.bytes = append(d.bytes, '<')
	d.bytes = append(d.bytes, name...)
	d.bytes = append(d.bytes, ` xmlns="`+namespace+`">`...)
}

// open begins an element.
func (d *document) open(name string) {
	d.bytes = append(d.bytes, '<')
	d.bytes = append(d.bytes, name...)
	d.bytes = append(d.bytes, '>')
}

// close ends an element.
func (d *document) close(name string) {
	d.bytes = append(d.bytes, "</"...)
	d.bytes = append(d.bytes, name...)
	d.bytes = append(d.bytes, '>')
}

// text writes an element with text in it.
func (d *document) text(name, value string) {
	d.open(name)
	d.escape(value)
	d.close(name)
}

// optional writes an element unless its value is empty.
func (d *document) optional(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

// key writes an element that holds a key, or part of one.
func (d *document) key(name, value string) {
	if d.encode {
		value = strings.ReplaceAll(url.QueryEscape(value), "%2F", "/")
	}
	d.text(name, value)
}

// int writes an element with a number in it.
func (d *document) int(name string, value int64) {
	d.open(name)
	d.bytes = strconv.AppendInt(d.bytes, value, 10)
	d.close(name)
}

// bool writes an element with true or false in it.
func (d *document) bool(name string, value bool) {
	d.open(name)
	d.bytes = strconv.AppendBool(d.bytes, value)
	d.close(name)
}

// time writes an element with a time in it.
func (d *document) time(name string, value time.Time) {
	d.open(name)
	d.bytes = value.AppendFormat(d.bytes, timeFormat)
	d.close(name)
}

// owner writes an owner. Canonical ids are derived from account ids.
func (d *document) owner(element, account string) {
	d.open(element)
	d.text("ID", canonicalID(account))
	d.text("DisplayName", "account-"+account)
	d.close(element)
}

// escape appends text. Control characters become references, including those that XML 1.0 forbids: S3 does the same,
// and listings therefore need EncodingType=url (docs/facts.md, S3).
func (d *document) escape(text string) {
	from := 0
	for i := 0; i < len(text); i++ {
		reference := ""
		switch c := text[i]; {
		case c == '&':
			reference = "&amp;"
		case c == '<':
			reference = "&lt;"
		case c == '>':
			reference = "&gt;"
		case c == '"':
			reference = "&quot;"
		case c < 0x20:
			reference = "&#x" + strconv.FormatInt(int64(c), 16) + ";"
		default:
			continue
		}
		d.bytes = append(d.bytes, text[from:i]...)
		d.bytes = append(d.bytes, reference...)
		from = i + 1
	}
	d.bytes = append(d.bytes, text[from:]...)
}

// canonicalID returns the 64-digit canonical user id of an account.
func canonicalID(account string) string {
	return strings.Repeat("0", max(0, 64-len(account))) + account
}
