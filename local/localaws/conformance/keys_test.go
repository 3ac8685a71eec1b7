package conformance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// keyCases are the cases on KMS. Where moto differs, these pages decide:
//
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html (calls that a state refuses)
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html (days)
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html (ARNs)
func keyCases() []testCase {
	const gone, wrongState = "NotFoundException", "KMSInvalidStateException"
	return []testCase{
		{name: "a new key is enabled", ops: []op{key(), keyState("Enabled true CUSTOMER 0")}},
		{name: "a key is disabled and enabled", ops: []op{
			key(), disableKey(), keyState("Disabled false CUSTOMER 0"), disableKey(), enableKey(), keyState("Enabled true CUSTOMER 0"),
		}},
		{name: "a key is described by its ARN", ops: []op{key(), byKeyARN(), keyState("Enabled true CUSTOMER 0")}},
		{name: "a key is disabled by its ARN", moto: "fails", ops: []op{key(), byKeyARN(), disableKey(), keyState("Disabled false CUSTOMER 0")}},
		{name: "a key that there is not is not described or changed", ops: []op{
			note("key", "7e0d3c1a-0000-4000-8000-000000000099"), refused(gone, keyState("")), refused(gone, disableKey()), refused(gone, enableKey()), refused(gone, endKey(7)),
		}},
		{name: "a key waits for its deletion", ops: []op{key(), endKey(7), keyState("PendingDeletion false CUSTOMER 7")}},
		{name: "a key waits for its deletion for 30 days by default", ops: []op{key(), endKey(0), keyState("PendingDeletion false CUSTOMER 30")}},
		{name: "a key waits from 7 to 30 days", moto: "takes any number", ops: []op{
			key(), refused("ValidationException", endKey(6)), refused("ValidationException", endKey(31)), keyState("Enabled true CUSTOMER 0"),
		}},
		{name: "a key that waits for its deletion takes no other call", moto: "takes them", ops: []op{
			key(), endKey(7), refused(wrongState, enableKey()), refused(wrongState, disableKey()), refused(wrongState, endKey(7)), keyState("PendingDeletion false CUSTOMER 7"),
		}},
	}
}

func (s *scene) kms() *kms.Client { return kms.NewFromConfig(s.config) }

func key() op {
	return func(ctx context.Context, s *scene) error {
		id, err := s.makeKey(ctx)
		s.notes["key"] = id
		return err
	}
}

// byKeyARN makes later calls name the key by its ARN.
func byKeyARN() op {
	return func(_ context.Context, s *scene) error {
		s.notes["key"] = "arn:aws:kms:" + region + ":" + account + ":key/" + s.notes["key"]
		return nil
	}
}

// keyState expects the key's state, whether it is enabled, its manager, and the days until its deletion.
func keyState(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.kms().DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(s.notes["key"])})
		if err != nil {
			return err
		}
		k := out.KeyMetadata
		if arn := "arn:aws:kms:" + region + ":" + account + ":key/" + *k.KeyId; *k.Arn != arn || *k.AWSAccountId != account {
			return differs("ARN", *k.Arn, arn)
		}
		days := 0
		if k.DeletionDate != nil {
			days = int(time.Until(*k.DeletionDate).Round(24*time.Hour).Hours()) / 24
		}
		if got := fmt.Sprint(k.KeyState, " ", k.Enabled, " ", k.KeyManager, " ", days); got != want {
			return differs("key", got, want)
		}
		return nil
	}
}

func disableKey() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.kms().DisableKey(ctx, &kms.DisableKeyInput{KeyId: aws.String(s.notes["key"])})
		return err
	}
}

func enableKey() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.kms().EnableKey(ctx, &kms.EnableKeyInput{KeyId: aws.String(s.notes["key"])})
		return err
	}
}

// endKey schedules the key's deletion in a number of days; 0 is the default.
func endKey(days int32) op {
	return func(ctx context.Context, s *scene) error {
		in := &kms.ScheduleKeyDeletionInput{KeyId: aws.String(s.notes["key"])}
		if days > 0 {
			in.PendingWindowInDays = &days
		}
		out, err := s.kms().ScheduleKeyDeletion(ctx, in)
		if err == nil && out.DeletionDate == nil {
			err = differs("DeletionDate", "none", "a time")
		}
		return err
	}
}
