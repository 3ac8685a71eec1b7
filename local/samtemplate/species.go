package samtemplate

// species is how AWS names the resources of one type, and the values of Ref and Fn::GetAtt. ref and attributes
// contain {name}, {partition}, {region}, {account}, {suffix} (of host names), {id} and {ID} (16 digits, unique for
// the resource); "=Property" is the value of a property, "[]" before a format makes it a list of one.
//
// Source of all rows: "Return values" on the type's page below
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
type species struct {
	property   string // the property that contains the name, or ""
	prefix     string // of an id that AWS makes ("vpc"); "" = a long name, "uuid" = that
	lower      bool   // the long name is in lower case
	ref        string
	attributes map[string]string
}

// custom is for custom resources, whose ids are returned by their functions. Those whose attributes a template uses are in
// the table.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
var custom = species{ref: "{name}"}

// allSpecies are the types that Invented supports, in the order of the template.
var allSpecies = map[string]species{
	"AWS::EC2::VPC": {prefix: "vpc", ref: "{name}", attributes: map[string]string{
		"VpcId": "{name}", "CidrBlock": "=CidrBlock", "DefaultSecurityGroup": "sg-0{id}", "DefaultNetworkAcl": "acl-0{id}",
		"CidrBlockAssociations": "[]vpc-cidr-assoc-0{id}",
	}},
	"AWS::EC2::InternetGateway":      {prefix: "igw", ref: "{name}", attributes: map[string]string{"InternetGatewayId": "{name}"}},
	"AWS::EC2::VPCGatewayAttachment": {ref: "IGW|{name}", prefix: "vpc", attributes: map[string]string{"AttachmentType": "IGW"}},
	"AWS::EC2::Subnet": {prefix: "subnet", ref: "{name}", attributes: map[string]string{
		"SubnetId": "{name}", "VpcId": "=VpcId", "CidrBlock": "=CidrBlock", "AvailabilityZone": "=AvailabilityZone",
	}},
	"AWS::EC2::RouteTable":                  {prefix: "rtb", ref: "{name}", attributes: map[string]string{"RouteTableId": "{name}"}},
	"AWS::EC2::Route":                       {prefix: "r", ref: "{name}"},
	"AWS::EC2::SubnetRouteTableAssociation": {prefix: "rtbassoc", ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::EC2::SecurityGroup": {prefix: "sg", ref: "{name}", attributes: map[string]string{
		"GroupId": "{name}", "Id": "{name}", "VpcId": "=VpcId",
	}},
	"AWS::EC2::SecurityGroupIngress": {prefix: "sgr", ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::EC2::SecurityGroupEgress":  {prefix: "sgr", ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::EC2::VPCEndpoint": {prefix: "vpce", ref: "{name}", attributes: map[string]string{
		"Id": "{name}", "CreationTimestamp": "2026-01-01T00:00:00.000Z", "NetworkInterfaceIds": "[]eni-0{id}",
		"DnsEntries": "[]Z1HUB23UULQXV:{name}-abcdefgh.s3.{region}.vpce.{suffix}",
	}},
	"AWS::EC2::Instance": {prefix: "i", ref: "{name}", attributes: map[string]string{
		"InstanceId": "{name}", "PublicIp": "203.0.113.10", "PrivateIp": "10.0.0.10",
		"PublicDnsName":  "ec2-203-0-113-10.{region}.compute.{suffix}",
		"PrivateDnsName": "ip-10-0-0-10.{region}.compute.internal", "AvailabilityZone": "{region}a", "VpcId": "vpc-0{id}",
	}},
	"AWS::S3::Bucket": {property: "BucketName", lower: true, ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:s3:::{name}", "DomainName": "{name}.s3.{suffix}",
		"RegionalDomainName":  "{name}.s3.{region}.{suffix}",
		"DualStackDomainName": "{name}.s3.dualstack.{region}.{suffix}",
		"WebsiteURL":          "http://{name}.s3-website.{region}.{suffix}",
	}},
	"AWS::S3::BucketPolicy": {property: "Bucket", ref: "{name}"},
	"AWS::SSM::Parameter": {property: "Name", ref: "{name}", attributes: map[string]string{
		"Type": "=Type", "Value": "=Value",
	}},
	"AWS::IAM::Role": {property: "RoleName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:iam::{account}:role{path}{name}", "RoleId": "AROA0{ID}",
	}},
	"AWS::IAM::InstanceProfile": {property: "InstanceProfileName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:iam::{account}:instance-profile{path}{name}",
	}},
	"AWS::IAM::Policy": {property: "PolicyName", ref: "{name}"},
	"AWS::IAM::ManagedPolicy": {property: "ManagedPolicyName", ref: "arn:{partition}:iam::{account}:policy/{name}", attributes: map[string]string{
		"PolicyArn": "arn:{partition}:iam::{account}:policy/{name}",
	}},
	functionType: {property: "FunctionName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:lambda:{region}:{account}:function:{name}",
	}},
	"AWS::Lambda::Function": {property: "FunctionName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:lambda:{region}:{account}:function:{name}",
	}},
	"AWS::Lambda::Permission":        {ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::Lambda::EventInvokeConfig": {ref: "{name}"},
	"AWS::SNS::Topic": {property: "TopicName", ref: "arn:{partition}:sns:{region}:{account}:{name}", attributes: map[string]string{
		"TopicArn": "arn:{partition}:sns:{region}:{account}:{name}", "TopicName": "{name}",
	}},
	"AWS::SNS::TopicPolicy":  {ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::SNS::Subscription": {prefix: "uuid", ref: "arn:{partition}:sns:{region}:{account}:topic:{name}", attributes: map[string]string{"Arn": "arn:{partition}:sns:{region}:{account}:topic:{name}"}},
	"AWS::SQS::Queue": {property: "QueueName", ref: "https://sqs.{region}.{suffix}/{account}/{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:sqs:{region}:{account}:{name}", "QueueName": "{name}",
		"QueueUrl": "https://sqs.{region}.{suffix}/{account}/{name}",
	}},
	"AWS::SQS::QueuePolicy": {ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::KMS::Key": {prefix: "uuid", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:kms:{region}:{account}:key/{name}", "KeyId": "{name}",
	}},
	"AWS::KMS::Alias": {property: "AliasName", ref: "{name}"},
	"AWS::Logs::LogGroup": {property: "LogGroupName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
	}},
	"AWS::Logs::QueryDefinition": {prefix: "uuid", ref: "{name}", attributes: map[string]string{"QueryDefinitionId": "{name}"}},
	"AWS::CloudTrail::Trail": {property: "TrailName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:cloudtrail:{region}:{account}:trail/{name}",
	}},
	"AWS::Events::Rule": {property: "Name", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:events:{region}:{account}:rule/{name}",
	}},
	"AWS::CloudWatch::Alarm": {property: "AlarmName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
	}},
	"AWS::CloudWatch::CompositeAlarm": {property: "AlarmName", ref: "{name}", attributes: map[string]string{
		"Arn": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
	}},
	"AWS::CloudWatch::AnomalyDetector": {prefix: "uuid", ref: "{name}", attributes: map[string]string{"Id": "{name}"}},
	"AWS::CloudWatch::Dashboard":       {property: "DashboardName", ref: "{name}"},
	"Custom::Adoption": {ref: "{name}", attributes: map[string]string{
		"Document": "state-0{id}/adoption/{id}.json?versionId={id}&sha256={id}",
		"VpcIds":   "vpc-0{id}", "VpcArns": "arn:{partition}:ec2:{region}:{account}:vpc/vpc-0{id}",
		"SecurityGroupIds": "sg-0{id}", "SecurityGroupArns": "arn:{partition}:ec2:{region}:{account}:security-group/sg-0{id}",
		"RouteTableIds": "rtb-0{id}", "SubnetIds": "subnet-0{id}",
	}},
}
