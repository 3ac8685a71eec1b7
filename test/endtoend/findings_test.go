package endtoend_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
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

// Each of these is the only thing wrong, and exactly its alarm rings: after one minute, because the event of the call
// makes the health check look.
func TestEachFindingRingsTheAlarmAndIsNamed(t *testing.T) {
	t.Parallel()
	for name, wrong := range exits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployWhole(t, watching)
			s.minutes(3)
			if got := s.ringing(); got != "" {
				t.Errorf("before the call these alarms are in ALARM: %q", got)
			}
			s.must(wrong(s))
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

func TestAWatchedCallThatAWSRefusesIsCountedAndHidesNoOther(t *testing.T) {
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
