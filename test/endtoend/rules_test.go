package endtoend_test

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// deaf are events of calls that must match no rule: they concern other resources, changed nothing, or are our own.
var deaf = map[string]func(*scene) events.Event{
	"of another bucket": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) {
			detail["requestParameters"] = map[string]any{"bucketName": "somebody-elses"}
		})
	},
	"of a call that failed": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) { detail["errorCode"] = "AccessDenied" })
	},
	"of our own role": func(s *scene) events.Event {
		return s.called("PutBucketPolicy", func(_, detail events.Event) {
			detail["userIdentity"] = map[string]any{
				"type": "AssumedRole", "sessionContext": map[string]any{"sessionIssuer": map[string]any{"arn": s.role}},
			}
		})
	},
	"of another endpoint": func(s *scene) events.Event {
		return s.called("ModifyVpcEndpoint", func(event, detail events.Event) {
			event["source"], detail["eventSource"] = "aws.ec2", "ec2.amazonaws.com"
			detail["requestParameters"] = map[string]any{"ModifyVpcEndpointRequest": map[string]any{"VpcEndpointId": "vpce-0f"}}
		})
	},
	"of another stack": func(s *scene) events.Event {
		return events.Event{
			"source": "aws.cloudformation", "detail-type": "CloudFormation Stack Status Change",
			"detail": map[string]any{"stack-id": s.stack.ID() + "x", "status-details": map[string]any{"status": "UPDATE_COMPLETE"}},
		}
	},
}

func TestEventsOfOthersWakeNobody(t *testing.T) {
	t.Parallel()
	for name, event := range deaf {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.watch(func() { s.must(s.Events.Put(event(s))) }).runs(t, 0)
		})
	}
}

func TestACallThatFailedWakesNobody(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	r := s.watch(func() {
		if err := s.putsBucketPolicy(everybody); err == nil {
			t.Fatal("S3 accepted a public policy although Block Public Access is on")
		}
	})
	r.runs(t, 0)
}

// An event that a rule cannot deliver to the function goes to the rules' own dead-letter queue.
func TestAnEventThatCannotBeDeliveredIsKept(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.must(s.Lambda.Forbid(s.function, s.stack.Physical("BucketRulePermission")))
	r := s.watch(func() { s.must(s.deletesBucketPolicy()) })
	r.runs(t, 0)
	letters := s.SQS.Messages(s.stack.Attribute("DeadLetterQueue", "Arn"))
	if len(letters) != 1 || !strings.Contains(letters[0].Body, "DeleteBucketPolicy") {
		t.Errorf("the rules' dead-letter queue holds %v, want the event", letters)
	}
	s.watch(s.sweep)
	s.isDesired()
}

func TestEveryRuleMayInvokeItsTargets(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			for _, rule := range s.Events.Rules() {
				if rule.Targets[0].DeadLetterARN != s.stack.Attribute("DeadLetterQueue", "Arn") {
					t.Errorf("rule %s keeps no undelivered events", rule.Name)
				}
				for _, target := range rule.Targets {
					source := lambda.Source{Service: "events.amazonaws.com", ARN: rule.ARN, Account: "111122223333"}
					if _, err := s.Lambda.InvokeFrom(source, target.ARN, nil); err != nil {
						t.Errorf("rule %s may not invoke its target %s: %v", rule.Name, target.ID, err)
					}
				}
			}
			other := lambda.Source{Service: "events.amazonaws.com", ARN: "arn:aws:events:eu-central-1:111122223333:rule/other", Account: "111122223333"}
			if _, err := s.Lambda.InvokeFrom(other, s.function, nil); err == nil {
				t.Error("all rules may invoke the function")
			}
			s.rest()
		})
	}
}
