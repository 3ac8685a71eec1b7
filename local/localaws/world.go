package localaws

import "fmt"

// awsAccount is the account that owns AWS's own buckets.
const awsAccount = "999999999999"

// ReadableByAll returns a public bucket that AWS itself owns, as there is one in each Region, and an object in it.
// https://docs.aws.amazon.com/codedeploy/latest/userguide/resource-kit.html
func ReadableByAll(region string) (bucket, key string) {
	return "aws-codedeploy-" + region, "latest/LATEST_VERSION"
}

// furnish creates the resources that exist from the start.
func (c *Cloud) furnish() error {
	base := c.Gate.Options()
	bucket, key := ReadableByAll(base.Region)
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",`+
		`"Resource":"arn:%s:s3:::%s/*"}]}`, base.Partition, bucket)
	if err := c.S3.CreateBucket(bucket, awsAccount); err != nil {
		return err
	}
	if err := c.S3.PutPublicAccessBlock(bucket, nil); err != nil {
		return err
	}
	if err := c.S3.PutPolicy(bucket, []byte(policy)); err != nil {
		return err
	}
	return c.S3.Put(bucket, key, []byte("1.0\n"))
}
