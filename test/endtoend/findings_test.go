package endtoend_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

// findings returns the findings in the health check's log, and for each of them how often it is there.
func (s *scene) findings() map[string]int {
	found := map[string]int{}
	for _, line := range s.Lambda.Logs(s.stack.Physical("HealthcheckFunction")) {
		if name, ok := line.Fields["finding"].(string); ok {
			found[name]++
		}
	}
	return found
}

// exits are the administrator's calls by which S3 carries data or names out of the bucket, by the finding's name.
var exits = map[string]func(*scene) error{
	"object-lock": func(s *scene) error {
		_, err := s.s3.PutObjectLockConfiguration(s.Context(), &s3.PutObjectLockConfigurationInput{
			Bucket: &s.bucket, ObjectLockConfiguration: &types.ObjectLockConfiguration{
				ObjectLockEnabled: types.ObjectLockEnabledEnabled, Rule: &types.ObjectLockRule{
					DefaultRetention: &types.DefaultRetention{Mode: types.ObjectLockRetentionModeCompliance, Years: aws.Int32(10)},
				},
			},
		})
		return err
	},
	"replication": func(s *scene) error {
		_, err := s.s3.PutBucketReplication(s.Context(), &s3.PutBucketReplicationInput{
			Bucket: &s.bucket, ReplicationConfiguration: &types.ReplicationConfiguration{
				Role: aws.String("arn:aws:iam::111122223333:role/copies"), Rules: []types.ReplicationRule{{
					Status: types.ReplicationRuleStatusEnabled, Destination: &types.Destination{Bucket: aws.String("arn:aws:s3:::elsewhere")},
				}},
			},
		})
		return err
	},
	"inventory": func(s *scene) error {
		_, err := s.s3.PutBucketInventoryConfiguration(s.Context(), &s3.PutBucketInventoryConfigurationInput{
			Bucket: &s.bucket, Id: aws.String("all"), InventoryConfiguration: &types.InventoryConfiguration{
				Id: aws.String("all"), IsEnabled: aws.Bool(true), IncludedObjectVersions: types.InventoryIncludedObjectVersionsAll,
				Schedule: &types.InventorySchedule{Frequency: types.InventoryFrequencyDaily},
				Destination: &types.InventoryDestination{S3BucketDestination: &types.InventoryS3BucketDestination{
					Bucket: aws.String("arn:aws:s3:::elsewhere"), Format: types.InventoryFormatCsv,
				}},
			},
		})
		return err
	},
	"analytics": func(s *scene) error {
		_, err := s.s3.PutBucketAnalyticsConfiguration(s.Context(), &s3.PutBucketAnalyticsConfigurationInput{
			Bucket: &s.bucket, Id: aws.String("all"), AnalyticsConfiguration: &types.AnalyticsConfiguration{
				Id: aws.String("all"), StorageClassAnalysis: &types.StorageClassAnalysis{},
			},
		})
		return err
	},
	"metadata-tables": func(s *scene) error {
		_, err := s.s3.CreateBucketMetadataConfiguration(s.Context(), &s3.CreateBucketMetadataConfigurationInput{
			Bucket: &s.bucket, MetadataConfiguration: &types.MetadataConfiguration{
				JournalTableConfiguration: &types.JournalTableConfiguration{
					RecordExpiration: &types.RecordExpiration{Expiration: types.ExpirationStateDisabled},
				},
			},
		})
		return err
	},
	"access-logs": func(s *scene) error {
		_, err := s.s3.PutBucketLogging(s.Context(), &s3.PutBucketLoggingInput{
			Bucket: &s.bucket, BucketLoggingStatus: &types.BucketLoggingStatus{
				LoggingEnabled: &types.LoggingEnabled{TargetBucket: aws.String("elsewhere"), TargetPrefix: aws.String("")},
			},
		})
		return err
	},
	"notifications": func(s *scene) error {
		_, err := s.s3.PutBucketNotificationConfiguration(s.Context(), &s3.PutBucketNotificationConfigurationInput{
			Bucket: &s.bucket, NotificationConfiguration: &types.NotificationConfiguration{
				QueueConfigurations: []types.QueueConfiguration{{
					QueueArn: aws.String("arn:aws:sqs:eu-central-1:444455556666:names"), Events: []types.Event{"s3:ObjectCreated:*"},
				}},
			},
		})
		return err
	},
	"website": func(s *scene) error {
		_, err := s.s3.PutBucketWebsite(s.Context(), &s3.PutBucketWebsiteInput{
			Bucket: &s.bucket, WebsiteConfiguration: &types.WebsiteConfiguration{IndexDocument: &types.IndexDocument{Suffix: aws.String("index.html")}},
		})
		return err
	},
	"cors": func(s *scene) error {
		_, err := s.s3.PutBucketCors(s.Context(), &s3.PutBucketCorsInput{
			Bucket: &s.bucket, CORSConfiguration: &types.CORSConfiguration{
				CORSRules: []types.CORSRule{{AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"*"}}},
			},
		})
		return err
	},
	"acceleration": func(s *scene) error {
		_, err := s.s3.PutBucketAccelerateConfiguration(s.Context(), &s3.PutBucketAccelerateConfigurationInput{
			Bucket: &s.bucket, AccelerateConfiguration: &types.AccelerateConfiguration{Status: types.BucketAccelerateStatusEnabled},
		})
		return err
	},
	"requester-pays": func(s *scene) error {
		_, err := s.s3.PutBucketRequestPayment(s.Context(), &s3.PutBucketRequestPaymentInput{
			Bucket: &s.bucket, RequestPaymentConfiguration: &types.RequestPaymentConfiguration{Payer: types.PayerRequester},
		})
		return err
	},
}

// accessPoint makes an access point of the bucket. No rule of the stack matches its event.
func accessPoint(s *scene) error {
	_, err := inspect.S3Control(s.admins()).CreateAccessPoint(s.Context(), &s3control.CreateAccessPointInput{
		AccountId: aws.String("111122223333"), Bucket: &s.bucket, Name: aws.String("side-door"),
	})
	return err
}

// changedTrail changes the stack's own trail as nobody's call here does.
func (s *scene) changedTrail(change func(*events.Trail)) error {
	for _, trail := range s.Events.Trails() {
		if trail.Name == s.stack.Physical("Trail") {
			change(&trail)
			s.Events.PutTrail(trail)
			return nil
		}
	}
	return errors.New("the stack has no trail")
}

// tamperings are the administrator's calls that silence the guard, by the finding's name.
var tamperings = map[string]func(*scene) error{
	"alarm-deleted": func(s *scene) error {
		_, err := cloudwatch.NewFromConfig(s.admins()).DeleteAlarms(s.Context(), &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{s.stack.Physical("RoleFindingsAlarm")}})
		return err
	},
	"alarm-silenced": func(s *scene) error {
		_, err := cloudwatch.NewFromConfig(s.admins()).DisableAlarmActions(s.Context(), &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{s.stack.Physical("OpenDriftAlarm")}})
		return err
	},
	"alarm-changed": func(s *scene) error {
		_, err := cloudwatch.NewFromConfig(s.admins()).PutMetricAlarm(s.Context(), &cloudwatch.PutMetricAlarmInput{
			AlarmName: aws.String(s.stack.Physical("OpenDriftAlarm")), Namespace: aws.String("S3EndpointGuard"), MetricName: aws.String("OpenDrift"),
			Statistic: cloudwatchtypes.StatisticMaximum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1000),
			ComparisonOperator: cloudwatchtypes.ComparisonOperatorGreaterThanThreshold,
		})
		return err
	},
	"function-changed": func(s *scene) error {
		f, _ := s.Lambda.Function(s.stack.Physical("RemediateFunction"))
		variables := maps.Clone(f.Environment)
		variables["ENFORCEMENT"] = "Observe"
		_, err := lambda.NewFromConfig(s.admins()).UpdateFunctionConfiguration(s.Context(), &lambda.UpdateFunctionConfigurationInput{
			FunctionName: &f.Name, Environment: &lambdatypes.Environment{Variables: variables},
		})
		return err
	},
	"function-stopped": func(s *scene) error {
		_, err := lambda.NewFromConfig(s.admins()).PutFunctionConcurrency(s.Context(), &lambda.PutFunctionConcurrencyInput{
			FunctionName: aws.String(s.stack.Physical("TeardownFunction")), ReservedConcurrentExecutions: aws.Int32(0),
		})
		return err
	},
	"function-deleted": func(s *scene) error { return s.Lambda.Remove(s.stack.Physical("TeardownFunction")) },
	"failures-lost": func(s *scene) error {
		_, err := lambda.NewFromConfig(s.admins()).PutFunctionEventInvokeConfig(s.Context(), &lambda.PutFunctionEventInvokeConfigInput{
			FunctionName: aws.String(s.stack.Physical("RemediateFunction")), MaximumRetryAttempts: aws.Int32(0), MaximumEventAgeInSeconds: aws.Int32(60),
		})
		return err
	},
	"function-policy": func(s *scene) error {
		_, err := lambda.NewFromConfig(s.admins()).AddPermission(s.Context(), &lambda.AddPermissionInput{
			FunctionName: aws.String(s.stack.Physical("RemediateFunction")), StatementId: aws.String("others"),
			Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("444455556666"),
		})
		return err
	},
	"rule-not-permitted": func(s *scene) error {
		_, err := lambda.NewFromConfig(s.admins()).RemovePermission(s.Context(), &lambda.RemovePermissionInput{
			FunctionName: aws.String(s.stack.Physical("RemediateFunction")), StatementId: aws.String(s.stack.Physical("BucketRulePermission")),
		})
		return err
	},
	"rule-changed": func(s *scene) error {
		_, err := eventbridge.NewFromConfig(s.admins()).PutRule(s.Context(), &eventbridge.PutRuleInput{
			Name: aws.String(s.stack.Physical("BucketRule")), EventPattern: aws.String(`{"source":["aws.s3"],"detail":{"eventName":["PutBucketAcl"]}}`),
		})
		return err
	},
	"target-changed": func(s *scene) error {
		_, err := eventbridge.NewFromConfig(s.admins()).PutTargets(s.Context(), &eventbridge.PutTargetsInput{
			Rule: aws.String(s.stack.Physical("BucketRule")), Targets: []eventbridgetypes.Target{{
				Id: aws.String("remediate"), Arn: aws.String(s.stack.Attribute("RemediateFunction", "Arn")), Input: aws.String(`{}`),
			}},
		})
		return err
	},
	"topic-policy": func(s *scene) error {
		_, err := sns.NewFromConfig(s.admins()).SetTopicAttributes(s.Context(), &sns.SetTopicAttributesInput{
			TopicArn: &s.topic, AttributeName: aws.String("Policy"),
			AttributeValue: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":"` + s.topic + `"}]}`),
		})
		return err
	},
	"topic-key": func(s *scene) error {
		_, err := sns.NewFromConfig(s.admins()).SetTopicAttributes(s.Context(), &sns.SetTopicAttributesInput{
			TopicArn: &s.topic, AttributeName: aws.String("KmsMasterKeyId"), AttributeValue: aws.String("0f0f0f0f-0000-4000-8000-00000000000f"),
		})
		return err
	},
	"subscription-removed": func(s *scene) error {
		api := sns.NewFromConfig(s.admins())
		all, err := api.ListSubscriptionsByTopic(s.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &s.topic})
		if err != nil {
			return err
		}
		_, err = api.Unsubscribe(s.Context(), &sns.UnsubscribeInput{SubscriptionArn: all.Subscriptions[0].SubscriptionArn})
		return err
	},
	"key-disabled": func(s *scene) error {
		_, err := kms.NewFromConfig(s.admins()).DisableKey(s.Context(), &kms.DisableKeyInput{KeyId: aws.String(s.stack.Physical("NotificationKey"))})
		return err
	},
	"dashboard-deleted": func(s *scene) error {
		_, err := cloudwatch.NewFromConfig(s.admins()).DeleteDashboards(s.Context(), &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{s.stack.Physical("Dashboard")}})
		return err
	},
	"dashboard-changed": func(s *scene) error {
		_, err := cloudwatch.NewFromConfig(s.admins()).PutDashboard(s.Context(), &cloudwatch.PutDashboardInput{
			DashboardName: aws.String(s.stack.Physical("Dashboard")), DashboardBody: aws.String(`{"widgets":[]}`),
		})
		return err
	},
	"trail-changed": func(s *scene) error {
		_, err := cloudtrail.NewFromConfig(s.admins()).UpdateTrail(s.Context(), &cloudtrail.UpdateTrailInput{
			Name: aws.String(s.stack.Physical("Trail")), S3BucketName: aws.String("elsewhere"), EnableLogFileValidation: aws.Bool(false),
		})
		return err
	},
	"trail-undelivered": func(s *scene) error {
		return s.changedTrail(func(t *events.Trail) { t.DeliveryError = "AccessDenied" })
	},
	"trail-bucket-policy": func(s *scene) error {
		_, err := s.s3.DeleteBucketPolicy(s.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(s.stack.Physical("TrailBucket"))})
		return err
	},
	"trail-bucket-lifecycle": func(s *scene) error {
		_, err := s.s3.PutBucketLifecycleConfiguration(s.Context(), &s3.PutBucketLifecycleConfigurationInput{
			Bucket: aws.String(s.stack.Physical("TrailBucket")), LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{
				ID: aws.String("ExpireFiles"), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")},
				Expiration: &types.LifecycleExpiration{Days: aws.Int32(1)},
			}}},
		})
		return err
	},
	"topic-deleted": func(s *scene) error { s.SNS.DeleteTopic(s.topic); return nil },
	"role-stripped": func(s *scene) error {
		return s.IAM.PutRolePolicy(s.stack.Physical("RemediateRole"), "quiet", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sns:Publish","Resource":"*"}]}`)
	},
}

// bypasses are changes of the workload's network, by the finding's name.
var bypasses = map[string]func(*scene) error{
	"second-endpoint": func(s *scene) error {
		_, err := s.ec2.CreateVpcEndpoint(s.Context(), &ec2.CreateVpcEndpointInput{
			VpcId: aws.String(s.stack.Physical("Vpc")), ServiceName: aws.String("com.amazonaws.eu-central-1.s3"), VpcEndpointType: ec2types.VpcEndpointTypeGateway,
		})
		return err
	},
	"network-acl": func(s *scene) error {
		all, err := s.ec2.DescribeNetworkAcls(s.Context(), &ec2.DescribeNetworkAclsInput{Filters: []ec2types.Filter{
			{Name: aws.String("vpc-id"), Values: []string{s.stack.Physical("Vpc")}},
		}})
		if err != nil {
			return err
		}
		_, err = s.ec2.CreateNetworkAclEntry(s.Context(), &ec2.CreateNetworkAclEntryInput{
			NetworkAclId: all.NetworkAcls[0].NetworkAclId, RuleNumber: aws.Int32(90), Egress: aws.Bool(true), Protocol: aws.String("6"),
			RuleAction: ec2types.RuleActionDeny, CidrBlock: aws.String("0.0.0.0/0"), PortRange: &ec2types.PortRange{From: aws.Int32(22), To: aws.Int32(22)},
		})
		return err
	},
	"dhcp-options": func(s *scene) error {
		made, err := s.ec2.CreateDhcpOptions(s.Context(), &ec2.CreateDhcpOptionsInput{DhcpConfigurations: []ec2types.NewDhcpConfiguration{
			{Key: aws.String("domain-name-servers"), Values: []string{"192.0.2.53"}},
		}})
		if err != nil {
			return err
		}
		_, err = s.ec2.AssociateDhcpOptions(s.Context(), &ec2.AssociateDhcpOptionsInput{
			DhcpOptionsId: made.DhcpOptions.DhcpOptionsId, VpcId: aws.String(s.stack.Physical("Vpc")),
		})
		return err
	},
	"vpc-dns": func(s *scene) error {
		_, err := s.ec2.ModifyVpcAttribute(s.Context(), &ec2.ModifyVpcAttributeInput{
			VpcId: aws.String(s.stack.Physical("Vpc")), EnableDnsHostnames: &ec2types.AttributeBooleanValue{Value: aws.Bool(false)},
		})
		return err
	},
}

// admins is the administrator's configuration of the SDK, outside of the VPC.
func (s *scene) admins() aws.Config { return s.Config(s.Admin(), s.Internet()) }

// unrecorded are the tamperings of which this local AWS has no event: the next look is up to ten minutes later.
var unrecorded = []string{"function-deleted", "topic-deleted", "role-stripped", "trail-undelivered", "access-point"}

// Each of these is the only thing wrong, and exactly its alarm rings: after one minute, because the event of the call
// makes the health check look.
func TestEachFindingRingsTheAlarmAndIsNamed(t *testing.T) {
	t.Parallel()
	all := maps.Clone(exits)
	maps.Copy(all, tamperings)
	maps.Copy(all, bypasses)
	all["access-point"] = accessPoint
	for name, wrong := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployWhole(t, watching.and("AlarmEmail", "ops@example.com"))
			s.minutes(3)
			if got := s.ringing(); got != "" {
				t.Errorf("before the call these alarms are in ALARM: %q", got)
			}
			s.must(wrong(s))
			if slices.Contains(unrecorded, name) {
				s.looks()
			}
			s.minutes(1)
			if got := s.ringing(); got != "Guard SecurityFinding" {
				t.Errorf("a minute after the call these alarms are in ALARM: %q, want SecurityFinding and Guard", got)
			}
			if got := s.findings(); got[name] == 0 || len(got) != 1 {
				t.Errorf("the log names the findings %v, want only %s", got, name)
			}
		})
	}
}

// looks invokes the health check by hand, which makes all checks.
func (s *scene) looks() {
	_, err := s.Lambda.InvokeAsync(s.stack.Physical("HealthcheckFunction"), []byte(`{}`))
	s.must(err)
	s.rest()
}

// A deployment changes functions, alarms and rules, and is no finding. Neither is the time in which CloudFormation does it.
func TestADeploymentIsNoFinding(t *testing.T) {
	t.Parallel()
	s := deployWhole(t, watching)
	s.minutes(2)
	s.must(s.stack.Update(t.Context(), plan(t, watching.and("SweepSeconds", "300").and("RunbookUrl", "https://example.com/runbook"))))
	s.looks()
	s.minutes(2)
	if got := s.findings(); len(got) > 0 {
		t.Errorf("after an update the log names the findings %v, want none", got)
	}
}

func TestAWatchedCallThatAWSRefusesIsCountedAndHidesNoOther(t *testing.T) {
	t.Parallel()
	for call, c := range map[string]struct{ service, check string }{
		"GetObjectLockConfiguration":         {"s3", "bucket-exits"},
		"GetBucketReplication":               {"s3", "bucket-exits"},
		"ListBucketInventoryConfigurations":  {"s3", "bucket-exits"},
		"ListBucketAnalyticsConfigurations":  {"s3", "bucket-exits"},
		"GetBucketMetadataConfiguration":     {"s3", "bucket-exits"},
		"GetBucketLogging":                   {"s3", "bucket-exits"},
		"GetBucketNotificationConfiguration": {"s3", "bucket-exits"},
		"GetBucketWebsite":                   {"s3", "bucket-exits"},
		"GetBucketCors":                      {"s3", "bucket-exits"},
		"GetBucketAccelerateConfiguration":   {"s3", "bucket-exits"},
		"GetBucketRequestPayment":            {"s3", "bucket-exits"},
		"ListAccessPoints":                   {"s3", "access-points"},
		"DescribeVpcAttribute":               {"ec2", "vpc-dns"},
		"DescribeNetworkAcls":                {"ec2", "network-acls"},
		"DescribeVpcs":                       {"ec2", "dhcp-options"},
		"DescribeDhcpOptions":                {"ec2", "dhcp-options"},
		"DescribeKey":                        {"kms", "notification-key"},
		"ListDashboards":                     {"monitoring", "dashboard"},
		"ListStackResources":                 {"cloudformation", "stack-resources"},
		"DescribeAlarms":                     {"monitoring", "alarms"},
		"GetFunction":                        {"lambda", "functions"},
		"GetFunctionEventInvokeConfig":       {"lambda", "failed-runs"},
		"GetPolicy":                          {"lambda", "function-policy"},
		"GetTopicAttributes":                 {"sns", "notification-topic"},
		"ListSubscriptionsByTopic":           {"sns", "notification-topic"},
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, watching)
			// Another finding of the same check must still be seen.
			other, wrong := "replication", exits["replication"]
			if call == "GetBucketReplication" {
				other, wrong = "cors", exits["cors"]
			}
			s.refuses(c.service, call)
			s.must(wrong(s))
			s.rest()
			want := well["Interface"].but(board{"CheckFailed": 1, "CheckFailed " + c.check: 1, "SecurityFindings": 1})
			if diff := cmp.Diff(want, s.examine()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if got := fmt.Sprint(s.findings()[other] > 0); got != "true" {
				t.Errorf("the log does not name %s", other)
			}
		})
	}
}
