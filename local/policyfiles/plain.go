package policyfiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// readPlain reads a policy, or what the AWS CLI prints of policies.
func (f *Found) readPlain(name string, data []byte, object map[string]json.RawMessage, o Options) error {
	var printed struct {
		Policy       *string // s3api get-bucket-policy
		VpcEndpoints []struct {
			VpcEndpointID  string `json:"VpcEndpointId"`
			VpcID          string `json:"VpcId"`
			ServiceName    string
			PolicyDocument *string
			OwnerID        string `json:"OwnerId"`
		} // ec2 describe-vpc-endpoints
	}
	switch {
	case object["Statement"] != nil:
		return f.addPolicy(name, string(data), o)
	case json.Unmarshal(data, &printed) == nil && printed.Policy != nil:
		o.Kind = audit.KindBucket
		return f.addPolicy(name, *printed.Policy, o)
	case object["VpcEndpoints"] != nil && printed.VpcEndpoints != nil:
		for _, e := range printed.VpcEndpoints {
			if !isS3(e.ServiceName) {
				f.note(name, "%s is not judged: it is an endpoint for %s", e.VpcEndpointID, e.ServiceName)
				continue
			}
			origin := audit.Origin{File: name, Line: lineOf(data, `"`+e.VpcEndpointID+`"`), Address: e.VpcEndpointID}
			document := audit.Document{Origin: origin}
			if e.PolicyDocument != nil {
				document.Text = *e.PolicyDocument
			}
			f.Endpoints = append(f.Endpoints, audit.Endpoint{
				ID: e.VpcEndpointID, VPCID: e.VpcID, Account: e.OwnerID, Region: regionOf(e.ServiceName), Policy: document,
			})
		}
		return nil
	case object == nil:
		_, err := iampolicy.Parse(data)
		return err
	}
	return errors.New("this is neither a policy, nor a CloudFormation template, Terraform's JSON, or CDK's cloud assembly")
}

// isS3 reports whether an endpoint service is Amazon S3's: com.amazonaws.eu-central-1.s3, or in China also with "cn."
// before it.
// https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
func isS3(service string) bool { return strings.HasSuffix(service, ".s3") }

// regionOf returns the Region in the name of an endpoint service; "" if there is none.
func regionOf(service string) string {
	parts := strings.Split(service, ".")
	if len(parts) < 3 || audit.IsUnknown(service) {
		return ""
	}
	return parts[len(parts)-2]
}

// lineOf returns the line of the first place of a text; 1 if it is not there.
func lineOf(data []byte, text string) int {
	before, _, found := strings.Cut(string(data), text)
	if !found {
		return 1
	}
	return strings.Count(before, "\n") + 1
}

// addPolicy adds a policy whose file does not say to what it belongs.
func (f *Found) addPolicy(name, text string, o Options) error {
	p, err := iampolicy.Parse([]byte(text))
	if err != nil {
		return err
	}
	document := audit.Document{Text: text, Origin: audit.Origin{File: name, Line: 1}}
	kind := o.Kind
	if kind == "" {
		if kind, err = kindOf(p); err != nil {
			return err
		}
	}
	if kind == audit.KindEndpoint {
		f.Endpoints = append(f.Endpoints, audit.Endpoint{
			ID: audit.Unknown("endpoint"), Title: "the endpoint of " + name, Account: o.Account, Region: o.Region, Policy: document,
		})
		return nil
	}
	bucket := audit.Bucket{Account: o.Account, Region: o.Region, Policy: document}
	switch names := bucketsOf(p); len(names) {
	case 1:
		bucket.Name = names[0]
	case 0:
		bucket.Title = "the bucket of " + name
	default:
		return fmt.Errorf("it names several buckets: %s", strings.Join(names, ", "))
	}
	f.Buckets = append(f.Buckets, bucket)
	return nil
}

// bucketsOf lists the buckets that a policy's resources name.
func bucketsOf(p *iampolicy.Policy) []string {
	var names []string
	for _, v := range p.Views() {
		for _, r := range v.Resources {
			if name := lock.BucketName(r); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// kindOf finds out to what a policy belongs. A bucket's policy names the bucket in each resource; an endpoint's policy
// usually has "*", several buckets, or a condition on the owner of the resource.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-arn-format.html
func kindOf(p *iampolicy.Policy) (audit.Kind, error) {
	views := p.Views()
	all, owner := true, false
	for _, v := range views {
		if !v.Everyone && !v.NotPrincipal && len(v.Principals)+len(v.Services)+len(v.Others) == 0 {
			return "", errors.New("a statement without Principal: this is the policy of an identity or an organisation")
		}
		for _, r := range v.Resources {
			all = all && r == "*"
			if parts := strings.SplitN(r, ":", 4); len(parts) == 4 && parts[2] != "s3" {
				return "", fmt.Errorf("it is about %s, not about Amazon S3", parts[2])
			}
		}
		for _, a := range v.Actions {
			if prefix, _, found := strings.Cut(a, ":"); found && !strings.HasPrefix(prefix, "s3") && prefix != "*" {
				return "", fmt.Errorf("it is about %s, not about Amazon S3", prefix)
			}
		}
		for _, c := range v.Conditions {
			owner = owner || strings.HasPrefix(c.Key, "aws:Resource") || c.Key == "s3:ResourceAccount"
		}
	}
	if all || owner || len(bucketsOf(p)) > 1 {
		return audit.KindEndpoint, nil
	}
	return audit.KindBucket, nil
}
