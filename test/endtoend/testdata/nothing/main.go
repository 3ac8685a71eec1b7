// Command nothing is a Lambda function that does nothing: what a cold start costs at least.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() {
	lambda.Start(func() error { return nil })
}
