// Package conformance_test sends the same requests to the local AWS and, if moto_server is installed, to moto, and
// expects the same answers. So the local AWS cannot differ from another implementation of AWS without notice.
//
// A case is a list of ops on its own scene. To add cases, write a file for the service with its ops and a function
// that returns its cases, and add that to [cases]. What the local AWS makes only from a template, such as a function,
// a [template] makes on both. A case that moto answers wrongly says how, after AWS's page on the call or
// docs/facts.md; moto's answer is then ignored.
package conformance_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/iam"
	"example.com/s3-endpoint-guard/local/localaws/kms"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/logs"
	"example.com/s3-endpoint-guard/local/localaws/s3"
	"example.com/s3-endpoint-guard/local/localaws/securityhub"
	"example.com/s3-endpoint-guard/local/localaws/sns"
	"example.com/s3-endpoint-guard/local/localaws/sqs"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
	"example.com/s3-endpoint-guard/local/localaws/sts"
)

// account and region are those of all implementations.
const (
	account = "111122223333"
	region  = "eu-central-1"
)

// cases are all cases, by service.
func cases() []testCase {
	return slices.Concat(
		bucketCases(), exitCases(), lockCases(), objectCases(), listingCases(), networkCases(), messageCases(), topicCases(), parameterCases(), logCases(), watchedCases(),
		adapterCases(), functionCases(), ruleCases(), trailCases(), keyCases(), roleCases(), stackCases(), alarmCases(), findingCases(),
	)
}

// testCase is a list of ops, each with its expected answer.
type testCase struct {
	// name is the tested behaviour.
	name string
	// moto describes how moto differs from AWS; "" if it must agree.
	moto string
	ops  []op
}

// op is one request and its expected answer.
type op func(context.Context, *scene) error

// scene is the shared state of the ops of one case.
type scene struct {
	implementation
	// name is unique in a run, and valid for a bucket, a topic or a tag.
	name string
	// notes pass values, such as an id, from one op to later ones.
	notes map[string]string
}

// implementation is an implementation of AWS.
type implementation struct {
	// config is for a user with full access.
	config aws.Config
	template
	// again counts the calls that were sent again, because their connection closed under the answer.
	again *atomic.Int64
}

// noting is [localtest.OnlyClosed], and counts the calls that are sent again.
type noting struct {
	aws.Retryer
	again *atomic.Int64
}

func (n noting) RetryDelay(attempt int, err error) (time.Duration, error) {
	n.again.Add(1)
	return n.Retryer.RetryDelay(attempt, err)
}

// counting sets the retryer of clients, and returns what it counts.
func counting(c *aws.Config) *atomic.Int64 {
	again := new(atomic.Int64)
	c.Retryer = func() aws.Retryer { return noting{localtest.OnlyClosed(), again} }
	return again
}

// runs is how often a case is run at most.
const runs = 3

// settle runs a case. A call that is sent again can have been carried out before, so that it is refused: then the case is run again, with
// other names.
func (c testCase) settle(ctx context.Context, on implementation, number int) error {
	for i := 1; ; i++ {
		before := on.again.Load()
		err := c.run(ctx, on, number)
		if err == nil || on.again.Load() == before || i == runs {
			return err
		}
		number += len(cases())
	}
}

// run runs the ops of a case, up to the first that fails.
func (c testCase) run(ctx context.Context, on implementation, number int) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	s := &scene{implementation: on, name: fmt.Sprintf("conformance-%03d", number), notes: map[string]string{}}
	for i, op := range c.ops {
		if err := op(ctx, s); err != nil {
			return fmt.Errorf("op %d: %w", i+1, err)
		}
	}
	return nil
}

// refused expects an error code as the answer to an op.
func refused(code string, o op) op {
	return func(ctx context.Context, s *scene) error {
		err := o(ctx, s)
		var refusal smithy.APIError
		if !errors.As(err, &refusal) {
			return fmt.Errorf("answer is %v, want %s", err, code)
		}
		if refusal.ErrorCode() != code {
			return fmt.Errorf("answer is %w, want %s", err, code)
		}
		return nil
	}
}

// differs returns the error for an unexpected answer.
func differs(what string, got, want any) error {
	return fmt.Errorf("%s = %v, want %v", what, got, want)
}

// sameList compares lists in their order.
func sameList[T comparable](what string, got, want []T) error {
	if !slices.Equal(got, want) {
		return differs(what, got, want)
	}
	return nil
}

// sameSet compares lists without regard to order.
func sameSet(what string, got, want []string) error {
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		return differs(what, got, want)
	}
	return nil
}

func TestLocalAWSAnswersAsExpected(t *testing.T) {
	local := startLocal(t)
	for i, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			if err := c.settle(t.Context(), local, i); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestMotoAnswersAsExpected(t *testing.T) {
	moto := startMoto(t)
	for i, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			err := c.settle(t.Context(), moto, i)
			switch {
			case c.moto != "" && err != nil:
				t.Skipf("moto: %s (%v)", c.moto, err)
			case c.moto != "":
				t.Skipf("moto now agrees, remove the note: %s", c.moto)
			case err != nil:
				t.Fatal(err)
			}
		})
	}
}

// startLocal starts the local AWS.
func startLocal(t *testing.T) implementation {
	t.Helper()
	gate := localtest.Gate(t, api.Options{Account: account, Region: region})
	options := gate.Options()
	made := localTemplate{
		functions: lambda.New(lambda.Options{Account: account, Region: region, Queues: noMessages{}}),
		bus:       events.New(events.Options{Account: account, Region: region}),
		keys:      kms.New(options), roles: iam.New(options), stacks: cloudformation.New(options),
	}
	t.Cleanup(func() {
		if err := made.functions.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, service := range []api.Service{
		s3.New(options), sts.New(options), ec2.New(options), sns.New(options), sqs.New(options), made.stacks,
		cloudwatch.New(options), made.roles, ssm.New(options), logs.New(options), securityhub.New(options),
		made.functions.Service(), made.bus.Service(), made.bus.TrailService(), made.keys,
	} {
		gate.Add(service)
	}
	config := localtest.Config(t, gate, localtest.Everything)
	again := counting(&config)
	return implementation{config, made, again}
}

// motoURL matches the address in moto_server's output.
var motoURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+`)

// startMoto starts moto_server on a free port, or skips the test if it is not installed.
func startMoto(t *testing.T) implementation {
	t.Helper()
	if testing.Short() {
		t.Skip("moto takes seconds to start")
	}
	path, err := exec.LookPath("moto_server")
	if err != nil {
		t.Skip("moto_server is not installed")
	}
	moto := exec.Command(path, "-H", "127.0.0.1", "-p", "0")
	moto.Env = append(moto.Environ(), "MOTO_ACCOUNT_ID="+account, "MOTO_LAMBDA_CONCURRENCY_QUOTA=1000")
	var url string
	localtest.Serve(t, moto, func(line string) bool {
		url = motoURL.FindString(line)
		return url != ""
	})
	config := aws.Config{
		Region: region, BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider("AKIAEXAMPLE000000001", "secret", ""),
	}
	again := counting(&config)
	return implementation{config, motoTemplate{config}, again}
}

// TestACaseThatACallSentTwiceFailsIsRunAgain has a case that is refused what it has done already.
func TestACaseThatACallSentTwiceFailsIsRunAgain(t *testing.T) {
	for _, c := range []struct {
		sentAgain  bool
		runs       int
		disappears bool
	}{{true, 2, true}, {true, runs, false}, {false, 1, true}} {
		var names []string
		on := implementation{again: new(atomic.Int64)}
		err := testCase{ops: []op{func(_ context.Context, s *scene) error {
			if names = append(names, s.name); len(names) > 1 && c.disappears {
				return nil
			}
			if c.sentAgain {
				on.again.Add(1)
			}
			return errors.New("it exists already")
		}}}.settle(t.Context(), on, 1)
		distinct := len(slices.Compact(slices.Clone(names)))
		if len(names) != c.runs || distinct != c.runs || (err == nil) != (c.sentAgain && c.disappears) {
			t.Errorf("%+v: %v after the runs %q", c, err, names)
		}
	}
}
