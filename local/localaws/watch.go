package localaws

import (
	"context"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
)

// Pass advances the clock by d, a minute at a time. After each minute it waits until the work that the minute started is
// done, lets AWS's services publish their metrics, and evaluates the alarms. The clock must be a stepped one.
//
// Nothing else evaluates the alarms, unless [Options.Watch] is set: if a test only advances the clock, no alarm changes.
func (c *Cloud) Pass(ctx context.Context, d time.Duration) error {
	for ; d > 0; d -= time.Minute {
		if err := c.step(ctx, min(d, time.Minute)); err != nil {
			return err
		}
		c.observe()
	}
	return c.Quiesce(ctx)
}

// step lets time pass second by second, and waits after each until the local AWS is idle: what a function does, such as sending a
// delayed message, is done in the second in which it was invoked.
func (c *Cloud) step(ctx context.Context, d time.Duration) error {
	for ; d > 0; d -= time.Second {
		c.Clock.Advance(min(d, time.Second))
		if err := c.Quiesce(ctx); err != nil {
			return err
		}
	}
	return nil
}

// watch calls observe once a minute, by the clock, until the Cloud is closed.
func (c *Cloud) watch() {
	c.Clock.AfterFunc(time.Minute, func() {
		c.mu.Lock()
		closed := c.closed
		c.mu.Unlock()
		if !closed {
			c.observe()
			c.watch()
		}
	})
}

// observe publishes the metrics of AWS's services, and evaluates the alarms.
func (c *Cloud) observe() {
	c.measureFunctions()
	c.measureQueues()
	c.measureEndpoints()
	c.CloudWatch.Evaluate()
}

// tell publishes an alarm's message to its topic. It ignores errors, e.g. for a deleted topic, as CloudWatch does.
func (c *Cloud) tell(topicARN, subject, message string) {
	_, _ = c.SNS.Publish(topicARN, &subject, message, nil)
}

// publish stores metrics of one of AWS's own namespaces. They are made here and always valid.
func (c *Cloud) publish(namespace string, dimensions []cloudwatch.Dimension, data ...cloudwatch.Datum) {
	for i := range data {
		data[i].Dimensions = dimensions
	}
	_ = c.CloudWatch.Put(namespace, data...)
}

// measureFunctions publishes the AWS/Lambda metrics of the invocations since the last measurement.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (c *Cloud) measureFunctions() {
	all := c.Lambda.Invocations("")
	c.mu.Lock()
	fresh := all[c.measured:]
	c.measured = len(all)
	c.mu.Unlock()
	for _, i := range fresh {
		failed := 0.0
		if i.Failure != nil {
			failed = 1
		}
		c.publish("AWS/Lambda", []cloudwatch.Dimension{{Name: "FunctionName", Value: i.Function}},
			cloudwatch.Datum{Name: "Invocations", Unit: "Count", Values: []float64{1}},
			cloudwatch.Datum{Name: "Errors", Unit: "Count", Values: []float64{failed}},
			cloudwatch.Datum{Name: "Throttles", Unit: "Count", Values: []float64{0}},
			cloudwatch.Datum{Name: "Duration", Unit: "Milliseconds", Values: []float64{float64(i.Duration.Microseconds()) / 1000}})
	}
	c.measureThrottles()
}

// measureThrottles publishes the throttled invocations since the last measurement. They count neither as Invocations nor
// as Errors.
func (c *Cloud) measureThrottles() {
	all := c.Lambda.Throttles()
	c.mu.Lock()
	before := c.throttled
	c.throttled = all
	c.mu.Unlock()
	for name, n := range all {
		if fresh := n - before[name]; fresh > 0 {
			c.publish("AWS/Lambda", []cloudwatch.Dimension{{Name: "FunctionName", Value: name}},
				cloudwatch.Datum{Name: "Throttles", Unit: "Count", Values: []float64{1}, Counts: []float64{float64(fresh)}})
		}
	}
}

// measureQueues publishes the number of visible messages for all queues. SQS publishes it only for queues in use.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
func (c *Cloud) measureQueues() {
	for _, name := range c.SQS.Queues() {
		c.publish("AWS/SQS", []cloudwatch.Dimension{{Name: "QueueName", Value: name}}, cloudwatch.Datum{
			Name: "ApproximateNumberOfMessagesVisible", Unit: "Count", Values: []float64{float64(c.SQS.Visible(name))},
		})
	}
}

// traffic is the traffic through an endpoint since the last measurement.
type traffic struct {
	bytes, connections float64
}

// around is the approximate number of bytes of a call without its body: its share of the TLS handshake, and the headers
// of request and answer.
const around = 4 << 10

// count counts a call through an endpoint.
func (c *Cloud) count(call api.Call) {
	if call.Listener.VPCEndpointID == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.passed[call.Listener.VPCEndpointID]
	t.bytes += float64(call.Bytes + around)
	t.connections++
	c.passed[call.Listener.VPCEndpointID] = t
}

// measureEndpoints publishes AWS/PrivateLinkEndpoints of the interface endpoints that had traffic. Gateway endpoints
// publish nothing (docs/facts.md, VPC endpoints).
func (c *Cloud) measureEndpoints() {
	c.mu.Lock()
	passed := c.passed
	c.passed = map[string]traffic{}
	c.mu.Unlock()
	for id, t := range passed {
		e, ok := c.EC2.Endpoint(id)
		if !ok || e.Type != "Interface" {
			continue
		}
		c.publish("AWS/PrivateLinkEndpoints", []cloudwatch.Dimension{
			{Name: "Endpoint Type", Value: e.Type}, {Name: "Service Name", Value: e.ServiceName},
			{Name: "VPC Endpoint Id", Value: id}, {Name: "VPC Id", Value: e.VPCID},
		},
			cloudwatch.Datum{Name: "BytesProcessed", Unit: "Bytes", Values: []float64{t.bytes}},
			cloudwatch.Datum{Name: "NewConnections", Unit: "Count", Values: []float64{t.connections}},
			cloudwatch.Datum{Name: "PacketsDropped", Unit: "Count", Values: []float64{0}},
			cloudwatch.Datum{Name: "RstPacketsReceived", Unit: "Count", Values: []float64{0}})
	}
}
