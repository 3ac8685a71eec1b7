package adopt

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync/atomic"
	"time"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/propagation"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/parallel"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// inspected is the outcome of reading a bucket (T is its before-image) or an endpoint: what was found, or why it cannot be guarded.
type inspected[T any] struct {
	name    string
	found   T
	reasons []adoption.Reason
}

// inspection is what was found of all buckets and endpoints of an order.
type inspection struct {
	buckets []inspected[adoption.BeforeImage]
	// endpoints are those without an accepted state.
	endpoints []inspected[adoption.Endpoint]
	// reasons concern all.
	reasons []adoption.Reason
}

// all returns all reasons.
func (i inspection) all() []adoption.Reason {
	all := i.reasons
	for _, b := range i.buckets {
		all = append(all, b.reasons...)
	}
	for _, e := range i.endpoints {
		all = append(all, e.reasons...)
	}
	return all
}

// inspect reads all buckets, and the endpoints without an accepted state.
func (a *Adoption) inspect(ctx context.Context, o order, s stored, note func(string)) inspection {
	// Right after its role was created, AWS may still deny a call that it allows.
	until := time.Now().Add(timeleft.Share(ctx, propagation.Longest, 4))
	var result inspection
	if err := adoption.Lockout(o.lock, a.GuardRole); err != nil {
		result.reasons = append(result.reasons, adoption.Reason{Why: err.Error()})
	}
	var names []string
	if err := propagation.WhileDenied(ctx, until, func() (err error) {
		names, err = s3bucket.Selected(ctx, a.Buckets, a.Region, o.selection)
		return err
	}); err != nil {
		result.reasons = append(result.reasons, adoption.Reason{Why: sentence(err)})
	}
	if o.enforce {
		result.reasons = append(result.reasons, a.rivals(ctx, until, o, names)...)
	}
	var read atomic.Int64
	// The error of each call is among its reasons.
	result.buckets, _ = parallel.Limited(concurrency, names, func(name string) (inspected[adoption.BeforeImage], error) {
		defer func() { note(fmt.Sprintf("%d of %d buckets were read", read.Add(1), len(names))) }()
		return a.inspectBucket(ctx, until, o, name), nil
	})
	unknown := slices.DeleteFunc(slices.Clone(o.lock.EndpointIDs), func(id string) bool { return s.accepted(o.number, id) != "" })
	result.endpoints, _ = parallel.Limited(concurrency, unknown, func(id string) (inspected[adoption.Endpoint], error) {
		return a.inspectEndpoint(ctx, until, id), nil
	})
	return result
}

// rivals returns the reasons why the guards of other stacks and this one would write against each other.
func (a *Adoption) rivals(ctx context.Context, until time.Time, o order, buckets []string) []adoption.Reason {
	var others []adoption.Guard
	err := propagation.WhileDenied(ctx, until, func() (err error) {
		others, err = a.Guards(ctx)
		return err
	})
	if err != nil {
		return []adoption.Reason{{Why: sentence(err)}}
	}
	name := path.Base(path.Dir(a.StackID)) // …:stack/name/id
	others = slices.DeleteFunc(others, func(g adoption.Guard) bool { return g.Stack == name })
	return adoption.Rivals(o.lock, o.endpointPolicy, buckets, others)
}

// inspectBucket reads a bucket and judges whether it can be guarded.
func (a *Adoption) inspectBucket(ctx context.Context, until time.Time, o order, name string) inspected[adoption.BeforeImage] {
	result := inspected[adoption.BeforeImage]{name: name}
	refuse := func(why string) {
		result.reasons = append(result.reasons, adoption.Reason{About: name, Why: why})
	}
	bucket := s3bucket.Bucket{Name: name, Account: a.Account}
	err := propagation.WhileDenied(ctx, until, func() (err error) {
		result.found, err = bucket.Image(ctx, a.Buckets, a.Now())
		return err
	})
	if err != nil {
		a.Log.Warn("not read", "bucket", name, "error", err.Error())
		for _, why := range a.unreadable(ctx, name, err) {
			refuse(why)
		}
		return result
	}
	for _, why := range adoption.Unfit(result.found, o.lock, o.mode, a.GuardRole) {
		refuse(why)
	}
	return result
}

// unreadable returns the reasons why a bucket could not be read.
func (a *Adoption) unreadable(ctx context.Context, name string, err error) []string {
	switch region := errorcode.RegionOf(err); {
	case errorcode.Of(err) == "NoSuchBucket":
		return []string{"there is no such bucket: take it out of BucketNames"}
	case region != "" && region != a.Region:
		return []string{fmt.Sprintf("the bucket is in %s: put a guard into that Region", region)}
	}
	var reasons []string
	denied := false
	for _, err := range each(err) {
		reasons = append(reasons, sentence(err))
		denied = denied || errorcode.Denied(err)
	}
	if !denied {
		return reasons
	}
	// S3 denies the calls in the same way if the bucket belongs to another account.
	region, err := s3bucket.RegionOf(ctx, a.Buckets, name)
	switch {
	case err != nil:
		return append(reasons, "these calls are also denied if the bucket belongs to another account")
	case region == "":
		return []string{"the bucket belongs to another account: put a guard into that account"}
	case region != a.Region:
		return []string{fmt.Sprintf("the bucket is in %s: put a guard into that Region", region)}
	}
	return reasons
}

// sentence says what a failed call means, without ids of requests, so that the same failures of many buckets are one reason.
func sentence(err error) string {
	failure, ok := errors.AsType[*errorcode.Failure](err)
	switch code := errorcode.Of(err); {
	case !ok:
		return err.Error()
	case errorcode.ByResourcePolicy(err):
		return fmt.Sprintf("its own policy denies %s to the role of AdoptFunction: except the role from that statement", failure.Permission)
	case failure.Missing():
		return fmt.Sprintf("AWS denies %s to the role of AdoptFunction; a service control policy, or a boundary, may deny it", failure.Permission)
	case code != "":
		return fmt.Sprintf("%s fails with %s: deploy again later", failure.Permission, code)
	default:
		return fmt.Sprintf("%s has no answer: deploy again later", failure.Permission)
	}
}

// inspectEndpoint reads an endpoint.
func (a *Adoption) inspectEndpoint(ctx context.Context, until time.Time, id string) inspected[adoption.Endpoint] {
	result := inspected[adoption.Endpoint]{name: id}
	finder := &vpcendpoint.Finder{API: a.Endpoints, Region: a.Region, Account: a.Account}
	err := propagation.WhileDenied(ctx, until, func() (err error) {
		result.found, err = finder.Find(ctx, id)
		return err
	})
	if err != nil {
		a.Log.Warn("not read", "endpoint", id, "error", err.Error())
		for _, err := range each(err) {
			result.reasons = append(result.reasons, adoption.Reason{About: id, Why: sentence(err)})
		}
	}
	return result
}
