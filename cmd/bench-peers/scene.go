package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	template "example.com/s3-endpoint-guard"
	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// latency is the minimum time of each call of a contender.
const latency = 30 * time.Millisecond

// contender is what corrects drift after events.
type contender interface {
	// start ends the process, if there is one, starts a new one, and returns the time until it is ready for an event.
	start(context.Context) (time.Duration, error)
	// run passes it the events of an attack, as EventBridge does, and returns the time until it has finished.
	run(ctx context.Context, events [][]byte) (time.Duration, error)
	// processes returns the ids of its processes.
	processes() []int
	// stop ends its processes.
	stop() error
}

// scene is the template's stack on a local AWS that delivers no event: the benchmark does.
type scene struct {
	cloud *localaws.Cloud
	stack *deployment.Stack
	built *bootstrap.Builder
	// folder is for files of the contenders.
	folder           string
	bucket, endpoint string
	// function is RemediateFunction's name.
	function string
	s3       *s3.Client
	ec2      *ec2.Client

	mu sync.Mutex
	// recorded are the events of the management writes since the latest attack began.
	recorded []events.Event
}

// newScene builds the functions and deploys the stack.
func newScene(ctx context.Context) (s *scene, err error) {
	s = &scene{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	parsed, err := samtemplate.LoadFS(template.Files, "template.yaml")
	if err != nil {
		return s, err
	}
	plan, err := parsed.Plan(samtemplate.Options{})
	if err != nil {
		return s, err
	}
	if s.folder, err = os.MkdirTemp("", "bench-peers"); err != nil {
		return s, err
	}
	if s.built, err = bootstrap.New(); err != nil {
		return s, err
	}
	if s.cloud, err = localaws.New(localaws.Options{Recorded: s.record}); err != nil {
		return s, err
	}
	if s.stack, err = s.cloud.Deploy(ctx, plan, s.built.Path); err != nil {
		return s, err
	}
	s.bucket, s.endpoint, s.function = s.stack.Physical("Bucket"), s.stack.Endpoint(), s.stack.Physical("RemediateFunction")
	admin := s.cloud.Config(s.cloud.Admin(), s.cloud.Internet())
	s.s3 = s3.NewFromConfig(admin, func(o *s3.Options) { o.UsePathStyle = true })
	s.ec2 = ec2.NewFromConfig(admin)
	s.cloud.Events.Disturb(events.Disturbance{Lose: true})
	return s, s.cloud.Quiesce(ctx)
}

func (s *scene) close() error {
	var err error
	if s.cloud != nil {
		err = s.cloud.Close()
	}
	if s.built != nil {
		err = errors.Join(err, s.built.Close())
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// record keeps an event.
func (s *scene) record(e events.Event, _ []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recorded = append(s.recorded, e)
}

// attack makes the attack's calls and returns their events.
func (s *scene) attack(ctx context.Context, a attack) (all [][]byte, err error) {
	s.mu.Lock()
	s.recorded = nil
	s.mu.Unlock()
	for _, do := range a.calls {
		if err := do(ctx, s); err != nil {
			return nil, fmt.Errorf("%s: %w", a.name, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.recorded {
		text, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

// observed passes events to a contender, with the latency, and returns the time until it had finished, and its calls.
func (s *scene) observed(ctx context.Context, c contender, events [][]byte) (time.Duration, []api.Call, error) {
	s.cloud.Gate.ResetCalls()
	s.cloud.Gate.SetLatency(latency)
	took, err := c.run(ctx, events)
	s.cloud.Gate.SetLatency(0)
	return took, s.cloud.Gate.Calls(), errors.Join(err, s.cloud.Quiesce(ctx))
}

// left lets the guard sweep, and returns the properties that it corrects, each with its verdict: what a contender has left.
func (s *scene) left(ctx context.Context) (drifted []string, err error) {
	before := len(s.cloud.Lambda.Logs(s.function))
	if _, err := (ours{s.cloud.Lambda, s.function}).invoke(ctx, []byte("{}")); err != nil {
		return nil, fmt.Errorf("the guard's sweep: %w", err)
	}
	for _, line := range s.cloud.Lambda.Logs(s.function)[before:] {
		var r guard.Record
		if line.Fields["resource"] == nil || json.Unmarshal([]byte(line.Text), &r) != nil {
			continue
		}
		if r.Outcome != guard.Corrected {
			return nil, fmt.Errorf("the guard's sweep: %s: %s", r.Resource, r.Outcome)
		}
		drifted = append(drifted, fmt.Sprintf("%s (%s)", r.Resource, r.Verdict))
	}
	return drifted, nil
}
