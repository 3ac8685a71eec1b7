package template_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// nonsense is a combination of parameters that makes no sense. It is said here without what refuses it: the Rules of the templates, and
// the adoption.
type nonsense struct {
	why string
	is  func(p parameters) bool
	// names are the parameters that the sentence must name.
	names []string
}

// judge compares what should be refused with the sentences that refuse: each nonsense has one that names its parameters, and each sentence
// is about a nonsense.
func judge(t *testing.T, p parameters, all []nonsense, sentences []string) {
	t.Helper()
	about := func(n nonsense, sentence string) bool {
		return !slices.ContainsFunc(n.names, func(name string) bool { return !strings.Contains(sentence, name) })
	}
	var found []nonsense
	for _, n := range all {
		if !n.is(p) {
			continue
		}
		found = append(found, n)
		if !slices.ContainsFunc(sentences, func(sentence string) bool { return about(n, sentence) }) {
			t.Errorf("%v\n%s: no sentence names %q, but these refuse:\n%s", p, n.why, n.names, strings.Join(sentences, "\n"))
		}
	}
	for _, sentence := range sentences {
		if !slices.ContainsFunc(found, func(n nonsense) bool { return about(n, sentence) }) {
			t.Errorf("%v\nmakes sense, but is refused:\n%s", p, sentence)
		}
	}
	if t.Failed() {
		t.FailNow() // the other combinations would say the same
	}
}

// rulesOf returns the sentences with which a template refuses parameters.
func rulesOf(t *testing.T, read func() (*samtemplate.Template, error), p parameters) []string {
	t.Helper()
	template, err := read()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := template.Plan(samtemplate.Options{Parameters: p, Region: region, AccountID: account}); err != nil {
		return strings.Split(err.Error(), "\n")
	}
	return nil
}

// is returns the condition that parameters have these values: name, value, ….
func is(values ...string) func(parameters) bool {
	return func(p parameters) bool {
		for i := 0; i < len(values); i += 2 {
			if p[values[i]] != values[i+1] {
				return false
			}
		}
		return true
	}
}

const topicArn = "arn:aws:sns:eu-central-1:111122223333:alerts"

func TestTheRulesOfTheGuardRefuseWhatMakesNoSense(t *testing.T) {
	count := map[bool]int{}
	for _, p := range mixes(map[string][]string{
		"BucketNames": {"acme-data,acme-logs-*"}, "VpcEndpointIds": {endpointID}, "Enforcement": {"Observe", "Enforce"},
		"EndpointPolicy": {"Buckets"}, "AllowAwsServices": {"true", "false"}, "RestoreOnDelete": {"true"}, "PolicyMode": {"Exact"},
		"SweepSeconds": {"5", "30", "60"}, "ReservedConcurrency": {"-1", "1", "2"}, "VpcId": {"", vpcID}, "TrailBucketName": {"", "trail"},
		"NotificationTopicArn": {"", topicArn}, "NotificationKeyArn": {"", "arn:aws:kms:eu-central-1:111122223333:key/0a1b"}, "AlarmEmail": {"", "a@example.com"},
	}) {
		sentences := rulesOf(t, readGuard, p)
		count[len(sentences) > 0]++
		judge(t, p, []nonsense{
			{"an address for somebody else's topic", func(p parameters) bool { return p["NotificationTopicArn"] != "" && p["AlarmEmail"] != "" },
				[]string{"AlarmEmail", "NotificationTopicArn"}},
			{"a key of no topic", func(p parameters) bool { return p["NotificationTopicArn"] == "" && p["NotificationKeyArn"] != "" },
				[]string{"NotificationKeyArn", "NotificationTopicArn"}},
			{"no room for two sweeps", func(p parameters) bool { return p["SweepSeconds"] != "60" && p["ReservedConcurrency"] == "1" },
				[]string{"SweepSeconds", "ReservedConcurrency"}},
			{"alone, with a network of template.yaml", is("VpcId", vpcID), []string{"from ParentStackId on", "template.yaml"}},
			{"alone, with a trail of template.yaml", is("TrailBucketName", "trail"), []string{"from ProbeGroupId on", "template.yaml"}},
		}, sentences)
	}
	if count[true] == 0 || count[false] == 0 {
		t.Errorf("%d combinations are refused and %d are not, want both", count[true], count[false])
	}
}

func TestTheRulesOfTheTemplateRefuseWhatMakesNoSense(t *testing.T) {
	for _, p := range mixes(map[string][]string{
		"EndpointType": {"Interface", "Gateway"}, "Enforcement": {"Observe"}, "SweepSeconds": {"30", "60"}, "ReservedConcurrency": {"-1", "1", "2"},
		"EmptyBucketOnDelete": {"true", "false"}, "BypassGovernanceRetention": {"true", "false"}, "CreateProbe": {"true", "false"},
		"AvailabilityZoneA": {"", region + "a"}, "AvailabilityZoneB": {"", region + "a", region + "b"},
	}) {
		judge(t, p, []nonsense{
			{"one zone, or one twice", func(p parameters) bool {
				zones := p["AvailabilityZoneA"] + "," + p["AvailabilityZoneB"]
				return zones != "," && zones != region+"a,"+region+"b"
			}, []string{"AvailabilityZoneA", "AvailabilityZoneB"}},
			{"no room for two sweeps", is("SweepSeconds", "30", "ReservedConcurrency", "1"), []string{"SweepSeconds", "ReservedConcurrency"}},
			{"a retention is bypassed to delete nothing", is("EmptyBucketOnDelete", "false", "BypassGovernanceRetention", "true"),
				[]string{"BypassGovernanceRetention", "EmptyBucketOnDelete"}},
		}, rulesOf(t, readTemplate, p)) // with those of its guard, of which none may refuse what these do not
	}
}

// Roles of the account and of another one.
const (
	ownRole     = "arn:aws:iam::111122223333:role/app"
	foreignRole = "arn:aws:iam::999900001111:role/partner"
)

// lockOf returns the parameters that say what the lock is.
func lockOf(p parameters) lock.Parameters {
	return lock.Parameters{
		BucketNames: p["BucketNames"], ExcludedBucketNames: p["ExcludedBucketNames"], VPCEndpointIDs: p["VpcEndpointIds"],
		WorkloadRoleARNs: p["WorkloadRoleArns"], ManagementRoleARNs: p["ManagementRoleArns"], ExemptRoleARNs: p["ExemptRoleArns"],
		AllowedCIDRs: p["AllowedCidrs"], AllowAWSServices: p["AllowAwsServices"], EndpointPolicy: p["EndpointPolicy"], PolicyMode: p["PolicyMode"],
	}
}

// selectsNothing reports whether a name or pattern selects none of the buckets that could exist here.
func selectsNothing(p parameters) bool {
	matches := func(list, bucket string) bool {
		return slices.ContainsFunc(strings.Split(list, ","), func(pattern string) bool { ok, err := path.Match(pattern, bucket); return ok && err == nil })
	}
	for text := range strings.SplitSeq(p["BucketNames"], ",") {
		if !slices.ContainsFunc([]string{"acme-data", "acme-logs", "acme-logs-1", "acme-logs-tmp", "acme-tmp-1", "acme-z"}, func(bucket string) bool {
			return matches(text, bucket) && !matches(p["ExcludedBucketNames"], bucket)
		}) {
			return true
		}
	}
	return false
}

// adoptions are all combinations of parameters of a lock, and what of them makes no sense to the adoption.
func adoptions() (all []parameters, senseless []nonsense) {
	all = mixes(map[string][]string{
		"BucketNames": {"acme-data", "acme-data,acme-logs", "acme-*", "acme-data,acme-logs*"}, "ExcludedBucketNames": {"", "acme-*-1", "acme-logs*", "*-data"},
		"VpcEndpointIds": {endpointID + "," + secondEndpoint, endpointID + "," + endpointID}, "WorkloadRoleArns": {"", ownRole, foreignRole},
		"ManagementRoleArns": {"", foreignRole}, "ExemptRoleArns": {"", ownRole + "," + foreignRole}, "AllowedCidrs": {"", "203.0.113.0/24"},
		"AllowAwsServices": {"true", "false"}, "EndpointPolicy": {"Keep", "Account", "Buckets"}, "PolicyMode": {"AtLeast", "Exact"},
	})
	foreign := func(list string) func(parameters) bool {
		return func(p parameters) bool { return p["PolicyMode"] == "Exact" && strings.Contains(p[list], foreignRole) }
	}
	return all, []nonsense{
		{"all of a name or pattern is excluded", selectsNothing, []string{"BucketNames", "ExcludedBucketNames"}},
		{"an endpoint twice", is("VpcEndpointIds", endpointID+","+endpointID), []string{"VpcEndpointIds"}},
		{"a foreign workload without its Allow", foreign("WorkloadRoleArns"), []string{"WorkloadRoleArns", foreignRole, "PolicyMode=Exact"}},
		{"a foreign manager without its Allow", foreign("ManagementRoleArns"), []string{"ManagementRoleArns", foreignRole, "PolicyMode=Exact"}},
		{"a foreign exempt role without its Allow", foreign("ExemptRoleArns"), []string{"ExemptRoleArns", foreignRole, "PolicyMode=Exact"}},
		{"a foreign workload before closed endpoints", func(p parameters) bool {
			return p["WorkloadRoleArns"] == foreignRole && p["EndpointPolicy"] != "Keep" && p["AllowedCidrs"] == "" && p["AllowAwsServices"] == "false"
		}, []string{"WorkloadRoleArns", foreignRole, "EndpointPolicy", "AllowedCidrs", "AllowAwsServices"}},
	}
}

// What the adoption does not refuse, the running function takes, too, and means the same by it.
func TestTheAdoptionRefusesWhatMakesNoSense(t *testing.T) {
	all, senseless := adoptions()
	refused, planned := 0, 0
	plain := is("ManagementRoleArns", "", "ExcludedBucketNames", "acme-*-1") // those that are planned
	for _, p := range all {
		var sentences []string
		meant, err := lockOf(p).Lock("aws", region, account)
		if err != nil {
			sentences = strings.Split(err.Error(), "\n")
		}
		for _, err := range lockOf(p).Unreachable(account) {
			sentences = append(sentences, err.Error())
		}
		judge(t, p, senseless, sentences)
		if len(sentences) > 0 || !plain(p) {
			refused += min(len(sentences), 1)
			continue
		}
		planned++
		s := deployGuard(t, p)
		environment := variables(s, "RemediateFunction")
		environment["AWS_REGION"] = region // Lambda sets it
		config, err := remediate.ReadConfig(func(name string) string { return environment[name] })
		if err != nil || fmt.Sprint(config.Fleet.Lock) != fmt.Sprint(meant) {
			t.Fatalf("%v: the function means the lock %+v (%v), the adoption %+v", p, config.Fleet, err, meant)
		}
	}
	if refused == 0 || planned == 0 {
		t.Errorf("of %d combinations %d are refused and %d were planned, want some of both", len(all), refused, planned)
	}
}
