package lambda

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// lambdaTime is the format of LastModified.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
const lambdaTime = "2006-01-02T15:04:05.000-0700"

// change returns a management write on a function, with its name in the record.
func (s service) change(name, event, function string, do func(f Function) (any, error)) *api.Operation {
	f, _ := s.host.Function(function)
	operation := s.operation(name, f.ARN, func() (any, error) { return do(f) })
	operation.Trail = &api.Trail{EventName: event, RequestParameters: map[string]any{"functionName": function}}
	return operation
}

// updateConfiguration changes a function's environment and time-out. The local AWS refuses other changes.
func (s service) updateConfiguration(name string, r *api.Request) *api.Operation {
	return s.change("UpdateFunctionConfiguration", "UpdateFunctionConfiguration20150331v2", name, func(f Function) (any, error) {
		var wanted struct {
			Environment struct{ Variables map[string]string }
			Timeout     *int
		}
		if err := jsonrpc.Decode(r.Body, &wanted); err != nil {
			return nil, invalid("the local AWS changes Environment and Timeout only: %v", err)
		}
		if wanted.Environment.Variables != nil {
			f.Environment = wanted.Environment.Variables
		}
		if wanted.Timeout != nil {
			if *wanted.Timeout < 1 {
				return nil, outOfRange("timeout", *wanted.Timeout, "1 or more")
			}
			f.Timeout = time.Duration(*wanted.Timeout) * time.Second
		}
		if err := s.host.Update(f); err != nil {
			return nil, err
		}
		changed, _ := s.host.Function(name)
		return changed.configuration(), nil
	})
}

// invokeConfig is a function's configuration for asynchronous invocation, in requests and answers. What is not configured is
// absent, and Lambda's default.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html
type invokeConfig struct {
	FunctionArn              string `json:",omitempty"`
	MaximumRetryAttempts     *int   `json:",omitempty"`
	MaximumEventAgeInSeconds *int   `json:",omitempty"`
	DestinationConfig        struct {
		OnFailure, OnSuccess struct {
			Destination string `json:",omitempty"`
		}
	}
}

// destinationARN is what a destination must be.
// https://docs.aws.amazon.com/lambda/latest/api/API_OnFailure.html
var destinationARN = regexp.MustCompile(`^$|^arn:aws[a-zA-Z0-9-]*:[a-zA-Z0-9-]+:[a-z0-9-]*:(\d{12})?:.*$`)

// check refuses a configuration that Lambda refuses.
// https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
func (c invokeConfig) check() error {
	switch onFailure, onSuccess := c.DestinationConfig.OnFailure.Destination, c.DestinationConfig.OnSuccess.Destination; {
	case c.MaximumRetryAttempts != nil && (*c.MaximumRetryAttempts < 0 || *c.MaximumRetryAttempts > 2):
		return outOfRange("maximumRetryAttempts", *c.MaximumRetryAttempts, "between 0 and 2")
	case c.MaximumEventAgeInSeconds != nil && (*c.MaximumEventAgeInSeconds < 60 || *c.MaximumEventAgeInSeconds > 21600):
		return outOfRange("maximumEventAgeInSeconds", *c.MaximumEventAgeInSeconds, "between 60 and 21600")
	case !destinationARN.MatchString(onFailure):
		return outOfRange("destinationConfig.onFailure.destination", onFailure, "an ARN")
	case !destinationARN.MatchString(onSuccess):
		return outOfRange("destinationConfig.onSuccess.destination", onSuccess, "an ARN")
	}
	return nil
}

// async returns what is configured.
func (c invokeConfig) async() Async {
	a := Async{
		MaximumRetryAttempts: c.MaximumRetryAttempts,
		OnFailure:            c.DestinationConfig.OnFailure.Destination, OnSuccess: c.DestinationConfig.OnSuccess.Destination,
	}
	if c.MaximumEventAgeInSeconds != nil {
		a.MaximumEventAge = time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
	}
	return a
}

// invokeConfig returns the function's configuration for answers.
func (f Function) invokeConfig() invokeConfig {
	c := invokeConfig{FunctionArn: f.ARN + ":$LATEST", MaximumRetryAttempts: f.Async.MaximumRetryAttempts}
	if seconds := int(f.Async.MaximumEventAge.Seconds()); seconds > 0 {
		c.MaximumEventAgeInSeconds = &seconds
	}
	c.DestinationConfig.OnFailure.Destination, c.DestinationConfig.OnSuccess.Destination = f.Async.OnFailure, f.Async.OnSuccess
	return c
}

func (s service) getInvokeConfig(name string, _ *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	return s.operation("GetFunctionEventInvokeConfig", f.ARN, func() (any, error) {
		if f.Async == (Async{}) {
			return nil, missing("The function " + f.ARN + " doesn't have an EventInvokeConfig")
		}
		return f.invokeConfig(), nil
	})
}

// putInvokeConfig replaces the configuration as a whole. It does not count as a change of the function.
func (s service) putInvokeConfig(name string, r *api.Request) *api.Operation {
	return s.change("PutFunctionEventInvokeConfig", "PutFunctionEventInvokeConfig", name, func(f Function) (any, error) {
		var c invokeConfig
		if err := jsonrpc.Decode(r.Body, &c); err != nil {
			return nil, invalid("%v", err)
		}
		if err := c.check(); err != nil {
			return nil, err
		}
		f.Async = c.async()
		return f.invokeConfig(), s.host.reconfigure(f)
	})
}

// statement returns a permission as Lambda writes it in the function's policy.
func (s service) statement(f Function, p Permission) map[string]any {
	principal := map[string]string{"Service": p.Service}
	if !strings.Contains(p.Service, ".") {
		principal = map[string]string{"AWS": "arn:" + s.host.options.Partition + ":iam::" + p.Service + ":root"}
	}
	statement := map[string]any{
		"Sid": p.StatementID, "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": f.ARN,
	}
	condition := map[string]any{}
	if p.SourceARN != "" {
		condition["ArnLike"] = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	if p.SourceAccount != "" {
		condition["StringEquals"] = map[string]string{"AWS:SourceAccount": p.SourceAccount}
	}
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	return statement
}

// getPolicy returns the permissions as Lambda writes them.
func (s service) getPolicy(name string, _ *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	return s.operation("GetPolicy", f.ARN, func() (any, error) {
		permissions := s.host.Permissions(name)
		if len(permissions) == 0 {
			return nil, missing("The resource you requested does not exist.")
		}
		statements := []any{}
		for _, p := range permissions {
			statements = append(statements, s.statement(f, p))
		}
		policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": statements})
		return map[string]string{"Policy": string(policy), "RevisionId": revision(policy)}, err
	})
}

// revision returns an id that is another one for each policy.
func revision(policy []byte) string {
	sum := sha256.Sum256(policy)
	return hyphenated(sum[:16])
}

// addPermission adds a permission for a service or an account.
func (s service) addPermission(name string, r *api.Request) *api.Operation {
	return s.change("AddPermission", "AddPermission20150331v2", name, func(f Function) (any, error) {
		var p struct{ StatementID, Action, Principal, SourceArn, SourceAccount string }
		if err := jsonrpc.Decode(r.Body, &p); err != nil || p.Action != "lambda:InvokeFunction" {
			return nil, invalid("the local AWS permits lambda:InvokeFunction only, for a service or an account (%v)", err)
		}
		added := Permission{StatementID: p.StatementID, Service: p.Principal, SourceARN: p.SourceArn, SourceAccount: p.SourceAccount}
		statement, err := json.Marshal(s.statement(f, added))
		return map[string]string{"Statement": string(statement)}, errors.Join(err, s.host.Permit(name, added))
	})
}

// removePermission removes the permission whose id is at the end of the path.
func (s service) removePermission(name string, r *api.Request) *api.Operation {
	return s.change("RemovePermission", "RemovePermission20150331v2", name, func(Function) (any, error) {
		id := path.Base(r.URL.Path)
		if !s.host.permission(name, id) {
			return nil, missing("Statement " + id + " is not found in resource policy.")
		}
		return nil, s.host.Forbid(name, id)
	})
}
