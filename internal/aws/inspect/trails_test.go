package inspect_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/health"
)

// fakeCloudTrail is a CloudTrail that answers by ARN.
type fakeCloudTrail struct {
	trails    []types.Trail
	logging   map[string]bool
	selectors map[string]*cloudtrail.GetEventSelectorsOutput
	fails     string // the call that is refused
	of        string // the trail of which it is refused; "" for all
}

func (f *fakeCloudTrail) refuse(call, arn string) error {
	if f.fails == call && (f.of == "" || f.of == arn) {
		return errRefused
	}
	return nil
}

func (f *fakeCloudTrail) DescribeTrails(context.Context, *cloudtrail.DescribeTrailsInput, ...func(*cloudtrail.Options)) (*cloudtrail.DescribeTrailsOutput, error) {
	return &cloudtrail.DescribeTrailsOutput{TrailList: f.trails}, f.refuse("DescribeTrails", "")
}

func (f *fakeCloudTrail) GetTrailStatus(_ context.Context, in *cloudtrail.GetTrailStatusInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error) {
	return &cloudtrail.GetTrailStatusOutput{IsLogging: aws.Bool(f.logging[*in.Name])}, f.refuse("GetTrailStatus", *in.Name)
}

func (f *fakeCloudTrail) GetEventSelectors(_ context.Context, in *cloudtrail.GetEventSelectorsInput, _ ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error) {
	return f.selectors[*in.TrailName], f.refuse("GetEventSelectors", *in.TrailName)
}

const own, shadow = "arn:aws:cloudtrail:eu-central-1:111122223333:trail/own", "arn:aws:cloudtrail:us-east-1:444455556666:trail/org"

// twoTrails are one of this Region with basic selectors, and the shadow of an organisation's with advanced ones.
func twoTrails() *fakeCloudTrail {
	return &fakeCloudTrail{
		trails:  []types.Trail{{Name: aws.String("own"), TrailARN: aws.String(own)}, {Name: aws.String("org"), TrailARN: aws.String(shadow)}},
		logging: map[string]bool{own: true},
		selectors: map[string]*cloudtrail.GetEventSelectorsOutput{
			own: {EventSelectors: []types.EventSelector{
				{ReadWriteType: types.ReadWriteTypeWriteOnly, IncludeManagementEvents: aws.Bool(true)}, {ReadWriteType: types.ReadWriteTypeAll},
			}},
			shadow: {AdvancedEventSelectors: []types.AdvancedEventSelector{{FieldSelectors: []types.AdvancedFieldSelector{
				{Field: aws.String("eventCategory"), Equals: []string{"Management"}},
				{Field: aws.String("eventSource"), NotEquals: []string{"kms.amazonaws.com"}},
				{Field: aws.String("eventName"), StartsWith: []string{"Put"}},
			}}}},
		},
	}
}

func TestTrailsAreReadEachByItsARN(t *testing.T) {
	got, err := (&inspect.Trails{API: twoTrails()}).Read(t.Context())
	want := []health.CloudTrail{
		{Name: "own", Logging: true, Selectors: []health.Selector{{Management: true, Kind: "WriteOnly"}, {Management: true, Kind: "All"}}},
		{Name: "org", Advanced: []health.AdvancedSelector{{
			{Name: "eventCategory", Equals: []string{"Management"}},
			{Name: "eventSource", Differs: []string{"kms.amazonaws.com"}},
			{Name: "eventName", Others: true},
		}}},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("err %v, trails (-want +got):\n%s", err, diff)
	}
}

func TestTrailsFailWithWhatCouldNotBeRead(t *testing.T) {
	for call, says := range map[string]string{"DescribeTrails": "trails: ", "GetTrailStatus": "trail own: ", "GetEventSelectors": "trail org: "} {
		f := twoTrails()
		f.fails = call
		if _, err := (&inspect.Trails{API: f}).Read(t.Context()); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), says) {
			t.Errorf("Read without %s = %v, want %q and the reason", call, err, says)
		}
	}
}

// A member account may be denied the details of its organisation's trail. (docs/facts.md: CloudTrail through
// EventBridge)
func TestARefusedTrailHidesNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		fails  string
		custom *bool
		want   []string
		fail   bool
	}{
		"selectors, and it has some of its own": {"GetEventSelectors", aws.Bool(true), []string{"own"}, true},
		"selectors, and it is not said":         {"GetEventSelectors", nil, []string{"own"}, true},
		"selectors, and it has none":            {"GetEventSelectors", aws.Bool(false), []string{"own", "org"}, false},
		"status":                                {"GetTrailStatus", aws.Bool(false), []string{"own"}, true},
	} {
		f := twoTrails()
		f.fails, f.of, f.logging[shadow] = c.fails, shadow, true
		f.trails[1].HasCustomEventSelectors = c.custom
		trails, err := (&inspect.Trails{API: f}).Read(t.Context())
		var got []string
		for _, c := range trails {
			got = append(got, c.Name)
		}
		if !slices.Equal(got, c.want) || errors.Is(err, errRefused) != c.fail {
			t.Errorf("%s: Read = %v, %v, want %v and a failure: %t", name, got, err, c.want, c.fail)
		}
	}
}
