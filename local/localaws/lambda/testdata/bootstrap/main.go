// Command bootstrap is a function that executes the command in its event, for the tests of the Lambda host.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// event is a test's command.
type event struct {
	// Do is the action, Say a line to print first.
	Do, Say string
}

// answer is the function's environment, for a test.
type answer struct {
	Runs        int
	RequestID   string
	FunctionARN string
	LeftMs      int64
	Environment []string
}

var runs int

func main() {
	if os.Getenv("EXIT_IN_INIT") != "" {
		fmt.Println("not started")
		os.Exit(3)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, e event) (answer, error) {
	runs++
	if e.Say != "" {
		fmt.Println(e.Say)
	}
	switch e.Do {
	case "fail":
		return answer{}, errors.New("as told")
	case "panic":
		panic("as told")
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	case "call":
		if _, err := net.Dial("tcp", os.Getenv("CALL")); err != nil {
			return answer{}, err
		}
		select {}
	}
	deadline, _ := ctx.Deadline()
	about, _ := lambdacontext.FromContext(ctx)
	return answer{
		Runs: runs, RequestID: about.AwsRequestID, FunctionARN: about.InvokedFunctionArn,
		LeftMs: time.Until(deadline).Milliseconds(), Environment: os.Environ(),
	}, nil
}
