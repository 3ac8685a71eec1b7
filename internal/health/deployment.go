package health

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Deployment is what CloudFormation says was deployed, beside what is there.
//
// CloudFormation's record is the truth, because only a deployment changes it: the physical id of each resource, and when
// CloudFormation last changed it. Where AWS tells when a resource was last changed (functions, alarms), a later time is a
// change by somebody else, whatever was changed. Where it does not (rules, permissions, topics), the values are compared
// with those of the template.
type Deployment struct {
	// Resources are the stack's resources by logical id.
	Resources map[string]Resource
	// Alarms are the alarms whose names begin with the stack's name, Functions the stack's functions.
	Alarms    Reading[[]Alarm]
	Functions Reading[[]Function]
	// Failures is what Lambda does with failed runs of the guard, Invokers who may invoke it.
	Failures Reading[Failures]
	Invokers Reading[Invokers]
	// Topic is the topic of the notifications.
	Topic Reading[Topic]
	// Key is the state of the topic's key, "Enabled" for one that can be used.
	Key Reading[string]
	// Dashboards are those whose names begin with the name of the stack's.
	Dashboards Reading[[]Dashboard]
	// TrailBucket is the bucket of the stack's own trail.
	TrailBucket Reading[TrailBucket]
	// What [Criteria.Compare] found: whether the policies of the topic and of the trail's bucket are the template's, and the rights
	// that the guard's role needs and has no more.
	OwnTopicPolicy, OwnTrailPolicy bool
	LostRights                     Reading[[]string]
}

// Dashboard is a dashboard, with the time when it was last changed.
type Dashboard struct {
	Name    string
	Changed time.Time
}

// TrailBucket is a trail's bucket.
type TrailBucket struct {
	// Policy is its policy, "" for none. Lifecycle says how its lifecycle rules differ from the template's.
	Policy    string
	Lifecycle []string
}

// Invokers is a function's policy.
type Invokers struct {
	// Rules are the ARNs of the rules for which EventBridge may invoke it, Others the statements that allow anything else.
	Rules, Others []string
}

// Resource is a resource of the stack.
type Resource struct {
	// PhysicalID is its name, id or ARN.
	PhysicalID, Type string
	// Changed is when CloudFormation last began or ended to change it, Busy whether it is changing it.
	Changed time.Time
	Busy    bool
}

// Alarm is a metric alarm or a composite alarm.
type Alarm struct {
	Name string
	// Changed is when its configuration was last changed; Silent is true if its actions are disabled.
	Changed time.Time
	Silent  bool
}

// Function is a function of the stack.
type Function struct {
	Name string
	// Missing is true if it does not exist.
	Missing bool
	// Changed is when its code or configuration was last changed.
	Changed time.Time
	// Stopped is true if its reserved concurrency is 0.
	Stopped bool
}

// Failures is the configuration for asynchronous invocations that fail.
type Failures struct {
	// Retries is how often a run is repeated, Age the maximum age of its event, Queue the ARN of the destination.
	Retries int32
	Age     time.Duration
	Queue   string
}

// Topic is an SNS topic.
type Topic struct {
	// Missing is true if it does not exist.
	Missing bool
	// Policy is its policy, Key the id of its key.
	Policy, Key string
	// Subscriptions is the number of its subscriptions, confirmed or not.
	Subscriptions int
}

// The values of guard.yaml with which the live ones are compared. A test compares them with the template.
const (
	failureRetries = 2
	failureAge     = time.Hour
)

// slack is by how much AWS's clocks may differ.
const slack = 10 * time.Second

// longestUpdate is the time after which an update is no excuse any more: who can keep a stack in progress must not be able to
// switch this check off.
const longestUpdate = time.Hour

// rulesText is what guard.yaml, as a part of template.yaml, declares for the rules that invoke the guard, with the logical ids of
// the resources in "${…}". The tests of the template write it.
//
//go:embed rules.json
var rulesText []byte

// updating reports whether CloudFormation is changing the stack, and so the resources may differ from the template.
func (d Deployment) updating(now time.Time) bool {
	for _, r := range d.Resources {
		if r.Busy && now.Sub(r.Changed) < longestUpdate {
			return true
		}
	}
	return false
}

// id returns the physical id of a resource; "" if the stack has none.
func (d Deployment) id(logicalID string) string { return d.Resources[logicalID].PhysicalID }

// Compare returns a deployment with what the comparison of its policies found. It takes milliseconds, so it is made once after each
// reading, not at each judgement. role are the policies of the guard's role, inline and attached.
func (t Criteria) Compare(d Deployment, role Reading[[]Document], now time.Time) Deployment {
	d.OwnTopicPolicy = sameStatements(d.Topic.Value.Policy, t.topicPolicy(d.id("NotificationTopic")))
	d.OwnTrailPolicy = sameStatements(d.TrailBucket.Value.Policy, t.trailBucketPolicy(d))
	if d.LostRights.Err = role.Err; role.Err == nil {
		d.LostRights.Value = t.lostRights(d, role.Value, now)
	}
	return d
}

// judgeDeployment returns what differs from what was deployed. Each part that could be read is judged.
func (t Criteria) judgeDeployment(r *Report, s Snapshot) []threat {
	d := s.Deployment.Value
	if len(d.Resources) == 0 {
		r.made(StackResources, s.Deployment.Err)
		return nil
	}
	var threats []threat
	for _, part := range []struct {
		check Check
		err   error
		judge func(Deployment) []threat
	}{
		{Alarms, d.Alarms.Err, judgeAlarms}, {Functions, d.Functions.Err, judgeFunctions}, {FailedRuns, d.Failures.Err, t.judgeFailures},
		{FunctionPolicy, d.Invokers.Err, t.judgeInvokers}, {NotificationTopic, d.Topic.Err, t.judgeTopic}, {NotificationKey, d.Key.Err, judgeKey},
		{Dashboards, d.Dashboards.Err, judgeDashboard}, {TrailBucketCheck, d.TrailBucket.Err, judgeTrailBucket},
		{GuardRole, d.LostRights.Err, t.judgeGuardRole},
		{RuleTargets, nil, func(d Deployment) []threat { return t.judgeRules(d, s.Rules.Value) }},
		{OwnTrail, nil, func(d Deployment) []threat { return judgeOwnTrail(d, s.Trails) }},
	} {
		if r.made(part.check, part.err) && !d.updating(s.Time) {
			threats = append(threats, part.judge(d)...)
		}
	}
	return threats
}

func judgeAlarms(d Deployment) []threat {
	var threats []threat
	there := map[string]Alarm{}
	for _, a := range d.Alarms.Value {
		there[a.Name] = a
	}
	for _, r := range d.Resources {
		if r.Type != "AWS::CloudWatch::Alarm" && r.Type != "AWS::CloudWatch::CompositeAlarm" {
			continue
		}
		a, ok := there[r.PhysicalID]
		switch {
		case !ok:
			threats = append(threats, threat{"alarm-deleted", "alarm " + r.PhysicalID + " does not exist any more"})
		case a.Silent:
			threats = append(threats, threat{"alarm-silenced", "alarm " + a.Name + ": its actions are disabled"})
		case a.Changed.After(r.Changed.Add(slack)):
			threats = append(threats, threat{"alarm-changed", byOthers("alarm "+a.Name, a.Changed, r)})
		}
	}
	slices.SortFunc(threats, func(a, b threat) int { return strings.Compare(a.why, b.why) })
	return threats
}

func judgeFunctions(d Deployment) []threat {
	var threats []threat
	for _, f := range d.Functions.Value {
		r := d.byPhysicalID(f.Name)
		switch {
		case f.Missing:
			threats = append(threats, threat{"function-deleted", "function " + f.Name + " does not exist any more"})
		case f.Stopped:
			threats = append(threats, threat{"function-stopped", "function " + f.Name + ": its reserved concurrency is 0"})
		case f.Changed.After(r.Changed.Add(slack)):
			threats = append(threats, threat{"function-changed", byOthers("function "+f.Name, f.Changed, r)})
		}
	}
	return threats
}

// byPhysicalID returns the resource with that physical id.
func (d Deployment) byPhysicalID(id string) Resource {
	for _, r := range d.Resources {
		if r.PhysicalID == id {
			return r
		}
	}
	return Resource{}
}

// byOthers says that a resource was changed after CloudFormation's last change of it.
func byOthers(what string, changed time.Time, r Resource) string {
	return fmt.Sprintf("%s was changed at %s, and not by CloudFormation, which last changed it at %s",
		what, changed.UTC().Format(time.RFC3339), r.Changed.UTC().Format(time.RFC3339))
}

func (t Criteria) judgeFailures(d Deployment) []threat {
	want := Failures{failureRetries, failureAge, t.queueARN(d)}
	got := d.Failures.Value
	if got == want {
		return nil
	}
	return []threat{{"failures-lost", fmt.Sprintf("function %s: failed runs are retried %d times within %s and go to %q, want %d, %s and %q",
		d.id("RemediateFunction"), got.Retries, got.Age, got.Queue, want.Retries, want.Age, want.Queue)}}
}

// queueARN returns the ARN of the dead-letter queue, whose physical id is its URL.
func (t Criteria) queueARN(d Deployment) string {
	url := d.id("DeadLetterQueue")
	return t.arn("sqs", url[strings.LastIndex(url, "/")+1:])
}

// arn returns the ARN of a resource of the stack's Region and account.
func (t Criteria) arn(service, resource string) string {
	s := t.Setting
	return strings.Join([]string{"arn", s.Partition, service, s.Region, s.Account, resource}, ":")
}

func (t Criteria) judgeInvokers(d Deployment) []threat {
	var threats []threat
	for _, rule := range t.triggers() {
		if name := d.id(rule); name != "" && !slices.Contains(d.Invokers.Value.Rules, t.arn("events", "rule/"+name)) {
			threats = append(threats, threat{"rule-not-permitted", fmt.Sprintf("rule %s may not invoke function %s any more", name, d.id("RemediateFunction"))})
		}
	}
	for _, statement := range d.Invokers.Value.Others {
		threats = append(threats, threat{"function-policy", fmt.Sprintf("function %s: its policy also allows %s", d.id("RemediateFunction"), statement)})
	}
	return threats
}

// triggers are the logical ids of the rules that invoke the guard, in the order of RULES.
func (t Criteria) triggers() []string {
	rules := []string{"BucketRule", "EndpointRule", "SecurityGroupRule"}
	if t.Gateway {
		rules = append(rules, "RouteTableRule")
	}
	return append(rules, "StackRule", "SweepRule")
}

func (t Criteria) judgeTopic(d Deployment) []threat {
	topic, live := d.id("NotificationTopic"), d.Topic.Value
	if live.Missing {
		return []threat{{"topic-deleted", "topic " + topic + " does not exist any more: nobody is told anything"}}
	}
	var threats []threat
	if !d.OwnTopicPolicy {
		threats = append(threats, threat{"topic-policy", "topic " + topic + ": its policy is not the template's: " + live.Policy})
	}
	if key := d.id("NotificationKey"); !strings.HasSuffix(live.Key, key) || live.Key == "" {
		threats = append(threats, threat{"topic-key", fmt.Sprintf("topic %s: its key is %q, want %s", topic, live.Key, key)})
	}
	if d.id("NotificationSubscription") != "" && live.Subscriptions == 0 {
		threats = append(threats, threat{"subscription-removed", "topic " + topic + " has no subscription: nobody is told anything"})
	}
	return threats
}

// topicPolicy returns the topic's policy in guard.yaml.
func (t Criteria) topicPolicy(topic string) string {
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Sid":"AlarmsOfThisAccountPublish","Effect":"Allow",`+
		`"Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":%[1]q,"Condition":{"StringEquals":{"aws:SourceAccount":%[2]q}}},`+
		`{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"sns:Publish","Resource":%[1]q,"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
		topic, t.Setting.Account)
}

// sameStatements reports whether two policies mean the same. A policy that cannot be read is not the same.
func sameStatements(live, desired string) bool {
	a, err := iampolicy.Parse([]byte(live))
	b, desiredErr := iampolicy.Parse([]byte(desired))
	return err == nil && desiredErr == nil && iampolicy.Equal(a, b)
}

// declaredRule is a rule in rules.json.
type declaredRule struct {
	// Pattern is the event pattern; nil for a schedule.
	Pattern any `json:"pattern,omitempty"`
	// Target is the only target, as EventBridge answers it.
	Target any `json:"target"`
}

// judgeRules compares patterns, schedules and targets. Rules that are disabled, deleted or without the guard as target are
// not its subject, but that of RulesEnabled.
func (t Criteria) judgeRules(d Deployment, rules []Rule) []threat {
	declared, err := declaredRules()
	if err != nil {
		return []threat{{"rule-changed", "rules.json: " + err.Error()}}
	}
	resolve := t.resolver(d)
	var threats []threat
	for i, logicalID := range t.triggers() {
		if i >= len(rules) || len(t.faults(rules[i])) > 0 {
			continue
		}
		rule, want := rules[i], declared[logicalID]
		if want.Pattern == nil && rule.Schedule != t.schedule() {
			threats = append(threats, threat{"rule-changed", fmt.Sprintf("rule %s: its schedule is %q, want %q", rule.Name, rule.Schedule, t.schedule())})
		}
		if want.Pattern != nil && !isJSON(rule.Pattern, want.Pattern, resolve) {
			threats = append(threats, threat{"rule-changed", fmt.Sprintf("rule %s: its event pattern is not the template's: %s", rule.Name, rule.Pattern)})
		}
		for _, target := range rule.Declared {
			if !isJSON(target, want.Target, resolve) {
				threats = append(threats, threat{"target-changed", fmt.Sprintf("rule %s: its target is not the template's: %s", rule.Name, target)})
			}
		}
	}
	return threats
}

// schedule returns the sweep's schedule expression. Messages start the sweeps that are more frequent than a schedule can be.
func (t Criteria) schedule() string {
	if minutes := int(max(t.SweepEvery, time.Minute) / time.Minute); minutes != 1 {
		return fmt.Sprintf("rate(%d minutes)", minutes)
	}
	return "rate(1 minute)"
}

// declaredRules reads rules.json, once in a process.
var declaredRules = sync.OnceValues(func() (rules map[string]declaredRule, err error) {
	err = json.Unmarshal(rulesText, &rules)
	return rules, err
})

// resolver returns a function that replaces a text of rules.json such as "${Bucket}" with the id or ARN in this stack. Other
// texts stay as they are.
func (t Criteria) resolver(d Deployment) func(string) string {
	return func(text string) string {
		name, ok := strings.CutPrefix(text, "${")
		if !ok {
			return text
		}
		switch name = strings.TrimSuffix(name, "}"); name {
		case "AWS::StackId":
			return t.StackID
		case "Endpoint":
			return t.Setting.EndpointID
		case "RemediateRole.Arn":
			return t.Setting.Guard
		case "RemediateFunction.Arn":
			return t.Function
		case "DeadLetterQueue.Arn":
			return t.queueARN(d)
		}
		return d.id(name)
	}
}

// isJSON reports whether a JSON text has the value that is declared.
func isJSON(text string, declared any, resolve func(string) string) bool {
	var live any
	return json.Unmarshal([]byte(text), &live) == nil && same(live, declared, resolve)
}

// same reports whether a live value is the declared one. Items of a declared list that name a resource which the stack does not have,
// such as the probe's security group, are not declared.
func same(live, declared any, resolve func(string) string) bool {
	switch want := declared.(type) {
	case string:
		got, ok := live.(string)
		return ok && got == resolve(want)
	case []any:
		got, ok := live.([]any)
		want = slices.DeleteFunc(slices.Clone(want), func(item any) bool { name, isText := item.(string); return isText && resolve(name) == "" })
		return ok && slices.EqualFunc(got, want, func(a, b any) bool { return same(a, b, resolve) })
	case map[string]any:
		got, ok := live.(map[string]any)
		return ok && maps.EqualFunc(got, want, func(a, b any) bool { return same(a, b, resolve) })
	}
	return live == declared
}
