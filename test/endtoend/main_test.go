// Package endtoend_test runs the functions as they are deployed: template.yaml, the bootstraps that make builds from
// functions/…, the Lambda Runtime API, and the local AWS over HTTP. No part of the project is replaced.
//
// A test deploys its own stack (about 20 ms), makes a change, waits until all activity ends, and checks what the
// guard did: its calls, its log, metrics and messages, and the live state.
package endtoend_test

import (
	"context"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// built builds the functions' bootstraps once for all tests.
var built *bootstrap.Builder

// abreast is how many tests run in parallel. Most of them wait for pauses and time-outs, not for a processor.
const abreast = "64"

func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "test.parallel" })
	if !asked {
		_ = flag.Set("test.parallel", abreast)
	}
	cloudtest.Main(m, &built)
}

// template reads template.yaml once.
var template = sync.OnceValues(func() (*samtemplate.Template, error) { return samtemplate.Load("../../template.yaml") })

// plans are the resolved templates, which are immutable, by their partition, Region and parameters.
var plans sync.Map

// parameters are values for the template's parameters; missing ones have their defaults.
type parameters map[string]string

// The two types of endpoint.
var (
	interfaceType = parameters{"EndpointType": "Interface"}
	gatewayType   = parameters{"EndpointType": "Gateway"}
)

// endpointTypes are both types by name.
var endpointTypes = map[string]parameters{"Interface": interfaceType, "Gateway": gatewayType}

// and returns the parameters with one more.
func (p parameters) and(name, value string) parameters {
	more := parameters{name: value}
	for n, v := range p {
		more[n] = v
	}
	return more
}

// plan resolves the template for the tests' default account and Region.
func plan(t testing.TB, p parameters) *samtemplate.Plan {
	t.Helper()
	return planFor(t, localaws.Options{}, p)
}

// planFor resolves the template for a local AWS with options. The sweep is each minute, unless the parameters name another: then
// nothing but the schedule starts it, and a test knows what runs. sweeps_test.go tests more frequent ones.
func planFor(t testing.TB, o localaws.Options, p parameters) *samtemplate.Plan {
	t.Helper()
	read, err := template()
	if err != nil {
		t.Fatal(err)
	}
	if p["SweepSeconds"] == "" {
		p = p.and("SweepSeconds", "60")
	}
	key := fmt.Sprint(o.Partition, o.Region, p) // fmt sorts maps
	if known, ok := plans.Load(key); ok {
		return known.(*samtemplate.Plan)
	}
	decided, err := read.Plan(samtemplate.Options{Parameters: p, Partition: o.Partition, Region: o.Region})
	if err != nil {
		t.Fatal(err)
	}
	plans.Store(key, decided)
	return decided
}

// scene is a deployed stack with its real function, idle, and the administrator who makes changes.
type scene struct {
	testing.TB
	*localaws.Cloud
	parameters       parameters
	stack            *deployment.Stack
	bucket, endpoint string
	// function is the guard's name and role its role's ARN; topic and queue are the ARNs of its notification topic
	// and of the queue for records of failed runs.
	function, role, topic, queue string
	// s3 and ec2 are the administrator's clients on the internet.
	s3  *s3.Client
	ec2 *ec2.Client
	// desired is the live state after the deployment.
	desired state
}

// deploy makes a scene. TeardownFunction does not run: its answers to Create are given for it, because the process would
// take as long as all others of a deployment. [deployWhole] runs it.
func deploy(t testing.TB, p parameters) *scene {
	t.Helper()
	return deployInto(t, localaws.Options{Answer: created}, p)
}

// deployWhole makes a scene in which TeardownFunction has answered the creation of the custom resources.
func deployWhole(t testing.TB, p parameters) *scene {
	t.Helper()
	return deployInto(t, localaws.Options{}, p)
}

// created is TeardownFunction's answer to the creation of a custom resource.
func created(r cloudformation.CustomRequest) (cloudformation.CustomAnswer, bool) {
	id := fmt.Sprintf("emptied-on-delete-%v", r.ResourceProperties["BucketName"])
	return cloudformation.CustomAnswer{Status: "SUCCESS", PhysicalResourceID: id}, r.RequestType == "Create"
}

// deploys waits until this test may deploy a stack, and returns what ends that. As many tests as there are processors deploy at the
// same time: if all did, functions of other tests would run out of their time because they had no processor.
func deploys() (end func()) {
	deploying <- struct{}{}
	return func() { <-deploying }
}

// deploying has a place for each test that deploys.
var deploying = make(chan struct{}, runtime.GOMAXPROCS(0))

// deployInto makes a scene in a local AWS with options.
func deployInto(t testing.TB, o localaws.Options, p parameters) *scene {
	t.Helper()
	defer deploys()()
	c := cloudtest.New(t, o)
	s := &scene{TB: t, Cloud: c, parameters: p}
	var err error
	s.stack, err = c.Deploy(t.Context(), planFor(t, o, p), built.Path)
	s.must(err)
	s.bucket, s.endpoint = s.stack.Physical("Bucket"), s.stack.Endpoint()
	s.function, s.role = s.stack.Physical("RemediateFunction"), s.stack.Attribute("RemediateRole", "Arn")
	s.topic, s.queue = s.stack.Physical("NotificationTopic"), s.stack.Attribute("DeadLetterQueue", "Arn")
	s.s3 = s3As(c, c.Admin())
	s.ec2 = ec2.NewFromConfig(c.Config(c.Admin(), c.Internet()))
	s.rest()
	s.desired = s.live()
	return s
}

// s3As returns the S3 client of a caller on the internet, without retries.
func s3As(c *localaws.Cloud, caller api.Caller) *s3.Client {
	return s3.NewFromConfig(c.Config(caller, c.Internet()), func(o *s3.Options) { o.RetryMaxAttempts = 1 })
}

// must ends the test when one of its own steps failed.
func (s *scene) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// rest waits until all activity ends.
func (s *scene) rest() {
	s.Helper()
	s.must(s.Quiesce(localtest.Context(s, "the local AWS to rest")))
}

// sweep starts the guard's scheduled sweep alone. [events.Bus.Sweep] would start the health check and the probes too, which take many
// times the guard's processor time.
func (s *scene) sweep() {
	s.Helper()
	s.fires("SweepRule")
}

// deliveredBy returns how many events a rule has delivered.
func (s *scene) deliveredBy(rule string) (events int) {
	for _, d := range s.Events.Deliveries() {
		if d.Rule == rule {
			events++
		}
	}
	return events
}

// guardOnly removes the schedules of the health check and of the probes, so that time that passes starts only the guard.
func (s *scene) guardOnly() {
	for _, rule := range []string{"HealthcheckRule", "ProbeRule"} {
		if s.stack.Has(rule) {
			s.Events.RemoveRule(s.stack.Physical(rule))
		}
	}
}

// reconfigure changes the function's configuration. Its next invocation is a cold start.
func (s *scene) reconfigure(change func(*lambda.Function)) {
	s.Helper()
	f, ok := s.Lambda.Function(s.function)
	if !ok {
		s.Fatal("there is no function")
	}
	change(&f)
	s.must(s.Lambda.Update(f))
}

// invoke runs the function with a payload and waits for its answer.
func (s *scene) invoke(payload string) lambda.Invocation {
	s.Helper()
	i, err := s.Lambda.Invoke(context.Background(), s.function, []byte(payload))
	s.must(err)
	return i
}
