// Package adopt implements the custom resource that adopts existing buckets and endpoints: Custom::Adoption.
//
//	request         | RestoreOnDelete | the stack is          | what happens
//	Create, Update  | -               | not being deployed    | nothing: the request is not CloudFormation's
//	Create, Update  | -               | being deployed        | inspects all; refuses with all reasons, or stores what was found
//	Update          | -               | rolled back           | the same, but refuses nothing: a rollback must succeed
//	Delete          | false           | -                     | nothing
//	Delete          | true            | not being deleted     | nothing: the resource was replaced or taken out of the template
//	Delete          | true            | deleted, rolled back  | puts back what the guard may have changed, if it ever was in Enforce
//
// It writes nothing but the state bucket, except to put back. All that it stores is written once (internal/aws/beforeimage), so that a
// request that arrives twice, or late, changes nothing. It believes of a request only its properties: which stack and account these
// are, and whether the stack is being deployed or deleted, it knows from its own environment and from CloudFormation. So who may
// invoke the function cannot have an attacked state stored as the one before the guard, or as accepted, at a time of their choice.
package adopt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/beforeimage"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/s3bucket"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/selection"
)

// concurrency is how many buckets are read or put back at the same time. Each has up to four calls under way.
const concurrency = 16

// Buckets contains the calls on buckets.
type Buckets interface {
	s3bucket.ImageAPI
	s3bucket.PutBackAPI
	s3.ListBucketsAPIClient
	s3.ListObjectVersionsAPIClient
}

// Endpoints contains the calls on endpoints.
type Endpoints interface {
	vpcendpoint.FinderAPI
	ModifyVpcEndpoint(context.Context, *ec2.ModifyVpcEndpointInput, ...func(*ec2.Options)) (*ec2.ModifyVpcEndpointOutput, error)
}

// Adoption handles the requests of the custom resource.
type Adoption struct {
	Buckets   Buckets
	Endpoints Endpoints
	// Store is the state bucket.
	Store *beforeimage.Store
	// Guards returns the guards of all stacks in the account and Region, its own one included.
	Guards func(context.Context) ([]adoption.Guard, error)
	// Stack returns what the guard's own stack is doing.
	Stack func(context.Context) (guard.StackState, error)
	// StackID is the ARN of that stack; Partition, Region and Account are its own.
	StackID, Partition, Region, Account string
	// GuardRole is the ARN of the guard's role, which must be able to configure the buckets.
	GuardRole string
	// Now is the clock.
	Now func() time.Time
	Log *slog.Logger
}

// Properties are the custom resource's properties in the template. CloudFormation sends all values as strings.
type Properties struct {
	// Parameters are the texts of guard.yaml's parameters that say what the lock is.
	lock.Parameters
	// Enforcement is Observe or Enforce.
	Enforcement string
	// RestoreOnDelete "true" puts the before-images back when the stack is deleted; with "false" nothing is touched.
	RestoreOnDelete string
	// AdoptionNumber names an acceptance of the endpoints' state: what is found when the number is first used is the desired state.
	AdoptionNumber string
}

// order is a request's parsed properties.
type order struct {
	selection selection.Selection
	lock      lock.Lock
	mode      lock.Mode
	// endpointPolicy is the EndpointPolicy.
	endpointPolicy string
	// number is the AdoptionNumber.
	number           int
	enforce, restore bool
	// writes is true if the guard writes the endpoints' policies, or did so before this update.
	writes bool
}

// read parses the properties. The reasons say all that is wrong with them.
func (a *Adoption) read(raw json.RawMessage) (order, []adoption.Reason) {
	var p Properties
	if err := json.Unmarshal(raw, &p); err != nil {
		return order{}, []adoption.Reason{{Why: "reading the properties: " + err.Error()}}
	}
	var o order
	var problems []adoption.Reason
	choice := func(name, value string, of ...string) string {
		for _, v := range of {
			if v == value {
				return value
			}
		}
		problems = append(problems, adoption.Reason{Why: fmt.Sprintf("%s is %q, want %s", name, value, strings.Join(of, " or "))})
		return ""
	}
	o.enforce = choice("Enforcement", p.Enforcement, "Observe", "Enforce") == "Enforce"
	o.restore = choice("RestoreOnDelete", p.RestoreOnDelete, "true", "false") == "true"
	var err error
	if o.number, err = strconv.Atoi(p.AdoptionNumber); err != nil || o.number < 1 {
		problems = append(problems, adoption.Reason{Why: fmt.Sprintf("AdoptionNumber is %q, want a whole number from 1", p.AdoptionNumber)})
	}
	o.lock, err = p.Lock(a.Partition, a.Region, a.Account)
	for _, err := range slices.Concat(each(err), p.Unreachable(a.Account)) {
		problems = append(problems, adoption.Reason{Why: err.Error()})
	}
	if err != nil {
		return o, problems
	}
	// Lock has refused texts that these two do not accept.
	guarded, _ := p.Selection()
	o.selection = guarded.Without(a.Store.Bucket)
	o.mode, o.endpointPolicy = lock.Mode(p.PolicyMode), p.EndpointPolicy
	return o, problems
}

// each returns the errors that an error joins; none for nil.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var list []error
	for _, e := range joined.Unwrap() {
		list = append(list, each(e)...)
	}
	return list
}

// PhysicalID returns the resource's id, which depends on the stack only: whatever an Update changes, it never replaces the resource,
// so that CloudFormation sends no Delete for an old one. For Delete it returns the id in the request.
func PhysicalID(request cfnresponse.Request) string {
	if request.RequestType == cfnresponse.Delete && request.PhysicalResourceID != "" {
		return request.PhysicalResourceID
	}
	return "adoption-of-" + request.StackID[strings.LastIndex(request.StackID, ":")+1:]
}

// Handle implements [cfnresponse.Handler].
func (a *Adoption) Handle(ctx context.Context, request cfnresponse.Request, note func(string)) (cfnresponse.Result, error) {
	if request.StackID != a.StackID {
		return cfnresponse.Result{}, fmt.Errorf("the request is for stack %s; this function adopts for %s only", request.StackID, a.StackID)
	}
	if request.RequestType == cfnresponse.Delete {
		return cfnresponse.Result{}, a.release(ctx, request, note)
	}
	document, reference, err := a.adopt(ctx, request, note)
	if err != nil {
		return cfnresponse.Result{}, err
	}
	return cfnresponse.Result{Data: document.Attributes(a.Partition, reference)}, nil
}

// adopt inspects all that the request names and stores what was found. It returns the adoption document and the reference to it.
func (a *Adoption) adopt(ctx context.Context, request cfnresponse.Request, note func(string)) (d adoption.Document, r adoption.Reference, err error) {
	o, reasons := a.read(request.ResourceProperties)
	if len(reasons) > 0 {
		return d, r, refusal(reasons)
	}
	o.writes = !o.lock.Keep || !keeps(request.OldResourceProperties)
	// If the status is not known, the request is believed: it most likely comes from CloudFormation.
	state, unknown := a.Stack(ctx)
	if unknown == nil && !state.Busy {
		return d, r, fmt.Errorf("nothing was adopted: the stack is %s, and adopts only while it is created or updated", state.Status)
	}
	stored, err := a.readStored(ctx)
	if err != nil {
		return d, r, err
	}
	found := a.inspect(ctx, o, stored, note)
	if reasons := found.all(); len(reasons) > 0 {
		if !rolledBack(state) {
			a.logReasons("refused", reasons)
			return d, r, refusal(reasons)
		}
		a.logReasons("not refused, because the stack is rolled back", reasons)
	}
	if d, err = a.keep(ctx, o, stored, found); err != nil {
		return d, r, err
	}
	if r, err = a.publish(ctx, d); err != nil {
		return d, r, err
	}
	a.Log.Info("adopted", "buckets", len(d.Buckets), "endpoints", len(d.Endpoints), "document", r.String())
	return d, r, nil
}

// keeps reports whether an update's properties of before kept the endpoints' policies. A creation has none.
func keeps(old json.RawMessage) bool {
	var p Properties
	return len(old) == 0 || json.Unmarshal(old, &p) == nil && p.EndpointPolicy == lock.KeepPolicy
}

// rolledBack reports whether an update is rolled back. Such a request is never refused: the stack must go back to its properties of
// before, even if a bucket is gone by now. Otherwise it would remain in UPDATE_ROLLBACK_FAILED.
func rolledBack(s guard.StackState) bool { return strings.HasPrefix(s.Status, "UPDATE_ROLLBACK_") }

// refusal returns the error with all reasons.
func refusal(reasons []adoption.Reason) error {
	return errors.New("nothing was adopted: " + adoption.Summary(reasons))
}

// logReasons writes every reason to the log, because the answer to CloudFormation may be too short for them.
func (a *Adoption) logReasons(message string, reasons []adoption.Reason) {
	for _, r := range reasons {
		a.Log.Warn(message, "about", r.About, "reason", r.Why)
	}
}
