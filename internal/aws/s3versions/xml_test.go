package s3versions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// listing is a ListVersionsResult with these elements.
func listing(elements ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + strings.Join(elements, "") + `</ListVersionsResult>`
}

const (
	sample1 = `<Version><Key>a%2Fb+c%25</Key><VersionId>v1</VersionId><IsLatest>true</IsLatest><Size>3</Size></Version>`
	sample2 = `<DeleteMarker><Key>%C3%BC</Key><VersionId>v2</VersionId></DeleteMarker>`
	encoded = `<EncodingType>url</EncodingType>`
	last    = `<IsTruncated>false</IsTruncated>`
	goesOn  = `<IsTruncated>true</IsTruncated>`
)

// XML allows each of these shapes, and AWS's output model or another store has it: elements in another order, and what
// XML libraries may write.
func TestListReadsEveryShapeOfAListing(t *testing.T) {
	want := []emptying.Version{{Key: "a/b c%", ID: "v1"}, {Key: "ü", ID: "v2"}}
	spread := strings.NewReplacer("><", ">\n\t<").Replace
	for name, body := range map[string]string{
		"the encoding first":              listing(encoded, last, sample1, sample2),
		"the encoding last, as MinIO":     listing(`<Name>docs</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys>`, last, sample1, sample2, encoded),
		"everything last":                 listing(sample1, sample2, last, encoded),
		"between the entries":             listing(sample1, encoded, last, sample2),
		"on lines of their own":           spread(listing(sample1, sample2, last, encoded)),
		"attributes":                      listing(encoded, last, strings.Replace(sample1, "<Version>", `<Version note="x">`, 1), sample2),
		"attributes within":               listing(encoded, last, strings.Replace(sample1, "<Key>", `<Key note="&gt;">`, 1), sample2),
		"spaces in tags":                  listing(encoded, last, strings.NewReplacer("</Version>", "</Version >", "<Key>", "<Key\n>").Replace(sample1), sample2),
		"a line's end in a tag":           listing(encoded, last, strings.NewReplacer("<Version>", "<Version\n>").Replace(sample1), sample2),
		"an opening tag with a space":     listing(encoded, last, strings.NewReplacer("<Version>", "<Version\t>").Replace(sample1), sample2),
		"CDATA":                           listing(encoded, last, strings.Replace(sample1, "a%2Fb+c%25", "<![CDATA[a%2Fb+c%25]]>", 1), sample2),
		"CDATA that looks like a key":     listing(encoded, last, strings.Replace(sample1, "<Key>", "<Owner><ID><![CDATA[<Key>x</Key>]]></ID></Owner><Key>", 1), sample2),
		"a comment":                       listing(encoded, last, strings.Replace(sample1, "c%25", "c<!-- </Key> -->%25", 1), sample2),
		"a key in another element":        listing(encoded, last, strings.Replace(sample1, "<Key>", "<Tag><Key>x</Key></Tag><Key>", 1), sample2),
		"a namespace with a prefix":       strings.NewReplacer("<?", "<?", "</", "</s3:", "<", "<s3:", "xmlns=", "xmlns:s3=").Replace(listing(encoded, last, sample1, sample2)),
		"entities for letters":            listing(encoded, last, strings.Replace(sample1, "a%2F", "&#97;%2&#x46;", 1), sample2),
		"an empty element":                listing(`<Prefix/><KeyMarker/><VersionIdMarker />`, encoded, last, sample1, sample2),
		"spaces around what is no key":    listing("<EncodingType> url\n</EncodingType><IsTruncated> false </IsTruncated>", sample1, sample2),
		"nothing about being truncated":   listing(encoded, sample1, sample2),
		"an element that nobody knows":    listing(encoded, last, `<Grid><Cell>1</Cell></Grid>`, sample1, sample2),
		"an empty element within, unused": listing(encoded, last, strings.Replace(sample1, "<Size>", "<Owner/><Size>", 1), sample2),
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, body})
			page, err := store.List(t.Context(), "", emptying.Position{})
			if diff := cmp.Diff(want, page.Versions); err != nil || diff != "" || page.More {
				t.Errorf("List(%s) = %v (-want +got):\n%s", body, err, diff)
			}
		})
	}
}

func TestListRefusesWhatMayHideSomething(t *testing.T) {
	for name, body := range map[string]string{
		"truncated, perhaps":                      listing(encoded, `<IsTruncated>TRUE</IsTruncated>`, sample1),
		"a marker, and not truncated, by no word": listing(encoded, `<NextKeyMarker>b</NextKeyMarker>`, sample1),
		"truncated, and no place to go on":        listing(encoded, goesOn),
		"rolled up":                               listing(encoded, last, `<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>`),
		"an empty root":                           `<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`,
		"a root with nothing in it":               listing(),
		"two keys":                                listing(encoded, last, strings.Replace(sample1, "<Key>", "<Key>x</Key><Key>", 1)),
		"an unknown entity":                       listing(last, strings.Replace(sample1, "a%2F", "&copy;", 1)),
		"an empty id":                             listing(encoded, last, strings.Replace(sample1, "v1", "", 1)),
		"no id":                                   listing(encoded, last, strings.Replace(sample1, "<VersionId>v1</VersionId>", "<VersionId/>", 1)),
		"a negative size":                         listing(encoded, last, strings.Replace(sample1, "<Size>3", "<Size>-1", 1)),
		"one listing in another":                  listing(encoded, last, listing(encoded, last, sample1)[39:]),
		"a login page":                            "<html><head><title>Sign in</title></head><body>Version</body></html>",
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, body})
			if page, err := store.List(t.Context(), "", emptying.Position{}); err == nil {
				t.Errorf("List(%s) = %+v, want an error", body, page)
			}
		})
	}
}

// Keys that are not URL-encoded can contain XML's entities, but not HTML's.
func TestListResolvesXMLsEntitiesOnly(t *testing.T) {
	_, store := open(t, canned{200, listing(last, `<Version><Key>&lt;&#x85;&#128;&amp;copy;&#13;</Key><VersionId>&quot;v&apos;</VersionId><Size>0</Size></Version>`)})
	page, err := store.List(t.Context(), "", emptying.Position{})
	want := []emptying.Version{{Key: "<\u0085\u0080&copy;\r", ID: `"v'`}}
	if err != nil || !slices.Equal(page.Versions, want) {
		t.Errorf("List = %q, %v, want %q", page.Versions, err, want)
	}
}

// docs/facts.md: S3 (Ceph).
func TestAListingGoesOnFromItsLastEntryWhereTheMarkerIsNoHelp(t *testing.T) {
	entry := func(key, id string) string {
		return "<Version><Key>" + key + "</Key><VersionId>" + id + "</VersionId><Size>1</Size></Version>"
	}
	for name, c := range map[string]struct {
		body string
		want emptying.Position
	}{
		"a raw marker that does not decode": {listing(goesOn, `<NextKeyMarker>50% off</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>`, encoded, entry("50%25+off", "v1")),
			emptying.Position{Key: "50% off", VersionID: "v1"}},
		"a raw marker that decodes to something else": {listing(goesOn, `<NextKeyMarker>a%41+b</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>`, encoded, entry("a%2541%2Bb", "v1")),
			emptying.Position{Key: "a%41+b", VersionID: "v1"}},
		"an encoded marker": {listing(goesOn, `<NextKeyMarker>a%2541%2Bb</NextKeyMarker><NextVersionIdMarker>v0</NextVersionIdMarker>`, encoded, entry("a%2541%2Bb", "v1")),
			emptying.Position{Key: "a%41+b", VersionID: "v0"}},
		"a marker of something else that does not decode": {listing(goesOn, `<NextKeyMarker>b%zz</NextKeyMarker><NextVersionIdMarker>v7</NextVersionIdMarker>`, encoded, entry("a", "v1")),
			emptying.Position{Key: "a", VersionID: "v1"}},
		"no marker": {listing(goesOn, encoded, entry("a", "v9"), entry("%C3%BC", "v1")), emptying.Position{Key: "ü", VersionID: "v1"}},
		"no marker of the version": {listing(goesOn, `<NextKeyMarker>a</NextKeyMarker>`, encoded, entry("a", "v1")),
			emptying.Position{Key: "a", VersionID: "v1"}},
		"a marker behind the page": {listing(goesOn, `<NextKeyMarker>b</NextKeyMarker>`, encoded, entry("a", "v1")), emptying.Position{Key: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, c.body})
			page, err := store.List(t.Context(), "", emptying.Position{})
			if err != nil || !page.More || page.Next != c.want {
				t.Errorf("List goes on at %+v (%t), %v, want %+v", page.Next, page.More, err, c.want)
			}
		})
	}
}

// uploadsOf is a ListMultipartUploadsResult with these elements.
func uploadsOf(elements ...string) string {
	return `<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">` + strings.Join(elements, "") + `</ListMultipartUploadsResult>`
}

func TestListUploadsReadsEveryShapeOfAListing(t *testing.T) {
	const upload = `<Upload><Key>50%25+off</Key><UploadId>u1</UploadId><Owner><ID>x</ID></Owner></Upload>`
	one := []emptying.Upload{{Key: "50% off", ID: "u1"}}
	for name, c := range map[string]struct {
		body string
		page []emptying.Upload
		next emptying.Upload
	}{
		"the encoding last":  {uploadsOf(last, upload, encoded), one, emptying.Upload{}},
		"a raw marker":       {uploadsOf(goesOn, `<NextKeyMarker>50% off</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>`, upload, encoded), one, one[0]},
		"no marker":          {uploadsOf(goesOn, upload, encoded), one, one[0]},
		"an encoded marker":  {uploadsOf(goesOn, `<NextKeyMarker>50%25+off</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>`, upload, encoded), one, one[0]},
		"encoded, unsaid":    {uploadsOf(last, upload), []emptying.Upload{{Key: "50%25+off", ID: "u1", Decoded: "50% off"}}, emptying.Upload{}},
		"the same both ways": {uploadsOf(last, strings.Replace(upload, "50%25+off", "a/b", 1)), []emptying.Upload{{Key: "a/b", ID: "u1"}}, emptying.Upload{}},
		"surely not encoded": {uploadsOf(last, strings.Replace(upload, "50%25+off", "50%", 1)), []emptying.Upload{{Key: "50%", ID: "u1"}}, emptying.Upload{}},
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, c.body})
			page, next, more, err := store.ListUploads(t.Context(), emptying.Upload{})
			if err != nil || !slices.Equal(page, c.page) || next != c.next || more != (c.next != emptying.Upload{}) {
				t.Errorf("ListUploads(%s) = %+v, %+v, %t, %v, want %+v, %+v", c.body, page, next, more, err, c.page, c.next)
			}
		})
	}
}

// Each would otherwise be read as a bucket without uploads.
func TestListUploadsRefusesWhatIsNotAListing(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": "", "a login page": "<html><body>Sign in</body></html>", "another listing": listing(last, encoded), "an empty root": uploadsOf(),
		"cut off":                    uploadsOf(last)[:60],
		"an upload without id":       uploadsOf(last, encoded, "<Upload><Key>k</Key></Upload>"),
		"an upload without key":      uploadsOf(last, encoded, "<Upload><UploadId>1</UploadId></Upload>"),
		"a key that does not decode": uploadsOf(last, encoded, "<Upload><Key>%G</Key><UploadId>1</UploadId></Upload>"),
		"truncated, perhaps":         uploadsOf("<IsTruncated>1</IsTruncated>", encoded),
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, body})
			if page, _, _, err := store.ListUploads(t.Context(), emptying.Upload{}); err == nil {
				t.Errorf("ListUploads(%s) = %+v, want an error", body, page)
			}
		})
	}
}

func TestDeleteBatchReadsEveryShapeOfAFailure(t *testing.T) {
	want := []emptying.Failure{{Version: emptying.Version{Key: "<a>", ID: "v1"}, Code: "AccessDenied", Message: "no"}}
	failure := "<Error><Code>AccessDenied</Code><Message>no</Message><Key>&lt;a&gt;</Key><VersionId>v1</VersionId></Error>"
	for name, body := range map[string]string{
		"as S3":           "<DeleteResult>" + failure + "</DeleteResult>",
		"attributes":      `<DeleteResult x="1">` + strings.Replace(failure, "<Error>", `<Error n="1">`, 1) + "</DeleteResult>",
		"CDATA":           "<DeleteResult>" + strings.Replace(failure, "&lt;a&gt;", "<![CDATA[<a>]]>", 1) + "</DeleteResult>",
		"a prefix":        `<d:DeleteResult xmlns:d="x">` + strings.NewReplacer("</", "</d:", "<", "<d:").Replace(failure) + "</d:DeleteResult>",
		"spaces in a tag": "<DeleteResult >" + strings.Replace(failure, "</Error>", "</Error >", 1) + "</DeleteResult >",
		"nested":          "<DeleteResult>" + strings.Replace(failure, "<Code>", "<Detail><Code>x</Code></Detail><Code>", 1) + "</DeleteResult>",
		"among others":    "<DeleteResult><Deleted><Key>b</Key></Deleted>" + failure + "<Deleted><Key>c</Key></Deleted></DeleteResult>",
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, body})
			got, err := store.DeleteBatch(t.Context(), []emptying.Version{{Key: "<a>", ID: "v1"}}, false)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("DeleteBatch(%s) = %v (-want +got):\n%s", body, err, diff)
			}
		})
	}
	for name, body := range map[string]string{
		"cut off": "<DeleteResult>", "cut in an error": "<DeleteResult>" + failure[:40], "nothing": "", "a page": "<html></html>",
		"an error outside": failure,
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, body})
			if got, err := store.DeleteBatch(t.Context(), []emptying.Version{{Key: "a", ID: "v1"}}, false); err == nil {
				t.Errorf("DeleteBatch(%s) = %v, want an error", body, got)
			}
		})
	}
}

// A listing contains when a null version was written, and what (docs/facts.md: S3).
func TestStampsTellNullVersionsApart(t *testing.T) {
	entry := func(modified, tag string) string {
		return fmt.Sprintf(`<Version><Key>k</Key><VersionId>null</VersionId><LastModified>%s</LastModified><ETag>&quot;%s&quot;</ETag><Size>1</Size></Version>`, modified, tag)
	}
	first, second := "2026-11-29T00:00:00.000Z", "2026-11-29T00:00:01.000Z"
	for name, c := range map[string]struct {
		one, other string
		same       bool
	}{
		"the same":       {entry(first, "a"), entry(first, "a"), true},
		"later":          {entry(first, "a"), entry(second, "a"), false},
		"something else": {entry(first, "a"), entry(first, "b"), false},
		"another XML":    {entry(first, "a"), strings.Replace(entry(first, "a"), "<Key>k", "<Key><![CDATA[k]]>", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			_, store := open(t, canned{200, listing(last, c.one)}, canned{200, listing(last, c.other)})
			one, err := store.List(t.Context(), "", emptying.Position{})
			other, err2 := store.List(t.Context(), "", emptying.Position{})
			if err != nil || err2 != nil || len(one.Stamps) != 1 || len(other.Stamps) != 1 {
				t.Fatalf("List = %+v, %v and %+v, %v", one, err, other, err2)
			}
			if same := one.Stamps[0] == other.Stamps[0]; same != c.same {
				t.Errorf("the same stamp: %t, want %t", same, c.same)
			}
		})
	}
}
