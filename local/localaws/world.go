package localaws

import "fmt"

// awsAccount owns what AWS itself keeps in S3.
const awsAccount = "999999999999"

// ReadableByAll is a bucket of AWS's own that everybody may read, as there is one in every Region, and an object in it.
// https://docs.aws.amazon.com/codedeploy/latest/userguide/resource-kit.html
func ReadableByAll(region string) (bucket, key string) {
	return "aws-codedeploy-" + region, "latest/LATEST_VERSION"
}

// furnish makes what is there before anybody comes.
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
