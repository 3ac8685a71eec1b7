package lambda

import (
	"encoding/json"
	"net/http"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// The account's concurrency: AWS's default quota, of which 100 must remain unreserved.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const (
	accountConcurrency  = 1000
	leastUnreservedConc = 100
)

// manage decodes the calls for inspecting functions and switching them off; it returns nil for all other calls.
func (s service) manage(r *api.Request) (*api.Operation, error) {
	path := strings.Trim(r.URL.Path, "/")
	if r.Method == http.MethodGet && path == "2016-08-19/account-settings" {
		return s.operation("GetAccountSettings", "*", func() (any, error) { return s.host.accountSettings(), nil }), nil
	}
	if r.Method == http.MethodGet && path == "2015-03-31/event-source-mappings" {
		function := r.URL.Query().Get("FunctionName")
		return s.operation("ListEventSourceMappings", "*", func() (any, error) { return s.host.listMappings(function) }), nil
	}
	version, rest, _ := strings.Cut(path, "/functions/")
	name, part, _ := strings.Cut(rest, "/")
	part, statement, _ := strings.Cut(part, "/")
	if name == "" || statement != "" && part != "policy" {
		return nil, nil
	}
	call := map[string]func(string, *api.Request) *api.Operation{
		"GET 2015-03-31 ":                    s.getFunction,
		"GET 2015-03-31 configuration":       s.getConfiguration,
		"PUT 2017-10-31 concurrency":         s.putConcurrency,
		"DELETE 2017-10-31 concurrency":      s.deleteConcurrency,
		"PUT 2015-03-31 configuration":       s.updateConfiguration,
		"GET 2019-09-25 event-invoke-config": s.getInvokeConfig,
		"PUT 2019-09-25 event-invoke-config": s.putInvokeConfig,
		"GET 2015-03-31 policy":              s.getPolicy,
		"POST 2015-03-31 policy":             s.addPermission,
		"DELETE 2015-03-31 policy":           s.removePermission,
	}[r.Method+" "+version+" "+part]
	if call == nil {
		return nil, nil
	}
	f, err := s.host.lookUp(name)
	if err != nil {
		return nil, refusal(err)
	}
	return call(f.Name, r), nil
}

// operation returns a call that needs one permission and answers with JSON.
func (s service) operation(name, resource string, do func() (any, error)) *api.Operation {
	need := api.Need{Action: "lambda:" + name, Resource: resource, ResourceAccount: s.host.options.Account}
	return &api.Operation{Name: name, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
		result, err := do()
		if err != nil {
			return nil, refusal(err)
		}
		if result == nil {
			return &api.Response{Status: http.StatusNoContent, Header: http.Header{}}, nil
		}
		body, err := json.Marshal(result)
		return &api.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}, err
	}}
}

// accountSettings returns the concurrency limits in GetAccountSettings.
func (h *Host) accountSettings() any {
	return map[string]any{"AccountLimit": map[string]int{
		"ConcurrentExecutions": accountConcurrency, "UnreservedConcurrentExecutions": accountConcurrency - h.reserved(""),
	}}
}

// listMappings returns a function's event source mappings, all of them if function is "".
// https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html
func (h *Host) listMappings(function string) (any, error) {
	list := []map[string]any{}
	for _, m := range h.Mappings() {
		f, ok := h.Function(m.Function)
		if !ok || function != "" && functionName(function) != f.Name {
			continue
		}
		list = append(list, map[string]any{
			"UUID": m.ID, "FunctionArn": f.ARN, "EventSourceArn": m.QueueARN, "BatchSize": m.BatchSize, "State": "Enabled",
		})
	}
	return map[string]any{"EventSourceMappings": list}, nil
}

// reserved returns the concurrency that is reserved for all functions except one.
func (h *Host) reserved(except string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	sum := 0
	for name, f := range h.functions {
		if name != except && f.ReservedConcurrency != nil {
			sum += *f.ReservedConcurrency
		}
	}
	return sum
}

func (s service) getFunction(name string, _ *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	return s.operation("GetFunction", f.ARN, func() (any, error) {
		answer := map[string]any{"Configuration": f.configuration()}
		if f.ReservedConcurrency != nil {
			answer["Concurrency"] = map[string]int{"ReservedConcurrentExecutions": *f.ReservedConcurrency}
		}
		return answer, nil
	})
}

func (s service) getConfiguration(name string, _ *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	return s.operation("GetFunctionConfiguration", f.ARN, func() (any, error) { return f.configuration(), nil })
}

// configuration returns the function's configuration in AWS's answers.
func (f Function) configuration() map[string]any {
	shown := map[string]any{
		"FunctionName": f.Name, "FunctionArn": f.ARN, "Role": f.Role, "Handler": f.Handler, "State": "Active",
		"LastUpdateStatus": "Successful", "MemorySize": f.MemoryMB, "Timeout": int(f.Timeout.Seconds()),
		"LastModified": f.Modified.UTC().Format(lambdaTime), "Version": "$LATEST",
		"LoggingConfig": map[string]any{"LogGroup": f.LogGroup, "LogFormat": f.LogFormat},
	}
	if len(f.Environment) > 0 {
		shown["Environment"] = map[string]any{"Variables": f.Environment}
	}
	return shown
}

// concurrency is the parameter and the answer of PutFunctionConcurrency.
type concurrency struct{ ReservedConcurrentExecutions int }

func (s service) putConcurrency(name string, r *api.Request) *api.Operation {
	f, _ := s.host.Function(name)
	var wanted concurrency
	parsed := jsonrpc.Decode(r.Body, &wanted)
	operation := s.operation("PutFunctionConcurrency", f.ARN, func() (any, error) {
		n := wanted.ReservedConcurrentExecutions
		switch {
		case parsed != nil:
			return nil, invalid("%v", parsed)
		case n < 0:
			return nil, outOfRange("reservedConcurrentExecutions", n, "0 or more")
		}
		if s.host.reserved(f.Name)+n > accountConcurrency-leastUnreservedConc {
			return nil, invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", leastUnreservedConc)
		}
		f.ReservedConcurrency = &n
		return wanted, s.host.reconfigure(f)
	})
	operation.Trail = &api.Trail{EventName: "PutFunctionConcurrency20171031", RequestParameters: map[string]any{
		"functionName": name, "reservedConcurrentExecutions": wanted.ReservedConcurrentExecutions,
	}}
	return operation
}

func (s service) deleteConcurrency(name string, _ *api.Request) *api.Operation {
	return s.change("DeleteFunctionConcurrency", "DeleteFunctionConcurrency20171031", name, func(f Function) (any, error) {
		f.ReservedConcurrency = nil
		return nil, s.host.reconfigure(f)
	})
}
