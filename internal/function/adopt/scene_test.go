package adopt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ec2sdk "github.com/aws/aws-sdk-go-v2/service/ec2"
	s3sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/beforeimage"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/function/adopt"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

const (
	account   = "111122223333"
	region    = "eu-central-1"
	state     = "guard-statebucket-example"
	guardRole = "arn:aws:iam::111122223333:role/guard"
	stackID   = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000001"
	dataStack = "arn:aws:cloudformation:eu-central-1:111122223333:stack/data/0f0f0f0f-0000-4000-8000-000000000002"

	// ownPolicy is a policy of an owner, opensPolicy one that opens the bucket to everyone.
	ownPolicy   = `{"Version":"2012-10-17","Statement":[{"Sid":"Readers","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/reader"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::data-terraform/*"}]}`
	opensPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"Everyone","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::data-open/*"}]}`

	everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
)

// scene is an account with three buckets, an interface endpoint, and the guard's stack with its state bucket.
type scene struct {
	*testing.T
	gate     *api.Gate
	store    *s3.Service
	network  *ec2.Service
	endpoint ec2.Endpoint
	group    string
	adoption *adopt.Adoption
	status   string
	// old are the changes of the properties before an update.
	old   []string
	lines *lines
	// others are the guards of all stacks, or why they cannot be read.
	others   []adoption.Guard
	othersBy error
	// admin is a client that may do everything.
	admin *s3sdk.Client
}

// lines are the log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// limit is the time of a request. What AWS denies is tried again for a quarter of it.
const limit = time.Minute

// withScene runs f in synthetic time, where what it waits for takes no real time.
func withScene(t *testing.T, policy string, f func(t *testing.T, s *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newScene(t, policy)) })
}

// newScene makes a scene. The role of the function has a policy.
func newScene(t *testing.T, policy string) *scene {
	t.Helper()
	s := &scene{T: t, gate: localtest.Gate(t, api.Options{}), status: "CREATE_IN_PROGRESS", lines: &lines{}}
	s.store, s.network = s3.New(s.gate.Options()), ec2.New(s.gate.Options())
	s.gate.Add(s.store)
	s.gate.Add(s.network)
	s.must(s.store.CreateBucket(state, ""))
	s.must(s.store.PutVersioning(state, "Enabled"))
	s.must(s.store.CreateBucket("data-terraform", ""), s.store.PutPolicy("data-terraform", []byte(ownPolicy)),
		s.store.PutTags("data-terraform", map[string]string{"aws:cloudformation:stack-id": dataStack, "team": "data"}))
	s.must(s.store.CreateBucket("data-open", ""), s.store.PutPublicAccessBlock("data-open", nil),
		s.store.PutPolicy("data-open", []byte(opensPolicy)), s.store.PutOwnership("data-open", "ObjectWriter"))
	s.must(s.store.CreateBucket("data-clean", ""))
	s.admin = s3sdk.NewFromConfig(localtest.Direct(t, s.gate, everything))
	_, err := s.admin.PutBucketAcl(t.Context(), &s3sdk.PutBucketAclInput{Bucket: aws.String("data-open"), ACL: s3types.BucketCannedACLPublicRead})
	s.must(err)
	vpc := localtest.Must(s.network.CreateVPC(ec2.VPC{CIDR: "10.0.0.0/16", DNSSupport: true, DNSHostnames: true}))(t)
	subnet := localtest.Must(s.network.CreateSubnet(ec2.Subnet{VPCID: vpc.ID, CIDR: "10.0.0.0/24", Zone: region + "a"}))(t)
	group := localtest.Must(s.network.CreateSecurityGroup(ec2.SecurityGroup{Name: "endpoint", Description: "endpoint", VPCID: vpc.ID},
		ec2.Rule{Protocol: "tcp", FromPort: 443, ToPort: 443, CIDR: "10.0.0.0/16"}))(t)
	s.group = group.ID
	s.endpoint = localtest.Must(s.network.CreateEndpoint(ec2.EndpointRequest{
		Type: ec2.Interface, VPCID: vpc.ID, ServiceName: "com.amazonaws." + region + ".s3", SubnetIDs: []string{subnet.ID}, GroupIDs: []string{group.ID},
	}))(t)
	sdk := localtest.Direct(t, s.gate, policy)
	sdk.Retryer = func() aws.Retryer { return hasty{awsconfig.Retryer()} }
	client := s3sdk.NewFromConfig(sdk)
	s.adoption = &adopt.Adoption{
		Buckets: client, Endpoints: ec2sdk.NewFromConfig(sdk),
		Guards:  func(context.Context) ([]adoption.Guard, error) { return s.others, s.othersBy },
		Store:   &beforeimage.Store{API: client, Bucket: state, Account: account},
		Stack:   func(context.Context) (guard.StackState, error) { return s.stack(), nil },
		StackID: stackID, Partition: "aws", Region: region, Account: account, GuardRole: guardRole,
		Now: time.Now, Log: slog.New(slog.NewJSONHandler(s.lines, nil)),
	}
	s.gate.ResetCalls()
	return s
}

// hasty is a retryer without the pauses.
type hasty struct{ aws.Retryer }

func (hasty) RetryDelay(int, error) (time.Duration, error) { return time.Millisecond, nil }

// stack is what the guard's stack is doing.
func (s *scene) stack() guard.StackState {
	return guard.StackState{Status: s.status, Busy: strings.HasSuffix(s.status, "_IN_PROGRESS"), Deleting: strings.HasPrefix(s.status, "DELETE_") || s.status == "ROLLBACK_IN_PROGRESS"}
}

func (s *scene) must(errs ...error) {
	s.Helper()
	for _, err := range errs {
		if err != nil {
			s.Fatal(err)
		}
	}
}

// properties are the custom resource's, with changes: name, value, name, value, ….
func (s *scene) properties(changes ...string) map[string]string {
	p := map[string]string{
		"BucketNames": "data-*", "ExcludedBucketNames": "", "VpcEndpointIds": s.endpoint.ID, "WorkloadRoleArns": "", "ManagementRoleArns": "",
		"ExemptRoleArns": "", "AllowedCidrs": "", "AllowAwsServices": "false", "EndpointPolicy": "Keep", "PolicyMode": "AtLeast",
		"Enforcement": "Enforce", "RestoreOnDelete": "true", "AdoptionNumber": "1",
	}
	for i := 0; i < len(changes); i += 2 {
		p[changes[i]] = changes[i+1]
	}
	return p
}

// handle sends a request to the custom resource.
func (s *scene) handle(kind string, changes ...string) (cfnresponse.Result, error) {
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	raw, err := json.Marshal(s.properties(changes...))
	s.must(err)
	old, err := json.Marshal(s.properties(s.old...))
	s.must(err)
	return s.adoption.Handle(ctx, cfnresponse.Request{
		RequestType: kind, StackID: stackID, LogicalResourceID: "Adoption", PhysicalResourceID: "adoption-of-stack/guard", ResourceProperties: raw, OldResourceProperties: old,
	}, func(string) {})
}

// adopt creates or updates the custom resource and returns the adoption document.
func (s *scene) adopt(kind string, changes ...string) (adoption.Document, string) {
	s.Helper()
	result, err := s.handle(kind, changes...)
	s.must(err)
	document, err := s.adoption.Store.Read(s.Context(), result.Data["Document"])
	s.must(err)
	return document, result.Data["Document"]
}

// release deletes the stack.
func (s *scene) release(changes ...string) error {
	s.status = "DELETE_IN_PROGRESS"
	_, err := s.handle(cfnresponse.Delete, changes...)
	return err
}

// lock is the lock of the properties.
func (s *scene) lock(changes ...string) lock.Lock {
	s.Helper()
	raw, err := json.Marshal(s.properties(changes...))
	s.must(err)
	var p lock.Parameters
	s.must(json.Unmarshal(raw, &p))
	return localtest.Must(p.Lock("aws", region, account))(s)
}

// enforce does what the guard does with the buckets: it writes the lock, and the settings, for which it replaces a list.
func (s *scene) enforce(changes ...string) {
	s.Helper()
	l := s.lock(changes...)
	for _, name := range s.store.Buckets() {
		if name == state {
			continue
		}
		mode := lock.Mode(s.properties(changes...)["PolicyMode"])
		if j := l.Judge(mode, name, s.store.Policy(name)); j.Write != "" {
			s.must(s.store.PutPolicy(name, []byte(j.Write)))
		}
		if s.store.Ownership(name) != "BucketOwnerEnforced" {
			_, err := s.admin.PutBucketAcl(s.Context(), &s3sdk.PutBucketAclInput{Bucket: &name, ACL: s3types.BucketCannedACLPrivate})
			s.must(err)
		}
		s.must(s.store.PutPublicAccessBlock(name, &s3.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true}),
			s.store.PutOwnership(name, "BucketOwnerEnforced"))
	}
}

// configuration is all that the guard may change, of all buckets and the endpoint, without the state bucket.
func (s *scene) configuration() map[string]string {
	all := map[string]string{}
	for _, name := range s.store.Buckets() {
		if name != state {
			list, err := s.admin.GetBucketAcl(s.Context(), &s3sdk.GetBucketAclInput{Bucket: &name})
			s.must(err)
			all[name] = fmt.Sprintf("%s | %+v | %s | %d grants", canonical(s.store.Policy(name)), block(s.store.PublicAccessBlock(name)),
				s.store.Ownership(name), len(list.Grants))
		}
	}
	e, _ := s.network.Endpoint(s.endpoint.ID)
	all[e.ID] = fmt.Sprintf("%s | %v | %v | %v", e.Policy, e.SubnetIDs, e.GroupIDs, s.network.Rules(s.group))
	return all
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func canonical(policy string) string {
	return adoption.NewImage("", time.Time{}, adoption.State{Policy: policy}, "").Canonical
}

func block(b *s3.PublicAccessBlock) s3.PublicAccessBlock {
	if b == nil {
		return s3.PublicAccessBlock{}
	}
	return *b
}

// writes are the operations that changed something, sorted, each once.
func (s *scene) writes() []string {
	seen := map[string]bool{}
	for _, c := range s.gate.Calls() {
		reads := strings.HasPrefix(c.Operation, "Get") || strings.HasPrefix(c.Operation, "List") || strings.HasPrefix(c.Operation, "Describe")
		if !reads && c.ErrorCode == "" {
			seen[c.Operation] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
