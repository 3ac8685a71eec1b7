package remediate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	s3sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/function/remediate"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

const (
	stateBucket = "guard-statebucket-example"
	ownStack    = "stack/guard/0f0f0f0f-0000-4000-8000-000000000001"
	appStack    = "arn:aws:cloudformation:eu-central-1:111122223333:stack/app/0f0f0f0f-0000-4000-8000-000000000002"
)

// scene is an account with buckets and an endpoint that guard.yaml's function guards, on the local AWS.
type scene struct {
	testing.TB
	gate     *api.Gate
	store    *s3.Service
	network  *ec2.Service
	stacks   *cloudformation.Service
	windows  *ssm.Service
	endpoint ec2.Endpoint
	function *remediate.Function
	mailbox  *mailbox
	log, out bytes.Buffer
	mode     lock.Mode
	names    string
	observe  bool
	document string
}

func newScene(t testing.TB, names string, buckets ...string) *scene {
	t.Helper()
	s := &scene{TB: t, gate: localtest.Gate(t, api.Options{}), mode: lock.AtLeast, names: names}
	s.store, s.network = s3.New(s.gate.Options()), ec2.New(s.gate.Options())
	s.stacks, s.windows = cloudformation.New(s.gate.Options()), ssm.New(s.gate.Options())
	for _, service := range []api.Service{s.store, s.network, s.stacks, s.windows} {
		s.gate.Add(service)
	}
	s.stacks.PutStack(cloudformation.Stack{Name: "guard", ID: "arn:aws:cloudformation:eu-central-1:111122223333:" + ownStack, Status: "CREATE_COMPLETE"})
	s.must(s.store.CreateBucket(stateBucket, ""), s.store.PutVersioning(stateBucket, "Enabled"))
	vpc := localtest.Must(s.network.CreateVPC(ec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true, DNSHostnames: true}))(t)
	subnet := localtest.Must(s.network.CreateSubnet(ec2.Subnet{VPCID: vpc.ID, CIDR: "10.0.0.0/24", Zone: "eu-central-1a"}))(t)
	group := localtest.Must(s.network.CreateSecurityGroup(ec2.SecurityGroup{Name: "endpoint", Description: "endpoint", VPCID: vpc.ID},
		ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.0.0.0/16"}))(t)
	s.endpoint = localtest.Must(s.network.CreateEndpoint(ec2.EndpointRequest{
		Type: ec2.Interface, VPCID: vpc.ID, ServiceName: "com.amazonaws.eu-central-1.s3", SubnetIDs: []string{subnet.ID}, GroupIDs: []string{group.ID},
	}))(t)
	for _, name := range buckets {
		s.create(name)
	}
	s.adopt(adoption.Document{
		Format: adoption.Format, Account: account, Region: "eu-central-1",
		Endpoints: []adoption.Endpoint{{
			ID: s.endpoint.ID, VPCID: vpc.ID, SubnetIDs: []string{subnet.ID}, SecurityGroupIDs: []string{group.ID},
			PrivateDNS: adoption.PrivateDNS{},
			Ingress:    []adoption.Rule{{GroupID: group.ID, Protocol: "tcp", FromPort: 443, ToPort: 443, Source: "10.0.0.0/16"}},
		}},
	})
	return s
}

func (s *scene) must(errs ...error) {
	s.Helper()
	for _, err := range errs {
		if err != nil {
			s.Fatal(err)
		}
	}
}

// create makes a bucket with the lock.
func (s *scene) create(name string) {
	s.Helper()
	s.must(s.store.CreateBucket(name, ""), s.store.PutPolicy(name, []byte(s.lock().BucketPolicy(name))))
}

// admin is a client that may do everything.
func (s *scene) admin() *s3sdk.Client {
	return s3sdk.NewFromConfig(localtest.Config(s.TB, s.gate, localtest.Everything))
}

// adopt stores an adoption document.
func (s *scene) adopt(document adoption.Document) {
	s.Helper()
	body, err := json.Marshal(document)
	s.must(err)
	put, err := s.admin().PutObject(s.Context(), &s3sdk.PutObjectInput{
		Bucket: aws.String(stateBucket), Key: aws.String("adoption/1.json"), Body: bytes.NewReader(body),
	})
	s.must(err)
	s.document = adoption.Reference{Bucket: stateBucket, Key: "adoption/1.json", VersionID: *put.VersionId, SHA256: adoption.Hash(body)}.String()
}

// parameters are guard.yaml's.
func (s *scene) parameters() lock.Parameters {
	return lock.Parameters{
		BucketNames: s.names, VPCEndpointIDs: s.endpoint.ID, AllowAWSServices: "false", EndpointPolicy: lock.KeepPolicy, PolicyMode: string(s.mode),
	}
}

func (s *scene) lock() lock.Lock {
	return localtest.Must(s.parameters().Lock("aws", "eu-central-1", account))(s.TB)
}

// start starts a process of the function, whose role has a policy.
func (s *scene) start(policy string) {
	s.Helper()
	parsed := localtest.Must(iampolicy.Parse([]byte(policy)))(s.TB)
	key, secret := s.gate.Credentials(api.Caller{
		Principal: "arn:aws:sts::111122223333:assumed-role/guard-RemediateRole-EXAMPLE/f", Issuer: guardRole, Account: account,
		Identity: func() []*iampolicy.Policy { return []*iampolicy.Policy{parsed} },
	})
	p, enforcement := s.parameters(), "Enforce"
	if s.observe {
		enforcement = "Observe"
	}
	env := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret,
		"AWS_ENDPOINT_URL": localtest.Must(s.gate.Open(api.Listener{SourceIP: "198.51.100.9"}))(s.TB),
		"BUCKET_NAMES":     p.BucketNames, "VPC_ENDPOINT_IDS": p.VPCEndpointIDs, "ALLOW_AWS_SERVICES": p.AllowAWSServices,
		"ENDPOINT_POLICY": p.EndpointPolicy, "POLICY_MODE": p.PolicyMode, "ENFORCEMENT": enforcement, "ADOPTION": s.document,
		"STACK": ownStack, "TOPIC": "topic", "FORMAT": "Text", "GUARD_ROLE_ARN": guardRole,
	}
	s.function = localtest.Must(remediate.New(func(name string) string { return env[name] }, slog.New(slog.NewJSONHandler(&s.log, nil)), &s.out))(s.TB)
	s.mailbox = &mailbox{}
	s.function.Notify, s.function.Senders = s.mailbox, nil
}

// run invokes the function and returns short texts of its records, and how often it made each call.
func (s *scene) run(payload string) (records []string, calls map[string]int) {
	s.Helper()
	s.gate.ResetCalls()
	s.mailbox.got = nil
	if _, err := s.function.Invoke(s.Context(), []byte(payload)); err != nil {
		s.Log(err)
	}
	for _, r := range s.mailbox.got {
		records = append(records, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s %s", r.Resource, r.Target, r.Verdict, r.Outcome)), " "))
	}
	slices.Sort(records)
	calls = map[string]int{}
	for _, c := range s.gate.Calls() {
		calls[c.Operation]++
	}
	return records, calls
}

// is fails the test unless a run had these records.
func (s *scene) is(got []string, want ...string) {
	s.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("records (-want +got):\n%s\nlog:\n%s", diff, s.log.String())
	}
}

const sweepEvent = `{"detail-type":"Scheduled Event"}`

// eventOf returns the event of a call about a bucket.
func eventOf(call, bucket string) string {
	return `{"detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"s3.amazonaws.com","eventName":"` + call +
		`","requestParameters":{"bucketName":"` + bucket + `"}}}`
}

func names(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("data-%03d", i))
	}
	return list
}

// withStatements returns a policy with more statements.
func withStatements(policy string, more ...string) []byte {
	return []byte(strings.TrimSuffix(policy, "]}") + "," + strings.Join(more, ",") + "]}")
}

const (
	reader   = `{"Sid":"Reader","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/reader"},"Action":"s3:GetBucketTagging","Resource":"arn:aws:s3:::data-000"}`
	private  = `{"Sid":"Private","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::data-000/private/*"}`
	everyone = `{"Sid":"Everyone","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::data-000/*"}`
)

func TestAFleetsQuietRunsMakeNoCallThatTheyNeedNot(t *testing.T) {
	s := newScene(t, "data-*,reports", append(names(20), "reports", "other")...)
	s.start(localtest.Everything)
	sweep := map[string]int{
		"ListBuckets": 1, "GetBucketPolicy": 21, "GetPublicAccessBlock": 21, "GetBucketOwnershipControls": 21,
		"DescribeVpcEndpoints": 1, "DescribeSecurityGroupRules": 1,
	}
	first := maps.Clone(sweep)
	first["GetObject"] = 1
	one := map[string]int{"GetBucketPolicy": 1, "GetPublicAccessBlock": 1, "GetBucketOwnershipControls": 1, "DescribeStacks": 1, "GetParametersByPath": 1}
	for _, step := range []struct {
		name, payload string
		calls         map[string]int
	}{
		{"the first sweep, which reads what was adopted", sweepEvent, first},
		{"a sweep", sweepEvent, sweep},
		{"an event of a bucket", eventOf("PutBucketPolicy", "data-007"), one},
		{"an event of a bucket that is not guarded", eventOf("PutBucketPolicy", "other"), map[string]int{}},
		{"an event of EC2", `{"detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"ec2.amazonaws.com","eventName":"ModifyVpcEndpoint"}}`,
			map[string]int{"DescribeVpcEndpoints": 1, "DescribeSecurityGroupRules": 1, "DescribeStacks": 1, "GetParametersByPath": 1}},
	} {
		records, calls := s.run(step.payload)
		if diff := cmp.Diff(step.calls, calls); diff != "" || len(records) > 0 {
			t.Errorf("%s: records %q, calls (-want +got):\n%s", step.name, records, diff)
		}
	}
	published := lines(t, s.out)
	if line := published[0]; line["Stack"] != "guard" || line["Bucket"] != nil || line["OpenDrift"] != 0.0 || line["BucketsNotLocked"] != 0.0 {
		t.Errorf("metrics %v, want those of the stack", line)
	}
	if line := published[2]; line["BucketsNotLocked"] != nil {
		t.Errorf("metrics %v, want no count of all buckets by a run that read one", line)
	}
}

// The endpoints and a listing that failed need the adoption document at the same time.
func TestTheAdoptionDocumentIsReadOnce(t *testing.T) {
	s := newScene(t, "data-*", names(2)...)
	s.gate.Inject(api.Fault{Service: "s3", Operation: "ListBuckets", Error: &api.Error{Status: 403, Code: "AccessDenied"}})
	for range 20 {
		s.start(localtest.Everything)
		if _, calls := s.run(sweepEvent); calls["GetObject"] != 1 {
			t.Fatalf("the calls of a sweep are %v, want one GetObject", calls)
		}
	}
}

// A list of names needs no listing.
func TestAListOfNamesIsNotLookedFor(t *testing.T) {
	s := newScene(t, "data-000,data-001", names(2)...)
	s.start(localtest.Everything)
	if records, calls := s.run(sweepEvent); len(records) > 0 || calls["ListBuckets"] > 0 || calls["GetBucketPolicy"] != 2 {
		t.Errorf("records %q, calls %v, want two policies read, and nothing listed", records, calls)
	}
}

// What others wrote stays, if it opens nothing; the before-image is stored before the first write.
func TestOnlyWhatOpensABucketIsTakenAway(t *testing.T) {
	s := newScene(t, "data-*", names(2)...)
	s.start(localtest.Everything)
	opened := withStatements(s.lock().BucketPolicy("data-000"), private, everyone)
	s.must(s.store.PutPublicAccessBlock("data-000", &s3.PublicAccessBlock{IgnorePublicAcls: true}), s.store.PutPolicy("data-000", opened))
	records, _ := s.run(eventOf("PutBucketPolicy", "data-000"))
	s.is(records, "bucket-policy data-000 open corrected", "public-access-block data-000 open corrected")
	live := s.store.Policy("data-000")
	if strings.Contains(live, "Everyone") || !strings.Contains(live, "Private") {
		t.Errorf("the policy is %s, want Private kept and Everyone gone", live)
	}
	image := s.image("data-000")
	if !strings.Contains(image.Policy, "Everyone") || image.PublicAccessBlock == nil || image.PublicAccessBlock.BlockPublicPolicy {
		t.Errorf("before-image %+v, want the state before both writes", image)
	}
	s.must(s.store.PutPolicy("data-000", withStatements(s.lock().BucketPolicy("data-000"), private)))
	records, calls := s.run(sweepEvent)
	if len(records) > 0 || calls["PutBucketPolicy"] > 0 {
		t.Errorf("records %q, calls %v for a policy that holds the lock, want none and no write", records, calls)
	}
}

// image returns a bucket's stored before-image.
func (s *scene) image(bucket string) adoption.BeforeImage {
	s.Helper()
	got, err := s.admin().GetObject(s.Context(), &s3sdk.GetObjectInput{Bucket: aws.String(stateBucket), Key: aws.String(adoption.ImageKey(bucket))})
	s.must(err)
	defer got.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(got.Body)
	s.must(err)
	return localtest.Must(adoption.ReadImage(body.Bytes()))(s.TB)
}

// A statement that locks out those who configure the bucket is not kept beside the lock.
func TestWhatLocksOutIsNotKept(t *testing.T) {
	s := newScene(t, "data-*", names(1)...)
	s.start(localtest.Everything)
	const lockout = `{"Sid":"OnlyMe","Effect":"Deny","Principal":"*","Action":"s3:*Policy","Resource":"arn:aws:s3:::data-000","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"` + guardRole + `"}}}`
	s.must(s.store.PutPublicAccessBlock("data-000", &s3.PublicAccessBlock{}),
		s.store.PutPolicy("data-000", withStatements(s.lock().BucketPolicy("data-000"), lockout, everyone)))
	records, _ := s.run(sweepEvent)
	s.is(records, "bucket-policy data-000 open corrected", "public-access-block data-000 open corrected")
	if live := s.store.Policy("data-000"); strings.Contains(live, "OnlyMe") || strings.Contains(live, "Everyone") {
		t.Errorf("the policy is %s, want the lock alone", live)
	}
}

// A foreign Deny opens nothing, but one that keeps the guard from its work would leave the next change as it is.
func TestADenyThatShutsOutTheGuardIsToldAndTakenAway(t *testing.T) {
	deny := func(action string) string {
		return `{"Sid":"OnlyPipeline","Effect":"Deny","Principal":"*","Action":"` + action + `","Resource":"arn:aws:s3:::data-000","Condition":` +
			`{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/pipeline"}}}`
	}
	for name, c := range map[string]struct {
		statement string
		observe   bool
		want      []string
	}{
		"it may not write the policy": {deny("s3:PutBucketPolicy"), false, []string{"bucket-policy data-000 closed not corrected"}},
		"it only observes":            {deny("s3:PutBucketPolicy"), true, []string{"bucket-policy data-000 closed drift observed"}},
		"it may not write the block":  {deny("s3:PutBucketPublicAccessBlock"), false, []string{"bucket-policy data-000 closed corrected"}},
		"it may do its work":          {deny("s3:DeleteBucket"), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "data-*", names(1)...)
			s.observe = c.observe
			s.start(localtest.Everything)
			s.must(s.store.PutPolicy("data-000", withStatements(s.lock().BucketPolicy("data-000"), c.statement, private)))
			records, _ := s.run(eventOf("PutBucketPolicy", "data-000"))
			s.is(records, c.want...)
			live := s.store.Policy("data-000")
			taken := len(c.want) > 0 && strings.HasSuffix(c.want[0], " corrected") && !strings.HasSuffix(c.want[0], "not corrected")
			if strings.Contains(live, "OnlyPipeline") == taken || !strings.Contains(live, "Private") {
				t.Errorf("the policy is %s, want the statement taken away: %t, and Private kept", live, taken)
			}
		})
	}
}

func TestExactlyTheLockMayStand(t *testing.T) {
	s := newScene(t, "data-*", names(1)...)
	s.mode = lock.Exact
	s.start(localtest.Everything)
	s.must(s.store.PutPolicy("data-000", withStatements(s.lock().BucketPolicy("data-000"), private)))
	records, _ := s.run(sweepEvent)
	s.is(records, "bucket-policy data-000 closed corrected")
	if live := s.store.Policy("data-000"); strings.Contains(live, "Private") {
		t.Errorf("the policy is %s, want the lock alone", live)
	}
}

func TestANewBucketIsLockedAndADeletedOneForgotten(t *testing.T) {
	s := newScene(t, "data-*", names(2)...)
	s.start(localtest.Everything)
	s.must(s.store.CreateBucket("data-new", ""))
	records, calls := s.run(eventOf("CreateBucket", "data-new"))
	s.is(records, "bucket-policy data-new open corrected")
	if calls["ListBuckets"] > 0 {
		t.Errorf("calls %v, want no listing", calls)
	}
	if image := s.image("data-new"); image.Policy != "" || image.Bucket != "data-new" {
		t.Errorf("before-image %+v, want that there was no policy", image)
	}
	s.must(s.store.DeleteBucket("data-new"))
	records, _ = s.run(eventOf("DeleteBucket", "data-new"))
	s.is(records, "bucket data-new bucket deleted")
	records, _ = s.run(sweepEvent)
	s.is(records)
}

func TestTheStackAndTheWindowOfABucket(t *testing.T) {
	s := newScene(t, "data-*", names(3)...)
	s.start(localtest.Everything)
	s.stacks.PutStack(cloudformation.Stack{Name: "app", ID: appStack, Status: "UPDATE_IN_PROGRESS"})
	s.windows.Put("/s3-endpoint-guard/pause/guard/data-001", "String", `{"until":"`+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+`","reason":"migration"}`)
	for _, name := range names(3) {
		s.must(s.store.DeletePolicy(name), s.store.PutTags(name, map[string]string{"team": "data"}))
	}
	s.must(s.store.PutTags("data-000", map[string]string{"aws:cloudformation:stack-id": appStack}))
	records, calls := s.run(sweepEvent)
	s.is(records, "bucket-policy data-000 open standing down", "bucket-policy data-001 open standing down", "bucket-policy data-002 open corrected")
	if calls["GetParametersByPath"] != 1 || calls["GetBucketTagging"] != 3 { // two of the owners, one of the before-image
		t.Errorf("calls %v, want the windows read once, and no tags in a window", calls)
	}
	for _, r := range s.mailbox.got {
		if r.Target == "data-000" && (r.Owner == nil || r.Owner.ID != appStack) || r.Target == "data-001" && (r.Paused == nil || r.Paused.Reason != "migration") {
			t.Errorf("record %+v, want the reason for standing down", r)
		}
	}
}

// A stack that was deleted and left its bucket stands in nobody's way.
func TestADeletedStackHasNoTruce(t *testing.T) {
	s := newScene(t, "data-*", names(2)...)
	s.start(localtest.Everything)
	s.stacks.PutStack(cloudformation.Stack{Name: "app", ID: appStack, Status: "CREATE_COMPLETE"})
	s.must(s.stacks.SetStatus(appStack, "DELETE_COMPLETE", ""))
	for i, id := range []string{appStack, strings.Replace(appStack, "app", "forgotten", 1)} {
		s.must(s.store.PutOwnership(names(2)[i], "ObjectWriter"), s.store.PutTags(names(2)[i], map[string]string{"aws:cloudformation:stack-id": id}))
	}
	records, _ := s.run(sweepEvent)
	s.is(records, "ownership-controls data-000 open corrected", "ownership-controls data-001 open corrected")
}

// An endpoint is put back to the state in which it was adopted, also where that is not the state of template.yaml.
func TestAnEndpointIsKeptAsItWasAdopted(t *testing.T) {
	s := newScene(t, "data-*", names(1)...)
	s.start(localtest.Everything)
	group := s.endpoint.GroupIDs[0]
	_, err := s.network.Authorize(group, ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "0.0.0.0/0"})
	s.must(err)
	_, err = s.network.Revoke(group, ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.0.0.0/16"})
	s.must(err, s.network.ModifyEndpoint(s.endpoint.ID, ec2.EndpointChange{
		Policy: `{"Statement":[{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`, PrivateDNS: aws.Bool(true), OnlyInboundResolver: aws.Bool(false),
	}))
	records, _ := s.run(sweepEvent)
	s.is(records, "endpoint-policy "+s.endpoint.ID+" closed corrected", "private-dns "+s.endpoint.ID+" closed corrected",
		"security-group-rules "+group+" open corrected")
	e, _ := s.network.Endpoint(s.endpoint.ID)
	var ingress []string
	for _, r := range s.network.Rules(group) {
		if !r.Egress {
			ingress = append(ingress, r.CIDR)
		}
	}
	if e.PrivateDNS || !slices.Equal(ingress, []string{"10.0.0.0/16"}) {
		t.Errorf("private DNS %t, ingress from %q, want both as adopted", e.PrivateDNS, ingress)
	}
}

func TestAFleetIsOnlyObserved(t *testing.T) {
	s := newScene(t, "data-*", names(2)...)
	s.observe = true
	s.start(localtest.Everything)
	s.must(s.store.DeletePolicy("data-001"))
	records, calls := s.run(sweepEvent)
	s.is(records, "bucket-policy data-001 open drift observed")
	for call := range calls {
		if strings.HasPrefix(call, "Put") || strings.HasPrefix(call, "Modify") || call == "GetBucketTagging" {
			t.Errorf("%s was called", call)
		}
	}
}

// S3 throttles for a while: nothing fails.
func TestAFleetIsSweptInSpiteOfThrottling(t *testing.T) {
	s := newScene(t, "data-*", names(30)...)
	s.start(localtest.Everything)
	slowDown := &api.Error{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Please reduce your request rate."}
	s.gate.Inject(api.Fault{Operation: "GetBucketPolicy", Times: 10, Error: slowDown})
	records, calls := s.run(sweepEvent)
	if len(records) > 0 || calls["GetBucketPolicy"] != 40 || calls["GetPublicAccessBlock"] != 30 {
		t.Errorf("records %q, calls %v, want none, and each throttled call made again", records, calls)
	}
}

// Without the permission to list, the buckets with names of their own are still guarded, and those that were listed before.
func TestAFleetThatMayNotBeListedIsStillGuarded(t *testing.T) {
	s := newScene(t, "data-*,reports", append(names(2), "reports")...)
	s.start(localtest.Everything)
	s.run(sweepEvent)
	s.gate.Inject(api.Fault{Operation: "ListBuckets", Error: &api.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}})
	s.must(s.store.DeletePolicy("data-001"), s.store.DeletePolicy("reports"))
	records, _ := s.run(sweepEvent)
	s.is(records, "bucket-policy data-001 open corrected", "bucket-policy reports open corrected", "buckets not corrected")
}

// A new process has listed nothing yet: it guards the buckets that were adopted.
func TestANewProcessThatMayNotListGuardsWhatWasAdopted(t *testing.T) {
	s := newScene(t, "data-*,reports", append(names(2), "reports")...)
	s.adopt(adoption.Document{Format: adoption.Format, Buckets: []adoption.Bucket{{Name: "data-000"}, {Name: "data-001"}, {Name: "reports"}}})
	s.start(localtest.Everything)
	s.gate.Inject(api.Fault{Operation: "ListBuckets", Error: &api.Error{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Access Denied"}})
	s.must(s.store.DeletePolicy("data-001"), s.store.DeletePolicy("reports"))
	records, _ := s.run(sweepEvent)
	s.is(records, "bucket-policy data-001 open corrected", "bucket-policy reports open corrected", "buckets not corrected",
		"endpoints not corrected")
}

// Whoever may invoke the function can name anything in an event: what no bucket is called causes no call, and no record.
func TestAnEventThatNamesNoBucketMakesNoCall(t *testing.T) {
	s := newScene(t, "data-*", names(1)...)
	s.start(localtest.Everything)
	for _, name := range []string{"data-../../reports", "data-000/../reports", "data-000?policy", "data-\\u0000", "data-\u202e", "data-" + strings.Repeat("x", 100_000)} {
		if records, calls := s.run(eventOf("PutBucketPolicy", name)); len(records)+len(calls) > 0 {
			t.Errorf("an event of %.30q: records %q, calls %v, want none", name, records, calls)
		}
	}
}

// A document that is not the one that was adopted keeps the endpoints from being read, and no bucket from being guarded.
func TestAnotherDocumentIsNotBelieved(t *testing.T) {
	s := newScene(t, "data-*", names(1)...)
	s.document = s.document[:len(s.document)-4] + "0000"
	s.start(localtest.Everything)
	s.must(s.store.DeletePolicy("data-000"))
	records, calls := s.run(sweepEvent)
	s.is(records, "bucket-policy data-000 open corrected", "endpoints not corrected")
	if calls["DescribeVpcEndpoints"] > 0 {
		t.Errorf("calls %v, want no endpoint read", calls)
	}
}

// Many records that say the same have few messages.
func TestAThousandRecordsHaveFewMessages(t *testing.T) {
	s := newScene(t, "data-*", names(30)...)
	s.start(localtest.Everything)
	for _, name := range names(30) {
		s.must(s.store.PutOwnership(name, "ObjectWriter"))
	}
	s.run(sweepEvent)
	if got := len(s.mailbox.got); got != 10 || s.mailbox.got[0].Outcome != guard.Corrected {
		t.Fatalf("%d messages, want 10", got)
	}
	more := 0
	for _, r := range s.mailbox.got {
		if r.Repeats != nil {
			more += r.Repeats.More
		}
	}
	if more != 20 {
		t.Errorf("the messages count %d more records, want 20", more)
	}
}
