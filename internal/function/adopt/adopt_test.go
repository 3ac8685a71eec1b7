package adopt_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	s3sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/function/adopt"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
)

func TestAdoptionStoresWhatItFindsAndChangesNothing(t *testing.T) {
	t.Parallel()
	for _, enforcement := range []string{"Observe", "Enforce"} {
		t.Run(enforcement, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, everything)
			before := s.configuration()
			s.gate.ResetCalls()
			result, err := s.handle(cfnresponse.Create, "Enforcement", enforcement)
			s.must(err)
			if got := s.writes(); !slices.Equal(got, []string{"PutObject"}) {
				t.Errorf("it called %q, want objects in the state bucket only", got)
			}
			for _, c := range s.gate.Calls() {
				if c.Operation == "PutObject" && !strings.HasPrefix(c.Needs[0].Resource, "arn:aws:s3:::"+state+"/") {
					t.Errorf("an object was written to %s", c.Needs[0].Resource)
				}
			}
			if diff := cmp.Diff(before, s.configuration()); diff != "" {
				t.Errorf("the configuration was changed (-before +after):\n%s", diff)
			}
			document, err := s.adoption.Store.Read(t.Context(), result.Data["Document"])
			s.must(err)
			want := adoption.Document{
				Format: adoption.Format, Stack: stackID, Account: account, Region: region,
				Buckets: []adoption.Bucket{{Name: "data-clean"}, {Name: "data-open"}, {Name: "data-terraform", Stack: dataStack}},
				Endpoints: []adoption.Endpoint{{
					ID: s.endpoint.ID, VPCID: s.endpoint.VPCID, Policy: s.endpoint.Policy, SubnetIDs: s.endpoint.SubnetIDs, SecurityGroupIDs: []string{s.group},
					Ingress:       []adoption.Rule{{GroupID: s.group, Protocol: "tcp", FromPort: 443, ToPort: 443, Source: "10.0.0.0/16"}},
					RouteTableIDs: []string{},
				}},
			}
			if diff := cmp.Diff(want, document); diff != "" || result.Data["Adopted"] != "3" {
				t.Errorf("%s adopted, and the document (-want +got):\n%s", result.Data["Adopted"], diff)
			}
			image := s.image("data-open")
			if image.Canonical != canonical(opensPolicy) || image.PublicAccessBlock != nil || image.Ownership != "ObjectWriter" || len(image.Grants) != 2 {
				t.Errorf("the before-image of data-open is %+v", image)
			}
			if image := s.image("data-terraform"); image.Stack != dataStack || image.Grants != nil || image.PublicAccessBlock == nil {
				t.Errorf("the before-image of data-terraform is %+v", image)
			}
			if _, found := s.store.Object(state, adoption.EnforcedKey); found != (enforcement == "Enforce") {
				t.Errorf("the mark of enforcement is there: %t", found)
			}
		})
	}
}

// image is the before-image of a bucket.
func (s *scene) image(bucket string) adoption.BeforeImage {
	s.Helper()
	body, found := s.store.Object(state, adoption.ImageKey(bucket))
	if !found {
		s.Fatalf("there is no before-image of %s", bucket)
	}
	image, err := adoption.ReadImage(body)
	s.must(err)
	return image
}

func TestAGatewayEndpointIsAdoptedWithItsRoutes(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	tables := []string{}
	for range 2 {
		table, err := s.network.CreateRouteTable(s.endpoint.VPCID)
		s.must(err)
		tables = append(tables, table.ID)
	}
	subnets := []string{}
	for i, table := range tables {
		subnet, err := s.network.CreateSubnet(ec2.Subnet{VPCID: s.endpoint.VPCID, CIDR: fmt.Sprintf("10.0.%d.0/24", i+1), Zone: region + "b"})
		s.must(err)
		_, err = s.network.AssociateRouteTable(table, subnet.ID)
		s.must(err)
		subnets = append(subnets, subnet.ID)
	}
	gateway, err := s.network.CreateEndpoint(ec2.EndpointRequest{
		Type: ec2.Gateway, VPCID: s.endpoint.VPCID, ServiceName: "com.amazonaws." + region + ".s3", RouteTableIDs: tables[:1],
	})
	s.must(err)
	document, _ := s.adopt(cfnresponse.Create, "VpcEndpointIds", s.endpoint.ID+","+gateway.ID)
	got, found := document.Endpoint(gateway.ID)
	if !found || !got.Gateway || !slices.Equal(got.RouteTableIDs, tables[:1]) || !slices.Equal(got.SubnetIDs, subnets[:1]) {
		t.Errorf("adopted %+v, want the routes of %s and subnet %s", got, tables[0], subnets[0])
	}
	if diff := cmp.Diff(map[string]string{subnets[0]: tables[0]}, got.Tables); diff != "" {
		t.Errorf("which subnet used which table (-want +got):\n%s", diff)
	}
}

func TestAllReasonsAreInOneAnswerAndNothingIsStored(t *testing.T) {
	t.Parallel()
	withScene(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"s3:GetBucketTagging","Resource":"arn:aws:s3:::data-clean"}]}`, func(t *testing.T, s *scene) {
		s.must(s.store.CreateBucket("data-foreign", "444455556666"))
		s.must(s.store.CreateBucket("data-shut", ""), s.store.PutPolicy("data-shut", []byte(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Shut","Effect":"Deny","Principal":"*","Action":"s3:GetBucketPolicy","Resource":"arn:aws:s3:::data-shut"}]}`)))
		s.must(s.store.CreateBucket("data-protected", ""), s.store.PutPolicy("data-protected", []byte(`{"Version":"2012-10-17","Statement":[
		{"Sid":"Protect","Effect":"Deny","Principal":"*","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::data-protected","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/admin"}}}]}`)))
		other, err := s.network.CreateEndpoint(ec2.EndpointRequest{Type: ec2.Gateway, VPCID: s.endpoint.VPCID, ServiceName: "com.amazonaws." + region + ".dynamodb"})
		s.must(err)
		s.must(s.network.SetEndpointState(s.endpoint.ID, "pending"))
		_, err = s.handle(cfnresponse.Create,
			"BucketNames", "data-none,data-*,data-foreign", "VpcEndpointIds", strings.Join([]string{s.endpoint.ID, other.ID, "vpce-0dddddddddddddddd"}, ","))
		if err == nil {
			t.Fatal("it was adopted")
		}
		for _, want := range []string{
			"data-none: there is no such bucket",
			"data-foreign: the bucket belongs to another account",
			"data-shut: its own policy denies s3:GetBucketPolicy",
			"data-clean: AWS denies s3:GetBucketTagging",
			"data-protected: its policy denies s3:PutBucketPolicy to the guard's role: except " + guardRole,
			s.endpoint.ID + ": it is pending, not available",
			other.ID + ": it is an endpoint of com.amazonaws.eu-central-1.dynamodb",
			"vpce-0dddddddddddddddd: there is no such VPC endpoint",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the answer lacks %q:\n%v", want, err)
			}
		}
		if keys := s.store.Keys(state); len(keys) > 0 {
			t.Errorf("a refused adoption has stored %q", keys)
		}
	})
}

// isTemplates makes of a guard one that is a part of template.yaml, and so says nothing of a lock.
func isTemplates(g *adoption.Guard) {
	*g = adoption.Guard{Stack: g.Stack, Template: "template.yaml", Enforcement: "Enforce", Parameters: lock.Parameters{
		BucketNames: "data-clean", VPCEndpointIDs: g.VPCEndpointIDs}}
}

// Two guards that write different policies would replace each other's without end.
func TestWhatAnotherGuardWritesToIsNotAdopted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*adoption.Guard)
		own    []string
		want   []string
	}{
		"another lock":           {func(g *adoption.Guard) { g.AllowAWSServices = "true" }, nil, []string{"data-clean: the guard of stack second writes another lock"}},
		"the same lock":          {func(*adoption.Guard) {}, nil, nil},
		"it observes":            {func(g *adoption.Guard) { g.AllowAWSServices, g.Enforcement = "true", "Observe" }, nil, nil},
		"this one observes":      {func(g *adoption.Guard) { g.AllowAWSServices = "true" }, []string{"Enforcement", "Observe"}, nil},
		"another bucket":         {func(g *adoption.Guard) { g.AllowAWSServices, g.BucketNames = "true", "logs-*" }, nil, nil},
		"an excluded bucket":     {func(g *adoption.Guard) { g.AllowAWSServices, g.ExcludedBucketNames = "true", "data-*" }, nil, nil},
		"its own parameter":      {func(g *adoption.Guard) { g.AllowAWSServices, g.Stack = "true", "guard" }, nil, nil},
		"it keeps the endpoint":  {func(*adoption.Guard) {}, []string{"EndpointPolicy", "Account"}, []string{": the guard of stack second keeps its policy with EndpointPolicy=Keep"}},
		"the endpoint is kept":   {func(g *adoption.Guard) { g.EndpointPolicy = "Account" }, nil, nil},
		"the same for endpoints": {func(g *adoption.Guard) { g.EndpointPolicy = "Account" }, []string{"EndpointPolicy", "Account"}, nil},
		"other buckets through it": {func(g *adoption.Guard) { g.EndpointPolicy, g.BucketNames = "Buckets", "logs-*" }, []string{"EndpointPolicy", "Buckets"},
			[]string{": the guard of stack second keeps its policy with EndpointPolicy=Buckets"}},
		"template.yaml's": {isTemplates, nil, []string{"data-clean: the guard of stack second restores the whole policy of its template.yaml there: " +
			"take it out of BucketNames, or put it into ExcludedBucketNames"}},
		"template.yaml's, excluded": {isTemplates, []string{"ExcludedBucketNames", "data-clean"}, nil},
		"template.yaml's, another":  {func(g *adoption.Guard) { isTemplates(g); g.BucketNames = "other" }, nil, nil},
		"template.yaml's observes":  {func(g *adoption.Guard) { isTemplates(g); g.Enforcement = "Observe" }, nil, nil},
		"template.yaml's endpoint": {func(g *adoption.Guard) { isTemplates(g); g.BucketNames = "other" }, []string{"EndpointPolicy", "Buckets"},
			[]string{": the guard of stack second restores the policy of its template.yaml there: take it out of VpcEndpointIds, or choose Keep for EndpointPolicy"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, everything)
			other := adoption.Guard{Stack: "second", Enforcement: "Enforce"}
			s.must(json.Unmarshal(encode(t, s.properties("BucketNames", "data-clean,data-other")), &other))
			c.change(&other)
			s.others = []adoption.Guard{other}
			_, err := s.handle(cfnresponse.Create, c.own...)
			if (err != nil) != (len(c.want) > 0) {
				t.Fatalf("the adoption returned %v, want reasons %q", err, c.want)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the answer lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

// Nothing is read before the parameters make sense together. test/template has all combinations.
func TestParametersThatMakeNoSenseTogetherAreAllNamed(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	const partner = "arn:aws:iam::999900001111:role/partner"
	_, err := s.handle(cfnresponse.Create, "BucketNames", "data-*", "ExcludedBucketNames", "data-*", "WorkloadRoleArns", partner,
		"PolicyMode", "Exact", "EndpointPolicy", "Account")
	for _, want := range []string{`BucketNames: "data-*" is also excluded by ExcludedBucketNames`,
		"WorkloadRoleArns: " + partner + " is of another account, and needs an Allow in the bucket's policy, which PolicyMode=Exact removes",
		"WorkloadRoleArns: " + partner + " is of another account, to which EndpointPolicy=Account closes the endpoints"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the answer %v lacks %q", err, want)
		}
	}
	if calls := s.gate.Calls(); len(calls) > 0 {
		t.Errorf("%d calls were made, want none", len(calls))
	}
}

func TestGuardsThatCannotBeReadAreAReason(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	s.othersBy = errorcode.Needing("ssm:GetParametersByPath", errors.New("no answer"))
	if _, err := s.handle(cfnresponse.Create); err == nil || !strings.Contains(err.Error(), "ssm:GetParametersByPath has no answer") {
		t.Errorf("the adoption returned %v, want why the other guards are not known", err)
	}
}

func TestWrongPropertiesAreAllNamed(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	_, err := s.handle(cfnresponse.Create, "BucketNames", "", "VpcEndpointIds", "vpce-x", "EndpointPolicy", "All", "PolicyMode", "Some",
		"Enforcement", "Maybe", "RestoreOnDelete", "", "AdoptionNumber", "1.5", "AllowAwsServices", "yes")
	for _, want := range []string{"BucketNames", "VpcEndpointIds", "EndpointPolicy", "PolicyMode", "Enforcement", "RestoreOnDelete", "AdoptionNumber", "AllowAwsServices"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the answer %v does not name %s", err, want)
		}
	}
	if calls := s.gate.Calls(); len(calls) > 0 {
		t.Errorf("%d calls were made, want none", len(calls))
	}
}

func TestARequestForAnotherStackIsRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	for _, kind := range []string{cfnresponse.Create, cfnresponse.Update, cfnresponse.Delete} {
		_, err := s.adoption.Handle(t.Context(), cfnresponse.Request{RequestType: kind, StackID: dataStack}, func(string) {})
		if err == nil || len(s.gate.Calls()) > 0 {
			t.Errorf("%s for another stack: %v after %d calls, want a refusal", kind, err, len(s.gate.Calls()))
		}
	}
}

// Who may invoke the function, but may not deploy the stack, could otherwise choose when a number is first used, or a bucket first seen.
func TestARequestOutsideOfADeploymentStoresNothing(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_FAILED"} {
		s := newScene(t, everything)
		s.status = status
		for _, kind := range []string{cfnresponse.Create, cfnresponse.Update} {
			_, err := s.handle(kind, "AdoptionNumber", "2")
			if err == nil || !strings.Contains(err.Error(), status) {
				t.Errorf("%s while the stack is %s: %v, want a refusal", kind, status, err)
			}
		}
		if calls := s.gate.Calls(); len(calls) > 0 {
			t.Errorf("%d calls while the stack is %s, want none", len(calls), status)
		}
	}
}

// A deployment does not depend on CloudFormation's answer.
func TestAnUnknownStatusOfTheStackStopsNoAdoption(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	s.adoption.Stack = func(context.Context) (guard.StackState, error) {
		return guard.StackState{}, errors.New("Rate exceeded")
	}
	if document, _ := s.adopt(cfnresponse.Create); len(document.Buckets) != 3 {
		t.Errorf("%d buckets were adopted, want 3", len(document.Buckets))
	}
}

func TestARequestThatArrivesTwiceIsAnsweredTheSameAndStoredOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	references := make([]string, 4)
	var requests sync.WaitGroup
	for i := range references {
		requests.Go(func() {
			result, err := s.handle(cfnresponse.Create)
			if err != nil {
				t.Error(err)
			}
			references[i] = result.Data["Document"]
		})
	}
	requests.Wait()
	if slices.Sort(references); len(slices.Compact(slices.Clone(references))) != 1 || references[0] == "" {
		t.Errorf("the answers are %q, want the same one", references)
	}
	if versions, keys := s.store.Versions(state), s.store.Keys(state); versions != len(keys) {
		t.Errorf("%d versions of %d objects, want one of each", versions, len(keys))
	}
}

func TestALaterDeploymentKeepsTheFirstBeforeImage(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	_, first := s.adopt(cfnresponse.Create)
	s.enforce()
	s.status = "UPDATE_IN_PROGRESS"
	if _, again := s.adopt(cfnresponse.Update); again != first {
		t.Errorf("an update without a change has the document %s, want %s", again, first)
	}
	// Somebody who can write to the state bucket cannot replace what was stored, nor hide it.
	key := adoption.ImageKey("data-open")
	_, err := s.admin.DeleteObject(t.Context(), &s3sdk.DeleteObjectInput{Bucket: ptr(state), Key: &key})
	s.must(err)
	s.must(s.store.CreateBucket("data-new", ""))
	document, reference := s.adopt(cfnresponse.Update, "BucketNames", "data-*,data-clean")
	if reference == first || len(document.Buckets) != 4 {
		t.Errorf("the update adopted %+v", document.Buckets)
	}
	s.image("data-new")
	if _, found := s.store.Object(state, key); found {
		t.Error("a hidden before-image was written anew")
	}
	if image := s.image("data-terraform"); image.Canonical != canonical(ownPolicy) {
		t.Errorf("the before-image is now %s", image.Policy)
	}
}

func ptr[T any](v T) *T { return &v }

// TestADeploymentAcceptsNoChangeOfAnEndpointUnlessItIsTold attacks the endpoint between two deployments.
func TestADeploymentAcceptsNoChangeOfAnEndpointUnlessItIsTold(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	first, reference := s.adopt(cfnresponse.Create)
	_, err := s.network.Authorize(s.group, ec2.Rule{Protocol: "-1", FromPort: -1, ToPort: -1, CIDR: "0.0.0.0/0"})
	s.must(err)
	s.must(s.network.ModifyEndpoint(s.endpoint.ID, ec2.EndpointChange{Policy: `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`}))
	s.status = "UPDATE_IN_PROGRESS"
	if _, again := s.adopt(cfnresponse.Update); again != reference {
		t.Errorf("an update without a change has the document %s, want %s", again, reference)
	}
	changed, _ := s.adopt(cfnresponse.Update, "Enforcement", "Observe", "AllowedCidrs", "192.0.2.0/24", "BucketNames", "data-clean")
	if diff := cmp.Diff(first.Endpoints, changed.Endpoints); diff != "" {
		t.Errorf("an update with other parameters accepts (-before +after):\n%s", diff)
	}
	accepted, _ := s.adopt(cfnresponse.Update, "AdoptionNumber", "2")
	if len(accepted.Endpoints[0].Ingress) != 2 || accepted.Endpoints[0].Policy == first.Endpoints[0].Policy {
		t.Errorf("a higher number accepts %+v, want what is found now", accepted.Endpoints[0])
	}
	if !strings.Contains(s.lines.String(), "accepted again") {
		t.Error("the log does not say what was accepted")
	}
	// Its rollback goes back to what was accepted before.
	if _, back := s.adopt(cfnresponse.Update, "AdoptionNumber", "1"); back != reference {
		t.Errorf("the rollback has the document %s, want %s", back, reference)
	}
}

// TestAnAcceptanceDoesNotTakeTheGuardsPolicyForTheOwners finds the policy that the guard writes, when an endpoint is accepted anew. Its
// owner may have written the same text (guard render prints it), but not if the guard does.
func TestAnAcceptanceDoesNotTakeTheGuardsPolicyForTheOwners(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first, later string
		enforcement  string
		owners       bool // the policy found is the owner's
	}{
		"the guard writes it":         {"Account", "Account", "Enforce", false},
		"the guard wrote it":          {"Account", "Keep", "Enforce", false},
		"the guard never writes it":   {"Keep", "Keep", "Enforce", true},
		"the guard never wrote":       {"Account", "Account", "Observe", true},
		"the guard is about to do so": {"Keep", "Account", "Observe", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, everything)
			first, _ := s.adopt(cfnresponse.Create, "EndpointPolicy", c.first, "Enforcement", c.enforcement)
			written := s.lock("EndpointPolicy", "Account").EndpointPolicy()
			s.must(s.network.ModifyEndpoint(s.endpoint.ID, ec2.EndpointChange{Policy: written}))
			s.status, s.old = "UPDATE_IN_PROGRESS", []string{"EndpointPolicy", c.first}
			again, _ := s.adopt(cfnresponse.Update, "EndpointPolicy", c.later, "Enforcement", c.enforcement, "AdoptionNumber", "2")
			want := first.Endpoints[0].Policy
			if c.owners {
				want = written
			}
			if got := again.Endpoints[0].Policy; canonical(got) != canonical(want) {
				t.Errorf("the owner's policy is now %s, want %s", got, want)
			}
		})
	}
}

func TestARollbackOfAnUpdateIsNotRefused(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	s.adopt(cfnresponse.Create, "BucketNames", "data-open,data-clean")
	s.must(s.store.DeleteBucket("data-clean"))
	s.status = "UPDATE_IN_PROGRESS"
	if _, err := s.handle(cfnresponse.Update, "BucketNames", "data-open,data-clean"); err == nil {
		t.Error("an update without one of its buckets succeeds")
	}
	s.status = "UPDATE_ROLLBACK_IN_PROGRESS"
	document, _ := s.adopt(cfnresponse.Update, "BucketNames", "data-open,data-clean,data-none")
	if want := []adoption.Bucket{{Name: "data-clean"}, {Name: "data-open"}}; !slices.Equal(document.Buckets, want) {
		t.Errorf("the rollback adopts %+v, want %+v", document.Buckets, want)
	}
}

func TestTheStateBucketIsNotAdopted(t *testing.T) {
	t.Parallel()
	s := newScene(t, everything)
	document, _ := s.adopt(cfnresponse.Create, "BucketNames", "*", "ExcludedBucketNames", "data-t*")
	if want := []adoption.Bucket{{Name: "data-clean"}, {Name: "data-open"}}; !slices.Equal(document.Buckets, want) {
		t.Errorf("adopted %+v, want %+v", document.Buckets, want)
	}
}

func TestThePhysicalIDNeverChanges(t *testing.T) {
	t.Parallel()
	create := cfnresponse.Request{RequestType: cfnresponse.Create, StackID: stackID, LogicalResourceID: "Adoption", ResourceProperties: []byte(`{"BucketNames":"a"}`)}
	update := create
	update.RequestType, update.LogicalResourceID, update.ResourceProperties = cfnresponse.Update, "Other", []byte(`{}`)
	if a, b := adopt.PhysicalID(create), adopt.PhysicalID(update); a != b || a == "" {
		t.Errorf("the id is %q, then %q: CloudFormation would delete the first", a, b)
	}
	remove := create
	remove.RequestType, remove.PhysicalResourceID = cfnresponse.Delete, "an-earlier-id"
	if got := adopt.PhysicalID(remove); got != "an-earlier-id" {
		t.Errorf("the answer to a Delete has the id %q", got)
	}
}

// TestManyBucketsAreReadWithABound adopts a thousand buckets by a pattern.
func TestManyBucketsAreReadWithABound(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		const many, most = 1000, 16 * 4
		for i := range many {
			s.must(s.store.CreateBucket(fmt.Sprintf("many-%04d", i), ""))
		}
		s.gate.ResetCalls()
		s.gate.SetLatency(30 * time.Millisecond)
		document, _ := s.adopt(cfnresponse.Create, "BucketNames", "many-*")
		calls := s.gate.Calls()
		if len(document.Buckets) != many {
			t.Errorf("%d buckets adopted, want %d", len(document.Buckets), many)
		}
		for i, c := range calls {
			// Calls are in the order in which they began: of those before, only the latest can overlap.
			atOnce := 1
			for _, earlier := range calls[max(0, i-2*most):i] {
				if earlier.Ended.After(c.Began) {
					atOnce++
				}
			}
			if atOnce > most {
				t.Fatalf("%d calls at a time, want at most %d", atOnce, most)
			}
		}
		// Four reads and a write for each bucket, and a few for all.
		if want := 5*many + 20; len(calls) > want {
			t.Errorf("%d calls, want at most %d", len(calls), want)
		}
	})
}
