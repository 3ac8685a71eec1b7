package s3model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// StatsPath is the path of the [Stats] as JSON, without latency.
const StatsPath = "/-/stats"

// versionID appends the id of version i: 32 characters, as in S3.
func versionID(b []byte, i int) []byte {
	return appendHex(appendHex(b, mix(uint64(i)+1)), mix(uint64(i)+2))
}

// ServeHTTP implements http.Handler, in path style for all bucket names.
func (m *Model) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if r.URL.Path == StatsPath {
		_ = json.NewEncoder(w).Encode(m.Stats())
		return
	}
	time.Sleep(m.options.Latency)
	query := r.URL.Query()
	w.Header().Set("Content-Type", "application/xml")
	switch {
	case query.Get("prefix") != "": // the model cannot list a prefix
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	case r.Method == http.MethodGet && query.Has("versions"):
		m.list(w, query)
	case r.Method == http.MethodPost && query.Has("delete"):
		m.deleteBatch(w, body)
	case r.Method == http.MethodDelete && query.Has("versionId"):
		m.deleteOne(w, r, query.Get("versionId"))
	case query.Has("versioning"):
		io.WriteString(w, header+`<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`)
	case query.Has("uploads"):
		io.WriteString(w, header+`<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`)
	case query.Has("object-lock"):
		refuse(w, http.StatusNotFound, "ObjectLockConfigurationNotFoundError")
	case r.Method == http.MethodHead, query.Has("location"):
		io.WriteString(w, header+`<LocationConstraint>eu-central-1</LocationConstraint>`)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

const header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// refuse writes an error.
func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, header+`<Error><Code>%s</Code><Message>%s</Message><RequestId>4442587FB7D0A2F9</RequestId></Error>`, code, code)
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// list handles ListObjectVersions, with all members of S3's answer for a version.
func (m *Model) list(w http.ResponseWriter, query url.Values) {
	m.lists.Add(1)
	most := 1000
	if n, err := strconv.Atoi(query.Get("max-keys")); err == nil && n < most {
		most = n
	}
	indices, more := m.page(m.after(query.Get("key-marker")), most)
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	fmt.Fprintf(b, header+`<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>model</Name><Prefix></Prefix>`+
		`<KeyMarker>%s</KeyMarker><VersionIdMarker></VersionIdMarker>`, html.EscapeString(url.QueryEscape(query.Get("key-marker"))))
	if more {
		last := indices[len(indices)-1]
		fmt.Fprintf(b, `<NextKeyMarker>%s</NextKeyMarker><NextVersionIdMarker>%s</NextVersionIdMarker>`, m.key(last), versionID(nil, last))
	}
	fmt.Fprintf(b, `<MaxKeys>%d</MaxKeys>`, most)
	if query.Get("encoding-type") == "url" {
		b.WriteString(`<EncodingType>url</EncodingType>`)
	}
	fmt.Fprintf(b, `<IsTruncated>%t</IsTruncated>`, more)
	m.writeVersions(b, indices)
	b.WriteString(`</ListVersionsResult>`)
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	_, _ = w.Write(b.Bytes())
}

// writeVersions writes versions. In all shapes the URL-encoded key equals the key.
func (m *Model) writeVersions(b *bytes.Buffer, indices []int) {
	for _, i := range indices {
		b.WriteString(`<Version><Key>`)
		b.Write(m.options.Shape.Append(b.AvailableBuffer(), i, m.options.Versions))
		b.WriteString(`</Key><VersionId>`)
		b.Write(versionID(b.AvailableBuffer(), i))
		b.WriteString(`</VersionId><IsLatest>true</IsLatest><LastModified>2024-03-01T12:34:56.000Z</LastModified><ETag>&quot;`)
		b.Write(appendHex(appendHex(b.AvailableBuffer(), mix(uint64(i)+3)), mix(uint64(i)+4)))
		b.WriteString(`&quot;</ETag><Size>4096</Size><Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID>` +
			`<DisplayName>owner</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Version>`)
	}
}

// deleteBatch handles DeleteObjects.
func (m *Model) deleteBatch(w http.ResponseWriter, body []byte) {
	m.batches.Add(1)
	indices, need, ok := m.read(string(body))
	if !ok {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	if !m.remove(indices, need) {
		m.refused.Add(1)
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return
	}
	if bytes.Contains(body, []byte("<Quiet>true")) {
		io.WriteString(w, header+`<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>`)
		return
	}
	b := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(b)
	b.Reset()
	b.WriteString(header + `<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`)
	for _, i := range indices {
		fmt.Fprintf(b, `<Deleted><Key>%s</Key><VersionId>%s</VersionId></Deleted>`, m.key(i), versionID(nil, i))
	}
	b.WriteString(`</DeleteResult>`)
	_, _ = w.Write(b.Bytes())
}

// read parses a DeleteObjects request: the versions, and their number under each prefix. The members of an object may
// be in any order, as in S3. Objects without a version are refused, because the model has no delete markers.
func (m *Model) read(body string) (indices []int, need map[string]int, ok bool) {
	need = map[string]int{}
	id := make([]byte, 0, 32)
	for {
		var object string
		if _, body, ok = strings.Cut(body, "<Object>"); !ok {
			return indices, need, len(indices) <= 1000
		}
		if object, body, ok = strings.Cut(body, "</Object>"); !ok {
			return nil, nil, false
		}
		key, hasKey := element(object, "<Key>")
		version, hasVersion := element(object, "<VersionId>")
		if !hasKey || !hasVersion {
			return nil, nil, false
		}
		need[prefixOf(key)]++
		i, known := m.options.Shape.Index(key, m.options.Versions)
		if id = versionID(id[:0], i); known && string(id) == version {
			indices = append(indices, i)
		}
	}
}

// element returns the text of an object's member, by the member's opening tag.
func element(object, tag string) (text string, ok bool) {
	if _, text, ok = strings.Cut(object, tag); !ok {
		return "", false
	}
	text, _, ok = strings.Cut(text, "</")
	return text, ok
}

// deleteOne handles DeleteObject.
func (m *Model) deleteOne(w http.ResponseWriter, r *http.Request, version string) {
	m.singles.Add(1)
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	var indices []int
	if i, ok := m.options.Shape.Index(key, m.options.Versions); ok && string(versionID(nil, i)) == version {
		indices = []int{i}
	}
	if !m.remove(indices, map[string]int{prefixOf(key): 1}) {
		m.refused.Add(1)
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
