package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/pause"
)

// actTwo is the guard of what exists: guard.yaml.
var actTwo = []scene{
	{title: "Act two: your own buckets. A guard is put before them, and observes", play: observes, gives: adopted},
	{title: "One update of its stack: it adds the lock to what is there", play: enforces, needs: []preparation{adopted}, gives: enforced},
	{title: "Changes are corrected, and a new bucket is guarded from its creation on", play: guardsAll,
		needs: []preparation{adopted, enforced}},
	{title: "Terraform announces its work: a maintenance window", play: maintenance, needs: []preparation{adopted, enforced}},
	{title: "The guard is removed, and everything is as it was before", play: releases, needs: []preparation{adopted, enforced}},
}

// nothing is the text if nothing was found.
const nothing = "nothing"

// buildsActTwo builds the functions of guard.yaml that template.yaml has not.
func (s *stage) buildsActTwo() error {
	_, err := s.builds.Path("AdoptFunction")
	return err
}

// adopts makes what exists, deploys guard.yaml before it, and waits for its first look.
func (s *stage) adopts(ctx context.Context) error {
	e, err := newEstate(s.callers)
	if err != nil {
		return fmt.Errorf("making what exists: %w", err)
	}
	if err := e.deploy(ctx, e.answers("Observe")); err != nil {
		return err
	}
	s.estate, s.guard = e, &following{cloud: s.cloud, stack: e.stack, many: true}
	return s.cloud.Quiesce(ctx)
}

func observes(ctx context.Context, s *stage) error {
	s.teller.says(s.scene, fmt.Sprintf("%s opens itself (statement Website), %s is Terraform's, %s has no policy.",
		siteBucket, teamBucket, logsBucket))
	if err := s.adopts(ctx); err != nil {
		return err
	}
	s.promises("admin", "deploy guard.yaml, BucketNames="+guarded, s.estate.stack.Status(), "CREATE_COMPLETE")
	if _, err := s.guardWakes(ctx, func() error { s.cloud.Events.Sweep(); return nil }); err != nil {
		return err
	}
	if err := s.readsReport(ctx); err != nil {
		return err
	}
	s.readsFrom(ctx, "stranger", s.stranger, siteBucket, "from the internet", success)
	return s.comparesWithBefore(nothing)
}

// readsReport reads what guard report says of the buckets' policies.
func (s *stage) readsReport(ctx context.Context) error {
	report := searcher{onStack: onStack{stack: guardStack}, since: ago(time.Hour), err: io.Discard, now: s.cloud.Clock.Now}
	found, err := report.sumUp(ctx, s.cloud.Config(s.cloud.Admin(), s.cloud.Internet()))
	if err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	var open, reasons []string
	for _, g := range found.Groups {
		if g.Property == policyOfBucket && g.Verdict == iampolicy.Open {
			request, _, _ := strings.Cut(g.Allowed, " on ") // its bucket stands before it
			open, reasons = append(open, g.Target), append(reasons, g.Target+": "+request)
		}
	}
	s.promises("admin", "guard report: open", strings.Join(open, ", "), strings.Join(foundBuckets, ", "))
	for _, reason := range reasons {
		s.teller.says(s.scene, "  "+reason)
	}
	return nil
}

func enforces(ctx context.Context, s *stage) error {
	if _, err := s.guardWakes(ctx, func() error { return s.estate.enforce(ctx) }); err != nil {
		return err
	}
	s.promises("admin", "update the stack: Enforcement=Enforce", s.estate.stack.Status(), "UPDATE_COMPLETE")
	if err := s.comparesWithBefore(strings.Join(foundBuckets, ", ")); err != nil {
		return err
	}
	s.readsFrom(ctx, "stranger", s.stranger, siteBucket, "from the internet", refused)
	s.readsFrom(ctx, "team", s.estate.teamAway, teamBucket, "from a laptop at home", refused)
	s.readsFrom(ctx, "team", s.estate.team, teamBucket, "through the endpoint", success)
	s.keepsTerraforms()
	return nil
}

func guardsAll(ctx context.Context, s *stage) error {
	e := s.estate
	for _, c := range []change{
		{"admin", "DeletePublicAccessBlock " + siteBucket, func() error {
			_, err := s.adminAway.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: aws.String(siteBucket)})
			return err
		}, "public-access-block", siteBucket},
		{"admin", "ModifyVpcEndpoint: full access", func() error {
			_, err := s.adminEC2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &e.endpoint, ResetPolicy: aws.Bool(true)})
			return err
		}, "endpoint-policy", e.endpoint},
		{"terraform", "apply: its own statements", func() error { return s.applies(ctx) }, policyOfBucket, teamBucket},
		{"admin", "CreateBucket " + newBucket, func() error { return s.createsBucket(ctx) }, policyOfBucket, newBucket},
	} {
		if err := s.correctsAfter(ctx, c); err != nil {
			return err
		}
	}
	s.keepsTerraforms()
	return nil
}

// policyOfBucket is the property that the lock is in.
const policyOfBucket = "bucket-policy"

// change is what somebody does to a bucket or endpoint, and the property that the guard then corrects.
type change struct {
	who, what        string
	do               func() error
	property, target string
}

// correctsAfter makes a change, and promises that the guard corrects that and nothing else.
func (s *stage) correctsAfter(ctx context.Context, c change) error {
	if _, err := s.guardWakes(ctx, c.do); err != nil {
		return err
	}
	var restored []string
	for _, r := range s.corrected {
		name := r.Resource
		if r.Target != c.target {
			name += " of " + r.Target
		}
		restored = append(restored, name)
	}
	s.promises(c.who, c.what, "corrected "+cmp.Or(strings.Join(slices.Compact(restored), ", "), nothing), "corrected "+c.property)
	return nil
}

// applies writes the policy of Terraform's configuration, as Terraform.
func (s *stage) applies(ctx context.Context) error {
	_, err := s.estate.terraform.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
		Bucket: aws.String(teamBucket), Policy: aws.String(s.estate.terraformPolicy()),
	})
	return err
}

// createsBucket creates a bucket, and remembers its state before the guard hears of it.
func (s *stage) createsBucket(ctx context.Context) error {
	s.cloud.Events.Hold()
	defer s.cloud.Events.Release(nil)
	_, err := s.adminAway.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(newBucket), CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: types.BucketLocationConstraint(s.cloud.Gate.Options().Region),
	}})
	if err != nil {
		return err
	}
	s.estate.before[newBucket], err = s.estate.state(newBucket)
	return err
}

func maintenance(ctx context.Context, s *stage) error {
	terraform := s.cloud.Config(s.cloud.IAM.Session("terraform", "apply"), s.cloud.Internet())
	command := pauser{onStack: onStack{stack: guardStack}, out: io.Discard, now: s.cloud.Clock.Now}
	window := pause.Window{Target: teamBucket, Until: s.cloud.Clock.Now().Add(2 * time.Hour), Reason: "migration"}
	err := command.on(ctx, terraform, window)
	s.does("terraform", "guard pause --for 2h --reason migration", err)
	if err != nil {
		return err
	}
	made, err := s.guardWakes(ctx, func() error { return s.applies(ctx) })
	if err != nil {
		return err
	}
	s.promises("terraform", "apply: its own statements",
		fmt.Sprintf("%s: %s, %s", strings.Join(s.outcomes, ", "), s.paused, count(made.Writes, "write")),
		fmt.Sprintf("%s: migration, 0 writes", guard.StandingDown))
	return s.correctsAfter(ctx, change{"terraform", "guard pause --end, and a sweep", func() error {
		command.end = true
		err := command.on(ctx, terraform, window)
		s.cloud.Events.Sweep()
		return err
	}, policyOfBucket, teamBucket})
}

func releases(ctx context.Context, s *stage) error {
	state := s.estate.stack.Physical("StateBucket")
	err := s.estate.stack.Delete(ctx)
	s.promises("admin", "delete the stack, RestoreOnDelete=true", s.estate.stack.Status(), "DELETE_COMPLETE")
	if err != nil {
		s.tellsReason(err)
	}
	if err := s.cloud.Quiesce(ctx); err != nil {
		return err
	}
	if err := s.comparesWithBefore(nothing); err != nil {
		return err
	}
	s.readsFrom(ctx, "stranger", s.stranger, siteBucket, "from the internet", success)
	left := slices.DeleteFunc(s.cloud.Leftovers(), func(name string) bool {
		return slices.Contains(s.estate.others, name) || name == "bucket "+newBucket
	})
	s.promises("admin", "look for what is left", strings.Join(left, ", "), "bucket "+state)
	return nil
}

// readsFrom reads the object of a bucket as a caller.
func (s *stage) readsFrom(ctx context.Context, who string, client *s3.Client, bucket, how, promised string) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: aws.String(objectKey)})
	if err == nil {
		err = out.Body.Close()
	}
	s.promises(who, "read "+bucket+" "+how, answerOf(err), promised)
}

// keepsTerraforms promises that the statements of Terraform are in the policy of its bucket.
func (s *stage) keepsTerraforms() {
	var kept []string
	for _, sid := range terraformStatements {
		if strings.Contains(s.cloud.S3.Policy(teamBucket), sid) {
			kept = append(kept, sid)
		}
	}
	s.promises("guard", "keeps Terraform's statements", strings.Join(kept, ", "), strings.Join(terraformStatements, ", "))
}

// comparesWithBefore promises what differs from before the guard.
func (s *stage) comparesWithBefore(promised string) error {
	changed, err := s.estate.changed()
	s.promises("admin", "compare with before: different", changed, promised)
	return err
}
