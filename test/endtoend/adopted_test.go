package endtoend_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	localec2 "example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// guardTemplate reads guard.yaml once.
var guardTemplate = sync.OnceValues(func() (*samtemplate.Template, error) { return samtemplate.Load("../../guard.yaml") })

// The buckets that exist before the guard.
const (
	clean     = "acme-clean"     // no policy
	terraform = "acme-terraform" // a policy of another tool, with statements of its own
	open      = "acme-open"      // opens itself by an Allow, without a public access block, with ACLs
	unguarded = "other-bucket"   // not in the selection
)

// guardedBuckets are those that the pattern acme-* matches.
var guardedBuckets = []string{clean, open, terraform}

// policiesBefore are the policies of the buckets that have one.
var policiesBefore = map[string]string{
	terraform: `{"Version":"2012-10-17","Statement":[
		{"Sid":"TeamMayRead","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-terraform/*"},
		{"Sid":"NobodyDeletes","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::acme-terraform"}]}`,
	open: `{"Version":"2012-10-17","Statement":[
		{"Sid":"Website","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-open/*"}]}`,
}

// The endpoints' policy before the guard.
const endpointPolicyBefore = `{"Version":"2012-10-17","Statement":[{"Sid":"OwnAccount","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*",` +
	`"Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}]}`

// estate is what exists in an account, and a guard that was put before it.
type estate struct {
	// scene is the guard as in the other tests; its bucket is clean, its endpoint the interface endpoint.
	*scene
	// gateway is the gateway endpoint. vpc, subnets, group and table are the network; client is the group that may reach the
	// interface endpoint.
	gateway, vpc, group, client, table string
	subnets                            []string
	// before is the state of the buckets and endpoints before the guard.
	before map[string]string
}

// found makes the account's buckets, network and trail.
func found(t testing.TB, c *localaws.Cloud) *estate {
	t.Helper()
	s := &estate{scene: &scene{TB: t, Cloud: c, bucket: clean}}
	s.s3, s.ec2 = s3As(c, c.Admin()), ec2.NewFromConfig(c.Config(c.Admin(), c.Internet()))
	c.Events.PutTrail(events.Trail{Name: "organisation", Logging: true})
	vpc, err := c.EC2.CreateVPC(localec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true, DNSHostnames: true})
	s.must(err)
	s.vpc = vpc.ID
	for i, zone := range []string{"a", "b"} {
		subnet, err := c.EC2.CreateSubnet(localec2.Subnet{VPCID: s.vpc, CIDR: fmt.Sprintf("10.0.%d.0/24", i), Zone: c.Gate.Options().Region + zone})
		s.must(err)
		s.subnets = append(s.subnets, subnet.ID)
	}
	client, err := c.EC2.CreateSecurityGroup(localec2.SecurityGroup{VPCID: s.vpc, Name: "client", Description: "client"})
	s.must(err)
	group, err := c.EC2.CreateSecurityGroup(localec2.SecurityGroup{VPCID: s.vpc, Name: "s3", Description: "s3"},
		localec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, ReferencedGroup: client.ID},
		localec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.0.0.0/16"})
	s.must(err)
	s.client, s.group = client.ID, group.ID
	table, err := c.EC2.CreateRouteTable(s.vpc)
	s.must(err)
	s.table = table.ID
	_, err = c.EC2.AssociateRouteTable(s.table, s.subnets[0])
	s.must(err)
	everyone := false
	inside, err := c.EC2.CreateEndpoint(localec2.EndpointRequest{
		Type: localec2.Interface, VPCID: s.vpc, ServiceName: "com.amazonaws.eu-central-1.s3", Policy: endpointPolicyBefore,
		SubnetIDs: s.subnets, GroupIDs: []string{s.group}, PrivateDNS: true, OnlyInboundResolver: &everyone,
	})
	s.must(err)
	route, err := c.EC2.CreateEndpoint(localec2.EndpointRequest{
		VPCID: s.vpc, ServiceName: "com.amazonaws.eu-central-1.s3", RouteTableIDs: []string{s.table},
	})
	s.must(err)
	s.endpoint, s.gateway = inside.ID, route.ID
	for _, name := range append(slices.Clone(guardedBuckets), unguarded) {
		s.must(c.S3.CreateBucket(name, ""))
		s.must(c.S3.Put(name, "report.txt", []byte("text")))
	}
	s.must(c.S3.PutPublicAccessBlock(open, nil))
	s.must(c.S3.PutOwnership(open, "ObjectWriter"))
	_, err = s.s3.PutBucketAcl(t.Context(), &s3.PutBucketAclInput{Bucket: aws.String(open), ACL: types.BucketCannedACLPublicRead})
	s.must(err)
	for name, policy := range policiesBefore {
		s.must(c.S3.PutPolicy(name, []byte(policy)))
	}
	s.before = s.all()
	return s
}

// all returns the state of all buckets and endpoints: what the guard or an attacker may change.
func (s *estate) all() map[string]string {
	all := map[string]string{}
	for _, name := range append(slices.Clone(guardedBuckets), unguarded) {
		all[name] = s.of(name)
	}
	for _, id := range []string{s.endpoint, s.gateway} {
		e, _ := s.EC2.Endpoint(id)
		all[id] = fmt.Sprintf("%s dns %t %t subnets %q groups %q tables %q",
			canonical(s, e.Policy), e.PrivateDNS, e.OnlyInboundResolver, sorted(e.SubnetIDs), sorted(e.GroupIDs), sorted(e.RouteTableIDs))
	}
	var rules []string
	for _, r := range s.EC2.Rules(s.group) {
		if !r.Egress {
			rules = append(rules, fmt.Sprint(r.Protocol, r.FromPort, r.ToPort, r.ReferencedGroup, r.CIDR, r.CIDR6))
		}
	}
	all[s.group] = fmt.Sprint(sorted(rules))
	return all
}

// of returns the state of a bucket.
func (s *estate) of(name string) string {
	block := "no block"
	if b := s.S3.PublicAccessBlock(name); b != nil {
		block = fmt.Sprintf("%+v", *b)
	}
	acl, err := s.s3.GetBucketAcl(s.Context(), &s3.GetBucketAclInput{Bucket: &name})
	s.must(err)
	return fmt.Sprintf("%s %s %s %d grants", canonical(s, s.S3.Policy(name)), block, s.S3.Ownership(name), len(acl.Grants))
}

// canonical returns a policy in its canonical form, so that only its meaning counts.
func canonical(t testing.TB, policy string) string {
	t.Helper()
	if policy == "" {
		return "no policy"
	}
	p, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	return p.String()
}

// answers are guard.yaml's parameters for the estate, with those of p.
func (s *estate) answers(p parameters) parameters {
	all := parameters{"BucketNames": "acme-*", "VpcEndpointIds": s.endpoint + "," + s.gateway}
	maps.Copy(all, p)
	return all
}

// planned resolves guard.yaml for the estate.
func (s *estate) planned(p parameters) *samtemplate.Plan {
	s.Helper()
	read, err := guardTemplate()
	s.must(err)
	decided, err := read.Plan(samtemplate.Options{Parameters: s.answers(p), StackName: "guard"})
	s.must(err)
	return decided
}

// adopts deploys guard.yaml with these parameters. The error is that of the deployment.
func (s *estate) adopts(p parameters) (err error) {
	s.Helper()
	defer deploys()()
	s.parameters = p
	if s.stack, err = s.Deploy(s.Context(), s.planned(p), built.Path); err != nil {
		return err
	}
	s.function, s.role = s.stack.Physical("RemediateFunction"), s.stack.Attribute("RemediateRole", "Arn")
	s.topic, s.queue = s.stack.Physical("NotificationTopic"), s.stack.Attribute("DeadLetterQueue", "Arn")
	s.rest()
	return nil
}

// adopted makes an estate with a guard.
func adopted(t testing.TB, p parameters) *estate {
	t.Helper()
	s := found(t, cloudtest.New(t, localaws.Options{}))
	s.must(s.adopts(p))
	return s
}

// updates changes the stack's parameters, and waits until the guard has followed.
func (s *estate) updates(p parameters) {
	s.Helper()
	s.parameters = p
	s.must(s.stack.Update(s.Context(), s.planned(p)))
	s.rest()
}

// enforced makes an estate whose guard was put before it in Observe, as people do, and then switched on.
func enforced(t testing.TB, p parameters) *estate {
	t.Helper()
	s := adopted(t, p)
	s.updates(p.and("Enforcement", "Enforce"))
	s.sweep()
	return s
}

// lock returns the lock that the parameters describe.
func (s *estate) lock() (lock.Lock, lock.Mode) {
	s.Helper()
	plan := s.planned(s.parameters)
	text := plan.Parameter
	l, err := lock.Parameters{
		BucketNames: text("BucketNames"), ExcludedBucketNames: text("ExcludedBucketNames"), VPCEndpointIDs: text("VpcEndpointIds"),
		WorkloadRoleARNs: text("WorkloadRoleArns"), ManagementRoleARNs: text("ManagementRoleArns"), ExemptRoleARNs: text("ExemptRoleArns"),
		AllowedCIDRs: text("AllowedCidrs"), AllowAWSServices: text("AllowAwsServices"), EndpointPolicy: text("EndpointPolicy"), PolicyMode: text("PolicyMode"),
	}.Lock("aws", plan.Options().Region, plan.Options().AccountID)
	s.must(err)
	mode, err := lock.ParseMode(text("PolicyMode"))
	s.must(err)
	return l, mode
}

// isLocked fails the test unless a bucket holds the lock, and its public access block and ownership are strict.
func (s *estate) isLocked(name string) {
	s.Helper()
	l, mode := s.lock()
	if j := l.Judge(mode, name, s.S3.Policy(name)); j.Verdict != iampolicy.Same {
		s.Errorf("%s is %s (%s), want the lock:\n%s", name, j.Verdict, j.Allowed, s.S3.Policy(name))
	}
	if b := s.S3.PublicAccessBlock(name); b == nil || *b != allBlocked {
		s.Errorf("%s has the public access block %+v, want all on", name, b)
	}
	if got := s.S3.Ownership(name); got != "BucketOwnerEnforced" {
		s.Errorf("%s has ownership %s, want BucketOwnerEnforced", name, got)
	}
	if _, err := s3As(s.Cloud, s.Stranger()).GetObject(s.Context(), &s3.GetObjectInput{Bucket: &name, Key: aws.String("report.txt")}); err == nil {
		s.Errorf("a stranger read from %s", name)
	}
}

// allBlocked is a public access block with all settings on.
var allBlocked = locals3.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}

// allLocked fails the test unless all guarded buckets hold the lock, and the one that is not guarded is as before.
func (s *estate) allLocked() {
	s.Helper()
	for _, name := range guardedBuckets {
		s.isLocked(name)
	}
	if got := s.of(unguarded); got != s.before[unguarded] {
		s.Errorf("%s is %s, want %s", unguarded, got, s.before[unguarded])
	}
}

// isAsBefore fails the test unless all buckets and endpoints are as before the guard.
func (s *estate) isAsBefore() {
	s.Helper()
	if diff := cmp.Diff(s.before, s.all()); diff != "" {
		s.Errorf("the estate differs from what it was before (-before +now):\n%s", diff)
	}
}

// stored returns the keys in the stack's state bucket.
func (s *estate) stored() []string { return s.S3.Keys(s.stack.Physical("StateBucket")) }

// wrote returns the successful writes to buckets and endpoints that exist, by any of the guard's functions.
func (s *estate) wrote() []string {
	var all []string
	for _, call := range s.Gate.Calls() {
		own := strings.Contains(call.Caller, ":assumed-role/guard-")
		state := slices.ContainsFunc(call.Needs, func(n api.Need) bool { return strings.Contains(n.Resource, s.stack.Physical("StateBucket")) })
		if own && call.Write && call.ErrorCode == "" && !state && (call.Service == "s3" || call.Service == "ec2") {
			all = append(all, call.Operation)
		}
	}
	return all
}

func TestInObserveNothingIsWrittenButTheState(t *testing.T) {
	t.Parallel()
	s := found(t, cloudtest.New(t, localaws.Options{}))
	s.must(s.adopts(nil))
	s.sweep()
	s.isAsBefore()
	if got := s.wrote(); len(got) > 0 {
		t.Errorf("the guard made the calls %q, want none that writes", got)
	}
	for _, name := range guardedBuckets {
		if key := "before/" + name + ".json"; !slices.Contains(s.stored(), key) {
			t.Errorf("the state bucket holds %q, want %s too", s.stored(), key)
		}
	}
	if slices.ContainsFunc(s.stored(), func(key string) bool { return strings.Contains(key, unguarded) }) {
		t.Errorf("the state bucket holds %q, want nothing of %s", s.stored(), unguarded)
	}
	r := s.watch(s.sweep)
	observed := map[string]bool{}
	for _, record := range r.records {
		if record.Message != "drift observed" {
			t.Errorf("record %+v, want only that drift was observed", record)
		}
		observed[record.Target] = true
	}
	if !observed[open] || observed[unguarded] {
		t.Errorf("drift was observed at %v, want at %s and never at %s:\n%s", slices.Sorted(maps.Keys(observed)), open, unguarded, r.log())
	}
	if len(r.failures()) > 0 {
		t.Errorf("runs failed:\n%s", r.log())
	}
}

func TestEnforceLocksAllAndKeepsForeignStatements(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	s.allLocked()
	for _, id := range []string{s.endpoint, s.gateway} {
		if got := s.all()[id]; got != s.before[id] {
			t.Errorf("endpoint %s is %s, want it as it was adopted: %s", id, got, s.before[id])
		}
	}
	for _, sid := range []string{"TeamMayRead", "NobodyDeletes"} {
		if !strings.Contains(s.S3.Policy(terraform), sid) {
			t.Errorf("the policy of %s lost %s:\n%s", terraform, sid, s.S3.Policy(terraform))
		}
	}
	s.watch(s.sweep).wrote(t)
}

// A deployment that begins with Enforce is as good.
func TestAGuardCanBeginWithEnforce(t *testing.T) {
	t.Parallel()
	s := adopted(t, parameters{"Enforcement": "Enforce"})
	s.sweep()
	s.allLocked()
}

// What a deployment adds reaches the buckets and endpoints that hold the lock already: a role that was added gets in.
func TestAChangeOfTheParametersIsWrittenAnew(t *testing.T) {
	t.Parallel()
	const first, second = "arn:aws:iam::111122223333:role/first", "arn:aws:iam::111122223333:role/second"
	p := parameters{"Enforcement": "Enforce", "BucketNames": clean + "," + open, "EndpointPolicy": "Buckets", "WorkloadRoleArns": first}
	s := enforced(t, p)
	for name, change := range map[string]parameters{
		"a bucket, roles": {"EndpointPolicy": "Buckets", "BucketNames": "acme-*", "WorkloadRoleArns": first + "," + second, "ExemptRoleArns": first, "AllowAwsServices": "false"},
		"no role":         {"WorkloadRoleArns": "", "EndpointPolicy": "Account"},
	} {
		s.updates(p)
		maps.Copy(change, parameters{"Enforcement": "Enforce"})
		s.updates(change)
		s.sweep()
		l, _ := s.lock()
		for _, id := range []string{s.endpoint, s.gateway} {
			e, _ := s.EC2.Endpoint(id)
			if got, want := canonical(t, e.Policy), canonical(t, l.At(id, "").EndpointPolicy()); got != want {
				t.Errorf("%s: endpoint %s has the policy %s, want all of %s", name, id, got, want)
			}
		}
		for _, sid := range []string{"DenyObjectsToStrangers", "DenyObjectsOutsideEndpoint"} {
			if got, want := statementOf(t, s.S3.Policy(clean), sid), statementOf(t, l.BucketPolicy(clean), sid); got != want {
				t.Errorf("%s: %s has the statement %s, want %s", name, clean, got, want)
			}
		}
		if policy := s.S3.Policy(open); strings.Contains(policy, "Website") {
			t.Errorf("%s: the policy of %s is %s, want the statement that opens it gone", name, open, policy)
		}
	}
}

// statementOf returns the statement of a policy with a Sid; "" if it has none.
func statementOf(t testing.TB, policy, sid string) string {
	t.Helper()
	p, err := iampolicy.Parse([]byte(policy))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Views() {
		if v.Sid == sid {
			return v.Text
		}
	}
	return ""
}

func TestExactReplacesForeignStatements(t *testing.T) {
	t.Parallel()
	s := enforced(t, parameters{"PolicyMode": "Exact"})
	s.allLocked()
	if strings.Contains(s.S3.Policy(terraform), "NobodyDeletes") {
		t.Errorf("the policy of %s kept a foreign statement:\n%s", terraform, s.S3.Policy(terraform))
	}
}

// adoptedAttacks change what was adopted.
var adoptedAttacks = map[string]func(*estate) error{
	"the policy opened": func(s *estate) error {
		_, err := s.s3.PutBucketPolicy(s.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(clean), Policy: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"s3:*","Resource":"arn:aws:s3:::acme-clean/*"}]}`)})
		return err
	},
	"the policy deleted": func(s *estate) error { return s.opensClean() },
	"the public access block deleted": func(s *estate) error {
		_, err := s.s3.DeletePublicAccessBlock(s.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(open)})
		return err
	},
	"the endpoint's policy reset": func(s *estate) error {
		_, err := s.ec2.ModifyVpcEndpoint(s.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &s.endpoint, ResetPolicy: aws.Bool(true)})
		return err
	},
	"private DNS off": func(s *estate) error {
		_, err := s.ec2.ModifyVpcEndpoint(s.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &s.endpoint, PrivateDnsEnabled: aws.Bool(false)})
		return err
	},
	"a subnet taken away": func(s *estate) error {
		_, err := s.ec2.ModifyVpcEndpoint(s.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &s.endpoint, RemoveSubnetIds: s.subnets[1:]})
		return err
	},
	"a route table taken away": func(s *estate) error {
		_, err := s.ec2.ModifyVpcEndpoint(s.Context(), &ec2.ModifyVpcEndpointInput{VpcEndpointId: &s.gateway, RemoveRouteTableIds: []string{s.table}})
		return err
	},
	"the group shut": func(s *estate) error {
		_, err := s.ec2.RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &s.group,
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), CidrIp: aws.String("10.0.0.0/16")})
		return err
	},
	"the group exchanged": func(s *estate) error {
		_, err := s.ec2.ModifyVpcEndpoint(s.Context(), &ec2.ModifyVpcEndpointInput{
			VpcEndpointId: &s.endpoint, AddSecurityGroupIds: []string{s.client}, RemoveSecurityGroupIds: []string{s.group},
		})
		return err
	},
	"the group opened": func(s *estate) error {
		_, err := s.ec2.AuthorizeSecurityGroupIngress(s.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &s.group,
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443), CidrIp: aws.String("0.0.0.0/0")})
		return err
	},
}

// sweptAttacks change what no event reports: the calls name only an association.
var sweptAttacks = map[string]func(*estate) error{
	"a subnet on another table": func(s *estate) error {
		other, err := s.EC2.CreateRouteTable(s.vpc)
		if err != nil {
			return err
		}
		_, err = s.ec2.ReplaceRouteTableAssociation(s.Context(), &ec2.ReplaceRouteTableAssociationInput{
			AssociationId: aws.String(s.association()), RouteTableId: &other.ID,
		})
		return err
	},
	"a subnet on the main table": func(s *estate) error {
		_, err := s.ec2.DisassociateRouteTable(s.Context(), &ec2.DisassociateRouteTableInput{AssociationId: aws.String(s.association())})
		return err
	},
}

// association is the id of the association of the gateway endpoint's route table with a subnet.
func (s *estate) association() string { return s.EC2.Associations(s.table)[0].ID }

func TestTheSweepCorrectsWhatNoEventReports(t *testing.T) {
	t.Parallel()
	for name, attack := range sweptAttacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enforced(t, nil)
			s.watch(func() { s.must(attack(s)) }).wrote(t)
			r := s.watch(s.sweep)
			if routed := s.EC2.Associations(s.table); len(routed) != 1 || routed[0].SubnetID != s.subnets[0] {
				t.Errorf("the gateway endpoint's table has the associations %+v, want the first subnet's:\n%s", routed, r.log())
			}
		})
	}
}

// An event concerns one bucket or one endpoint, which is corrected at once.
func TestAttacksOnWhatWasAdoptedAreCorrected(t *testing.T) {
	t.Parallel()
	for name, attack := range adoptedAttacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := enforced(t, nil)
			desired := s.all()
			r := s.watch(func() { s.must(attack(s)) })
			if len(r.writes()) == 0 || len(r.failures()) > 0 || len(r.letters) > 0 {
				t.Errorf("writes %q and %d failed runs, want a correction:\n%s", r.writes(), len(r.failures()), r.log())
			}
			if diff := cmp.Diff(desired, s.all()); diff != "" {
				t.Errorf("the estate differs from before the attack (-before +after):\n%s\n%s", diff, r.log())
			}
		})
	}
}

// One event reads one bucket, however many there are.
func TestAnEventReadsOneBucketOnly(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	r := s.watch(func() {
		_, err := s.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(clean)})
		s.must(err)
	})
	for _, call := range r.calls {
		for _, need := range call.Needs {
			if strings.HasPrefix(need.Resource, "arn:aws:s3:::") && !strings.HasSuffix(need.Resource, ":::"+clean) {
				t.Errorf("%s concerns %s, want only %s", call.Operation, need.Resource, clean)
			}
		}
	}
	s.isLocked(clean)
}

// The rule passes events of all buckets; those of others cost no call.
func TestAnEventOfAnotherBucketMakesNoCall(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	r := s.watch(func() {
		_, err := s.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(unguarded)})
		s.must(err)
	})
	if len(r.invocations) != 1 || len(r.calls) != 0 || len(r.records) != 0 || len(r.messages) != 0 {
		t.Errorf("%d runs, %d calls (%q), %d records and %d messages, want one run without the rest",
			len(r.invocations), len(r.calls), r.names(), len(r.records), len(r.messages))
	}
}

// creates creates a bucket.
func (s *estate) creates(name string) error {
	_, err := s.s3.CreateBucket(s.Context(), &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{
		LocationConstraint: types.BucketLocationConstraintEuCentral1,
	}})
	return err
}

func TestABucketThatMatchesIsGuardedFromItsCreationOn(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	const name = "acme-new"
	r := s.watch(func() { s.must(s.creates(name)) })
	s.must(s.S3.Put(name, "report.txt", []byte("text")))
	s.isLocked(name)
	if key := "before/" + name + ".json"; !slices.Contains(s.stored(), key) || len(r.failures()) > 0 {
		t.Errorf("the state bucket holds %q, want %s too:\n%s", s.stored(), key, r.log())
	}
}

// Whoever wrote it: a policy that holds the lock is left alone, so that the guard does not fight the tool that owns it.
func TestAPolicyThatHoldsTheLockIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	l, _ := s.lock()
	policy := strings.Replace(l.BucketPolicy(clean), `"Statement":[`, `"Statement":[{"Sid":"Ours","Effect":"Deny","Principal":"*",`+
		`"Action":"s3:DeleteObject","Resource":"arn:aws:s3:::acme-clean/*"},`, 1)
	r := s.watch(func() {
		_, err := s.s3.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: aws.String(clean), Policy: &policy})
		s.must(err)
	})
	r.wrote(t)
	if len(r.records) > 0 || len(r.messages) > 0 || !strings.Contains(s.S3.Policy(clean), "Ours") {
		t.Errorf("records %q and %d messages about a policy that holds the lock, want none:\n%s", r.outcomes(), len(r.messages), s.S3.Policy(clean))
	}
}

// A pattern can match the name of the stack's own bucket, which has a policy of its own.
func TestTheStateBucketIsNeverGuarded(t *testing.T) {
	t.Parallel()
	s := enforced(t, parameters{"BucketNames": "*", "ExcludedBucketNames": unguarded})
	s.allLocked()
	state := s.stack.Physical("StateBucket")
	if policy := s.S3.Policy(state); !strings.Contains(policy, "DenyOverwriting") || strings.Contains(policy, "DenyObjectsOutsideEndpoint") {
		t.Errorf("the policy of the state bucket is %s, want the template's", policy)
	}
	if slices.Contains(s.stored(), "before/"+state+".json") {
		t.Errorf("the state bucket holds %q, want nothing of itself", s.stored())
	}
	r := s.watch(func() {
		_, err := s.s3.PutBucketTagging(t.Context(), &s3.PutBucketTaggingInput{Bucket: &state, Tagging: &types.Tagging{TagSet: []types.Tag{}}})
		s.must(err)
		s.rest()
		s.sweep()
	})
	r.wrote(t)
	if len(r.records) > 0 || len(r.failures()) > 0 {
		t.Errorf("records %q and %d failed runs, want none:\n%s", r.outcomes(), len(r.failures()), r.log())
	}
}
