package adopt

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/propagation"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/parallel"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// stored is what the state bucket has: the first version of each object, by key.
type stored map[string]string

// accepted returns the version of an endpoint's accepted state under a number; "" if there is none.
func (s stored) accepted(number int, id string) string { return s[adoption.EndpointKey(number, id)] }

// readStored lists the state bucket. Right after the role was created, AWS may still deny it.
func (a *Adoption) readStored(ctx context.Context) (stored, error) {
	var s stored
	until := time.Now().Add(timeleft.Share(ctx, propagation.Longest, 4))
	err := propagation.WhileDenied(ctx, until, func() (err error) {
		s, err = a.Store.Firsts(ctx, a.Buckets, "")
		return err
	})
	return s, err
}

// keep stores the before-images and the endpoints' states that are not stored yet, and returns the adoption document. What could not
// be read, which only a rollback permits, stays out of it, except a bucket whose before-image is there from earlier.
func (a *Adoption) keep(ctx context.Context, o order, s stored, i inspection) (adoption.Document, error) {
	document := adoption.Document{Format: adoption.Format, Stack: a.StackID, Account: a.Account, Region: a.Region}
	var fresh []adoption.BeforeImage
	for _, b := range i.buckets {
		has := s[adoption.ImageKey(b.name)] != ""
		if len(b.reasons) > 0 && !has {
			continue
		}
		document.Buckets = append(document.Buckets, adoption.Bucket{Name: b.name, Stack: b.found.Stack})
		if !has {
			fresh = append(fresh, b.found)
		}
	}
	if _, err := parallel.Limited(concurrency, fresh, func(image adoption.BeforeImage) (bool, error) {
		return a.Store.PutIfAbsent(ctx, image)
	}); err != nil {
		return adoption.Document{}, err
	}
	found := map[string]adoption.Endpoint{}
	for _, e := range i.endpoints {
		if len(e.reasons) == 0 {
			found[e.name] = e.found
		}
	}
	for _, id := range o.lock.EndpointIDs {
		now, inspected := found[id]
		if !inspected && s.accepted(o.number, id) == "" {
			continue
		}
		endpoint, err := a.accept(ctx, o, s, id, now)
		if err != nil {
			return adoption.Document{}, err
		}
		document.Endpoints = append(document.Endpoints, endpoint)
	}
	if o.enforce && s[adoption.EnforcedKey] == "" {
		if _, _, err := a.Store.Put(ctx, adoption.EnforcedKey, nil); err != nil {
			return adoption.Document{}, err
		}
	}
	return document, nil
}

// accept returns the state in which an endpoint is accepted under the order's number. It is what was found when the number was first
// used: a later deployment with the same number accepts nothing, so that it does not take an attacker's change for the desired state.
func (a *Adoption) accept(ctx context.Context, o order, s stored, id string, found adoption.Endpoint) (adoption.Endpoint, error) {
	if version := s.accepted(o.number, id); version != "" {
		return a.endpoint(ctx, o.number, id, version)
	}
	before, had, err := a.latest(ctx, s, id)
	if err != nil {
		return adoption.Endpoint{}, err
	}
	if had {
		// The policy that the guard has written is not the owner's.
		if o.writes && s[adoption.EnforcedKey] != "" && adoption.Carries(rendered(o.lock, id), found.Policy) {
			found.Policy = before.Policy
		}
		a.Log.Info("accepted again", "endpoint", id, "adoptionNumber", o.number, "before", before, "now", found)
	}
	body, err := json.Marshal(adoption.AcceptedEndpoint{Format: adoption.Format, Endpoint: found})
	if err != nil {
		return adoption.Endpoint{}, fmt.Errorf("writing the state of endpoint %s: %w", id, err)
	}
	key := adoption.EndpointKey(o.number, id)
	_, first, err := a.Store.Put(ctx, key, body)
	if err != nil || first {
		return found, err
	}
	// The same request has arrived twice, and the other one was first.
	firsts, err := a.Store.Firsts(ctx, a.Buckets, key)
	if err != nil {
		return adoption.Endpoint{}, err
	}
	return a.endpoint(ctx, o.number, id, firsts[key])
}

// rendered returns the policy that the guard writes to an endpoint, also if it keeps the one that was found.
func rendered(l lock.Lock, id string) string {
	l.Keep = false
	return l.At(id, "").EndpointPolicy()
}

// endpoint reads a stored state of an endpoint.
func (a *Adoption) endpoint(ctx context.Context, number int, id, version string) (adoption.Endpoint, error) {
	body, err := a.Store.Get(ctx, adoption.EndpointKey(number, id), version)
	if err != nil {
		return adoption.Endpoint{}, err
	}
	return adoption.ReadEndpoint(body)
}

// latest reads the state of an endpoint that was accepted under the highest number.
func (a *Adoption) latest(ctx context.Context, s stored, id string) (adoption.Endpoint, bool, error) {
	highest := 0
	for key := range s {
		if number, of := adoption.EndpointOf(key); of == id {
			highest = max(highest, number)
		}
	}
	if highest == 0 {
		return adoption.Endpoint{}, false, nil
	}
	endpoint, err := a.endpoint(ctx, highest, id, s.accepted(highest, id))
	return endpoint, true, err
}

// publish stores the adoption document, unless the same is stored, and returns the reference to it.
func (a *Adoption) publish(ctx context.Context, document adoption.Document) (adoption.Reference, error) {
	body, err := json.Marshal(document)
	if err != nil {
		return adoption.Reference{}, fmt.Errorf("writing the adoption document: %w", err)
	}
	key := adoption.DocumentKey(body)
	version, stored, err := a.Store.Put(ctx, key, body)
	if err != nil {
		return adoption.Reference{}, err
	}
	if !stored {
		firsts, err := a.Store.Firsts(ctx, a.Buckets, key)
		if err != nil {
			return adoption.Reference{}, err
		}
		version = firsts[key]
	}
	reference := adoption.Reference{Bucket: a.Store.Bucket, Key: key, VersionID: version, SHA256: adoption.Hash(body)}
	// The guard trusts this reference, so it is tried.
	if _, err := a.Store.Read(ctx, reference.String()); err != nil {
		return adoption.Reference{}, err
	}
	return reference, nil
}
