package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

// defaultEncryption is the encryption of new buckets.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
const defaultEncryption = `<ServerSideEncryptionConfiguration xmlns="` + namespace + `"><Rule><ApplyServerSideEncryptionByDefault>` +
	`<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>` +
	`</ServerSideEncryptionConfiguration>`

// rules checks that a document has this root element and at least one rule, and returns it without its declaration.
func rules(body []byte, root string) (string, error) {
	var want struct {
		XMLName xml.Name
		Rule    []struct{}
	}
	if err := xml.Unmarshal(body, &want); err != nil || want.XMLName.Local != root || len(want.Rule) == 0 {
		return "", errMalformedXML
	}
	text := string(body)
	return text[strings.Index(text, "<"+root):], nil
}

// stored returns a stored document unchanged.
func stored(text string) *answer {
	return asXML(func(d *document) { d.bytes = append(d.bytes, text...) })
}

// getEncryption returns the encryption rules.
func (c *call) getEncryption() (*answer, error) {
	return stored(c.bucket.encryption.read(c.Stale)), nil
}

// putEncryption sets the encryption rules.
func (c *call) putEncryption() (*answer, error) {
	document, err := rules(c.Body, "ServerSideEncryptionConfiguration")
	if err != nil {
		return nil, err
	}
	c.bucket.encryption.set(document)
	return ok(), nil
}

// deleteEncryption restores the default rules.
func (c *call) deleteEncryption() (*answer, error) {
	c.bucket.encryption.set(defaultEncryption)
	return noContent(), nil
}

// getLifecycle returns the lifecycle rules.
func (c *call) getLifecycle() (*answer, error) {
	document := c.bucket.lifecycle.read(c.Stale)
	if document == "" {
		return nil, refuse(http.StatusNotFound, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
	}
	return stored(document), nil
}

// putLifecycle sets the lifecycle rules. The local AWS does not execute them.
func (c *call) putLifecycle() (*answer, error) {
	document, err := rules(c.Body, "LifecycleConfiguration")
	if err != nil {
		return nil, err
	}
	c.bucket.lifecycle.set(document)
	return ok(), nil
}

// deleteLifecycle removes the lifecycle rules.
func (c *call) deleteLifecycle() (*answer, error) {
	c.bucket.lifecycle.set("")
	return noContent(), nil
}

// The states of versioning, in addition to "", never enabled.
const (
	enabled   = "Enabled"
	suspended = "Suspended"
)

// getVersioning returns the state of versioning.
func (c *call) getVersioning() (*answer, error) {
	return asXML(func(d *document) {
		d.root("VersioningConfiguration")
		d.optional("Status", c.bucket.versioning.read(c.Stale))
		if c.bucket.protection.mfa {
			d.text("MfaDelete", enabled)
		}
		d.close("VersioningConfiguration")
	}), nil
}

// putVersioning enables or suspends versioning.
func (c *call) putVersioning() (*answer, error) {
	var want struct{ Status, MfaDelete string }
	if err := xml.Unmarshal(c.Body, &want); err != nil || !slices.Contains([]string{enabled, suspended}, want.Status) {
		return nil, errMalformedXML
	}
	if want.MfaDelete == enabled {
		return nil, notImplemented("MFA delete")
	}
	c.bucket.versioning.set(want.Status)
	return ok(), nil
}

// tag is one tag of a bucket.
type tag struct{ Key, Value string }

// getTagging returns the tags.
func (c *call) getTagging() (*answer, error) {
	tags := c.bucket.tags.read(c.Stale)
	if len(tags) == 0 {
		return nil, refuse(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	return asXML(func(d *document) {
		d.root("Tagging")
		d.open("TagSet")
		for _, t := range tags {
			d.open("Tag")
			d.text("Key", t.Key)
			d.text("Value", t.Value)
			d.close("Tag")
		}
		d.close("TagSet")
		d.close("Tagging")
	}), nil
}

// putTagging replaces all tags.
func (c *call) putTagging() (*answer, error) {
	var want struct {
		Tags []tag `xml:"TagSet>Tag"`
	}
	if err := xml.Unmarshal(c.Body, &want); err != nil {
		return nil, errMalformedXML
	}
	seen := map[string]bool{}
	for _, t := range want.Tags {
		if t.Key == "" || seen[t.Key] {
			return nil, refuse(http.StatusBadRequest, "InvalidTag", "Cannot provide multiple Tags with the same key")
		}
		if strings.HasPrefix(t.Key, "aws:") && c.Caller.InvokedBy == "" {
			return nil, refuse(http.StatusBadRequest, "InvalidTag", "System tags cannot be added/updated by requester")
		}
		seen[t.Key] = true
	}
	c.bucket.tags.set(want.Tags)
	return noContent(), nil
}

// deleteTagging removes all tags.
func (c *call) deleteTagging() (*answer, error) {
	c.bucket.tags.set(nil)
	return noContent(), nil
}
