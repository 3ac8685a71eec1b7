// Package logs is the local AWS's CloudWatch Logs: log groups with the lines that functions print, searched with
// FilterLogEvents. It keeps everything, whatever the retention is, and runs no Logs Insights queries.
//
// To add a call, write a decoder for it and name it in [Service.Decode]. pattern.go has the filter patterns.
package logs

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Service is the log groups of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	jsonrpc.Refuser
	options api.Options

	mu     sync.Mutex
	groups map[string]*group
}

// group is one log group.
type group struct {
	created time.Time
	streams map[string]bool
	// events are in the order of their time, and those of one time in the order in which they came in.
	events []event
	// next is the number of the next event.
	next int
}

// event is one line.
type event struct {
	id, stream, message string
	at, ingested        time.Time
}

var _ api.Service = (*Service)(nil)

// New makes a service without groups. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service { return &Service{options: o, groups: map[string]*group{}} }

// CreateGroup makes an empty group, if there is none of this name.
func (s *Service) CreateGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[name] == nil {
		s.groups[name] = &group{created: s.options.Now(), streams: map[string]bool{}}
	}
}

// DeleteGroup removes a group and its events, if it exists.
func (s *Service) DeleteGroup(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.groups, name)
}

// Put adds a line to a group. It is lost if there is no such group, as a function's lines are then.
func (s *Service) Put(name, stream string, at time.Time, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[name]; g != nil {
		g.streams[stream] = true
		g.add(stream, at, s.options.Now(), message)
	}
}

// add inserts an event at its time.
func (g *group) add(stream string, at, now time.Time, message string) {
	e := event{id: eventID(g.next), stream: stream, message: message, at: at.Truncate(time.Millisecond), ingested: now}
	g.next++
	i, _ := slices.BinarySearchFunc(g.events, e.at, func(e event, at time.Time) int { return cmp.Or(e.at.Compare(at), -1) })
	g.events = slices.Insert(g.events, i, e)
}
