// Package adoption decides what happens when the guard is put before buckets and endpoints that already exist: what is kept of
// their state (the before-images and the adoption document), what cannot be guarded, and what is put back when the guard goes.
//
// It makes no calls. internal/function/adopt carries its decisions out; internal/aws/beforeimage stores its documents.
package adoption

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Document is what one adoption found and accepted: the endpoints' desired state, and which buckets have a before-image. Two
// adoptions that find and accept the same have the same document, so it has no time and no number of its own.
type Document struct {
	// Format is [Format].
	Format int `json:"format"`
	// Stack is the ARN of the guard's stack, Account and Region are its own.
	Stack   string `json:"stack"`
	Account string `json:"account"`
	Region  string `json:"region"`
	// Endpoints are the adopted endpoints, by id.
	Endpoints []Endpoint `json:"endpoints"`
	// Buckets are the adopted buckets, by name. Each has a before-image, see [ImageKey].
	Buckets []Bucket `json:"buckets"`
}

// Format is the version of the stored documents' format. A reader refuses others.
const Format = 1

// Bucket is an adopted bucket.
type Bucket struct {
	Name string `json:"name"`
	// Stack is the ARN of the CloudFormation stack that owns the bucket, by its tag; "" if none does.
	Stack string `json:"stack,omitempty"`
}

// Endpoint is the state in which an endpoint was accepted: the desired state of the guard.
type Endpoint struct {
	ID    string `json:"id"`
	VPCID string `json:"vpcId"`
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool `json:"gateway"`
	// Policy is the document as EC2 returned it; "" for none, which means full access.
	Policy string `json:"policy"`
	// PrivateDNS is an interface endpoint's.
	PrivateDNS PrivateDNS `json:"privateDns"`
	// SubnetIDs are an interface endpoint's subnets. For a gateway endpoint they are the VPC's subnets that used one of its route
	// tables, by an association or because that table is the VPC's main one.
	SubnetIDs []string `json:"subnetIds"`
	// SecurityGroupIDs are an interface endpoint's groups, Ingress all their rules for traffic to the endpoint.
	SecurityGroupIDs []string `json:"securityGroupIds"`
	Ingress          []Rule   `json:"ingress"`
	// RouteTableIDs are a gateway endpoint's.
	RouteTableIDs []string `json:"routeTableIds"`
	// Tables are the route tables of SubnetIDs, by subnet. States that were stored by earlier versions have none.
	Tables map[string]string `json:"tables,omitempty"`
}

// PrivateDNS is the private DNS of an interface endpoint.
type PrivateDNS struct {
	Enabled bool `json:"enabled"`
	// OnlyForInboundResolver restricts it to queries through inbound resolver endpoints.
	OnlyForInboundResolver bool `json:"onlyForInboundResolver"`
}

// Rule is an ingress rule of a security group. Its description and tags are not kept.
type Rule struct {
	// GroupID is the group that has the rule.
	GroupID string `json:"groupId"`
	// Protocol, FromPort and ToPort are as EC2 returns them: "-1" means all protocols, with the ports -1.
	Protocol string `json:"protocol"`
	FromPort int32  `json:"fromPort"`
	ToPort   int32  `json:"toPort"`
	// Source is a group's id, a prefix list's id, or a CIDR block of IPv4 or IPv6. SourceAccount is the account of a group of
	// another account, otherwise "".
	Source        string `json:"source"`
	SourceAccount string `json:"sourceAccount,omitempty"`
}

// Endpoint returns the endpoint with an id.
func (d Document) Endpoint(id string) (Endpoint, bool) {
	i := slices.IndexFunc(d.Endpoints, func(e Endpoint) bool { return e.ID == id })
	if i < 0 {
		return Endpoint{}, false
	}
	return d.Endpoints[i], true
}

// BeforeImage is the state of a bucket before the guard wrote to it. The first one is kept: see [ImageKey].
type BeforeImage struct {
	// Format is [Format].
	Format int    `json:"format"`
	Bucket string `json:"bucket"`
	// Taken is when it was read.
	Taken time.Time `json:"taken"`
	State
	// Canonical is the policy's canonical form; "" if there is no policy or if it cannot be parsed.
	Canonical string `json:"canonical"`
	// Stack is the ARN of the CloudFormation stack that owns the bucket, by its tag; "" if none does.
	Stack string `json:"stack,omitempty"`
}

// State is what the guard may change of a bucket.
type State struct {
	// Policy is the bucket policy as S3 returned it; "" for none.
	Policy string `json:"policy"`
	// PublicAccessBlock is nil for a bucket without the configuration.
	PublicAccessBlock *PublicAccessBlock `json:"publicAccessBlock"`
	// Ownership is the object ownership, e.g. "BucketOwnerEnforced"; "" for a bucket without the configuration.
	Ownership string `json:"ownership"`
	// Grants are the bucket's access control list. They are kept only if access control lists take effect, that is, if Ownership
	// is not BucketOwnerEnforced.
	Grants []Grant `json:"grants,omitempty"`
}

// Grant is one grant of a bucket's access control list.
type Grant struct {
	// Group is the URI of a predefined group, Account the canonical id of an account. One of them is "".
	Group      string `json:"group,omitempty"`
	Account    string `json:"account,omitempty"`
	Permission string `json:"permission"`
}

// PublicAccessBlock is a bucket's public access block.
type PublicAccessBlock struct {
	BlockPublicAcls       bool `json:"blockPublicAcls"`
	IgnorePublicAcls      bool `json:"ignorePublicAcls"`
	BlockPublicPolicy     bool `json:"blockPublicPolicy"`
	RestrictPublicBuckets bool `json:"restrictPublicBuckets"`
}

// Keys of the state bucket. Each object is written once, see package beforeimage.
const (
	imagePrefix    = "before/"
	endpointPrefix = "endpoints/"
	// EnforcedKey is the key of the mark that the guard ever was in Enforce, so that it may have written to the buckets. It has
	// no content.
	EnforcedKey = "enforced"
)

// ImageKey is the key of a bucket's before-image. A later adoption, or a second run of the guard, keeps the first image.
func ImageKey(bucket string) string { return imagePrefix + bucket + suffix }

// ImageOf returns the bucket whose before-image has a key; "" for other keys.
func ImageOf(key string) string {
	name, ok := strings.CutPrefix(key, imagePrefix)
	if !ok {
		return ""
	}
	return strings.TrimSuffix(name, suffix)
}

// EndpointKey is the key of the state in which an endpoint was accepted under an adoption's number.
func EndpointKey(number int, id string) string {
	return endpointPrefix + strconv.Itoa(number) + "/" + id + suffix
}

// EndpointOf returns the number and the id of the endpoint whose accepted state has a key; 0 and "" for other keys.
func EndpointOf(key string) (number int, id string) {
	name, ok := strings.CutPrefix(key, endpointPrefix)
	digits, id, found := strings.Cut(strings.TrimSuffix(name, suffix), "/")
	number, err := strconv.Atoi(digits)
	if !ok || !found || err != nil {
		return 0, ""
	}
	return number, id
}

// DocumentKey is the key of an adoption document: its hash, so that the same document is stored once.
func DocumentKey(body []byte) string { return "adoption/" + Hash(body) + suffix }

const suffix = ".json"

// Reference names one version of an object in the state bucket, and what it contains.
type Reference struct {
	Bucket, Key, VersionID string
	// SHA256 is the hash of the object's bytes, in hexadecimal.
	SHA256 string
}

// String returns the reference as the guard's template passes it on: BUCKET/KEY?versionId=…&sha256=….
func (r Reference) String() string {
	return r.Bucket + "/" + r.Key + "?versionId=" + url.QueryEscape(r.VersionID) + "&sha256=" + r.SHA256
}

// ParseReference parses the text of [Reference.String].
func ParseReference(text string) (Reference, error) {
	name, query, _ := strings.Cut(text, "?")
	bucket, key, _ := strings.Cut(name, "/")
	values, err := url.ParseQuery(query)
	r := Reference{Bucket: bucket, Key: key, VersionID: values.Get("versionId"), SHA256: values.Get("sha256")}
	if hash, bad := hex.DecodeString(r.SHA256); err != nil || bad != nil || len(hash) != sha256.Size ||
		bucket == "" || key == "" || r.VersionID == "" {
		return Reference{}, fmt.Errorf("%q is not a reference such as BUCKET/KEY?versionId=ID&sha256=HASH", text)
	}
	return r, nil
}

// Check reports whether an object's bytes are the ones that the reference names.
func (r Reference) Check(body []byte) error {
	if got := Hash(body); got != r.SHA256 {
		return fmt.Errorf("%s in bucket %s has the SHA-256 %s, want %s: it is not what the adoption stored", r.Key, r.Bucket, got, r.SHA256)
	}
	return nil
}

// Hash returns the SHA-256 of an object's bytes, in hexadecimal.
func Hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// errFormat is the error for a stored document of another version of the guard.
var errFormat = errors.New("its format is not known to this version of the guard")

// ReadDocument parses an adoption document.
func ReadDocument(body []byte) (Document, error) {
	var d Document
	err := decode(body, &d, &d.Format)
	return d, err
}

// ReadImage parses a before-image.
func ReadImage(body []byte) (BeforeImage, error) {
	var image BeforeImage
	err := decode(body, &image, &image.Format)
	return image, err
}

// ReadEndpoint parses the accepted state of an endpoint.
func ReadEndpoint(body []byte) (Endpoint, error) {
	var accepted AcceptedEndpoint
	err := decode(body, &accepted, &accepted.Format)
	return accepted.Endpoint, err
}

// AcceptedEndpoint is an endpoint's accepted state as it is stored.
type AcceptedEndpoint struct {
	// Format is [Format].
	Format int `json:"format"`
	Endpoint
}

// decode parses a stored text, whose format must be known.
func decode(body []byte, into any, format *int) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("reading what the adoption stored: %w", err)
	}
	if *format != Format {
		return fmt.Errorf("reading what the adoption stored: format %d: %w", *format, errFormat)
	}
	return nil
}
