package localaws_test

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws"
	cfn "example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// outerTemplate is a stack with a bucket, the application Guard and an alarm that depends on it.
const outerTemplate = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Kept: {Type: String, Default: "true"}
  Days: {Type: String, Default: "7"}
  Text: {Type: String, Default: first}
Conditions:
  Guarded: !Equals [!Ref Kept, "true"]
Resources:
  Bucket: {Type: AWS::S3::Bucket}
  Guard:
    Type: AWS::Serverless::Application
    Condition: Guarded
    Properties:
      Location: inner.yaml
      Parameters: {Bucket: !Ref Bucket, Days: !Ref Days}
  Note:
    Type: AWS::SSM::Parameter
    Condition: Guarded
    Properties: {Type: String, Value: !GetAtt Guard.Outputs.Topic}
  Own:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Ref Text}
`

// innerTemplate is the application. Its role's name is generated; its state bucket can be made to fail.
const innerTemplate = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  Bucket: {Type: String}
  Days: {Type: Number}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {}}
  Topic: {Type: AWS::SNS::Topic}
  State: {Type: AWS::S3::Bucket}
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/guard/${AWS::StackName}", RetentionInDays: !Ref Days}
Outputs:
  Topic: {Value: !Ref Topic}
`

// nestedPlan plans outerTemplate with an application.
func nestedPlan(t *testing.T, inner string, parameters map[string]string) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.LoadFS(fstest.MapFS{
		"outer.yaml": &fstest.MapFile{Data: []byte(outerTemplate)}, "inner.yaml": &fstest.MapFile{Data: []byte(inner)},
	}, "outer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return planned(t, template, parameters)
}

// statuses returns the changes of all stacks' statuses from now on, as "NAME STATUS", with the nested stack as "Guard".
func statuses(c *localaws.Cloud) *[]string {
	var all []string
	c.CloudFormation.OnStatus(func(e cfn.StackEvent) {
		name := "parent"
		if e.Stack.ParentID != "" {
			name = "Guard"
		}
		all = append(all, name+" "+e.Stack.Status)
	})
	return &all
}

func TestNestedStackIsDeployedAndDeletedWithItsParent(t *testing.T) {
	c := cloud(t)
	seen := statuses(c)
	s := deploy(t, c, nestedPlan(t, innerTemplate, nil))
	inner := s.Nested("Guard")
	if inner.Parent() != s || inner.Status() != "CREATE_COMPLETE" || !strings.HasPrefix(inner.Name(), s.Name()+"-Guard-") {
		t.Fatalf("the nested stack is %s, %s, want one of the parent %s that is complete", inner.Name(), inner.Status(), s.Name())
	}
	if s.Physical("Guard") != inner.ID() || s.Physical("Topic") != inner.Physical("Topic") || s.Physical("Note") == "" {
		t.Errorf("Guard is %q and Topic %q, want %q and %q", s.Physical("Guard"), s.Physical("Topic"), inner.ID(), inner.Physical("Topic"))
	}
	if got, want := s.Attribute("Guard", "Outputs.Topic"), inner.Physical("Topic"); got != want || want == "" {
		t.Errorf("GetAtt Guard.Outputs.Topic = %q, want %q", got, want)
	}
	if got := s.LogicalID(s.Physical("Topic")); got != "Topic" || s.LogicalID("other") != "" {
		t.Errorf("the logical id of the nested topic is %q, want Topic, and none for another name", got)
	}
	if got := s.Physical("Role"); !strings.HasPrefix(got, inner.Name()+"-Role-") || len(got) > 64 {
		t.Errorf("the role's name is %s, want the nested stack's, Role and a suffix, at most 64 characters", got)
	}
	if got, want := s.Physical("Group"), "/guard/"+inner.Name(); got != want {
		t.Errorf("the log group is %s, want %s", got, want)
	}
	tags := map[string]string{}
	state := s.Physical("State")
	for _, tag := range localtest.Must(s3As(c, c.Admin(), c.Internet()).GetBucketTagging(t.Context(), &s3.GetBucketTaggingInput{Bucket: &state}))(t).TagSet {
		tags[*tag.Key] = *tag.Value
	}
	if tags["aws:cloudformation:stack-id"] != inner.ID() || tags["aws:cloudformation:stack-name"] != inner.Name() {
		t.Errorf("the tags of the nested bucket are %v, want those of %s", tags, inner.ID())
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkGone(t, c, s)
	want := []string{
		"parent CREATE_IN_PROGRESS", "Guard CREATE_IN_PROGRESS", "Guard CREATE_COMPLETE", "parent CREATE_COMPLETE",
		"parent DELETE_IN_PROGRESS", "Guard DELETE_IN_PROGRESS", "Guard DELETE_COMPLETE", "parent DELETE_COMPLETE",
	}
	if diff := cmp.Diff(want, *seen); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestNestedStackIsDescribedAsOneResource(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, nestedPlan(t, innerTemplate, nil))
	inner := s.Nested("Guard")
	api := cloudformation.NewFromConfig(c.Config(c.Admin(), c.Internet()))
	id := inner.ID()
	described := localtest.Must(api.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &id}))(t).Stacks[0]
	if *described.ParentId != s.ID() || *described.RootId != s.ID() || *described.StackName != inner.Name() {
		t.Errorf("the nested stack is %s of %s, root %s; want %s of %s", *described.StackName, *described.ParentId, *described.RootId, inner.Name(), s.ID())
	}
	parameters := map[string]string{}
	for _, p := range described.Parameters {
		parameters[*p.ParameterKey] = *p.ParameterValue
	}
	if diff := cmp.Diff(map[string]string{"Bucket": s.Physical("Bucket"), "Days": "7"}, parameters); diff != "" {
		t.Errorf("parameters of the nested stack (-want +got):\n%s", diff)
	}
	for stack, want := range map[string]map[string]string{
		s.Name():     {"Bucket": "AWS::S3::Bucket", "Guard": "AWS::CloudFormation::Stack", "Note": "AWS::SSM::Parameter", "Own": "AWS::SSM::Parameter"},
		inner.Name(): {"Role": "AWS::IAM::Role", "Topic": "AWS::SNS::Topic", "State": "AWS::S3::Bucket", "Group": "AWS::Logs::LogGroup"},
	} {
		got := map[string]string{}
		for _, r := range localtest.Must(api.ListStackResources(t.Context(), &cloudformation.ListStackResourcesInput{StackName: &stack}))(t).StackResourceSummaries {
			got[*r.LogicalResourceId] = *r.ResourceType
			if *r.LogicalResourceId == "Guard" && *r.PhysicalResourceId != id {
				t.Errorf("the physical id of the nested stack is %s, want %s", *r.PhysicalResourceId, id)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ListStackResources of %s (-want +got):\n%s", stack, diff)
		}
	}
}

func TestNestedStackIsUpdatedWhenItChanges(t *testing.T) {
	const larger = innerTemplate + "  Again: {Value: !Ref State}\n"
	for name, test := range map[string]struct {
		inner      string
		parameters map[string]string
		want       []string
	}{
		"only the parent changes": {innerTemplate, map[string]string{"Text": "second"}, nil},
		"a parameter changes":     {innerTemplate, map[string]string{"Days": "30"}, []string{"Guard UPDATE_IN_PROGRESS", "Guard UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Guard UPDATE_COMPLETE"}},
		"the template changes":    {larger, nil, []string{"Guard UPDATE_IN_PROGRESS", "Guard UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "Guard UPDATE_COMPLETE"}},
		"the parent removes it":   {innerTemplate, map[string]string{"Kept": "false"}, []string{"Guard DELETE_IN_PROGRESS", "Guard DELETE_COMPLETE"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloud(t)
			s := deploy(t, c, nestedPlan(t, innerTemplate, nil))
			id := s.Physical("Guard")
			seen := statuses(c)
			if err := s.Update(t.Context(), nestedPlan(t, test.inner, test.parameters)); err != nil {
				t.Fatal(err)
			}
			want := slices.Concat([]string{"parent UPDATE_IN_PROGRESS"}, test.want, []string{"parent UPDATE_COMPLETE"})
			cleaned := slices.DeleteFunc(*seen, func(one string) bool { return one == "parent UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" })
			if diff := cmp.Diff(want, cleaned); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if got := s.Physical("Guard"); s.Has("Guard") && got != id {
				t.Errorf("the nested stack is %s after the update, want %s", got, id)
			}
			if got := s.Has("Role"); got == (test.parameters["Kept"] == "false") {
				t.Errorf("the parent finds the role of the nested stack: %v", got)
			}
		})
	}
}

func TestNestedStackThatIsCreatedAgainHasAnotherID(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, nestedPlan(t, innerTemplate, nil))
	before := s.Physical("Guard")
	for _, kept := range []string{"false", "true"} {
		if err := s.Update(t.Context(), nestedPlan(t, innerTemplate, map[string]string{"Kept": kept})); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Physical("Guard"); got == before || s.Nested("Guard").Status() != "CREATE_COMPLETE" {
		t.Errorf("the second nested stack is %s, %s; want another than %s, complete", got, s.Nested("Guard").Status(), before)
	}
	if err := s.Update(t.Context(), nestedPlan(t, innerTemplate, map[string]string{"Days": "30"})); err != nil || s.Physical("Guard") == before {
		t.Errorf("its update = %v with the id %s, want none and its own id", err, s.Physical("Guard"))
	}
}

// unknown is a resource that the local AWS cannot create.
const unknown = "  Odd: {Type: AWS::Odd::Thing, DependsOn: [Topic, Role, State, Group]}\nOutputs:"

func TestFailureInANestedStackFailsItsParent(t *testing.T) {
	broken := strings.Replace(innerTemplate, "Outputs:", unknown, 1)
	c := cloud(t)
	seen := statuses(c)
	_, err := c.Deploy(t.Context(), nestedPlan(t, broken, nil), ending)
	if err == nil || !strings.Contains(err.Error(), "creating Guard: embedded stack ") || !strings.Contains(err.Error(), "creating Odd: ") {
		t.Errorf("Deploy = %v, want that Odd of the embedded stack could not be created", err)
	}
	want := []string{
		"parent CREATE_IN_PROGRESS", "Guard CREATE_IN_PROGRESS", "Guard CREATE_FAILED",
		"parent ROLLBACK_IN_PROGRESS", "Guard DELETE_IN_PROGRESS", "Guard DELETE_COMPLETE", "parent ROLLBACK_COMPLETE",
	}
	if diff := cmp.Diff(want, *seen); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if left := c.Leftovers(); len(left) > 0 {
		t.Errorf("%q are left, want nothing", left)
	}
	s := deploy(t, cloud(t), nestedPlan(t, innerTemplate, nil))
	if err := s.Update(t.Context(), nestedPlan(t, broken, nil)); err == nil || !strings.Contains(err.Error(), "embedded stack") {
		t.Errorf("Update = %v, want that the embedded stack could not be updated", err)
	}
	if s.Status() != "UPDATE_FAILED" || s.Nested("Guard").Status() != "UPDATE_FAILED" {
		t.Errorf("the stacks are %s and %s, want UPDATE_FAILED both", s.Status(), s.Nested("Guard").Status())
	}
}

func TestNestedStackIsNotLeftInCleanupWhenItsParentFails(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, nestedPlan(t, innerTemplate, nil))
	failing := strings.Replace(outerTemplate, "  Own:", "  Odd: {Type: AWS::Odd::Thing, DependsOn: Guard}\n  Own:", 1)
	template, err := samtemplate.LoadFS(fstest.MapFS{
		"outer.yaml": &fstest.MapFile{Data: []byte(failing)}, "inner.yaml": &fstest.MapFile{Data: []byte(innerTemplate)},
	}, "outer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), planned(t, template, map[string]string{"Days": "30"})); err == nil {
		t.Fatal("Update = nil, want an error")
	}
	if got := s.Nested("Guard").Status(); got != "UPDATE_FAILED" {
		t.Errorf("the nested stack is %s, want UPDATE_FAILED", got)
	}
}

func TestNestedStackThatCannotBeDeletedKeepsWhatItDependsOn(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, nestedPlan(t, innerTemplate, nil))
	state := s.Physical("State")
	if err := c.S3.Put(state, "kept.txt", []byte("text")); err != nil {
		t.Fatal(err)
	}
	err := s.Delete(t.Context())
	if err == nil || s.Status() != "DELETE_FAILED" || s.Nested("Guard").Status() != "DELETE_FAILED" || !s.Has("Bucket") {
		t.Fatalf("Delete = %v with %s and %s, want DELETE_FAILED both, and the bucket on which Guard depends", err, s.Status(), s.Nested("Guard").Status())
	}
	if err := s.Delete(t.Context(), "Guard"); err != nil || s.Status() != "DELETE_COMPLETE" {
		t.Errorf("Delete that retains Guard = %v with %s, want DELETE_COMPLETE", err, s.Status())
	}
	if left := c.Leftovers(); !slices.Contains(left, "bucket "+state) {
		t.Errorf("%q are left, want the bucket %s", left, state)
	}
}

func TestNestedStackTakesTheTimeOfItsResources(t *testing.T) {
	takes := map[string]time.Duration{"AWS::S3::Bucket": 10 * time.Second, "AWS::SNS::Topic": time.Minute}
	c := localtest.Must(localaws.New(localaws.Options{Takes: func(resourceType string) time.Duration { return takes[resourceType] }}))(t)
	t.Cleanup(func() { _ = c.Close() })
	began := c.Clock.Now()
	deploy(t, c, nestedPlan(t, innerTemplate, nil))
	if got, want := c.Clock.Now().Sub(began).Truncate(time.Second), 70*time.Second; got != want {
		t.Errorf("the deployment took %s, want %s: the bucket, then the topic of the nested stack", got, want)
	}
}
