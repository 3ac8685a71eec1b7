package deployment

import (
	"fmt"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// eventKinds are the types of AWS::Events and AWS::CloudTrail. Trails write no files here.
var eventKinds = map[string]kind{
	"AWS::Events::Rule": {create: createRule, nameProperty: "Name", ignored: []string{"Description"}},
	"AWS::CloudTrail::Trail": {create: createTrail, nameProperty: "TrailName", ignored: []string{
		"IncludeGlobalServiceEvents", "IsMultiRegionTrail", "Tags",
	}},
}

func createRule(c *creation, p properties) (made, error) {
	return c.putRule(c.physicalName(p), p)
}

func (c *creation) putRule(name string, p properties) (made, error) {
	r := events.Rule{
		Name: name, Pattern: p.any("EventPattern"), Schedule: p.text("ScheduleExpression"),
		Disabled: p.has("State") && p.oneOf("State", "ENABLED", "DISABLED") == "DISABLED",
	}
	for _, target := range p.objects("Targets") {
		r.Targets = append(r.Targets, targetOf(target))
	}
	arn, err := c.Events.PutRule(r)
	return made{
		ref: name, attributes: map[string]any{"Arn": arn},
		remove: func() error { c.Events.RemoveRule(name); return nil },
		update: func(p properties) (made, error) { return c.putRule(name, p) },
	}, err
}

func targetOf(p properties) events.Target {
	t := events.Target{
		ID: p.text("Id"), ARN: p.text("Arn"), Input: p.text("Input"), DeadLetterARN: p.object("DeadLetterConfig").text("Arn"),
	}
	policy := p.object("RetryPolicy")
	t.MaximumEventAge = time.Duration(policy.number("MaximumEventAgeInSeconds")) * time.Second
	if policy.has("MaximumRetryAttempts") {
		retries := policy.number("MaximumRetryAttempts")
		t.MaximumRetryAttempts = &retries
	}
	return t
}

func createTrail(c *creation, p properties) (made, error) {
	name, bucket := c.physicalName(p), p.text("S3BucketName")
	arn := c.arn("cloudtrail", "trail/"+name)
	if err := c.mayWriteTrail(bucket, arn); err != nil {
		return made{}, err
	}
	c.Events.PutTrail(events.Trail{
		Name: name, Bucket: bucket, Validation: p.flag("EnableLogFileValidation"), Logging: p.flag("IsLogging"), Selectors: selectorsOf(p),
	})
	return made{
		ref: name, attributes: map[string]any{"Arn": arn},
		remove: func() error { c.Events.RemoveTrail(name); return nil },
		update: func(p properties) (made, error) { return createTrail(c, p) },
	}, nil
}

// selectorsOf returns a trail's event selectors, with CloudTrail's defaults.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
func selectorsOf(p properties) []events.Selector {
	var selectors []events.Selector
	for _, s := range p.objects("EventSelectors") {
		selector := events.Selector{ReadWriteType: "All", IncludeManagementEvents: true}
		if s.has("ReadWriteType") {
			selector.ReadWriteType = s.oneOf("ReadWriteType", "All", "ReadOnly", "WriteOnly")
		}
		if s.has("IncludeManagementEvents") {
			selector.IncludeManagementEvents = s.flag("IncludeManagementEvents")
		}
		selectors = append(selectors, selector)
	}
	return selectors
}

// mayWriteTrail returns an error if the bucket's policy does not allow CloudTrail to write, as CloudTrail does.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
func (c *creation) mayWriteTrail(bucket, trailARN string) error {
	document, err := c.perform(c.S3, "GET", "/"+bucket+"?policy", "")
	if err != nil {
		return err
	}
	policy, err := iampolicy.Parse(document)
	if err != nil {
		return err
	}
	base := c.Gate.Options()
	request := iampolicy.Request{
		Principal: "cloudtrail.amazonaws.com", Action: "s3:GetBucketAcl", Resource: "arn:" + base.Partition + ":s3:::" + bucket,
		ResourceAccount: base.Account, Context: map[string][]string{
			"aws:SourceArn": {trailARN}, "aws:SourceAccount": {base.Account}, "aws:SecureTransport": {"true"},
			"s3:x-amz-acl": {"bucket-owner-full-control"},
		},
	}
	for action, resource := range map[string]string{
		"s3:GetBucketAcl": request.Resource,
		"s3:PutObject":    request.Resource + "/AWSLogs/" + base.Account + "/CloudTrail/file",
	} {
		request.Action, request.Resource = action, resource
		if !api.Allows(request, policy, api.Caller{}) {
			return fmt.Errorf("incorrect S3 bucket policy is detected for bucket: %s (%s)", bucket, action)
		}
	}
	return nil
}
