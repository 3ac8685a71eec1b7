package s3

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
)

// listing is the common part of the three listings.
type listing struct {
	prefix, delimiter string
	max               int
	encode            bool
	// taken counts keys, versions and common prefixes together.
	taken    int
	prefixes []string
}

// newListing reads the parameters of all listings.
func (c *call) newListing() (*listing, error) {
	l := &listing{prefix: c.query.Get("prefix"), delimiter: c.query.Get("delimiter"), max: 1000}
	switch encoding := c.query.Get("encoding-type"); encoding {
	case "":
	case "url":
		l.encode = true
	default:
		return nil, invalidArgument("Invalid Encoding Method specified in Request")
	}
	if text := c.query.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, invalidArgument("Provided max-keys not an integer or within integer range")
		}
		l.max = min(n, 1000)
	}
	return l, nil
}

// common returns the common prefix into which a key is grouped, or "".
func (l *listing) common(key string) string {
	if l.delimiter == "" || !strings.HasPrefix(key, l.prefix) {
		return ""
	}
	if i := strings.Index(key[len(l.prefix):], l.delimiter); i >= 0 {
		return key[:len(l.prefix)+i+len(l.delimiter)]
	}
	return ""
}

// start returns the first key after a marker that a page may contain. If the marker is a common prefix, it includes
// all keys under it.
func (l *listing) start(marker string) (string, bool) {
	if marker != "" && l.common(marker) == marker {
		next := after(marker)
		return max(next, l.prefix), next != ""
	}
	if marker != "" {
		marker += "\x00" // the smallest key after the marker
	}
	return max(marker, l.prefix), true
}

// walk visits the entries from a key on. It groups keys into common prefixes, and passes the others to take, until
// take reports that the page is full. It skips entries that are not visible. It reports whether there is more for
// another page.
func (l *listing) walk(b *bucket, from string, visible func(*entry) bool, take func(*entry) (full bool)) (more bool) {
	for at := b.index.seek(from); ; {
		e, next := b.index.next(at)
		if e == nil || !strings.HasPrefix(e.key, l.prefix) {
			return false
		}
		at = next
		group := l.common(e.key)
		switch {
		case !visible(e):
		case group == "":
			if take(e) {
				return true
			}
		case l.taken == l.max:
			return true
		default:
			l.taken++
			l.prefixes = append(l.prefixes, group)
			beyond := after(group)
			if beyond == "" {
				return false
			}
			at = b.index.seek(beyond)
		}
	}
}

// listed is one object of a listing of keys.
type listed struct {
	key     string
	version version
}

// hasObject reports whether a key's newest version is an object, and not a delete marker.
func hasObject(e *entry) bool { return e.latest().object != nil }

// after lists the keys after a marker that have an object.
func (l *listing) after(b *bucket, marker string) (objects []listed, truncated bool) {
	start, any := l.start(marker)
	if !any || l.max == 0 {
		return nil, false
	}
	truncated = l.walk(b, start, hasObject, func(e *entry) bool {
		if l.taken == l.max {
			return true
		}
		l.taken++
		objects = append(objects, listed{e.key, e.latest()})
		return false
	})
	return objects, truncated
}

// last returns the last key or common prefix of a page.
func (l *listing) last(objects []listed) string {
	last := ""
	if len(objects) > 0 {
		last = objects[len(objects)-1].key
	}
	if len(l.prefixes) > 0 {
		last = max(last, l.prefixes[len(l.prefixes)-1])
	}
	return last
}

// listing writes the first elements of all listings of a bucket.
func (d *document) listing(c *call, l *listing, root string) {
	d.encode = l.encode
	d.root(root)
	d.text("Name", c.name)
	d.key("Prefix", l.prefix)
	if l.delimiter != "" {
		d.key("Delimiter", l.delimiter)
	}
	d.int("MaxKeys", int64(l.max))
	if l.encode {
		d.text("EncodingType", "url")
	}
}

// contents writes the objects and common prefixes of a page.
func (d *document) contents(c *call, l *listing, objects []listed, owner bool) {
	for _, o := range objects {
		d.open("Contents")
		d.key("Key", o.key)
		d.time("LastModified", o.version.time())
		d.text("ETag", o.version.object.etag)
		d.int("Size", o.version.object.size)
		if owner {
			d.owner("Owner", c.bucket.owner)
		}
		d.text("StorageClass", "STANDARD")
		d.close("Contents")
	}
	d.commonPrefixes(l)
}

// commonPrefixes writes the common prefixes of a page.
func (d *document) commonPrefixes(l *listing) {
	for _, prefix := range l.prefixes {
		d.open("CommonPrefixes")
		d.key("Prefix", prefix)
		d.close("CommonPrefixes")
	}
}

// listObjects lists keys; the marker of a page is the last key of the page before.
func (c *call) listObjects() (*answer, error) {
	l, err := c.newListing()
	if err != nil {
		return nil, err
	}
	marker := c.query.Get("marker")
	objects, truncated := l.after(c.bucket, marker)
	return asXML(func(d *document) {
		d.listing(c, l, "ListBucketResult")
		d.key("Marker", marker)
		d.bool("IsTruncated", truncated)
		if truncated && l.delimiter != "" {
			d.key("NextMarker", l.last(objects))
		}
		d.contents(c, l, objects, true)
		d.close("ListBucketResult")
	}), nil
}

// listObjectsV2 lists keys, paged by a token.
func (c *call) listObjectsV2() (*answer, error) {
	if c.query.Get("list-type") != "2" {
		return nil, invalidArgument("Invalid List Type specified in Request")
	}
	l, err := c.newListing()
	if err != nil {
		return nil, err
	}
	marker, token := c.query.Get("start-after"), c.query.Get("continuation-token")
	if token != "" {
		last, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect")
		}
		marker = string(last)
	}
	objects, truncated := l.after(c.bucket, marker)
	return asXML(func(d *document) {
		d.listing(c, l, "ListBucketResult")
		d.int("KeyCount", int64(l.taken))
		d.bool("IsTruncated", truncated)
		d.optional("ContinuationToken", token)
		if truncated {
			d.text("NextContinuationToken", base64.StdEncoding.EncodeToString([]byte(l.last(objects))))
		}
		if start := c.query.Get("start-after"); start != "" {
			d.key("StartAfter", start)
		}
		d.contents(c, l, objects, c.query.Get("fetch-owner") == "true")
		d.close("ListBucketResult")
	}), nil
}
