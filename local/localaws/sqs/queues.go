package sqs

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// defaultVisibility is the time for which a received message is hidden from other receivers.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
const defaultVisibility = 30 * time.Second

// maxMessage is the maximum size of a message, in bytes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const maxMessage = 1 << 20

// Message is a message in a queue.
type Message struct {
	ID, Body string
	Sent     time.Time
	// Receives is the number of times that the message was received.
	Receives int

	hiddenUntil time.Time
}

// receipt returns the handle with which the latest receiver deletes the message.
func (m Message) receipt() string { return m.ID + "/" + strconv.Itoa(m.Receives) }

// digest returns the body's MD5, with which clients check the body.
func (m Message) digest() string {
	sum := md5.Sum([]byte(m.Body))
	return hex.EncodeToString(sum[:])
}

// attributes returns the wanted attributes of the message.
func (m Message) attributes(wanted []string) map[string]string {
	all := map[string]string{
		"SentTimestamp":           strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount": strconv.Itoa(m.Receives),
	}
	return selected(all, wanted)
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

// Service is the SQS of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options api.Options

	mu     sync.Mutex
	queues map[string][]Message
	sent   int
}

// New makes an SQS without queues. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service {
	return &Service{options: o, queues: map[string][]Message{}}
}

// ARN returns the ARN of a queue of this account.
func (s *Service) ARN(name string) string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", s.options.Partition, s.options.Region, s.options.Account, name)
}

// URL returns a queue's URL in AWS's format. The service accepts all URLs that end in the queue's name.
func (s *Service) URL(name string) string {
	return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", s.options.Region, s.options.Account, name)
}

// url returns a queue's URL at the address to which a request was sent.
func (s *Service) url(r *api.Request, name string) string {
	return fmt.Sprintf("http://%s/%s/%s", r.Host, s.options.Account, name)
}

// name returns a queue's name from its name, URL or ARN.
func name(queue string) string {
	return queue[strings.LastIndexAny(queue, "/:")+1:]
}

// CreateQueue adds a queue, unless it exists, and returns its ARN.
func (s *Service) CreateQueue(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.queues[name]; !ok {
		s.queues[name] = []Message{}
	}
	return s.ARN(name)
}

// DeleteQueue removes a queue, if it exists.
func (s *Service) DeleteQueue(queue string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, name(queue))
}

// Queues returns the sorted names of all queues.
func (s *Service) Queues() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.queues))
}

// exists reports whether there is a queue with that name.
func (s *Service) exists(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.queues[name]
	return ok
}

// Send adds a message to a queue, given by name, URL or ARN.
func (s *Service) Send(queue, body string) (Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, ok := s.queues[name(queue)]
	switch {
	case !ok:
		return Message{}, noQueue()
	case body == "":
		return Message{}, refuse("MissingParameter", "The request must contain the parameter MessageBody.")
	case len(body) > maxMessage:
		return Message{}, refuse("InvalidParameterValue", fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", maxMessage))
	}
	s.sent++
	m := Message{ID: fmt.Sprintf("00000000-0000-4000-9000-%012d", s.sent), Body: body, Sent: s.options.Now()}
	s.queues[name(queue)] = append(messages, m)
	return m, nil
}

// Messages returns the messages in a queue, given by name, URL or ARN, oldest first, including hidden ones. It does
// not count as a receive.
func (s *Service) Messages(queue string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queues[name(queue)])
}

// receive hides the first visible messages, and returns them.
func (s *Service) receive(queue string, most int, visibility *int) ([]Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, ok := s.queues[name(queue)]
	if !ok {
		return nil, noQueue()
	}
	hidden := defaultVisibility
	if visibility != nil {
		hidden = time.Duration(*visibility) * time.Second
	}
	now := s.options.Now()
	var received []Message
	for i := range messages {
		if m := &messages[i]; len(received) < most && !m.hiddenUntil.After(now) {
			m.Receives++
			m.hiddenUntil = now.Add(hidden)
			received = append(received, *m)
		}
	}
	return received, nil
}

// remove deletes the message of a receipt. As in SQS, it succeeds if the message no longer exists.
func (s *Service) remove(queue, receipt string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, ok := s.queues[name(queue)]
	if !ok {
		return noQueue()
	}
	id, _, ok := strings.Cut(receipt, "/")
	if !ok {
		return refuse("ReceiptHandleIsInvalid", "The input receipt handle \""+receipt+"\" is not a valid receipt handle.")
	}
	s.queues[name(queue)] = slices.DeleteFunc(messages, func(m Message) bool { return m.ID == id })
	return nil
}

// attributes returns the wanted attributes of a queue.
func (s *Service) attributes(queue string, wanted []string) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	messages, ok := s.queues[name(queue)]
	if !ok {
		return nil, noQueue()
	}
	hidden := 0
	for _, m := range messages {
		if m.hiddenUntil.After(s.options.Now()) {
			hidden++
		}
	}
	return selected(map[string]string{
		"QueueArn":                              s.ARN(name(queue)),
		"ApproximateNumberOfMessages":           strconv.Itoa(len(messages) - hidden),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"VisibilityTimeout":                     strconv.Itoa(int(defaultVisibility / time.Second)),
	}, wanted), nil
}

// noQueue returns the error for a queue that does not exist.
func noQueue() *api.Error {
	return refuse("QueueDoesNotExist", "The specified queue does not exist.")
}
