package s3

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// inert is a part of a bucket's configuration that the local AWS stores and returns as it was written. It has no effect
// here: nothing is replicated, listed, logged or notified.
type inert struct {
	// sub is the sub-resource, root the root element of its document.
	sub, root string
	// none is the answer for a bucket that has no such configuration: an error, or the content of an empty document.
	none error
	rest string
}

// The parts without an effect here.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
var (
	replication = inert{sub: "replication", root: "ReplicationConfiguration", none: refuse(http.StatusNotFound,
		"ReplicationConfigurationNotFoundError", "The replication configuration was not found")}
	metadataTables = inert{sub: "metadataConfiguration", root: "MetadataConfiguration", none: refuse(http.StatusNotFound,
		"MetadataConfigurationNotFound", "The metadata configuration does not exist")}
	website = inert{sub: "website", root: "WebsiteConfiguration", none: refuse(http.StatusNotFound,
		"NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration")}
	cors = inert{sub: "cors", root: "CORSConfiguration", none: refuse(http.StatusNotFound,
		"NoSuchCORSConfiguration", "The CORS configuration does not exist")}
	logging        = inert{sub: "logging", root: "BucketLoggingStatus"}
	notification   = inert{sub: "notification", root: "NotificationConfiguration"}
	acceleration   = inert{sub: "accelerate", root: "AccelerateConfiguration"}
	requestPayment = inert{sub: "requestPayment", root: "RequestPaymentConfiguration", rest: "<Payer>BucketOwner</Payer>"}
)

// get returns the stored document.
func (p inert) get(c *call) (*answer, error) {
	if document := c.bucket.inert[p.sub]; document != "" {
		return stored(document), nil
	}
	if p.none != nil {
		return nil, p.none
	}
	return stored("<" + p.root + ` xmlns="` + namespace + `">` + p.rest + "</" + p.root + ">"), nil
}

// put stores the request's document.
func (p inert) put(c *call) (*answer, error) {
	document, err := rooted(c.Body, p.root)
	if err != nil {
		return nil, err
	}
	c.bucket.inert[p.sub] = document
	return ok(), nil
}

// remove deletes the document.
func (p inert) remove(c *call) (*answer, error) {
	delete(c.bucket.inert, p.sub)
	return noContent(), nil
}

// rooted checks that a document has this root element, and returns it without its declaration.
func rooted(body []byte, root string) (string, error) {
	var want struct{ XMLName xml.Name }
	if err := xml.Unmarshal(body, &want); err != nil || want.XMLName.Local != root {
		return "", errMalformedXML
	}
	text := string(body)
	return text[strings.Index(text, "<"+root):], nil
}

// inertList is a part of a bucket's configuration that has several documents, by their ids.
type inertList struct {
	// sub is the sub-resource, root the root element of its documents, result that of their list.
	sub, root, result string
}

var (
	inventory = inertList{"inventory", "InventoryConfiguration", "ListInventoryConfigurationsResult"}
	analytics = inertList{"analytics", "AnalyticsConfiguration", "ListBucketAnalyticsConfigurationsResult"}
)

// list returns all documents, in one page.
func (l inertList) list(c *call) (*answer, error) {
	if c.query.Get("id") != "" {
		return nil, notImplemented("reading one " + l.root)
	}
	text := ""
	for _, name := range slices.Sorted(maps.Keys(c.bucket.inert)) {
		if strings.HasPrefix(name, l.sub+"/") {
			text += c.bucket.inert[name]
		}
	}
	return stored("<" + l.result + ` xmlns="` + namespace + `"><IsTruncated>false</IsTruncated>` + text + "</" + l.result + ">"), nil
}

// put stores one document.
func (l inertList) put(c *call) (*answer, error) {
	document, err := rooted(c.Body, l.root)
	if err != nil {
		return nil, err
	}
	c.bucket.inert[l.sub+"/"+c.query.Get("id")] = document
	return ok(), nil
}

// remove deletes one document.
func (l inertList) remove(c *call) (*answer, error) {
	delete(c.bucket.inert, l.sub+"/"+c.query.Get("id"))
	return noContent(), nil
}
