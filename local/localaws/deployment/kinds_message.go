package deployment

import (
	"fmt"
	"maps"
	"path"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/sns"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

// messageKinds are the types of AWS::SNS, AWS::SQS, AWS::SSM and AWS::Logs.
var messageKinds = map[string]kind{
	"AWS::SNS::Topic":        {create: createTopic, nameProperty: "TopicName", ignored: []string{"DisplayName", "TracingConfig", "Tags"}},
	"AWS::SNS::TopicPolicy":  {create: createTopicPolicy},
	"AWS::SNS::Subscription": {create: createSubscription},
	"AWS::SQS::Queue": {create: createQueue, nameProperty: "QueueName", ignored: []string{
		"SqsManagedSseEnabled", "KmsMasterKeyId", "Tags",
	}},
	"AWS::SQS::QueuePolicy":      {create: createQueuePolicy},
	"AWS::SSM::Parameter":        {create: createParameter, nameProperty: "Name", ignored: []string{"Description", "Tags"}},
	"AWS::Logs::QueryDefinition": {create: createQuery, ignored: []string{"LogGroupNames", "QueryString"}},
	"AWS::Logs::LogGroup":        {create: createLogGroup, nameProperty: "LogGroupName", ignored: []string{"RetentionInDays", "KmsKeyId", "Tags"}},
}

func createTopic(c *creation, p properties) (made, error) {
	name := c.physicalName(p)
	arn := c.SNS.CreateTopic(name, p.text("KmsMasterKeyId"))
	return made{
		ref: arn, attributes: map[string]any{"TopicArn": arn, "TopicName": name},
		remove: func() error { c.SNS.DeleteTopic(arn); return nil },
	}, nil
}

// createTopicPolicy checks that a topic's policy can be parsed, and sets it. It has no effect: within the account, identity
// policies decide who may publish.
func createTopicPolicy(c *creation, p properties) (made, error) {
	document := p.document("PolicyDocument")
	if _, err := iampolicy.Parse([]byte(document)); err != nil {
		return made{}, err
	}
	for _, topic := range p.texts("Topics") {
		c.SNS.SetPolicy(topic, document)
	}
	return made{ref: c.name(), update: func(p properties) (made, error) { return createTopicPolicy(c, p) }}, nil
}

func createSubscription(c *creation, p properties) (made, error) {
	topic := p.text("TopicArn")
	err := c.SNS.Subscribe(topic, sns.Subscription{
		Protocol: p.text("Protocol"), Endpoint: p.text("Endpoint"),
		FilterPolicy: p.document("FilterPolicy"), FilterPolicyScope: p.text("FilterPolicyScope"),
	})
	if err != nil {
		return made{}, err
	}
	return made{ref: topic + ":" + uuid(c.name())}, nil
}

func createQueue(c *creation, p properties) (made, error) {
	name := c.physicalName(p)
	arn, url := c.SQS.CreateQueue(name), c.SQS.URL(name)
	return made{
		ref: url, attributes: map[string]any{"Arn": arn, "QueueName": name, "QueueUrl": url},
		remove: func() error { c.SQS.DeleteQueue(name); return nil },
		update: func(p properties) (made, error) { return createQueue(c, p) },
	}, c.SQS.SetAttributes(name, queueAttributes(p))
}

// queueAttributes returns the attributes that a template sets.
func queueAttributes(p properties) map[string]string {
	attributes := map[string]string{}
	for _, name := range []string{"DelaySeconds", "VisibilityTimeout", "MessageRetentionPeriod"} {
		if value := p.text(name); value != "" {
			attributes[name] = value
		}
	}
	return attributes
}

// createQueuePolicy stores the policy for messages that AWS's services send to the queue: see [Engine.QueuePolicy].
func createQueuePolicy(c *creation, p properties) (made, error) {
	policy, err := iampolicy.Parse([]byte(p.document("PolicyDocument")))
	if err != nil {
		return made{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, url := range p.texts("Queues") {
		c.queuePolicies[c.SQS.ARN(path.Base(url))] = policy
	}
	remove := func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		maps.DeleteFunc(c.queuePolicies, func(_ string, other *iampolicy.Policy) bool { return other == policy })
		return nil
	}
	return made{ref: c.name(), remove: remove, update: func(p properties) (made, error) { return createQueuePolicy(c, p) }}, nil
}

func createParameter(c *creation, p properties) (made, error) {
	name, value := c.physicalName(p), p.text("Value")
	if len(value) > ssm.MaxValue {
		return made{}, fmt.Errorf("standard tier parameters support a maximum parameter value of %d characters, this has %d", ssm.MaxValue, len(value))
	}
	kind, forget := p.oneOf("Type", "String", "StringList"), c.named("parameter", name)
	c.SSM.Put(name, kind, value)
	return made{
		ref: name, attributes: map[string]any{"Value": value, "Type": kind},
		remove: func() error { c.SSM.Delete(name); return forget() },
		update: func(p properties) (made, error) { return createParameter(c, p) },
	}, nil
}

func createLogGroup(c *creation, p properties) (made, error) {
	name := c.physicalName(p)
	forget := c.named("log group", name)
	c.Logs.CreateGroup(name)
	return made{
		ref: name, attributes: map[string]any{"Arn": c.arn("logs", "log-group:"+name+":*")},
		remove: func() error { c.Logs.DeleteGroup(name); return forget() },
		update: func(p properties) (made, error) { return createLogGroup(c, p) },
	}, nil
}

// createQuery records the name of a saved query. The local AWS runs no queries.
func createQuery(c *creation, p properties) (made, error) {
	return made{
		ref: uuid(c.name()), remove: c.named("saved query", p.text("Name")),
		update: func(p properties) (made, error) { return createQuery(c, p) },
	}, nil
}
