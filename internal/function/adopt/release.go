package adopt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/parallel"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// settling is how long a bucket or an endpoint may take to show what was written, and to accept a write that another one has to
// precede: configuration is eventually consistent (docs/facts.md, S3).
const settling = time.Minute

// release handles Delete: it puts back what the guard may have changed, if that is wanted.
func (a *Adoption) release(ctx context.Context, request cfnresponse.Request, note func(string)) error {
	o, reasons := a.read(request.ResourceProperties)
	if !o.restore {
		a.Log.Info("nothing is put back", "because", "RestoreOnDelete is not true")
		return nil
	}
	state, err := a.Stack(ctx)
	if err != nil {
		return fmt.Errorf("nothing was put back: reading the state of the stack: %w", err)
	}
	if !state.Deleting {
		a.Log.Info("nothing is put back", "because", "the stack is not being deleted", "status", state.Status)
		return nil
	}
	s, err := a.Store.Firsts(ctx, a.Buckets, "")
	if err != nil {
		return fmt.Errorf("nothing was put back: %w", err)
	}
	if s[adoption.EnforcedKey] == "" {
		a.Log.Info("nothing is put back", "because", "the guard was never in Enforce, so that it wrote nothing")
		return nil
	}
	if len(reasons) > 0 {
		return fmt.Errorf("nothing was put back: %s", adoption.Summary(reasons))
	}
	return a.putBack(ctx, request, o, s, note)
}

// putBack puts back all buckets and endpoints. The error names those that are not as they were before, and says what to do.
func (a *Adoption) putBack(ctx context.Context, request cfnresponse.Request, o order, s stored, note func(string)) error {
	var things []thing
	patience := time.Now().Add(timeleft.Share(ctx, settling, 4))
	for _, key := range slices.Sorted(maps.Keys(s)) {
		switch name := adoption.ImageOf(key); {
		case name == "":
		case o.selection.Matches(name):
			things = append(things, thing{name, func(ctx context.Context) (string, error) { return a.putBackBucket(ctx, o, name, s[key], patience) }})
		default: // the role has no permission on it any more
			a.Log.Warn("left as it is", "about", name, "because", "it is no longer selected", "beforeImage", key)
		}
	}
	for _, id := range o.lock.EndpointIDs {
		if version := s.accepted(o.number, id); version != "" && !o.lock.Keep {
			things = append(things, thing{id, func(ctx context.Context) (string, error) { return a.putBackEndpoint(ctx, o, id, version, patience) }})
		}
	}
	var done atomic.Int64
	reasons, _ := parallel.Limited(concurrency, things, func(t thing) ([]adoption.Reason, error) {
		said, err := t.putBack(ctx)
		if err != nil {
			a.Log.Error("not put back", "about", t.name, "error", err.Error())
			var list []adoption.Reason
			for _, err := range each(err) {
				list = append(list, adoption.Reason{About: t.name, Why: remedy(err)})
			}
			return list, nil
		}
		a.Log.Info(said, "about", t.name)
		note(fmt.Sprintf("%d of %d buckets and endpoints are as before; delete the stack again to go on", done.Add(1), len(things)))
		return nil, nil
	})
	if failed := slices.Concat(reasons...); len(failed) > 0 {
		return fmt.Errorf("%d of %d buckets and endpoints are as before. The others: %s. The before-images are in %s/before/. "+
			"Delete the stack again afterwards, or leave the rest as it is: delete it with --retain-resources %s",
			done.Load(), len(things), adoption.Summary(failed), a.Store.Bucket, request.LogicalResourceID)
	}
	a.Log.Info("released", "buckets and endpoints", len(things))
	return nil
}

// thing is a bucket or an endpoint that is put back. putBack returns what to log.
type thing struct {
	name    string
	putBack func(context.Context) (said string, err error)
}

// What is logged of a bucket or an endpoint.
const (
	saidSame = "nothing to put back"
	saidBack = "put back"
	saidGone = "passed over, because it is gone"
	saidLeft = ", except: "
)

// errUnsettled is the error for a write that is not visible after the time of settling.
var errUnsettled = errors.New("it was written, and does not show yet: delete the stack again")

// putBackBucket puts back a bucket step by step: it reads the bucket, does the first step that is left, and reads again, until nothing
// is left. So each step is verified before the next one, and a request that arrives twice finds nothing to do.
func (a *Adoption) putBackBucket(ctx context.Context, o order, name, version string, patience time.Time) (said string, err error) {
	body, err := a.Store.Get(ctx, adoption.ImageKey(name), version)
	if err != nil {
		return "", err
	}
	image, err := adoption.ReadImage(body)
	if err != nil {
		return "", err
	}
	bucket, rendered := s3bucket.Bucket{Name: name, Account: a.Account}, o.lock.BucketPolicy(name)
	return settle(ctx, patience, func() (step func() error, left string, err error) {
		live, err := bucket.State(ctx, a.Buckets)
		if err != nil {
			return nil, "", err
		}
		plan, err := adoption.PlanRestore(image, rendered, live)
		if err != nil {
			return nil, "", err
		}
		grants, refused := adoption.PlanGrants(image, live)
		switch {
		case plan.Ownership:
			return func() error { return bucket.PutBackOwnership(ctx, a.Buckets, image.Ownership) }, "", nil
		case plan.PublicAccessBlock:
			return func() error { return bucket.PutBackPublicAccessBlock(ctx, a.Buckets, image.PublicAccessBlock) }, "", nil
		case grants && plan.Left == "":
			return func() error { return bucket.PutBackGrants(ctx, a.Buckets, image.Grants) }, "", nil
		case plan.Policy:
			return func() error { return bucket.PutBackPolicy(ctx, a.Buckets, image.Policy) }, "", nil
		}
		return nil, cmp.Or(plan.Left, refused), nil
	})
}

// putBackEndpoint puts back the policy of an endpoint.
func (a *Adoption) putBackEndpoint(ctx context.Context, o order, id, version string, patience time.Time) (said string, err error) {
	accepted, err := a.endpoint(ctx, o.number, id, version)
	if err != nil {
		return "", err
	}
	return settle(ctx, patience, func() (step func() error, left string, err error) {
		live, exists, err := vpcendpoint.LivePolicy(ctx, a.Endpoints, id)
		if err != nil {
			return nil, "", err
		}
		if !exists {
			return nil, "", errGone
		}
		plan, err := adoption.PlanEndpoint(accepted, rendered(o.lock, id), live)
		if err != nil || !plan.Policy {
			return nil, plan.Left, err
		}
		return func() error { return vpcendpoint.PutBackPolicy(ctx, a.Endpoints, id, accepted.Policy) }, "", nil
	})
}

// errGone means that an endpoint does not exist.
var errGone = errors.New("it is gone")

// settle asks for the next step and does it, until none is left. A step that AWS denies is tried again for a minute after the first one
// succeeded, because S3 refuses a public policy as long as it does not see that the public access block is off. If none succeeds, it is
// tried until patience ends, which is the same time for all, so that a missing permission is reported before the function's time ends.
func settle(ctx context.Context, patience time.Time, next func() (step func() error, left string, err error)) (said string, err error) {
	said = saidSame
	for pauses := (timeleft.Backoff{First: 200 * time.Millisecond, Longest: 5 * time.Second}); ; {
		step, left, err := next()
		switch {
		case errors.Is(err, errGone), errorcode.Of(err) == "NoSuchBucket":
			return saidGone, nil
		case err != nil:
			return "", err
		case step == nil && left != "":
			return said + saidLeft + left, nil
		case step == nil:
			return said, nil
		}
		switch err = step(); {
		case err == nil && said == saidSame:
			said, patience = saidBack, time.Now().Add(timeleft.Share(ctx, settling, 4))
		case err != nil && !errorcode.Denied(err) && errorcode.Of(err) != "NoSuchBucket":
			return "", err
		}
		if time.Now().After(patience) {
			return "", cmp.Or(err, errUnsettled)
		}
		if err := pauses.Wait(ctx); err != nil {
			return "", err
		}
	}
}

// remedy says what failed and what to do, without ids of requests.
func remedy(err error) string {
	failure, ok := errors.AsType[*errorcode.Failure](err)
	switch code := errorcode.Of(err); {
	case !ok:
		return err.Error()
	case code == "MalformedPolicy":
		return "S3 does not accept its policy any more; a role or user in it may have been deleted: write the policy that is wanted"
	case errorcode.ByResourcePolicy(err):
		return fmt.Sprintf("its own policy denies %s to the role of AdoptFunction: change that statement", failure.Permission)
	case failure.Missing():
		return fmt.Sprintf("AWS denies %s to the role of AdoptFunction, by a service control policy, a boundary, or the public access block of the "+
			"account: put it back by hand", failure.Permission)
	default:
		return fmt.Sprintf("%s fails (%s)", failure.Permission, code)
	}
}
