package samtemplate_test

import (
	"regexp"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

const inventedTemplate = `
Parameters: {Name: {Type: String, Default: docs-example}}
Conditions: {IsOff: !Equals [a, b]}
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc}}
  Endpoint: {Type: AWS::EC2::VPCEndpoint}
  Group: {Type: AWS::EC2::SecurityGroup}
  Bucket: {Type: AWS::S3::Bucket}
  NamedBucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Name}}
  UnnamedBucket: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref AWS::NoValue}}
  AVeryLongLogicalIdIndeedLongerThanItShouldBe: {Type: AWS::S3::Bucket}
  Role: {Type: AWS::IAM::Role}
  Function: {Type: AWS::Serverless::Function}
  Topic: {Type: AWS::SNS::Topic}
  Queue: {Type: AWS::SQS::Queue}
  Key: {Type: AWS::KMS::Key}
  Logs: {Type: AWS::Logs::LogGroup}
  Instance: {Type: AWS::EC2::Instance}
  Document:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Sub '{"Resource":"${Bucket.Arn}/*"}'}
  Broken: {Type: AWS::SSM::Parameter, Properties: {Value: !GetAtt Bucket.Colour}}
  User: {Type: AWS::S3::BucketPolicy, Properties: {PolicyDocument: !GetAtt Broken.Value}}
  Off: {Type: AWS::S3::Bucket, Condition: IsOff}
  Odd: {Type: AWS::Odd::Thing}
`

// ask returns the answer of Ref (for "Bucket") or GetAtt (for "Bucket.Arn").
func ask(a samtemplate.Attributes, question string) (any, bool) {
	id, attribute, ok := strings.Cut(question, ".")
	if !ok {
		return a.Ref(id)
	}
	return a.GetAtt(id, attribute)
}

// The answers have the format in "Return values" on each type's page below
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
func TestInventedLooksAsAWSWouldHaveIt(t *testing.T) {
	a := samtemplate.Invented(plan(t, inventedTemplate, samtemplate.Options{}))
	for question, form := range map[string]string{
		"Vpc":                       `vpc-0[0-9a-f]{16}`,
		"Vpc.CidrBlock":             `10\.0\.0\.0/16`,
		"Subnet.VpcId":              `vpc-0[0-9a-f]{16}`,
		"Endpoint":                  `vpce-0[0-9a-f]{16}`,
		"Group.GroupId":             `sg-0[0-9a-f]{16}`,
		"Bucket":                    `s3-endpoint-guard-bucket-[0-9a-f]{12}`,
		"Bucket.Arn":                `arn:aws:s3:::s3-endpoint-guard-bucket-[0-9a-f]{12}`,
		"Bucket.RegionalDomainName": `s3-endpoint-guard-bucket-[0-9a-f]{12}\.s3\.eu-central-1\.amazonaws\.com`,
		"NamedBucket.Arn":           `arn:aws:s3:::docs-example`,
		"UnnamedBucket":             `s3-endpoint-guard-unnamedbucket-[0-9a-f]{12}`,
		"AVeryLongLogicalIdIndeedLongerThanItShouldBe": `s3-endpoint-guard-averylonglogicalidindeed-[0-9a-f]{12}`,
		"Role":              `s3-endpoint-guard-Role-[0-9A-F]{12}`,
		"Role.Arn":          `arn:aws:iam::111122223333:role/s3-endpoint-guard-Role-[0-9A-F]{12}`,
		"Role.RoleId":       `AROA[0-9A-F]{17}`,
		"Function.Arn":      `arn:aws:lambda:eu-central-1:111122223333:function:s3-endpoint-guard-Function-[0-9A-F]{12}`,
		"Topic":             `arn:aws:sns:eu-central-1:111122223333:s3-endpoint-guard-Topic-[0-9A-F]{12}`,
		"Topic.TopicName":   `s3-endpoint-guard-Topic-[0-9A-F]{12}`,
		"Queue":             `https://sqs\.eu-central-1\.amazonaws\.com/111122223333/s3-endpoint-guard-Queue-[0-9A-F]{12}`,
		"Queue.Arn":         `arn:aws:sqs:eu-central-1:111122223333:s3-endpoint-guard-Queue-[0-9A-F]{12}`,
		"Key":               `[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}`,
		"Key.Arn":           `arn:aws:kms:eu-central-1:111122223333:key/[0-9a-f-]{36}`,
		"Logs.Arn":          `arn:aws:logs:eu-central-1:111122223333:log-group:s3-endpoint-guard-Logs-[0-9A-F]{12}:\*`,
		"Instance.PublicIp": `203\.0\.113\.10`,
		"Document.Value":    `\{"Resource":"arn:aws:s3:::s3-endpoint-guard-bucket-[0-9a-f]{12}/\*"\}`,
	} {
		got, ok := ask(a, question)
		text, _ := got.(string)
		if !ok || !regexp.MustCompile(`^(?:`+form+`)$`).MatchString(text) {
			t.Errorf("%s = %v, %t, want the form %s", question, got, ok, form)
		}
	}
	if got, ok := a.GetAtt("Endpoint", "DnsEntries"); !ok || len(got.([]any)) != 1 {
		t.Errorf("Endpoint.DnsEntries = %v, %t, want a list of one", got, ok)
	}
}

func TestInventedIsStableAndDistinct(t *testing.T) {
	one := samtemplate.Invented(plan(t, inventedTemplate, samtemplate.Options{}))
	same := samtemplate.Invented(plan(t, inventedTemplate, samtemplate.Options{}))
	other := samtemplate.Invented(plan(t, inventedTemplate, samtemplate.Options{StackName: "other"}))
	for _, id := range []string{"Vpc", "Bucket", "Role"} {
		a, _ := one.Ref(id)
		b, _ := same.Ref(id)
		c, _ := other.Ref(id)
		if a != b || a == c {
			t.Errorf("Ref(%s) = %s, again %s, in another stack %s; want the first two the same", id, a, b, c)
		}
	}
}

func TestInventedDoesNotKnow(t *testing.T) {
	p := plan(t, inventedTemplate, samtemplate.Options{})
	a := samtemplate.Invented(p)
	for _, question := range []string{"Bucket.Colour", "Odd", "Odd.Arn", "Off", "Off.Arn", "Nobody", "Document.Policies", "Group.VpcId", "Broken.Value"} {
		if got, ok := ask(a, question); ok {
			t.Errorf("%s = %v, want no answer", question, got)
		}
	}
	_, err := p.Properties("User", a)
	if err == nil || !strings.Contains(err.Error(), "no attribute Colour of AWS::S3::Bucket is known") {
		t.Errorf("Properties(User) = %v, want the underlying cause", err)
	}
	p = plan(t, `Resources: {Odd: {Type: T}, A: {Type: T, Properties: {X: !Ref Odd}}}`, samtemplate.Options{})
	if _, err = p.Properties("A", samtemplate.Invented(p)); err == nil || !strings.Contains(err.Error(), "resource type T is not known") {
		t.Errorf("Properties(A) = %v, want an error about the unknown type", err)
	}
}

func TestInventedExceptFollowsTheGivenNames(t *testing.T) {
	p := plan(t, inventedTemplate, samtemplate.Options{})
	a, err := samtemplate.InventedExcept(p, map[string]string{
		"Bucket": "mine", "Role.Arn": "arn:aws:iam::111122223333:role/team/guard", "Queue": "https://sqs.eu-central-1.amazonaws.com/111122223333/q",
		"Topic": "arn:aws:sns:eu-central-1:111122223333:t", "Logs": "/aws/lambda/f", "Instance.PublicIp": "203.0.113.99",
		"Function.Arn": "arn:aws:lambda:eu-central-1:111122223333:function:f",
	})
	if err != nil {
		t.Fatal(err)
	}
	for question, want := range map[string]string{
		"Bucket": "mine", "Bucket.Arn": "arn:aws:s3:::mine",
		"Role": "guard", "Role.Arn": "arn:aws:iam::111122223333:role/team/guard",
		"Queue.QueueName": "q", "Queue.Arn": "arn:aws:sqs:eu-central-1:111122223333:q",
		"Topic": "arn:aws:sns:eu-central-1:111122223333:t", "Topic.TopicName": "t",
		"Logs.Arn":          "arn:aws:logs:eu-central-1:111122223333:log-group:/aws/lambda/f:*",
		"Instance.PublicIp": "203.0.113.99", "Function": "f",
		"Document.Value": `{"Resource":"arn:aws:s3:::mine/*"}`,
	} {
		if got, ok := ask(a, question); !ok || got != want {
			t.Errorf("%s = %v, %t, want %s", question, got, ok, want)
		}
	}
	_, err = samtemplate.InventedExcept(p, map[string]string{"Nobody": "x", "Bucket.Colour": "y", "Off": "z", "Odd.Arn": "w"})
	const want = `no attribute Colour of AWS::S3::Bucket is known
no resource Nobody in the template
Odd: resource type AWS::Odd::Thing is not known
resource Off is not in the stack`
	if err == nil {
		t.Fatal("InventedExcept with unknown keys: no error")
	}
	for _, line := range strings.Split(want, "\n") {
		if !strings.Contains(err.Error(), line) {
			t.Errorf("error %v, want a line with %q", err, line)
		}
	}
}
