package policyfiles

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// The resource types in which policies and settings stand.
const (
	bucketType   = "AWS::S3::Bucket"
	policyType   = "AWS::S3::BucketPolicy"
	endpointType = "AWS::EC2::VPCEndpoint"
)

// stackReader reads one template.
type stackReader struct {
	found *Found
	file  string
	o     Options
}

// readTemplate reads a CloudFormation or SAM template.
func (f *Found) readTemplate(name string, data []byte, o Options) error {
	stack := samtemplate.Options{
		Parameters: o.Parameters, Region: o.Region, AccountID: o.Account, StackName: fmt.Sprintf("stack%d", len(f.Texts)),
	}
	t, err := samtemplate.ReadForeign(data, samtemplate.ForeignOptions{
		Options: stack, Types: []string{bucketType, policyType, endpointType}, Unknown: audit.Unknown, IsUnknown: audit.IsUnknown,
	})
	if err != nil {
		return fmt.Errorf("reading it as a CloudFormation template: %w", err)
	}
	for _, p := range t.Parameters {
		f.used[p] = true
	}
	for _, n := range t.Notes {
		f.note(name, "%s", n)
	}
	if o.Account == "" && len(t.Resources) > 0 {
		f.note(name, "AWS::AccountId is taken as %s (--account says otherwise)", inventedAccount)
	}
	r := stackReader{f, name, o}
	if r.o.Account == "" {
		r.o.Account = inventedAccount
	}
	for _, resource := range t.Resources {
		if resource.Condition != "" {
			f.note(name, "%s is judged as if its condition %s held, which is not known", resource.LogicalID, resource.Condition)
		}
		switch resource.Type {
		case bucketType:
			r.bucket(resource)
		case policyType:
			r.policy(resource)
		case endpointType:
			r.endpoint(resource)
		}
	}
	return nil
}

// inventedAccount is the account of a stack if it is not known, as in package samtemplate.
const inventedAccount = "111122223333"

func (r stackReader) origin(resource samtemplate.ForeignResource) audit.Origin {
	return audit.Origin{File: r.file, Line: resource.Line, Address: "Resources." + resource.LogicalID}
}

// add returns the bucket that a resource of the stack is about.
func (r stackReader) add(name string) *audit.Bucket {
	b := r.found.bucket(name)
	b.Account, b.Region = r.o.Account, r.o.Region
	return b
}

func (r stackReader) bucket(resource samtemplate.ForeignResource) {
	b := r.add(resource.Ref)
	b.Title = resource.Ref
	if _, named := resource.Properties["BucketName"].(string); !named {
		b.Title = resource.LogicalID
		r.found.note(r.file, "%s stands for the name of %s", resource.Ref, resource.LogicalID)
	}
	if value, ok := resource.Properties["PublicAccessBlockConfiguration"]; ok {
		settings, isObject := value.(map[string]any)
		flag := func(name string) audit.Flag {
			if !isObject {
				return audit.NotKnown
			}
			return flagOf(settings[name])
		}
		b.PublicAccessBlock = &audit.PublicAccessBlock{
			BlockPublicAcls: flag("BlockPublicAcls"), IgnorePublicAcls: flag("IgnorePublicAcls"),
			BlockPublicPolicy: flag("BlockPublicPolicy"), RestrictPublicBuckets: flag("RestrictPublicBuckets"),
			Origin: r.origin(resource),
		}
	}
	if value, ok := resource.Properties["OwnershipControls"]; ok {
		b.Ownership = &audit.Ownership{Value: ruleOf(value), Origin: r.origin(resource)}
	}
}

// flagOf reads a setting: a Boolean, or its text. Without a value it is off.
func flagOf(value any) audit.Flag {
	switch text := fmt.Sprint(value); {
	case value == nil || strings.EqualFold(text, "false"):
		return audit.Off
	case strings.EqualFold(text, "true"):
		return audit.On
	}
	return audit.NotKnown
}

// ruleOf returns the setting in OwnershipControls, which has exactly one rule.
func ruleOf(value any) string {
	controls, _ := value.(map[string]any)
	rules, _ := controls["Rules"].([]any)
	if len(rules) == 1 {
		rule, _ := rules[0].(map[string]any)
		if text, ok := rule["ObjectOwnership"].(string); ok {
			return text
		}
	}
	return audit.Unknown("OwnershipControls")
}

func (r stackReader) policy(resource samtemplate.ForeignResource) {
	name, _ := resource.Properties["Bucket"].(string)
	if name == "" {
		name = audit.Unknown("Bucket of " + resource.LogicalID)
	}
	r.add(name).Policy = r.document(resource)
}

// document reads PolicyDocument, which may also be a text.
func (r stackReader) document(resource samtemplate.ForeignResource) audit.Document {
	d := audit.Document{Origin: r.origin(resource)}
	switch v := resource.Properties["PolicyDocument"].(type) {
	case nil:
	case string:
		d.Text = v
		if unknown := audit.Unknowns(v); len(unknown) > 0 && !strings.HasPrefix(strings.TrimSpace(v), "{") {
			d.Text, d.Unread = "", strings.Join(unknown, ", ")
		}
	default:
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			d.Unread = err.Error()
		}
		d.Text = strings.TrimSpace(text.String())
	}
	return d
}

func (r stackReader) endpoint(resource samtemplate.ForeignResource) {
	service, _ := resource.Properties["ServiceName"].(string)
	if !isS3(service) {
		if audit.IsUnknown(service) {
			r.found.note(r.file, "the endpoint %s is not judged: its service is not known (%s)", resource.LogicalID, service)
		}
		return
	}
	vpc, _ := resource.Properties["VpcId"].(string)
	r.found.note(r.file, "%s stands for the id of %s", resource.Ref, resource.LogicalID)
	r.found.Endpoints = append(r.found.Endpoints, audit.Endpoint{
		ID: resource.Ref, Title: resource.LogicalID, VPCID: vpc, Account: r.o.Account, Region: r.o.Region,
		Policy: r.document(resource),
	})
}
