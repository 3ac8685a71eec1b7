package api

import (
	"fmt"
	"net/http"
	"strings"
)

// Credentials registers a caller and returns an access key for it. Signatures are not verified: only the key's id
// identifies the caller. Ids of users begin with AKIA, those of role sessions with ASIA, as in AWS. A session token
// is allowed with both and is ignored.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
func (g *Gate) Credentials(c Caller) (accessKeyID, secret string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	prefix := "AKIA"
	if c.Issuer != "" {
		prefix = "ASIA"
	}
	accessKeyID = fmt.Sprintf("%sLOCALAWS%08d", prefix, len(g.callers)+1)
	g.callers[accessKeyID] = c
	return accessKeyID, "secret-of-" + accessKeyID
}

// Accept registers a caller under an access key of its own choice, e.g. one that this process's environment has for the callers of
// several gates.
func (g *Gate) Accept(accessKeyID string, c Caller) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.callers[accessKeyID] = c
}

// caller returns the owner of an access key. Without a key it is the anonymous caller.
func (g *Gate) caller(accessKeyID string) (caller Caller, known bool) {
	if accessKeyID == "" {
		return Caller{}, true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	caller, known = g.callers[accessKeyID]
	return caller, known
}

// unknownKey returns the service's refusal of an unregistered access key.
func (x *exchange) unknownKey() *Error {
	if refuser, ok := x.service.(Refuser); ok {
		return refuser.UnknownKey(x.request)
	}
	return &Error{Status: http.StatusForbidden, Code: "InvalidClientTokenId",
		Message: "The security token included in the request is invalid."}
}

// scope is the content of a request's credential scope.
type scope struct {
	accessKeyID, region, service string
}

// scopeOf reads the credential scope from the Authorization header, or for a presigned request from the query. A
// request without either is anonymous, and is for S3.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func scopeOf(hr *http.Request) scope {
	credential := hr.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(hr.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	}
	// Key id / date / Region / service / "aws4_request"; SigV4A's has no Region.
	parts := strings.Split(strings.TrimSpace(credential), "/")
	switch len(parts) {
	case 5:
		return scope{accessKeyID: parts[0], region: parts[2], service: parts[3]}
	case 4:
		return scope{accessKeyID: parts[0], service: parts[2]}
	}
	return scope{service: "s3"}
}
