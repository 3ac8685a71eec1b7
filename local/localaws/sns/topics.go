package sns

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// The permissions on a topic's key that are needed to publish to the topic.
// https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#sns-what-permissions-for-sse
const (
	generateDataKey = "kms:GenerateDataKey"
	decrypt         = "kms:Decrypt"
)

// maxMessage is the maximum size of a message, in bytes; maxSubject the maximum length of a subject, in characters.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const (
	maxMessage = 256 << 10
	maxSubject = 100
)

// Message is a published message.
type Message struct {
	ID string
	// Subject is "" if there was none.
	Subject string
	Body    string
	// Attributes are its attributes, all of type String; nil if there are none.
	Attributes map[string]string
	Time       time.Time
}

// Subscription is a subscription to a topic.
type Subscription struct {
	Protocol, Endpoint string
	// FilterPolicy is the JSON that says which messages it gets; "" for all.
	FilterPolicy string
	// FilterPolicyScope is MessageAttributes, or "", which means the same.
	FilterPolicyScope string
}

// subscription is a subscription with the messages that it got.
type subscription struct {
	Subscription
	arn    string
	filter filter
	got    []Message
}

// topic is a topic with its messages and subscriptions.
type topic struct {
	// key is the id or ARN of the topic's key as it was put, or "".
	key string
	// policy is the topic's policy as it was put, or SNS's default. Within the account, identity policies decide here.
	policy        string
	messages      []Message
	subscriptions []*subscription
}

// Service is the SNS of one account and Region. Its methods are safe for concurrent use.
type Service struct {
	options api.Options

	onMessage func(topicARN string, m Message, to []Subscription)

	mu     sync.Mutex
	topics map[string]*topic
	order  []string
	sent   int
	// subscribed numbers the subscriptions.
	subscribed int
}

// New makes an SNS without topics. The options are the gate's, with defaults filled in.
func New(o api.Options) *Service {
	return &Service{options: o, topics: map[string]*topic{}}
}

// OnMessage sets a function that gets each published message, with the subscriptions to which it goes. It must be
// called before the first message.
func (s *Service) OnMessage(f func(topicARN string, m Message, to []Subscription)) { s.onMessage = f }

// arn returns the ARN of a topic of this account.
func (s *Service) arn(name string) string {
	return fmt.Sprintf("arn:%s:sns:%s:%s:%s", s.options.Partition, s.options.Region, s.options.Account, name)
}

// CreateTopic adds a topic, unless it exists, and returns its ARN. keyID is the id or ARN of the key that encrypts
// its messages, or "".
func (s *Service) CreateTopic(name, keyID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn := s.arn(name)
	if s.topics[arn] != nil {
		return arn
	}
	s.topics[arn] = &topic{key: keyID, policy: s.defaultPolicy(arn)}
	s.order = append(s.order, arn)
	return arn
}

// keyARN returns the ARN of a key that is given by its id or ARN; "" for none.
func (s *Service) keyARN(id string) string {
	if id == "" || strings.HasPrefix(id, "arn:") {
		return id
	}
	return fmt.Sprintf("arn:%s:kms:%s:%s:key/%s", s.options.Partition, s.options.Region, s.options.Account, id)
}

// Topics returns the ARNs of all topics, in order of creation.
func (s *Service) Topics() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// DeleteTopic removes a topic, if it exists.
func (s *Service) DeleteTopic(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.topics, arn)
	s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == arn })
}

// Subscribe adds a subscription to a topic, unless the endpoint has it already, and confirms it. Its messages go to the function set
// with [Service.OnMessage]. Protocols for recipients other than people are refused, because no message is sent to them.
func (s *Service) Subscribe(topicARN string, wanted Subscription) error {
	if wanted.Protocol != "email" && wanted.Protocol != "email-json" {
		return invalid("Protocol: the local AWS has subscriptions by email only, not by %q", wanted.Protocol)
	}
	if scope := wanted.FilterPolicyScope; scope != "" && scope != "MessageAttributes" {
		return invalid("FilterPolicyScope: the local AWS filters by MessageAttributes only, not by %q", scope)
	}
	f, err := parseFilter(wanted.FilterPolicy)
	if err != nil {
		return invalid("FilterPolicy: %v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return noTopic()
	}
	for _, one := range t.subscriptions {
		if one.Protocol == wanted.Protocol && one.Endpoint == wanted.Endpoint {
			if one.Subscription != wanted {
				return invalid("Attributes Reason: Subscription already exists with different attributes")
			}
			return nil
		}
	}
	s.subscribed++
	arn := fmt.Sprintf("%s:00000000-0000-4000-8000-%012d", topicARN, s.subscribed)
	t.subscriptions = append(t.subscriptions, &subscription{Subscription: wanted, arn: arn, filter: f})
	return nil
}

// defaultPolicy returns the policy that SNS gives to a new topic: its owner's identities may do all that their policies allow.
// https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html#API_GetTopicAttributes_Examples
func (s *Service) defaultPolicy(topicARN string) string {
	return fmt.Sprintf(`{"Version":"2008-10-17","Id":"__default_policy_ID","Statement":[{"Sid":"__default_statement_ID","Effect":"Allow","Principal":{"AWS":"*"},`+
		`"Action":["SNS:GetTopicAttributes","SNS:SetTopicAttributes","SNS:AddPermission","SNS:RemovePermission","SNS:DeleteTopic","SNS:Subscribe",`+
		`"SNS:ListSubscriptionsByTopic","SNS:Publish"],"Resource":%q,"Condition":{"StringEquals":{"AWS:SourceOwner":%q}}}]}`, topicARN, s.options.Account)
}

// SetPolicy sets a topic's policy, which has no effect here.
func (s *Service) SetPolicy(topicARN, policy string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[topicARN]; t != nil {
		t.policy = policy
	}
}

// Unsubscribe removes a subscription, if it exists.
func (s *Service) Unsubscribe(arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.topics {
		t.subscriptions = slices.DeleteFunc(t.subscriptions, func(one *subscription) bool { return one.arn == arn })
	}
}

// Subscriptions returns a topic's subscriptions; nil if there is no such topic.
func (s *Service) Subscriptions(topicARN string) []Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Subscription
	if t := s.topics[topicARN]; t != nil {
		for _, one := range t.subscriptions {
			all = append(all, one.Subscription)
		}
	}
	return all
}

// Delivered returns the messages of a topic that the subscriptions of an endpoint got, oldest first.
func (s *Service) Delivered(topicARN, endpoint string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []Message
	if t := s.topics[topicARN]; t != nil {
		for _, one := range t.subscriptions {
			if one.Endpoint == endpoint {
				got = append(got, one.got...)
			}
		}
	}
	return got
}

// Publish adds a message to a topic, unless SNS would refuse it, and returns its id. A nil subject means no subject; the
// attributes are of type String.
func (s *Service) Publish(topicARN string, subject *string, body string, attributes map[string]string) (string, error) {
	if refusal := check(subject, body, attributes); refusal != nil {
		return "", refusal
	}
	m, to, err := s.keep(topicARN, Message{Body: body, Attributes: attributes}, subject)
	if err != nil {
		return "", err
	}
	if s.onMessage != nil {
		s.onMessage(topicARN, m, to)
	}
	return m.ID, nil
}

// keep adds a message to a topic, and returns it with the subscriptions whose filters it passes.
func (s *Service) keep(topicARN string, m Message, subject *string) (Message, []Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil {
		return Message{}, nil, noTopic()
	}
	s.sent++
	m.ID, m.Time = fmt.Sprintf("00000000-0000-4000-8000-%012d", s.sent), s.options.Now()
	if subject != nil {
		m.Subject = *subject
	}
	t.messages = append(t.messages, m)
	var to []Subscription
	for _, one := range t.subscriptions {
		if one.filter.matches(m.Attributes) {
			one.got = append(one.got, m)
			to = append(to, one.Subscription)
		}
	}
	return m, to, nil
}

// Messages returns the messages published to a topic, oldest first; nil if there is no such topic.
func (s *Service) Messages(topicARN string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[topicARN]; t != nil {
		return slices.Clone(t.messages)
	}
	return nil
}

// keyNeeds returns the permissions on its key that are needed to publish to a topic.
func (s *Service) keyNeeds(topicARN string) []api.Need {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topics[topicARN]
	if t == nil || t.key == "" {
		return nil
	}
	key := s.keyARN(t.key)
	return []api.Need{
		{Action: generateDataKey, Resource: key, ResourceAccount: s.options.Account},
		{Action: decrypt, Resource: key, ResourceAccount: s.options.Account},
	}
}

// check refuses a message that SNS refuses. The attributes count towards its size. A subject is ASCII text that begins with a letter, number or punctuation
// mark and has no line breaks or control characters. The page says "less than 100 characters"; other emulators have
// found that 100 are accepted.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func check(subject *string, body string, attributes map[string]string) *api.Error {
	size := len(body)
	for name, value := range attributes {
		size += len(name) + len("String") + len(value)
	}
	switch {
	case body == "":
		return invalid("Empty message")
	case size > maxMessage:
		return invalid("Message too long")
	case !utf8.ValidString(body):
		return invalid("Message must be UTF-8 encoded")
	case subject != nil && !validSubject(*subject):
		return invalid("Subject")
	}
	return nil
}

// validSubject reports whether SNS accepts a subject.
func validSubject(subject string) bool {
	if subject == "" || len(subject) > maxSubject || subject[0] == ' ' {
		return false
	}
	return !strings.ContainsFunc(subject, func(r rune) bool { return r < ' ' || r > '~' })
}

// noTopic returns the error for a topic that does not exist.
func noTopic() *api.Error {
	return &api.Error{Status: http.StatusNotFound, Code: "NotFound", Message: "Topic does not exist"}
}
