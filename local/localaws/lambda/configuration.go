package lambda

import (
	"encoding/json"
	"path"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
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
			Timeout     int
		}
		decoder := json.NewDecoder(strings.NewReader(string(r.Body)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&wanted); err != nil {
			return nil, invalid("the local AWS changes Environment and Timeout only: %v", err)
		}
		if wanted.Environment.Variables != nil {
			f.Environment = wanted.Environment.Variables
		}
		if wanted.Timeout != 0 {
			f.Timeout = time.Duration(wanted.Timeout) * time.Second
		}
		return map[string]any{"FunctionName": f.Name, "FunctionArn": f.ARN}, s.host.Update(f)
	})
}

// invokeConfig is a function's configuration for asynchronous invocation.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html
type invokeConfig struct {
	FunctionArn              string `json:",omitempty"`
	MaximumRetryAttempts     int
	MaximumEventAgeInSeconds int
	DestinationConfig        struct {
		OnFailure struct {
			Destination string `json:",omitempty"`
		}
	}
}

func (s service) getInvokeConfig(name string, _ *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	return s.operation("GetFunctionEventInvokeConfig", f.ARN, func() (any, error) {
		c := invokeConfig{FunctionArn: f.ARN + ":$LATEST", MaximumRetryAttempts: f.retries(), MaximumEventAgeInSeconds: int(f.Async.MaximumEventAge.Seconds())}
		c.DestinationConfig.OnFailure.Destination = f.Async.OnFailure
		return c, nil
	})
}

// putInvokeConfig does not count as a change of the function.
func (s service) putInvokeConfig(name string, r *api.Request) *api.Operation {
	return s.change("PutFunctionEventInvokeConfig", "PutFunctionEventInvokeConfig", name, func(f Function) (any, error) {
		var c invokeConfig
		if err := json.Unmarshal(r.Body, &c); err != nil {
			return nil, invalid("%v", err)
		}
		f.Async = Async{
			MaximumRetryAttempts: &c.MaximumRetryAttempts, MaximumEventAge: time.Duration(c.MaximumEventAgeInSeconds) * time.Second,
			OnFailure: c.DestinationConfig.OnFailure.Destination,
		}
		return c, s.host.reconfigure(f)
	})
}

// getPolicy returns the permissions as Lambda writes them.
func (s service) getPolicy(name string, _ *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	return s.operation("GetPolicy", f.ARN, func() (any, error) {
		permissions := s.host.Permissions(name)
		if len(permissions) == 0 {
			return nil, &Error{Status: 404, Code: "ResourceNotFoundException", Message: "The resource you requested does not exist."}
		}
		statements := []any{}
		for _, p := range permissions {
			principal := map[string]string{"Service": p.Service}
			if !strings.Contains(p.Service, ".") {
				principal = map[string]string{"AWS": "arn:" + s.host.options.Partition + ":iam::" + p.Service + ":root"}
			}
			statement := map[string]any{
				"Sid": p.StatementID, "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Resource": f.ARN,
			}
			if p.SourceARN != "" {
				statement["Condition"] = map[string]any{"ArnLike": map[string]string{"AWS:SourceArn": p.SourceARN}}
			}
			statements = append(statements, statement)
		}
		policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "default", "Statement": statements})
		return map[string]string{"Policy": string(policy)}, err
	})
}

// addPermission adds a permission for a service or an account.
func (s service) addPermission(name string, r *api.Request) *api.Operation {
	return s.change("AddPermission", "AddPermission20150331v2", name, func(f Function) (any, error) {
		var p struct{ StatementID, Action, Principal, SourceArn string }
		if err := json.Unmarshal(r.Body, &p); err != nil || p.Action != "lambda:InvokeFunction" {
			return nil, invalid("the local AWS permits lambda:InvokeFunction only")
		}
		return map[string]string{}, s.host.Permit(name, Permission{StatementID: p.StatementID, Service: p.Principal, SourceARN: p.SourceArn})
	})
}

// removePermission removes the permission whose id is at the end of the path.
func (s service) removePermission(name string, r *api.Request) *api.Operation {
	return s.change("RemovePermission", "RemovePermission20150331v2", name, func(Function) (any, error) {
		return nil, s.host.Forbid(name, path.Base(r.URL.Path))
	})
}
