// Command nothing is a Lambda function that does nothing, to measure the minimum of a cold start.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() {
	lambda.Start(func() error { return nil })
}
