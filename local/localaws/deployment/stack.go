package deployment

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// Stack is a deployed template. Its methods may be called concurrently, except for those that change it: Update,
// BeginUpdate, CompleteUpdate and Delete.
type Stack struct {
	engine     *Engine
	id, name   string
	bootstraps func(logicalID string) (path string, err error)
	parent     *Stack // nil for a stack that is not nested

	mu        sync.Mutex
	plan      *samtemplate.Plan
	resources []*existing
	nested    []nested
}

// existing is a resource of a stack.
type existing struct {
	samtemplate.Resource
	made
	properties map[string]any
	// status is "DELETE_FAILED" after a failed removal, otherwise ""; reason is the error of that removal.
	status, reason string
	// changed is when it was created or last updated.
	changed time.Time
}

// ID returns the stack's ARN.
func (s *Stack) ID() string { return s.id }

// Name returns the stack's name.
func (s *Stack) Name() string { return s.name }

// Status returns the stack's status in CloudFormation, e.g. "UPDATE_COMPLETE".
func (s *Stack) Status() string {
	stack, _ := s.engine.CloudFormation.Stack(s.id)
	return stack.Status
}

// Plan returns the plan of the stack's deployment or last update.
func (s *Stack) Plan() *samtemplate.Plan {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.plan
}

// Has reports whether the stack, or one that is nested in it, has a resource of that logical id.
func (s *Stack) Has(logicalID string) bool {
	_, ok := s.Ref(logicalID)
	return ok
}

// Ref returns the result of Ref for a resource, which may be in a nested stack, and whether the resource exists. It implements
// [samtemplate.Attributes].
func (s *Stack) Ref(logicalID string) (string, bool) {
	if r := s.find(logicalID); r != nil {
		return r.ref, true
	}
	return "", false
}

// GetAtt returns the result of Fn::GetAtt for a resource, which may be in a nested stack, and whether the attribute exists. It implements
// [samtemplate.Attributes].
func (s *Stack) GetAtt(logicalID, name string) (any, bool) {
	if r := s.find(logicalID); r != nil {
		value, ok := r.attributes[name]
		return value, ok
	}
	return nil, false
}

// Physical returns the physical id of a resource, e.g. the bucket's name; "" when the stack has no such resource.
func (s *Stack) Physical(logicalID string) string {
	id, _ := s.Ref(logicalID)
	return id
}

// Attribute returns an attribute of a resource if it is a string, e.g. its "Arn"; otherwise "".
func (s *Stack) Attribute(logicalID, name string) string {
	value, _ := s.GetAtt(logicalID, name)
	text, _ := value.(string)
	return text
}

// Endpoint returns the id of the stack's VPC endpoint, of either type; "" when there is none.
func (s *Stack) Endpoint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.resources {
		if r.Type == "AWS::EC2::VPCEndpoint" {
			return r.ref
		}
	}
	return ""
}

// Outputs returns the stack's outputs.
func (s *Stack) Outputs() (map[string]string, error) { return s.Plan().Outputs(s) }

// Session returns a caller that has assumed one of the stack's roles.
func (s *Stack) Session(roleLogicalID, session string) api.Caller {
	return s.engine.IAM.Session(s.Physical(roleLogicalID), session)
}

// Workload returns the app on the stack's instance as a caller.
func (s *Stack) Workload() api.Caller { return s.Session("InstanceRole", s.Physical("Instance")) }

// resource returns a resource; nil when there is none.
func (s *Stack) resource(logicalID string) *existing {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.resources, func(r *existing) bool { return r.LogicalID == logicalID })
	if i < 0 {
		return nil
	}
	return s.resources[i]
}

// existingResources returns all resources, in the order of their creation.
func (s *Stack) existingResources() []*existing {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.resources)
}

// add adds a resource that has been created.
func (s *Stack) add(r *existing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.changed = s.engine.Clock.Now()
	s.resources = append(s.resources, r)
}

// replace replaces a resource with its state after an update.
func (s *Stack) replace(before, after *existing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	after.changed = s.engine.Clock.Now()
	s.resources[slices.Index(s.resources, before)] = after
}

// drop deletes a removed resource from the list.
func (s *Stack) drop(r *existing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources = slices.DeleteFunc(s.resources, func(other *existing) bool { return other == r })
}

// enter sets the stack's status, which CloudFormation reports to its listeners, and the description of its current
// resources.
func (s *Stack) enter(status, reason string) {
	if status == "DELETE_COMPLETE" { // the last description remains
		_ = s.engine.CloudFormation.SetStatus(s.id, status, reason)
		return
	}
	described := cloudformation.Stack{ID: s.id, Name: s.name, Status: status, Reason: reason}
	if s.parent != nil {
		described.ParentID, described.RootID = s.parent.id, s.parent.id
	}
	if before, ok := s.engine.CloudFormation.Stack(s.id); ok && status != "CREATE_IN_PROGRESS" {
		described.Created = before.Created
	}
	plan := s.Plan()
	parameters := plan.Options().Parameters
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		described.Parameters = append(described.Parameters, cloudformation.KeyValue{Key: name, Value: parameters[name]})
	}
	if outputs, err := plan.Outputs(s); err == nil {
		for _, name := range slices.Sorted(maps.Keys(outputs)) {
			described.Outputs = append(described.Outputs, cloudformation.KeyValue{Key: name, Value: outputs[name]})
		}
	}
	for _, r := range s.existingResources() {
		described.Resources = append(described.Resources, cloudformation.Resource{
			LogicalID: r.LogicalID, PhysicalID: r.ref, Type: deployedType(r.Type), Status: r.status, Reason: r.reason, Changed: r.changed,
		})
	}
	s.engine.CloudFormation.PutStack(described)
}

// deployedType returns the type that CloudFormation reports: SAM's transform has replaced its own types.
func deployedType(declared string) string {
	return strings.NewReplacer(
		"AWS::Serverless::Function", "AWS::Lambda::Function", nestedType, "AWS::CloudFormation::Stack",
	).Replace(declared)
}
