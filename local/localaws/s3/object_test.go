package s3_test

import (
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

func TestBucketsAreNamedByHostOrByPath(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, "a/b", []byte("content")))
	id, _ := s.gate.Credentials(s.admin())
	for host, path := range map[string]string{
		"":                              "/docs-example/a/b",
		"s3.eu-central-1.amazonaws.com": "/docs-example/a/b",
		"docs-example.s3.eu-central-1.amazonaws.com":                    "/a/b",
		"docs-example.s3.amazonaws.com":                                 "/a/b",
		"docs-example.s3-fips.eu-west-1.amazonaws.com":                  "/a/b",
		"docs-example.localhost:4566":                                   "/a/b",
		"docs-example.bucket.vpce-1.s3.eu-central-1.vpce.amazonaws.com": "/a/b",
		"bucket.vpce-1.s3.eu-central-1.vpce.amazonaws.com":              "/docs-example/a/b",
	} {
		header := map[string]string{}
		if host != "" {
			header["Host"] = host
		}
		answer := s.raw(http.MethodGet, path, id, "", header)
		body, err := io.ReadAll(answer.Body)
		if err != nil || string(body) != "content" {
			t.Errorf("GET %s of host %q = %d %q %v, want content", path, host, answer.StatusCode, body, err)
		}
	}
}

func TestPresignedRequestsAreTheirSigners(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, "a", []byte("content")))
	signed, err := awss3.NewPresignClient(s.as(s.admin())).PresignGetObject(background, &awss3.GetObjectInput{Bucket: name, Key: aws.String("a")})
	s.must(err)
	answer, err := localtest.Client.Get(signed.URL)
	s.must(err)
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "content" {
		t.Errorf("GET of a presigned URL = %d %q %v, want content", answer.StatusCode, body, err)
	}
}

func TestUnknownKeysAreRefusedInS3sWords(t *testing.T) {
	s := newScene(t)
	answer := s.raw(http.MethodGet, "/docs-example", "AKIANOBODY", "", nil)
	body, err := io.ReadAll(answer.Body)
	s.must(err)
	if answer.StatusCode != 403 || !strings.Contains(string(body), "<Code>InvalidAccessKeyId</Code>") {
		t.Errorf("answer = %d %s, want 403 InvalidAccessKeyId", answer.StatusCode, body)
	}
}

func TestWhatIsNotModelledIsRefused(t *testing.T) {
	s := newScene(t)
	id, _ := s.gate.Credentials(s.admin())
	for request, want := range map[string]int{
		"GET /docs-example?metrics":   http.StatusNotImplemented,
		"PUT /docs-example?metrics":   http.StatusNotImplemented,
		"GET /docs-example/a?acl":     http.StatusNotImplemented,
		"PUT /docs-example/a?torrent": http.StatusNotImplemented,
		"POST /docs-example/a":        http.StatusMethodNotAllowed,
		"PATCH /docs-example/a":       http.StatusMethodNotAllowed,
	} {
		method, path, _ := strings.Cut(request, " ")
		if got := s.raw(method, path, id, "", nil).StatusCode; got != want {
			t.Errorf("%s = %d, want %d", request, got, want)
		}
	}
}

func TestObjectsKeepWhatWasSaidAboutThem(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	_, err := client.PutObject(background, &awss3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("x"),
		ContentType: aws.String("text/plain"), CacheControl: aws.String("no-store"), Metadata: map[string]string{"colour": "blue"}})
	s.must(err)
	check := func(what string, metadata map[string]string, contentType *string, want string) {
		t.Helper()
		if got := fmt.Sprint(metadata["colour"], " ", aws.ToString(contentType)); got != want {
			t.Errorf("%s = %q, want %q", what, got, want)
		}
	}
	got, err := client.GetObject(background, &awss3.GetObjectInput{Bucket: name, Key: key})
	s.must(err)
	got.Body.Close()
	check("object", got.Metadata, got.ContentType, "blue text/plain")
	for directive, want := range map[types.MetadataDirective]string{
		types.MetadataDirectiveCopy: "blue text/plain", types.MetadataDirectiveReplace: "red binary/octet-stream",
	} {
		_, err := client.CopyObject(background, &awss3.CopyObjectInput{Bucket: name, Key: aws.String("copy"), MetadataDirective: directive,
			CopySource: aws.String("docs-example/a/b"), Metadata: map[string]string{"colour": "red"}})
		s.must(err)
		head, err := client.HeadObject(background, &awss3.HeadObjectInput{Bucket: name, Key: aws.String("copy")})
		s.must(err)
		check("copy by "+string(directive), head.Metadata, head.ContentType, want)
	}
	_, err = client.CopyObject(background, &awss3.CopyObjectInput{Bucket: name, Key: key, CopySource: aws.String("docs-example/a/b")})
	s.expect("copy onto itself", err, "InvalidRequest")
}

func TestConditionalReads(t *testing.T) {
	s := newScene(t)
	s.must(s.store.Put(bucket, *key, []byte("x")))
	id, _ := s.gate.Credentials(s.admin())
	const tag = `"9dd4e461268c8034f5c8564e155c67a6"` // the MD5 of x
	for _, c := range []struct {
		header, value string
		want          int
	}{
		{"If-Match", tag, 200},
		{"If-Match", `"another"`, 412},
		{"If-None-Match", tag, 304},
		{"If-None-Match", `"another"`, 200},
		{"If-Modified-Since", "Mon, 02 Mar 2026 09:00:00 GMT", 304},
		{"If-Modified-Since", "Mon, 02 Mar 2026 08:59:59 GMT", 200},
		{"If-Unmodified-Since", "Mon, 02 Mar 2026 08:59:59 GMT", 412},
	} {
		if got := s.raw(http.MethodGet, "/docs-example/a/b", id, "", map[string]string{c.header: c.value}).StatusCode; got != c.want {
			t.Errorf("GET with %s: %s = %d, want %d", c.header, c.value, got, c.want)
		}
	}
}

func TestDamagedContentIsRefused(t *testing.T) {
	s := newScene(t)
	id, _ := s.gate.Credentials(s.admin())
	for header, good := range map[string]string{
		"Content-MD5":              "XUFAKrxLKna5cZ2REBfFkg==",
		"X-Amz-Checksum-Crc32":     "NhCmhg==",
		"X-Amz-Checksum-Crc32c":    "mnG7TA==",
		"X-Amz-Checksum-Sha1":      "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
		"X-Amz-Checksum-Sha256":    "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
		"X-Amz-Checksum-Crc64nvme": "M3eFcAZSQlc=",
	} {
		for value, want := range map[string]int{good: 200, "AAAA" + good[4:]: 400} {
			if got := s.raw(http.MethodPut, "/docs-example/a", id, "hello", map[string]string{header: value}).StatusCode; got != want {
				t.Errorf("PUT of hello with %s: %s = %d, want %d", header, value, got, want)
			}
		}
	}
}

func TestReadingADeleteMarkerSaysSo(t *testing.T) {
	s := newScene(t)
	s.must(s.store.PutVersioning(bucket, "Enabled"))
	client := s.as(s.admin())
	s.must(s.store.Put(bucket, *key, nil))
	marker, err := client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: name, Key: key})
	s.must(err)
	id, _ := s.gate.Credentials(s.admin())
	for path, want := range map[string]int{"/docs-example/a/b": 404, "/docs-example/a/b?versionId=" + *marker.VersionId: 405} {
		answer := s.raw(http.MethodGet, path, id, "", nil)
		if answer.StatusCode != want || answer.Header.Get("X-Amz-Delete-Marker") != "true" {
			t.Errorf("GET %s = %d, delete marker %q, want %d, true", path, answer.StatusCode, answer.Header.Get("X-Amz-Delete-Marker"), want)
		}
	}
	_, err = client.GetObject(background, &awss3.GetObjectInput{Bucket: name, Key: key, VersionId: aws.String("nonsense")})
	s.expect("GetObject of no version id", err, "InvalidArgument")
}

func TestKeysOfEveryKindAreKept(t *testing.T) {
	s := newScene(t)
	client := s.as(s.admin())
	keys := []string{
		"a b", "a+b", "a%20b", "//a", "a//b", "../a", "./a", "a/", "/", "ü", "u\u0308", "a\x01b", "a\nb", "<&>\"'", "?#", "\U0001f600",
		strings.Repeat("k", 1024),
	}
	for _, key := range keys {
		_, err := client.PutObject(background, &awss3.PutObjectInput{Bucket: name, Key: &key, Body: strings.NewReader(key)})
		s.expect(fmt.Sprintf("PutObject(%q)", key), err, "")
		if got, found := s.store.Object(bucket, key); !found || string(got) != key {
			t.Errorf("object %q = %q, %v, want its own key", key, got, found)
		}
		_, err = client.DeleteObject(background, &awss3.DeleteObjectInput{Bucket: name, Key: &key})
		s.expect(fmt.Sprintf("DeleteObject(%q)", key), err, "")
	}
	if got := s.store.Keys(bucket); len(got) != 0 {
		t.Errorf("keys left = %q, want none", got)
	}
	_, err := client.PutObject(background, &awss3.PutObjectInput{Bucket: name, Key: aws.String(strings.Repeat("k", 1025))})
	s.expect("PutObject of a key of 1,025 bytes", err, "KeyTooLongError")
}

func TestDeleteObjectsGrantsEachKeyOnItsOwn(t *testing.T) {
	s := newScene(t)
	for _, key := range []string{"mine/1", "mine/2", "theirs/1"} {
		s.must(s.store.Put(bucket, key, nil))
	}
	client := s.as(s.caller(account, "user/plain", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::docs-example/mine/*"}}`))
	var all []types.ObjectIdentifier
	for _, key := range s.store.Keys(bucket) {
		all = append(all, types.ObjectIdentifier{Key: &key})
	}
	answer, err := client.DeleteObjects(background, &awss3.DeleteObjectsInput{Bucket: name, Delete: &types.Delete{Objects: all, Quiet: aws.Bool(true)}})
	s.must(err)
	if len(answer.Deleted) != 0 || len(answer.Errors) != 1 || *answer.Errors[0].Key != "theirs/1" || *answer.Errors[0].Code != "AccessDenied" {
		t.Errorf("DeleteObjects = %v, %v, want only AccessDenied on theirs/1", answer.Deleted, answer.Errors)
	}
	if got := s.store.Keys(bucket); len(got) != 1 {
		t.Errorf("keys left = %v, want theirs/1", got)
	}
}

func TestDeleteObjectsRefusesWhatItCannotTake(t *testing.T) {
	s := newScene(t)
	id, _ := s.gate.Credentials(s.admin())
	object := "<Object><Key>a</Key></Object>"
	sum := map[string]string{"X-Amz-Checksum-Crc32": "AAAAAA=="} // not the checksum of this body
	for name, c := range map[string]struct {
		body   string
		header map[string]string
		want   string
	}{
		"no checksum":                 {"<Delete>" + object + "</Delete>", nil, "InvalidRequest"},
		"a wrong checksum":            {"<Delete>" + object + "</Delete>", sum, "BadDigest"},
		"a lock that is not there":    {"<Delete>" + object + "</Delete>", map[string]string{"X-Amz-Bypass-Governance-Retention": "true"}, "InvalidArgument"},
		"no keys":                     {"<Delete/>", md5Of("<Delete/>"), "MalformedXML"},
		"a key that XML cannot carry": {"<Delete><Object><Key>&#x1;</Key></Object></Delete>", md5Of("<Delete><Object><Key>&#x1;</Key></Object></Delete>"), "MalformedXML"},
		"more than a thousand keys": {"<Delete>" + strings.Repeat(object, 1001) + "</Delete>",
			md5Of("<Delete>" + strings.Repeat(object, 1001) + "</Delete>"), "MalformedXML"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := s.raw(http.MethodPost, "/docs-example?delete", id, c.body, c.header)
			body, err := io.ReadAll(answer.Body)
			if err != nil || answer.StatusCode != 400 || !strings.Contains(string(body), "<Code>"+c.want+"</Code>") {
				t.Errorf("answer = %d %s %v, want 400 %s", answer.StatusCode, body, err, c.want)
			}
		})
	}
}

// md5Of returns the header with a body's MD5.
func md5Of(body string) map[string]string {
	sum := md5.Sum([]byte(body))
	return map[string]string{"Content-MD5": base64.StdEncoding.EncodeToString(sum[:])}
}
