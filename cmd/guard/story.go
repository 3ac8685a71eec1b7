package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// story is the demo.
var story = []scene{
	{title: "The lock: only the app reads, through the endpoint", play: theLock, gives: objectStored},
	{title: "An administrator opens the bucket: Block Public Access off, then the article's own public policy",
		play: openBucket, needs: []preparation{objectStored}, gives: driftSeen},
	{title: "The endpoint's policy is set to full access: data can leave to a foreign bucket", play: openEndpoint, gives: driftSeen},
	{title: "The same policy is saved in another order: nothing to correct", play: reorder},
	{title: "An attack without an event: the sweep corrects it", play: lostEvent,
		needs: []preparation{objectStored}, gives: driftSeen},
	{title: "A lifecycle rule would have deleted everything tomorrow: found and undone", play: expiry, gives: driftSeen},
	{title: "A stack update is in progress: the guard stands down, and catches up after it", play: truce, gives: driftSeen},
}

func theLock(ctx context.Context, s *stage) error {
	s.teller.says(s.scene, fmt.Sprintf("template.yaml is deployed: bucket %s, endpoint %s.", s.bucket, s.endpoint))
	s.writes(ctx, "app", s.app, s.bucket, objectKey, "through the endpoint", success)
	s.reads(ctx, "app", s.app, "through the endpoint", success)
	s.reads(ctx, "app", s.appPlain, "over plain HTTP", refused)
	s.reads(ctx, "stranger", s.stranger, "from the internet", refused)
	s.reads(ctx, "admin", s.adminAway, "from a laptop at home", refused)
	return nil
}

func openBucket(ctx context.Context, s *stage) error {
	s.cloud.Events.Hold() // CloudTrail delivers late; the stranger is faster
	s.attacks(ctx, openTheBucket)
	version := s.finds(ctx, "stranger", s.stranger, "from the internet", success)
	s.readsVersion(ctx, "stranger", s.stranger, version, success)
	late, err := s.correctsAfterLast(ctx, "bucket-policy", "public-access-block")
	if err != nil {
		return err
	}
	s.finds(ctx, "stranger", s.stranger, "from the internet", refused)
	s.readsVersion(ctx, "stranger", s.stranger, version, refused)
	s.reads(ctx, "app", s.app, "through the endpoint", success)
	s.teller.says(s.scene, "The event of the other call arrives late.")
	return s.restsAfter(ctx, func() error { return s.put(late) })
}

// correctsAfterLast delivers the last of the held events, promises what is corrected, and returns the other events.
func (s *stage) correctsAfterLast(ctx context.Context, properties ...string) (late []events.Event, err error) {
	last := func(held []events.Event) []events.Event {
		late = slices.Clone(held[:max(0, len(held)-1)])
		return held[len(late):]
	}
	err = s.corrects(ctx, "all of it", func() error { s.cloud.Events.Release(last); return nil }, properties...)
	return late, err
}

// put delivers events.
func (s *stage) put(list []events.Event) error {
	for _, e := range list {
		if err := s.cloud.Events.Put(e); err != nil {
			return err
		}
	}
	return nil
}

func openEndpoint(ctx context.Context, s *stage) error {
	s.writes(ctx, "thief", s.thief, collector, "loot.txt", "to a foreign bucket", refused)
	s.cloud.Events.Hold()
	s.attacks(ctx, openTheEndpoint)
	s.writes(ctx, "thief", s.thief, collector, "loot.txt", "to a foreign bucket", success)
	if _, err := s.correctsAfterLast(ctx, "endpoint-policy"); err != nil {
		return err
	}
	s.writes(ctx, "thief", s.thief, collector, "more.txt", "to a foreign bucket", refused)
	return nil
}

func reorder(ctx context.Context, s *stage) error {
	return s.restsAfter(ctx, func() error {
		s.attacks(ctx, reorderThePolicy)
		return nil
	})
}

func lostEvent(ctx context.Context, s *stage) error {
	s.cloud.Events.Disturb(events.Disturbance{Lose: true})
	defer s.cloud.Events.Disturb(events.Disturbance{})
	s.attacks(ctx, deleteThePolicy)
	s.reads(ctx, "admin", s.adminAway, "from a laptop at home", success)
	s.teller.says(s.scene, "The time of the next sweep comes.")
	sweep := func() error { s.cloud.Events.Sweep(); return nil }
	if err := s.corrects(ctx, "it all the same", sweep, "bucket-policy"); err != nil {
		return err
	}
	s.reads(ctx, "admin", s.adminAway, "from a laptop at home", refused)
	return nil
}

func expiry(ctx context.Context, s *stage) error {
	// S3 itself deletes what expires. It makes no request that the bucket's policy could deny.
	attack := func() error { s.attacks(ctx, expireEverything); return nil }
	if err := s.corrects(ctx, "the lifecycle rules", attack, "lifecycle-rules"); err != nil {
		return err
	}
	kept := !strings.Contains(s.cloud.S3.Lifecycle(s.bucket), "<Days>1</Days>")
	s.promises("S3", "keeps all objects tomorrow", fmt.Sprint(kept), "true")
	return nil
}

func truce(ctx context.Context, s *stage) error {
	begin := func() error { s.stack.BeginUpdate(); return nil }
	if _, err := s.guardWakes(ctx, begin); err != nil {
		return err
	}
	made, err := s.guardWakes(ctx, func() error {
		s.does("admin", "ModifyVpcEndpoint, while the stack is updated", resetEndpointPolicy.do(ctx, s.callers))
		return nil
	})
	if err != nil {
		return err
	}
	s.promises("guard", "leaves it to CloudFormation", strings.Join(s.outcomes, ", "), string(guard.StandingDown))
	s.promises("guard", "and writes nothing", count(made.Writes, "write"), "0 writes")
	s.teller.says(s.scene, "The update is complete. CloudFormation's event, which is guaranteed, wakes the guard.")
	complete := func() error { // the second status comes seconds after the first: not while the first run is correcting
		s.stack.BeginCleanUp()
		err := s.cloud.Quiesce(ctx)
		s.stack.EndCleanUp()
		return err
	}
	if err := s.corrects(ctx, "it now", complete, "endpoint-policy"); err != nil {
		return err
	}
	s.writes(ctx, "thief", s.thief, collector, "more.txt", "to a foreign bucket", refused)
	return nil
}

// corrects wakes the guard and promises that it corrects exactly these properties. Two runs that begin together may both
// correct the same property.
func (s *stage) corrects(ctx context.Context, what string, wake func() error, properties ...string) error {
	_, err := s.guardWakes(ctx, wake)
	var restored []string
	for _, c := range s.corrected {
		restored = append(restored, c.Resource)
	}
	s.promises("guard", "corrects "+what, strings.Join(slices.Compact(restored), ", "), strings.Join(properties, ", "))
	return err
}

// restsAfter wakes the guard and promises that it writes nothing.
func (s *stage) restsAfter(ctx context.Context, wake func() error) error {
	made, err := s.guardWakes(ctx, wake)
	s.promises("guard", "looks, and leaves it alone", count(made.Writes, "write"), "0 writes")
	return err
}
