package localaws_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/clock"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// emptier is a template with two buckets. A custom resource empties the one that the parameter selects.
const emptier = `
Transform: AWS::Serverless-2016-10-31
Parameters: {Which: {Type: String, Default: First}, Flag: {Type: String, Default: "true"}}
Conditions: {IsFirst: !Equals [!Ref Which, First]}
` + cloudtest.Emptier + `
  First: {Type: AWS::S3::Bucket}
  Second: {Type: AWS::S3::Bucket}
  Emptied:
    Type: Custom::EmptyBucket
    Properties:
      ServiceToken: !GetAtt TeardownFunction.Arn
      ServiceTimeout: 600
      BucketName: !If [IsFirst, !Ref First, !Ref Second]
      EmptyBucketOnDelete: !Ref Flag
      Nested: [{Number: 5, Flag: true}]
`

// emptied returns the plan of the template.
func emptied(t *testing.T, parameters map[string]string) *samtemplate.Plan {
	t.Helper()
	template, err := samtemplate.Parse([]byte(emptier))
	if err != nil {
		t.Fatal(err)
	}
	return planned(t, template, parameters)
}

// request contains the fields of a custom resource's request that the tests check.
type request struct {
	RequestType, PhysicalResourceID, ServiceToken, ResourceType, LogicalResourceID string
	ResourceProperties, OldResourceProperties                                      map[string]any
}

// requests returns the function's requests so far, in order. The function answers before it ends, so that the
// invocation for a later request may end earlier.
func requests(t *testing.T, c *localaws.Cloud) (all []request) {
	t.Helper()
	invocations := c.Lambda.Invocations("")
	slices.SortFunc(invocations, func(a, b lambda.Invocation) int { return a.Began.Compare(b.Began) })
	for _, i := range invocations {
		var r request
		if err := json.Unmarshal(i.Payload, &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// asked returns the types and physical ids of requests.
func asked(all []request) (names []string) {
	for _, r := range all {
		names = append(names, strings.TrimSpace(r.RequestType+" "+r.PhysicalResourceID))
	}
	return names
}

func TestACustomResourceIsAskedAsCloudFormationAsks(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, emptied(t, nil))
	first, second := "emptied-on-delete-"+s.Physical("First"), "emptied-on-delete-"+s.Physical("Second")
	if got := s.Physical("Emptied"); got != first {
		t.Errorf("Ref = %q, want the id from the answer, %q", got, first)
	}
	for _, parameters := range []map[string]string{{"Flag": "false"}, {"Which": "Second"}} {
		if err := s.Update(t.Context(), emptied(t, parameters)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	rest(t, c)
	all := requests(t, c)
	// If the id changes, CloudFormation deletes the old resource after the update (docs/facts.md, CloudFormation).
	want := []string{"Create", "Update " + first, "Update " + first, "Delete " + first, "Delete " + second}
	if got := asked(all); !slices.Equal(got, want) {
		t.Fatalf("requests = %q, want %q", got, want)
	}
	properties := all[0].ResourceProperties
	nested, _ := json.Marshal(properties["Nested"])
	if properties["ServiceTimeout"] != "600" || string(nested) != `[{"Flag":"true","Number":"5"}]` || properties["ServiceToken"] != all[0].ServiceToken {
		t.Errorf("properties = %v, want all numbers and booleans as text, and the token", properties)
	}
	if all[2].OldResourceProperties["EmptyBucketOnDelete"] != "false" || "emptied-on-delete-"+all[2].ResourceProperties["BucketName"].(string) != second {
		t.Errorf("the update has the old properties %v and the new ones %v", all[2].OldResourceProperties, all[2].ResourceProperties)
	}
	if all[3].ResourceProperties["BucketName"] == all[4].ResourceProperties["BucketName"] {
		t.Errorf("the old resource is deleted with the new one's properties %v, want its own", all[3].ResourceProperties)
	}
	checkGone(t, c, s)
}

func TestACustomResourceWithoutAnAnswerFails(t *testing.T) {
	c := cloud(t)
	_, err := c.Deploy(t.Context(), emptied(t, nil), func(string) (string, error) { return "/bin/false", nil })
	if err == nil || !strings.Contains(err.Error(), "CloudFormation did not receive a response from your Custom Resource") {
		t.Errorf("Deploy = %v, want an error that there was no answer", err)
	}
	stack, _ := c.CloudFormation.Stack(emptied(t, nil).Options().StackID)
	if stack.Status != "ROLLBACK_FAILED" { // the Delete request goes to the same function
		t.Errorf("Status = %s, want ROLLBACK_FAILED", stack.Status)
	}
}

func TestACustomResourceIsWaitedForAsLongAsItSays(t *testing.T) {
	stepped := clock.Stepped()
	c, err := localaws.New(localaws.Options{Clock: stepped, Patient: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	done := make(chan error)
	go func() {
		_, err := c.Deploy(t.Context(), emptied(t, nil), func(string) (string, error) { return "/bin/false", nil })
		done <- err
	}()
	for waited := time.Duration(0); ; waited += time.Minute {
		select {
		case err := <-done:
			// Two requests, each with a timeout of ten minutes.
			if waited < 20*time.Minute || err == nil || !strings.Contains(err.Error(), "did not receive a response") {
				t.Errorf("Deploy = %v after %v, want an error after 20 minutes that there was no answer", err, waited)
			}
			return
		default:
			if err := c.Quiesce(localtest.Context(t, "the local AWS to rest")); err != nil {
				t.Fatal(err)
			}
			stepped.Advance(time.Minute)
		}
	}
}

func TestLeftoversNameWhatThereIs(t *testing.T) {
	c := cloud(t)
	if left := c.Leftovers(); len(left) > 0 {
		t.Fatalf("Leftovers = %q before the first stack, want none", left)
	}
	s := deploy(t, c, plan(t, nil))
	rest(t, c)
	kinds := map[string]bool{}
	for _, thing := range c.Leftovers() {
		kind, _, _ := strings.Cut(thing, " ")
		kinds[kind] = true
	}
	for _, want := range []string{"bucket", "network", "role", "function", "topic", "queue", "trail", "rule", "alarm", "dashboard", "parameter", "log", "key", "instance", "policy"} {
		if !kinds[want] {
			t.Errorf("Leftovers contains no %s", want)
		}
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkGone(t, c, s)
}

func TestResourcesCanBeRetainedOfAStackWhoseDeletionFailedOnly(t *testing.T) {
	c := cloud(t)
	s := deploy(t, c, inline(t, "  B: {Type: AWS::S3::Bucket}\n  V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}\n"))
	if err := s.Delete(t.Context(), "B"); err == nil || s.Status() != "CREATE_COMPLETE" {
		t.Errorf("Delete retaining B = %v with status %s, want an error and CREATE_COMPLETE", err, s.Status())
	}
	if err := c.S3.Put(s.Physical("B"), "k", nil); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context()); err == nil {
		t.Error("a bucket with an object was deleted")
	}
	if err := s.Delete(t.Context(), "B"); err != nil || s.Status() != "DELETE_COMPLETE" {
		t.Errorf("Delete retaining B = %v with status %s, want DELETE_COMPLETE", err, s.Status())
	}
	if left := c.Leftovers(); len(left) != 1 || !strings.HasPrefix(left[0], "bucket ") {
		t.Errorf("%q are left, want the bucket", left)
	}
}
