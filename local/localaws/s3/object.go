package s3

import (
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// kept are the headers, in addition to x-amz-meta-, that are stored with an object and returned with it.
var kept = []string{
	"Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Cache-Control", "Expires",
	"X-Amz-Website-Redirect-Location",
}

// metadataPrefix is the prefix of headers with user-defined metadata.
const metadataPrefix = "X-Amz-Meta-"

// keptHeaders returns the headers of a request that are stored with the object.
func keptHeaders(from http.Header) map[string]string {
	headers := map[string]string{"Content-Type": "binary/octet-stream"}
	for _, name := range kept {
		if value := from.Get(name); value != "" {
			headers[name] = value
		}
	}
	for name := range from {
		if strings.HasPrefix(name, metadataPrefix) {
			headers[name] = from.Get(name)
		}
	}
	return headers
}

// newObject returns an object with the content of a request.
func newObject(body []byte, header http.Header) (*object, error) {
	sum, err := verified(header, body)
	if err != nil {
		return nil, err
	}
	hash := md5.Sum(body)
	return &object{
		body: body, size: int64(len(body)), etag: `"` + hex.EncodeToString(hash[:]) + `"`,
		header: keptHeaders(header), checksum: sum,
	}, nil
}

// refuseUnsupported refuses headers that would be ignored otherwise.
func (c *call) refuseUnsupported() error {
	for name := range c.Header {
		if strings.HasPrefix(name, "X-Amz-Object-Lock-") || name == "X-Amz-Tagging" {
			return notImplemented(strings.ToLower(name))
		}
		if strings.HasPrefix(name, "X-Amz-Server-Side-Encryption-Customer-") {
			return notImplemented("customer keys")
		}
	}
	acl := c.Header.Get("X-Amz-Acl")
	switch {
	case acl == "" || acl == "bucket-owner-full-control":
		return nil
	case c.bucket.ownership.value == bucketOwnerEnforced:
		return errACLNotSupported
	case acl == "private":
		return nil
	}
	return notImplemented("object ACLs")
}

// putObject stores a version.
func (c *call) putObject() (*answer, error) {
	if err := c.refuseUnsupported(); err != nil {
		return nil, err
	}
	if err := c.writePreconditions(); err != nil {
		return nil, err
	}
	o, err := newObject(c.Body, c.Header)
	if err != nil {
		return nil, err
	}
	v := c.service.store(c.bucket, c.key, o)
	return ok().with("Etag", o.etag).with("X-Amz-Version-Id", c.shown(v)).with(o.checksum.header, o.checksum.value).
		with("X-Amz-Checksum-Type", "FULL_OBJECT").with("X-Amz-Server-Side-Encryption", "AES256"), nil
}

// shown returns a version's id for an answer: "" if versioning was never enabled.
func (c *call) shown(v version) string {
	if c.bucket.versioning.value == "" {
		return ""
	}
	return v.id()
}

// writePreconditions refuses a conditional write whose condition does not hold.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
func (c *call) writePreconditions() error {
	var latest *object
	if e := c.bucket.index.get(c.key); e != nil {
		latest = e.latest().object
	}
	switch none := c.Header.Get("If-None-Match"); {
	case none == "":
	case none != "*":
		return notImplemented("If-None-Match with an ETag on a write")
	case latest != nil:
		return errPrecondition
	}
	if match := c.Header.Get("If-Match"); match != "" {
		if latest == nil {
			return errNoSuchKey
		}
		if !sameTag(match, latest.etag) {
			return errPrecondition
		}
	}
	return nil
}

// sameTag compares ETags; the quotes may be missing.
func sameTag(a, b string) bool {
	return a == "*" || strings.Trim(a, `"`) == strings.Trim(b, `"`)
}

// readNeeds returns the permissions for reading an object. A caller without list permission must not learn that a key
// is missing.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (c *call) readNeeds() []api.Need {
	action := "s3:GetObject"
	if c.query.Has("versionId") {
		action = "s3:GetObjectVersion"
	}
	needs := []api.Need{c.need(action)}
	if e := c.bucket.index.get(c.key); e == nil || (!c.query.Has("versionId") && e.latest().object == nil) {
		needs = append(needs, c.needOn(c.bucket, "", "s3:ListBucket"))
	}
	return needs
}

// lookup finds a version to read, by its id or else the latest one. Errors about delete markers have a header for it.
func (c *call) lookup(b *bucket, key, id string) (version, error) {
	e := b.index.get(key)
	if id == "" {
		if e == nil {
			return version{}, errNoSuchKey
		}
		v := e.latest()
		if v.object == nil {
			return v, c.markerError(errNoSuchKey, v)
		}
		return v, nil
	}
	i, err := e.find(id)
	switch {
	case err != nil:
		return version{}, err
	case i < 0:
		return version{}, errNoSuchVersion
	case e.versions[i].object == nil:
		marked := c.markerError(errNotAllowed, e.versions[i])
		marked.Header.Set("Allow", http.MethodDelete)
		marked.Header.Set("Last-Modified", e.versions[i].time().Format(http.TimeFormat))
		return e.versions[i], marked
	}
	return e.versions[i], nil
}

// markerError adds a delete marker's headers to an error.
func (c *call) markerError(e *api.Error, v version) *api.Error {
	marked := *e
	marked.Header = http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {v.id()}}
	return &marked
}

// headObject returns the answer of getObject without the content.
func (c *call) headObject() (*answer, error) {
	a, err := c.getObject()
	if err != nil {
		return nil, err
	}
	a.with("Content-Length", strconv.Itoa(len(a.raw)))
	a.raw = nil
	return a, nil
}

// getObject returns a version, or a range of its bytes.
func (c *call) getObject() (*answer, error) {
	if c.query.Has("partNumber") {
		return nil, notImplemented("partNumber")
	}
	v, err := c.lookup(c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return nil, err
	}
	if err := readPreconditions(c.Header, "", v); err != nil {
		return nil, err
	}
	a := c.describe(v)
	if wanted := c.Header.Get("Range"); wanted != "" {
		return a.slice(wanted, v.object)
	}
	a.raw = v.object.body
	if c.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" {
		a.with(v.object.checksum.header, v.object.checksum.value).with("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
	return a, nil
}

// describe returns an answer with the headers of a version.
func (c *call) describe(v version) *answer {
	a := ok().with("Etag", v.object.etag).with("Last-Modified", v.time().Format(http.TimeFormat)).
		with("Accept-Ranges", "bytes").with("X-Amz-Version-Id", c.shown(v)).with("X-Amz-Server-Side-Encryption", "AES256")
	for name, value := range v.object.header {
		a.header[name] = []string{value}
	}
	for _, name := range kept {
		if override := c.query.Get("response-" + strings.ToLower(name)); override != "" {
			a.with(name, override)
		}
	}
	return a
}

// slice reduces an answer to one range of bytes. It ignores an invalid range.
// https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
func (a *answer) slice(wanted string, o *object) (*answer, error) {
	size := int64(len(o.body))
	first, last, valid := parseRange(wanted, size)
	if !valid {
		a.raw = o.body
		return a, nil
	}
	if first > last || first >= size {
		return nil, errInvalidRange
	}
	last = min(last, size-1)
	a.status = http.StatusPartialContent
	a.raw = o.body[first : last+1]
	return a.with("Content-Range", "bytes "+strconv.FormatInt(first, 10)+"-"+strconv.FormatInt(last, 10)+"/"+
		strconv.FormatInt(size, 10)), nil
}

// parseRange parses one range of bytes, for content of this size.
func parseRange(text string, size int64) (first, last int64, valid bool) {
	text, isBytes := strings.CutPrefix(text, "bytes=")
	from, to, isRange := strings.Cut(text, "-")
	if !isBytes || !isRange || strings.Contains(to, ",") {
		return 0, 0, false
	}
	if from == "" {
		suffix, err := strconv.ParseInt(to, 10, 64)
		return max(0, size-suffix), size - 1, err == nil && suffix >= 0
	}
	first, err := strconv.ParseInt(from, 10, 64)
	if err != nil || to == "" {
		return first, size - 1, err == nil
	}
	last, err = strconv.ParseInt(to, 10, 64)
	return first, last, err == nil && last >= first
}

// readPreconditions checks the conditional headers of a read, or with a prefix those for the source of a copy.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html
func readPreconditions(header http.Header, prefix string, v version) error {
	if match := header.Get(prefix + "If-Match"); match != "" {
		if !sameTag(match, v.object.etag) {
			return errPrecondition
		}
	} else if since, err := http.ParseTime(header.Get(prefix + "If-Unmodified-Since")); err == nil && v.time().After(since) {
		return errPrecondition
	}
	if none := header.Get(prefix + "If-None-Match"); none != "" {
		if sameTag(none, v.object.etag) {
			return unchanged(prefix, v)
		}
	} else if since, err := http.ParseTime(header.Get(prefix + "If-Modified-Since")); err == nil && !v.time().After(since) {
		return unchanged(prefix, v)
	}
	return nil
}

// unchanged returns the answer for content that the caller already has; a copy then fails.
func unchanged(prefix string, v version) error {
	if prefix != "" {
		return errPrecondition
	}
	same := *errNotModified
	same.Header = http.Header{"Etag": {v.object.etag}, "Last-Modified": {v.time().Format(http.TimeFormat)}}
	return &same
}

// copySource returns the source of a copy.
func (c *call) copySource() (b *bucket, key, version string, err error) {
	source, query, _ := strings.Cut(c.Header.Get("X-Amz-Copy-Source"), "?")
	path, err := url.PathUnescape(strings.TrimPrefix(source, "/"))
	name, key, found := strings.Cut(path, "/")
	if err != nil || !found || key == "" {
		return nil, "", "", invalidArgument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	}
	if b = c.service.buckets[name]; b == nil {
		return nil, "", "", errNoSuchBucket
	}
	return b, key, strings.TrimPrefix(query, "versionId="), nil
}

// copyNeeds returns the permissions for reading the source and writing the copy.
func (c *call) copyNeeds() []api.Need {
	needs := []api.Need{c.need("s3:PutObject")}
	if b, key, version, err := c.copySource(); err == nil {
		action := "s3:GetObject"
		if version != "" {
			action = "s3:GetObjectVersion"
		}
		needs = append(needs, c.needOn(b, key, action))
	}
	return needs
}

// copyObject copies an object.
func (c *call) copyObject() (*answer, error) {
	if err := c.refuseUnsupported(); err != nil {
		return nil, err
	}
	from, key, id, err := c.copySource()
	if err != nil {
		return nil, err
	}
	source, err := c.lookup(from, key, id)
	if err != nil {
		return nil, err
	}
	if err := readPreconditions(c.Header, "X-Amz-Copy-Source-", source); err != nil {
		return nil, err
	}
	replace := c.Header.Get("X-Amz-Metadata-Directive") == "REPLACE"
	if from == c.bucket && key == c.key && id == "" && !replace {
		return nil, invalidRequest("This copy request is illegal because it is trying to copy an object to itself without " +
			"changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	copied := *source.object
	if replace {
		copied.header = keptHeaders(c.Header)
	}
	v := c.service.store(c.bucket, c.key, &copied)
	a := asXML(func(d *document) {
		d.root("CopyObjectResult")
		d.time("LastModified", v.time())
		d.text("ETag", copied.etag)
		d.text(copied.checksum.element(), copied.checksum.value)
		d.close("CopyObjectResult")
	})
	return a.with("X-Amz-Version-Id", c.shown(v)).with("X-Amz-Copy-Source-Version-Id", shownIn(from, source)), nil
}

// shownIn returns a version's id for an answer about its bucket.
func shownIn(b *bucket, v version) string {
	if b.versioning.value == "" {
		return ""
	}
	return v.id()
}
