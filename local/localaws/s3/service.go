// Package s3 is the S3 of the local AWS: buckets and their configuration, objects with versions, over S3's own
// REST/XML protocol, in path style and in virtual-host style.
//
// It models the behaviours in docs/facts.md under "S3" that this project depends on: policies are checked, rewritten
// and stored; Block Public Access refuses and restricts; bucket configuration can be read as it was before the latest
// write; listings page in S3's order. Unsupported features return NotImplemented: object ACLs and
// tags, requests through access points, websites, replication.
//
// To add an operation, write its handler next to similar ones and add its line to the table in routes.go.
package s3

import (
	"net/http"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Service is S3. It implements [api.Service] and [api.Refuser]; its methods may be called concurrently.
type Service struct {
	options api.Options

	mu sync.Mutex
	// exists reports whether a principal ARN in a bucket policy exists: see PrincipalExists.
	exists  func(arn string) bool
	buckets map[string]*bucket
	// accountBlocks are the Block Public Access settings of accounts.
	accountBlocks map[string]*setting[*PublicAccessBlock]
	// points are the access points of this account.
	points []accessPoint
	// sequence numbers versions and uploads in ascending order.
	sequence uint64
}

var (
	_ api.Service = (*Service)(nil)
	_ api.Refuser = (*Service)(nil)
)

// New makes an S3 without buckets, for which all principals exist. The options are the gate's, with defaults filled
// in.
func New(o api.Options) *Service {
	return &Service{
		options:       o,
		exists:        func(string) bool { return true },
		buckets:       map[string]*bucket{},
		accountBlocks: map[string]*setting[*PublicAccessBlock]{},
	}
}

// PrincipalExists sets the function that reports whether a user or role exists. S3 refuses policies that name a
// missing principal, and returns principals that were deleted later by their unique ids (docs/facts.md, S3).
func (s *Service) PrincipalExists(exists func(arn string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exists = exists
}

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "s3" }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	c, err := s.parse(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	operation := &api.Operation{Name: c.route.name, Trail: c.newTrail()}
	if err := c.find(); err != nil {
		operation.Do = func() (*api.Response, error) { return nil, err }
		return operation, nil
	}
	operation.Needs = c.needs()
	operation.Do = func() (*api.Response, error) { return c.do(operation.Trail) }
	return operation, nil
}

// do executes a call under the service's lock.
func (c *call) do(trail *api.Trail) (*api.Response, error) {
	c.service.mu.Lock()
	defer c.service.mu.Unlock()
	if err := c.find(); err != nil { // the bucket may have been deleted since Decode
		return nil, err
	}
	a, err := c.route.handle(c)
	if err != nil {
		return nil, err
	}
	c.complete(trail)
	return a.response(), nil
}

// Denied implements [api.Refuser]. S3 gives reasons only to callers of the account that owns the resource.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
func (s *Service) Denied(r *api.Request, need api.Need, d iampolicy.Decision) *api.Error {
	if r.Caller.Account == "" || r.Caller.Account != need.ResourceAccount {
		return errAccessDenied
	}
	return deny(r.Caller, need.Action, need.Resource, api.Because(need, d))
}

// UnknownKey implements [api.Refuser].
func (s *Service) UnknownKey(*api.Request) *api.Error {
	return refuse(http.StatusForbidden, "InvalidAccessKeyId",
		"The AWS Access Key Id you provided does not exist in our records.")
}

// now is the service's time.
func (s *Service) now() time.Time { return s.options.Now().UTC() }

// next returns the next sequence number.
func (s *Service) next() uint64 {
	s.sequence++
	return s.sequence
}

// arn returns the ARN of a bucket, or of an object if the key is not empty.
func (s *Service) arn(bucket, key string) string {
	arn := "arn:" + s.options.Partition + ":s3:::" + bucket
	if key != "" {
		arn += "/" + key
	}
	return arn
}
