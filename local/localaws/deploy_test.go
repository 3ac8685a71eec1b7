package localaws_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

func TestDeployCreatesWhatTheTemplateSays(t *testing.T) {
	for name, parameters := range map[string]map[string]string{
		"by default":            {},
		"a gateway endpoint":    {"EndpointType": "Gateway"},
		"without a trail":       {"CreateTrail": "false"},
		"gateway, no trail":     {"EndpointType": "Gateway", "CreateTrail": "false"},
		"with everything extra": {"AlarmEmail": "a@example.com", "AppIngressCidr": "203.0.113.7/32", "ReservedConcurrency": "2", "SweepSeconds": "5"},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t)
			s := deploy(t, c, plan(t, parameters))
			if got := s.Status(); got != "CREATE_COMPLETE" {
				t.Errorf("Status = %s, want CREATE_COMPLETE", got)
			}
			checkOutputs(t, s)
			same(t, "bucket policy", bucketPolicy(t, c, s.Physical("Bucket")), s.Attribute("BucketPolicyDocument", "Value"))
			endpoint, _ := c.EC2.Endpoint(s.Endpoint())
			same(t, "endpoint policy", endpoint.Policy, s.Attribute("EndpointPolicyDocument", "Value"))
			if got, want := len(c.Events.Trails()) == 1, parameters["CreateTrail"] != "false"; got != want {
				t.Errorf("there is a trail: %v, want %v", got, want)
			}
			checkRules(t, c, s)
			rest(t, c)
			if err := s.Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkGone(t, c, s)
		})
	}
}

func checkOutputs(t *testing.T, s *deployment.Stack) {
	t.Helper()
	outputs, err := s.Outputs()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := outputs["EndpointId"], s.Endpoint(); got != want || want == "" {
		t.Errorf("output EndpointId = %q, want %q", got, want)
	}
	if got, want := outputs["BucketName"], s.Physical("Bucket"); got != want || want == "" {
		t.Errorf("output BucketName = %q, want %q", got, want)
	}
}

func same(t *testing.T, what, live, desired string) {
	t.Helper()
	a, err := iampolicy.Parse([]byte(live))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	b, err := iampolicy.Parse([]byte(desired))
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !iampolicy.Equal(a, b) {
		t.Errorf("%s = %s, want %s", what, live, desired)
	}
}

// checkRules checks that each rule has its function as its first target.
func checkRules(t *testing.T, c *localaws.Cloud, s *deployment.Stack) {
	t.Helper()
	rules := c.Events.Rules()
	if len(rules) < 5 {
		t.Errorf("there are %d rules, want at least 5", len(rules))
	}
	others := map[string]string{
		s.Physical("HealthcheckRule"): s.Attribute("HealthcheckFunction", "Arn"),
		s.Physical("TamperRule"):      s.Attribute("HealthcheckFunction", "Arn"),
		s.Physical("WatchRule"):       s.Attribute("HealthcheckFunction", "Arn"),
		s.Physical("ProbeRule"):       s.Attribute("ProbeAFunction", "Arn"),
	}
	for _, r := range rules {
		want, ok := others[r.Name]
		if !ok {
			want = s.Attribute("RemediateFunction", "Arn")
		}
		if len(r.Targets) == 0 || r.Targets[0].ARN != want {
			t.Errorf("rule %s has the targets %+v, want %s", r.Name, r.Targets, want)
		}
	}
}

// checkGone checks that a deleted stack left no resources.
func checkGone(t *testing.T, c *localaws.Cloud, s *deployment.Stack) {
	t.Helper()
	if got := s.Status(); got != "DELETE_COMPLETE" {
		t.Errorf("Status = %s, want DELETE_COMPLETE", got)
	}
	if left := c.Leftovers(); len(left) > 0 {
		t.Errorf("%q are left, want nothing", left)
	}
}

func TestDeployRefusesWhatTheDoubleDoesNotKnow(t *testing.T) {
	for name, c := range map[string]struct{ resources, want string }{
		"a type": {
			"  Table: {Type: AWS::DynamoDB::Table}\n",
			"creating Table: the local AWS does not know the type AWS::DynamoDB::Table",
		},
		"a property": {
			"  B: {Type: AWS::S3::Bucket, Properties: {AccelerateConfiguration: {AccelerationStatus: Enabled}}}\n",
			"creating B: the local AWS does not know the property AccelerateConfiguration",
		},
		"a property within a property": {
			"  B: {Type: AWS::S3::Bucket, Properties: {VersioningConfiguration: {Status: Enabled, MFADelete: Enabled}}}\n",
			"creating B: the local AWS does not know the property VersioningConfiguration.MFADelete",
		},
		"a property within a list": {
			"  R:\n    Type: AWS::Events::Rule\n    Properties:\n      ScheduleExpression: rate(1 minute)\n" +
				"      Targets: [{Id: a, Arn: b, InputPath: $.detail}]\n",
			"creating R: the local AWS does not know the property Targets[0].InputPath",
		},
		"a value of the wrong type": {
			"  V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, EnableDnsSupport: perhaps}}\n",
			"property EnableDnsSupport is perhaps, want a boolean",
		},
		"a parameter over 4 KB": {
			"  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: " + strings.Repeat("x", 4097) + "}}\n",
			"standard tier parameters support a maximum parameter value of 4096 characters, this has 4097",
		},
		"a trail whose bucket does not let it in": {
			"  B: {Type: AWS::S3::Bucket}\n" +
				"  P:\n    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: !Ref B\n      PolicyDocument:\n" +
				"        Version: '2012-10-17'\n        Statement:\n" +
				"          - {Effect: Deny, Principal: '*', Action: 's3:PutObject', Resource: !Sub '${B.Arn}/*'}\n" +
				"  T: {Type: AWS::CloudTrail::Trail, DependsOn: P, Properties: {S3BucketName: !Ref B, IsLogging: true}}\n",
			"incorrect S3 bucket policy is detected",
		},
	} {
		t.Run(name, func(t *testing.T) {
			aws := cloud(t)
			p := inline(t, "  First: {Type: AWS::S3::Bucket}\n"+c.resources)
			_, err := aws.Deploy(t.Context(), p, ending)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Deploy = %v, want …%s", err, c.want)
			}
			stack, _ := aws.CloudFormation.Stack(p.Options().StackID)
			buckets, err := s3As(aws, aws.Admin(), aws.Internet()).ListBuckets(t.Context(), &s3.ListBucketsInput{})
			if err != nil {
				t.Fatal(err)
			}
			if stack.Status != "ROLLBACK_COMPLETE" || len(buckets.Buckets) != 0 {
				t.Errorf("the stack ended as %s with %d buckets left, want ROLLBACK_COMPLETE with none", stack.Status, len(buckets.Buckets))
			}
		})
	}
}

// A creation that is rolled back keeps what the template retains, but not what it retains except on create.
func TestARollbackKeepsWhatIsRetained(t *testing.T) {
	aws := cloud(t)
	s, err := aws.Deploy(t.Context(), inline(t, "  Kept: {Type: AWS::S3::Bucket, DeletionPolicy: Retain, Properties: {BucketName: kept}}\n"+
		"  Excepted: {Type: AWS::S3::Bucket, DeletionPolicy: RetainExceptOnCreate, Properties: {BucketName: excepted}}\n"+
		"  TooLong: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: "+strings.Repeat("x", 4097)+"}}\n"), ending)
	if err == nil {
		t.Fatal("Deploy = nil, want an error")
	}
	if got, want := aws.Leftovers(), []string{"bucket kept"}; !slices.Equal(got, want) {
		t.Errorf("the rollback left %q, want %q", got, want)
	}
	again := inline(t, "  Other: {Type: AWS::S3::Bucket}\n")
	if _, err := aws.Deploy(t.Context(), again, ending); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("Deploy beside the stack that was rolled back = %v, want that it already exists", err)
	}
	if err := s.Delete(t.Context()); err != nil || !slices.Equal(aws.Leftovers(), []string{"bucket kept"}) {
		t.Errorf("Delete = %v with %q left, want the bucket kept", err, aws.Leftovers())
	}
}

func TestDeployRefusesASecondStackOfTheName(t *testing.T) {
	c := cloud(t)
	p := inline(t, "  B: {Type: AWS::S3::Bucket}\n")
	deploy(t, c, p)
	if _, err := c.Deploy(t.Context(), p, ending); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("Deploy = %v, want that the stack already exists", err)
	}
}

// busyAlarm is an alarm with a name of its own.
const busyAlarm = "{Type: AWS::CloudWatch::Alarm, Properties: {AlarmName: busy, MetricName: M, Namespace: N, Statistic: Sum, Period: 60, " +
	"EvaluationPeriods: 1, Threshold: %d, ComparisonOperator: GreaterThanThreshold}}\n"

// CloudFormation refuses a name that is taken, also where the service would overwrite the resource.
func TestANameIsThatOfOneResourceInAllStacks(t *testing.T) {
	c := cloud(t)
	first := deploy(t, c, inline(t, "  Alarm: "+fmt.Sprintf(busyAlarm, 1)))
	taken := "busy already exists in stack " + first.ID()
	keeps := func(when string) {
		t.Helper()
		if all := c.CloudWatch.Alarms(); len(all) != 1 || all[0].Name != "busy" || all[0].Threshold != 1 {
			t.Errorf("%s there are the alarms %+v, want the first one, unchanged", when, all)
		}
	}
	again := "  Again: " + fmt.Sprintf(busyAlarm, 2)
	for name, p := range map[string]*samtemplate.Plan{
		"other": inline(t, again), "nesting": nestedPlan(t, strings.Replace(innerTemplate, "Resources:\n", "Resources:\n"+again, 1), nil),
	} {
		p := localtest.Must(p.Named(name, c.CloudFormation.StackID(name)))(t)
		s, err := c.Deploy(t.Context(), p, ending)
		if err == nil || !strings.Contains(err.Error(), "creating Again: "+taken) || s.Status() != "ROLLBACK_COMPLETE" {
			t.Errorf("Deploy(%s) = %v, and the stack ended as %s, want …%s, and ROLLBACK_COMPLETE", name, err, s.Status(), taken)
		}
		keeps("after the deployment of " + name)
	}
	if err := first.Update(t.Context(), inline(t, again)); err == nil || !strings.Contains(err.Error(), "Again: "+taken) {
		t.Errorf("Update to another resource of the name = %v, want …%s", err, taken)
	}
	keeps("after the update")
	if err := first.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	free := localtest.Must(inline(t, "  Topic: {Type: AWS::SNS::Topic, Properties: {TopicName: busy}}\n"+again).Named("free", c.CloudFormation.StackID("free")))(t)
	if _, err := c.Deploy(t.Context(), free, ending); err != nil {
		t.Errorf("Deploy after the first stack's deletion, with a topic of the same name = %v", err)
	}
}

func TestDeployIsRecordedAsCloudFormationsWork(t *testing.T) {
	c := cloud(t)
	deploy(t, c, plan(t, nil))
	for _, name := range []string{"CreateBucket", "PutBucketPolicy", "PutBucketPublicAccessBlock", "CreateVpcEndpoint"} {
		at := slices.IndexFunc(c.Events.Records(), func(r events.Event) bool { return r["eventName"] == name })
		if at < 0 {
			t.Errorf("there is no record of %s", name)
			continue
		}
		record := c.Events.Records()[at]
		identity, _ := record["userIdentity"].(map[string]any)
		for what, got := range map[string]any{
			"invokedBy": identity["invokedBy"], "sourceIPAddress": record["sourceIPAddress"], "userAgent": record["userAgent"],
		} {
			if got != "cloudformation.amazonaws.com" {
				t.Errorf("%s of %s = %v, want cloudformation.amazonaws.com (docs/facts.md, CloudTrail)", what, name, got)
			}
		}
		if got := identity["arn"]; got != c.Admin().Principal {
			t.Errorf("%s is recorded for %v, want %s", name, got, c.Admin().Principal)
		}
	}
}

func TestABucketThatHoldsAnythingStopsTheDelete(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, "  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}\n  Bucket: {Type: AWS::S3::Bucket, DependsOn: Vpc}\n"))
	bucket := s.Physical("Bucket")
	admin := s3As(c, c.Admin(), c.Internet())
	key := "k"
	if _, err := admin.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context()); err == nil || s.Status() != "DELETE_FAILED" {
		t.Fatalf("Delete = %v with status %s, want an error and DELETE_FAILED", err, s.Status())
	}
	if !s.Has("Bucket") || !s.Has("Vpc") {
		t.Error("Delete removed the bucket, or the VPC that it depends on")
	}
	stack, _ := c.CloudFormation.Stack(s.ID())
	if want := "The following resource(s) failed to delete: [Bucket]. "; stack.Reason != want {
		t.Errorf("reason = %q, want %q", stack.Reason, want)
	}
	if _, err := admin.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context()); err != nil || s.Status() != "DELETE_COMPLETE" {
		t.Errorf("a second Delete = %v with status %s, want DELETE_COMPLETE", err, s.Status())
	}
}

func TestCreatingABucketPolicyFailsWhereOneIs(t *testing.T) {
	c := cloud(t)
	policy := "    Type: AWS::S3::BucketPolicy\n    Properties:\n      Bucket: !Ref B\n      PolicyDocument:\n" +
		"        Version: '2012-10-17'\n        Statement:\n" +
		"          - {Effect: Deny, Principal: '*', Action: 's3:GetObject', Resource: !Sub '${B.Arn}/*'}\n"
	_, err := c.Deploy(t.Context(), inline(t, "  B: {Type: AWS::S3::Bucket}\n  P1:\n"+policy+"  P2:\n"+policy), ending)
	if err == nil || !strings.Contains(err.Error(), "the bucket policy already exists") {
		t.Errorf("Deploy = %v, want that the bucket policy already exists (docs/facts.md, CloudFormation)", err)
	}
}

func TestABucketPolicyNamesUsersAndRolesThatAreThere(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, "  B: {Type: AWS::S3::Bucket}\n  R: {Type: AWS::IAM::Role}\n"))
	put := func(principal string) error {
		return c.S3.PutPolicy(s.Physical("B"), []byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":{"AWS":"`+
			principal+`"},"Action":"s3:*","Resource":"arn:aws:s3:::`+s.Physical("B")+`/*"}}`))
	}
	for principal, want := range map[string]string{
		s.Attribute("R", "Arn"):                   "",
		c.Admin().Principal:                       "",
		c.OtherAccount().Principal:                "",
		"arn:aws:iam::111122223333:role/nobody":   "Invalid principal in policy",
		"arn:aws:iam::111122223333:user/somebody": "Invalid principal in policy",
	} {
		if err := put(principal); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("PutPolicy(%s) = %v, want %q (docs/facts.md, S3)", principal, err, want)
		}
	}
}

func TestUpdateChangesInPlace(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, plan(t, map[string]string{"Enforcement": "Observe", "AlarmEmail": "a@example.com"}))
	before := len(c.Events.Rules())
	if err := s.Update(t.Context(), plan(t, map[string]string{"SweepSeconds": "300", "CreateTrail": "false"})); err != nil {
		t.Fatal(err)
	}
	if got := s.Status(); got != "UPDATE_COMPLETE" {
		t.Errorf("Status = %s, want UPDATE_COMPLETE", got)
	}
	if got := len(c.Events.Rules()); got != before {
		t.Errorf("there are %d rules after the update, want %d as before", got, before)
	}
	for _, r := range c.Events.Rules() {
		if r.Name == s.Physical("SweepRule") && r.Schedule != "rate(5 minutes)" {
			t.Errorf("the schedule is %s, want rate(5 minutes)", r.Schedule)
		}
	}
	if s.Has("Trail") || len(c.Events.Trails()) != 0 {
		t.Error("the trail is still there")
	}
}

func TestUpdateRefusesWhatWouldReplace(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, plan(t, nil))
	err := s.Update(t.Context(), plan(t, map[string]string{"VpcCidr": "10.1.0.0/16"}))
	if err == nil || !strings.Contains(err.Error(), "the local AWS cannot update a AWS::EC2::VPC") || s.Status() != "UPDATE_FAILED" {
		t.Errorf("Update = %v with status %s, want that a VPC cannot be updated, and UPDATE_FAILED", err, s.Status())
	}
}

func TestARuleWithoutPermissionEndsInTheDeadLetterQueue(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, `
  Q: {Type: AWS::SQS::Queue}
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {}}
  F:
    Type: AWS::Serverless::Function
    Properties: {Runtime: provided.al2023, Handler: bootstrap, CodeUri: ., Role: !GetAtt Role.Arn}
  R:
    Type: AWS::Events::Rule
    Properties:
      ScheduleExpression: rate(1 minute)
      Targets: [{Id: f, Arn: !GetAtt F.Arn, DeadLetterConfig: {Arn: !GetAtt Q.Arn}}]
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Q]
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {Service: events.amazonaws.com}
            Action: sqs:SendMessage
            Resource: !GetAtt Q.Arn
            Condition: {ArnEquals: {aws:SourceArn: !GetAtt R.Arn}}
`))
	c.Events.Sweep()
	rest(t, c)
	if got := len(c.SQS.Messages(s.Attribute("Q", "Arn"))); got != 1 {
		t.Errorf("the dead-letter queue holds %d messages, want 1: %+v", got, c.Events.Deliveries())
	}
	if got := len(c.Lambda.Invocations("")); got != 0 {
		t.Errorf("the function was invoked %d times, want never", got)
	}
}

func TestAFunctionThatFailsEndsInItsDestination(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, plan(t, nil)) // its bootstrap fails at once
	rest(t, c)
	if got := len(c.SQS.Messages(s.Attribute("DeadLetterQueue", "Arn"))); got != 1 {
		t.Errorf("the destination holds %d records, want 1: %v", got, c.Lambda.LostRecords())
	}
	if got := len(c.Lambda.Invocations(s.Physical("RemediateFunction"))); got != 3 {
		t.Errorf("the function was tried %d times, want 3", got)
	}
}

func TestListenersAndCallersAreDistinguished(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, plan(t, nil))
	bucket, key := s.Physical("Bucket"), "thankyou.txt"
	inside, err := c.Through(s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	insidePlain, err := c.ThroughPlain(s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	put := func(client *s3.Client) string {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key})
		if refusal, ok := errors.AsType[smithy.APIError](err); ok {
			return refusal.ErrorCode()
		}
		if err != nil {
			return err.Error()
		}
		return "allowed"
	}
	for name, c := range map[string]struct {
		client *s3.Client
		want   string
	}{
		"the app through the endpoint":             {s3As(c, s.Workload(), inside), "allowed"},
		"the app through the endpoint, plain HTTP": {s3As(c, s.Workload(), insidePlain), "AccessDenied"},
		"the app from the internet":                {s3As(c, s.Workload(), c.Internet()), "AccessDenied"},
		"an admin through the endpoint":            {s3As(c, c.Admin(), inside), "AccessDenied"},
		"an admin from the internet":               {s3As(c, c.Admin(), c.Internet()), "AccessDenied"},
		"root from the internet":                   {s3As(c, c.Root(), c.Internet()), "AccessDenied"},
		"a stranger":                               {s3As(c, c.Stranger(), c.Internet()), "AccessDenied"},
		"a stranger, plain HTTP":                   {s3As(c, c.Stranger(), c.InternetPlain()), "AccessDenied"},
		"another account through the endpoint":     {s3As(c, c.OtherAccount(), inside), "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := put(c.client); got != c.want {
				t.Errorf("PutObject = %s, want %s", got, c.want)
			}
		})
	}
	if url, err := c.Through("vpce-nowhere"); err == nil {
		t.Errorf("Through(vpce-nowhere) = %s, want an error", url)
	}
}
