package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// attack is what an administrator, or an intruder with an administrator's credentials, does to the lock or the guard.
type attack struct {
	// name identifies it, title and effect describe it to people.
	name, title, effect string
	steps               []step
}

// step is one call of an attack.
type step struct {
	// what is the call's name in the demo's text.
	what string
	do   func(context.Context, *callers) error
	// command returns the arguments with which the AWS CLI makes the same call.
	command func(*callers) ([]string, error)
}

// The attacks of the demo.
var (
	openTheBucket = attack{"open-bucket", "Open the bucket",
		"Block Public Access off, then the article's policy: strangers can list it and read versions.",
		[]step{deletePublicAccessBlock, putArticlePolicy}}
	openTheEndpoint = attack{"open-endpoint", "Open the endpoint",
		"Its policy is set to full access: data can leave to a bucket of another account.",
		[]step{resetEndpointPolicy}}
	deleteThePolicy = attack{"delete-policy", "Delete the policy",
		"Administrators can read the objects from the internet.",
		[]step{deleteBucketPolicy}}
	reorderThePolicy = attack{"reorder-policy", "Reorder the policy",
		"The meaning is the same, so the guard leaves it alone.",
		[]step{putReorderedPolicy}}
	expireEverything = attack{"expire-everything", "Expire everything",
		"A lifecycle rule lets S3 itself delete all objects, from tomorrow on. No policy can deny that.",
		[]step{putExpiration}}
	disableTheRule = attack{"disable-rule", "Disable the rule",
		"Changes of the bucket start no run: the sweep finds them, and the alarm RuleOff rings.",
		[]step{disableRule}}
	enableTheRule = attack{"enable-rule", "Enable the rule again", "Ends the attack above.", []step{enableRule}}
)

// attacks are all attacks, in the order of the demo.
var attacks = []attack{openTheBucket, openTheEndpoint, deleteThePolicy, reorderThePolicy, expireEverything, disableTheRule, enableTheRule}

var deletePublicAccessBlock = step{
	"DeletePublicAccessBlock",
	func(ctx context.Context, c *callers) error {
		_, err := c.adminAway.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: &c.bucket})
		return err
	},
	func(c *callers) ([]string, error) {
		return []string{"s3api", "delete-public-access-block", "--bucket", c.bucket}, nil
	},
}

var putArticlePolicy = putPolicyStep("PutBucketPolicy: the article's", func(c *callers) (string, error) {
	return articleBucketPolicy(c.bucket, c.endpoint), nil
})

var putReorderedPolicy = putPolicyStep("PutBucketPolicy: the same, reordered", func(c *callers) (string, error) {
	return reverseStatements(c.cloud.S3.Policy(c.bucket))
})

// putPolicyStep is a call of PutBucketPolicy with a policy.
func putPolicyStep(what string, policy func(*callers) (string, error)) step {
	return step{
		what,
		func(ctx context.Context, c *callers) error {
			document, err := policy(c)
			if err != nil {
				return err
			}
			_, err = c.adminAway.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: &c.bucket, Policy: &document})
			return err
		},
		func(c *callers) ([]string, error) {
			document, err := policy(c)
			return []string{"s3api", "put-bucket-policy", "--bucket", c.bucket, "--policy", strings.Join(strings.Fields(document), " ")}, err
		},
	}
}

var deleteBucketPolicy = step{
	"DeleteBucketPolicy",
	func(ctx context.Context, c *callers) error {
		_, err := c.adminAway.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &c.bucket})
		return err
	},
	func(c *callers) ([]string, error) {
		return []string{"s3api", "delete-bucket-policy", "--bucket", c.bucket}, nil
	},
}

// expiration are lifecycle rules that delete all objects after a day, and what is then left of them.
const expiration = `{"Rules":[{"ID":"cleanup","Status":"Enabled","Filter":{"Prefix":""},` +
	`"Expiration":{"Days":1},"NoncurrentVersionExpiration":{"NoncurrentDays":1}}]}`

var putExpiration = step{
	"PutBucketLifecycle: all expires in a day",
	func(ctx context.Context, c *callers) error {
		var rules types.BucketLifecycleConfiguration
		if err := json.Unmarshal([]byte(expiration), &rules); err != nil {
			return err
		}
		_, err := c.adminAway.PutBucketLifecycleConfiguration(ctx, &s3.PutBucketLifecycleConfigurationInput{
			Bucket: &c.bucket, LifecycleConfiguration: &rules,
		})
		return err
	},
	func(c *callers) ([]string, error) {
		return []string{"s3api", "put-bucket-lifecycle-configuration", "--bucket", c.bucket, "--lifecycle-configuration", expiration}, nil
	},
}

var resetEndpointPolicy = step{
	"ModifyVpcEndpoint: full access",
	func(ctx context.Context, c *callers) error {
		_, err := c.adminEC2.ModifyVpcEndpoint(ctx, &ec2.ModifyVpcEndpointInput{VpcEndpointId: &c.endpoint, ResetPolicy: aws.Bool(true)})
		return err
	},
	func(c *callers) ([]string, error) {
		return []string{"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", c.endpoint, "--reset-policy"}, nil
	},
}

var disableRule = step{
	"DisableRule: bucket changes trigger no run",
	func(ctx context.Context, c *callers) error {
		_, err := c.adminRules.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String(c.bucketRule())})
		return err
	},
	func(c *callers) ([]string, error) {
		return []string{"events", "disable-rule", "--name", c.bucketRule()}, nil
	},
}

var enableRule = step{
	"EnableRule",
	func(ctx context.Context, c *callers) error {
		_, err := c.adminRules.EnableRule(ctx, &eventbridge.EnableRuleInput{Name: aws.String(c.bucketRule())})
		return err
	},
	func(c *callers) ([]string, error) {
		return []string{"events", "enable-rule", "--name", c.bucketRule()}, nil
	},
}

// bucketRule is the name of the rule that starts the guard after a change of the bucket.
func (c *callers) bucketRule() string { return c.stack.Physical("BucketRule") }

// run makes the attack's calls.
func (a attack) run(ctx context.Context, c *callers) error {
	for _, step := range a.steps {
		if err := step.do(ctx, c); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// commands returns the lines of a shell with which the AWS CLI makes the same calls.
func (a attack) commands(c *callers) (string, error) {
	var lines []string
	for _, step := range a.steps {
		arguments, err := step.command(c)
		if err != nil {
			return "", fmt.Errorf("writing the command of %s: %w", step.what, err)
		}
		words := []string{"aws"}
		for _, argument := range arguments {
			words = append(words, quoted(argument))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return strings.Join(lines, "\n"), nil
}

// quoted quotes a word for a shell if it needs quotes.
func quoted(word string) string {
	if word != "" && !strings.ContainsAny(word, " \"'\\$`*?[]{}()<>|&;#~!\n\t") {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// reverseStatements returns a policy with its statements in the opposite order.
func reverseStatements(document string) (string, error) {
	var policy map[string]any
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return "", fmt.Errorf("reading the live policy: %w", err)
	}
	statements, _ := policy["Statement"].([]any)
	slices.Reverse(statements)
	text, err := json.Marshal(policy)
	return string(text), err
}
