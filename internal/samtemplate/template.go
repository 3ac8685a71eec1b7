// Package samtemplate reads the project's template.yaml as CloudFormation and SAM would.
package samtemplate

import (
	"errors"
	"time"

	"s3-endpoint-guard/internal/eventpattern"
)

var errUnwritten = errors.New("not written yet")

// Template is a parsed template.
type Template struct{}

// Parameter is one parameter of the template, as declared.
type Parameter struct {
	Name, Type, Default, Description string
	HasDefault, NoEcho               bool
	AllowedValues                    []string
}

// Load reads the template in the file at path.
func Load(path string) (*Template, error) { return nil, errUnwritten }

// Parse reads a template.
func Parse(data []byte) (*Template, error) { return nil, errUnwritten }

// Parameters returns the parameters in the order of the template.
func (t *Template) Parameters() []Parameter { return nil }

// Options is what CloudFormation is told besides the template.
type Options struct {
	Parameters                                       map[string]string
	Partition, Region, AccountID, StackName, StackID string
}

// Plan is a template with its parameters, conditions and Globals decided.
type Plan struct{}

// Plan decides parameters, conditions and order.
func (t *Template) Plan(o Options) (*Plan, error) { return nil, errUnwritten }

// Resource is one resource that the stack will have.
type Resource struct {
	LogicalID, Type, DeletionPolicy string
	DependsOn                       []string
	Metadata                        map[string]any
}

// Attributes answers what Ref and Fn::GetAtt of a resource return.
type Attributes interface {
	Ref(logicalID string) (string, bool)
	GetAtt(logicalID, name string) (any, bool)
}

// Options returns the options with every default filled in.
func (p *Plan) Options() Options { return Options{} }

// Resources returns the resources whose condition holds, each after what it depends on.
func (p *Plan) Resources() []Resource { return nil }

// Properties returns a resource's properties with intrinsics resolved.
func (p *Plan) Properties(logicalID string, a Attributes) (map[string]any, error) {
	return nil, errUnwritten
}

// Outputs returns the outputs whose condition holds.
func (p *Plan) Outputs(a Attributes) (map[string]string, error) { return nil, errUnwritten }

// Invented answers valid-looking ids and ARNs for every resource.
func Invented(p *Plan) Attributes { return nil }

// Function is the resolved view of an AWS::Serverless::Function.
type Function struct {
	LogicalID     string
	Name          string // Ref: the function's name
	ARN           string
	Role          string            // the role's ARN
	RoleLogicalID string            // "" where the role is not of this template
	Environment   map[string]string // variables
	Timeout       time.Duration
	MemoryMB      int
	EventInvoke   EventInvoke
}

// EventInvoke is what Lambda does with asynchronous invocations that fail.
type EventInvoke struct {
	MaximumRetryAttempts int
	MaximumEventAge      time.Duration
	OnFailure            string // destination ARN, "" = none
}

// Function returns the function logicalID.
func (p *Plan) Function(logicalID string, a Attributes) (Function, error) {
	return Function{}, errUnwritten
}

// Rule is the resolved view of an AWS::Events::Rule.
type Rule struct {
	LogicalID string
	Name      string
	Pattern   *eventpattern.Pattern // nil for a schedule
	Schedule  string                // "rate(…)" or "cron(…)", "" for a pattern
	Enabled   bool
	Targets   []Target
}

// Target is where a rule sends an event.
type Target struct {
	ID                   string
	ARN                  string
	DeadLetterARN        string // "" = none
	Input                string // constant JSON sent instead of the event, "" = the event itself
	MaximumRetryAttempts int
	MaximumEventAge      time.Duration
}

// Rules returns every AWS::Events::Rule whose condition holds, in plan order.
func (p *Plan) Rules(a Attributes) ([]Rule, error) { return nil, errUnwritten }
