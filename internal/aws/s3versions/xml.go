package s3versions

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// anyListing is a listing of versions or uploads, as encoding/xml reads it.
type anyListing struct {
	XMLName  xml.Name
	Elements []anyEntry `xml:",any"`
}

// anyEntry is an element of a listing: an entry, or an element about the listing. Its fields are its direct child
// elements only.
type anyEntry struct {
	XMLName      xml.Name
	Text         string   `xml:",chardata"`
	Key          []string `xml:"Key"`
	VersionID    string   `xml:"VersionId"`
	UploadID     string   `xml:"UploadId"`
	Size         string
	LastModified []byte
	ETag         []byte
}

// parse reads a document with encoding/xml and checks the name of its root.
func parse(body []byte, root string) (*anyListing, error) {
	var l anyListing
	if err := xml.Unmarshal(body, &l); err != nil {
		return nil, fmt.Errorf("%w: %w", errXML, err)
	}
	if l.XMLName.Local != root || len(l.Elements) == 0 {
		return nil, fmt.Errorf("%w: <%s> with %d elements instead of a %s", errXML, l.XMLName.Local, len(l.Elements), root)
	}
	return &l, nil
}

// readAny reads a listing of versions with encoding/xml.
func (r *pageReader) readAny(body []byte) error {
	l, err := parse(body, "ListVersionsResult")
	if err != nil {
		return err
	}
	for _, e := range l.Elements {
		switch e.XMLName.Local {
		case "Version", "DeleteMarker":
			err = r.addAny(e)
		default:
			err = r.set(e.XMLName.Local, e.Text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *pageReader) addAny(e anyEntry) error {
	size := int64(-1)
	if e.XMLName.Local == "Version" {
		var err error
		if size, err = strconv.ParseInt(strings.TrimSpace(e.Size), 10, 64); err != nil || size < 0 {
			return errXML
		}
	}
	if len(e.Key) != 1 {
		return errXML
	}
	return r.add([]byte(e.Key[0]), []byte(e.VersionID), size, stampOf(e.LastModified, e.ETag))
}

// readUploads reads a ListMultipartUploadsResult. The SDK's decoder accepts all documents, even an empty one, as a
// listing without uploads.
func readUploads(body []byte) (page []emptying.Upload, next emptying.Upload, more bool, err error) {
	l, err := parse(body, "ListMultipartUploadsResult")
	if err != nil {
		return nil, emptying.Upload{}, false, err
	}
	var end listingEnd
	for _, e := range l.Elements {
		if e.XMLName.Local == "Upload" {
			if len(e.Key) != 1 || e.Key[0] == "" || e.UploadID == "" {
				return nil, emptying.Upload{}, false, errXML
			}
			page = append(page, emptying.Upload{Key: e.Key[0], ID: e.UploadID})
		} else if err := end.set(e.XMLName.Local, e.Text); err != nil {
			return nil, emptying.Upload{}, false, err
		}
	}
	for i := range page {
		if err := end.decode(&page[i]); err != nil {
			return nil, emptying.Upload{}, false, err
		}
	}
	if more, err = end.more(); err != nil || !more {
		return page, emptying.Upload{}, false, err
	}
	var last emptying.Position
	if n := len(page); n > 0 {
		last = emptying.Position{Key: page[n-1].Key, VersionID: page[n-1].ID}
	}
	at, err := end.next(last)
	return page, emptying.Upload{Key: at.Key, ID: at.VersionID}, true, err
}

// decode finds what an upload's key means. Ceph encodes keys and does not say so, other stores do not encode them: if
// the listing does not say, both are possible (docs/facts.md: S3).
func (l *listingEnd) decode(u *emptying.Upload) error {
	decoded, err := appendUnescaped(nil, []byte(u.Key))
	switch key := string(decoded); {
	case l.encoded():
		u.Key = key
		return err
	case l.encoding == "" && err == nil && key != u.Key:
		u.Decoded = key
	}
	return nil
}

// anyDeleteResult is a DeleteResult, as encoding/xml reads it.
type anyDeleteResult struct {
	XMLName xml.Name `xml:"DeleteResult"`
	Errors  []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		Code      string
		Message   string
	} `xml:"Error"`
}

// readAnyFailures reads a DeleteResult with encoding/xml.
func readAnyFailures(body []byte) (failures []emptying.Failure, err error) {
	var result anyDeleteResult
	if err := xml.Unmarshal(body, &result); err != nil {
		return nil, fmt.Errorf("%w: %w", errXML, err)
	}
	for _, e := range result.Errors {
		failures = append(failures, emptying.Failure{Version: emptying.Version{Key: e.Key, ID: e.VersionID}, Code: e.Code, Message: e.Message})
	}
	return failures, nil
}
