package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// attack is what an administrator does to the lock.
type attack struct {
	name  string
	calls []func(context.Context, *scene) error
}

// openBucket makes two properties drift, like the demo's attack "Open the bucket".
var openBucket = attack{"public access block off, bucket open", []func(context.Context, *scene) error{
	func(ctx context.Context, s *scene) error {
		_, err := s.s3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &s.bucket})
		return err
	},
	putsPolicy(`{"Sid":"Everywhere","Effect":"Allow","Principal":"*","Action":"s3:*",
		"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}`),
}}

// admitAccount makes one property drift.
var admitAccount = attack{"one more Allow, for another account", adds(
	`{"Sid":"Partner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"s3:*",
	"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}`)}

// attacks are the demo's attacks on the bucket and the endpoint, and others.
var attacks = []attack{
	openBucket,
	{"bucket policy deleted", []func(context.Context, *scene) error{func(ctx context.Context, s *scene) error {
		_, err := s.s3.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &s.bucket})
		return err
	}}},
	{"endpoint policy: full access", []func(context.Context, *scene) error{func(ctx context.Context, s *scene) error {
		_, err := s.ec2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &s.endpoint, ResetPolicy: aws.Bool(true)})
		return err
	}}},
	{"lifecycle: everything expires", []func(context.Context, *scene) error{expiresEverything}},
	admitAccount,
	{"one more Allow, with aws:SourceIp", adds(
		`{"Sid":"Office","Effect":"Allow","Principal":"*","Action":"s3:GetBucketAcl",
		"Resource":"arn:aws:s3:::%[1]s","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}}`)},
	{"one more Allow, for a service principal", adds(
		`{"Sid":"Service","Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:GetBucketAcl",
		"Resource":"arn:aws:s3:::%[1]s"}`)},
	{"one more Deny, which locks the app out", adds(
		`{"Sid":"Out","Effect":"Deny","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::%[1]s/*"}`)},
	{"ownership: access control lists on", []func(context.Context, *scene) error{switchesListsOn}},
	{"versioning suspended", []func(context.Context, *scene) error{func(ctx context.Context, s *scene) error {
		_, err := s.s3.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
			Bucket: &s.bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended},
		})
		return err
	}}},
}

func expiresEverything(ctx context.Context, s *scene) error {
	_, err := s.s3.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
		Bucket: &s.bucket, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
			ID: aws.String("cleanup"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
			Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)},
		}}},
	})
	return err
}

func switchesListsOn(ctx context.Context, s *scene) error {
	_, err := s.s3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
		Bucket: &s.bucket, OwnershipControls: &types.OwnershipControls{
			Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerPreferred}},
		},
	})
	return err
}

// adds is a call that adds a statement to the bucket policy. %[1]s is the bucket's name.
func adds(statement string) []func(context.Context, *scene) error {
	return []func(context.Context, *scene) error{func(ctx context.Context, s *scene) error {
		var policy object
		if err := json.Unmarshal([]byte(s.stack.Attribute("BucketPolicyDocument", "Value")), &policy); err != nil {
			return err
		}
		statements, _ := policy["Statement"].([]any)
		policy["Statement"] = append(statements, json.RawMessage(fmt.Sprintf(statement, s.bucket)))
		document, err := json.Marshal(policy)
		if err != nil {
			return err
		}
		return s.puts(ctx, string(document))
	}}
}

// putsPolicy is a call that replaces the bucket policy by one statement. %[1]s is the bucket's name.
func putsPolicy(statement string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		return s.puts(ctx, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[`+statement+`]}`, s.bucket))
	}
}

// puts replaces the bucket policy.
func (s *scene) puts(ctx context.Context, document string) error {
	_, err := s.s3.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &document})
	return err
}
