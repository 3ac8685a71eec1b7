package deployment

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
)

// serviceTimeout is how long CloudFormation waits for a custom resource without ServiceTimeout.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
const serviceTimeout = time.Hour

// customKind is the kind of all types of custom resources.
var customKind = kind{create: createCustom}

// isCustom reports whether a type is that of a custom resource.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudformation-customresource.html
func isCustom(resourceType string) bool {
	return strings.HasPrefix(resourceType, "Custom::") || resourceType == "AWS::CloudFormation::CustomResource"
}

// custom is a custom resource: its function gets requests to create, update and delete it.
type custom struct {
	*creation
	physicalID string
	properties map[string]any
	timeout    time.Duration
}

func createCustom(c *creation, p properties) (made, error) {
	r := custom{creation: c}.with(p)
	answer, err := r.ask("Create", nil)
	r.physicalID = answer.PhysicalResourceID
	if r.physicalID == "" { // no answer: CloudFormation generates an id, and deletes the resource that may exist
		r.physicalID = c.name()
	}
	m := r.made(answer)
	m.failed = err
	return m, nil
}

// with returns the resource with other properties. CloudFormation sends numbers and booleans as text.
func (r custom) with(p properties) custom {
	r.timeout = serviceTimeout
	if p.has("ServiceTimeout") {
		r.timeout = time.Duration(p.number("ServiceTimeout")) * time.Second
	}
	r.properties = map[string]any{}
	for name := range p.values {
		r.properties[name] = asTexts(p.any(name))
	}
	return r
}

// asTexts returns a value with all numbers and booleans in it as text.
func asTexts(value any) any {
	switch value := value.(type) {
	case map[string]any:
		texts := maps.Clone(value)
		for name, v := range texts {
			texts[name] = asTexts(v)
		}
		return texts
	case []any:
		texts := make([]any, len(value))
		for i, v := range value {
			texts[i] = asTexts(v)
		}
		return texts
	}
	return fmt.Sprint(value)
}

// made returns the resource after an answer.
func (r custom) made(answer cloudformation.CustomAnswer) made {
	remove := func() error {
		_, err := r.ask("Delete", nil)
		return err
	}
	return made{ref: r.physicalID, attributes: answer.Data, remove: remove, update: r.update}
}

// update requests an update. If the answer has another id, the old resource is deleted after the stack's update.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requesttypes-update.html
func (r custom) update(p properties) (made, error) {
	next := r.with(p)
	answer, err := next.ask("Update", r.properties)
	if err != nil {
		return made{}, err
	}
	next.physicalID = answer.PhysicalResourceID
	m := next.made(answer)
	if next.physicalID != r.physicalID {
		m.replaced = r.made(answer).remove
	}
	return m, nil
}

// ask sends the function a request and waits for its answer.
func (r custom) ask(kind string, old map[string]any) (cloudformation.CustomAnswer, error) {
	request := cloudformation.CustomRequest{
		RequestType: kind, ServiceToken: fmt.Sprint(r.properties["ServiceToken"]), StackID: r.stack.ID(), RequestID: uuid(rand.Text()),
		LogicalResourceID: r.resource.LogicalID, PhysicalResourceID: r.physicalID, ResourceType: r.resource.Type,
		ResourceProperties: r.properties, OldResourceProperties: old,
	}
	if r.Options.Answer != nil {
		if answer, ok := r.Options.Answer(request); ok {
			return answer, nil
		}
	}
	url, answers, err := r.Answers.Expect(request.StackID, request.LogicalResourceID, request.RequestID)
	if err != nil {
		return cloudformation.CustomAnswer{}, err
	}
	request.ResponseURL = url
	payload, err := json.Marshal(request)
	if err != nil {
		return cloudformation.CustomAnswer{}, err
	}
	if _, err := r.Lambda.InvokeAsync(request.ServiceToken, payload); err != nil {
		return cloudformation.CustomAnswer{}, fmt.Errorf("invoking the function of the custom resource: %w", err)
	}
	body, ok := r.await(answers)
	if !ok {
		return cloudformation.CustomAnswer{}, fmt.Errorf("CloudFormation did not receive a response from your Custom Resource. "+
			"Please check your logs for requestId [%s]", request.RequestID)
	}
	return request.Read(body)
}

// await waits for an answer until the resource's timeout. If functions are retried without a pause, it waits only while
// there is unfinished work: after that no function can answer, and nothing else advances the clock.
func (r custom) await(answers <-chan []byte) (body []byte, ok bool) {
	over := make(chan struct{})
	stop := r.Clock.AfterFunc(r.timeout, func() { close(over) })
	defer stop()
	var resting <-chan struct{}
	if !r.Options.Patient {
		resting = r.Options.Work.Resting()
	}
	select {
	case body = <-answers:
		return body, true
	case <-over:
	case <-resting:
	}
	select {
	case body = <-answers:
		return body, true
	default:
		return nil, false
	}
}
