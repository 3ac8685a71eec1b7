package s3

import (
	"fmt"
	"net/http"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// The errors without details. Codes, statuses and messages are S3's.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
var (
	errAccessDenied     = refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	errNoSuchBucket     = refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	errBucketNotEmpty   = refuse(http.StatusConflict, "BucketNotEmpty", "The bucket you tried to delete is not empty")
	errNotAllowed       = refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
	errMalformedXML     = refuse(http.StatusBadRequest, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	errNoSuchKey        = refuse(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
	errNoSuchVersion    = refuse(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.")
	errKeyTooLong       = refuse(http.StatusBadRequest, "KeyTooLongError", "Your key is too long")
	errPrecondition     = refuse(http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
	errNotModified      = refuse(http.StatusNotModified, "NotModified", "Not Modified")
	errInvalidRange     = refuse(http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
	errBadDigest        = refuse(http.StatusBadRequest, "BadDigest", "The Content-MD5 or checksum value that you specified did not match what we received.")
	errNoSuchUpload     = refuse(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
	errInvalidPart      = refuse(http.StatusBadRequest, "InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.")
	errInvalidPartOrder = refuse(http.StatusBadRequest, "InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.")
	errACLNotSupported  = refuse(http.StatusBadRequest, "AccessControlListNotSupported", "The bucket does not allow ACLs")
)

// refuse returns an error.
func refuse(status int, code, message string) *api.Error {
	return &api.Error{Status: status, Code: code, Message: message}
}

// invalidArgument returns the error for an invalid parameter value.
func invalidArgument(message string) *api.Error {
	return refuse(http.StatusBadRequest, "InvalidArgument", message)
}

// invalidRequest returns the error for an inconsistent request.
func invalidRequest(message string) *api.Error {
	return refuse(http.StatusBadRequest, "InvalidRequest", message)
}

// notImplemented returns the error for a feature that this S3 does not support.
func notImplemented(what string) *api.Error {
	return refuse(http.StatusNotImplemented, "NotImplemented", "the local AWS does not implement "+what)
}

// deny returns the access-denied error for a caller who may see the reason.
func deny(c api.Caller, action, resource, because string) *api.Error {
	return refuse(http.StatusForbidden, "AccessDenied", fmt.Sprintf(
		"User: %s is not authorized to perform: %s on resource: %q %s", c.Principal, action, resource, because))
}
