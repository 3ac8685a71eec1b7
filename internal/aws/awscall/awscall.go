// Package awscall calls AWS services without their SDK clients: those of which a function makes one or two calls.
//
// The SDK's clients of SSM, SQS and EventBridge make tables of all their operations when a process starts: 1.9 MB, and half of the
// processor time of a cold start, for one operation of each; newer versions of those of SNS and CloudFormation do so, too. All clients
// make tables of their endpoints. Security Hub's is an eighth of a function's package, because a finding can describe each resource of
// AWS. This package needs none. Configuration, credentials, signature, retries and the types of errors are the SDK's.
package awscall

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"example.com/s3-endpoint-guard/internal/timeleft"
)

// Service is what a call needs to know of a service.
type Service struct {
	// ID is the name of the service in errors and, in capitals, in AWS_ENDPOINT_URL_<ID>.
	// https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html
	ID string
	// Name is the first part of the service's host name, and its name in signatures and permissions.
	Name     string
	protocol protocol
}

// protocol is how a service takes calls and answers them.
type protocol interface {
	// message returns the body of a call, with its path and its header's fields.
	message(operation string, in any) (message, error)
	// decode reads the answer to a call that succeeded.
	decode(answer []byte, out any) error
	// refusal returns what an answer says about the error.
	refusal(response *http.Response, answer []byte) said
}

// message is a call before it is signed.
type message struct {
	// path is the part of the URL behind the endpoint, without the first slash.
	path   string
	header map[string]string
	body   []byte
}

// said is an error's code and text; its code is "" if it has none.
type said struct{ code, text string }

// The services that the project calls so.
var (
	SSM            = JSON("SSM", "ssm", "AmazonSSM", "1.1")
	SQS            = JSON("SQS", "sqs", "AmazonSQS", "1.0")
	EventBridge    = JSON("EventBridge", "events", "AWSEvents", "1.1")
	SecurityHub    = Service{"SecurityHub", "securityhub", restJSON{paths: map[string]string{"BatchImportFindings": "findings/import"}}}
	SNS            = Service{"SNS", "sns", query("2010-03-31")}
	CloudFormation = Service{"CloudFormation", "cloudformation", query("2010-05-15")}
)

// Caller makes one call: it sends in, and decodes the answer into out. For a service with the query protocol, in is [url.Values] and out
// has tags of encoding/xml; for the others both are as encoding/json takes them. If out is nil, the answer is not decoded: an operation
// without a result may answer nothing. An error that AWS answers is a [smithy.APIError].
type Caller interface {
	Call(ctx context.Context, operation string, in, out any) error
}

// Client is the [Caller] of one service. Any number of goroutines may use it at the same time.
type Client struct {
	config  aws.Config
	service Service
	retryer aws.Retryer
	signer  *v4.Signer
}

// New makes a client. It makes no call.
func New(config aws.Config, service Service) *Client {
	c := &Client{config: config, service: service, signer: v4.NewSigner()}
	if config.HTTPClient == nil {
		c.config.HTTPClient = awshttp.NewBuildableClient()
	}
	if config.Retryer != nil {
		c.retryer = config.Retryer()
	} else {
		c.retryer = retry.NewStandard()
	}
	return c
}

// Call implements [Caller]. It repeats a call as the configuration's retryer says.
func (c *Client) Call(ctx context.Context, operation string, in, out any) error {
	m, err := c.service.protocol.message(operation, in)
	for attempt := 1; err == nil; attempt++ {
		failure := c.attempt(ctx, m, out)
		if failure == nil {
			return nil
		}
		if err = c.pause(ctx, attempt, failure); err != nil {
			break
		}
	}
	return &smithy.OperationError{ServiceID: c.service.ID, OperationName: operation, Err: err}
}

// pause waits before the next attempt. It returns the failure if there is to be none.
func (c *Client) pause(ctx context.Context, attempt int, failure error) error {
	switch most := c.retryer.MaxAttempts(); {
	case ctx.Err() != nil:
		return &aws.RequestCanceledError{Err: errors.Join(ctx.Err(), failure)}
	case !c.retryer.IsErrorRetryable(failure):
		return failure
	case most > 0 && attempt >= most:
		return fmt.Errorf("exceeded maximum number of attempts, %d, %w", most, failure)
	}
	delay, err := c.retryer.RetryDelay(attempt, failure)
	if err != nil {
		return errors.Join(err, failure)
	}
	if timeleft.Wait(ctx, delay) != nil {
		return &aws.RequestCanceledError{Err: errors.Join(ctx.Err(), failure)}
	}
	return nil
}

// attempt makes one attempt.
func (c *Client) attempt(ctx context.Context, m message, out any) error {
	request, err := c.request(ctx, m)
	if err != nil {
		return err
	}
	response, err := c.config.HTTPClient.Do(request)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: err}
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return &smithyhttp.RequestSendError{Err: fmt.Errorf("reading the answer: %w", err)}
	}
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusMultipleChoices {
		err = c.refusal(response, answer)
	} else if out == nil {
		return nil
	} else if err = c.service.protocol.decode(answer, out); err == nil {
		return nil
	} else {
		err = &smithy.DeserializationError{Err: err, Snapshot: answer}
	}
	return &awshttp.ResponseError{
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: response}, Err: err},
		RequestID:     response.Header.Get("X-Amzn-RequestId"),
	}
}

// request makes a signed request.
func (c *Client) request(ctx context.Context, m message) (*http.Request, error) {
	address, err := c.address(ctx)
	if err != nil {
		return nil, err
	}
	address = strings.TrimSuffix(address, "/") + "/" + m.path
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(m.body))
	if err != nil {
		return nil, err
	}
	for name, value := range m.header {
		request.Header.Set(name, value)
	}
	if c.config.Credentials == nil {
		return nil, errors.New("no credentials")
	}
	credentials, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	hash := sha256.Sum256(m.body)
	err = c.signer.SignHTTP(ctx, credentials, request, hex.EncodeToString(hash[:]), c.service.Name, c.config.Region, time.Now())
	return request, err
}

// refusal returns the error that a response says.
func (c *Client) refusal(response *http.Response, answer []byte) error {
	said := c.service.protocol.refusal(response, answer)
	fault := smithy.FaultClient
	if response.StatusCode >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: cmp.Or(said.code, "UnknownError"), Message: said.text, Fault: fault}
}
