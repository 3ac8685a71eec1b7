package inspect

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/parallel"
)

// TrailAPI has the calls that [Trails] makes.
type TrailAPI interface {
	DescribeTrails(context.Context, *cloudtrail.DescribeTrailsInput, ...func(*cloudtrail.Options)) (*cloudtrail.DescribeTrailsOutput, error)
	GetTrailStatus(context.Context, *cloudtrail.GetTrailStatusInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetTrailStatusOutput, error)
	GetEventSelectors(context.Context, *cloudtrail.GetEventSelectorsInput, ...func(*cloudtrail.Options)) (*cloudtrail.GetEventSelectorsOutput, error)
}

// Trails are those of the Region: its own, and the shadow trails of multi-Region and organisation trails from elsewhere.
type Trails struct{ API TrailAPI }

// Read reads all trails, in two round trips. It returns those that it could read, even if the error names others: a
// member account may be denied an organisation's trail.
func (t *Trails) Read(ctx context.Context) ([]health.CloudTrail, error) {
	found, err := t.API.DescribeTrails(ctx, &cloudtrail.DescribeTrailsInput{})
	if err != nil {
		return nil, fmt.Errorf("trails: %w", err)
	}
	return parallel.Readable(found.TrailList, func(live types.Trail) (health.CloudTrail, error) { return t.read(ctx, live) })
}

// read reads one trail, by its ARN: a shadow trail cannot be read by its name.
//
// If its selectors cannot be read, DescribeTrails still shows whether it has custom ones: a trail without them logs all
// management events. https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Trail.html
func (t *Trails) read(ctx context.Context, live types.Trail) (health.CloudTrail, error) {
	c := health.CloudTrail{
		Name: aws.ToString(live.Name), Bucket: aws.ToString(live.S3BucketName), Key: aws.ToString(live.KmsKeyId), Validated: aws.ToBool(live.LogFileValidationEnabled),
	}
	hasDefault := live.HasCustomEventSelectors != nil && !*live.HasCustomEventSelectors
	err := parallel.All(
		func() error {
			status, err := t.API.GetTrailStatus(ctx, &cloudtrail.GetTrailStatusInput{Name: live.TrailARN})
			if err == nil {
				c.Logging, c.DeliveryError = aws.ToBool(status.IsLogging), aws.ToString(status.LatestDeliveryError)
			}
			return err
		},
		func() error {
			selectors, err := t.API.GetEventSelectors(ctx, &cloudtrail.GetEventSelectorsInput{TrailName: live.TrailARN})
			if err == nil {
				c.Selectors, c.Advanced = basic(selectors.EventSelectors), advanced(selectors.AdvancedEventSelectors)
			}
			if hasDefault {
				return nil
			}
			return err
		})
	if err != nil {
		return c, fmt.Errorf("trail %s: %w", c.Name, err)
	}
	return c, nil
}

func basic(live []types.EventSelector) []health.Selector {
	var selectors []health.Selector
	for _, s := range live {
		selectors = append(selectors, health.Selector{
			Management: s.IncludeManagementEvents == nil || *s.IncludeManagementEvents, Kind: string(s.ReadWriteType),
		})
	}
	return selectors
}

func advanced(live []types.AdvancedEventSelector) []health.AdvancedSelector {
	var selectors []health.AdvancedSelector
	for _, s := range live {
		var selector health.AdvancedSelector
		for _, f := range s.FieldSelectors {
			selector = append(selector, health.Field{
				Name: aws.ToString(f.Field), Equals: f.Equals, Differs: f.NotEquals,
				Others: len(f.StartsWith)+len(f.EndsWith)+len(f.NotStartsWith)+len(f.NotEndsWith) > 0,
			})
		}
		selectors = append(selectors, selector)
	}
	return selectors
}
