// Package awsjson calls AWS services whose protocol is JSON without their SDK clients.
//
// The SDK's clients of SSM, SQS and EventBridge make tables of all their operations when a process starts: 1.9 MB, and half of the
// processor time of a cold start, for one operation of each. Security Hub's is an eighth of a function's package, because a finding can
// describe each resource of AWS. This package needs none. Configuration, credentials, signature, retries and the types of errors are
// the SDK's.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
package awsjson

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

// Service is what the protocol needs to know of a service.
type Service struct {
	// ID is the name of the service in errors and, in capitals, in AWS_ENDPOINT_URL_<ID>.
	// https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html
	ID string
	// Name is the first part of the service's host name, and its name in signatures and permissions.
	Name string
	// Target precedes the operation in X-Amz-Target. Version is that of the protocol, "1.0" or "1.1".
	Target, Version string
	// Paths are those of a REST service's operations, which has neither Target nor Version.
	Paths map[string]string
}

// The services that the project calls so.
var (
	SSM         = Service{ID: "SSM", Name: "ssm", Target: "AmazonSSM", Version: "1.1"}
	SQS         = Service{ID: "SQS", Name: "sqs", Target: "AmazonSQS", Version: "1.0"}
	EventBridge = Service{ID: "EventBridge", Name: "events", Target: "AWSEvents", Version: "1.1"}
	SecurityHub = Service{ID: "SecurityHub", Name: "securityhub", Paths: map[string]string{"BatchImportFindings": "/findings/import"}}
)

// Caller makes one call: it sends in as JSON, and decodes the answer into out. An error that AWS answers is a [smithy.APIError].
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
	body, err := json.Marshal(in)
	for attempt := 1; err == nil; attempt++ {
		failure := c.attempt(ctx, operation, body, out)
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
func (c *Client) attempt(ctx context.Context, operation string, body []byte, out any) error {
	request, err := c.request(ctx, operation, body)
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
		err = refusal(response, answer)
	} else if err = json.Unmarshal(answer, out); err == nil {
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
func (c *Client) request(ctx context.Context, operation string, body []byte) (*http.Request, error) {
	address, err := c.address(ctx)
	if err != nil {
		return nil, err
	}
	path, isREST := c.service.Paths[operation]
	if isREST {
		address = strings.TrimSuffix(address, "/") + path
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if isREST {
		request.Header.Set("Content-Type", "application/json")
	} else {
		request.Header.Set("Content-Type", "application/x-amz-json-"+c.service.Version)
		request.Header.Set("X-Amz-Target", c.service.Target+"."+operation)
	}
	if c.config.Credentials == nil {
		return nil, errors.New("no credentials")
	}
	credentials, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("get credentials: %w", err)
	}
	hash := sha256.Sum256(body)
	err = c.signer.SignHTTP(ctx, credentials, request, hex.EncodeToString(hash[:]), c.service.Name, c.config.Region, time.Now())
	return request, err
}

// serviceEndpoints is what the SDK asks a configuration's sources for.
type serviceEndpoints interface {
	GetServiceBaseEndpoint(ctx context.Context, id string) (string, bool, error)
}

// address returns the service's endpoint: the configured one for the service, that for all services, or AWS's own.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
func (c *Client) address(ctx context.Context) (string, error) {
	for _, source := range c.config.ConfigSources {
		if of, ok := source.(serviceEndpoints); ok {
			if url, found, err := of.GetServiceBaseEndpoint(ctx, c.service.ID); err != nil || found {
				return url, err
			}
		}
	}
	if url := aws.ToString(c.config.BaseEndpoint); url != "" {
		return url, nil
	}
	return fmt.Sprintf("https://%s.%s.%s/", c.service.Name, c.config.Region, Domain(lock.PartitionOf(c.config.Region))), nil
}

// Domain returns the end of the services' host names in a partition.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html#cfn-pseudo-param-urlsuffix
func Domain(partition string) string {
	if partition == "aws-cn" {
		return "amazonaws.com.cn"
	}
	return "amazonaws.com"
}

// refusal returns the error that a response says. Its code may be in a header, and have a namespace before it or an address behind it.
// SQS has its former code in another header; the SDK takes that.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html#operation-error-serialization
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
func refusal(response *http.Response, answer []byte) error {
	var said struct {
		Type    string `json:"__type"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	_ = json.Unmarshal(answer, &said) // what is no JSON has no code, as with the SDK; names match in any case
	code, _, _ := strings.Cut(cmp.Or(response.Header.Get("X-Amzn-Errortype"), said.Type, said.Code), ":")
	code = code[strings.LastIndex(code, "#")+1:]
	former, _, _ := strings.Cut(response.Header.Get("X-Amzn-Query-Error"), ";")
	fault := smithy.FaultClient
	if response.StatusCode >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: cmp.Or(former, code, "UnknownError"), Message: said.Message, Fault: fault}
}
