package template_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// templates are the files that are deployed.
var templates = []string{"template.yaml", "guard.yaml"}

// regions has one Region of each partition.
var regions = map[string]string{"aws": region, "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}

// arnPartition matches the partition of an ARN in a text.
var arnPartition = regexp.MustCompile(`\barn:([^:]*):`)

// combinations returns all combinations of the values that conditions use.
func combinations() []parameters {
	return mixes(map[string][]string{
		"EndpointType":        {"Interface", "Gateway"},
		"CreateTrail":         {"true", "false"},
		"CreateProbe":         {"true", "false"},
		"HealthRate":          {"1", "15"},
		"AlarmEmail":          {"", "security@example.com"},
		"AppIngressCidr":      {"", "203.0.113.7/32"},
		"SweepSeconds":        {"10", "60"},
		"ReservedConcurrency": {"-1", "2"},
	})
}

// mixes returns all combinations of values of parameters.
func mixes(of map[string][]string) []parameters {
	all := []parameters{nil}
	for name, values := range of {
		var mixed []parameters
		for _, p := range all {
			for _, value := range values {
				mixed = append(mixed, p.with(name, value))
			}
		}
		all = mixed
	}
	return all
}

// Plan rejects a reference to a resource that the conditions leave out; Properties rejects what cannot be resolved.
func TestEveryCombinationOfParametersResolves(t *testing.T) {
	for partition, region := range regions {
		for _, p := range combinations() {
			deployAs(t, samtemplate.Options{Parameters: p, Region: region}, nil).resolvesIn(partition)
		}
	}
}

// resolvesIn checks that all properties and outputs can be resolved, and name no other partition.
func (s stack) resolvesIn(partition string) {
	s.Helper()
	for _, r := range s.Resources() {
		eachString(s.properties(r.LogicalID), func(text string) {
			if !strings.Contains(text, "arn:") { // faster than the expression
				return
			}
			for _, found := range arnPartition.FindAllStringSubmatch(text, -1) {
				if found[1] != partition {
					s.Errorf("%s in %s names partition %s: %s", r.LogicalID, partition, found[1], text)
				}
			}
		})
	}
	if _, err := s.Outputs(s); err != nil {
		s.Errorf("Outputs with %v in %s: %v", s.Options().Parameters, partition, err)
	}
}

// CloudFormation also leaves out resources that depend on one that a condition leaves out.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-condition.html
func TestNothingDependsOnWhatAConditionMayLeaveOut(t *testing.T) {
	for _, file := range templates {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var template struct {
			Resources map[string]struct {
				Condition string    `yaml:"Condition"`
				DependsOn yaml.Node `yaml:"DependsOn"`
			} `yaml:"Resources"`
		}
		if err := yaml.Unmarshal(data, &template); err != nil {
			t.Fatal(err)
		}
		for id, r := range template.Resources {
			for _, name := range append(r.DependsOn.Content, &r.DependsOn) {
				if on := template.Resources[name.Value].Condition; on != "" && on != r.Condition {
					t.Errorf("%s: %s (condition %q) depends on %s (condition %q)", file, id, r.Condition, name.Value, on)
				}
			}
		}
	}
}

func TestEndpointServicesAreNamedAsInTheirPartition(t *testing.T) {
	for name, test := range map[string]struct{ region, endpointType, want string }{
		"interface":                {"eu-central-1", "Interface", "com.amazonaws.eu-central-1.s3"},
		"interface in GovCloud":    {"us-gov-west-1", "Interface", "com.amazonaws.us-gov-west-1.s3"},
		"interface in China":       {"cn-north-1", "Interface", "cn.com.amazonaws.cn-north-1.s3"},
		"gateway in China as here": {"cn-north-1", "Gateway", "com.amazonaws.cn-north-1.s3"},
	} {
		t.Run(name, func(t *testing.T) {
			s := deployAs(t, samtemplate.Options{Parameters: parameters{"EndpointType": test.endpointType}, Region: test.region}, nil)
			if got := s.properties(test.endpointType + "Endpoint")["ServiceName"]; got != test.want {
				t.Errorf("ServiceName = %v, want %s", got, test.want)
			}
		})
	}
}

func TestBadParametersAreRefused(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]parameters{
		"no such endpoint type":       {"EndpointType": "GatewayLoadBalancer"},
		"no such enforcement":         {"Enforcement": "enforce"},
		"a sweep never":               {"SweepSeconds": "0"},
		"a sweep every two hours":     {"SweepSeconds": "7200"},
		"a guard that may never run":  {"ReservedConcurrency": "0"},
		"an address without a host":   {"AlarmEmail": "security"},
		"an address range of names":   {"AppIngressCidr": "example.com"},
		"an address without a length": {"AppIngressCidr": "203.0.113.7"},
		"an octet too large":          {"AppIngressCidr": "203.0.113.256/32"},
		"an octet with a zero before": {"AppIngressCidr": "203.0.113.07/32"},
		"a public VPC":                {"VpcCidr": "8.8.0.0/16"},
		"a VPC with zeros before":     {"VpcCidr": "10.01.0.0/16"},
		"a VPC that looks private":    {"VpcCidr": "172.32.0.0/16"},
		"a VPC with no room":          {"VpcCidr": "10.0.0.0/24"},
		"an x86 instance":             {"InstanceType": "t3.micro"},
		"one zone of two":             {"AvailabilityZoneA": "eu-central-1b"},
		"the other zone of two":       {"AvailabilityZoneB": "eu-central-1b"},
		"one zone twice":              {"AvailabilityZoneA": "eu-central-1b", "AvailabilityZoneB": "eu-central-1b"},
		"a Region for a zone":         {"AvailabilityZoneA": "eu-central-1", "AvailabilityZoneB": "eu-central-1b"},
		"an image and no parameter":   {"ImageId": "ami-0123456789abcdef0"},
		"logs kept for 2 days":        {"LogRetentionDays": "2"},
		"old versions kept no day":    {"OldVersionDays": "0"},
		"perhaps emptied":             {"EmptyBucketOnDelete": "perhaps"},
		"perhaps bypassed":            {"BypassGovernanceRetention": "yes"},
		"a parameter that is not one": {"Colour": "green"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := template.Plan(samtemplate.Options{Parameters: p}); err == nil {
				t.Errorf("Plan(%v) = nil, want an error", p)
			}
		})
	}
}

// EventBridge's schedules are whole minutes, and "minute" is singular in a rate of 1. Messages start more frequent sweeps.
func TestTheSweepHasTheRightScheduleAndMessages(t *testing.T) {
	for seconds, want := range map[string]struct {
		schedule string
		messages bool
	}{
		"5": {"rate(1 minute)", true}, "10": {"rate(1 minute)", true}, "15": {"rate(1 minute)", true}, "20": {"rate(1 minute)", true},
		"30": {"rate(1 minute)", true}, "60": {"rate(1 minute)", false}, "120": {"rate(2 minutes)", false}, "300": {"rate(5 minutes)", false},
		"600": {"rate(10 minutes)", false}, "900": {"rate(15 minutes)", false}, "1800": {"rate(30 minutes)", false}, "3600": {"rate(60 minutes)", false},
	} {
		s := deploy(t, parameters{"SweepSeconds": seconds})
		if got := s.properties("SweepRule")["ScheduleExpression"]; got != want.schedule {
			t.Errorf("ScheduleExpression at SweepSeconds %s = %v, want %s", seconds, got, want.schedule)
		}
		queues, mappings := len(s.ofType("AWS::SQS::Queue")), len(s.ofType("AWS::Lambda::EventSourceMapping"))
		remediate, healthcheck := variables(s, "RemediateFunction"), variables(s, "HealthcheckFunction")
		if got := queues == 2 && mappings == 1 && remediate["SWEEP"] == seconds; got != want.messages {
			t.Errorf("at SweepSeconds %s there are %d queues, %d mappings and SWEEP %q, want messages: %t",
				seconds, queues, mappings, remediate["SWEEP"], want.messages)
		}
		if got, _, _ := strings.Cut(healthcheck["TIMES"], ","); got != seconds {
			t.Errorf("the health check expects a sweep every %v s, want %s", got, seconds)
		}
	}
}

// Lambda refuses a mapping of a queue that shows a message again before the function's timeout. A message must live longer than
// its delay, and not so long that sweeps accumulate during an outage.
func TestTheSweepQueueFitsTheFunction(t *testing.T) {
	s := deploy(t, parameters{"SweepSeconds": "5"})
	queue, function, mapping := s.properties("SweepQueue"), s.properties("RemediateFunction"), s.properties("SweepMapping")
	visibility, timeout, retention := whole(t, queue["VisibilityTimeout"]), whole(t, function["Timeout"]), whole(t, queue["MessageRetentionPeriod"])
	if visibility < timeout || retention <= 55+visibility || retention > 120 {
		t.Errorf("visibility timeout %d, retention %d with a function's timeout of %d seconds", visibility, retention, timeout)
	}
	if queue["RedrivePolicy"] != nil {
		t.Error("the queue has a dead-letter queue, but a lost sweep is not worth a dead letter")
	}
	if most := mapping["ScalingConfig"].(map[string]any)["MaximumConcurrency"]; whole(t, most) != 2 {
		t.Errorf("MaximumConcurrency = %v, want 2, so that messages cannot use up the account's concurrency", most)
	}
}

// whole returns a property that is a whole number.
func whole(t *testing.T, value any) int {
	t.Helper()
	n, err := strconv.Atoi(fmt.Sprint(value))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSubnetsAreInTheZonesThatAreNamed(t *testing.T) {
	for name, v := range map[string]struct {
		p    parameters
		want []any
	}{
		"none named": {nil, []any{"eu-central-1a", "eu-central-1b"}},
		"two named": {parameters{"AvailabilityZoneA": "eu-central-1c", "AvailabilityZoneB": "eu-central-1a"},
			[]any{"eu-central-1c", "eu-central-1a"}},
	} {
		s := deploy(t, v.p)
		got := []any{s.properties("SubnetA")["AvailabilityZone"], s.properties("SubnetB")["AvailabilityZone"]}
		if !slices.Equal(got, v.want) {
			t.Errorf("%s: zones = %v, want %v", name, got, v.want)
		}
	}
}

func TestNobodyReachesTheAppByDefault(t *testing.T) {
	if got := list(deploy(t, nil).properties("InstanceSecurityGroup")["SecurityGroupIngress"]); len(got) != 0 {
		t.Errorf("ingress with an empty AppIngressCidr = %v, want none", got)
	}
	s := deploy(t, parameters{"AppIngressCidr": "203.0.113.7/32"})
	ingress := list(s.properties("InstanceSecurityGroup")["SecurityGroupIngress"])
	if len(ingress) != 1 || at(ingress, 0, "CidrIp") != "203.0.113.7/32" || fmt.Sprint(at(ingress, 0, "FromPort"), at(ingress, 0, "ToPort")) != "3000 3000" {
		t.Errorf("ingress with AppIngressCidr 203.0.113.7/32 = %v, want port 3000 from there", ingress)
	}
}

func TestOnlyTheAppAndTheProbeReachTheEndpoint(t *testing.T) {
	s := deploy(t, nil)
	for _, separate := range []string{"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"} {
		if got := s.ofType(separate); len(got) > 0 {
			t.Errorf("%v are separate rules, and the guard's restored ones have other ids: want them inline", got)
		}
	}
	var from []string
	for _, rule := range list(s.properties("EndpointSecurityGroup")["SecurityGroupIngress"]) {
		p := rule.(map[string]any)
		from = append(from, fmt.Sprint(p["IpProtocol"], " ", p["FromPort"], " ", p["ToPort"], " ", p["SourceSecurityGroupId"]))
	}
	slices.Sort(from)
	if want := []string{"tcp 443 443 " + instanceGroup, "tcp 443 443 " + probeGroup}; !slices.Equal(from, want) {
		t.Errorf("ingress = %q, want %q", from, want)
	}
	for create, want := range map[string]string{"true": instanceGroup + "," + probeGroup, "false": instanceGroup} {
		s := deploy(t, parameters{"CreateProbe": create})
		for _, function := range []string{"RemediateFunction", "HealthcheckFunction"} {
			if got := variables(s, function)["CLIENT_GROUPS"]; got != want {
				t.Errorf("CLIENT_GROUPS of %s with CreateProbe %s = %s, want %s: the guard would revoke a needed rule", function, create, got, want)
			}
		}
	}
}

func TestBucketsAreShutAndEncrypted(t *testing.T) {
	s := deploy(t, nil)
	buckets := s.ofType("AWS::S3::Bucket")
	if len(buckets) != 2 {
		t.Fatalf("%d buckets, want the guarded one and the trail's", len(buckets))
	}
	for _, b := range buckets {
		p := s.properties(b.LogicalID)
		for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			if got := at(p, "PublicAccessBlockConfiguration", setting); got != true {
				t.Errorf("%s: %s = %v, want true", b.LogicalID, setting, got)
			}
		}
		for want, got := range map[string]any{
			"BucketOwnerEnforced": at(p, "OwnershipControls", "Rules", 0, "ObjectOwnership"),
			"AES256":              at(p, "BucketEncryption", "ServerSideEncryptionConfiguration", 0, "ServerSideEncryptionByDefault", "SSEAlgorithm"),
			"Enabled":             at(p, "VersioningConfiguration", "Status"),
		} {
			if got != want {
				t.Errorf("%s: got %v, want %s", b.LogicalID, got, want)
			}
		}
	}
}

func TestTheTrailDeliversWhatTheRulesWaitFor(t *testing.T) {
	trails := deploy(t, parameters{"CreateTrail": "false"}).ofType("AWS::CloudTrail::Trail")
	if len(trails) != 0 {
		t.Errorf("CreateTrail = false creates %v, want no trail", trails)
	}
	s := deploy(t, nil)
	p := s.properties("Trail")
	if p["IsLogging"] != true || at(p, "EventSelectors", 0, "ReadWriteType") != "WriteOnly" ||
		at(p, "EventSelectors", 0, "IncludeManagementEvents") != true || p["EnableLogFileValidation"] != true {
		t.Errorf("Trail = %v, want one that logs management writes, with validation", p)
	}
	want := "arn:aws:cloudtrail:eu-central-1:111122223333:trail/" + p["TrailName"].(string)
	if got := at(s.properties("TrailBucketPolicy"), "PolicyDocument", "Statement", 1, "Condition", "StringEquals", "aws:SourceArn"); got != want {
		t.Errorf("the trail's bucket allows %v, want %s", got, want)
	}
}

// `sam validate --lint` rejects a function all of whose properties are in Globals (docs/facts.md, Tools).
func TestFunctionsAreBuiltByMake(t *testing.T) {
	s := deploy(t, nil)
	for _, r := range s.ofType("AWS::Serverless::Function") {
		p := s.properties(r.LogicalID)
		if r.Metadata["BuildMethod"] != "makefile" || p["CodeUri"] != "." {
			t.Errorf("%s: BuildMethod %v, CodeUri %v, want makefile and the root", r.LogicalID, r.Metadata["BuildMethod"], p["CodeUri"])
		}
		for key, want := range map[string]string{"Runtime": "provided.al2023", "Handler": "bootstrap"} {
			if p[key] != want {
				t.Errorf("%s: %s = %v, want %s", r.LogicalID, key, p[key], want)
			}
		}
		if at(p, "LoggingConfig", "LogFormat") != "JSON" || at(p, "LoggingConfig", "LogGroup") == nil {
			t.Errorf("%s: LoggingConfig = %v, want JSON and a separate log group", r.LogicalID, p["LoggingConfig"])
		}
	}
}

// New accounts reject a reservation (docs/facts.md, CloudFormation).
func TestNoConcurrencyIsReservedByDefault(t *testing.T) {
	if got, ok := deploy(t, nil).properties("RemediateFunction")["ReservedConcurrentExecutions"]; ok {
		t.Errorf("ReservedConcurrentExecutions = %v by default, want none", got)
	}
	got := deploy(t, parameters{"ReservedConcurrency": "2"}).properties("RemediateFunction")["ReservedConcurrentExecutions"]
	if fmt.Sprint(got) != "2" {
		t.Errorf("ReservedConcurrentExecutions = %v, want 2", got)
	}
}

func TestTheOutputsAreReadyToUse(t *testing.T) {
	s := deploy(t, nil)
	s.names["Instance.PublicIp"] = "203.0.113.80"
	outputs, err := s.Outputs(s)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"EC2InstancePublicIp": "203.0.113.80",
		"AppUrl":              "http://203.0.113.80:3000/",
		"BucketName":          bucket,
		"EndpointId":          endpointID,
		"MustBeRefused":       "aws s3api get-object --bucket docs-example --key thankyou.txt thankyou.txt --region eu-central-1",
	} {
		if outputs[name] != want {
			t.Errorf("output %s = %q, want %q", name, outputs[name], want)
		}
	}
}
