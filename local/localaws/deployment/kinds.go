package deployment

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// kind is how the local AWS handles one type of resource.
type kind struct {
	// create creates a resource from its properties.
	create func(*creation, properties) (made, error)
	// nameProperty is the property with the name that a template gives such a resource; "" if the name need not be its own.
	nameProperty string
	// ignored are properties that have no effect here, in the notation of [properties.check].
	ignored []string
}

// made is a resource that has been created.
type made struct {
	// ref is its physical id, the result of Ref.
	ref string
	// attributes are the results of Fn::GetAtt.
	attributes map[string]any
	// remove deletes it; nil when there is nothing to delete.
	remove func() error
	// update changes it to new properties, and returns its new state; nil if the local AWS cannot update the type, e.g.
	// because it would need a replacement.
	update func(properties) (made, error)
	// replaced removes the old resource after an update that replaced it; nil if the update replaced nothing.
	replaced func() error
	// failed is the error of a failed creation whose resource must nevertheless be removed.
	failed error
	// inner is the nested stack that the resource is; nil for all others.
	inner *Stack
}

// creation is the input of a kind in addition to the properties.
type creation struct {
	*Engine
	stack    *Stack
	resource samtemplate.Resource
	// nameProperty is that of its kind.
	nameProperty string
	// ctx is that of the deployment which creates the resource.
	ctx context.Context
}

// kinds are all types of resources that the local AWS can create.
var kinds = merged(networkKinds, bucketKinds, identityKinds, messageKinds, functionKinds, eventKinds, watchKinds)

func merged(tables ...map[string]kind) map[string]kind {
	all := map[string]kind{}
	for _, table := range tables {
		maps.Copy(all, table)
	}
	return all
}

// create creates a resource. A type or property that the local AWS does not support is an error.
func (c *creation) create(p properties) (made, error) {
	k, ok := kindOf(c.resource.Type)
	if !ok {
		return made{}, fmt.Errorf("the local AWS does not know the type %s", c.resource.Type)
	}
	c.nameProperty = k.nameProperty
	if err := c.unowned(p); err != nil {
		return made{}, err
	}
	m, err := k.create(c, p)
	if err != nil {
		return made{}, err
	}
	if err := p.check(k.ignored); err != nil {
		return m, err
	}
	return m, m.failed
}

// kindOf returns the kind of a type of resource.
func kindOf(resourceType string) (kind, bool) {
	if isCustom(resourceType) {
		return customKind, true
	}
	if resourceType == nestedType {
		return nestedKind(), true
	}
	k, ok := kinds[resourceType]
	return k, ok
}

// unowned returns an error if the template gives the resource the name of another one of its type that is in a stack. This is
// CloudFormation's own rule: the services would overwrite some of them, e.g. an alarm.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
func (c *creation) unowned(p properties) error {
	name := c.customName(p)
	if name == "" {
		return nil
	}
	for _, s := range c.activeStacks() {
		for _, r := range s.existingResources() {
			if r.Type == c.resource.Type && r.properties[c.nameProperty] == name {
				return fmt.Errorf("%s already exists in stack %s", name, s.id) // as in aws-samples/eb-php-wordpress#25
			}
		}
	}
	return nil
}

// customName returns the name that the template gives the resource; "" if it gives none.
func (c *creation) customName(p properties) string {
	if c.nameProperty == "" {
		return ""
	}
	return p.text(c.nameProperty)
}

// physicalName returns the name that the template gives the resource, or else a generated one.
func (c *creation) physicalName(p properties) string { return or(c.customName(p), c.name()) }

// name returns a physical name in CloudFormation's format: stack, logical id and a suffix specific to the stack.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-name.html
func (c *creation) name() string {
	limit := 255
	if most, ok := nameLimits[c.resource.Type]; ok {
		limit = most
	}
	return samtemplate.GeneratedName(c.stack.Name(), c.resource.LogicalID, suffix(c.stack.ID()+c.resource.LogicalID), limit)
}

// nameLimits are the maximum numbers of characters in the names of types, where they are less than 255: the quotas of IAM,
// Lambda, EventBridge, S3, SQS and CloudTrail.
var nameLimits = map[string]int{
	"AWS::IAM::Role": 64, "AWS::IAM::InstanceProfile": 128, "AWS::Serverless::Function": 64, "AWS::Lambda::Permission": 100,
	"AWS::Events::Rule": 64, "AWS::S3::Bucket": 63, "AWS::SQS::Queue": 80, "AWS::CloudTrail::Trail": 128,
}

// suffix returns the end of a generated name: 12 characters, always the same for the same seed.
func suffix(seed string) string {
	sum := sha256.Sum256([]byte(seed))
	return base32.StdEncoding.EncodeToString(sum[:])[:12]
}

// arn returns an ARN of this account and Region.
func (e *Engine) arn(service, resource string) string {
	base := e.Gate.Options()
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", base.Partition, service, base.Region, base.Account, resource)
}

// document reads a policy document, which may be an object or JSON text in a template.
func (p properties) document(name string) string {
	value := p.any(name)
	if text, ok := value.(string); ok || value == nil {
		return text
	}
	text, _ := json.Marshal(value)
	return string(text)
}

// oneOf reads a string that must be one of these values.
func (p properties) oneOf(name string, values ...string) string {
	text := p.text(name)
	if !slices.Contains(values, text) {
		p.wrong(name, "one of "+strings.Join(values, ", "))
	}
	return text
}

// uuid returns an id derived from a name, always the same for the same name.
func uuid(name string) string {
	b := sha256.Sum256([]byte(name))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
