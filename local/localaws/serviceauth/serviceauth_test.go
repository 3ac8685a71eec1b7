package serviceauth_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/serviceauth"
)

const ec2 = "arn:aws:ec2:eu-central-1:111122223333:"

func find(t *testing.T, name string) serviceauth.Action {
	t.Helper()
	a, ok := serviceauth.Find(name)
	if !ok {
		t.Fatalf("the reference lacks %s", name)
	}
	return a
}

func TestCheckRefusesWhatTheReferenceDoesNotKnow(t *testing.T) {
	for name, v := range map[string]struct {
		action, resource string
		keys             []string
		want             string
	}{
		"VPC of a security group": {"ec2:ModifyVpcEndpoint", ec2 + "security-group/*", []string{"ec2:Vpc"}, ""},
		"VPC of a route table": {"ec2:ModifyVpcEndpoint", ec2 + "route-table/*", []string{"ec2:Vpc"},
			"ec2:ModifyVpcEndpoint knows no condition key ec2:Vpc on route-table " + ec2 + "route-table/*"},
		"VPC of a route table that is associated": {"ec2:AssociateRouteTable", ec2 + "route-table/*", []string{"ec2:Vpc"}, ""},
		"a tag":                     {"ec2:ModifyVpcEndpoint", ec2 + "route-table/rtb-1", []string{"aws:ResourceTag/team"}, ""},
		"a key of every action":     {"s3:GetObject", "arn:aws:s3:::docs/*", []string{"aws:SourceVpce", "AWS:principalarn"}, ""},
		"a type that it lacks":      {"ec2:ModifyVpcEndpoint", ec2 + "instance/i-1", nil, "ec2:ModifyVpcEndpoint knows no resource like " + ec2 + "instance/i-1"},
		"a bucket for an object":    {"s3:GetObject", "arn:aws:s3:::docs", nil, "s3:GetObject knows no resource like arn:aws:s3:::docs"},
		"an object for a bucket":    {"s3:ListBucket", "arn:aws:s3:::docs/*", nil, "s3:ListBucket knows no resource like arn:aws:s3:::docs/*"},
		"no resource":               {"ec2:DescribeSubnets", "*", nil, ""},
		"a resource all the same":   {"ec2:DescribeSubnets", ec2 + "subnet/*", nil, "ec2:DescribeSubnets can be allowed on * only, not on " + ec2 + "subnet/*"},
		"another service's key":     {"s3:PutObject", "arn:aws:s3:::docs/a", []string{"s3:prefix"}, "s3:PutObject knows no condition key s3:prefix on object arn:aws:s3:::docs/a"},
		"a log group's streams":     {"logs:PutLogEvents", "arn:aws:logs:eu-central-1:111122223333:log-group:guard:*", nil, ""},
		"a trail of anywhere":       {"cloudtrail:GetTrailStatus", "arn:aws:cloudtrail:*:*:trail/*", nil, ""},
		"a policy of AWS":           {"iam:GetPolicy", "arn:aws:iam::aws:policy/*", nil, ""},
		"names in another spelling": {"EC2:modifyvpcendpoint", ec2 + "vpc-endpoint/vpce-1", nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if err := find(t, v.action).Check(v.resource, v.keys...); err != nil {
				got = err.Error()
			}
			if got != v.want {
				t.Errorf("Check = %q, want %q", got, v.want)
			}
		})
	}
}

func TestARequestHasTheKeysThatItsActionKnowsForTheResource(t *testing.T) {
	sent := map[string][]string{"ec2:Vpc": {"vpc"}, "ec2:Region": {"eu-central-1"}, "ec2:SubnetID": {"subnet-1"}}
	for resource, want := range map[string][]string{
		ec2 + "route-table/rtb-1":   {"ec2:Region"},
		ec2 + "security-group/sg-1": {"ec2:Region", "ec2:Vpc"},
		ec2 + "subnet/subnet-1":     {"ec2:Region", "ec2:SubnetID", "ec2:Vpc"},
	} {
		got := slices.Sorted(maps.Keys(find(t, "ec2:ModifyVpcEndpoint").Present(resource, sent)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys present on %s (-want +got):\n%s", resource, diff)
		}
	}
}

func TestANameWithWildcardsStandsForActionsOfTheTable(t *testing.T) {
	var got []string
	for _, a := range serviceauth.Matching("sqs:*Message") {
		got = append(got, a.Name)
	}
	if diff := cmp.Diff([]string{"sqs:DeleteMessage", "sqs:ReceiveMessage", "sqs:SendMessage"}, got); diff != "" {
		t.Errorf("Matching (-want +got):\n%s", diff)
	}
	if a, ok := serviceauth.Find("ec2:ModifyVpcEndpoints"); ok {
		t.Errorf("Find found %v, which does not exist in AWS", a)
	}
}

func TestRequiredTypesAreTold(t *testing.T) {
	required := map[string]bool{}
	for _, k := range find(t, "ec2:AssociateRouteTable").Types {
		required[k.Name] = k.Required
	}
	if !required["route-table"] || required["subnet"] {
		t.Errorf("required types are %v, want route-table and not subnet", required)
	}
}
