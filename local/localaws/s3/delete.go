package s3

import (
	"encoding/xml"
	"errors"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// deleteNeeds returns the permissions for deleting a key or a version.
func (c *call) deleteNeeds() []api.Need {
	return []api.Need{c.need(deleteAction(c.query.Get("versionId")))}
}

// noNeeds is for an operation that checks permissions for each of its parts.
func (c *call) noNeeds() []api.Need { return nil }

// deleteAction returns the action for deleting a key, or a version if there is an id.
func deleteAction(versionID string) string {
	if versionID != "" {
		return "s3:DeleteObjectVersion"
	}
	return "s3:DeleteObject"
}

// deleteObject deletes a key or a version.
func (c *call) deleteObject() (*answer, error) {
	if err := c.refuseBypass(); err != nil {
		return nil, err
	}
	if err := c.slowDown(c.key); err != nil {
		return nil, err
	}
	if err := c.protects(c.bucket.index.get(c.key), c.query.Get("versionId")); err != nil {
		return nil, err
	}
	done, err := c.service.delete(c.bucket, c.key, c.query.Get("versionId"))
	if err != nil {
		return nil, err
	}
	a := noContent().with("X-Amz-Version-Id", done.versionID)
	if done.marker {
		a.with("X-Amz-Delete-Marker", "true")
	}
	return a, nil
}

// errNoLock is the error for a bypass of governance retention in a bucket without Object Lock (docs/facts.md, S3).
var errNoLock = invalidArgument("x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.")

// maxDelete is the maximum number of keys in a DeleteObjects call.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
const maxDelete = 1000

// deleteRequest is the body of a DeleteObjects call.
type deleteRequest struct {
	Object []struct{ Key, VersionId string }
	Quiet  bool
}

// keys returns the keys in the request.
func (r *deleteRequest) keys() (keys []string) {
	for _, o := range r.Object {
		keys = append(keys, o.Key)
	}
	return keys
}

// deleteObjects deletes up to 1,000 keys or versions. Each is allowed or denied separately, and the call succeeds no
// matter what the results are.
func (c *call) deleteObjects() (*answer, error) {
	if err := c.refuseBypass(); err != nil {
		return nil, err
	}
	if !hasChecksum(c.Header) {
		return nil, invalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	if _, err := verified(c.Header, c.Body); err != nil {
		return nil, err
	}
	var want deleteRequest
	if err := xml.Unmarshal(c.Body, &want); err != nil || len(want.Object) == 0 || len(want.Object) > maxDelete {
		return nil, errMalformedXML
	}
	if err := c.slowDown(want.keys()...); err != nil {
		return nil, err
	}
	return asXML(func(d *document) {
		d.root("DeleteResult")
		for _, o := range want.Object {
			done, err := c.deleteOne(o.Key, o.VersionId)
			d.deleted(o.Key, o.VersionId, done, err, want.Quiet)
		}
		d.close("DeleteResult")
	}), nil
}

// deleteOne deletes one of several keys if the caller has permission.
func (c *call) deleteOne(key, versionID string) (deletion, error) {
	need := c.needOn(c.bucket, key, deleteAction(versionID))
	if refusal := c.May(need); refusal != nil {
		return deletion{}, refusal
	}
	if err := c.protects(c.bucket.index.get(key), versionID); err != nil {
		return deletion{}, err
	}
	return c.service.delete(c.bucket, key, versionID)
}

// deleted writes the result for one key. In quiet mode only errors are written.
func (d *document) deleted(key, versionID string, done deletion, err error, quiet bool) {
	var refusal *api.Error
	if errors.As(err, &refusal) {
		d.open("Error")
		d.text("Key", key)
		d.optional("VersionId", versionID)
		d.text("Code", refusal.Code)
		d.text("Message", refusal.Message)
		d.close("Error")
		return
	}
	if quiet {
		return
	}
	d.open("Deleted")
	d.text("Key", key)
	d.optional("VersionId", versionID)
	if done.marker {
		d.bool("DeleteMarker", true)
		d.text("DeleteMarkerVersionId", done.versionID)
	}
	d.close("Deleted")
}
