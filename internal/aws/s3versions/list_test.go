package s3versions

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// text escapes a text for XML.
func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder returns no error
	return b.String()
}

// TestReadPageReadsWhateverIsInAListing draws listings with all kinds of keys and all orders of elements, and with texts
// that look like elements.
func TestReadPageReadsWhateverIsInAListing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var want emptying.Page
		var entries strings.Builder
		owner := "<Owner><ID>ID</ID><DisplayName>" + text(rapid.SampledFrom([]string{"Version", "</Version>", "<Key>k</Key>", ""}).Draw(t, "owner")) + "</DisplayName></Owner>"
		space := rapid.SampledFrom([]string{"", "\n  "}).Draw(t, "space")
		for range rapid.IntRange(0, 5).Draw(t, "entries") {
			key := string(rapid.SliceOfN(rapid.Byte(), 1, 20).Draw(t, "key"))
			id := rapid.SampledFrom([]string{"null", "v&<1>", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"}).Draw(t, "id")
			size := int64(rapid.IntRange(-1, 5).Draw(t, "size"))
			name, elements := "DeleteMarker", []string{"<Key>" + url.QueryEscape(key) + "</Key>", "<VersionId>" + text(id) + "</VersionId>", owner}
			if size >= 0 {
				name, elements = "Version", append(elements, fmt.Sprintf("<Size>%d</Size>", size), "<ETag>&quot;VSK&quot;</ETag>", "<StorageClass>STANDARD</StorageClass>")
			}
			elements = rapid.Permutation(elements).Draw(t, "order")
			fmt.Fprintf(&entries, "<%s>%s</%s>%s", name, space+strings.Join(elements, space), name, space)
			want.Versions, want.Sizes = append(want.Versions, emptying.Version{Key: key, ID: id}), append(want.Sizes, size)
		}
		parts := []string{"<EncodingType>url</EncodingType>", "<Prefix/>", "<IsTruncated>false</IsTruncated>", entries.String()}
		body := `<?xml version="1.0"?>` + "\n<ListVersionsResult>" + strings.Join(rapid.Permutation(parts).Draw(t, "order of all"), space) + "</ListVersionsResult>"
		var got emptying.Page
		if err := readPage([]byte(body), &got); err != nil {
			t.Fatalf("readPage(%s) = %v", body, err)
		}
		if diff := cmp.Diff(want.Versions, append([]emptying.Version(nil), got.Versions...)); diff != "" {
			t.Errorf("readPage(%s) (-want +got):\n%s", body, diff)
		}
		if diff := cmp.Diff(want.Sizes, append([]int64(nil), got.Sizes...)); diff != "" {
			t.Errorf("sizes of %s (-want +got):\n%s", body, diff)
		}
	})
}

// compareReaders checks that the fast reader reads the same as the standard library, or nothing.
func compareReaders(t *testing.T, body []byte) {
	var fast, slow pageReader
	if fast.read(body) == nil && slow.readAny(body) == nil {
		var a, b emptying.Page
		if errA, errB := fast.fill(&a), slow.fill(&b); (errA == nil) != (errB == nil) || errA == nil && !cmp.Equal(a, b) {
			t.Errorf("of %q the fast reader reads %+v, %v, the other %+v, %v", body, a, errA, b, errB)
		}
	}
	if a, err := scanFailures(body); err == nil {
		if b, err := readAnyFailures(body); err == nil && !cmp.Equal(a, b) {
			t.Errorf("of %q the fast reader reads %+v, the other %+v", body, a, b)
		}
	}
	_, _, _, _ = readUploads(body) // must not panic
}

// FuzzAnswers checks that no answer is accepted as a listing if something is missing, and that none causes a panic.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "<", "<>", "</>", "<?>", "<Version>", "<ListVersionsResult/>", "<DeleteResult/>",
		"<ListVersionsResult><Version><Key>k</Key><VersionId>v</VersionId><Size>1</Size></Version></ListVersionsResult>",
		"<ListVersionsResult><EncodingType>url</EncodingType><DeleteMarker><Key>%2</Key><VersionId>v</VersionId></DeleteMarker></ListVersionsResult>",
		"<ListVersionsResult><Version><Key></Key><VersionId>v</VersionId><Size></Size></Version></ListVersionsResult>",
		"<DeleteResult><Error><Key>k</Key><Code>AccessDenied</Code></Error></DeleteResult>",
		"<ListVersionsResult><NextKeyMarker>a%</NextKeyMarker><emptying.Version ><Key>a&#x25;</Key><VersionId>v</VersionId><Size>1</Size></emptying.Version ><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType></ListVersionsResult>",
		"<ListVersionsResult><x:Version><Key>k</Key></x:Version><Version\n><Key>k</Key><VersionId>v</VersionId><Size>1</Size></Version></ListVersionsResult>",
		"<ListVersionsResult><!-- <Version> --><Version><Key><![CDATA[k]]></Key><VersionId>v</VersionId><Size>1</Size></Version></ListVersionsResult>",
		"<ListMultipartUploadsResult><Upload><Key>a%20</Key><UploadId>1</UploadId></Upload></ListMultipartUploadsResult>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		compareReaders(t, body)
		var page emptying.Page
		if err := readPage(body, &page); err == nil {
			if !bytes.Contains(body, []byte("ListVersionsResult")) || len(page.Versions) != len(page.Sizes) {
				t.Errorf("readPage(%q) = %d versions, %d sizes", body, len(page.Versions), len(page.Sizes))
			}
			for _, v := range page.Versions {
				if v.Key == "" || v.ID == "" {
					t.Errorf("readPage(%q) has %+v", body, v)
				}
			}
		}
		if failures, err := readFailures(body); err == nil && bytes.Count(body, []byte("Error")) < len(failures) {
			t.Errorf("readFailures(%q) = %d failures", body, len(failures))
		}
	})
}
