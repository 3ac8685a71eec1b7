// Package stacktag reads the tag by which a bucket names the CloudFormation stack that created it.
package stacktag

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Key is the tag that CloudFormation sets on a stack's resources, with the stack's ARN. Only AWS can set tags with this prefix.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
const Key = "aws:cloudformation:stack-id"

// In returns the ARN of the stack in a bucket's tags; "" if they name none.
func In(tags []types.Tag) string {
	i := slices.IndexFunc(tags, func(t types.Tag) bool { return aws.ToString(t.Key) == Key })
	if i < 0 {
		return ""
	}
	return aws.ToString(tags[i].Value)
}
