package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// fakes is the variable that makes this test binary a Python with Cloud Custodian: its value says what that does.
const fakes = "BENCH_PEERS_FAKE"

func TestMain(m *testing.M) {
	if does := os.Getenv(fakes); does != "" {
		if err := fake(does); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// fake answers as custodian.py does. After each event it reads the bucket policy, then writes the public access block.
func fake(does string) error {
	if does == "cannot import" {
		return fmt.Errorf("ModuleNotFoundError: No module named 'c7n'")
	}
	answers := json.NewEncoder(os.Stdout)
	if err := answers.Encode(ready{Version: "Cloud Custodian of a test"}); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		err := restoresBlock(lines.Bytes())
		if does == "fail" {
			fmt.Fprintln(os.Stderr, "a line of the log")
			err = fmt.Errorf("a traceback")
		}
		said := ""
		if err != nil {
			said = err.Error()
		}
		if err := answers.Encode(map[string]any{"seconds": 0.123, "error": said}); err != nil {
			return err
		}
	}
	return lines.Err()
}

// restoresBlock makes the fake's two calls for an event, with what the environment says.
func restoresBlock(text []byte) error {
	var event struct {
		Detail struct {
			RequestParameters struct{ BucketName string }
		}
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return err
	}
	if _, err := os.Stat("config.json"); err != nil {
		return err
	}
	bucket, client := &event.Detail.RequestParameters.BucketName, s3.New(s3.Options{
		Region: os.Getenv("AWS_REGION"), BaseEndpoint: aws.String(os.Getenv("AWS_ENDPOINT_URL")), UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), ""),
	})
	if _, err := client.GetBucketPolicy(context.Background(), &s3.GetBucketPolicyInput{Bucket: bucket}); err != nil {
		return err
	}
	on := aws.Bool(true)
	_, err := client.PutPublicAccessBlock(context.Background(), &s3.PutPublicAccessBlockInput{
		Bucket: bucket, PublicAccessBlockConfiguration: &types.PublicAccessBlockConfiguration{
			BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on,
		},
	})
	return err
}
