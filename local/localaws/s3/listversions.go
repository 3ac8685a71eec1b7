package s3

import "strings"

// listedVersion is one version or delete marker of a listing.
type listedVersion struct {
	key     string
	version version
	latest  bool
}

// versionPage is a page of versions.
type versionPage struct {
	listing
	versions []listedVersion
	// truncated means that there is a next page, which begins at the markers.
	truncated            bool
	nextKey, nextVersion string
}

// take adds an entry's versions to the page, the newest first, from the i-th newest on, as far as they fit.
func (p *versionPage) take(e *entry, i int) (full bool) {
	for ; i < len(e.versions); i++ {
		if p.taken == p.max {
			return true
		}
		p.taken++
		p.versions = append(p.versions, listedVersion{e.key, e.versions[len(e.versions)-1-i], i == 0})
	}
	return false
}

// older returns the number of an entry's versions, counted from the newest, up to a version id marker. The version
// may have been deleted since its page was written; its sequence number still gives its position. The null version
// has none: its key is then listed again, which repeats versions but omits none.
func older(e *entry, marker string) (int, error) {
	if marker == "null" {
		if i := e.findNull(); i >= 0 {
			return len(e.versions) - i, nil
		}
		return 0, nil
	}
	sequence, err := sequenceOf(marker)
	if err != nil {
		return 0, err
	}
	n := 0
	for n < len(e.versions) && e.versions[len(e.versions)-1-n].sequence >= sequence {
		n++
	}
	return n, nil
}

// fill fills the page, starting after the markers.
func (p *versionPage) fill(b *bucket, keyMarker, versionMarker string) error {
	if p.max == 0 {
		return nil
	}
	if e := b.index.get(keyMarker); versionMarker != "" && e != nil && strings.HasPrefix(keyMarker, p.prefix) {
		n, err := older(e, versionMarker)
		if err != nil {
			return err
		}
		if p.take(e, n) {
			p.end()
			return nil
		}
	}
	from, any := p.start(keyMarker)
	every := func(*entry) bool { return true }
	if any && p.walk(b, from, every, func(e *entry) bool { return p.take(e, 0) }) {
		p.end()
	}
	return nil
}

// end marks the page as truncated.
func (p *versionPage) end() {
	p.truncated = true
	if n := len(p.versions); n > 0 {
		p.nextKey, p.nextVersion = p.versions[n-1].key, p.versions[n-1].version.id()
	}
	if n := len(p.prefixes); n > 0 && p.prefixes[n-1] > p.nextKey {
		p.nextKey, p.nextVersion = p.prefixes[n-1], ""
	}
}

// listVersions lists versions and delete markers, by key, the newest of each key first.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
func (c *call) listVersions() (*answer, error) {
	l, err := c.newListing()
	if err != nil {
		return nil, err
	}
	keyMarker, versionMarker := c.query.Get("key-marker"), c.query.Get("version-id-marker")
	switch {
	case versionMarker != "" && keyMarker == "":
		return nil, invalidArgument("A version-id marker cannot be specified without a key marker.")
	case versionMarker == "" && keyMarker != "" && c.query.Has("version-id-marker"):
		return nil, invalidArgument("A version-id marker cannot be empty.")
	}
	page := &versionPage{listing: *l}
	if err := page.fill(c.bucket, keyMarker, versionMarker); err != nil {
		return nil, err
	}
	return asXML(func(d *document) {
		d.listing(c, &page.listing, "ListVersionsResult")
		d.key("KeyMarker", keyMarker)
		d.text("VersionIdMarker", versionMarker)
		d.bool("IsTruncated", page.truncated)
		if page.truncated {
			d.key("NextKeyMarker", page.nextKey)
			d.optional("NextVersionIdMarker", page.nextVersion)
		}
		for _, v := range page.versions {
			d.version(c, v)
		}
		d.commonPrefixes(&page.listing)
		d.close("ListVersionsResult")
	}), nil
}

// version writes one version or delete marker.
func (d *document) version(c *call, v listedVersion) {
	element := "Version"
	if v.version.object == nil {
		element = "DeleteMarker"
	}
	d.open(element)
	d.key("Key", v.key)
	d.text("VersionId", v.version.id())
	d.bool("IsLatest", v.latest)
	d.time("LastModified", v.version.time())
	if o := v.version.object; o != nil {
		d.text("ETag", o.etag)
		d.int("Size", o.size)
		d.text("StorageClass", "STANDARD")
	}
	d.owner("Owner", c.bucket.owner)
	d.close(element)
}
