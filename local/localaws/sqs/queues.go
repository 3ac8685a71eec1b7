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

	"s3-endpoint-guard/local/localaws/api"
)

// defaultVisibility is for how long a message that was received is hidden from others.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
const defaultVisibility = 30 * time.Second

// maxMessage is the longest message, in bytes.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
const maxMessage = 1 << 20

// Message is a message in a queue.
type Message struct {
	ID, Body string
	Sent     time.Time
	// Receives is how often it was received.
	Receives int

	hiddenUntil time.Time
}

// receipt is the handle by which the latest receiver deletes the message.
func (m Message) receipt() string { return m.ID + "/" + strconv.Itoa(m.Receives) }

// digest is the body's MD5, by which clients see that it arrived whole.
func (m Message) digest() string {
	sum := md5.Sum([]byte(m.Body))
	return hex.EncodeToString(sum[:])
}

// attributes are those of the message that a receiver wants.
func (m Message) attributes(wanted []string) map[string]string {
	all := map[string]string{
		"SentTimestamp":           strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount": strconv.Itoa(m.Receives),
	}
	return selected(all, wanted)
}

// selected are the attributes of the wanted names; all of them when "All" is wanted.
func selected(all map[string]string, wanted []string) map[string]string {
	chosen := map[string]string{}
	for name, value := range all {
		if slices.Contains(wanted, name) || slices.Contains(wanted, "All") {
			chosen[name] = value
		}
	}
	return chosen
}

// Service is the SQS of one account and Region. Its methods may be called at any time and concurrently.
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

// ARN is the ARN of a queue of this account.
func (s *Service) ARN(name string) string {
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", s.options.Partition, s.options.Region, s.options.Account, name)
}

// URL is a queue's URL as AWS's own would be. Any URL that ends in the queue's name will do here.
func (s *Service) URL(name string) string {
	return fmt.Sprintf("https://sqs.%s.amazonaws.com/%s/%s", s.options.Region, s.options.Account, name)
}

// url is a queue's URL at the door through which a request came.
func (s *Service) url(r *api.Request, name string) string {
	return fmt.Sprintf("http://%s/%s/%s", r.Host, s.options.Account, name)
}

// name is a queue's name from its name, URL or ARN.
func name(queue string) string {
	return queue[strings.LastIndexAny(queue, "/:")+1:]
}

// CreateQueue adds a queue, unless it is there already, and returns its ARN.
func (s *Service) CreateQueue(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.queues[name]; !ok {
		s.queues[name] = []Message{}
	}
	return s.ARN(name)
}

// DeleteQueue removes a queue, if it is there.
func (s *Service) DeleteQueue(queue string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, name(queue))
}

// Queues are the names of all queues, in order.
func (s *Service) Queues() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.queues))
}

// exists reports whether there is a queue of that name.
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

// Messages are the messages in a queue, given by name, URL or ARN, oldest first, hidden ones included. Looking does
// not count as receiving.
func (s *Service) Messages(queue string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.queues[name(queue)])
}

// receive hides the first messages that nobody else is working on, and returns them.
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

// remove deletes the message of a receipt. A message that is gone already is no error, as in SQS.
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

// attributes are those of a queue that somebody wants.
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

// noQueue is the refusal of a queue that does not exist.
func noQueue() *api.Error {
	return refuse("QueueDoesNotExist", "The specified queue does not exist.")
}
