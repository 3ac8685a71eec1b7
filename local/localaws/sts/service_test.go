package sts_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/sts"
)

func TestGetCallerIdentityNamesTheCaller(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	gate.Add(sts.New(gate.Options()))
	url, err := gate.Open(api.Listener{SourceIP: "198.51.100.7"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		caller api.Caller
		userID string // its prefix
	}{
		"a user":    {api.Caller{Principal: "arn:aws:iam::111122223333:user/admin", Account: "111122223333"}, "AIDA"},
		"the root":  {api.Caller{Principal: "arn:aws:iam::111122223333:root", Account: "111122223333"}, "111122223333"},
		"a session": {api.Caller{Principal: "arn:aws:sts::111122223333:assumed-role/app/i-1", Issuer: "arn:aws:iam::111122223333:role/app", Account: "111122223333"}, "AROA"},
	} {
		t.Run(name, func(t *testing.T) {
			id, secret := gate.Credentials(c.caller)
			client := awssts.New(awssts.Options{
				Region: "eu-central-1", BaseEndpoint: aws.String(url),
				Credentials: credentials.NewStaticCredentialsProvider(id, secret, "token"),
			})
			got, err := client.GetCallerIdentity(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if *got.Arn != c.caller.Principal || *got.Account != "111122223333" || !strings.HasPrefix(*got.UserId, c.userID) {
				t.Errorf("GetCallerIdentity() = %s, %s, %s, want %s, 111122223333, %s…",
					*got.Arn, *got.Account, *got.UserId, c.caller.Principal, c.userID)
			}
		})
	}
}
