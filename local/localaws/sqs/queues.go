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
	"example.com/s3-endpoint-guard/local/localaws/jsonrpc"
)

// Message is a message in a queue.
type Message struct {
	ID, Body string
	Sent     time.Time
	// Receives is the number of times that the message was received.
	Receives int

	// hiddenUntil is the end of its delay, or of its latest receiver's visibility timeout.
	hiddenUntil time.Time
}

// Receipt returns the handle with which the latest receiver deletes the message.
func (m Message) Receipt() string { return m.ID + "/" + strconv.Itoa(m.Receives) }

// Digest returns the body's MD5, with which clients check the body.
func (m Message) Digest() string {
	sum := md5.Sum([]byte(m.Body))
	return hex.EncodeToString(sum[:])
}

// Attributes returns the message's system attributes.
func (m Message) Attributes() map[string]string {
	return map[string]string{
		"SentTimestamp":           strconv.FormatInt(m.Sent.UnixMilli(), 10),
		"ApproximateReceiveCount": strconv.Itoa(m.Receives),
	}
}

// queue is a queue with its messages, oldest first.
type queue struct {
	settings
	messages []Message
}

// Service is the SQS of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options api.Options

	mu       sync.Mutex
	queues   map[string]*queue
	watchers map[string]map[int]func(time.Duration)
	watched  int
	disturb  func(body string) []time.Duration
	sent     int
}

// New makes an SQS without queues. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service {
	return &Service{options: o, queues: map[string]*queue{}, watchers: map[string]map[int]func(time.Duration){}}
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
		s.queues[name] = &queue{settings: defaults}
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

// exists reports whether there is a queue, given by name, URL or ARN.
func (s *Service) exists(queue string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.find(queue)
	return err == nil
}

// find returns a queue, given by name, URL or ARN, without the messages whose retention period has ended. The caller must
// hold the mutex.
func (s *Service) find(given string) (*queue, error) {
	q, ok := s.queues[name(given)]
	if !ok {
		return nil, noQueue()
	}
	now := s.options.Now()
	q.messages = slices.DeleteFunc(q.messages, func(m Message) bool { return now.Sub(m.Sent) >= q.retention })
	return q, nil
}

// Send adds a message to a queue, given by name, URL or ARN, with the queue's delay.
func (s *Service) Send(queue, body string) (Message, error) { return s.SendLater(queue, body, nil) }

// SendLater adds a message that nobody can receive for a delay; nil is the queue's.
func (s *Service) SendLater(queue, body string, delay *time.Duration) (Message, error) {
	s.mu.Lock()
	q, err := s.find(queue)
	if err == nil {
		err = check(body, delay)
	}
	if err != nil {
		s.mu.Unlock()
		return Message{}, err
	}
	s.sent++
	m := Message{ID: fmt.Sprintf("00000000-0000-4000-9000-%012d", s.sent), Body: body, Sent: s.options.Now()}
	after := q.delay
	if delay != nil {
		after = *delay
	}
	late := []time.Duration{0}
	if s.disturb != nil {
		late = s.disturb(body)
	}
	for i := range late {
		late[i] += after
		copied := m
		copied.hiddenUntil = m.Sent.Add(late[i])
		q.messages = append(q.messages, copied)
	}
	wakers := slices.Collect(maps.Values(s.watchers[name(queue)]))
	s.mu.Unlock()
	for _, wake := range wakers {
		for _, d := range late {
			wake(d)
		}
	}
	return m, nil
}

// Disturb sets what happens to each message that is sent: it is delivered once for each of the returned times, which are
// added to its delay. No time loses it, and two deliver it twice, as a standard queue may. nil disturbs none.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
func (s *Service) Disturb(f func(body string) []time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturb = f
}

// Watch calls wake at each message that is sent to a queue, with the time until it can be received. A queue of the same
// name that is created later is watched, too.
func (s *Service) Watch(queue string, wake func(time.Duration)) (stop func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watched++
	id, watched := s.watched, name(queue)
	if s.watchers[watched] == nil {
		s.watchers[watched] = map[int]func(time.Duration){}
	}
	s.watchers[watched][id] = wake
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers[watched], id)
	}
}

// Purge deletes all messages in a queue, given by name, URL or ARN.
func (s *Service) Purge(queue string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err == nil {
		q.messages = nil
	}
	return err
}

// Messages returns the messages in a queue, given by name, URL or ARN, oldest first, including hidden ones; none if there is
// no such queue. It does not count as a receive.
func (s *Service) Messages(queue string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return nil
	}
	return slices.Clone(q.messages)
}

// Receive hides the first visible messages of a queue, at most a number of them, and returns them. The visibility timeout is
// the queue's if it is nil.
func (s *Service) Receive(queue string, most int, visibility *time.Duration) ([]Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return nil, err
	}
	hidden := q.visibility
	if visibility != nil {
		hidden = *visibility
	}
	now := s.options.Now()
	var received []Message
	for i := range q.messages {
		if m := &q.messages[i]; len(received) < most && !m.hiddenUntil.After(now) {
			m.Receives++
			m.hiddenUntil = now.Add(hidden)
			received = append(received, *m)
		}
	}
	return received, nil
}

// Remove deletes the message of a receipt. As in SQS, it succeeds if the message no longer exists.
func (s *Service) Remove(queue, receipt string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(queue)
	if err != nil {
		return err
	}
	id, receives, ok := strings.Cut(receipt, "/")
	if !ok {
		return jsonrpc.Refuse("ReceiptHandleIsInvalid", "The input receipt handle \""+receipt+"\" is not a valid receipt handle.")
	}
	i := slices.IndexFunc(q.messages, func(m Message) bool { return m.ID == id && strconv.Itoa(m.Receives) == receives })
	if i >= 0 {
		q.messages = slices.Delete(q.messages, i, i+1)
	}
	return nil
}

// noQueue returns the error for a queue that does not exist.
func noQueue() *api.Error {
	return jsonrpc.Refuse("QueueDoesNotExist", "The specified queue does not exist.")
}
