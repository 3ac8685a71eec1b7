package localaws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// Internet returns the base URL of the listener for callers on the internet.
func (c *Cloud) Internet() string { return c.internet }

// InternetPlain is like [Cloud.Internet], for requests that count as unencrypted.
func (c *Cloud) InternetPlain() string { return c.internetPlain }

// Through returns the base URL of the listener for a VPC endpoint: requests to it pass the endpoint, and its policy
// applies. It returns an error if there is no such endpoint.
func (c *Cloud) Through(vpcEndpointID string) (string, error) {
	return c.through(vpcEndpointID, false)
}

// ThroughPlain is like [Cloud.Through], for requests that count as unencrypted.
func (c *Cloud) ThroughPlain(vpcEndpointID string) (string, error) {
	return c.through(vpcEndpointID, true)
}

func (c *Cloud) through(vpcEndpointID string, plain bool) (string, error) {
	endpoint, ok := c.EC2.Endpoint(vpcEndpointID)
	if !ok {
		return "", fmt.Errorf("opening the listener of %s: there is no such VPC endpoint", vpcEndpointID)
	}
	return c.listener(api.Listener{SourceIP: instanceIP, VPCEndpointID: vpcEndpointID, VPCID: endpoint.VPCID, PlainHTTP: plain})
}

// listenerAddress returns the address (host and port) of the listener for a VPC endpoint.
func (c *Cloud) listenerAddress(vpcEndpointID string) (string, error) {
	url, err := c.Through(vpcEndpointID)
	return strings.TrimPrefix(url, "http://"), err
}

// listener opens a Listener, once, and returns its base URL.
func (c *Cloud) listener(l api.Listener) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if url, ok := c.listeners[l]; ok {
		return url, nil
	}
	url, err := c.Gate.Open(l)
	if err == nil {
		c.listeners[l] = url
	}
	return url, err
}

// openListeners opens the listeners that do not depend on a VPC endpoint.
func (c *Cloud) openListeners() (err error) {
	if c.internet, err = c.listener(api.Listener{SourceIP: internetIP}); err != nil {
		return err
	}
	if c.internetPlain, err = c.listener(api.Listener{SourceIP: internetIP, PlainHTTP: true}); err != nil {
		return err
	}
	c.functions, err = c.listener(api.Listener{SourceIP: functionsIP})
	return err
}

// Config returns an SDK configuration: clients made with it call the base URL as the caller. It reads nothing from the
// environment, so that AWS_CA_BUNDLE and similar variables have no effect (docs/facts.md, Tools).
func (c *Cloud) Config(caller api.Caller, url string) aws.Config {
	config := aws.Config{Region: c.Gate.Options().Region, BaseEndpoint: aws.String(url), HTTPClient: c.client}
	if caller.Principal == "" {
		config.Credentials = aws.AnonymousCredentials{}
		return config
	}
	key := c.accessKey(caller)
	config.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: key.id, SecretAccessKey: key.secret, Source: "localaws"}, nil
	})
	return config
}
