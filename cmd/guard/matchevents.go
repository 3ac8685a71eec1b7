package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readEvents returns the EventBridge events in a file: JSON documents, one after another, each an event, a CloudTrail
// record, a list of them, one of CloudTrail's log files, or what "aws cloudtrail lookup-events" prints.
func readEvents(data []byte) ([]map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var events []map[string]any
	for {
		var document any
		err := decoder.Decode(&document)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		more, err := eventsIn(document)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	if len(events) == 0 {
		return nil, errors.New("holds no event")
	}
	return events, nil
}

// eventsIn returns the events in one document.
func eventsIn(document any) ([]map[string]any, error) {
	list, isList := document.([]any)
	object, isObject := document.(map[string]any)
	if records, ok := object["Records"].([]any); ok {
		list, isList = records, true
	}
	if found, ok := object["Events"].([]any); ok {
		list, isList = found, true
	}
	record, isText := object["CloudTrailEvent"].(string)
	switch {
	case isText:
		return readEvents([]byte(record))
	case isList:
		var events []map[string]any
		for _, element := range list {
			more, err := eventsIn(element)
			if err != nil {
				return nil, err
			}
			events = append(events, more...)
		}
		return events, nil
	case isObject:
		event, err := toEvent(object)
		return []map[string]any{event}, err
	}
	text, err := json.Marshal(document)
	return nil, errors.Join(err, fmt.Errorf("holds %s, want events", text))
}

// detailTypes maps the eventType of a CloudTrail record to EventBridge's detail-type.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
var detailTypes = map[string]string{
	"":                 "AWS API Call via CloudTrail",
	"AwsApiCall":       "AWS API Call via CloudTrail",
	"AwsServiceEvent":  "AWS Service Event via CloudTrail",
	"AwsConsoleAction": "AWS Console Action via CloudTrail",
	"AwsConsoleSignIn": "AWS Console Sign In via CloudTrail",
}

// toEvent returns an event unchanged, and a CloudTrail record in the envelope in which EventBridge sends it
// (docs/facts.md, CloudTrail through EventBridge).
func toEvent(object map[string]any) (map[string]any, error) {
	if _, ok := object["detail"].(map[string]any); ok && textIn(object, "detail-type") != "" && textIn(object, "source") != "" {
		return object, nil
	}
	source, name := textIn(object, "eventSource"), textIn(object, "eventName")
	if source == "" || name == "" {
		return nil, errors.New("neither an EventBridge event (source, detail-type, detail) nor a CloudTrail record (eventSource, eventName)")
	}
	detailType, ok := detailTypes[textIn(object, "eventType")]
	if !ok {
		return nil, fmt.Errorf("unknown eventType %s", textIn(object, "eventType"))
	}
	service, _, _ := strings.Cut(source, ".")
	return map[string]any{
		"version":     "0",
		"id":          textIn(object, "eventID"),
		"detail-type": detailType,
		"source":      "aws." + service,
		"account":     cmp.Or(textIn(object, "recipientAccountId"), textIn(object, "userIdentity", "accountId")),
		"time":        textIn(object, "eventTime"),
		"region":      textIn(object, "awsRegion"),
		"resources":   []any{},
		"detail":      object,
	}, nil
}

// textIn returns the string at the path of names, or "" if there is none.
func textIn(object map[string]any, names ...string) string {
	for _, name := range names[:len(names)-1] {
		object, _ = object[name].(map[string]any)
	}
	text, _ := object[names[len(names)-1]].(string)
	return text
}
