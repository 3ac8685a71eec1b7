package health_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
)

const function = "arn:aws:lambda:eu-central-1:111122223333:function:guard-RemediateFunction"

var now = time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)

// terms returns the terms of an interface endpoint, with changes.
func terms(change ...func(*health.Criteria)) health.Criteria {
	t := health.Criteria{
		Setting: iampolicy.Setting{
			Partition: "aws", Region: "eu-central-1", Account: "111122223333", Bucket: "docs-example",
			EndpointID: "vpce-1", VPCID: "vpc-1", Workload: "arn:aws:iam::111122223333:role/app", Guard: "arn:aws:iam::111122223333:role/guard",
		},
		Function: function, SweepWithin: 7 * time.Minute, SweepsAMinute: 4, IdleAfter: 14 * 24 * time.Hour,
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

func gateway(t *health.Criteria) { t.Gateway = true }

// finding returns a finding without drift.
func finding(property string) guard.Finding {
	return guard.Finding{Property: property, Target: "x", Verdict: iampolicy.Same}
}

// drifted returns a finding with drift.
func drifted(property string, v iampolicy.Verdict) guard.Finding {
	return guard.Finding{Property: property, Target: "x", Verdict: v, Allowed: "somebody", Diff: []guard.Difference{{Value: "y"}}}
}

// healthySnapshot returns a snapshot without problems, for both types of endpoint.
func healthySnapshot() health.Snapshot {
	var s health.Snapshot
	s.Time = now
	s.Endpoint.Value = health.Endpoint{State: "available", Created: now.AddDate(-1, 0, 0), Findings: []guard.Finding{
		finding("endpoint-policy"), finding("security-groups"), finding("private-dns"), finding("subnets"), finding("route-tables"),
	}}
	s.Interfaces.Value = []health.Interface{
		{ID: "eni-1", Zone: "eu-central-1a", Status: "in-use"}, {ID: "eni-2", Zone: "eu-central-1b", Status: "in-use"},
	}
	s.GroupRules.Value = finding("security-group-rules")
	s.Routing.Value = health.Routing{Subnets: finding("route-table-associations")}
	s.BucketPolicy.Value, s.PublicAccess.Value, s.Ownership.Value = finding("bucket-policy"), finding("public-access-block"), finding("ownership-controls")
	s.Trails.Value = []health.CloudTrail{{Name: "t", Logging: true}}
	s.Rules.Value = []health.Rule{{Name: "r", State: "ENABLED", Targets: []string{"other", function}}}
	s.Sweeps.Value = health.SweepCount{Minutes: 7, Busiest: 4}
	s.Role.Value = []health.Document{{Name: "bucket", Text: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::docs-example/*"}}`}}
	s.Traffic.Value = health.Volume{Total: 1e9, Probe: 1e6}
	return s
}

// values returns a report's data by name and detail.
func values(r health.Report) map[string]float64 {
	v := map[string]float64{}
	for _, d := range r.Data {
		name := string(d.Name)
		if d.Detail.Name != "" {
			name += " " + d.Detail.Value
		}
		v[name] = d.Values[0]
	}
	return v
}

var (
	ofInterface = map[string]float64{
		"EndpointAvailable": 1, "HealthyZones": 2, "PrivateDNSOn": 1, "EndpointAsDeployed": 1, "BucketLocked": 1, "EndpointLocked": 1,
		"ExposedToInternet": 0, "TrailLogging": 1, "RulesEnabled": 1, "SweepRecent": 1, "RoleFindings": 0, "SecurityFindings": 0, "EndpointIdle": 0, "CheckFailed": 0,
	}
	ofGateway = map[string]float64{
		"EndpointAvailable": 1, "RoutesPresent": 1, "EndpointAsDeployed": 1, "BucketLocked": 1, "EndpointLocked": 1,
		"ExposedToInternet": 0, "TrailLogging": 1, "RulesEnabled": 1, "SweepRecent": 1, "RoleFindings": 0, "SecurityFindings": 0, "CheckFailed": 0,
	}
)

func TestJudgeFindsNothingWrongWithAHealthySnapshot(t *testing.T) {
	for name, c := range map[string]struct {
		terms health.Criteria
		want  map[string]float64
	}{"interface": {terms(), ofInterface}, "gateway": {terms(gateway), ofGateway}} {
		r := c.terms.Judge(healthySnapshot())
		if diff := cmp.Diff(c.want, values(r)); diff != "" || len(r.Problems)+len(r.Failures)+len(r.Findings) > 0 {
			t.Errorf("%s: problems %v, failures %v, metrics (-want +got):\n%s", name, r.Problems, r.Failures, diff)
		}
	}
}

func TestEachProblemChangesItsMetricAloneAndSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		wrong  func(*health.Snapshot)
		metric metrics.Name
		value  float64
		why    string
	}{
		"state":              {func(s *health.Snapshot) { s.Endpoint.Value.State = "pendingacceptance" }, metrics.EndpointAvailable, 0, "its state is pendingacceptance"},
		"zone lost":          {func(s *health.Snapshot) { s.Interfaces.Value = s.Interfaces.Value[:1] }, metrics.HealthyZones, 1, "only in [eu-central-1a]"},
		"interface not used": {func(s *health.Snapshot) { s.Interfaces.Value[1].Status = "available" }, metrics.HealthyZones, 1, "eni-2 in eu-central-1b: its status is available"},
		"both in one zone":   {func(s *health.Snapshot) { s.Interfaces.Value[1].Zone = "eu-central-1a" }, metrics.HealthyZones, 1, "at least two"},
		"no interface":       {func(s *health.Snapshot) { s.Interfaces.Value = nil }, metrics.HealthyZones, 0, "only in []"},
		"private DNS":        {drift(2, iampolicy.Closed), metrics.PrivateDNSOn, 0, "private-dns of x: closed"},
		"security groups":    {drift(1, iampolicy.Open), metrics.EndpointAsDeployed, 0, "security-groups of x: open: somebody, with y"},
		"subnets":            {drift(3, iampolicy.Closed), metrics.EndpointAsDeployed, 0, "subnets of x"},
		"group rules":        {func(s *health.Snapshot) { s.GroupRules.Value = drifted("security-group-rules", iampolicy.Open) }, metrics.EndpointAsDeployed, 0, "security-group-rules"},
		"endpoint policy":    {drift(0, iampolicy.Open), metrics.EndpointLocked, 0, "endpoint-policy of x is open: somebody"},
		"bucket policy":      {func(s *health.Snapshot) { s.BucketPolicy.Value = drifted("bucket-policy", iampolicy.Open) }, metrics.BucketLocked, 0, "bucket-policy of x is open"},
		"public access":      {func(s *health.Snapshot) { s.PublicAccess.Value = drifted("public-access-block", iampolicy.Open) }, metrics.BucketLocked, 0, "public-access-block"},
		"ownership":          {func(s *health.Snapshot) { s.Ownership.Value = drifted("ownership-controls", iampolicy.Open) }, metrics.BucketLocked, 0, "ownership-controls"},
		"public to S3":       {func(s *health.Snapshot) { s.Public.Value = true }, metrics.BucketLocked, 0, "S3 calls its policy public"},
		"answered":           {func(s *health.Snapshot) { s.Answer.Value = "404 NoSuchKey" }, metrics.ExposedToInternet, 1, "answered 404 NoSuchKey"},
		"an exit": {func(s *health.Snapshot) {
			s.Exits.Value = []health.Exit{{Name: "replication", What: "objects are copied to x"}}
		}, metrics.SecurityFindings, 1, "bucket docs-example: objects are copied to x"},
		"no trail":              {func(s *health.Snapshot) { s.Trails.Value = nil }, metrics.TrailLogging, 0, "no trail in this Region"},
		"trail off":             {func(s *health.Snapshot) { s.Trails.Value[0].Logging = false }, metrics.TrailLogging, 0, "trail t is switched off"},
		"rule off":              {func(s *health.Snapshot) { s.Rules.Value[0].State = "DISABLED" }, metrics.RulesEnabled, 0, "rule r: its state is DISABLED"},
		"rule gone":             {func(s *health.Snapshot) { s.Rules.Value[0] = health.Rule{Name: "r", State: "not found"} }, metrics.RulesEnabled, 0, "not found"},
		"rule without us":       {func(s *health.Snapshot) { s.Rules.Value[0].Targets = []string{"other"} }, metrics.RulesEnabled, 0, "not among its targets"},
		"no sweep":              {func(s *health.Snapshot) { s.Sweeps.Value = health.SweepCount{} }, metrics.SweepRecent, 0, "for 7m0s"},
		"only scheduled sweeps": {func(s *health.Snapshot) { s.Sweeps.Value.Busiest = 1 }, metrics.SweepRecent, 0, "want at least 4"},
		"idle":                  {func(s *health.Snapshot) { s.Traffic.Value = health.Volume{Total: 19, Probe: 10} }, metrics.EndpointIdle, 1, "at least 14.60 USD a month"},
		"role":                  {func(s *health.Snapshot) { s.Role.Value[0].Text = "{" }, metrics.RoleFindings, 1, "role policy bucket: the document allows what cannot be judged"},
	} {
		t.Run(name, func(t *testing.T) {
			s := healthySnapshot()
			c.wrong(&s)
			r := terms().Judge(s)
			want := map[string]float64{}
			for k, v := range ofInterface {
				want[k] = v
			}
			want[string(c.metric)] = c.value
			if diff := cmp.Diff(want, values(r)); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			said := false
			for _, p := range r.Problems {
				if p.Metric != c.metric {
					t.Errorf("problem %v, want only problems of %s", p, c.metric)
				}
				said = said || strings.Contains(p.Why, c.why)
			}
			if !said {
				t.Errorf("problems %v, want one with %q", r.Problems, c.why)
			}
		})
	}
}

// drift returns a change that makes one of the endpoint's findings differ.
func drift(i int, v iampolicy.Verdict) func(*health.Snapshot) {
	return func(s *health.Snapshot) {
		s.Endpoint.Value.Findings[i] = drifted(s.Endpoint.Value.Findings[i].Property, v)
	}
}

func TestAPolicyThatDiffersAndIsClosedIsNoHole(t *testing.T) {
	s := healthySnapshot()
	drift(0, iampolicy.Closed)(&s)
	s.BucketPolicy.Value = drifted("bucket-policy", iampolicy.Closed)
	if diff := cmp.Diff(ofInterface, values(terms().Judge(s))); diff != "" {
		t.Errorf("metrics with closed drift of both policies (-want +got):\n%s", diff)
	}
}

func TestAGatewaysRoutesAreJudged(t *testing.T) {
	s := healthySnapshot()
	s.Routing.Value.Without = []string{"rtb-1", "rtb-2"}
	r := terms(gateway).Judge(s)
	if got := values(r); got["RoutesPresent"] != 0 || got["EndpointAsDeployed"] != 1 || len(r.Problems) != 2 {
		t.Errorf("metrics %v, problems %v; want RoutesPresent 0 and two problems", got, r.Problems)
	}
	s = healthySnapshot()
	s.Routing.Value.Subnets = drifted("route-table-associations", iampolicy.Closed)
	if got := values(terms(gateway).Judge(s)); got["RoutesPresent"] != 1 || got["EndpointAsDeployed"] != 0 {
		t.Errorf("metrics %v, want only EndpointAsDeployed 0", got)
	}
}

func TestAFailedCheckIsNamedAndHidesNoOther(t *testing.T) {
	refused := errors.New("refused")
	for check, c := range map[health.Check]struct {
		fail    func(*health.Snapshot)
		gateway bool
		lost    []string
	}{
		health.VPCEndpoint:        {func(s *health.Snapshot) { s.Endpoint = health.Reading[health.Endpoint]{Err: refused} }, false, []string{"EndpointAvailable", "EndpointLocked", "EndpointAsDeployed", "PrivateDNSOn", "EndpointIdle"}},
		health.NetworkInterfaces:  {func(s *health.Snapshot) { s.Interfaces.Err = refused }, false, []string{"HealthyZones"}},
		health.SecurityGroupRules: {func(s *health.Snapshot) { s.GroupRules.Err = refused }, false, []string{"EndpointAsDeployed"}},
		health.RouteTables:        {func(s *health.Snapshot) { s.Routing.Err = refused }, true, []string{"EndpointAsDeployed", "RoutesPresent"}},
		health.BucketPolicy:       {func(s *health.Snapshot) { s.BucketPolicy.Err = refused }, false, []string{"BucketLocked"}},
		health.PublicAccessBlock:  {func(s *health.Snapshot) { s.PublicAccess.Err = refused }, false, []string{"BucketLocked"}},
		health.OwnershipControls:  {func(s *health.Snapshot) { s.Ownership.Err = refused }, false, []string{"BucketLocked"}},
		health.PolicyStatus:       {func(s *health.Snapshot) { s.Public.Err = refused }, false, []string{"BucketLocked"}},
		health.AnonymousRead:      {func(s *health.Snapshot) { s.Answer.Err = refused }, false, []string{"ExposedToInternet"}},
		health.Trail:              {func(s *health.Snapshot) { s.Trails = health.Reading[[]health.CloudTrail]{Err: refused} }, false, []string{"TrailLogging"}},
		health.Rules:              {func(s *health.Snapshot) { s.Rules.Err = refused }, false, []string{"RulesEnabled"}},
		health.Sweep:              {func(s *health.Snapshot) { s.Sweeps.Err = refused }, false, []string{"SweepRecent"}},
		health.RolePolicies:       {func(s *health.Snapshot) { s.Role.Err = refused }, false, []string{"RoleFindings"}},
		health.Traffic:            {func(s *health.Snapshot) { s.Traffic.Err = refused }, false, []string{"EndpointIdle"}},
	} {
		t.Run(string(check), func(t *testing.T) {
			s, judge, want := healthySnapshot(), terms(), map[string]float64{"CheckFailed " + string(check): 1}
			all := ofInterface
			if c.gateway {
				judge, all = terms(gateway), ofGateway
			}
			for name, value := range all {
				if !slices.Contains(c.lost, name) {
					want[name] = value
				}
			}
			want["CheckFailed"] = 1
			c.fail(&s)
			r := judge.Judge(s)
			if diff := cmp.Diff(want, values(r)); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			if len(r.Failures) != 1 || r.Failures[0].Check != check || !errors.Is(r.Failures[0].Err, refused) {
				t.Errorf("failures = %v, want %s with its reason", r.Failures, check)
			}
		})
	}
}

// One trail that logs is enough. If there is none, a trail that could not be read leaves the result open.
func TestATrailThatCannotBeReadCountsOnlyWhereNoOtherLogs(t *testing.T) {
	refused := errors.New("refused")
	for name, c := range map[string]struct {
		trails []health.CloudTrail
		want   map[string]float64
	}{
		"another logs":        {[]health.CloudTrail{{Name: "own", Logging: true}}, map[string]float64{"TrailLogging": 1, "CheckFailed": 0}},
		"another is off":      {[]health.CloudTrail{{Name: "own"}}, map[string]float64{"CheckFailed": 1, "CheckFailed trail": 1}},
		"there is no other":   {nil, map[string]float64{"CheckFailed": 1, "CheckFailed trail": 1}},
		"another logs no S3":  {[]health.CloudTrail{{Name: "own", Logging: true, Selectors: []health.Selector{{Kind: "All"}}}}, map[string]float64{"CheckFailed": 1, "CheckFailed trail": 1}},
		"two, of which 1 off": {[]health.CloudTrail{{Name: "off"}, {Name: "own", Logging: true}}, map[string]float64{"TrailLogging": 1, "CheckFailed": 0}},
	} {
		s := healthySnapshot()
		s.Trails = health.Reading[[]health.CloudTrail]{Value: c.trails, Err: refused}
		got := map[string]float64{}
		for metric, value := range values(terms().Judge(s)) {
			if metric == "TrailLogging" || strings.HasPrefix(metric, "CheckFailed") {
				got[metric] = value
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestARuleAndAPolicyThatAreWrongAreToldAlthoughOthersCouldNotBeRead(t *testing.T) {
	s := healthySnapshot()
	s.Rules.Value[0].State, s.Rules.Err = "DISABLED", errors.New("refused")
	s.Role.Value[0].Text, s.Role.Err = policy(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::docs-example/*"}`), errors.New("refused")
	got := values(terms().Judge(s))
	for metric, want := range map[string]float64{"RulesEnabled": 0, "RoleFindings": 1, "CheckFailed rules": 1, "CheckFailed role-policies": 1} {
		if value, ok := got[metric]; !ok || value != want {
			t.Errorf("%s = %v (published: %t), want %v", metric, value, ok, want)
		}
	}
}

// The bucket's policy is audited even if the role's policies could not be read.
func TestTheBucketsPolicyIsAuditedWithoutTheRoles(t *testing.T) {
	s := healthySnapshot()
	s.Role = health.Reading[[]health.Document]{Err: errors.New("refused")}
	s.BucketPolicy.Value.Live = policy(`{"Sid":"B","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example"}`)
	if got := values(terms().Judge(s)); got["RoleFindings"] != 1 || got["CheckFailed role-policies"] != 1 {
		t.Errorf("metrics %v, want one finding and a failed check", got)
	}
}

// A known problem is reported even if another check failed.
func TestUnwantedAccessIsReportedAlthoughAnotherCheckFailed(t *testing.T) {
	s := healthySnapshot()
	s.PublicAccess.Value, s.Public.Err = drifted("public-access-block", iampolicy.Open), errors.New("refused")
	if got := values(terms().Judge(s)); got["BucketLocked"] != 0 || got["CheckFailed policy-status"] != 1 {
		t.Errorf("metrics %v, want BucketLocked 0", got)
	}
	if _, ok := values(terms().Judge(s))["BucketLocked"]; !ok {
		t.Error("BucketLocked is missing")
	}
}

func TestAnEndpointThatIsGoneHasNothingElseToTell(t *testing.T) {
	s := healthySnapshot()
	s.Endpoint.Value = health.Endpoint{State: "not found"}
	got := values(terms().Judge(s))
	if got["EndpointAvailable"] != 0 {
		t.Errorf("EndpointAvailable = %v, want 0", got["EndpointAvailable"])
	}
	for _, name := range []string{"EndpointLocked", "PrivateDNSOn", "EndpointAsDeployed", "EndpointIdle"} {
		if value, ok := got[name]; ok {
			t.Errorf("%s = %v for a missing endpoint, want no value", name, value)
		}
	}
}

func TestAnEndpointIsIdleOnlyAfterItsTime(t *testing.T) {
	for name, c := range map[string]struct {
		age    time.Duration
		volume health.Volume
		want   float64
	}{
		"unused and old enough":       {14 * 24 * time.Hour, health.Volume{}, 1},
		"unused and young":            {14*24*time.Hour - time.Minute, health.Volume{}, 0},
		"used without a probe":        {1000 * time.Hour, health.Volume{Total: 1}, 0},
		"the probe's packets alone":   {1000 * time.Hour, health.Volume{Total: 200, Probe: 100}, 1},
		"a little more than a probe":  {1000 * time.Hour, health.Volume{Total: 201, Probe: 100}, 0},
		"less than the probe counted": {1000 * time.Hour, health.Volume{Total: 1, Probe: 100}, 1},
	} {
		s := healthySnapshot()
		s.Endpoint.Value.Created, s.Traffic.Value = now.Add(-c.age), c.volume
		if got := values(terms().Judge(s))["EndpointIdle"]; got != c.want {
			t.Errorf("%s: EndpointIdle = %v, want %v", name, got, c.want)
		}
	}
}

func TestTrailsMustLogTheWritesThatRulesWaitFor(t *testing.T) {
	management := health.Field{Name: "eventCategory", Equals: []string{"Management"}}
	writes := health.Field{Name: "readOnly", Equals: []string{"false"}}
	for name, c := range map[string]struct {
		trail health.CloudTrail
		want  float64
	}{
		"no selectors":            {health.CloudTrail{}, 1},
		"all":                     {health.CloudTrail{Selectors: []health.Selector{{Management: true, Kind: "All"}}}, 1},
		"writes":                  {health.CloudTrail{Selectors: []health.Selector{{Management: true, Kind: "WriteOnly"}}}, 1},
		"reads only":              {health.CloudTrail{Selectors: []health.Selector{{Management: true, Kind: "ReadOnly"}}}, 0},
		"data only":               {health.CloudTrail{Selectors: []health.Selector{{Kind: "All"}}}, 0},
		"advanced":                {health.CloudTrail{Advanced: []health.AdvancedSelector{{management}}}, 1},
		"advanced, writes":        {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, writes}}}, 1},
		"advanced, reads":         {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, {Name: "readOnly", Equals: []string{"true"}}}}}, 0},
		"advanced, data":          {health.CloudTrail{Advanced: []health.AdvancedSelector{{{Name: "eventCategory", Equals: []string{"Data"}}}}}, 0},
		"advanced, no category":   {health.CloudTrail{Advanced: []health.AdvancedSelector{{writes}}}, 0},
		"without KMS":             {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, {Name: "eventSource", Differs: []string{"kms.amazonaws.com"}}}}}, 1},
		"without S3":              {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, {Name: "eventSource", Differs: []string{"s3.amazonaws.com"}}}}}, 0},
		"only S3":                 {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, {Name: "eventSource", Equals: []string{"s3.amazonaws.com"}}}}}, 0},
		"something not judged":    {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, {Name: "eventName", Others: true}}}}, 0},
		"the second of several":   {health.CloudTrail{Advanced: []health.AdvancedSelector{{writes}, {management}}}, 1},
		"a name that is not ours": {health.CloudTrail{Advanced: []health.AdvancedSelector{{management, {Name: "sessionCredentialFromConsole", Equals: []string{"true"}}}}}, 0},
	} {
		s := healthySnapshot()
		c.trail.Name, c.trail.Logging = "t", true
		s.Trails.Value = []health.CloudTrail{{Name: "off"}, c.trail}
		if got := values(terms().Judge(s))["TrailLogging"]; got != c.want {
			t.Errorf("%s: TrailLogging = %v, want %v", name, got, c.want)
		}
	}
}

func policy(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

func TestTheAuditFindsWhatNobodyNeeds(t *testing.T) {
	allow := func(actions, resources string) string {
		return fmt.Sprintf(`{"Sid":"S","Effect":"Allow","Action":%s,"Resource":%s}`, actions, resources)
	}
	const ours = `"arn:aws:s3:::docs-example/*"`
	for name, c := range map[string]struct {
		policy string
		want   []string
	}{
		"what the app needs":       {policy(allow(`["s3:GetObject","s3:PutObject"]`, ours)), nil},
		"all of S3":                {policy(allow(`"s3:*"`, ours)), []string{"S allows s3:*"}},
		"all of S3, spelt oddly":   {policy(allow(`"S3:**"`, ours)), []string{"S allows S3:**"}},
		"every action":             {policy(allow(`"*"`, ours)), []string{"S allows *", "to change the guard: cloudformation:UpdateStack"}},
		"many actions":             {policy(allow(`"s3:Get*"`, ours)), nil},
		"every bucket":             {policy(allow(`"s3:GetObject"`, `"arn:aws:s3:::*"`)), []string{"s3:GetObject on every resource"}},
		"every resource":           {policy(allow(`"ec2:DescribeInstances"`, `"*"`)), []string{"ec2:DescribeInstances on every resource"}},
		"all but one action":       {policy(`{"Effect":"Allow","NotAction":"iam:*","Resource":` + ours + `}`), []string{"statement 1 allows every action but iam:*", "to change the guard: cloudformation:UpdateStack"}},
		"all but one resource":     {policy(`{"Sid":"S","Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::secret/*"}`), []string{"every resource but arn:aws:s3:::secret/*"}},
		"under a condition":        {policy(`{"Sid":"S","Effect":"Allow","Action":"s3:*","Resource":` + ours + `,"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`), []string{"S allows s3:*"}},
		"denied":                   {policy(`{"Sid":"S","Effect":"Deny","Action":"s3:*","Resource":"*"}`), nil},
		"one statement alone":      {`{"Version":"2012-10-17","Statement":` + allow(`"s3:*"`, ours) + `}`, []string{"S allows s3:*"}},
		"the bucket's policy":      {policy(allow(`"s3:PutBucketPolicy"`, `"arn:aws:s3:::docs-example"`)), []string{"to change the guard: s3:PutBucketPolicy on arn:aws:s3:::docs-example"}},
		"another bucket's policy":  {policy(allow(`"s3:PutBucketPolicy"`, `"arn:aws:s3:::other"`)), nil},
		"the endpoint":             {policy(allow(`"ec2:ModifyVpcEndpoint"`, `"arn:aws:ec2:eu-central-1:111122223333:vpc-endpoint/*"`)), []string{"ec2:ModifyVpcEndpoint on"}},
		"the function's code":      {policy(allow(`"lambda:Update*"`, `"`+function+`"`)), []string{"lambda:UpdateFunctionCode, lambda:UpdateFunctionConfiguration on " + function}},
		"another function":         {policy(allow(`"lambda:*"`, `"`+function+`-2"`)), nil},
		"one of the rules":         {policy(allow(`"events:DisableRule"`, `"arn:aws:events:eu-central-1:111122223333:rule/r"`)), []string{"events:DisableRule on"}},
		"a trail":                  {policy(allow(`"cloudtrail:StopLogging"`, `"arn:aws:cloudtrail:eu-central-1:111122223333:trail/t"`)), []string{"cloudtrail:StopLogging on"}},
		"any stack":                {policy(allow(`"cloudformation:UpdateStack"`, `"arn:aws:cloudformation:eu-central-1:111122223333:stack/x/1"`)), []string{"cloudformation:UpdateStack on *"}},
		"the guard's role":         {policy(allow(`"iam:PutRolePolicy"`, `"arn:aws:iam::111122223333:role/guard"`)), []string{"iam:PutRolePolicy on"}},
		"its own role":             {policy(allow(`"iam:AttachRolePolicy"`, `"arn:aws:iam::111122223333:role/app"`)), []string{"iam:AttachRolePolicy on"}},
		"allowed and denied":       {policy(allow(`"lambda:UpdateFunctionCode"`, `"`+function+`"`), `{"Effect":"Deny","Action":"lambda:*","Resource":"`+function+`"}`), nil},
		"denied under a condition": {policy(allow(`"lambda:UpdateFunctionCode"`, `"`+function+`"`), `{"Effect":"Deny","Action":"lambda:*","Resource":"`+function+`","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), []string{"lambda:UpdateFunctionCode on"}},
		"only denials":             {policy(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := healthySnapshot()
			s.Role.Value = []health.Document{{Name: "p", Text: c.policy}}
			r := terms().Judge(s)
			if len(r.Findings) != len(c.want) || values(r)["RoleFindings"] != float64(len(c.want)) {
				t.Fatalf("findings = %v, want %q", r.Findings, c.want)
			}
			for i, want := range c.want {
				if got := r.Findings[i].String(); !strings.Contains(got, want) || !strings.HasPrefix(got, "role policy p: ") {
					t.Errorf("finding = %q, want %q and role policy p in it", got, want)
				}
			}
		})
	}
}

func TestTheGuardedPoliciesAreAuditedToo(t *testing.T) {
	s := healthySnapshot()
	s.BucketPolicy.Value.Live = policy(`{"Sid":"B","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::docs-example"}`)
	s.Endpoint.Value.Findings[0].Live = policy(`{"Sid":"E","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}`)
	var got []string
	for _, f := range terms().Judge(s).Findings {
		got = append(got, f.String())
	}
	want := []string{"bucket policy: B allows s3:*", "endpoint policy: E allows s3:GetObject on every resource"}
	if !slices.Equal(got, want) {
		t.Errorf("findings = %q, want %q", got, want)
	}
}

// A guard of many buckets is told of its endpoints and of what invokes it, and of nothing else.
func TestTheHealthOfAFleet(t *testing.T) {
	fleet := func(t *health.Criteria) { t.Fleet = true }
	s := health.Snapshot{
		Endpoints: health.Reading[[]health.EndpointState]{Value: []health.EndpointState{{ID: "vpce-1", State: "available"}, {ID: "vpce-2", State: "pending"}}},
		Trails:    health.Reading[[]health.CloudTrail]{Err: errors.New("denied")},
		Rules:     health.Reading[[]health.Rule]{Value: []health.Rule{{Name: "one", State: "ENABLED", Targets: []string{function}}}},
	}
	report := terms(fleet).Judge(s)
	got := map[metrics.Name]float64{}
	for _, d := range report.Data {
		if d.Detail.Name == "" {
			got[d.Name] = d.Values[0]
		}
	}
	want := map[metrics.Name]float64{metrics.EndpointAvailable: 0, metrics.RulesEnabled: 1, metrics.CheckFailed: 1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if len(report.Problems) != 1 || report.Problems[0].Why != "endpoint vpce-2: its state is pending" {
		t.Errorf("problems %+v, want that of the second endpoint", report.Problems)
	}
}
