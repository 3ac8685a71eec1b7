package deployment

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// bucketKinds are the types of AWS::S3.
var bucketKinds = map[string]kind{
	"AWS::S3::Bucket":       {create: createBucket, nameProperty: "BucketName"},
	"AWS::S3::BucketPolicy": {create: createBucketPolicy},
}

func createBucket(c *creation, p properties) (made, error) {
	name := or(c.customName(p), strings.ToLower(c.name()))
	region := c.Gate.Options().Region
	location := "<CreateBucketConfiguration><LocationConstraint>" + region + "</LocationConstraint></CreateBucketConfiguration>"
	if region == "us-east-1" {
		location = ""
	}
	if _, err := c.perform(c.S3, "PUT", "/"+name, location); err != nil {
		return made{}, err
	}
	return c.configureBucket(name, p)
}

// configureBucket sets a bucket's configuration to the properties.
func (c *creation) configureBucket(name string, p properties) (made, error) {
	m := made{ref: name, attributes: map[string]any{
		"Arn":                "arn:" + c.Gate.Options().Partition + ":s3:::" + name,
		"DomainName":         name + ".s3.amazonaws.com",
		"RegionalDomainName": name + ".s3." + c.Gate.Options().Region + ".amazonaws.com",
	}}
	m.update = func(p properties) (made, error) { return c.configureBucket(name, p) }
	m.remove = func() error { return c.removeBucket(name) }
	for _, s := range []struct {
		subResource, document string
	}{
		{"ownershipControls", ownershipXML(p.object("OwnershipControls"))},
		{"publicAccessBlock", publicAccessXML(p.object("PublicAccessBlockConfiguration"))},
		{"encryption", encryptionXML(p.object("BucketEncryption"))},
		{"versioning", versioningXML(p.object("VersioningConfiguration"))},
		{"lifecycle", lifecycleXML(p.object("LifecycleConfiguration"))},
		{"tagging", taggingXML(c.tagged(p.tags("Tags")))},
	} {
		if s.document == "" {
			continue
		}
		if _, err := c.perform(c.S3, "PUT", "/"+name+"?"+s.subResource, s.document); err != nil {
			return m, fmt.Errorf("%s: %w", s.subResource, err)
		}
	}
	return m, nil
}

// tagged adds the tags with which CloudFormation marks the resources of a stack, and returns them.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
func (c *creation) tagged(tags map[string]string) map[string]string {
	tags["aws:cloudformation:stack-id"] = c.stack.ID()
	tags["aws:cloudformation:stack-name"] = c.stack.Name()
	tags["aws:cloudformation:logical-id"] = c.resource.LogicalID
	return tags
}

func (c *creation) removeBucket(name string) error {
	_, err := c.perform(c.S3, "DELETE", "/"+name, "")
	if code(err) == "NoSuchBucket" {
		return nil
	}
	return err
}

// ownershipXML and the functions below it return a part of a bucket's configuration in the format of S3's API, or "" if
// the template does not contain it.
func ownershipXML(p properties) string {
	text := ""
	for _, rule := range p.objects("Rules") {
		text += element("Rule", element("ObjectOwnership", escaped(rule.text("ObjectOwnership"))))
	}
	return unlessEmpty("OwnershipControls", text)
}

func publicAccessXML(p properties) string {
	text := ""
	for _, name := range []string{"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"} {
		if p.has(name) {
			text += element(name, fmt.Sprint(p.flag(name)))
		}
	}
	return unlessEmpty("PublicAccessBlockConfiguration", text)
}

func encryptionXML(p properties) string {
	text := ""
	for _, rule := range p.objects("ServerSideEncryptionConfiguration") {
		byDefault := rule.object("ServerSideEncryptionByDefault")
		inner := element("SSEAlgorithm", escaped(byDefault.text("SSEAlgorithm")))
		if key := byDefault.text("KMSMasterKeyID"); key != "" {
			inner += element("KMSMasterKeyID", escaped(key))
		}
		text += element("Rule", element("ApplyServerSideEncryptionByDefault", inner))
	}
	return unlessEmpty("ServerSideEncryptionConfiguration", text)
}

func versioningXML(p properties) string {
	if !p.has("Status") {
		return ""
	}
	return element("VersioningConfiguration", element("Status", escaped(p.text("Status"))))
}

// lifecycleXML writes the prefix into the filter, which S3 judges like the older form of a rule.
func lifecycleXML(p properties) string {
	text := ""
	for _, rule := range p.objects("Rules") {
		inner := element("ID", escaped(rule.text("Id"))) + element("Status", escaped(rule.text("Status"))) +
			element("Filter", element("Prefix", escaped(rule.text("Prefix"))))
		expiration := ""
		if rule.has("ExpirationInDays") {
			expiration = element("Days", escaped(rule.text("ExpirationInDays")))
		}
		if rule.flag("ExpiredObjectDeleteMarker") {
			expiration += element("ExpiredObjectDeleteMarker", "true")
		}
		inner += unlessEmpty("Expiration", expiration)
		for _, action := range []struct{ name, days string }{
			{"NoncurrentVersionExpiration", "NoncurrentDays"}, {"AbortIncompleteMultipartUpload", "DaysAfterInitiation"},
		} {
			if rule.has(action.name) {
				inner += element(action.name, element(action.days, escaped(rule.object(action.name).text(action.days))))
			}
		}
		text += element("Rule", inner)
	}
	return unlessEmpty("LifecycleConfiguration", text)
}

func taggingXML(tags map[string]string) string {
	text := ""
	for _, tag := range tagList(tags) {
		text += element("Tag", element("Key", escaped(tag.Key))+element("Value", escaped(tag.Value)))
	}
	if text == "" {
		return ""
	}
	return element("Tagging", element("TagSet", text))
}

func unlessEmpty(name, text string) string {
	if text == "" {
		return ""
	}
	return element(name, text)
}

func element(name, inner string) string { return "<" + name + ">" + inner + "</" + name + ">" }

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

// createBucketPolicy puts a bucket's policy. It fails if the bucket has one already (docs/facts.md, CloudFormation).
func createBucketPolicy(c *creation, p properties) (made, error) {
	bucket := p.text("Bucket")
	if _, err := c.perform(c.S3, "GET", "/"+bucket+"?policy", ""); err == nil {
		return made{}, fmt.Errorf("the bucket policy already exists on bucket %s", bucket)
	} else if code(err) != "NoSuchBucketPolicy" {
		return made{}, err
	}
	return c.putBucketPolicy(bucket, p.document("PolicyDocument"))
}

func (c *creation) putBucketPolicy(bucket, document string) (made, error) {
	if _, err := c.perform(c.S3, "PUT", "/"+bucket+"?policy", document); err != nil {
		return made{}, err
	}
	remove := func() error {
		_, err := c.perform(c.S3, "DELETE", "/"+bucket+"?policy", "")
		if code(err) == "NoSuchBucket" {
			return nil
		}
		return err
	}
	update := func(p properties) (made, error) {
		if p.text("Bucket") != bucket {
			return made{}, fmt.Errorf("the local AWS cannot move a bucket policy to another bucket")
		}
		return c.putBucketPolicy(bucket, p.document("PolicyDocument"))
	}
	return made{ref: bucket, remove: remove, update: update}, nil
}
