package endtoend_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// left returns what is left of stacks: all that did not exist before them.
func (s *estate) left(existing []string) []string {
	return slices.DeleteFunc(s.Leftovers(), func(name string) bool { return slices.Contains(existing, name) })
}

// leftState returns what is stored in the only thing that a creation left: its state bucket. It fails the test if more is left.
func (s *estate) leftState(existing []string) []string {
	s.Helper()
	left := s.left(existing)
	if len(left) != 1 || !strings.HasPrefix(left[0], "bucket ") {
		s.Fatalf("the creation left %q, want its state bucket only", left)
	}
	return s.S3.Keys(strings.TrimPrefix(left[0], "bucket "))
}

// deletes deletes the stack, and fails the test unless only its state bucket remains of it.
func (s *estate) deletes(existing []string) {
	s.Helper()
	state := s.stack.Physical("StateBucket")
	s.must(s.stack.Delete(s.Context()))
	s.rest()
	if left, want := s.left(existing), []string{"bucket " + state}; !slices.Equal(left, want) {
		s.Errorf("the stack left %q, want %q", left, want)
	}
}

func TestADeletionWithRestoreOnDeletePutsEverythingBack(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"Keep", "Account"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			s := found(t, cloudtest.New(t, localaws.Options{}))
			existing := s.Leftovers()
			p := parameters{"RestoreOnDelete": "true", "EndpointPolicy": policy}
			s.must(s.adopts(p))
			s.updates(p.and("Enforcement", "Enforce"))
			s.sweep()
			s.allLocked()
			s.deletes(existing)
			s.isAsBefore()
		})
	}
}

// Without RestoreOnDelete, a deletion opens nothing.
func TestADeletionWithoutRestoreOnDeleteLeavesTheLock(t *testing.T) {
	t.Parallel()
	s := found(t, cloudtest.New(t, localaws.Options{}))
	existing := s.Leftovers()
	s.must(s.adopts(parameters{"Enforcement": "Enforce"}))
	s.sweep()
	s.deletes(existing)
	s.allLocked()
}

// A guard that only observed leaves nothing behind, whatever it was told to restore.
func TestADeletionAfterObservingChangesNothing(t *testing.T) {
	t.Parallel()
	s := found(t, cloudtest.New(t, localaws.Options{}))
	existing := s.Leftovers()
	s.must(s.adopts(parameters{"RestoreOnDelete": "true"}))
	s.Gate.ResetCalls()
	s.deletes(existing)
	s.isAsBefore()
	if got := s.wrote(); len(got) > 0 {
		t.Errorf("the deletion made the calls %q, want none that writes: nothing had been written", got)
	}
}

// The adoption refuses before anything is stored, and the creation leaves an empty bucket.
func TestARefusedAdoptionStoresNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p    parameters
		want []string
	}{
		"no such bucket":            {parameters{"BucketNames": "acme-clean,acme-missing"}, []string{"acme-missing"}},
		"no such endpoint":          {parameters{"VpcEndpointIds": "vpce-0ffffffffffffffff"}, []string{"vpce-0ffffffffffffffff"}},
		"both":                      {parameters{"BucketNames": "acme-missing", "VpcEndpointIds": "vpce-0ffffffffffffffff"}, []string{"acme-missing", "vpce-0ffffffffffffffff"}},
		"a bucket twice":            {parameters{"BucketNames": "acme-clean,acme-clean"}, []string{"given twice"}},
		"a bucket that is excluded": {parameters{"BucketNames": "acme-clean", "ExcludedBucketNames": "acme-*"}, []string{"also excluded"}},
		"private networks":          {parameters{"AllowedCidrs": "10.0.0.0/8"}, []string{"AllowedCidrs"}},
		"another partition's role":  {parameters{"WorkloadRoleArns": "arn:aws-cn:iam::111122223333:role/app"}, []string{"partition"}},
		"too many names and roles": {parameters{"BucketNames": "acme-clean," + longNames(30), "ExemptRoleArns": "arn:aws:iam::111122223333:role/" + strings.Repeat("a", 600)},
			[]string{"characters together"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := found(t, cloudtest.New(t, localaws.Options{}))
			existing := s.Leftovers()
			err := s.adopts(c.p)
			if err == nil {
				t.Fatal("the adoption accepted it")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the adoption was refused because of %v, want %q in it", err, want)
				}
			}
			s.isAsBefore()
			if stored := s.leftState(existing); len(stored) > 0 {
				t.Errorf("the refused creation stored %q, want nothing", stored)
			}
		})
	}
}

// A creation that fails after the adoption is rolled back completely, without losing what was stored, and can be tried again.
func TestACreationThatFailsAfterTheAdoptionCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../guard.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const tooLong = "\n  TooLong:\n    Type: AWS::SSM::Parameter\n    DependsOn: BucketRule\n    Properties: {Type: String, Value: %s}\n"
	failing, err := samtemplate.Parse(bytes.Replace(text, []byte("\nResources:\n"), fmt.Appendf(nil, "\nResources:\n"+tooLong, strings.Repeat("x", 4097)), 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, enforcement := range []string{"Observe", "Enforce"} {
		t.Run(enforcement, func(t *testing.T) {
			t.Parallel()
			s := found(t, cloudtest.New(t, localaws.Options{}))
			existing := s.Leftovers()
			p := parameters{"Enforcement": enforcement, "RestoreOnDelete": "true"}
			const id = "arn:aws:cloudformation:eu-central-1:111122223333:stack/guard/0f0f0f0f-0000-4000-8000-000000000009"
			plan, err := failing.Plan(samtemplate.Options{Parameters: s.answers(p), StackName: "guard", StackID: id})
			s.must(err)
			done := deploys()
			failed, err := s.Deploy(t.Context(), plan, built.Path)
			done()
			if err == nil || !strings.Contains(err.Error(), "TooLong") {
				t.Fatalf("the creation ended with %v, want an error about TooLong", err)
			}
			if got := failed.Status(); got != "ROLLBACK_COMPLETE" {
				t.Fatalf("the stack is %s, want ROLLBACK_COMPLETE", got)
			}
			s.isAsBefore()
			stored := s.leftState(existing)
			for _, name := range guardedBuckets {
				if !slices.Contains(stored, "before/"+name+".json") {
					t.Errorf("the bucket that is left holds %q, want the before-image of %s", stored, name)
				}
			}
			s.must(failed.Delete(t.Context()))
			if now := s.leftState(existing); !slices.Equal(now, stored) {
				t.Errorf("after the deletion the bucket holds %q, want %q", now, stored)
			}
			existing = s.Leftovers()
			s.must(s.adopts(p))
			s.deletes(existing)
			s.isAsBefore()
		})
	}
}

// longNames returns n different names of 50 characters, with commas between them.
func longNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat("m", 48) + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ",")
	}
	return strings.TrimSuffix(b.String(), ",")
}

// A later adoption keeps the first before-image: an update adopts what the guard has written.
func TestALaterAdoptionKeepsTheFirstState(t *testing.T) {
	t.Parallel()
	s := found(t, cloudtest.New(t, localaws.Options{}))
	existing := s.Leftovers()
	p := parameters{"RestoreOnDelete": "true", "Enforcement": "Enforce"}
	s.must(s.adopts(p))
	s.sweep()
	s.allLocked()
	s.updates(p.and("AdoptionNumber", "2"))
	s.deletes(existing)
	s.isAsBefore()
}

// The lock must not shut out who manages the buckets, and CloudFormation in their name.
func TestManagersAndDeployersAreNotLockedOut(t *testing.T) {
	t.Parallel()
	const manager = "arn:aws:iam::111122223333:role/terraform"
	s := found(t, cloudtest.New(t, localaws.Options{}))
	_, err := s.IAM.CreateRole("terraform", map[string]string{"all": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`})
	s.must(err)
	p := parameters{"ManagementRoleArns": manager, "AllowAwsServices": "false"}
	s.must(s.adopts(p))
	s.updates(p.and("Enforcement", "Enforce"))
	s.sweep()
	s.allLocked()
	for name, caller := range map[string]api.Caller{"the manager": s.IAM.Session("terraform", "apply"), "CloudFormation": s.Deployer()} {
		client := s3As(s.Cloud, caller)
		if _, err := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: aws.String(clean)}); err != nil {
			t.Errorf("%s cannot see that the bucket exists: %v", name, err)
		}
		if _, err := client.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: aws.String(clean)}); err != nil {
			t.Errorf("%s cannot read the policy: %v", name, err)
		}
		if _, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(clean), Key: aws.String("report.txt")}); err == nil {
			t.Errorf("%s reads objects from outside", name)
		}
	}
}

// combination is one of the ways to put the guard before the estate.
type combination struct{ buckets, endpoints, enforcement, mode, endpointPolicy string }

// combinations returns the matrix over the parameters: of the values of which buckets, which endpoints, and what is enforced how, each two
// occur together. The endpoints' policy goes with the endpoints.
func combinations() []combination {
	buckets := []string{"acme-clean", "acme-clean,acme-open,acme-terraform", "acme-*"}
	endpoints := []struct{ which, policy string }{{"interface", "Keep"}, {"gateway", "Account"}, {"both", "Buckets"}}
	how := []struct{ enforcement, mode string }{{"Observe", "AtLeast"}, {"Enforce", "AtLeast"}, {"Enforce", "Exact"}}
	var all []combination
	for i, b := range buckets {
		for j, e := range endpoints {
			h := how[(i+j)%len(how)]
			all = append(all, combination{b, e.which, h.enforcement, h.mode, e.policy})
		}
	}
	return all
}

// Whatever the combination: nothing but the selected buckets changes, only under Enforce; a bucket that is created later is guarded if a
// pattern matches it; managers and deployers are not locked out; the deletion with RestoreOnDelete brings everything back.
func TestEveryCombinationChangesOnlyWhatItSays(t *testing.T) {
	t.Parallel()
	selections := map[string][]string{
		"acme-clean":                          {clean},
		"acme-clean,acme-open,acme-terraform": guardedBuckets,
		"acme-*":                              guardedBuckets,
	}
	const manager, created = "arn:aws:iam::111122223333:role/terraform", "acme-created"
	for _, c := range combinations() {
		t.Run(strings.Join([]string{c.buckets, c.endpoints, c.enforcement, c.mode}, "/"), func(t *testing.T) {
			t.Parallel()
			s := found(t, cloudtest.New(t, localaws.Options{}))
			_, err := s.IAM.CreateRole("terraform", map[string]string{"all": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`})
			s.must(err)
			existing := s.Leftovers()
			ids := map[string]string{"interface": s.endpoint, "gateway": s.gateway, "both": s.endpoint + "," + s.gateway}[c.endpoints]
			s.must(s.adopts(parameters{
				"BucketNames": c.buckets, "VpcEndpointIds": ids, "Enforcement": c.enforcement, "PolicyMode": c.mode,
				"EndpointPolicy": c.endpointPolicy, "RestoreOnDelete": "true", "ManagementRoleArns": manager,
			}))
			s.must(s.creates(created))
			s.rest()
			s.Events.Sweep()
			s.rest()
			enforced := c.enforcement == "Enforce"
			now := s.all()
			for name, before := range s.before {
				selected := slices.Contains(selections[c.buckets], name) || strings.Contains(ids, name) && c.endpointPolicy != "Keep"
				if changed := now[name] != before; changed != (selected && enforced) {
					t.Errorf("%s changed: %t\nfrom %s\nto   %s", name, changed, before, now[name])
				}
			}
			if locked := s.S3.Policy(created) != ""; locked != (enforced && c.buckets == "acme-*") {
				t.Errorf("the bucket that was created later has a policy: %t", locked)
			}
			for _, name := range selections[c.buckets] {
				if enforced {
					s.isLocked(name)
				}
				s.isManaged(name)
			}
			s.must(s.S3.DeleteBucket(created))
			s.deletes(existing)
			s.isAsBefore()
		})
	}
}

// The same of a bucket and an endpoint that template.yaml creates, with the guard as its nested stack: an open bucket is closed only
// under Enforce, the deployer is not locked out, and the deletion leaves nothing.
func TestEveryCombinationOfWhatIsCreatedChangesOnlyWhatItSays(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		for _, enforcement := range []string{"Observe", "Enforce"} {
			t.Run(endpointType+"/"+enforcement, func(t *testing.T) {
				t.Parallel()
				s := deploy(t, p.and("Enforcement", enforcement))
				deployed := s.S3.Policy(s.bucket)
				s.sweep()
				if got := s.S3.Policy(s.bucket); got != deployed || got == "" {
					t.Errorf("the policy is %s, want it as deployed: %s", got, deployed)
				}
				s.must(s.S3.DeletePolicy(s.bucket))
				s.sweep()
				if got := s.S3.Policy(s.bucket); (got != "") != (enforcement == "Enforce") {
					t.Errorf("after the deletion of its policy the bucket has the policy %q", got)
				}
				if _, err := s3As(s.Cloud, s.Deployer()).PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &deployed}); err != nil {
					t.Errorf("CloudFormation cannot write the policy: %v", err)
				}
				s.rest()
				s.must(s.stack.Delete(t.Context()))
				s.isGone()
			})
		}
	}
}

// isManaged fails the test unless the manager and CloudFormation see a bucket, and may read and write its policy.
func (s *estate) isManaged(name string) {
	s.Helper()
	for who, caller := range map[string]api.Caller{"the manager": s.IAM.Session("terraform", "apply"), "CloudFormation": s.Deployer()} {
		client := s3As(s.Cloud, caller)
		if _, err := client.HeadBucket(s.Context(), &s3.HeadBucketInput{Bucket: &name}); err != nil {
			s.Errorf("%s cannot see that %s exists: %v", who, name, err)
		}
		live, err := client.GetBucketPolicy(s.Context(), &s3.GetBucketPolicyInput{Bucket: &name})
		if err == nil {
			_, err = client.PutBucketPolicy(s.Context(), &s3.PutBucketPolicyInput{Bucket: &name, Policy: live.Policy})
		}
		if err != nil && !strings.Contains(err.Error(), "NoSuchBucketPolicy") {
			s.Errorf("%s cannot read and write the policy of %s: %v", who, name, err)
		}
	}
	s.rest()
}

// The references to what was found are fixed: whoever replaces an object in the state bucket changes nothing for the guard.
func TestTheAdoptionDocumentCannotBeReplaced(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	state := s.stack.Physical("StateBucket")
	key := s.stored()[slices.IndexFunc(s.stored(), func(k string) bool { return strings.HasPrefix(k, "adoption/") })]
	_, err := s.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &state, Key: &key, Body: strings.NewReader("{}")})
	if err == nil {
		t.Error("an administrator replaced the adoption document, although the bucket's policy denies it")
	}
	s.must(s.S3.Put(state, key, []byte("{}"))) // as if the policy had been changed
	s.endsAfter(impatience())
	r := s.watch(func() { s.must(s.opensClean()) })
	if len(r.failures()) > 0 {
		t.Errorf("runs failed:\n%s", r.log())
	}
	s.allLocked()
}

// opensClean deletes the policy of a bucket.
func (s *estate) opensClean() error {
	_, err := s.s3.DeleteBucketPolicy(s.Context(), &s3.DeleteBucketPolicyInput{Bucket: aws.String(clean)})
	return err
}

// TestTheGuardsRolesAreExactlyWhatTheFunctionsNeed compares the permissions that all these situations use with the roles.
func TestTheGuardsRolesAreExactlyWhatTheFunctionsNeed(t *testing.T) {
	t.Parallel()
	needs, deleting := map[string][]api.Need{}, false
	s := found(t, cloudtest.New(t, localaws.Options{}))
	collect := func(do func()) {
		s.Gate.ResetCalls()
		do()
		s.rest()
		for _, call := range s.Gate.Calls() {
			for _, role := range []string{"AdoptRole", "RemediateRole", "HealthcheckRole"} {
				if deleting && role != "AdoptRole" { // the last run may meet a role that is gone
					continue
				}
				if strings.Contains(call.Caller, ":assumed-role/guard-"+role+"-") {
					needs[role] = append(needs[role], call.Needs...)
					if call.ErrorCode == "AccessDenied" || call.ErrorCode == "UnauthorizedOperation" {
						t.Errorf("%s: %s was denied", role, call.Operation)
					}
				}
			}
		}
	}
	p := parameters{"RestoreOnDelete": "true", "Enforcement": "Enforce", "EndpointPolicy": "Account"}
	collect(func() { s.must(s.adopts(p)) })
	statements := map[string][]statement{"AdoptRole": s.granted("AdoptRole"), "RemediateRole": s.granted("RemediateRole", "RemediateEndpointPolicy"),
		"HealthcheckRole": s.granted("HealthcheckRole")}
	collect(func() { s.fires("HealthcheckRule") })
	collect(s.sweep)
	for _, attack := range adoptedAttacks {
		collect(func() { s.must(attack(s)) })
	}
	for _, attack := range sweptAttacks {
		s.must(attack(s))
		collect(s.sweep)
	}
	const withACLs = "acme-acl"
	s.must(s.S3.CreateBucket(withACLs, ""))
	s.must(s.S3.PutOwnership(withACLs, "ObjectWriter"))
	collect(func() {
		_, err := s.s3.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(withACLs)})
		s.must(err)
	})
	deleting = true
	collect(func() { s.must(s.stack.Delete(t.Context())) })
	for role, all := range statements {
		for _, st := range all {
			if st.Effect != "Allow" {
				continue
			}
			reason, others := inTheRolesName[st.Sid]
			for _, one := range st.apart() {
				switch taken := slices.ContainsFunc(needs[role], one.covers(t)); {
				case !taken && !others:
					t.Errorf("%s: statement %s allows %v on %v, which is not used", role, one.Sid, one.Action, one.Resource)
				case taken && others:
					t.Errorf("%s: statement %s is used by the function itself, but it is listed because %s", role, one.Sid, reason)
				}
			}
		}
	}
}

// granted returns the statements of a role's inline policies, and of the policies that are resources of their own.
func (s *estate) granted(role string, policies ...string) []statement {
	s.Helper()
	properties, err := s.planned(s.parameters).Properties(role, s.stack)
	s.must(err)
	documents, _ := properties["Policies"].([]any)
	for _, id := range policies {
		properties, err := s.planned(s.parameters).Properties(id, s.stack)
		s.must(err)
		documents = append(documents, properties)
	}
	text, err := json.Marshal(documents)
	s.must(err)
	var read []struct {
		PolicyDocument struct{ Statement []statement }
	}
	s.must(json.Unmarshal(text, &read))
	var all []statement
	for _, p := range read {
		all = append(all, p.PolicyDocument.Statement...)
	}
	return all
}

// A bucket that another stack created is left to it while that stack is changed.
func TestAnOwningStackIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := enforced(t, nil)
	const owner = "arn:aws:cloudformation:eu-central-1:111122223333:stack/owner/0f0f0f0f-0000-4000-8000-000000000002"
	s.CloudFormation.PutStack(cloudformation.Stack{ID: owner, Name: "owner", Status: "UPDATE_IN_PROGRESS"})
	s.must(s.S3.PutTags(clean, map[string]string{"aws:cloudformation:stack-id": owner}))
	r := s.watch(func() { s.must(s.opensClean()) })
	r.wrote(t)
	if len(r.records) != 1 || r.records[0].Message != "standing down" || r.records[0].Owner == nil ||
		r.records[0].Owner.ID != owner || r.records[0].Owner.Status != "UPDATE_IN_PROGRESS" {
		t.Errorf("records %+v, want one that stands down because of the owner's update:\n%s", r.records, r.log())
	}
	s.must(s.CloudFormation.SetStatus(owner, "UPDATE_COMPLETE", ""))
	s.sweep()
	s.allLocked()
}

// Two stacks may name the same bucket while one of them observes; they may not both write different locks to it.
func TestTwoGuardsDoNotWriteToOneBucket(t *testing.T) {
	t.Parallel()
	s := adopted(t, parameters{"Enforcement": "Enforce"})
	s.Events.Sweep()
	s.rest()
	before := s.all()
	other := func(name string, p parameters) *samtemplate.Plan {
		read, err := guardTemplate()
		s.must(err)
		decided, err := read.Plan(samtemplate.Options{Parameters: s.answers(p), StackName: name})
		s.must(err)
		return decided
	}
	differs := parameters{"BucketNames": clean, "AllowAwsServices": "false"}
	if _, err := s.Deploy(t.Context(), other("refused", differs.and("Enforcement", "Enforce")), built.Path); err == nil ||
		!strings.Contains(err.Error(), clean+": the guard of stack guard writes another lock to it") {
		t.Errorf("the second guard was deployed with %v, want a refusal that names the bucket and the first stack", err)
	}
	stack, err := s.Deploy(t.Context(), other("second", differs), built.Path)
	s.must(err)
	if err := stack.Update(t.Context(), other("second", differs.and("Enforcement", "Enforce"))); err == nil || !strings.Contains(err.Error(), "writes another lock") {
		t.Errorf("the second guard was switched on with %v, want a refusal", err)
	}
	s.rest()
	s.Events.Sweep()
	s.rest()
	for name, now := range s.all() {
		if now != before[name] {
			t.Errorf("%s changed from %s to %s", name, before[name], now)
		}
	}
	s.must(s.stack.Delete(t.Context()))
	s.must(stack.Update(t.Context(), other("second", differs.and("Enforcement", "Enforce"))))
	s.rest()
}

// The guard of template.yaml has no adoption that could refuse; it says what it guards, and guard.yaml's refuses.
func TestTheBucketOfTemplateYAMLIsNotGuardedTwice(t *testing.T) {
	t.Parallel()
	s := deployInto(t, localaws.Options{Answer: func(r cloudformation.CustomRequest) (cloudformation.CustomAnswer, bool) {
		answer, ok := created(r)
		return answer, ok && r.ResourceProperties["BucketName"] != nil
	}}, gatewayType)
	read, err := guardTemplate()
	s.must(err)
	second, err := read.Plan(samtemplate.Options{StackName: "second", Parameters: parameters{
		"BucketNames": s.bucket, "VpcEndpointIds": s.endpoint, "Enforcement": "Enforce", "EndpointPolicy": "Account"}})
	s.must(err)
	_, err = s.Deploy(t.Context(), second, built.Path)
	for _, id := range []string{s.bucket, s.endpoint} {
		if want := id + ": the guard of stack s3-endpoint-guard restores the"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("guard.yaml was deployed with %v, want a refusal with %q", err, want)
		}
	}
	s.rest()
	s.isDesired()
}
