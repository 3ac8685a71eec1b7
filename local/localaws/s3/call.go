package s3

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// call is one parsed request.
type call struct {
	*api.Request
	service *Service
	route   *route
	level   level
	// name and key are the bucket's and the object's; "" if the request names none.
	name, key string
	query     url.Values
	// bucket is the bucket that the request names, or nil.
	bucket *bucket
}

// parse parses a request and finds its operation.
func (s *Service) parse(r *api.Request) (*call, error) {
	c := &call{Request: r, service: s, query: r.URL.Query()}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if r.Header.Get("X-Amz-Account-Id") != "" && strings.HasPrefix(path, controlPath) {
		c.key, c.level = path, accountLevel
	} else if r.Header.Get("X-Amz-Account-Id") != "" && strings.HasPrefix(path, pointsPath) {
		c.key, c.level = path, pointsLevel
	} else if name := virtualHost(r.Host); name != "" {
		c.name, c.key = name, path
	} else {
		c.name, c.key, _ = strings.Cut(path, "/")
	}
	if c.level == "" {
		c.level = levelOf(c.name, c.key)
	}
	route, err := c.match()
	if err != nil {
		return nil, err
	}
	c.route = route
	if len(c.key) > 1024 {
		return nil, errKeyTooLong
	}
	return c, nil
}

// virtualHost returns the bucket in a Host header; "" in path style.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func virtualHost(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.Contains(host, ".s3-control.") {
		return ""
	}
	for _, mark := range []string{".bucket.vpce-", ".s3.", ".s3-"} {
		if bucket, _, ok := strings.Cut(host, mark); ok && !strings.HasPrefix(bucket, "bucket.vpce-") {
			return bucket
		}
	}
	bucket, _ := strings.CutSuffix(host, ".localhost")
	if bucket == host {
		return ""
	}
	return bucket
}

// find finds the call's bucket. It first refuses a caller who expects another owner.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
func (c *call) find() error {
	if !c.route.inBucket() {
		return nil
	}
	c.bucket = c.service.buckets[c.name]
	if c.bucket == nil {
		return errNoSuchBucket
	}
	if expected := c.Header.Get("X-Amz-Expected-Bucket-Owner"); expected != "" && expected != c.bucket.owner {
		return errAccessDenied
	}
	if c.route.ownerOnly && c.Caller.Account != c.bucket.owner {
		return c.notOwner()
	}
	return nil
}

// notOwner returns the error for a caller of another account: 405 if a policy allows the caller, 403 for an anonymous
// one.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
func (c *call) notOwner() error {
	if c.Caller.Principal == "" {
		return errAccessDenied
	}
	return errNotAllowed
}

// needs returns the permissions that the call needs.
func (c *call) needs() []api.Need {
	if c.route.needs != nil {
		return c.route.needs(c)
	}
	if c.route.action == "" {
		return nil
	}
	return []api.Need{c.need(c.route.action)}
}

// need returns one permission on the call's bucket or object.
func (c *call) need(action string) api.Need {
	if c.bucket == nil {
		owner := c.Caller.Account
		if owner == "" {
			owner = c.service.options.Account
		}
		return api.Need{Action: action, Resource: c.service.arn("*", ""), ResourceAccount: owner}
	}
	return c.needOn(c.bucket, c.key, action)
}

// needOn returns one permission on a bucket, or on an object if the key is not empty.
func (c *call) needOn(b *bucket, key, action string) api.Need {
	return api.Need{
		Action:          action,
		Resource:        c.service.arn(b.name, key),
		ResourceAccount: b.owner,
		Policy:          c.service.policyFor(b, c.Caller),
		Context:         c.context(b),
	}
}

// contextParameters are the query parameters with a condition key, by that key.
var contextParameters = map[string]string{
	"s3:prefix":    "prefix",
	"s3:delimiter": "delimiter",
	"s3:max-keys":  "max-keys",
	"s3:VersionId": "versionId",
}

// contextHeaders are the headers with a condition key, by that key.
var contextHeaders = map[string]string{
	"s3:if-match":                                    "If-Match",
	"s3:if-none-match":                               "If-None-Match",
	"s3:x-amz-acl":                                   "X-Amz-Acl",
	"s3:x-amz-copy-source":                           "X-Amz-Copy-Source",
	"s3:x-amz-metadata-directive":                    "X-Amz-Metadata-Directive",
	"s3:x-amz-server-side-encryption":                "X-Amz-Server-Side-Encryption",
	"s3:x-amz-server-side-encryption-aws-kms-key-id": "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"s3:x-amz-storage-class":                         "X-Amz-Storage-Class",
	"s3:x-amz-content-sha256":                        "X-Amz-Content-Sha256",
}

// context returns S3's own condition keys.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
func (c *call) context(b *bucket) map[string][]string {
	keys := map[string][]string{"s3:ResourceAccount": {b.owner}}
	if !c.Listener.PlainHTTP {
		keys["s3:TlsVersion"] = []string{"1.3"}
	}
	for key, parameter := range contextParameters {
		if values, ok := c.query[parameter]; ok {
			keys[key] = values[:1]
		}
	}
	for key, header := range contextHeaders {
		if values := c.Header.Values(header); len(values) > 0 {
			keys[key] = values[:1]
		}
	}
	switch {
	case c.query.Has("X-Amz-Signature"):
		keys["s3:authType"] = []string{"REST-QUERY-STRING"}
	case c.AccessKeyID != "":
		keys["s3:authType"] = []string{"REST-HEADER"}
	}
	if c.AccessKeyID != "" {
		keys["s3:signatureversion"] = []string{"AWS4-HMAC-SHA256"}
	}
	return keys
}

// answer is a handler's result. Only [answer.response] converts it to bytes.
type answer struct {
	status int
	header http.Header
	// xml writes an XML document; it is nil for a raw body.
	xml func(*document)
	raw []byte
}

// ok returns an answer without a body.
func ok() *answer { return &answer{status: http.StatusOK} }

// noContent returns the answer to a delete.
func noContent() *answer { return &answer{status: http.StatusNoContent} }

// asXML returns an answer with an XML document.
func asXML(write func(*document)) *answer {
	return &answer{status: http.StatusOK, xml: write}
}

// with adds a header to the answer, unless its value is empty.
func (a *answer) with(name, value string) *answer {
	if value == "" {
		return a
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

// response converts the answer to a response.
func (a *answer) response() *api.Response {
	r := &api.Response{Status: a.status, Header: a.header, Body: a.raw}
	if a.xml == nil {
		return r
	}
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set("Content-Type", "application/xml")
	d := newDocument()
	a.xml(d)
	r.Body = d.bytes
	return r
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	response := &api.Response{Status: e.Status, Header: http.Header{}}
	for name, values := range e.Header {
		response.Header[name] = values
	}
	if r.Method == http.MethodHead || e.Status == http.StatusNotModified {
		return response
	}
	d := newDocument()
	// S3 Control, which answers about an account, has an element more. Source: docs/facts.md, S3
	control := r.Header.Get("X-Amz-Account-Id") != ""
	if control {
		d.open("ErrorResponse")
	}
	d.open("Error")
	d.text("Code", e.Code)
	d.text("Message", e.Message)
	d.text("Resource", r.URL.Path)
	d.text("RequestId", r.ID)
	d.close("Error")
	if control {
		d.close("ErrorResponse")
	}
	response.Header.Set("Content-Type", "application/xml")
	response.Body = d.bytes
	return response
}
