package lambda

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Function is the configuration of a function.
type Function struct {
	// Name is the function's name. ARN is set by [Host.Create].
	Name, ARN string
	// Bootstrap is the path of the built binary.
	Bootstrap string
	// Handler is the value of _HANDLER; "" means "bootstrap".
	Handler string
	// Role is the ARN of the execution role.
	Role string
	// Environment contains the template's variables, at most 4 KB.
	Environment map[string]string
	// MemoryMB is the memory in MB; 0 means 128. It sets the limit GOMEMLIMIT.
	MemoryMB int
	// Timeout limits one invocation; 0 means 3 s.
	Timeout time.Duration
	// LogGroup is the log group's name; "" means /aws/lambda/<name>.
	LogGroup string
	// LogFormat is "Text" (also for "") or "JSON"; ApplicationLogLevel, for JSON only, is the lowest level that is
	// kept, "" meaning INFO.
	LogFormat, ApplicationLogLevel string
	// Local contains additional variables for this machine. They do not count towards the 4 KB.
	Local map[string]string
	// EndpointURL is the address of the local AWS for the function's calls; "" sets none.
	EndpointURL string
	// Async is the configuration of asynchronous invocations.
	Async Async
	// ReservedConcurrency is the maximum number of concurrent invocations; nil means no limit.
	ReservedConcurrency *int
	// Modified is when code or configuration last changed. [Host.Create] and [Host.Update] set it.
	Modified time.Time
}

// Async is a function's configuration for asynchronous invocation. The zero value is none.
// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionEventInvokeConfig.html
type Async struct {
	// MaximumRetryAttempts is 0 to 2; nil means 2.
	MaximumRetryAttempts *int
	// MaximumEventAge is the maximum age of an event at a retry; 0 means 6 hours.
	MaximumEventAge time.Duration
	// OnFailure and OnSuccess are the ARNs of the destinations; "" for none.
	OnFailure, OnSuccess string
}

// hosted is a function in a host. The host's mutex guards its mutable fields.
type hosted struct {
	Function
	permissions []Permission
	idle        []*environment
	// slots limits concurrency; nil means no limit.
	slots chan struct{}
}

func newHosted(f Function) *hosted {
	h := &hosted{Function: f}
	if f.ReservedConcurrency != nil {
		h.slots = make(chan struct{}, *f.ReservedConcurrency)
	}
	return h
}

func (f Function) withDefaults() Function {
	f.Handler = or(f.Handler, "bootstrap")
	f.LogGroup = or(f.LogGroup, "/aws/lambda/"+f.Name)
	f.LogFormat = or(f.LogFormat, "Text")
	f.ApplicationLogLevel = or(f.ApplicationLogLevel, "INFO")
	if f.MemoryMB == 0 {
		f.MemoryMB = 128
	}
	if f.Timeout == 0 {
		f.Timeout = 3 * time.Second
	}
	return f
}

// retries returns how often a failed asynchronous invocation is retried.
func (f Function) retries() int {
	if f.Async.MaximumRetryAttempts == nil {
		return 2
	}
	return *f.Async.MaximumRetryAttempts
}

// eventAge returns how old an event may be at a retry.
func (f Function) eventAge() time.Duration {
	if f.Async.MaximumEventAge == 0 {
		return 6 * time.Hour
	}
	return f.Async.MaximumEventAge
}

// maxTimeout is the longest time-out of a function.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxTimeout = 15 * time.Minute

// maxEnvironment is the maximum size of all environment variables of a function, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxEnvironment = 4096

// variableName matches valid names of variables.
// https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
var variableName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]+$`)

// reserved are the variables that a function's configuration may not set.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
var reserved = []string{
	"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME",
	"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
	"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// check refuses a function that Lambda refuses to create.
func (f Function) check() error {
	size := 0
	for _, name := range slices.Sorted(maps.Keys(f.Environment)) {
		if slices.Contains(reserved, name) {
			return invalid("reserved keys used in this request: %s", name)
		}
		if !variableName.MatchString(name) {
			return invalid("environment variable name %q does not satisfy %s", name, variableName)
		}
		size += len(name) + len(f.Environment[name])
	}
	if size > maxEnvironment {
		return invalid("the environment variables exceed the 4KB limit (%d bytes)", size)
	}
	switch {
	case f.Bootstrap == "":
		return invalid("no bootstrap")
	case f.Timeout > maxTimeout:
		return outOfRange("timeout", int(f.Timeout.Seconds()), "900 or less")
	}
	return f.invokeConfig().check()
}

// outOfRange returns Lambda's error for a value that its model does not allow. (The SDK does not check ranges.)
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html
func outOfRange(name string, value any, constraint string) error {
	return &Error{Status: 400, Code: "ValidationException", Message: fmt.Sprintf(
		"1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: Member must be %s", value, name, constraint)}
}

func invalid(format string, args ...any) error {
	return &Error{Status: 400, Code: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

// variables returns the environment of the function's processes, as "name=value", sorted by name.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func (h *Host) variables(f Function, stream, runtimeAPI string) []string {
	key, secret := "ASIALOCALNOBODY00000", "none"
	if h.options.Credentials != nil {
		key, secret = h.options.Credentials(f.Role, f.Name)
	}
	variables := map[string]string{
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		"GOMEMLIMIT":                      fmt.Sprintf("%dMiB", f.MemoryMB),
		"_HANDLER":                        f.Handler,
		"LAMBDA_TASK_ROOT":                filepath.Dir(f.Bootstrap),
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"AWS_REGION":                      h.options.Region,
		"AWS_DEFAULT_REGION":              h.options.Region,
		"AWS_ACCESS_KEY_ID":               key,
		"AWS_SECRET_ACCESS_KEY":           secret,
		"AWS_SESSION_TOKEN":               "token-of-" + key,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_provided.al2023",
		"AWS_LAMBDA_RUNTIME_API":          runtimeAPI,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": fmt.Sprint(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       f.LogGroup,
		"AWS_LAMBDA_LOG_STREAM_NAME":      stream,
		"AWS_LAMBDA_LOG_FORMAT":           f.LogFormat,
	}
	if f.LogFormat == "JSON" {
		variables["AWS_LAMBDA_LOG_LEVEL"] = f.ApplicationLogLevel
	}
	if f.EndpointURL != "" {
		variables["AWS_ENDPOINT_URL"] = f.EndpointURL
	}
	maps.Copy(variables, f.Environment)
	maps.Copy(variables, f.Local)
	var list []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		list = append(list, name+"="+variables[name])
	}
	return list
}

// functionName returns the name in a name, a partial ARN ("111122223333:function:name") or an ARN, with or without a
// version. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestParameters
func functionName(nameOrARN string) string {
	if _, after, ok := strings.Cut(nameOrARN, ":function:"); ok {
		nameOrARN = after
	}
	name, _, _ := strings.Cut(nameOrARN, ":")
	return name
}
