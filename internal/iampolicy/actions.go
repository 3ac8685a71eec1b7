package iampolicy

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// The actions of Amazon S3 that a bucket policy can contain, grouped by resource. Actions on access points, jobs, Storage
// Lens and the account are not listed: they have other resources.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html

// objectActions act on an object or one of its versions: arn:aws:s3:::bucket/key.
var objectActions = []string{
	"s3:AbortMultipartUpload",
	"s3:BypassGovernanceRetention",
	"s3:DeleteObject",
	"s3:DeleteObjectAnnotation",
	"s3:DeleteObjectTagging",
	"s3:DeleteObjectVersion",
	"s3:DeleteObjectVersionAnnotation",
	"s3:DeleteObjectVersionTagging",
	"s3:GetObject",
	"s3:GetObjectAcl",
	"s3:GetObjectAnnotation",
	"s3:GetObjectAttributes",
	"s3:GetObjectLegalHold",
	"s3:GetObjectRetention",
	"s3:GetObjectTagging",
	"s3:GetObjectTorrent",
	"s3:GetObjectVersion",
	"s3:GetObjectVersionAcl",
	"s3:GetObjectVersionAnnotation",
	"s3:GetObjectVersionAnnotationForReplication",
	"s3:GetObjectVersionAttributes",
	"s3:GetObjectVersionForReplication",
	"s3:GetObjectVersionTagging",
	"s3:GetObjectVersionTorrent",
	"s3:InitiateReplication",
	"s3:ListMultipartUploadParts",
	"s3:ListObjectAnnotations",
	"s3:ListObjectVersionAnnotations",
	"s3:ObjectOwnerOverrideToBucketOwner",
	"s3:PutObject",
	"s3:PutObjectAcl",
	"s3:PutObjectAnnotation",
	"s3:PutObjectLegalHold",
	"s3:PutObjectRetention",
	"s3:PutObjectTagging",
	"s3:PutObjectVersionAcl",
	"s3:PutObjectVersionAnnotation",
	"s3:PutObjectVersionTagging",
	"s3:ReplicateDelete",
	"s3:ReplicateObject",
	"s3:ReplicateObjectAnnotation",
	"s3:ReplicateTags",
	"s3:RestoreObject",
	"s3:UpdateObjectEncryption",
}

// listingActions list a bucket's contents: arn:aws:s3:::bucket.
var listingActions = []string{
	"s3:ListBucket",
	"s3:ListBucketMultipartUploads",
	"s3:ListBucketVersions",
}

// configurationActions read and change the bucket itself: arn:aws:s3:::bucket.
var configurationActions = []string{
	"s3:AllowVendedLogDeliveryForResource",
	"s3:CreateBucket",
	"s3:CreateBucketMetadataTableConfiguration",
	"s3:DeleteBucket",
	"s3:DeleteBucketMetadataTableConfiguration",
	"s3:DeleteBucketPolicy",
	"s3:DeleteBucketWebsite",
	"s3:GetAccelerateConfiguration",
	"s3:GetAnalyticsConfiguration",
	"s3:GetBucketAbac",
	"s3:GetBucketAcl",
	"s3:GetBucketCORS",
	"s3:GetBucketLocation",
	"s3:GetBucketLogging",
	"s3:GetBucketMetadataTableConfiguration",
	"s3:GetBucketNotification",
	"s3:GetBucketObjectLockConfiguration",
	"s3:GetBucketOwnershipControls",
	"s3:GetBucketPolicy",
	"s3:GetBucketPolicyStatus",
	"s3:GetBucketPublicAccessBlock",
	"s3:GetBucketRequestPayment",
	"s3:GetBucketTagging",
	"s3:GetBucketVersioning",
	"s3:GetBucketWebsite",
	"s3:GetEncryptionConfiguration",
	"s3:GetIntelligentTieringConfiguration",
	"s3:GetInventoryConfiguration",
	"s3:GetLifecycleConfiguration",
	"s3:GetMetricsConfiguration",
	"s3:GetReplicationConfiguration",
	"s3:ListTagsForResource",
	"s3:PauseReplication",
	"s3:PutAccelerateConfiguration",
	"s3:PutAnalyticsConfiguration",
	"s3:PutBucketAbac",
	"s3:PutBucketAcl",
	"s3:PutBucketCORS",
	"s3:PutBucketLogging",
	"s3:PutBucketNotification",
	"s3:PutBucketObjectLockConfiguration",
	"s3:PutBucketOwnershipControls",
	"s3:PutBucketPolicy",
	"s3:PutBucketPublicAccessBlock",
	"s3:PutBucketRequestPayment",
	"s3:PutBucketTagging",
	"s3:PutBucketVersioning",
	"s3:PutBucketWebsite",
	"s3:PutEncryptionConfiguration",
	"s3:PutIntelligentTieringConfiguration",
	"s3:PutInventoryConfiguration",
	"s3:PutLifecycleConfiguration",
	"s3:PutMetricsConfiguration",
	"s3:PutReplicationConfiguration",
	"s3:TagResource",
	"s3:UntagResource",
	"s3:UpdateBucketMetadataAnnotationTableConfiguration",
	"s3:UpdateBucketMetadataInventoryTableConfiguration",
	"s3:UpdateBucketMetadataJournalTableConfiguration",
}

// emptyingActions are the actions, in addition to listing, that the teardown role may use from outside the endpoint:
// delete, and read what protects versions that cannot be deleted.
var emptyingActions = []string{
	"s3:AbortMultipartUpload",
	"s3:BypassGovernanceRetention",
	"s3:DeleteObject",
	"s3:DeleteObjectVersion",
	"s3:GetObjectLegalHold",
	"s3:GetObjectRetention",
}

// ObjectActions lists the S3 actions on objects and their versions, sorted by name.
func ObjectActions() []string { return slices.Clone(objectActions) }

// ListingActions lists the S3 actions that list a bucket's contents.
func ListingActions() []string { return slices.Clone(listingActions) }

// ConfigurationActions lists the S3 actions that read or change a bucket's configuration.
func ConfigurationActions() []string { return slices.Clone(configurationActions) }

// bucketActions are all of the above.
var bucketActions = slices.Concat(objectActions, listingActions, configurationActions)

// actionClass is the group of an action.
type actionClass int

const (
	otherAction actionClass = iota
	objectAction
	emptyingAction // an object action that is needed to empty a bucket
	listingAction
	configurationAction
)

// actionClasses maps the lower-case names of the actions above to their classes. It is created on first use, to
// keep cold starts short.
var actionClasses = sync.OnceValue(func() map[string]actionClass {
	m := make(map[string]actionClass, len(bucketActions))
	for class, names := range [][]string{objectAction: objectActions, listingAction: listingActions, configurationAction: configurationActions} {
		for _, name := range names {
			m[strings.ToLower(name)] = actionClass(class)
		}
	}
	for _, name := range emptyingActions {
		m[strings.ToLower(name)] = emptyingAction
	}
	return m
})

// spelled returns the member of names that is the same in another case; "" if there is none. A search takes less time than to make a map
// at each cold start, which was a third of the time for the first policy.
func spelled(names []string, name string) string {
	for _, n := range names {
		if len(n) == len(name) && strings.EqualFold(n, name) {
			return n
		}
	}
	return ""
}

// conditionKeys are the condition keys that bucket and endpoint policies use most, in AWS's spelling.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
var conditionKeys = []string{
	"aws:CalledVia", "aws:CalledViaFirst", "aws:CalledViaLast", "aws:CurrentTime", "aws:EpochTime", "aws:FederatedProvider", "aws:MultiFactorAuthAge",
	"aws:MultiFactorAuthPresent", "aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalIsAWSService",
	"aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalServiceName", "aws:PrincipalServiceNamesList",
	"aws:PrincipalType", "aws:RequestedRegion", "aws:ResourceAccount", "aws:ResourceOrgID", "aws:SecureTransport",
	"aws:SourceAccount", "aws:SourceArn", "aws:SourceIp", "aws:SourceOrgID", "aws:SourceVpc", "aws:SourceVpcArn",
	"aws:SourceVpce", "aws:TagKeys", "aws:TokenIssueTime", "aws:UserAgent", "aws:ViaAWSService", "aws:VpcSourceIp",
	"s3:DataAccessPointAccount", "s3:DataAccessPointArn", "s3:ResourceAccount", "s3:TlsVersion", "s3:authType",
	"s3:signatureAge",
}

// manyValues are the members of conditionKeys that can have several values in a request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
var manyValues = []string{"aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:tagkeys"}

// hasOneValue reports whether AWS documents that a condition key has at most one value.
func hasOneValue(key string) bool {
	return spelled(conditionKeys, key) != "" && !slices.Contains(manyValues, key)
}

// spellKey returns a condition key in AWS's spelling, or in lower case if conditionKeys does not contain it.
func spellKey(key string) string {
	return cmp.Or(spelled(conditionKeys, key), key)
}
