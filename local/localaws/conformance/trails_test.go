package conformance_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
)

// trailCases are the cases on CloudTrail. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StopLogging.html (no such trail; ARNs)
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html (defaults, kinds, five selectors)
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html (what a selector does not say)
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html (HasCustomEventSelectors)
func trailCases() []testCase {
	const gone = "TrailNotFoundException"
	const noDefault = "shows no selectors for those of the default"
	return []testCase{
		{name: "a trail is described as it was made", ops: []op{trail(), describedTrail("", false), logging(true)}},
		{name: "a trail that there is not is not described", ops: []op{noTrail(), refused(gone, logging(true))}},
		{name: "a trail that there is not is not switched or changed", moto: "fails", ops: []op{
			refused(gone, stopLogging()), refused(gone, startLogging()), refused(gone, selected()),
			refused(gone, selectEvents(types.ReadWriteTypeAll, true)), refused(gone, validate(true)),
		}},
		{name: "a trail's logging is stopped and started", ops: []op{
			trail(), stopLogging(), logging(false), stopLogging(), startLogging(), logging(true),
		}},
		{name: "a trail is found by its ARN", ops: []op{trail(), byTrailARN(), logging(true), selectEvents(types.ReadWriteTypeWriteOnly, true), selected("WriteOnly true"), validate(true)}},
		{name: "a trail is switched by its ARN", moto: "fails", ops: []op{trail(), byTrailARN(), stopLogging(), logging(false), startLogging(), logging(true)}},
		{name: "a trail's status has no error of delivery", ops: []op{trail(), delivered()}},
		{name: "a trail logs all management events by default", moto: noDefault, ops: []op{trail(), selected("All true"), customSelectors(false)}},
		{name: "event selectors are put and read", ops: []op{
			trail(), selectEvents(types.ReadWriteTypeWriteOnly, true), selected("WriteOnly true"),
			selectEvents(types.ReadWriteTypeReadOnly, false), selected("ReadOnly false"),
		}},
		{name: "a trail with selectors of its own says so", moto: "never says so", ops: []op{
			trail(), selectEvents(types.ReadWriteTypeWriteOnly, true), customSelectors(true),
		}},
		{name: "a selector logs all management events if it says nothing else", moto: "shows it as it was put", ops: []op{
			trail(), selectDefault(), selected("All true"),
		}},
		{name: "a kind of events that there is not is refused", moto: "takes it", ops: []op{
			trail(), refused("InvalidEventSelectorsException", selectEvents("Some", true)), selected("All true"),
		}},
		{name: "a trail has five selectors at most", moto: "takes more", ops: []op{
			trail(), refused("InvalidEventSelectorsException", selectTimes(6)), selectTimes(5),
		}},
		{name: "a trail's bucket and its validation are changed each alone", ops: []op{
			trail(), validate(true), describedTrail("", true), anotherBucket(), otherBucket(), describedTrail("-other", true), validate(false), describedTrail("-other", false),
		}},
	}
}

func (s *scene) cloudtrail() *cloudtrail.Client { return cloudtrail.NewFromConfig(s.config) }

// trail makes a trail with the name of the scene, and its bucket.
func trail() op { return func(ctx context.Context, s *scene) error { return s.makeTrail(ctx, s.name) } }

// trail returns the name with which a call names the trail.
func (s *scene) trail() *string {
	if arn, ok := s.notes["trail"]; ok {
		return &arn
	}
	return &s.name
}

func (s *scene) trailARN() string {
	return "arn:aws:cloudtrail:" + region + ":" + account + ":trail/" + s.name
}

// byTrailARN makes later calls name the trail by its ARN.
func byTrailARN() op {
	return func(_ context.Context, s *scene) error { s.notes["trail"] = s.trailARN(); return nil }
}

// found returns the trail among those that are described; nil if it is not there.
func (s *scene) found(ctx context.Context) (*types.Trail, error) {
	out, err := s.cloudtrail().DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		return nil, err
	}
	for _, t := range out.TrailList {
		if *t.Name == s.name {
			return &t, nil
		}
	}
	return nil, nil
}

// describedTrail expects the trail's bucket, by what follows the scene's name, and whether its files are validated.
func describedTrail(bucket string, validated bool) op {
	return func(ctx context.Context, s *scene) error {
		t, err := s.found(ctx)
		if err != nil {
			return err
		}
		if t == nil {
			return differs("trail", "none", s.name)
		}
		got := fmt.Sprint(*t.TrailARN, " ", *t.HomeRegion, " ", *t.IsMultiRegionTrail, " ", *t.S3BucketName, " ", *t.LogFileValidationEnabled)
		if want := fmt.Sprint(s.trailARN(), " ", region, " ", false, " ", s.name+bucket, " ", validated); got != want {
			return differs("trail", got, want)
		}
		return nil
	}
}

// noTrail expects that the trail is not described.
func noTrail() op {
	return func(ctx context.Context, s *scene) error {
		t, err := s.found(ctx)
		if err == nil && t != nil {
			err = differs("trail", *t.Name, "none")
		}
		return err
	}
}

// customSelectors expects whether the trail says that it has selectors of its own.
func customSelectors(want bool) op {
	return func(ctx context.Context, s *scene) error {
		t, err := s.found(ctx)
		if err == nil && (t.HasCustomEventSelectors == nil || *t.HasCustomEventSelectors != want) {
			err = differs("HasCustomEventSelectors", t.HasCustomEventSelectors, want)
		}
		return err
	}
}

func logging(want bool) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudtrail().GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: s.trail()})
		if err == nil && *out.IsLogging != want {
			err = differs("IsLogging", *out.IsLogging, want)
		}
		return err
	}
}

// delivered expects that no delivery failed.
func delivered() op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudtrail().GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: s.trail()})
		if err == nil && aws.ToString(out.LatestDeliveryError) != "" {
			err = differs("LatestDeliveryError", *out.LatestDeliveryError, "none")
		}
		return err
	}
}

func stopLogging() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.cloudtrail().StopLogging(ctx, &cloudtrail.StopLoggingInput{Name: s.trail()})
		return err
	}
}

func startLogging() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.cloudtrail().StartLogging(ctx, &cloudtrail.StartLoggingInput{Name: s.trail()})
		return err
	}
}

// selectEvents puts one selector.
func selectEvents(kind types.ReadWriteType, management bool) op {
	return putSelectors(types.EventSelector{ReadWriteType: kind, IncludeManagementEvents: &management})
}

// selectDefault puts one selector that says nothing.
func selectDefault() op { return putSelectors(types.EventSelector{}) }

// selectTimes puts a number of selectors.
func selectTimes(n int) op {
	return putSelectors(slices.Repeat([]types.EventSelector{{ReadWriteType: types.ReadWriteTypeAll, IncludeManagementEvents: aws.Bool(true)}}, n)...)
}

func putSelectors(selectors ...types.EventSelector) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudtrail().PutEventSelectors(ctx, &cloudtrail.PutEventSelectorsInput{TrailName: s.trail(), EventSelectors: selectors})
		if err == nil && (*out.TrailARN != s.trailARN() || len(out.EventSelectors) != len(selectors)) {
			err = differs("answer", fmt.Sprint(*out.TrailARN, " ", len(out.EventSelectors)), s.trailARN())
		}
		return err
	}
}

// selected expects the trail's selectors: the kind of events, and whether management events are among them.
func selected(want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudtrail().GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: s.trail()})
		if err != nil {
			return err
		}
		var got []string
		for _, e := range out.EventSelectors {
			got = append(got, fmt.Sprint(e.ReadWriteType, " ", aws.ToBool(e.IncludeManagementEvents)))
		}
		if !slices.Equal(got, want) || *out.TrailARN != s.trailARN() {
			return differs("selectors", got, want)
		}
		return nil
	}
}

// validate says whether the trail's files are validated.
func validate(on bool) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.cloudtrail().UpdateTrail(ctx, &cloudtrail.UpdateTrailInput{Name: s.trail(), EnableLogFileValidation: &on})
		if err == nil && (*out.TrailARN != s.trailARN() || *out.LogFileValidationEnabled != on) {
			err = differs("answer", *out.TrailARN, s.trailARN())
		}
		return err
	}
}

// anotherBucket makes the bucket of [otherBucket].
func anotherBucket() op {
	return func(ctx context.Context, s *scene) error { return makeBucket(ctx, s.s3(), aws.String(s.name+"-other")) }
}

// otherBucket gives the trail another bucket.
func otherBucket() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.cloudtrail().UpdateTrail(ctx, &cloudtrail.UpdateTrailInput{Name: s.trail(), S3BucketName: aws.String(s.name + "-other")})
		return err
	}
}
