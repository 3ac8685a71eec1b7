package kms_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/kms"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// newKeys makes a KMS with the key "key", and a client with one policy.
func newKeys(t *testing.T, policy string) (string, *awskms.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	s := kms.New(gate.Options())
	gate.Add(s)
	return s.Create("key"), awskms.NewFromConfig(localtest.Config(t, gate, policy))
}

func TestAKeyHasTheStateOfTheLatestCall(t *testing.T) {
	arn, client := newKeys(t, localtest.Everything)
	state := func() string {
		answer := localtest.Must(client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: aws.String("key")}))(t)
		if *answer.KeyMetadata.Arn != arn {
			t.Errorf("DescribeKey = %s, want %s", *answer.KeyMetadata.Arn, arn)
		}
		return string(answer.KeyMetadata.KeyState)
	}
	got := state()
	localtest.Must(client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: &arn}))(t)
	got += " " + state()
	localtest.Must(client.EnableKey(t.Context(), &awskms.EnableKeyInput{KeyId: &arn}))(t)
	got += " " + state()
	localtest.Must(client.ScheduleKeyDeletion(t.Context(), &awskms.ScheduleKeyDeletionInput{KeyId: &arn}))(t)
	if got += " " + state(); got != "Enabled Disabled Enabled PendingDeletion" {
		t.Errorf("the key's states are %s", got)
	}
}

func TestAMissingKeyAndAMissingPermissionAreRefused(t *testing.T) {
	_, client := newKeys(t, localtest.Everything)
	if _, err := client.DescribeKey(t.Context(), &awskms.DescribeKeyInput{KeyId: aws.String("other")}); localtest.Code(err) != "NotFoundException" {
		t.Errorf("DescribeKey of a missing key = %v, want NotFoundException", err)
	}
	_, client = newKeys(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:DescribeKey","Resource":"*"}]}`)
	if _, err := client.DisableKey(t.Context(), &awskms.DisableKeyInput{KeyId: aws.String("key")}); localtest.Code(err) != "AccessDeniedException" {
		t.Errorf("DisableKey without permission = %v, want AccessDeniedException", err)
	}
}
