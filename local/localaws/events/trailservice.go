package events

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Trail is a CloudTrail trail.
type Trail struct {
	// Name is the trail's name. ARN is set by [Bus.PutTrail].
	Name, ARN string
	// Logging means that the trail is switched on.
	Logging bool
	// Bucket is the bucket of its files, Validation whether digests of them are written there.
	Bucket     string
	Validation bool
	// DeliveryError is S3's latest error when CloudTrail wrote a file; "" for none. No file is written here.
	DeliveryError string
	// Selectors are the logged events; without selectors, all management events.
	Selectors []Selector
}

// Selector is a basic event selector. Advanced ones are not supported.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
type Selector struct {
	// ReadWriteType is "All", "ReadOnly" or "WriteOnly".
	ReadWriteType           string
	IncludeManagementEvents bool
}

// logsWrites reports whether a trail logs management writes; EventBridge then gets them.
func (t Trail) logsWrites() bool {
	writes := func(s Selector) bool { return s.IncludeManagementEvents && s.ReadWriteType != "ReadOnly" }
	return t.Logging && (len(t.Selectors) == 0 || slices.ContainsFunc(t.Selectors, writes))
}

// PutTrail makes a trail, or replaces the one with that name. CloudTrail delivers events only if a trail logs
// management writes.
func (b *Bus) PutTrail(t Trail) (arn string) {
	t.ARN = "arn:" + b.options.Partition + ":cloudtrail:" + b.options.Region + ":" + b.options.Account + ":trail/" + t.Name
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trails[t.Name] = t
	return t.ARN
}

// RemoveTrail removes a trail, if it exists.
func (b *Bus) RemoveTrail(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.trails, name)
}

// Trails returns all trails, sorted by name.
func (b *Bus) Trails() []Trail {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []Trail
	for _, name := range slices.Sorted(maps.Keys(b.trails)) {
		list = append(list, b.trails[name])
	}
	return list
}

// trailService is CloudTrail's API.
type trailService struct{ bus *Bus }

// TrailService returns CloudTrail's API: DescribeTrails, LookupEvents, GetTrailStatus, GetEventSelectors, PutEventSelectors,
// UpdateTrail, StopLogging and StartLogging.
func (b *Bus) TrailService() api.Service { return trailService{b} }

// SigningName implements [api.Service].
func (s trailService) SigningName() string { return "cloudtrail" }

// RenderError implements [api.Service].
func (s trailService) RenderError(r *api.Request, e *api.Error) *api.Response {
	return jsonrpc.Error(r, e)
}

// trailParameters are the parameters of all calls here. The trail is called Name in some and TrailName in others.
type trailParameters struct {
	Name, TrailName         string
	S3BucketName            *string
	EnableLogFileValidation *bool
	EventSelectors          []putSelector
}

// putSelector is an event selector in a request. What is absent is the default.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_EventSelector.html
type putSelector struct {
	ReadWriteType           string
	IncludeManagementEvents *bool
}

// mostSelectors is how many selectors a trail has at most.
const mostSelectors = 5

// checkSelectors refuses selectors that CloudTrail refuses.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
func checkSelectors(put []putSelector) error {
	if len(put) == 0 || len(put) > mostSelectors {
		return invalidSelectors("Specify a valid number of selectors (1 to 5) for your trail.")
	}
	for _, s := range put {
		if !slices.Contains([]string{"", "All", "ReadOnly", "WriteOnly"}, s.ReadWriteType) {
			return invalidSelectors("Specify a valid ReadWriteType for the event selector, not " + s.ReadWriteType + ".")
		}
	}
	return nil
}

func invalidSelectors(message string) error {
	return jsonrpc.Refuse("InvalidEventSelectorsException", message)
}

// Decode implements [api.Service].
func (s trailService) Decode(r *api.Request) (*api.Operation, error) {
	name := jsonrpc.Operation(r)
	if name == "LookupEvents" {
		return s.lookUp(r)
	}
	var p trailParameters
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	p.Name = or(p.Name, p.TrailName)
	if name == "DescribeTrails" {
		need := api.Need{Action: "cloudtrail:" + name, Resource: "*", ResourceAccount: s.bus.options.Account}
		return &api.Operation{Name: name, Needs: []api.Need{need}, Do: func() (*api.Response, error) {
			return jsonrpc.Answer(r, map[string]any{"trailList": s.described()})
		}}, nil
	}
	do, ok := map[string]func(Trail) (any, error){
		"GetTrailStatus": func(t Trail) (any, error) {
			return map[string]any{"IsLogging": t.Logging, "LatestDeliveryError": t.DeliveryError}, nil
		},
		"GetEventSelectors": selectors,
		"PutEventSelectors": s.selected(p.EventSelectors),
		"StopLogging":       s.switched(false),
		"StartLogging":      s.switched(true),
		"UpdateTrail":       s.updated(p),
	}[name]
	if !ok {
		return nil, jsonrpc.Unknown(r)
	}
	return s.operation(r, name, p, do), nil
}

// lookUp decodes LookupEvents: management writes of the account, with or without a trail, the latest first, by one
// attribute.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
func (s trailService) lookUp(r *api.Request) (*api.Operation, error) {
	var p struct {
		LookupAttributes []struct{ AttributeKey, AttributeValue string }
	}
	if err := jsonrpc.Parse(r, &p); err != nil {
		return nil, err
	}
	field := "eventName"
	for _, a := range p.LookupAttributes {
		field = map[string]string{"EventName": "eventName", "EventSource": "eventSource", "EventId": "eventID"}[a.AttributeKey]
	}
	if field == "" || len(p.LookupAttributes) > 1 {
		return nil, jsonrpc.Refuse("InvalidLookupAttributesException", "the local AWS looks up by one of EventName, EventSource and EventId")
	}
	need := api.Need{Action: "cloudtrail:LookupEvents", Resource: "*", ResourceAccount: s.bus.options.Account}
	return &api.Operation{Name: "LookupEvents", Needs: []api.Need{need}, Do: func() (*api.Response, error) {
		found := []any{}
		for _, record := range slices.Backward(s.bus.Records()) {
			if len(p.LookupAttributes) == 0 || record[field] == p.LookupAttributes[0].AttributeValue {
				found = append(found, lookedUp(record))
			}
		}
		return jsonrpc.Answer(r, map[string]any{"Events": found})
	}}, nil
}

// lookedUp returns a record as LookupEvents shows it. Its time is in seconds since 1970.
func lookedUp(record Event) map[string]any {
	whole, _ := json.Marshal(record)                                   // decoded JSON
	at, _ := time.Parse(time.RFC3339, fmt.Sprint(record["eventTime"])) // format of [Record]
	return map[string]any{
		"EventId": record["eventID"], "EventName": record["eventName"], "EventSource": record["eventSource"],
		"EventTime": at.Unix(), "ReadOnly": "false", "CloudTrailEvent": string(whole),
	}
}

// operation returns a call about one trail, by its name or ARN.
func (s trailService) operation(r *api.Request, name string, p trailParameters, do func(Trail) (any, error)) *api.Operation {
	trail, found := s.find(p.Name)
	operation := &api.Operation{Name: name, Needs: []api.Need{{
		Action: "cloudtrail:" + name, Resource: or(trail.ARN, p.Name), ResourceAccount: s.bus.options.Account,
	}}}
	switch name {
	case "StopLogging", "StartLogging", "UpdateTrail":
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"name": p.Name}}
	case "PutEventSelectors":
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"trailName": p.Name}}
	}
	operation.Do = func() (*api.Response, error) {
		if !found {
			return nil, jsonrpc.Refuse("TrailNotFoundException", "Unknown trail: "+p.Name)
		}
		answer, err := do(trail)
		if err != nil {
			return nil, err
		}
		return jsonrpc.Answer(r, answer)
	}
	return operation
}

func (s trailService) find(nameOrARN string) (Trail, bool) {
	for _, t := range s.bus.Trails() {
		if t.Name == nameOrARN || t.ARN == nameOrARN {
			return t, true
		}
	}
	return Trail{}, false
}

func (s trailService) described() []any {
	list := []any{}
	for _, t := range s.bus.Trails() {
		list = append(list, map[string]any{"Name": t.Name, "TrailARN": t.ARN, "HomeRegion": s.bus.options.Region, "IsMultiRegionTrail": false,
			"S3BucketName": t.Bucket, "LogFileValidationEnabled": t.Validation, "HasCustomEventSelectors": len(t.Selectors) > 0})
	}
	return list
}

// selectors returns a trail's event selectors, or AWS's default if it has none.
func selectors(t Trail) (any, error) {
	list := t.Selectors
	if len(list) == 0 {
		list = []Selector{{ReadWriteType: "All", IncludeManagementEvents: true}}
	}
	return map[string]any{"TrailARN": t.ARN, "EventSelectors": list}, nil
}

func (s trailService) switched(on bool) func(Trail) (any, error) {
	return func(t Trail) (any, error) {
		t.Logging = on
		s.bus.PutTrail(t)
		return map[string]any{}, nil
	}
}

// selected sets a trail's event selectors.
func (s trailService) selected(put []putSelector) func(Trail) (any, error) {
	return func(t Trail) (any, error) {
		if err := checkSelectors(put); err != nil {
			return nil, err
		}
		t.Selectors = nil
		for _, p := range put {
			t.Selectors = append(t.Selectors, Selector{
				ReadWriteType: or(p.ReadWriteType, "All"), IncludeManagementEvents: p.IncludeManagementEvents == nil || *p.IncludeManagementEvents,
			})
		}
		s.bus.PutTrail(t)
		return selectors(t)
	}
}

// updated changes the members that the call gives. A trail takes any bucket here: CloudTrail refuses one that does not exist, or
// whose policy does not let it write.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html
func (s trailService) updated(p trailParameters) func(Trail) (any, error) {
	return func(t Trail) (any, error) {
		if p.S3BucketName != nil {
			t.Bucket = *p.S3BucketName
		}
		if p.EnableLogFileValidation != nil {
			t.Validation = *p.EnableLogFileValidation
		}
		s.bus.PutTrail(t)
		return map[string]any{"Name": t.Name, "TrailARN": t.ARN, "S3BucketName": t.Bucket, "LogFileValidationEnabled": t.Validation}, nil
	}
}
