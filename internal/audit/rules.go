package audit

// Rule is the id of a kind of finding. Ids are part of the interface: they do not change.
type Rule string

// The rules.
const (
	GrantedToOthers      Rule = "granted-to-others"
	OutsideEndpoint      Rule = "outside-endpoint"
	OtherCallers         Rule = "other-callers"
	PlainHTTP            Rule = "plain-http"
	NotShownClosed       Rule = "not-shown-closed"
	Differs              Rule = "differs"
	EndpointOtherBuckets Rule = "endpoint-other-buckets"
	EndpointOtherCallers Rule = "endpoint-other-callers"
	PublicAccess         Rule = "public-access-block"
	ObjectOwnership      Rule = "object-ownership"
	LocksOut             Rule = "locks-out"
	CannotTell           Rule = "cannot-tell"
)

// Severity is how bad a finding is.
type Severity string

// The severities. They have the names of SARIF's levels.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// RuleInfo describes a rule.
type RuleInfo struct {
	ID       Rule
	Severity Severity
	// Title is one line; Help says what to do.
	Title, Help string
}

// Rules lists all rules.
var Rules = []RuleInfo{
	{GrantedToOthers, Error, "The bucket policy grants access to callers outside the account",
		"Remove the Allow statement, or add a Deny that covers it."},
	{OutsideEndpoint, Error, "The bucket's data can be reached from outside the endpoint",
		"Deny all actions on the objects, and the listings, unless aws:SourceVpce is the endpoint."},
	{OtherCallers, Warning, "Callers other than the workload can reach the bucket's data through the endpoint",
		"Deny all actions on the objects, and the listings, unless aws:PrincipalArn is a workload's role."},
	{PlainHTTP, Warning, "The bucket's data can be reached over plain HTTP",
		"Deny all actions if aws:SecureTransport is false."},
	{NotShownClosed, Warning, "The policy cannot be shown to deny all that the lock denies",
		"Write the lock's statements into the policy as they are; other statements can stay."},
	{Differs, Note, "The policy differs from the lock, and allows nothing that the lock denies",
		"Write the lock into the policy, or leave out --exact."},
	{EndpointOtherBuckets, Error, "The endpoint lets requests pass to buckets of other accounts",
		"Allow only requests with aws:ResourceAccount, or aws:ResourceOrgID, of your own."},
	{EndpointOtherCallers, Error, "The endpoint lets requests of other callers pass",
		"Allow only requests with aws:PrincipalAccount, or aws:PrincipalOrgID, of your own."},
	{PublicAccess, Error, "The public access block is not completely on", "Turn all four settings on."},
	{ObjectOwnership, Warning, "Access control lists take effect", "Set the object ownership to BucketOwnerEnforced."},
	{LocksOut, Warning, "The bucket policy locks administrators out",
		"Deny data actions only: s3:* on the bucket itself also denies its configuration."},
	{CannotTell, Warning, "It cannot be told whether the policy is closed", "Give the values that are missing."},
}

// Info returns the description of a rule.
func (r Rule) Info() RuleInfo {
	for _, info := range Rules {
		if info.ID == r {
			return info
		}
	}
	return RuleInfo{ID: r, Severity: Error, Title: string(r)}
}
