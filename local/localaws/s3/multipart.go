package s3

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// upload is a multipart upload that has neither been completed nor aborted.
type upload struct {
	// sequence orders uploads, and determines the upload id.
	sequence uint64
	key      string
	begun    time.Time
	header   http.Header
	parts    map[int]*object
	modified map[int]time.Time
}

// id returns the upload's id.
func (u *upload) id() string { return versionID(u.sequence) }

// minPart is the minimum size of all parts except the last, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const minPart = 5 << 20

// createUpload begins an upload.
func (c *call) createUpload() (*answer, error) {
	if err := c.refuseUnsupported(); err != nil {
		return nil, err
	}
	u := &upload{
		sequence: c.service.next(), key: c.key, begun: c.service.now(), header: c.Header.Clone(),
		parts: map[int]*object{}, modified: map[int]time.Time{},
	}
	c.bucket.uploads[u.id()] = u
	return asXML(func(d *document) {
		d.root("InitiateMultipartUploadResult")
		d.text("Bucket", c.name)
		d.text("Key", c.key)
		d.text("UploadId", u.id())
		d.close("InitiateMultipartUploadResult")
	}), nil
}

// upload finds the call's upload.
func (c *call) upload() (*upload, error) {
	u := c.bucket.uploads[c.query.Get("uploadId")]
	if u == nil || u.key != c.key {
		return nil, errNoSuchUpload
	}
	return u, nil
}

// uploadPart stores a part, and replaces an earlier one with its number.
func (c *call) uploadPart() (*answer, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(c.query.Get("partNumber"))
	if err != nil || number < 1 || number > 10000 {
		return nil, invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
	}
	o, err := newObject(c.Body, c.Header)
	if err != nil {
		return nil, err
	}
	u.parts[number], u.modified[number] = o, c.service.now()
	return ok().with("Etag", o.etag).with(o.checksum.header, o.checksum.value), nil
}

// completeUpload makes an object from the parts in the request.
func (c *call) completeUpload() (*answer, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	if err := c.writePreconditions(); err != nil {
		return nil, err
	}
	var want struct {
		Part []wantedPart
	}
	if err := xml.Unmarshal(c.Body, &want); err != nil || len(want.Part) == 0 {
		return nil, errMalformedXML
	}
	o, err := u.assemble(want.Part)
	if err != nil {
		return nil, err
	}
	delete(c.bucket.uploads, u.id())
	v := c.service.store(c.bucket, c.key, o)
	return asXML(func(d *document) {
		d.root("CompleteMultipartUploadResult")
		d.text("Location", "/"+c.name+"/"+c.key)
		d.text("Bucket", c.name)
		d.text("Key", c.key)
		d.text("ETag", o.etag)
		d.text(o.checksum.element(), o.checksum.value)
		d.text("ChecksumType", "FULL_OBJECT")
		d.close("CompleteMultipartUploadResult")
	}).with("X-Amz-Version-Id", c.shown(v)), nil
}

// wantedPart is a part in a completing request.
type wantedPart struct {
	PartNumber int
	ETag       string
}

// assemble joins parts. The ETag is the hash of the parts' hashes and their number.
func (u *upload) assemble(parts []wantedPart) (*object, error) {
	var body, hashes []byte
	for i, want := range parts {
		part := u.parts[want.PartNumber]
		switch {
		case i > 0 && want.PartNumber <= parts[i-1].PartNumber:
			return nil, errInvalidPartOrder
		case part == nil || !sameTag(part.etag, want.ETag):
			return nil, errInvalidPart
		case i < len(parts)-1 && part.size < minPart:
			return nil, refuse(http.StatusBadRequest, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
		}
		hash, _ := hex.DecodeString(strings.Trim(part.etag, `"`))
		body, hashes = append(body, part.body...), append(hashes, hash...)
	}
	sum, err := verified(http.Header{}, body)
	if err != nil {
		return nil, err
	}
	return &object{
		body: body, size: int64(len(body)), header: keptHeaders(u.header), checksum: sum,
		etag: fmt.Sprintf(`"%x-%d"`, md5.Sum(hashes), len(parts)),
	}, nil
}

// abortUpload removes an upload and its parts.
func (c *call) abortUpload() (*answer, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	delete(c.bucket.uploads, u.id())
	return noContent(), nil
}

// listParts lists an upload's parts by number.
func (c *call) listParts() (*answer, error) {
	u, err := c.upload()
	if err != nil {
		return nil, err
	}
	limit, err := c.limit("max-parts")
	if err != nil {
		return nil, err
	}
	marker, _ := strconv.Atoi(c.query.Get("part-number-marker"))
	numbers := slices.DeleteFunc(slices.Sorted(maps.Keys(u.parts)), func(n int) bool { return n <= marker })
	page := numbers[:min(limit, len(numbers))]
	return asXML(func(d *document) {
		d.root("ListPartsResult")
		d.text("Bucket", c.name)
		d.text("Key", c.key)
		d.text("UploadId", u.id())
		d.owner("Owner", c.bucket.owner)
		d.text("StorageClass", "STANDARD")
		d.int("PartNumberMarker", int64(marker))
		if len(page) > 0 {
			d.int("NextPartNumberMarker", int64(page[len(page)-1]))
		}
		d.int("MaxParts", int64(limit))
		d.bool("IsTruncated", len(page) < len(numbers))
		for _, n := range page {
			d.open("Part")
			d.int("PartNumber", int64(n))
			d.time("LastModified", u.modified[n])
			d.text("ETag", u.parts[n].etag)
			d.int("Size", u.parts[n].size)
			d.close("Part")
		}
		d.close("ListPartsResult")
	}), nil
}

// limit returns the maximum number of elements of a page.
func (c *call) limit(parameter string) (int, error) {
	text := c.query.Get(parameter)
	if text == "" {
		return 1000, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, invalidArgument("Argument " + parameter + " must be an integer between 0 and 2147483647")
	}
	return min(n, 1000), nil
}

// listUploads lists a bucket's unfinished uploads by key and then by age.
func (c *call) listUploads() (*answer, error) {
	limit, err := c.limit("max-uploads")
	if err != nil {
		return nil, err
	}
	if c.query.Get("delimiter") != "" {
		return nil, notImplemented("a delimiter in ListMultipartUploads")
	}
	uploads, err := c.uploadsAfter(c.query.Get("key-marker"), c.query.Get("upload-id-marker"))
	if err != nil {
		return nil, err
	}
	page := uploads[:min(limit, len(uploads))]
	return asXML(func(d *document) {
		d.encode = c.query.Get("encoding-type") == "url"
		d.root("ListMultipartUploadsResult")
		d.text("Bucket", c.name)
		d.key("KeyMarker", c.query.Get("key-marker"))
		d.text("UploadIdMarker", c.query.Get("upload-id-marker"))
		d.key("Prefix", c.query.Get("prefix"))
		if d.encode {
			d.text("EncodingType", "url")
		}
		if len(page) > 0 {
			d.key("NextKeyMarker", page[len(page)-1].key)
			d.text("NextUploadIdMarker", page[len(page)-1].id())
		}
		d.int("MaxUploads", int64(limit))
		d.bool("IsTruncated", len(page) < len(uploads))
		for _, u := range page {
			d.open("Upload")
			d.key("Key", u.key)
			d.text("UploadId", u.id())
			d.owner("Initiator", c.bucket.owner)
			d.owner("Owner", c.bucket.owner)
			d.text("StorageClass", "STANDARD")
			d.time("Initiated", u.begun)
			d.close("Upload")
		}
		d.close("ListMultipartUploadsResult")
	}), nil
}

// uploadsAfter returns the uploads after the markers: those of later keys, and with an upload id marker also the
// later ones of the same key.
func (c *call) uploadsAfter(keyMarker, idMarker string) ([]*upload, error) {
	begunAfter := uint64(math.MaxUint64)
	if idMarker != "" {
		sequence, err := sequenceOf(idMarker)
		if err != nil {
			return nil, invalidArgument("Invalid uploadId marker")
		}
		begunAfter = sequence
	}
	var uploads []*upload
	for _, u := range c.bucket.uploads {
		behind := u.key > keyMarker || u.key == keyMarker && u.sequence > begunAfter
		if behind && strings.HasPrefix(u.key, c.query.Get("prefix")) {
			uploads = append(uploads, u)
		}
	}
	slices.SortFunc(uploads, func(a, b *upload) int {
		return cmp.Or(strings.Compare(a.key, b.key), cmp.Compare(a.sequence, b.sequence))
	})
	return uploads, nil
}
