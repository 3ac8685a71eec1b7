// Package cloudformation is the local AWS's CloudFormation: stacks that others set up by its methods, described over
// the query protocol (version 2010-05-15). It creates nothing itself.
//
// To add a call, write a decoder for it and name it in [Service.Decode].
package cloudformation

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"s3-endpoint-guard/local/localaws/api"
)

// KeyValue is a parameter or an output, in the order in which a stack lists them.
type KeyValue struct {
	Key, Value string
}

// Resource is one resource of a stack.
type Resource struct {
	LogicalID, PhysicalID, Type string
	// Status is "CREATE_COMPLETE" when empty, Reason why; it may be empty.
	Status, Reason string
}

// Stack is a stack.
type Stack struct {
	// ID is the stack's ARN. It is filled in when it is empty.
	ID   string
	Name string
	// Status is e.g. "UPDATE_IN_PROGRESS", Reason why; Reason may be empty.
	Status, Reason string
	// RoleARN is the stack's service role; "" when it has none.
	RoleARN    string
	Parameters []KeyValue
	Outputs    []KeyValue
	Resources  []Resource
	Created    time.Time
	// Updated is when the status last changed.
	Updated time.Time
}

// StackEvent is a change of a stack's status, as EventBridge is told of it.
type StackEvent struct {
	// Stack is the stack after the change.
	Stack Stack
	// Token tells the operations on the stack apart.
	Token string
	Time  time.Time
}

// Service is the CloudFormation of one account and Region. Its methods may be called at any time and concurrently.
type Service struct {
	options api.Options

	mu       sync.Mutex
	stacks   []Stack
	onStatus []func(StackEvent)
	changes  int
}

// New makes a CloudFormation without stacks. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o} }

// OnStatus calls f after every change of a stack's status, and before the method that made it returns.
func (s *Service) OnStatus(f func(StackEvent)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onStatus = append(s.onStatus, f)
}

// StackID is the ARN that a stack of that name has here.
func (s *Service) StackID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%x-%x-4%s-8%s-%x",
		s.options.Partition, s.options.Region, s.options.Account, name,
		sum[:4], sum[4:6], fmt.Sprintf("%x", sum[6:8])[1:], fmt.Sprintf("%x", sum[8:10])[1:], sum[10:16])
}

// PutStack adds a stack, or replaces the one of that name, and returns it. Its status counts as changed.
func (s *Service) PutStack(stack Stack) Stack {
	s.mu.Lock()
	if stack.ID == "" {
		stack.ID = s.StackID(stack.Name)
	}
	if stack.Created.IsZero() {
		stack.Created = s.options.Now()
	}
	if i := s.index(stack.Name); i >= 0 {
		s.stacks[i] = stack
	} else {
		s.stacks = append(s.stacks, stack)
	}
	event, listeners := s.changed(s.index(stack.Name))
	s.mu.Unlock()
	tell(listeners, event)
	return event.Stack
}

// SetStatus changes the status of a stack, given by name or ARN. The reason may be empty.
func (s *Service) SetStatus(stack, status, reason string) error {
	s.mu.Lock()
	i := s.index(stack)
	if i < 0 {
		s.mu.Unlock()
		return noStack(stack)
	}
	s.stacks[i].Status, s.stacks[i].Reason = status, reason
	event, listeners := s.changed(i)
	s.mu.Unlock()
	tell(listeners, event)
	return nil
}

// changed notes that a stack's status changed, and whom to tell.
func (s *Service) changed(i int) (StackEvent, []func(StackEvent)) {
	s.changes++
	s.stacks[i].Updated = s.options.Now()
	event := StackEvent{Stack: s.stacks[i], Token: fmt.Sprintf("local-%d", s.changes), Time: s.stacks[i].Updated}
	return event, slices.Clone(s.onStatus)
}

// tell calls those who asked for changes.
func tell(listeners []func(StackEvent), event StackEvent) {
	for _, f := range listeners {
		f(event)
	}
}

// index is the place of a stack, given by name or ARN; -1 when there is none. One that was deleted is known by its ARN
// alone, as in CloudFormation.
func (s *Service) index(stack string) int {
	return slices.IndexFunc(s.stacks, func(other Stack) bool {
		return other.ID == stack || other.Name == stack && other.Status != "DELETE_COMPLETE"
	})
}

// Stack finds a stack by name or ARN.
func (s *Service) Stack(stack string) (Stack, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(stack)
	if i < 0 {
		return Stack{}, false
	}
	return s.stacks[i], true
}

// described are the stacks that a call asks for: one, or all that are not deleted when it names none.
func (s *Service) described(stack string) ([]Stack, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stack == "" {
		return slices.DeleteFunc(slices.Clone(s.stacks), func(other Stack) bool { return other.Status == "DELETE_COMPLETE" }), nil
	}
	i := s.index(stack)
	if i < 0 {
		return nil, noStack(stack)
	}
	return []Stack{s.stacks[i]}, nil
}

// noStack is the refusal of a stack that does not exist.
func noStack(stack string) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: "Stack with id " + stack + " does not exist"}
}

// arn is the ARN of the stack that a call names, for its permissions. Its last part is unknown where it names no
// stack that there is.
func (s *Service) arn(stack string) string {
	if found, ok := s.Stack(stack); ok {
		return found.ID
	}
	if strings.HasPrefix(stack, "arn:") {
		return stack
	}
	if stack == "" {
		stack = "*"
	}
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/*", s.options.Partition, s.options.Region, s.options.Account, stack)
}
