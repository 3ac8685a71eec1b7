package sqs

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// settings are the attributes of a queue that have an effect here.
type settings struct {
	// delay hides each message after it was sent, visibility after it was received. After retention it is deleted.
	delay, visibility, retention time.Duration
}

// defaults are those of SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
var defaults = settings{visibility: 30 * time.Second, retention: 4 * 24 * time.Hour}

// maxDelay is the longest delay of a message.
const maxDelay = 15 * time.Minute

// maxMessage is the maximum size of a message, in bytes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const maxMessage = 1 << 20

// field returns the setting of an attribute, and its limits in seconds.
func (s *settings) field(attribute string) (setting *time.Duration, least, most time.Duration) {
	switch attribute {
	case "DelaySeconds":
		return &s.delay, 0, maxDelay
	case "VisibilityTimeout":
		return &s.visibility, 0, 12 * time.Hour
	case "MessageRetentionPeriod":
		return &s.retention, time.Minute, 14 * 24 * time.Hour
	}
	return nil, 0, 0
}

// SetAttributes changes attributes of a queue, given by name, URL or ARN. An attribute that has no effect here is refused.
func (s *Service) SetAttributes(queue string, attributes map[string]string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return err
	}
	changed := q.settings
	for _, attribute := range slices.Sorted(maps.Keys(attributes)) {
		setting, least, most := changed.field(attribute)
		if setting == nil {
			return jsonrpc.Refuse("InvalidAttributeName", "Unknown Attribute "+attribute+".")
		}
		seconds, err := strconv.Atoi(attributes[attribute])
		if value := time.Duration(seconds) * time.Second; err == nil && value >= least && value <= most {
			*setting = value
			continue
		}
		return jsonrpc.Refuse("InvalidAttributeValue", "Invalid value for the parameter "+attribute+".")
	}
	q.settings = changed
	return nil
}

// attributes returns the wanted attributes of a queue.
func (s *Service) attributes(queue string, wanted []string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return nil, err
	}
	visible, hidden, delayed := q.count(s.options.Now())
	all := map[string]string{
		"QueueArn":                              s.ARN(name(queue)),
		"ApproximateNumberOfMessages":           strconv.Itoa(visible),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(delayed),
	}
	for _, attribute := range []string{"DelaySeconds", "VisibilityTimeout", "MessageRetentionPeriod"} {
		setting, _, _ := q.field(attribute)
		all[attribute] = strconv.Itoa(int(setting.Seconds()))
	}
	return selected(all, wanted), nil
}

// count returns the number of messages that can be received, that a receiver has hidden, and whose delay has not ended.
func (q *queue) count(now time.Time) (visible, hidden, delayed int) {
	for _, m := range q.messages {
		switch {
		case !m.hiddenUntil.After(now):
			visible++
		case m.Receives == 0:
			delayed++
		default:
			hidden++
		}
	}
	return visible, hidden, delayed
}

// Visible returns the number of messages in a queue that can be received; 0 if there is no such queue.
func (s *Service) Visible(queue string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return 0
	}
	visible, _, _ := q.count(s.options.Now())
	return visible
}

// VisibilityTimeout returns how long a queue hides a received message.
func (s *Service) VisibilityTimeout(queue string) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return 0, err
	}
	return q.visibility, nil
}

// selected returns the attributes with the wanted names, or all of them for "All".
func selected(all map[string]string, wanted []string) map[string]string {
	chosen := map[string]string{}
	for name, value := range all {
		if slices.Contains(wanted, name) || slices.Contains(wanted, "All") {
			chosen[name] = value
		}
	}
	return chosen
}

// check refuses a message that SQS refuses.
func check(body string, delay *time.Duration) error {
	switch {
	case body == "":
		return jsonrpc.Refuse("MissingParameter", "The request must contain the parameter MessageBody.")
	case len(body) > maxMessage:
		return jsonrpc.Refuse("InvalidParameterValue", fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxMessage))
	case delay != nil && (*delay < 0 || *delay > maxDelay):
		return jsonrpc.Refuse("InvalidParameterValue", fmt.Sprintf(
			"Value %.0f for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= %.0f.", delay.Seconds(), maxDelay.Seconds()))
	}
	return nil
}
