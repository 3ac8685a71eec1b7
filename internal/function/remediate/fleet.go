package remediate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/beforeimage"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/stack"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/pace"
)

// mostCalls is how many calls to the buckets there are at a time at most. AWS publishes no rate for them (docs/facts.md, S3): the
// number falls when S3 throttles. At 30 ms a call it is about 1,000 calls a second.
const mostCalls = 32

// fleet is guard.yaml's buckets and endpoints.
type fleet struct {
	FleetConfig
	s3 interface {
		s3bucket.ImageAPI
		s3bucket.PolicyAPI
		s3bucket.PublicAccessAPI
		s3bucket.OwnershipAPI
		s3.ListBucketsAPIClient
	}
	ec2 interface {
		vpcendpoint.API
		vpcendpoint.RulesAPI
		vpcendpoint.AssociationsAPI
	}
	store   *beforeimage.Store
	owners  *stack.Owners
	now     func() time.Time
	judging judging

	reading sync.Mutex
	// document is the adoption document; nil until it was read. Who reads it holds reading, so that it is read once.
	document *adoption.Document

	mu sync.Mutex
	// listed are the names of the latest listing.
	listed []string
	// kept are the buckets of which a before-image is known to be kept.
	kept map[string]bool
}

// guarded returns the fleet as the guard uses it.
func (f *fleet) guarded(limit *pace.Limiter) *guard.Fleet {
	return &guard.Fleet{
		Bucket: f.bucket, Buckets: f.buckets, Owns: f.owns, Endpoints: f.endpoints,
		Owner: f.owner, Keep: f.keep, Pace: limit,
	}
}

func (f *fleet) at(name string) s3bucket.Bucket {
	return s3bucket.Bucket{Name: name, Account: f.Lock.Account}
}

// bucket returns the member of a bucket's name.
func (f *fleet) bucket(name string) (guard.Member, bool) {
	if !f.Selection.Matches(name) {
		return guard.Member{}, false
	}
	bucket := f.at(name)
	return guard.Member{
		Target: name, IsBucket: true, Listed: !slices.Contains(f.Selection.Names(), name),
		Resources: []guard.Resource{
			&s3bucket.Policy{API: f.s3, Bucket: bucket, Lock: ofBucket{&f.judging, name}},
			&s3bucket.PublicAccessBlock{API: f.s3, Bucket: bucket},
			&s3bucket.Ownership{API: f.s3, Bucket: bucket},
		},
	}, true
}

// buckets lists the names of all guarded buckets. If that fails, these are the ones that were listed before, or in a new process those
// that were adopted.
func (f *fleet) buckets(ctx context.Context) ([]string, error) {
	names, err := s3bucket.Selected(ctx, f.s3, f.Lock.Region, f.Selection)
	if err != nil {
		return slices.Concat(f.Selection.Names(), f.before(ctx)), err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed = names
	return names, nil
}

// before returns the buckets of the latest listing, or if there was none, those of the adoption document.
func (f *fleet) before(ctx context.Context) []string {
	f.mu.Lock()
	listed := f.listed
	f.mu.Unlock()
	if listed != nil {
		return listed
	}
	document, _ := f.adopted(ctx) // its error is that of the endpoints
	var names []string
	for _, b := range document.Buckets {
		names = append(names, b.Name)
	}
	return names
}

// owns reports whether the account has a bucket of that name.
func (f *fleet) owns(ctx context.Context, name string) (bool, error) {
	region, err := s3bucket.RegionOf(ctx, f.s3, name)
	return region != "", err
}

// adopted returns the adoption document, which is read once, also by calls at the same time.
func (f *fleet) adopted(ctx context.Context) (adoption.Document, error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	if f.document != nil {
		return *f.document, nil
	}
	document, err := f.store.Read(ctx, f.Document)
	if err != nil {
		return adoption.Document{}, fmt.Errorf("reading what was adopted: %w", err)
	}
	f.document = &document
	return document, nil
}

// endpoints returns the members of the endpoints. The error names those that were not adopted.
func (f *fleet) endpoints(ctx context.Context) ([]guard.Member, error) {
	document, err := f.adopted(ctx)
	if err != nil {
		return nil, err
	}
	var members []guard.Member
	var failures []error
	for _, id := range f.Lock.EndpointIDs {
		e, ok := document.Endpoint(id)
		if !ok {
			failures = append(failures, fmt.Errorf("endpoint %s: %w", id, errNotAdopted))
			continue
		}
		members = append(members, guard.Member{Target: id, Resources: f.ofEndpoint(e)})
	}
	return members, errors.Join(failures...)
}

var errNotAdopted = errors.New("it is not in the adoption document")

// ofEndpoint returns the guarded resources of an endpoint: as it was found when it was adopted.
func (f *fleet) ofEndpoint(e adoption.Endpoint) []guard.Resource {
	names, patterns := f.Selection.Names(), f.Selection.Patterns()
	endpoint := &vpcendpoint.Endpoint{
		API: f.ec2, ID: e.ID, Gateway: e.Gateway,
		Lock: ofEndpoint{
			judging: &f.judging, id: e.ID, lock: f.Lock.At(e.ID, e.Policy), bucket: lock.Example(append(names, patterns...)[0]),
		},
		SubnetIDs: e.SubnetIDs, SecurityGroupIDs: e.SecurityGroupIDs, RouteTableIDs: e.RouteTableIDs, PrivateDNS: &e.PrivateDNS,
	}
	if e.Gateway {
		return []guard.Resource{endpoint, &vpcendpoint.Associations{
			API: f.ec2, VPCID: e.VPCID, SubnetIDs: e.SubnetIDs, RouteTableIDs: e.RouteTableIDs, Tables: e.Tables,
		}}
	}
	return []guard.Resource{endpoint, &vpcendpoint.GroupRules{API: f.ec2, GroupIDs: e.SecurityGroupIDs, Adopted: e.Ingress}}
}

// owner reads what the stack that created a bucket is doing.
func (f *fleet) owner(ctx context.Context, name string) (guard.StackState, error) {
	id, err := f.at(name).Stack(ctx, f.s3)
	if err != nil {
		return guard.StackState{}, err
	}
	return f.owners.Read(ctx, id)
}

// keep stores the before-image of a bucket that was not adopted and has none.
func (f *fleet) keep(ctx context.Context, name string) error {
	if f.isKept(ctx, name) {
		return nil
	}
	image, err := f.at(name).Image(ctx, f.s3, f.now())
	if err == nil {
		_, err = f.store.PutIfAbsent(ctx, image)
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.kept == nil {
		f.kept = map[string]bool{}
	}
	f.kept[name] = true
	return nil
}

// isKept reports whether a bucket is known to have a before-image. If the adoption document cannot be read, it is not known; the
// store keeps the first image in any case.
func (f *fleet) isKept(ctx context.Context, name string) bool {
	document, err := f.adopted(ctx)
	wasAdopted := err == nil && slices.ContainsFunc(document.Buckets, func(b adoption.Bucket) bool { return b.Name == name })
	f.mu.Lock()
	defer f.mu.Unlock()
	return wasAdopted || f.kept[name]
}
