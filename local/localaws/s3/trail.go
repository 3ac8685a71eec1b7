package s3

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// newTrail returns CloudTrail's record of the call before it succeeds; nil if the call is not a management write
// (docs/facts.md, CloudTrail through EventBridge).
func (c *call) newTrail() *api.Trail {
	if c.route.trail == "" {
		return nil
	}
	parameters := map[string]any{"Host": c.trailHost()}
	if c.level == accountLevel {
		parameters["x-amz-account-id"] = c.Header.Get("X-Amz-Account-Id")
		parameters["publicAccessBlock"] = ""
	} else {
		parameters["bucketName"] = c.name
	}
	if sub := c.route.sub(); sub != "" {
		parameters[sub] = ""
	}
	if acl := c.Header.Get("X-Amz-Acl"); acl != "" {
		parameters["x-amz-acl"] = acl
	}
	if c.route.name == "PutBucketPolicy" {
		parameters["bucketPolicy"] = map[string]any{}
	} else {
		maps.Copy(parameters, xmlParameters(c.Body))
	}
	return &api.Trail{EventName: c.route.trail, RequestParameters: parameters}
}

// complete adds to the record what only successful calls have.
func (c *call) complete(trail *api.Trail) {
	if trail == nil {
		return
	}
	if c.route.name == "PutBucketPolicy" {
		var policy any
		if json.Unmarshal(c.Body, &policy) == nil {
			trail.RequestParameters.(map[string]any)["bucketPolicy"] = policy
		}
	}
	if c.level == bucketLevel {
		owner := c.Caller.Account
		if c.bucket != nil {
			owner = c.bucket.owner
		}
		trail.Resources = []map[string]string{
			{"accountId": owner, "type": "AWS::S3::Bucket", "ARN": c.service.arn(c.name, "")},
		}
	}
}

// trailHost returns the host name for the record: the one that a caller of AWS would use.
func (c *call) trailHost() string {
	suffix := "amazonaws.com"
	if c.service.options.Partition == "aws-cn" {
		suffix = "amazonaws.com.cn"
	}
	if c.level == accountLevel {
		return c.Header.Get("X-Amz-Account-Id") + ".s3-control." + c.service.options.Region + "." + suffix
	}
	return "s3." + c.service.options.Region + "." + suffix
}

// xmlParameters converts a request's XML document to the record's form: an object for each element with children,
// with its namespace under "xmlns", a list for repeated elements, and bools for true and false.
func xmlParameters(body []byte) map[string]any {
	decoder := xml.NewDecoder(strings.NewReader(string(body)))
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		value, err := xmlValue(decoder)
		if err != nil {
			return nil
		}
		if object, ok := value.(map[string]any); ok {
			object["xmlns"] = namespace
		}
		return map[string]any{start.Name.Local: value}
	}
}

// xmlValue reads up to the end of the current element: an object of its children, or its text.
func xmlValue(decoder *xml.Decoder) (any, error) {
	children, text := map[string]any{}, ""
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil, io.ErrUnexpectedEOF
		}
		switch t := token.(type) {
		case xml.StartElement:
			child, err := xmlValue(decoder)
			if err != nil {
				return nil, err
			}
			addChild(children, t.Name.Local, child)
		case xml.CharData:
			text += string(t)
		case xml.EndElement:
			if len(children) > 0 {
				return children, nil
			}
			return scalar(strings.TrimSpace(text)), nil
		}
	}
}

// addChild adds an element to an object. A repeated element becomes a list.
func addChild(children map[string]any, name string, child any) {
	switch before := children[name].(type) {
	case nil:
		children[name] = child
	case []any:
		children[name] = append(before, child)
	default:
		children[name] = []any{before, child}
	}
}

// scalar converts an element's text to the record's value.
func scalar(text string) any {
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	return text
}
