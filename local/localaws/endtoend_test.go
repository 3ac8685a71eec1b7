package localaws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// scene is the deployed stack with its real function. Its methods change the bucket and check the result.
type scene struct {
	*testing.T
	*localaws.Cloud
	stack  *deployment.Stack
	bucket string
	admin  *s3.Client
}

func newScene(t *testing.T, parameters map[string]string) scene {
	t.Helper()
	c, stack := guarded(t, parameters)
	c.Gate.ResetCalls()
	return scene{T: t, Cloud: c, stack: stack, bucket: stack.Physical("Bucket"), admin: s3As(c, c.Admin(), c.Internet())}
}

// opens puts the article's public policy, after it has switched Block Public Access off.
func (s scene) opens() {
	s.Helper()
	if _, err := s.admin.PutPublicAccessBlock(s.Context(), &s3.PutPublicAccessBlockInput{
		Bucket: &s.bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{},
	}); err != nil {
		s.Fatal(err)
	}
	s.puts(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"Access-from-everywhere","Effect":"Allow",
		"Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]}]}`, s.bucket))
}

func (s scene) puts(policy string) {
	s.Helper()
	if _, err := s.admin.PutBucketPolicy(s.Context(), &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &policy}); err != nil {
		s.Fatal(err)
	}
}

// listing lists the bucket as an anonymous caller on the internet, and returns the error code, or "".
func (s scene) listing() string {
	_, err := s3As(s.Cloud, s.Stranger(), s.Internet()).ListObjectsV2(s.Context(), &s3.ListObjectsV2Input{Bucket: &s.bucket})
	if refusal, ok := errors.AsType[smithy.APIError](err); ok {
		return refusal.ErrorCode()
	}
	return ""
}

// writes counts the successful management writes of the guard.
func (s scene) writes() int { return s.writesOf(s.stack.Physical("RemediateRole")) }

// writesOf counts the successful management writes of a role.
func (s scene) writesOf(role string) int {
	n := 0
	for _, call := range s.Gate.Calls() {
		if call.Write && call.ErrorCode == "" && strings.Contains(call.Caller, role) {
			n++
		}
	}
	return n
}

// messages returns the messages of the function's log lines.
func (s scene) messages() []string {
	var all []string
	for _, line := range s.Lambda.Logs(s.stack.Physical("RemediateFunction")) {
		if message, ok := line.Fields["message"].(string); ok {
			all = append(all, message)
		}
	}
	return all
}

// isLocked fails the test unless both policies are as desired and an anonymous caller is denied.
func (s scene) isLocked() {
	s.Helper()
	rest(s.T, s.Cloud)
	same(s.T, "bucket policy", bucketPolicy(s.T, s.Cloud, s.bucket), s.stack.Attribute("BucketPolicyDocument", "Value"))
	endpoint, _ := s.EC2.Endpoint(s.stack.Endpoint())
	same(s.T, "endpoint policy", endpoint.Policy, s.stack.Attribute("EndpointPolicyDocument", "Value"))
	if got := s.listing(); got != "AccessDenied" {
		s.Errorf("the bucket's listing for an anonymous caller = %q, want AccessDenied", got)
	}
}

func TestAnOpenedBucketIsLockedAgain(t *testing.T) {
	t.Parallel()
	for name, parameters := range map[string]map[string]string{
		"behind an interface endpoint": nil, "behind a gateway endpoint": {"EndpointType": "Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, parameters)
			s.Events.Hold()
			s.opens()
			if got := s.listing(); got != "" {
				t.Fatalf("the opened bucket's listing for an anonymous caller = %s, want its objects", got)
			}
			s.Events.Release(nil)
			s.isLocked()
			if got := len(s.SNS.Messages(s.stack.Physical("NotificationTopic"))); got == 0 {
				t.Error("the topic got no message")
			}
		})
	}
}

func TestAnEndpointOpenedToEverythingIsLockedAgain(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	client := ec2.NewFromConfig(s.Config(s.Admin(), s.Internet()))
	if _, err := client.ModifyVpcEndpoint(t.Context(), &ec2.ModifyVpcEndpointInput{
		VpcEndpointId: aws.String(s.stack.Endpoint()), ResetPolicy: aws.Bool(true),
	}); err != nil {
		t.Fatal(err)
	}
	s.isLocked()
	if got := s.writes(); got != 1 {
		t.Errorf("the guard wrote %d times, want once", got)
	}
}

func TestTheSweepCorrectsWhatNoEventTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	s.Events.Disturb(events.Disturbance{Lose: true})
	s.opens()
	rest(t, s.Cloud)
	if got := s.writes(); got != 0 {
		t.Fatalf("the guard wrote %d times before the sweep, want never", got)
	}
	s.Events.Sweep()
	s.isLocked()
}

func TestTheGuardWritesNothingWithoutDrift(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(scene){
		"when swept":                func(s scene) { s.Events.Sweep() },
		"of a reordered policy":     func(s scene) { s.puts(reordered(s.T, s.stack.Attribute("BucketPolicyDocument", "Value"))) },
		"when an event is doubled":  func(s scene) { s.Events.Disturb(events.Disturbance{Double: true}); s.puts(s.desired()) },
		"when an event is forged":   func(s scene) { s.forges("PutBucketPolicy") },
		"when an event is nonsense": func(s scene) { s.forges("DeleteBucket") },
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, nil)
			disturb(s)
			s.isLocked()
			if got := s.writes(); got != 0 {
				t.Errorf("the guard wrote %d times, want never: %q", got, s.messages())
			}
		})
	}
}

func (s scene) desired() string { return s.stack.Attribute("BucketPolicyDocument", "Value") }

func (s scene) forges(name string) {
	s.Helper()
	if err := s.Events.Put(events.Event{
		"source": "aws.s3", "detail-type": "AWS API Call via CloudTrail", "detail": map[string]any{
			"eventName": name, "requestParameters": map[string]any{"bucketName": s.bucket, "bucketPolicy": "what I say it is"},
		},
	}); err != nil {
		s.Fatal(err)
	}
	if rest(s.T, s.Cloud); len(s.messages()) == 0 {
		s.Error("the forged event did not reach the function")
	}
}

// reordered returns a policy with its first and last statement exchanged.
func reordered(t *testing.T, policy string) string {
	t.Helper()
	var document struct {
		Version   string
		Statement []json.RawMessage
	}
	if err := json.Unmarshal([]byte(policy), &document); err != nil {
		t.Fatal(err)
	}
	last := len(document.Statement) - 1
	document.Statement[0], document.Statement[last] = document.Statement[last], document.Statement[0]
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheGuardStandsDownDuringAnUpdateAndCatchesUpAfterIt(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	s.stack.BeginUpdate()
	rest(t, s.Cloud)
	s.opens()
	rest(t, s.Cloud)
	if got := s.writes(); got != 0 {
		t.Errorf("the guard wrote %d times during the update, want never: %q", got, s.messages())
	}
	s.stack.CompleteUpdate()
	s.isLocked()
}

func TestWhatOnlyObservesWritesNothing(t *testing.T) {
	t.Parallel()
	s := newScene(t, map[string]string{"Enforcement": "Observe"})
	s.opens()
	rest(t, s.Cloud)
	if got := s.writes(); got != 0 {
		t.Errorf("the guard wrote %d times, want never", got)
	}
	if err := s.stack.Update(t.Context(), plan(t, nil)); err != nil {
		t.Fatal(err)
	}
	s.isLocked()
}

func TestADeletedStackIsNotFought(t *testing.T) {
	t.Parallel()
	s := newScene(t, nil)
	guard := s.stack.Physical("RemediateRole")
	if err := s.stack.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	rest(t, s.Cloud)
	checkGone(t, s.Cloud, s.stack)
	if got := s.writesOf(guard); got != 0 {
		t.Errorf("the guard wrote %d times while its stack was deleted, want never", got)
	}
}
