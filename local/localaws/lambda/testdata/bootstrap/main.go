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
	// Records are messages of a queue: the function fails if the body of one is "fail", or reports it if REPORT is set.
	Records []struct{ MessageID, Body string }
}

// failures is the answer that names failed messages.
type failures struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
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

func handle(ctx context.Context, e event) (any, error) {
	runs++
	if len(e.Records) > 0 {
		return process(e)
	}
	if e.Say != "" {
		fmt.Println(e.Say)
	}
	switch e.Do {
	case "fail":
		return nil, errors.New("as told")
	case "panic":
		panic("as told")
	case "exit":
		os.Exit(7)
	case "hang":
		select {}
	case "call":
		if _, err := net.Dial("tcp", os.Getenv("CALL")); err != nil {
			return nil, err
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

// process handles a batch of messages.
func process(e event) (any, error) {
	var f failures
	for _, r := range e.Records {
		if r.Body == "fail" {
			f.BatchItemFailures = append(f.BatchItemFailures, failure{r.MessageID})
		}
	}
	switch {
	case os.Getenv("REPORT") == "nonsense":
		return failures{[]failure{{"no such message"}}}, nil
	case os.Getenv("REPORT") == "" && len(f.BatchItemFailures) > 0:
		return nil, errors.New("as told")
	}
	return f, nil
}
