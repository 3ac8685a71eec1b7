package main

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// collector is a bucket of another account, a target for data exfiltration.
const collector = "collector-444455556666"

// callers is a local AWS with the deployed stack, and the clients of all callers.
type callers struct {
	*deployed
	bucket, endpoint string
	// app is the workload, through the endpoint; stranger is anonymous and adminAway an administrator, both on the
	// internet; thief has credentials of the other account, inside the VPC.
	app, appPlain, stranger, adminAway, thief *s3.Client
	// adminEC2 and adminRules are the administrator's clients of EC2 and EventBridge.
	adminEC2   *ec2.Client
	adminRules *eventbridge.Client
}

// newCallers makes the clients of all callers, and the bucket of the other account.
func newCallers(d *deployed) (*callers, error) {
	c := &callers{deployed: d, bucket: d.stack.Physical("Bucket"), endpoint: d.stack.Endpoint()}
	return c, errors.Join(c.place(), d.cloud.S3.CreateBucket(collector, "444455556666"))
}

// place makes the clients.
func (c *callers) place() error {
	inside, err := c.cloud.Through(c.endpoint)
	if err != nil {
		return err
	}
	insidePlain, err := c.cloud.ThroughPlain(c.endpoint)
	if err != nil {
		return err
	}
	away := c.cloud.Internet()
	c.app, c.appPlain = c.client(c.stack.Workload(), inside), c.client(c.stack.Workload(), insidePlain)
	c.stranger, c.adminAway = c.client(c.cloud.Stranger(), away), c.client(c.cloud.Admin(), away)
	c.thief = c.client(c.cloud.OtherAccount(), inside)
	c.adminEC2 = ec2.NewFromConfig(c.cloud.Config(c.cloud.Admin(), away))
	c.adminRules = eventbridge.NewFromConfig(c.cloud.Config(c.cloud.Admin(), away))
	return nil
}

// client returns an S3 client of a caller that uses a base URL.
func (c *callers) client(caller api.Caller, url string) *s3.Client {
	return s3.NewFromConfig(c.cloud.Config(caller, url), func(o *s3.Options) { o.UsePathStyle = true })
}
