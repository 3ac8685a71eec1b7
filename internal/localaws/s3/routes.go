package s3

import (
	"net/http"

	"s3-endpoint-guard/internal/localaws/api"
)

// level is what a request is about.
type level string

const (
	serviceLevel level = "service"
	bucketLevel  level = "bucket"
	objectLevel  level = "object"
	accountLevel level = "account"
)

// levelOf is the level of a request that names this bucket and key.
func levelOf(bucket, key string) level {
	switch {
	case bucket == "":
		return serviceLevel
	case key == "":
		return bucketLevel
	}
	return objectLevel
}

// route is one operation: which requests ask for it, what it takes and who carries it out.
type route struct {
	// method, level and sub select the requests: sub is the query parameter that names a sub-resource, or "".
	method string
	level  level
	sub    string
	// name is the API's name of the operation.
	name string
	// action is the permission that it takes on its bucket or object; needs, where not nil, gives them all instead.
	action string
	needs  func(*call) []api.Need
	// ownerOnly operations answer 405 to callers of other accounts.
	ownerOnly bool
	// trail is CloudTrail's name of a management write; "" for other operations.
	trail string
	// handle carries the operation out. The service is locked.
	handle func(*call) (*answer, error)
}

// inBucket reports whether the operation is about a bucket that must be there.
func (r *route) inBucket() bool {
	return (r.level == bucketLevel || r.level == objectLevel) && r.name != "CreateBucket"
}

// routes are all operations. Actions are those of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var routes = []route{
	{"GET", serviceLevel, "", "ListBuckets", "s3:ListAllMyBuckets", nil, false, "", (*call).listBuckets},

	{"PUT", bucketLevel, "", "CreateBucket", "", (*call).createNeeds, false, "CreateBucket", (*call).createBucket},
	{"DELETE", bucketLevel, "", "DeleteBucket", "s3:DeleteBucket", nil, false, "DeleteBucket", (*call).deleteBucket},
	{"HEAD", bucketLevel, "", "HeadBucket", "s3:ListBucket", nil, false, "", (*call).headBucket},
	{"GET", bucketLevel, "location", "GetBucketLocation", "s3:GetBucketLocation", nil, false, "", (*call).getLocation},

	{"GET", bucketLevel, "policy", "GetBucketPolicy", "s3:GetBucketPolicy", nil, true, "", (*call).getPolicy},
	{"PUT", bucketLevel, "policy", "PutBucketPolicy", "s3:PutBucketPolicy", nil, true, "PutBucketPolicy", (*call).putPolicy},
	{"DELETE", bucketLevel, "policy", "DeleteBucketPolicy", "s3:DeleteBucketPolicy", nil, true, "DeleteBucketPolicy", (*call).deletePolicy},
	{"GET", bucketLevel, "policyStatus", "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", nil, false, "", (*call).getPolicyStatus},

	{"GET", bucketLevel, "publicAccessBlock", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", nil, false, "", (*call).getBlock},
	{"PUT", bucketLevel, "publicAccessBlock", "PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock", nil, false, "PutBucketPublicAccessBlock", (*call).putBlock},
	{"DELETE", bucketLevel, "publicAccessBlock", "DeletePublicAccessBlock", "s3:PutBucketPublicAccessBlock", nil, false, "DeleteBucketPublicAccessBlock", (*call).deleteBlock},
	{"GET", accountLevel, "", "GetAccountPublicAccessBlock", "s3:GetAccountPublicAccessBlock", nil, false, "", (*call).getAccountBlock},
	{"PUT", accountLevel, "", "PutAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock", nil, false, "PutAccountPublicAccessBlock", (*call).putAccountBlock},
	{"DELETE", accountLevel, "", "DeleteAccountPublicAccessBlock", "s3:PutAccountPublicAccessBlock", nil, false, "DeleteAccountPublicAccessBlock", (*call).deleteAccountBlock},

	{"GET", bucketLevel, "ownershipControls", "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", nil, false, "", (*call).getOwnership},
	{"PUT", bucketLevel, "ownershipControls", "PutBucketOwnershipControls", "s3:PutBucketOwnershipControls", nil, false, "PutBucketOwnershipControls", (*call).putOwnership},
	{"DELETE", bucketLevel, "ownershipControls", "DeleteBucketOwnershipControls", "s3:PutBucketOwnershipControls", nil, false, "DeleteBucketOwnershipControls", (*call).deleteOwnership},
	{"GET", bucketLevel, "acl", "GetBucketAcl", "s3:GetBucketAcl", nil, false, "", (*call).getACL},
	{"PUT", bucketLevel, "acl", "PutBucketAcl", "s3:PutBucketAcl", nil, false, "PutBucketAcl", (*call).putACL},

	{"GET", bucketLevel, "versioning", "GetBucketVersioning", "s3:GetBucketVersioning", nil, false, "", (*call).getVersioning},
	{"PUT", bucketLevel, "versioning", "PutBucketVersioning", "s3:PutBucketVersioning", nil, false, "PutBucketVersioning", (*call).putVersioning},
	{"GET", bucketLevel, "encryption", "GetBucketEncryption", "s3:GetEncryptionConfiguration", nil, false, "", (*call).getEncryption},
	{"PUT", bucketLevel, "encryption", "PutBucketEncryption", "s3:PutEncryptionConfiguration", nil, false, "PutBucketEncryption", (*call).putEncryption},
	{"DELETE", bucketLevel, "encryption", "DeleteBucketEncryption", "s3:PutEncryptionConfiguration", nil, false, "DeleteBucketEncryption", (*call).deleteEncryption},
	{"GET", bucketLevel, "lifecycle", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", nil, false, "", (*call).getLifecycle},
	{"PUT", bucketLevel, "lifecycle", "PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration", nil, false, "PutBucketLifecycle", (*call).putLifecycle},
	{"DELETE", bucketLevel, "lifecycle", "DeleteBucketLifecycle", "s3:PutLifecycleConfiguration", nil, false, "DeleteBucketLifecycle", (*call).deleteLifecycle},
	{"GET", bucketLevel, "tagging", "GetBucketTagging", "s3:GetBucketTagging", nil, false, "", (*call).getTagging},
	{"PUT", bucketLevel, "tagging", "PutBucketTagging", "s3:PutBucketTagging", nil, false, "PutBucketTagging", (*call).putTagging},
	{"DELETE", bucketLevel, "tagging", "DeleteBucketTagging", "s3:PutBucketTagging", nil, false, "DeleteBucketTagging", (*call).deleteTagging},

	{"GET", bucketLevel, "", "ListObjects", "s3:ListBucket", nil, false, "", (*call).listObjects},
	{"GET", bucketLevel, "list-type", "ListObjectsV2", "s3:ListBucket", nil, false, "", (*call).listObjectsV2},
	{"GET", bucketLevel, "versions", "ListObjectVersions", "s3:ListBucketVersions", nil, false, "", (*call).listVersions},
	{"POST", bucketLevel, "delete", "DeleteObjects", "", func(*call) []api.Need { return nil }, false, "", (*call).deleteObjects},

	{"PUT", objectLevel, "", "PutObject", "s3:PutObject", nil, false, "", (*call).putObject},
	{"PUT", objectLevel, "copy", "CopyObject", "", (*call).copyNeeds, false, "", (*call).copyObject},
	{"GET", objectLevel, "", "GetObject", "", (*call).readNeeds, false, "", (*call).getObject},
	{"HEAD", objectLevel, "", "HeadObject", "", (*call).readNeeds, false, "", (*call).headObject},
	{"DELETE", objectLevel, "", "DeleteObject", "", (*call).deleteNeeds, false, "", (*call).deleteObject},

	{"GET", bucketLevel, "uploads", "ListMultipartUploads", "s3:ListBucketMultipartUploads", nil, false, "", (*call).listUploads},
	{"POST", objectLevel, "uploads", "CreateMultipartUpload", "s3:PutObject", nil, false, "", (*call).createUpload},
	{"PUT", objectLevel, "uploadId", "UploadPart", "s3:PutObject", nil, false, "", (*call).uploadPart},
	{"GET", objectLevel, "uploadId", "ListParts", "s3:ListMultipartUploadParts", nil, false, "", (*call).listParts},
	{"POST", objectLevel, "uploadId", "CompleteMultipartUpload", "s3:PutObject", nil, false, "", (*call).completeUpload},
	{"DELETE", objectLevel, "uploadId", "AbortMultipartUpload", "s3:AbortMultipartUpload", nil, false, "", (*call).abortUpload},
}

// subResources are the query parameters that name what an operation is about. Those that no route has are here so
// that they are refused, and not taken for the operation without them.
var subResources = []string{
	"policy", "policyStatus", "publicAccessBlock", "ownershipControls", "acl", "versioning", "encryption", "lifecycle",
	"tagging", "location", "versions", "uploads", "uploadId", "delete", "list-type",
	"abac", "accelerate", "analytics", "append", "attributes", "cors", "intelligent-tiering", "inventory", "legal-hold",
	"logging", "metadataConfiguration", "metadataTable", "metrics", "notification", "object-lock", "renameObject",
	"replication", "requestPayment", "restore", "retention", "select", "session", "torrent", "website",
}

// match finds the route of a request.
func (c *call) match() (*route, error) {
	sub := ""
	for _, name := range subResources {
		if c.query.Has(name) {
			sub = name
			break
		}
	}
	if c.Header.Get("X-Amz-Copy-Source") != "" {
		if sub == "uploadId" {
			return nil, notImplemented("UploadPartCopy")
		}
		sub = "copy"
	}
	for i := range routes {
		if r := &routes[i]; r.method == c.Method && r.level == c.level && r.sub == sub {
			return r, nil
		}
	}
	if sub != "" || c.level == serviceLevel {
		return nil, notImplemented(c.Method + " of a " + string(c.level) + "'s " + sub)
	}
	return nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", errNotOwner.Message)
}
