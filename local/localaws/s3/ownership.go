package s3

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
)

// bucketOwnerEnforced is the object ownership under which ACLs are off.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
const bucketOwnerEnforced = "BucketOwnerEnforced"

// getOwnership returns the ownership controls.
func (c *call) getOwnership() (*answer, error) {
	ownership := c.bucket.ownership.read(c.Stale)
	if ownership == "" {
		return nil, refuse(http.StatusNotFound, "OwnershipControlsNotFoundError", "The bucket ownership controls were not found")
	}
	return asXML(func(d *document) {
		d.root("OwnershipControls")
		d.open("Rule")
		d.text("ObjectOwnership", ownership)
		d.close("Rule")
		d.close("OwnershipControls")
	}), nil
}

// putOwnership sets the ownership controls.
func (c *call) putOwnership() (*answer, error) {
	var want struct {
		Rule []struct{ ObjectOwnership string }
	}
	if err := xml.Unmarshal(c.Body, &want); err != nil || len(want.Rule) != 1 {
		return nil, errMalformedXML
	}
	ownership := want.Rule[0].ObjectOwnership
	if !slices.Contains([]string{bucketOwnerEnforced, "BucketOwnerPreferred", "ObjectWriter"}, ownership) {
		return nil, errMalformedXML
	}
	if ownership == bucketOwnerEnforced && c.bucket.acl.value != "private" {
		return nil, refuse(http.StatusBadRequest, "InvalidBucketAclWithObjectOwnership",
			"Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting")
	}
	c.bucket.ownership.set(ownership)
	return ok(), nil
}

// deleteOwnership removes the ownership controls: objects then belong to the account that writes them.
func (c *call) deleteOwnership() (*answer, error) {
	c.bucket.ownership.set("")
	return noContent(), nil
}

// The groups of public grants in ACLs.
const (
	allUsers           = "http://acs.amazonaws.com/groups/global/AllUsers"
	authenticatedUsers = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers"
)

// grant is a permission that an ACL gives to a group, in addition to the owner's FULL_CONTROL.
type grant struct {
	group, permission string
}

// cannedGrants are the supported ACLs, by their names as canned ACLs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
var cannedGrants = map[string][]grant{
	"private":            nil,
	"public-read":        {{allUsers, "READ"}},
	"public-read-write":  {{allUsers, "READ"}, {allUsers, "WRITE"}},
	"authenticated-read": {{authenticatedUsers, "READ"}},
}

// cannedACL checks a canned ACL's name; "" is "private".
func cannedACL(name string) (string, error) {
	if name == "" {
		return "private", nil
	}
	if _, known := cannedGrants[name]; !known {
		return "", notImplemented("the canned ACL " + name)
	}
	return name, nil
}

// getACL returns the bucket's ACL. With ACLs off it shows the owner's full control.
func (c *call) getACL() (*answer, error) {
	acl := c.bucket.acl.read(c.Stale)
	return asXML(func(d *document) {
		d.root("AccessControlPolicy")
		d.owner("Owner", c.bucket.owner)
		d.open("AccessControlList")
		d.grant(`CanonicalUser"><ID>`+canonicalID(c.bucket.owner)+"</ID>", "FULL_CONTROL")
		for _, g := range cannedGrants[acl] {
			d.grant(`Group"><URI>`+g.group+"</URI>", g.permission)
		}
		d.close("AccessControlList")
		d.close("AccessControlPolicy")
	}), nil
}

// grant writes one grant of an ACL.
func (d *document) grant(typeAndGrantee, permission string) {
	d.open("Grant")
	d.bytes = append(d.bytes, `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="`...)
	d.bytes = append(d.bytes, typeAndGrantee...)
	d.close("Grantee")
	d.text("Permission", permission)
	d.close("Grant")
}

// putACL sets the bucket's ACL. With ACLs off it must be equivalent to the owner's full control.
func (c *call) putACL() (*answer, error) {
	acl, err := c.wantedACL()
	if err != nil {
		return nil, err
	}
	public := acl != "private"
	if public && c.bucket.ownership.value == bucketOwnerEnforced {
		return nil, errACLNotSupported
	}
	if public && c.service.blocked(c.bucket).BlockPublicAcls {
		return nil, c.publicBlocked("s3:PutBucketAcl", "access control lists (ACLs)", "BlockPublicAcls")
	}
	c.bucket.acl.set(acl)
	return ok(), nil
}

// wantedACL returns the ACL in a request, as a canned ACL: by name, by grant headers or by grants in its body.
func (c *call) wantedACL() (string, error) {
	if len(c.Body) == 0 {
		if read := c.Header.Get("X-Amz-Grant-Read"); strings.Contains(read, allUsers) {
			return "public-read", nil
		}
		return cannedACL(c.Header.Get("X-Amz-Acl"))
	}
	var want struct {
		Grants []struct {
			Grantee    struct{ ID, URI string }
			Permission string
		} `xml:"AccessControlList>Grant"`
	}
	if err := xml.Unmarshal(c.Body, &want); err != nil {
		return "", errMalformedXML
	}
	var grants []grant
	for _, g := range want.Grants {
		switch {
		case g.Grantee.URI != "":
			grants = append(grants, grant{g.Grantee.URI, g.Permission})
		case g.Grantee.ID != canonicalID(c.bucket.owner):
			return "", notImplemented("grants to other accounts")
		}
	}
	for name, canned := range cannedGrants {
		if slices.Equal(grants, canned) {
			return name, nil
		}
	}
	return "", notImplemented("this combination of grants")
}
