package s3

import (
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// level is the kind of resource of a request.
type level string

const (
	serviceLevel level = "service"
	bucketLevel  level = "bucket"
	objectLevel  level = "object"
	accountLevel level = "account"
	// pointsLevel is that of access points.
	pointsLevel level = "points"
)

// levelOf returns the level of a request with this bucket and key.
func levelOf(bucket, key string) level {
	switch {
	case bucket == "":
		return serviceLevel
	case key == "":
		return bucketLevel
	}
	return objectLevel
}

// handler executes an operation. The service is locked.
type handler func(*call) (*answer, error)

// route is one operation, its permission and its handler.
type route struct {
	// request matches requests: method, level, and the query parameter that names a sub-resource, e.g. "GET
	// bucket?policy".
	request string
	// name is the operation's API name.
	name string
	// action is the permission needed on the bucket or object; needs, if not nil, returns all permissions instead.
	action string
	needs  func(*call) []api.Need
	// ownerOnly operations return 405 to callers of other accounts.
	ownerOnly bool
	// trail is CloudTrail's event name of a management write; "" for other operations.
	trail  string
	handle handler
}

// reads returns the route of an operation that reads configuration. It is not in the trail.
func reads(request, name, action string, handle handler) *route {
	return &route{request: request, name: name, action: action, handle: handle}
}

// data returns the route of an operation on objects. Writes are data events, which are not delivered (docs/facts.md,
// CloudTrail through EventBridge).
func data(request, name, action string, handle handler) *route {
	return reads(request, name, action, handle)
}

// writes returns the route of a management write.
func writes(request, name, action string, handle handler) *route {
	r := reads(request, name, action, handle)
	r.trail = name
	return r
}

// needing sets permissions that depend on the request.
func (r *route) needing(needs func(*call) []api.Need) *route { r.needs = needs; return r }

// byOwner makes the operation return 405 to callers of other accounts.
func (r *route) byOwner() *route { r.ownerOnly = true; return r }

// recordedAs sets CloudTrail's event name if it differs from the API name.
func (r *route) recordedAs(name string) *route { r.trail = name; return r }

// sub returns the operation's sub-resource, or "".
func (r *route) sub() string {
	_, sub, _ := strings.Cut(r.request, "?")
	return sub
}

// inBucket reports whether the operation needs an existing bucket.
func (r *route) inBucket() bool {
	_, of, _ := strings.Cut(r.request, " ")
	return (strings.HasPrefix(of, "bucket") || strings.HasPrefix(of, "object")) && r.name != "CreateBucket"
}

// routes are all operations, by their request. Actions are those of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var routes = byRequest(
	reads("GET service", "ListBuckets", "s3:ListAllMyBuckets", (*call).listBuckets),

	writes("PUT bucket", "CreateBucket", "", (*call).createBucket).needing((*call).createNeeds),
	writes("DELETE bucket", "DeleteBucket", "s3:DeleteBucket", (*call).deleteBucket),
	reads("HEAD bucket", "HeadBucket", "s3:ListBucket", (*call).headBucket),
	reads("GET bucket?location", "GetBucketLocation", "s3:GetBucketLocation", (*call).getLocation),

	reads("GET bucket?policy", "GetBucketPolicy", "s3:GetBucketPolicy", (*call).getPolicy).byOwner(),
	writes("PUT bucket?policy", "PutBucketPolicy", "s3:PutBucketPolicy", (*call).putPolicy).byOwner(),
	writes("DELETE bucket?policy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", (*call).deletePolicy).byOwner(),
	reads("GET bucket?policyStatus", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", (*call).getPolicyStatus),

	reads("GET bucket?publicAccessBlock", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", (*call).getBlock),
	writes("PUT bucket?publicAccessBlock", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", (*call).putBlock).recordedAs("PutBucketPublicAccessBlock"),
	writes("DELETE bucket?publicAccessBlock", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", (*call).deleteBlock).recordedAs("DeleteBucketPublicAccessBlock"),
	reads("GET account", "GetAccountPublicAccessBlock", "s3:GetAccountPublicAccessBlock", (*call).getAccountBlock),
	writes("PUT account", "PutAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock", (*call).putAccountBlock),
	writes("DELETE account", "DeleteAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock", (*call).deleteAccountBlock),

	reads("GET points", "ListAccessPoints", "", (*call).listAccessPoints).needing((*call).listPointsNeeds),
	reads("PUT points", "CreateAccessPoint", "", (*call).createAccessPoint).needing((*call).pointNeeds), // CloudTrail's record of it is not known

	reads("GET bucket?ownershipControls", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", (*call).getOwnership),
	writes("PUT bucket?ownershipControls", "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls", (*call).putOwnership),
	writes("DELETE bucket?ownershipControls", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls", (*call).deleteOwnership),
	reads("GET bucket?acl", "GetBucketAcl", "s3:GetBucketAcl", (*call).getACL),
	writes("PUT bucket?acl", "PutBucketAcl", "s3:PutBucketAcl", (*call).putACL),

	reads("GET bucket?versioning", "GetBucketVersioning", "s3:GetBucketVersioning", (*call).getVersioning),
	writes("PUT bucket?versioning", "PutBucketVersioning", "s3:PutBucketVersioning", (*call).putVersioning),
	reads("GET bucket?encryption", "GetBucketEncryption", "s3:GetEncryptionConfiguration", (*call).getEncryption),
	writes("PUT bucket?encryption", "PutBucketEncryption", "s3:PutEncryptionConfiguration", (*call).putEncryption),
	writes("DELETE bucket?encryption", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration", (*call).deleteEncryption),
	reads("GET bucket?lifecycle", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", (*call).getLifecycle),
	writes("PUT bucket?lifecycle", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", (*call).putLifecycle).recordedAs("PutBucketLifecycle"),
	writes("DELETE bucket?lifecycle", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", (*call).deleteLifecycle),
	reads("GET bucket?tagging", "GetBucketTagging", "s3:GetBucketTagging", (*call).getTagging),
	writes("PUT bucket?tagging", "PutBucketTagging", "s3:PutBucketTagging", (*call).putTagging),
	writes("DELETE bucket?tagging", "DeleteBucketTagging", "s3:PutBucketTagging", (*call).deleteTagging),

	reads("GET bucket?replication", "GetBucketReplication", "s3:GetReplicationConfiguration", replication.get),
	writes("PUT bucket?replication", "PutBucketReplication", "s3:PutReplicationConfiguration", replication.put),
	writes("DELETE bucket?replication", "DeleteBucketReplication", "s3:PutReplicationConfiguration", replication.remove),
	reads("GET bucket?inventory", "ListBucketInventoryConfigurations", "s3:GetInventoryConfiguration", inventory.list),
	writes("PUT bucket?inventory", "PutBucketInventoryConfiguration", "s3:PutInventoryConfiguration", inventory.put),
	writes("DELETE bucket?inventory", "DeleteBucketInventoryConfiguration", "s3:PutInventoryConfiguration", inventory.remove),
	reads("GET bucket?analytics", "ListBucketAnalyticsConfigurations", "s3:GetAnalyticsConfiguration", analytics.list),
	writes("PUT bucket?analytics", "PutBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", analytics.put),
	writes("DELETE bucket?analytics", "DeleteBucketAnalyticsConfiguration", "s3:PutAnalyticsConfiguration", analytics.remove),
	reads("GET bucket?metadataConfiguration", "GetBucketMetadataConfiguration", "s3:GetBucketMetadataTableConfiguration", metadataTables.get),
	writes("POST bucket?metadataConfiguration", "CreateBucketMetadataConfiguration", "s3:CreateBucketMetadataTableConfiguration", metadataTables.put),
	reads("GET bucket?logging", "GetBucketLogging", "s3:GetBucketLogging", logging.get),
	writes("PUT bucket?logging", "PutBucketLogging", "s3:PutBucketLogging", logging.put),
	reads("GET bucket?notification", "GetBucketNotificationConfiguration", "s3:GetBucketNotification", notification.get),
	writes("PUT bucket?notification", "PutBucketNotificationConfiguration", "s3:PutBucketNotification", notification.put).recordedAs("PutBucketNotification"),
	reads("GET bucket?website", "GetBucketWebsite", "s3:GetBucketWebsite", website.get),
	writes("PUT bucket?website", "PutBucketWebsite", "s3:PutBucketWebsite", website.put),
	writes("DELETE bucket?website", "DeleteBucketWebsite", "s3:DeleteBucketWebsite", website.remove),
	reads("GET bucket?cors", "GetBucketCors", "s3:GetBucketCORS", cors.get),
	writes("PUT bucket?cors", "PutBucketCors", "s3:PutBucketCORS", cors.put),
	writes("DELETE bucket?cors", "DeleteBucketCors", "s3:PutBucketCORS", cors.remove),
	reads("GET bucket?accelerate", "GetBucketAccelerateConfiguration", "s3:GetAccelerateConfiguration", acceleration.get),
	writes("PUT bucket?accelerate", "PutBucketAccelerateConfiguration", "s3:PutAccelerateConfiguration", acceleration.put).recordedAs("PutAccelerateConfiguration"),
	reads("GET bucket?requestPayment", "GetBucketRequestPayment", "s3:GetBucketRequestPayment", requestPayment.get),
	writes("PUT bucket?requestPayment", "PutBucketRequestPayment", "s3:PutBucketRequestPayment", requestPayment.put),

	writes("PUT bucket?object-lock", "PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration", (*call).putObjectLock).recordedAs("PutBucketObjectLockConfiguration"),
	reads("GET bucket?object-lock", "GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration", (*call).getObjectLock),
	reads("GET object?retention", "GetObjectRetention", "s3:GetObjectRetention", (*call).getRetention),
	data("PUT object?retention", "PutObjectRetention", "s3:PutObjectRetention", (*call).putRetention),
	reads("GET object?legal-hold", "GetObjectLegalHold", "s3:GetObjectLegalHold", (*call).getLegalHold),
	data("PUT object?legal-hold", "PutObjectLegalHold", "s3:PutObjectLegalHold", (*call).putLegalHold),

	data("GET bucket", "ListObjects", "s3:ListBucket", (*call).listObjects),
	data("GET bucket?list-type", "ListObjectsV2", "s3:ListBucket", (*call).listObjectsV2),
	data("GET bucket?versions", "ListObjectVersions", "s3:ListBucketVersions", (*call).listVersions),
	data("POST bucket?delete", "DeleteObjects", "", (*call).deleteObjects).needing((*call).noNeeds),

	data("PUT object", "PutObject", "s3:PutObject", (*call).putObject),
	data("PUT object?copy", "CopyObject", "", (*call).copyObject).needing((*call).copyNeeds),
	data("GET object", "GetObject", "", (*call).getObject).needing((*call).readNeeds),
	data("HEAD object", "HeadObject", "", (*call).headObject).needing((*call).readNeeds),
	data("DELETE object", "DeleteObject", "", (*call).deleteObject).needing((*call).deleteNeeds),

	data("GET bucket?uploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads", (*call).listUploads),
	data("POST object?uploads", "CreateMultipartUpload", "s3:PutObject", (*call).createUpload),
	data("PUT object?uploadId", "UploadPart", "s3:PutObject", (*call).uploadPart),
	data("GET object?uploadId", "ListParts", "s3:ListMultipartUploadParts", (*call).listParts),
	data("POST object?uploadId", "CompleteMultipartUpload", "s3:PutObject", (*call).completeUpload),
	data("DELETE object?uploadId", "AbortMultipartUpload", "s3:AbortMultipartUpload", (*call).abortUpload),
)

// byRequest returns a table of operations.
func byRequest(all ...*route) map[string]*route {
	table := map[string]*route{}
	for _, r := range all {
		table[r.request] = r
	}
	return table
}

// subResources are the query parameters that name a sub-resource. Those without a route are included so that they are
// refused; otherwise the operation without them would run.
var subResources = []string{
	"policy", "policyStatus", "publicAccessBlock", "ownershipControls", "acl", "versioning", "encryption", "lifecycle",
	"tagging", "location", "versions", "uploads", "uploadId", "delete", "list-type",
	"abac", "accelerate", "analytics", "append", "attributes", "cors", "intelligent-tiering", "inventory", "legal-hold",
	"logging", "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock", "renameObject",
	"replication", "requestPayment", "restore", "retention", "select", "session", "torrent", "website",
}

// match finds the request's route.
func (c *call) match() (*route, error) {
	request := c.Method + " " + string(c.level)
	switch sub := c.subResource(); {
	case c.Header.Get("X-Amz-Copy-Source") != "" && sub == "uploadId":
		return nil, notImplemented("UploadPartCopy")
	case c.Header.Get("X-Amz-Copy-Source") != "":
		request += "?copy"
	case sub != "":
		request += "?" + sub
	}
	if r := routes[request]; r != nil {
		return r, nil
	}
	if strings.Contains(request, "?") || c.level == serviceLevel {
		return nil, notImplemented(request)
	}
	return nil, errNotAllowed
}

// subResource returns the query parameter that names the request's sub-resource, or "".
func (c *call) subResource() string {
	for _, name := range subResources {
		if c.query.Has(name) {
			return name
		}
	}
	return ""
}
