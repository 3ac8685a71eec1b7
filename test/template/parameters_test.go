package template_test

import (
	"strconv"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// numbers are the numeric parameters with their ranges; if steps is set, only those values are allowed.
var numbers = map[string]struct {
	least, most int
	steps       []int
}{
	"SweepSeconds":        {steps: []int{5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600}},
	"ReservedConcurrency": {steps: []int{-1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}},
	"LogRetentionDays":    {steps: []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653}},
	"TrailRetentionDays":  {least: 1, most: 3650},
	"HealthRate":          {steps: []int{1, 5, 10, 15, 30, 60}},
	"IdleDays":            {least: 1, most: 60},
	"ProbeLatencyMs":      {least: 1, most: 60000},
	"PacketThreshold":     {least: 0, most: 1000000},
	"TrafficBand":         {least: 1, most: 20},
	"OldVersionDays":      {least: 1, most: 3650},
}

// CloudFormation's type Number also accepts 1.5, 01 and 1e1, but rate(1.5 minutes) is not a schedule, and 01 is not
// JSON for the dashboard. So no parameter has that type, and each numeric parameter of the template is in the list
// above.
func TestNumbersAreWholeAndWithinTheirRange(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	takes := func(name, value string) bool {
		// Beside sweeps that messages start, a reservation of 1 is refused.
		_, err := template.Plan(samtemplate.Options{Parameters: parameters{"SweepSeconds": "60"}.with(name, value)})
		return err == nil
	}
	for _, p := range template.Parameters() {
		_, err := strconv.ParseFloat(p.Default, 64)
		if _, known := numbers[p.Name]; known != (err == nil) || p.Type == "Number" {
			t.Errorf("%s has type %s and default %q, but is a number of the list: %t", p.Name, p.Type, p.Default, known)
		}
	}
	for name, n := range numbers {
		good := map[int]bool{}
		for _, step := range n.steps {
			good[step] = true
		}
		candidates := append([]int{-2, -1, 0, 1, 2, 9, 10, 11, 19, 20, 21, 59, 60, 61, 99, 100, 101, 999, 1000, 2999, 3000, 3599, 3600,
			3649, 3650, 3651, 3659, 3999, 4000, 9999, 10000, 59999, 60000, 60001, 99999, 999999, 1000000, 1000001, 9999999}, n.steps...)
		for _, value := range candidates {
			want := good[value] || n.steps == nil && value >= n.least && value <= n.most
			if got := takes(name, strconv.Itoa(value)); got != want {
				t.Errorf("%s takes %d: %t, want %t", name, value, got, want)
			}
		}
		for _, value := range []string{"", "1.5", "1.0", "01", "005", "+5", " 5", "5 ", "1e1", "0x5", "5m", "\u0665", "5\n", "--1", "-01"} {
			if takes(name, value) {
				t.Errorf("%s takes %q, want only whole numbers in plain notation", name, value)
			}
		}
	}
}

func TestPathAndBoundaryAreThoseOfEveryRole(t *testing.T) {
	const boundary = "arn:aws:iam::111122223333:policy/boundaries/workload"
	for _, r := range deploy(t, nil).ofType("AWS::IAM::Role") {
		p := deploy(t, nil).properties(r.LogicalID)
		if p["Path"] != nil || p["PermissionsBoundary"] != nil {
			t.Errorf("%s has path %v and boundary %v by default, want neither: an update would replace it", r.LogicalID, p["Path"], p["PermissionsBoundary"])
		}
	}
	s := deploy(t, parameters{"RolePath": "/service/", "PermissionsBoundaryArn": boundary})
	roles := s.ofType("AWS::IAM::Role")
	if len(roles) != 5 {
		t.Errorf("%d roles, want 5", len(roles))
	}
	for _, r := range roles {
		if p := s.properties(r.LogicalID); p["Path"] != "/service/" || p["PermissionsBoundary"] != boundary {
			t.Errorf("%s has path %v and boundary %v, want /service/ and the parameter's", r.LogicalID, p["Path"], p["PermissionsBoundary"])
		}
	}
	if got := s.properties("InstanceProfile")["Path"]; got != "/service/" {
		t.Errorf("the instance profile has path %v, want /service/", got)
	}
}

// The policies name roles by ARN, the functions get names: both must mean the same role if it has a path.
func TestTheGuardKnowsRolesWithAPath(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(samtemplate.Options{Parameters: parameters{"RolePath": "/service/"}, Region: region, AccountID: account})
	if err != nil {
		t.Fatal(err)
	}
	s := stack{T: t, Plan: plan, Attributes: samtemplate.Invented(plan)}
	guarded := setting(s)
	for name, arn := range map[string]string{"InstanceRole": guarded.Workload, "ProbeRole": guarded.ProbeRole, "RemediateRole": guarded.Guard} {
		want, _ := s.GetAtt(name, "Arn")
		if arn != want || !strings.Contains(arn, ":role/service/") {
			t.Errorf("the guard takes %s for %s, want %v", arn, name, want)
		}
	}
	e := environment(s)
	for policy, probes := range map[string][]iampolicy.ForbiddenRequest{
		e["BUCKET_POLICY"]: iampolicy.ForbiddenOnBucket(guarded), e["ENDPOINT_POLICY"]: iampolicy.ForbiddenThroughEndpoint(guarded),
	} {
		if got := iampolicy.Allowed([]byte(policy), probes); got != "" {
			t.Errorf("allowed with a path: %s", got)
		}
	}
	through := iampolicy.Standpoint{Principal: guarded.Workload, Context: map[string][]string{
		"aws:SecureTransport": {"true"}, "aws:SourceVpce": {guarded.EndpointID}, "aws:SourceVpc": {guarded.VPCID}}}
	if _, ok := iampolicy.OpenActions(parse(t, e["BUCKET_POLICY"]), guarded, through)["s3:GetObject"]; !ok {
		t.Error("the app, whose role has a path, is denied its objects through the endpoint")
	}
}

// China's interface services have one more label in their names and their metrics (docs/facts.md, VPC endpoints).
func TestTheEndpointsMetricsAreLookedForByItsServicesName(t *testing.T) {
	for partition, region := range regions {
		s := deployAs(t, samtemplate.Options{Region: region}, nil)
		want := s.properties("InterfaceEndpoint")["ServiceName"].(string)
		found := 0
		look := func(where string, value any) {
			eachString(value, func(text string) {
				for _, name := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("\", []", r) }) {
					if strings.HasSuffix(name, ".s3") && strings.Contains(name, "com.amazonaws.") {
						found++
						if name != want {
							t.Errorf("%s of %s looks for %s, want %s", where, partition, name, want)
						}
					}
				}
			})
		}
		for _, r := range s.Resources() {
			if strings.HasPrefix(r.Type, "AWS::CloudWatch::") {
				look(r.LogicalID, s.properties(r.LogicalID))
			}
		}
		if found != 8 {
			t.Errorf("%s: %d metrics name the service, want those of four alarms and detectors and of four lines of the dashboard", partition, found)
		}
		if got := vpcendpoint.ServiceName(partition, region); got != want {
			t.Errorf("the health check looks for %s, want %s", got, want)
		}
	}
}

// The functions get the policies in a short form, in which single characters replace frequent text. Names from
// parameters must not contain these characters; otherwise the function reads another policy, or none.
func TestPoliciesAreReadBackWithAnyNameOfARole(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	for _, endpointType := range []string{"Interface", "Gateway"} {
		plan, err := template.Plan(samtemplate.Options{Region: region, AccountID: account, Parameters: parameters{
			"EndpointType": endpointType, "RolePath": "/a.b_c=d+e@f-g/", "ManagementRoleArns": "arn:aws:iam::111122223333:role/ops/a.b_c=d+e@f-g"}})
		if err != nil {
			t.Fatal(err)
		}
		s := stack{T: t, Plan: plan, Attributes: samtemplate.Invented(plan)}
		e := environment(s)
		for variable, document := range map[string]string{"BUCKET_POLICY": "BucketPolicyDocument", "ENDPOINT_POLICY": "EndpointPolicyDocument"} {
			if want := s.properties(document)["Value"]; e[variable] != want {
				t.Errorf("%s: the functions read %s as\n%s, want\n%v", endpointType, variable, e[variable], want)
			}
		}
	}
}

// sam deploy passes a stack's current values to its update, including former defaults (aws/aws-sam-cli#7103):
// CloudFormation would reject the update if the template no longer accepts one.
func TestFormerDefaultsAreTakenAtAnUpdate(t *testing.T) {
	template, err := readTemplate()
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"RunbookUrl": "docs/runbook.md"} {
		if _, err := template.Plan(samtemplate.Options{Parameters: parameters{name: value}}); err != nil {
			t.Errorf("%s had the default %s, which is now refused: %v", name, value, err)
		}
	}
}
