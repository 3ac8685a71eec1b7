#!/usr/bin/env bash
# github.com/awslabs/goformation/v7 v7.14.9: opening a template and writing it again empties what it could not work out.
#
# Guess: intrinsic functions that cannot be worked out without a deployment stay in the template, or are an error; those that
# can be (conditions, Select of Split) are worked out.
# Behaviour: what depends on a resource becomes an empty text without a word: a bucket policy for "${Bucket.Arn}/*" is
# written as a policy for "/*". A condition made of another one (!Not [!Condition …]) becomes null, and list items behind it
# become {}, whichever branch counts. !Select from !Split becomes empty as well.
# Seen:
#   error: <nil>
#   Resource: /*
#   Tags: [{},{}]
#   Select of Split: ""
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS="${GOFLAGS:-} -mod=mod" GOWORK=off
go mod init finding 2>/dev/null
go get github.com/awslabs/goformation/v7@v7.14.9 2>log || { cat log >&2; exit 1; }
go list -m github.com/awslabs/goformation/v7
cat > template.yaml <<'YAML'
Parameters: {Keep: {Type: String, Default: "false"}}
Conditions:
  IsKept: !Equals [!Ref Keep, "true"]
  IsGone: !Not [!Condition IsKept]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      Tags:
        - !If [IsGone, {Key: state, Value: gone}, !Ref AWS::NoValue]
        - !If [IsKept, {Key: state, Value: kept}, !Ref AWS::NoValue]
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Deny, Principal: "*", Action: "s3:*", Resource: !Sub "${Bucket.Arn}/*"}]
  Parameter:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Select [0, !Split ["-", "first-second"]]}
YAML
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"

	"github.com/awslabs/goformation/v7"
)

func main() {
	template, err := goformation.Open("template.yaml")
	fmt.Println("error:", err)
	text, err := template.JSON()
	if err != nil {
		panic(err)
	}
	var written struct {
		Resources struct {
			Bucket    struct{ Properties struct{ Tags json.RawMessage } }
			Policy    struct{ Properties struct{ PolicyDocument struct{ Statement []struct{ Resource string } } } }
			Parameter struct{ Properties struct{ Value string } }
		}
	}
	if err := json.Unmarshal(text, &written); err != nil {
		panic(err)
	}
	r := written.Resources
	var tags []map[string]string
	if err := json.Unmarshal(r.Bucket.Properties.Tags, &tags); err != nil {
		panic(err)
	}
	compact, _ := json.Marshal(tags)
	fmt.Printf("Resource: %s\nTags: %s\nSelect of Split: %q\n", r.Policy.Properties.PolicyDocument.Statement[0].Resource, compact, r.Parameter.Properties.Value)
}
GO
seen=$(go run .)
echo "$seen"
want='error: <nil>
Resource: /*
Tags: [{},{}]
Select of Split: ""'
[ "$seen" = "$want" ] || { echo "the behaviour has changed" >&2; exit 1; }
