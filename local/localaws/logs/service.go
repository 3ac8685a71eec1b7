package logs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Limits of calls.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
const (
	mostEvents  = 10000
	mostBytes   = 1 << 20 // of messages in an answer of FilterLogEvents
	mostGroups  = 50
	maxPattern  = 1024
	maxSearched = 20000 // events that one call of FilterLogEvents looks at: AWS has a limit of its own, and says no number
)

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "logs" }

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response { return jsonrpc.Error(r, e) }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	decoders := map[string]func(*api.Request) (*api.Operation, error){
		"CreateLogGroup":    s.decodeCreateGroup,
		"CreateLogStream":   s.decodeCreateStream,
		"DescribeLogGroups": s.decodeDescribe,
		"FilterLogEvents":   s.decodeFilter,
		"PutLogEvents":      s.decodePut,
	}
	if decode := decoders[jsonrpc.Operation(r)]; decode != nil {
		return decode(r)
	}
	return nil, jsonrpc.Unknown(r)
}

// arn returns the ARN of a group or, with ":log-stream:NAME", of a stream.
func (s *Service) arn(name string) string {
	o := s.options
	return "arn:" + o.Partition + ":logs:" + o.Region + ":" + o.Account + ":log-group:" + name
}

// operation returns a call that needs one permission.
func (s *Service) operation(r *api.Request, resource string, do func() (*api.Response, error)) *api.Operation {
	name := jsonrpc.Operation(r)
	need := api.Need{Action: "logs:" + name, Resource: resource, ResourceAccount: s.options.Account}
	return &api.Operation{Name: name, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return do()
	}}
}

func (s *Service) decodeCreateGroup(r *api.Request) (*api.Operation, error) {
	var p struct {
		LogGroupName string `json:"logGroupName"`
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	operation := s.operation(r, s.arn(p.LogGroupName), func() (*api.Response, error) {
		if s.groups[p.LogGroupName] != nil {
			return nil, jsonrpc.Refuse("ResourceAlreadyExistsException", "The specified log group already exists")
		}
		s.groups[p.LogGroupName] = &group{created: r.Time, streams: map[string]bool{}}
		return jsonrpc.Answer(r, struct{}{})
	})
	operation.Trail = &api.Trail{RequestParameters: map[string]any{"logGroupName": p.LogGroupName}}
	return operation, nil
}

func (s *Service) decodeCreateStream(r *api.Request) (*api.Operation, error) {
	var p struct {
		LogGroupName  string `json:"logGroupName"`
		LogStreamName string `json:"logStreamName"`
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	return s.operation(r, s.arn(p.LogGroupName)+":log-stream:"+p.LogStreamName, func() (*api.Response, error) {
		g, err := s.find(p.LogGroupName)
		if err != nil {
			return nil, err
		}
		if g.streams[p.LogStreamName] {
			return nil, jsonrpc.Refuse("ResourceAlreadyExistsException", "The specified log stream already exists")
		}
		g.streams[p.LogStreamName] = true
		return jsonrpc.Answer(r, struct{}{})
	}), nil
}

func (s *Service) decodePut(r *api.Request) (*api.Operation, error) {
	var p struct {
		LogGroupName  string `json:"logGroupName"`
		LogStreamName string `json:"logStreamName"`
		LogEvents     []struct {
			Timestamp int64  `json:"timestamp"`
			Message   string `json:"message"`
		} `json:"logEvents"`
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	return s.operation(r, s.arn(p.LogGroupName)+":log-stream:"+p.LogStreamName, func() (*api.Response, error) {
		g, err := s.find(p.LogGroupName)
		if err != nil {
			return nil, err
		}
		if !g.streams[p.LogStreamName] {
			return nil, jsonrpc.Refuse("ResourceNotFoundException", "The specified log stream does not exist.")
		}
		for _, e := range p.LogEvents {
			g.add(p.LogStreamName, time.UnixMilli(e.Timestamp), r.Time, e.Message)
		}
		return jsonrpc.Answer(r, map[string]string{"nextSequenceToken": strconv.Itoa(g.next)})
	}), nil
}

func (s *Service) decodeDescribe(r *api.Request) (*api.Operation, error) {
	var p struct {
		Prefix    string `json:"logGroupNamePrefix"`
		NextToken string `json:"nextToken"`
		Limit     int    `json:"limit"`
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	if p.Limit < 0 || p.Limit > mostGroups {
		return nil, invalid(fmt.Sprintf("limit is %d, at most %d are allowed", p.Limit, mostGroups))
	}
	return s.operation(r, "*", func() (*api.Response, error) {
		found := []map[string]any{}
		next := ""
		for _, name := range slices.Sorted(maps.Keys(s.groups)) {
			if !strings.HasPrefix(name, p.Prefix) || name < p.NextToken {
				continue
			}
			if len(found) == cmp.Or(p.Limit, mostGroups) {
				next = name
				break
			}
			found = append(found, map[string]any{
				"logGroupName": name, "arn": s.arn(name) + ":*", "logGroupArn": s.arn(name), "creationTime": s.groups[name].created.UnixMilli(),
			})
		}
		answer := map[string]any{"logGroups": found}
		if next != "" {
			answer["nextToken"] = next
		}
		return jsonrpc.Answer(r, answer)
	}), nil
}

// filter has the parameters of FilterLogEvents.
type filter struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	FilterPattern      string `json:"filterPattern"`
	NextToken          string `json:"nextToken"`
	StartTime          int64  `json:"startTime"`
	EndTime            *int64 `json:"endTime"`
	Limit              int    `json:"limit"`
	// Interleaved is ignored, as AWS does: events are always in the order of their time.
	Interleaved bool `json:"interleaved"`
}

func (s *Service) decodeFilter(r *api.Request) (*api.Operation, error) {
	var p filter
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	name := p.LogGroupName
	switch {
	case (name == "") == (p.LogGroupIdentifier == ""):
		return nil, invalid("exactly one of logGroupName and logGroupIdentifier must be given")
	case name == "":
		name = p.LogGroupIdentifier[strings.LastIndex(p.LogGroupIdentifier, ":")+1:]
	}
	if p.Limit < 0 || p.Limit > mostEvents {
		return nil, invalid(fmt.Sprintf("limit is %d, at most %d are allowed", p.Limit, mostEvents))
	}
	if len(p.FilterPattern) > maxPattern {
		return nil, invalid("the filter pattern is longer than 1024 characters")
	}
	matches, err := compile(p.FilterPattern)
	if err != nil {
		return nil, invalid("Invalid filter pattern: " + err.Error())
	}
	return s.operation(r, s.arn(name), func() (*api.Response, error) {
		g, err := s.find(name)
		if err != nil {
			return nil, err
		}
		return jsonrpc.Answer(r, g.search(p, matches))
	}), nil
}

// search returns the answer of FilterLogEvents. Its token is the number of the next event to look at. A page can be empty
// although a later one is not, as AWS's can.
func (g *group) search(p filter, matches func(string) bool) map[string]any {
	found, size := []map[string]any{}, 0
	from, _ := strconv.Atoi(p.NextToken) // 0 for a token that is not one of ours: see conformance
	searched := 0
	answer := map[string]any{"searchedLogStreams": []any{}}
	for i := from; i < len(g.events); i++ {
		e := g.events[i]
		if e.at.UnixMilli() < p.StartTime {
			continue
		}
		if p.EndTime != nil && e.at.UnixMilli() > *p.EndTime {
			break
		}
		if len(found) == cmp.Or(p.Limit, mostEvents) || searched == maxSearched || size+len(e.message) > mostBytes && len(found) > 0 {
			answer["nextToken"] = strconv.Itoa(i)
			break
		}
		if searched++; matches(e.message) {
			size += len(e.message)
			found = append(found, map[string]any{
				"eventId": e.id, "logStreamName": e.stream, "message": e.message,
				"timestamp": e.at.UnixMilli(), "ingestionTime": e.ingested.UnixMilli(),
			})
		}
	}
	answer["events"] = found
	return answer
}

// find returns a group. The mutex must be held.
func (s *Service) find(name string) (*group, error) {
	if g := s.groups[name]; g != nil {
		return g, nil
	}
	return nil, jsonrpc.Refuse("ResourceNotFoundException", "The specified log group does not exist.")
}

// eventID returns an event's id, which has 56 digits.
func eventID(number int) string { return fmt.Sprintf("%056d", number) }

func invalid(message string) *api.Error { return jsonrpc.Refuse("InvalidParameterException", message) }
