// Package cloudformation is the local AWS's CloudFormation: other packages set up stacks by its methods, and the query
// protocol (version 2010-05-15) describes them. It creates no resources; package deployment does.
//
// To add a call, write a method for it and add it to [Service.Decode].
package cloudformation

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// KeyValue is a parameter or an output of a stack.
type KeyValue struct {
	Key, Value string
}

// Resource is one resource of a stack.
type Resource struct {
	LogicalID, PhysicalID, Type string
	// Status "" means "CREATE_COMPLETE". Reason is the reason for the status, or "".
	Status, Reason string
	// Changed is when its status last changed; zero means the stack's time.
	Changed time.Time
}

// Stack is a stack.
type Stack struct {
	// ID is the stack's ARN. [Service.PutStack] sets it if it is empty.
	ID   string
	Name string
	// Status is e.g. "UPDATE_IN_PROGRESS", Reason the reason for it, or "".
	Status, Reason string
	// ParentID and RootID are the ARNs of the stacks that contain a nested stack; "" for others.
	ParentID, RootID string
	// RoleARN is the stack's service role; "" when it has none.
	RoleARN    string
	Parameters []KeyValue
	Outputs    []KeyValue
	Resources  []Resource
	Created    time.Time
	// Updated is when the status last changed.
	Updated time.Time
}

// StackEvent is a change of a stack's status, from which EventBridge's event is made.
type StackEvent struct {
	// Stack is the stack after the change.
	Stack Stack
	// Token is different for each change. EventBridge's event contains it as client-request-token.
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

// New returns a CloudFormation without stacks. The options are the gate's, with defaults set.
func New(o api.Options) *Service { return &Service{options: o} }

// OnStatus makes each change of a stack's status call f, before the method that made the change returns.
func (s *Service) OnStatus(f func(StackEvent)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onStatus = append(s.onStatus, f)
}

// StackID returns the ARN of a stack of that name.
func (s *Service) StackID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("arn:%s:cloudformation:%s:%s:stack/%s/%x-%x-4%s-8%s-%x",
		s.options.Partition, s.options.Region, s.options.Account, name,
		sum[:4], sum[4:6], fmt.Sprintf("%x", sum[6:8])[1:], fmt.Sprintf("%x", sum[8:10])[1:], sum[10:16])
}

// PutStack adds a stack, or replaces the one of that name, and returns it. This counts as a change of its status.
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

// SetStatus changes the status of a stack, given by name or ARN. The reason may be empty. It returns an error if there is
// no such stack.
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

// changed records a change of a stack's status, and returns the event and the functions to call with it.
func (s *Service) changed(i int) (StackEvent, []func(StackEvent)) {
	s.changes++
	s.stacks[i].Updated = s.options.Now()
	event := StackEvent{Stack: s.stacks[i], Token: fmt.Sprintf("local-%d", s.changes), Time: s.stacks[i].Updated}
	return event, slices.Clone(s.onStatus)
}

// tell calls the functions that [Service.OnStatus] registered.
func tell(listeners []func(StackEvent), event StackEvent) {
	for _, f := range listeners {
		f(event)
	}
}

// index returns the index of a stack, given by name or ARN, or -1. A deleted stack is found only by its ARN, as in
// CloudFormation.
func (s *Service) index(stack string) int {
	return slices.IndexFunc(s.stacks, func(other Stack) bool {
		return other.ID == stack || other.Name == stack && other.Status != "DELETE_COMPLETE"
	})
}

// Stack returns a stack by name or ARN.
func (s *Service) Stack(stack string) (Stack, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.index(stack)
	if i < 0 {
		return Stack{}, false
	}
	return s.stacks[i], true
}

// described returns the stacks for a call: the one that it names, or all that are not deleted if it names none.
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

// noStack returns the error for a stack that does not exist.
func noStack(stack string) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: "Stack with id " + stack + " does not exist"}
}

// arn returns the ARN of the stack that a call names, for the permission check. If no stack has the name, the last
// part of the ARN is "*".
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
