package endtoend_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/child"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// The fleet of the benchmark, the function's calls at a time, and its limits.
const (
	fleetBuckets = 1000
	fleetCalls   = 32
	mostOfWall   = 1.5 // times calls × latency / calls at a time
	mostMiB      = 64.0
)

// BenchmarkFleetSweep measures warm sweeps of guard.yaml's function over many buckets without drift, and its run for the event of one
// of them, with the added latency on each call. Processor time and memory are those of the function's process alone.
func BenchmarkFleetSweep(b *testing.B) {
	f := newFleetScene(b, "Observe")
	f.Gate.SetLatency(added)
	f.invoke(scheduled)
	f.Gate.ResetCalls()
	var took, one, spent []float64
	calls := 0
	for b.Loop() {
		before := f.processor()
		took = append(took, milliseconds(f.invoke(scheduled).Duration))
		calls = len(f.Gate.Calls())
		spent = append(spent, milliseconds(f.processor()-before)/float64(calls))
		f.Gate.ResetCalls()
		one = append(one, milliseconds(f.invoke(eventOfOne).Duration))
		f.Gate.ResetCalls()
	}
	least := float64(calls) * milliseconds(added) / fleetCalls
	b.ReportMetric(median(took), "ms/sweep(median)")
	b.ReportMetric(median(took)/least, "of-calls×latency/limit")
	b.ReportMetric(float64(calls), "calls/sweep")
	b.ReportMetric(median(spent), "CPU-ms/call(median)")
	b.ReportMetric(median(one), "ms/event(median)")
	b.ReportMetric(f.memory(), "MiB-resident(peak)")
	if median(took) > mostOfWall*least || f.memory() > mostMiB {
		b.Errorf("a sweep takes %.2f times its calls' time, and %.0f MiB; want at most %.1f and %.0f", median(took)/least, f.memory(), mostOfWall, mostMiB)
	}
}

// BenchmarkFleetAllOpen measures sweeps that find all buckets without a policy and correct them: the worst moment of a guard. Each sweep
// begins with a new process, so that the memory is that of one sweep.
func BenchmarkFleetAllOpen(b *testing.B) {
	f := newFleetScene(b, "Enforce")
	f.Gate.SetLatency(added)
	var took, peak []float64
	for b.Loop() {
		for i := range fleetBuckets {
			f.must(f.S3.DeletePolicy(fmt.Sprintf("data-%04d", i)))
		}
		f.must(f.Lambda.Shutdown("remediate"))
		took = append(took, milliseconds(f.invoke(scheduled).Duration))
		peak = append(peak, f.memory())
		for i := range fleetBuckets {
			if name := fmt.Sprintf("data-%04d", i); f.S3.Policy(name) == "" {
				b.Fatalf("the sweep left %s without a policy", name)
			}
		}
	}
	b.ReportMetric(median(took), "ms/sweep(median)")
	b.ReportMetric(slices.Max(peak), "MiB-resident(peak)")
	if slices.Max(peak) > mostMiB {
		b.Errorf("a sweep that corrects %d buckets needs %.0f MiB, want at most %.0f", fleetBuckets, slices.Max(peak), mostMiB)
	}
}

const (
	scheduled  = `{"detail-type":"Scheduled Event"}`
	eventOfOne = `{"detail-type":"AWS API Call via CloudTrail","detail":{"eventSource":"s3.amazonaws.com","eventName":"PutBucketPolicy","requestParameters":{"bucketName":"data-0500"}}}`
)

// fleetScene is guard.yaml's function with its buckets, without the rest of the stack.
type fleetScene struct {
	*localaws.Cloud
	testing.TB
	path string
}

func newFleetScene(t testing.TB, enforcement string) *fleetScene {
	t.Helper()
	f := &fleetScene{Cloud: cloudtest.New(t, localaws.Options{}), TB: t}
	const state, account, region = "state-example", "111122223333", "eu-central-1"
	endpointID := "vpce-0a1b2c3d4e5f60718"
	l, err := lock.Parameters{
		BucketNames: "data-*", VPCEndpointIDs: endpointID, AllowAWSServices: "false", EndpointPolicy: lock.KeepPolicy, PolicyMode: string(lock.AtLeast),
	}.Lock("aws", region, account)
	f.must(err)
	for i := range fleetBuckets {
		name := fmt.Sprintf("data-%04d", i)
		f.must(f.S3.CreateBucket(name, ""), f.S3.PutPolicy(name, []byte(l.BucketPolicy(name))))
	}
	f.must(f.S3.CreateBucket(state, ""), f.S3.PutVersioning(state, "Enabled"))
	// The document names no endpoint: those have calls of their own, which do not depend on the number of buckets.
	body, err := json.Marshal(adoption.Document{Format: adoption.Format, Account: account, Region: region})
	f.must(err)
	key := "adoption/1.json"
	put, err := s3As(f.Cloud, f.Admin()).PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(state), Key: &key, Body: bytes.NewReader(body)})
	f.must(err)
	stack := f.CloudFormation.PutStack(cloudformation.Stack{Name: "guard", Status: "CREATE_COMPLETE"})
	role, err := f.IAM.CreateRole("guard", map[string]string{"all": `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`})
	f.must(err)
	f.path, err = built.Path("RemediateFunction")
	f.must(err)
	_, stackName, _ := strings.Cut(stack.ID, "stack/")
	_, err = f.Lambda.Create(lambda.Function{
		Name: "remediate", Bootstrap: f.path, Role: role.ARN, MemoryMB: 256, Timeout: 50 * time.Second, LogFormat: "JSON",
		EndpointURL: f.Engine.Options.FunctionsURL,
		Environment: map[string]string{
			"BUCKET_NAMES": "data-*", "VPC_ENDPOINT_IDS": endpointID, "ALLOW_AWS_SERVICES": "false", "ENDPOINT_POLICY": lock.KeepPolicy,
			"POLICY_MODE": string(lock.AtLeast), "ENFORCEMENT": enforcement,
			"ADOPTION": adoption.Reference{Bucket: state, Key: key, VersionID: *put.VersionId, SHA256: adoption.Hash(body)}.String(),
			"STACK":    "stack/" + stackName, "TOPIC": "topic", "FORMAT": "Text", "GUARD_ROLE_ARN": role.ARN,
		},
	})
	f.must(err)
	return f
}

func (f *fleetScene) must(errs ...error) {
	f.Helper()
	for _, err := range errs {
		if err != nil {
			f.Fatal(err)
		}
	}
}

func (f *fleetScene) invoke(payload string) lambda.Invocation {
	f.Helper()
	i, err := f.Lambda.Invoke(f.Context(), "remediate", []byte(payload))
	f.must(err)
	return i
}

// process returns the id of the function's process.
func (f *fleetScene) process() int {
	f.Helper()
	ids := child.Running(f.path)
	if len(ids) == 0 {
		f.Fatal("the function has no process")
	}
	return ids[0]
}

// processor returns the processor time of the function's process so far.
func (f *fleetScene) processor() time.Duration {
	f.Helper()
	ran := child.Ran(f.process())
	if ran == 0 {
		f.Fatal("the kernel does not say for how long the function ran")
	}
	return ran
}

// memory returns the most memory that the function's process had resident, in MiB.
func (f *fleetScene) memory() float64 {
	f.Helper()
	mib := child.PeakMemory(f.process())
	if mib == 0 {
		f.Fatal("the kernel does not say how much memory the function had")
	}
	return mib
}
