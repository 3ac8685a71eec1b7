package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	template "example.com/s3-endpoint-guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// The buckets of act two. All but the last exist before the guard.
const (
	siteBucket = "acme-site" // opens itself to everybody
	teamBucket = "acme-team" // Terraform's, with statements of its own
	logsBucket = "acme-logs" // has no policy
	newBucket  = "acme-new"  // created later

	// guarded is the selection, which they all match.
	guarded = "acme-*"
)

// foundBuckets are the buckets that exist before the guard, sorted.
var foundBuckets = []string{logsBucket, siteBucket, teamBucket}

// guardStack is the name of guard.yaml's stack.
const guardStack = "guard"

// estate is what exists in an account, and guard.yaml's stack before it.
type estate struct {
	cloud  *localaws.Cloud
	builds *bootstrap.Builder
	// endpoint is the one through which the buckets are used.
	endpoint string
	// stack is that of guard.yaml.
	stack *deployment.Stack
	// team has the team's role, through the endpoint, and teamAway on the internet, where terraform is with Terraform's role.
	team, teamAway, terraform *s3.Client
	// others are the names of all that exists in the account before the guard.
	others []string
	// before is the state of each bucket and of the endpoint before the guard, by name.
	before map[string]string
}

// everything is the policy of a role whose limits are those of the buckets and endpoints.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// The policies that are found, with the account for %s.
const (
	publicPolicy = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Website","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + siteBucket + `/*"}]}`
	terraformPolicy = `{"Version":"2012-10-17","Statement":[
		{"Sid":"TeamMayRead","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:role/team"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::` + teamBucket + `/*"},
		{"Sid":"NobodyDeletes","Effect":"Deny","Principal":"*","Action":"s3:DeleteBucket","Resource":"arn:aws:s3:::` + teamBucket + `"}]}`
	ownAccountPolicy = `{"Version":"2012-10-17","Statement":[{"Sid":"OwnAccount","Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*",
		"Condition":{"StringEquals":{"aws:PrincipalAccount":"%s"}}}]}`
)

// terraformStatements are the ids of Terraform's statements.
var terraformStatements = []string{"TeamMayRead", "NobodyDeletes"}

// terraformPolicy returns the policy that Terraform's configuration has for its bucket.
func (e *estate) terraformPolicy() string {
	return fmt.Sprintf(terraformPolicy, e.cloud.Gate.Options().Account)
}

// newEstate makes what exists before the guard: buckets, an endpoint, roles and the organisation's trail.
func newEstate(c *callers) (*estate, error) {
	e := &estate{cloud: c.cloud, builds: c.builds, before: map[string]string{}}
	base := c.cloud.Gate.Options()
	c.cloud.Events.PutTrail(events.Trail{Name: "organisation", Logging: true})
	for _, role := range []string{"team", "terraform"} {
		if _, err := c.cloud.IAM.CreateRole(role, map[string]string{"all": everything}); err != nil {
			return nil, err
		}
	}
	vpc, err := c.cloud.EC2.CreateVPC(ec2.VPC{CIDR: "10.1.0.0/16", DNSSupport: true, DNSHostnames: true})
	if err != nil {
		return nil, err
	}
	table, err := c.cloud.EC2.CreateRouteTable(vpc.ID)
	if err != nil {
		return nil, err
	}
	made, err := c.cloud.EC2.CreateEndpoint(ec2.EndpointRequest{
		VPCID: vpc.ID, ServiceName: "com.amazonaws." + base.Region + ".s3", RouteTableIDs: []string{table.ID},
		Policy: fmt.Sprintf(ownAccountPolicy, base.Account),
	})
	if err != nil {
		return nil, err
	}
	e.endpoint = made.ID
	inside, err := c.cloud.Through(e.endpoint)
	if err != nil {
		return nil, err
	}
	away := c.cloud.Internet()
	team := c.cloud.IAM.Session("team", "notebook")
	e.team, e.teamAway = c.client(team, inside), c.client(team, away)
	e.terraform = c.client(c.cloud.IAM.Session("terraform", "apply"), away)
	if err := e.fill(); err != nil {
		return nil, err
	}
	e.others = c.cloud.Leftovers()
	for _, name := range append(slices.Clone(foundBuckets), e.endpoint) {
		if e.before[name], err = e.state(name); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// fill makes the buckets that exist.
func (e *estate) fill() error {
	store := e.cloud.S3
	var errs []error
	for _, name := range foundBuckets {
		errs = append(errs, store.CreateBucket(name, ""), store.Put(name, objectKey, []byte(objectText)))
	}
	return errors.Join(append(errs,
		store.PutPublicAccessBlock(siteBucket, nil),
		store.PutOwnership(siteBucket, "ObjectWriter"),
		store.PutPolicy(siteBucket, []byte(publicPolicy)),
		store.PutPolicy(teamBucket, []byte(e.terraformPolicy())),
	)...)
}

// state returns what the guard or an attacker may change of a bucket or of the endpoint.
func (e *estate) state(name string) (string, error) {
	if name == e.endpoint {
		live, _ := e.cloud.EC2.Endpoint(name)
		policy, err := iampolicy.Parse([]byte(live.Policy))
		return fmt.Sprintf("%s %q", policy, live.RouteTableIDs), err
	}
	block := "none"
	if b := e.cloud.S3.PublicAccessBlock(name); b != nil {
		block = fmt.Sprintf("%+v", *b)
	}
	document := e.cloud.S3.Policy(name)
	if document == "" {
		return fmt.Sprint("no policy ", block, e.cloud.S3.Ownership(name)), nil
	}
	policy, err := iampolicy.Parse([]byte(document))
	return fmt.Sprint(policy, block, e.cloud.S3.Ownership(name)), err
}

// changed names what is not as it was before the guard.
func (e *estate) changed() (string, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(e.before)) {
		now, err := e.state(name)
		if err != nil {
			return "", err
		}
		if now != e.before[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nothing, nil
	}
	return strings.Join(names, ", "), nil
}

// answers are guard.yaml's parameters for the estate.
func (e *estate) answers(enforcement string) map[string]string {
	return map[string]string{"BucketNames": guarded, "VpcEndpointIds": e.endpoint, "Enforcement": enforcement, "RestoreOnDelete": "true"}
}

// plan resolves guard.yaml.
func (e *estate) plan(parameters map[string]string) (*samtemplate.Plan, error) {
	read, err := samtemplate.Parse(template.Guard)
	if err != nil {
		return nil, err
	}
	return read.Plan(samtemplate.Options{StackName: guardStack, Parameters: parameters})
}

// deploy deploys guard.yaml.
func (e *estate) deploy(ctx context.Context, parameters map[string]string) error {
	plan, err := e.plan(parameters)
	if err != nil {
		return err
	}
	e.stack, err = e.cloud.Deploy(ctx, plan, e.builds.Path)
	return err
}

// enforce updates the stack.
func (e *estate) enforce(ctx context.Context) error {
	plan, err := e.plan(e.answers("Enforce"))
	if err != nil {
		return err
	}
	return e.stack.Update(ctx, plan)
}
