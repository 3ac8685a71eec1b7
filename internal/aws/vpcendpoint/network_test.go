package vpcendpoint_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// from returns an ingress rule on sg-endpoint whose source is a CIDR block or prefix list.
func from(id string, source func(*types.SecurityGroupRule)) types.SecurityGroupRule {
	r := rule(id, "sg-endpoint", "tcp", 443, 443, "")
	r.ReferencedGroupInfo = nil
	source(&r)
	return r
}

func TestGroupRulesLetInTheAllowedGroupsAndNobodyElse(t *testing.T) {
	app := rule("sgr-1", "sg-endpoint", "tcp", 443, 443, "sg-app")
	probe := rule("sgr-2", "sg-endpoint", "tcp", 443, 443, "sg-probe")
	everyone := from("sgr-3", func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0.0.0.0/0") })
	sixes := from("sgr-4", func(r *types.SecurityGroupRule) { r.CidrIpv6 = aws.String("::/0") })
	prefixes := from("sgr-5", func(r *types.SecurityGroupRule) { r.PrefixListId = aws.String("pl-1") })
	nobody := from("sgr-6", func(*types.SecurityGroupRule) {})
	egress := from("sgr-7", func(r *types.SecurityGroupRule) { r.IsEgress, r.CidrIpv4 = aws.Bool(true), aws.String("0.0.0.0/0") })
	elsewhere := rule("sgr-8", "sg-elsewhere", "tcp", 443, 443, "sg-stranger")
	for name, test := range map[string]struct {
		live   []types.SecurityGroupRule
		want   iampolicy.Verdict
		diff   []guard.Difference
		writes []string
	}{
		"as desired, egress and other groups aside": {[]types.SecurityGroupRule{egress, probe, app, elsewhere}, iampolicy.Same, nil, nil},
		"everyone let in": {[]types.SecurityGroupRule{app, probe, everyone}, iampolicy.Open,
			[]guard.Difference{{Name: "sgr-3", Value: "sg-endpoint: tcp 443-443 from 0.0.0.0/0"}}, []string{"revoke [sgr-3] on sg-endpoint"}},
		"all kinds of sources": {[]types.SecurityGroupRule{sixes, prefixes, nobody, app, probe}, iampolicy.Open,
			[]guard.Difference{
				{Name: "sgr-4", Value: "sg-endpoint: tcp 443-443 from ::/0"},
				{Name: "sgr-5", Value: "sg-endpoint: tcp 443-443 from pl-1"},
				{Name: "sgr-6", Value: "sg-endpoint: tcp 443-443 from an unknown source"},
			}, []string{"revoke [sgr-4 sgr-5 sgr-6] on sg-endpoint"}},
		"an allowed group let in on all ports": {[]types.SecurityGroupRule{app, rule("sgr-9", "sg-endpoint", "-1", -1, -1, "sg-probe")}, iampolicy.Open,
			[]guard.Difference{
				missing("sg-endpoint: tcp 443-443 from sg-probe"),
				{Name: "sgr-9", Value: "sg-endpoint: -1 -1--1 from sg-probe"},
			}, []string{"revoke [sgr-9] on sg-endpoint", "authorize 1 on sg-endpoint"}},
		"a rule removed": {[]types.SecurityGroupRule{app}, iampolicy.Closed,
			[]guard.Difference{missing("sg-endpoint: tcp 443-443 from sg-probe")}, []string{"authorize 1 on sg-endpoint"}},
		"no rules left": {nil, iampolicy.Closed,
			[]guard.Difference{missing("sg-endpoint: tcp 443-443 from sg-app"), missing("sg-endpoint: tcp 443-443 from sg-probe")},
			[]string{"authorize 2 on sg-endpoint"}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeEC2{rules: test.live}
			f := restored(t, fake, newRules(fake), "security-group-rules", test.want, test.writes)
			if diff := cmp.Diff(test.diff, f.Diff); diff != "" {
				t.Errorf("diff (-want +got):\n%s", diff)
			}
		})
	}
}

// restored expects a verdict on a property, with what is allowed if that is open; and that Restore makes these writes, after which the
// rules are as desired. It returns the finding from before.
func restored(t *testing.T, fake *fakeEC2, rules *vpcendpoint.GroupRules, property string, want iampolicy.Verdict, writes []string) guard.Finding {
	t.Helper()
	f := inspect(t, rules)[property]
	if f.Verdict != want || (f.Allowed != "") != (want == iampolicy.Open) {
		t.Errorf("verdict %s (%q), want %s", f.Verdict, f.Allowed, want)
	}
	if err := rules.Restore(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(writes, fake.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	if got := inspect(t, rules)[property]; got.Verdict != iampolicy.Same || got.Live != got.Desired {
		t.Errorf("after Restore: %s, live %s, desired %s", got.Verdict, got.Live, got.Desired)
	}
	return f
}

// The workload's groups keep the template's rules in both directions, and nothing else.
func TestTheWorkloadsGroupsKeepTheTemplatesRules(t *testing.T) {
	of := func(id, group, protocol string, egress bool, port int32, block string) types.SecurityGroupRule {
		r := rule(id, group, protocol, port, port, "")
		r.IsEgress, r.CidrIpv4, r.ReferencedGroupInfo = &egress, &block, nil
		return r
	}
	way, none := of("sgr-1", "sg-app", "tcp", true, 443, "10.0.0.0/16"), of("sgr-2", "sg-app", "-1", true, -1, "127.0.0.1/32")
	clients := of("sgr-3", "sg-app", "tcp", false, 3000, "203.0.113.0/24")
	ofProbe := of("sgr-4", "sg-probe", "tcp", true, 443, "10.0.0.0/16")
	noneOfProbe := of("sgr-5", "sg-probe", "-1", true, -1, "127.0.0.1/32")
	shell := of("sgr-6", "sg-app", "tcp", false, 22, "0.0.0.0/0")
	everywhere := of("sgr-7", "sg-app", "tcp", true, 443, "0.0.0.0/0")
	intoProbe := of("sgr-8", "sg-probe", "tcp", false, 3000, "203.0.113.0/24")
	ofOthers := of("sgr-9", "sg-other", "tcp", true, 22, "0.0.0.0/0")
	for name, test := range map[string]struct {
		live   []types.SecurityGroupRule
		want   iampolicy.Verdict
		writes []string
	}{
		"as declared":             {[]types.SecurityGroupRule{way, none, clients, ofProbe, noneOfProbe, ofOthers}, iampolicy.Same, nil},
		"a shell from everywhere": {[]types.SecurityGroupRule{way, none, clients, ofProbe, noneOfProbe, shell}, iampolicy.Open, []string{"revoke [sgr-6] on sg-app"}},
		"egress to everywhere":    {[]types.SecurityGroupRule{way, none, clients, ofProbe, noneOfProbe, everywhere}, iampolicy.Open, []string{"revoke egress [sgr-7] on sg-app"}},
		"the app's port, into the probe": {[]types.SecurityGroupRule{way, none, clients, ofProbe, noneOfProbe, intoProbe}, iampolicy.Open,
			[]string{"revoke [sgr-8] on sg-probe"}},
		"the way to S3 moved":     {[]types.SecurityGroupRule{everywhere, none, clients, ofProbe, noneOfProbe}, iampolicy.Open, []string{"revoke egress [sgr-7] on sg-app", "authorize egress 1 on sg-app"}},
		"without the probe's way": {[]types.SecurityGroupRule{way, none, clients, noneOfProbe}, iampolicy.Closed, []string{"authorize egress 1 on sg-probe"}},
		"without any rule": {nil, iampolicy.Closed,
			[]string{"authorize 1 on sg-app", "authorize egress 2 on sg-app", "authorize egress 2 on sg-probe"}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeEC2{rules: test.live}
			rules := &vpcendpoint.GroupRules{API: fake, Workload: []vpcendpoint.WorkloadGroup{
				{ID: "sg-app", ToS3: "10.0.0.0/16", Clients: "203.0.113.0/24"}, {ID: "sg-probe", ToS3: "10.0.0.0/16"},
			}}
			if f := restored(t, fake, rules, "workload-group-rules", test.want, test.writes); f.Target != "sg-app, sg-probe" {
				t.Errorf("target %s, want sg-app, sg-probe", f.Target)
			}
		})
	}
}

// One read tells of the endpoint's groups and of the workload's, and each has a finding of its own.
func TestBothKindsOfGroupsAreReadAtOnce(t *testing.T) {
	fake := &fakeEC2{rules: []types.SecurityGroupRule{rule("sgr-1", "sg-endpoint", "tcp", 443, 443, "sg-app")}}
	rules := newRules(fake)
	rules.AllowedGroupIDs, rules.Workload = []string{"sg-app"}, []vpcendpoint.WorkloadGroup{{ID: "sg-app", ToS3: "10.0.0.0/16"}}
	found := inspect(t, rules)
	got := map[string]iampolicy.Verdict{}
	for property, f := range found {
		got[property] = f.Verdict
	}
	want := map[string]iampolicy.Verdict{"security-group-rules": iampolicy.Same, "workload-group-rules": iampolicy.Closed}
	if diff := cmp.Diff(want, got); diff != "" || fake.calls["DescribeSecurityGroupRules"] != 1 {
		t.Errorf("%d reads, verdicts (-want +got):\n%s", fake.calls["DescribeSecurityGroupRules"], diff)
	}
}

func newRules(fake *fakeEC2) *vpcendpoint.GroupRules {
	return &vpcendpoint.GroupRules{API: fake, GroupIDs: []string{"sg-endpoint"}, AllowedGroupIDs: []string{"sg-app", "sg-probe"}}
}

func TestAnotherRunThatWasFasterIsNoFailure(t *testing.T) {
	everyone := from("sgr-3", func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0.0.0.0/0") })
	for operation, code := range map[string]string{
		"RevokeSecurityGroupIngress":    "InvalidSecurityGroupRuleId.NotFound",
		"AuthorizeSecurityGroupIngress": "InvalidPermission.Duplicate",
	} {
		fake := &fakeEC2{rules: []types.SecurityGroupRule{everyone}, fail: map[string]string{operation: code}}
		rules := newRules(fake)
		if err := rules.Restore(t.Context(), inspect(t, rules)["security-group-rules"]); err != nil {
			t.Errorf("Restore with %s from %s = %v, want nil: the read-back decides", code, operation, err)
		}
	}
	for operation, code := range map[string]string{
		"AssociateRouteTable":          "Resource.AlreadyAssociated",
		"ReplaceRouteTableAssociation": "InvalidAssociationID.NotFound",
	} {
		fake := &fakeEC2{tables: tables([]string{"subnet-a"}, nil), fail: map[string]string{operation: code}}
		associations := newAssociations(fake)
		if err := associations.Restore(t.Context(), inspect(t, associations)["route-table-associations"]); err != nil {
			t.Errorf("Restore with %s from %s = %v, want nil: the read-back decides", code, operation, err)
		}
	}
}

// EC2 revokes nothing if one rule in the list no longer exists.
func TestARuleThatIsGoneKeepsNoOtherInForce(t *testing.T) {
	everyone := func(id string) types.SecurityGroupRule {
		return from(id, func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0.0.0.0/0") })
	}
	fake := &fakeEC2{rules: []types.SecurityGroupRule{everyone("sgr-3"), everyone("sgr-4")}}
	rules := newRules(fake)
	found := inspect(t, rules)["security-group-rules"]
	fake.rules = fake.rules[:1] // sgr-4 was removed in the meantime
	if err := rules.Restore(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, rules)["security-group-rules"]; got.Verdict != iampolicy.Same {
		t.Errorf("after Restore: %s, live %s", got.Verdict, got.Live)
	}
}

// A run that another one overtakes makes few calls, however many rules there were, so that many runs at once do not use up EC2's rate.
// Rules that are replaced again after that are revoked one by one.
func TestManyRulesAreRevokedWithFewCalls(t *testing.T) {
	many := func() (rules []types.SecurityGroupRule) {
		for port := range int32(60) {
			rules = append(rules, rule(fmt.Sprint("sgr-", port), "sg-endpoint", "tcp", port, port, "sg-stranger"))
		}
		return rules
	}
	for name, c := range map[string]struct {
		left, revocations int
		race              bool
	}{
		"another run was faster":             {left: 0, revocations: 1},
		"another run removed a part of them": {left: 40, revocations: 2},
		"one is replaced all the time":       {left: 60, revocations: 62, race: true},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeEC2{rules: many()}
			rules := newRules(fake)
			rules.AllowedGroupIDs = nil
			found := inspect(t, rules)["security-group-rules"]
			fake.rules = fake.rules[:c.left]
			if c.race {
				fake.fail, fake.times = map[string]string{"RevokeSecurityGroupIngress": "InvalidSecurityGroupRuleId.NotFound"}, map[string]int{"RevokeSecurityGroupIngress": 2}
			}
			if err := rules.Restore(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			if got := fake.calls["RevokeSecurityGroupIngress"]; got != c.revocations || len(fake.rules) > 0 {
				t.Errorf("%d revocations, %d rules left, want %d and none", got, len(fake.rules), c.revocations)
			}
		})
	}
}

// EC2 adds nothing if one rule in the list already exists.
func TestARuleThatExistsKeepsNoOtherAway(t *testing.T) {
	fake := &fakeEC2{}
	rules := newRules(fake)
	found := inspect(t, rules)["security-group-rules"]
	fake.rules = []types.SecurityGroupRule{rule("sgr-1", "sg-endpoint", "tcp", 443, 443, "sg-probe")} // somebody put it back in the meantime
	if err := rules.Restore(t.Context(), found); err != nil {
		t.Fatal(err)
	}
	if got := inspect(t, rules)["security-group-rules"]; got.Verdict != iampolicy.Same {
		t.Errorf("after Restore: %s, live %s", got.Verdict, got.Live)
	}
}

// Extra rules are revoked whatever happens to the missing ones, of all groups and in both directions.
func TestAGroupThatCannotBeRestoredKeepsNoOtherOpen(t *testing.T) {
	everywhere := rule("sgr-1", "sg-probe", "-1", -1, -1, "")
	everywhere.IsEgress, everywhere.CidrIpv4, everywhere.ReferencedGroupInfo = aws.Bool(true), aws.String("0.0.0.0/0"), nil
	ofApp := everywhere
	ofApp.SecurityGroupRuleId, ofApp.GroupId = aws.String("sgr-2"), aws.String("sg-app")
	intoEndpoint := from("sgr-3", func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0.0.0.0/0") })
	for name, fake := range map[string]*fakeEC2{
		"the app's group is gone":                             {gone: []string{"sg-app"}},
		"the app's group is gone, and EC2 refuses to read it": {gone: []string{"sg-app"}, strictReads: true},
		"no rule may be added": {fail: map[string]string{
			"AuthorizeSecurityGroupIngress": "UnauthorizedOperation", "AuthorizeSecurityGroupEgress": "UnauthorizedOperation",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			fake.rules = []types.SecurityGroupRule{everywhere, intoEndpoint}
			if len(fake.gone) == 0 {
				fake.rules = append(fake.rules, ofApp)
			}
			rules := newRules(fake)
			rules.Workload = []vpcendpoint.WorkloadGroup{{ID: "sg-app", ToS3: "10.0.0.0/16", Clients: "203.0.113.0/24"}, {ID: "sg-probe", ToS3: "10.0.0.0/16"}}
			for _, f := range inspect(t, rules) {
				err := rules.Restore(t.Context(), f)
				if f.Property == "workload-group-rules" && (err == nil || !strings.Contains(err.Error(), "sg-app: ")) {
					t.Errorf("Restore = %v, want an error that names sg-app", err)
				}
			}
			for property, f := range inspect(t, rules) {
				if f.Verdict == iampolicy.Open {
					t.Errorf("after Restore, %s is open: %s", property, f.Allowed)
				}
			}
		})
	}
}

// tables returns the main route table, one with a route to the endpoint and one without, each with its subnets.
func tables(others, ours []string) []types.RouteTable {
	list := []types.RouteTable{
		{RouteTableId: aws.String("rtb-main"), Associations: []types.RouteTableAssociation{
			{RouteTableAssociationId: aws.String("rtbassoc-main"), Main: aws.Bool(true)}}},
		{RouteTableId: aws.String("rtb-other")},
		{RouteTableId: aws.String("rtb-ours")},
	}
	for i, subnets := range [][]string{nil, others, ours} {
		for _, s := range subnets {
			list[i].Associations = append(list[i].Associations, association("rtbassoc-"+s, s))
		}
	}
	return list
}

func newAssociations(fake *fakeEC2) *vpcendpoint.Associations {
	return &vpcendpoint.Associations{
		API: fake, VPCID: vpcID, SubnetIDs: []string{"subnet-b", "subnet-a"}, RouteTableIDs: []string{"rtb-ours"},
	}
}

func TestSubnetsStayOnTablesThatLeadToTheEndpoint(t *testing.T) {
	leaving := tables(nil, []string{"subnet-a", "subnet-b"})
	leaving[2].Associations[1].AssociationState = &types.RouteTableAssociationState{State: types.RouteTableAssociationStateCodeDisassociating}
	coming := tables(nil, []string{"subnet-a", "subnet-b"})
	coming[2].Associations[1].AssociationState = &types.RouteTableAssociationState{State: types.RouteTableAssociationStateCodeAssociating}
	for name, test := range map[string]struct {
		tables []types.RouteTable
		diff   []guard.Difference
		writes []string
	}{
		"as desired":                  {tables(nil, []string{"subnet-a", "subnet-b"}), nil, nil},
		"another subnet goes its way": {tables([]string{"subnet-z"}, []string{"subnet-a", "subnet-b"}), nil, nil},
		"one on another table": {tables([]string{"subnet-a"}, []string{"subnet-b"}), []guard.Difference{
			missing("subnet-a on rtb-ours"), {Name: "rtbassoc-subnet-a", Value: "subnet-a on rtb-other"},
		}, []string{"replace rtbassoc-subnet-a"}},
		"one without a table of its own": {tables(nil, []string{"subnet-a"}), []guard.Difference{
			missing("subnet-b on rtb-ours"), extra("subnet-b on rtb-main"),
		}, []string{"associate subnet-b"}},
		"one about to leave":  {leaving, []guard.Difference{missing("subnet-b on rtb-ours"), extra("subnet-b on rtb-main")}, []string{"associate subnet-b"}},
		"one about to arrive": {coming, nil, nil},
		"both astray": {tables([]string{"subnet-a"}, nil), []guard.Difference{
			missing("subnet-a on rtb-ours"), {Name: "rtbassoc-subnet-a", Value: "subnet-a on rtb-other"},
			missing("subnet-b on rtb-ours"), extra("subnet-b on rtb-main"),
		}, []string{"replace rtbassoc-subnet-a", "associate subnet-b"}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeEC2{tables: test.tables}
			associations := newAssociations(fake)
			f := inspect(t, associations)["route-table-associations"]
			want := iampolicy.Closed
			if test.diff == nil {
				want = iampolicy.Same
			}
			if diff := cmp.Diff(test.diff, f.Diff); diff != "" || f.Verdict != want || f.Target != vpcID {
				t.Errorf("verdict %s of %s, want %s; diff (-want +got):\n%s", f.Verdict, f.Target, want, diff)
			}
			if err := associations.Restore(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.writes, fake.writes); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
			if got := inspect(t, associations)["route-table-associations"].Verdict; got != iampolicy.Same {
				t.Errorf("after Restore: %s, want same", got)
			}
		})
	}
}

// With several tables, each subnet is put back on the one that it used, as far as that is known and still the endpoint's.
func TestEachSubnetIsPutBackOnItsOwnTable(t *testing.T) {
	for name, c := range map[string]struct {
		tables map[string]string
		want   string
	}{
		"known":                    {map[string]string{"subnet-a": "rtb-other", "subnet-b": "rtb-ours"}, `["subnet-a on rtb-other","subnet-b on rtb-ours"]`},
		"not known":                {nil, `["subnet-a on rtb-ours","subnet-b on rtb-ours"]`},
		"no longer the endpoint's": {map[string]string{"subnet-a": "rtb-gone"}, `["subnet-a on rtb-ours","subnet-b on rtb-ours"]`},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeEC2{tables: tables(nil, nil)}
			associations := newAssociations(fake)
			associations.RouteTableIDs, associations.Tables = []string{"rtb-ours", "rtb-other"}, c.tables
			f := inspect(t, associations)["route-table-associations"]
			if f.Desired != c.want || f.Verdict != iampolicy.Closed {
				t.Errorf("desired %s (%s), want %s", f.Desired, f.Verdict, c.want)
			}
			if err := associations.Restore(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			if now := inspect(t, associations)["route-table-associations"]; now.Live != c.want || now.Verdict != iampolicy.Same {
				t.Errorf("after Restore: %s (%s), want %s", now.Live, now.Verdict, c.want)
			}
		})
	}
}

func TestTheMainTableWillDoIfItLeadsToTheEndpoint(t *testing.T) {
	associations := newAssociations(&fakeEC2{tables: tables(nil, []string{"subnet-a"})})
	associations.RouteTableIDs = []string{"rtb-ours", "rtb-main"}
	if got := inspect(t, associations)["route-table-associations"].Verdict; got != iampolicy.Same {
		t.Errorf("verdict %s, want same", got)
	}
}

func TestNetworkErrorsNameWhatTheyAreAbout(t *testing.T) {
	denied := map[string]string{}
	for _, operation := range []string{
		"DescribeSecurityGroupRules", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress",
		"DescribeRouteTables", "AssociateRouteTable", "ReplaceRouteTableAssociation",
	} {
		denied[operation] = "UnauthorizedOperation"
	}
	rules := newRules(&fakeEC2{})
	missingRules := inspect(t, rules)["security-group-rules"]
	everyone := from("sgr-3", func(r *types.SecurityGroupRule) { r.CidrIpv4 = aws.String("0.0.0.0/0") })
	extraRules := inspect(t, newRules(&fakeEC2{rules: []types.SecurityGroupRule{everyone}}))["security-group-rules"]
	astray := &fakeEC2{tables: tables([]string{"subnet-a"}, nil)}
	stray := inspect(t, newAssociations(astray))["route-table-associations"]
	sick := &fakeEC2{fail: denied}
	_, rulesErr := newRules(sick).Inspect(t.Context())
	_, associationsErr := newAssociations(sick).Inspect(t.Context())
	for says, err := range map[string]error{
		"sg-endpoint: ":            rulesErr,
		"sg-endpoint:":             newRules(sick).Restore(t.Context(), missingRules),
		"sg-endpoint":              newRules(sick).Restore(t.Context(), extraRules),
		"route tables of " + vpcID: associationsErr,
		"subnet-a, subnet-b":       newAssociations(sick).Restore(t.Context(), stray),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), says) || !strings.Contains(err.Error(), "docs/runbook.md#access-is-denied") {
			t.Errorf("error %v, want one that begins with %q and names the remedy", err, says)
		}
	}
}

// Rules that were adopted are put back, whatever their source is.
func TestAdoptedRulesArePutBack(t *testing.T) {
	for name, test := range map[string]struct {
		rule adoption.Rule
		want types.IpPermission
	}{
		"IPv4":        {adoption.Rule{Source: "10.0.0.0/16"}, types.IpPermission{IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/16")}}}},
		"IPv6":        {adoption.Rule{Source: "2001:db8::/32"}, types.IpPermission{Ipv6Ranges: []types.Ipv6Range{{CidrIpv6: aws.String("2001:db8::/32")}}}},
		"prefix list": {adoption.Rule{Source: "pl-0a"}, types.IpPermission{PrefixListIds: []types.PrefixListId{{PrefixListId: aws.String("pl-0a")}}}},
		"a group":     {adoption.Rule{Source: "sg-app"}, types.IpPermission{UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-app")}}}},
		"a group of another account": {adoption.Rule{Source: "sg-app", SourceAccount: "444455556666"},
			types.IpPermission{UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-app"), UserId: aws.String("444455556666")}}}},
	} {
		t.Run(name, func(t *testing.T) {
			test.rule.GroupID, test.rule.Protocol, test.rule.FromPort, test.rule.ToPort = "sg-endpoint", "tcp", 443, 443
			test.want.IpProtocol, test.want.FromPort, test.want.ToPort = aws.String("tcp"), aws.Int32(443), aws.Int32(443)
			api := &authorized{fakeEC2: &fakeEC2{}}
			rules := &vpcendpoint.GroupRules{API: api, GroupIDs: []string{"sg-endpoint"}, Adopted: []adoption.Rule{test.rule}}
			found := inspect(t, rules)["security-group-rules"]
			if found.Verdict != iampolicy.Closed {
				t.Fatalf("verdict %s for a rule that is missing, want closed", found.Verdict)
			}
			if err := rules.Restore(t.Context(), found); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]types.IpPermission{test.want}, api.permissions, cmpopts.IgnoreUnexported(
				types.IpPermission{}, types.IpRange{}, types.Ipv6Range{}, types.PrefixListId{}, types.UserIdGroupPair{})); diff != "" {
				t.Errorf("authorized (-want +got):\n%s", diff)
			}
		})
	}
}

// authorized is EC2 that keeps the permissions which it was asked for.
type authorized struct {
	*fakeEC2
	permissions []types.IpPermission
}

func (a *authorized) AuthorizeSecurityGroupIngress(_ context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	a.permissions = in.IpPermissions
	return &ec2.AuthorizeSecurityGroupIngressOutput{}, nil
}
