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

// Trigger is why a run began. It says *look now* and nothing more: what is done depends on the live state alone, so
// that a forged trigger can cause no harm.
type Trigger struct {
	Kind Kind `json:"kind"`
	// EventID is CloudTrail's id of the call, or EventBridge's of the event.
	EventID string `json:"eventID,omitempty"`
	// EventName is the API call, e.g. "PutBucketPolicy", or the stack's status.
	EventName string `json:"eventName,omitempty"`
	// EventTime is when that happened; zero when the trigger does not say.
	EventTime time.Time `json:"eventTime,omitzero"`
	// Unknown is true for a payload that was not understood and therefore taken for a sweep.
	Unknown bool `json:"unknown,omitempty"`
	// Actor is who made the call; nil when the trigger does not say.
	Actor *Actor `json:"-"`
}

// Actor is who caused the trigger *as the event claims*. Session names and user agents can be chosen by the caller;
// the issuer's ARN and the source address are CloudTrail's own. Drift that a run finds need not be this actor's doing.
// FACTS: CloudTrail through EventBridge
type Actor struct {
	// ARN is userIdentity.arn: a user, or an assumed-role session. A caller of another account has none in our trail;
	// its unique id stands here then.
	ARN string `json:"arn,omitempty"`
	// AccountID is the caller's account where there is no ARN that has it.
	AccountID string `json:"accountId,omitempty"`
	// IssuerARN is the role behind an assumed-role session; "" for users.
	IssuerARN string `json:"issuerArn,omitempty"`
	// InvokedBy is the AWS service that called on the actor's behalf, e.g. "cloudformation.amazonaws.com".
	InvokedBy string `json:"invokedBy,omitempty"`
	// SourceIPAddress is an address, or a service's name.
	SourceIPAddress string `json:"sourceIPAddress,omitempty"`
	UserAgent       string `json:"userAgent,omitempty"`
}
