package guard

import "time"

// Kind is why a run began.
type Kind string

// The kinds of trigger.
const (
	// Event is an AWS API call that CloudTrail reported.
	Event Kind = "event"
	// Sweep is the schedule, or a payload that is not understood.
	Sweep Kind = "sweep"
	// Stack is a change of our own stack's status.
	Stack Kind = "stack"
	// Direct is an invocation by hand.
	Direct Kind = "direct"
)

// Trigger is why a run began. It only makes the guard look: what is done depends on the live state alone, so a forged
// trigger can do no harm.
type Trigger struct {
	Kind Kind `json:"kind"`
	// EventID is CloudTrail's id of the call, or EventBridge's of the event.
	EventID string `json:"eventID,omitempty"`
	// EventName is the API call, e.g. "PutBucketPolicy", or the stack's status.
	EventName string `json:"eventName,omitempty"`
	// EventTime is when that happened; zero if the trigger does not contain it.
	EventTime time.Time `json:"eventTime,omitzero"`
	// Unknown is true for a payload that was not understood and therefore taken for a sweep.
	Unknown bool `json:"unknown,omitempty"`
	// Bucket is the name of the bucket that the call names; "" if it names none. A run reads it only if it is guarded.
	Bucket string `json:"-"`
	// OfNetwork is true for a call to EC2. It concerns no bucket.
	OfNetwork bool `json:"-"`
	// Actor is who made the call; nil if the trigger does not name one.
	Actor *Actor `json:"-"`
}

// Actor is who caused the trigger *as the event claims*. Callers can choose session names and user agents; the issuer's
// ARN and the source address are CloudTrail's own. The drift that a run finds need not be caused by this actor.
// docs/facts.md: CloudTrail through EventBridge
type Actor struct {
	// ARN is userIdentity.arn: a user, or an assumed-role session. A caller of another account has none in our trail;
	// ARN is its unique id then.
	ARN string `json:"arn,omitempty"`
	// AccountID is the caller's account if no ARN contains it.
	AccountID string `json:"accountId,omitempty"`
	// IssuerARN is the role behind an assumed-role session; "" for users.
	IssuerARN string `json:"issuerArn,omitempty"`
	// InvokedBy is the AWS service that called on the actor's behalf, e.g. "cloudformation.amazonaws.com".
	InvokedBy string `json:"invokedBy,omitempty"`
	// SourceIPAddress is an address, or a service's name.
	SourceIPAddress string `json:"sourceIPAddress,omitempty"`
	UserAgent       string `json:"userAgent,omitempty"`
}
