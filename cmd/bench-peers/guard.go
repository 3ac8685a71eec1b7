package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/child"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
)

// ours is RemediateFunction, on the local Lambda.
type ours struct {
	host     *lambda.Host
	function string
}

// start implements [contender].
func (o ours) start(ctx context.Context) (time.Duration, error) {
	if err := o.stop(); err != nil {
		return 0, err
	}
	return o.host.Provision(ctx, o.function)
}

// run implements [contender]. Each event starts a run, all at the same time, as in Lambda.
func (o ours) run(ctx context.Context, events [][]byte) (time.Duration, error) {
	var all sync.WaitGroup
	took, failures := make([]time.Duration, len(events)), make([]error, len(events))
	for i, event := range events {
		all.Go(func() { took[i], failures[i] = o.invoke(ctx, event) })
	}
	all.Wait()
	longest := time.Duration(0)
	for _, d := range took {
		longest = max(longest, d)
	}
	return longest, errors.Join(failures...)
}

func (o ours) invoke(ctx context.Context, event []byte) (time.Duration, error) {
	i, err := o.host.Invoke(ctx, o.function, event)
	if err == nil && i.Failure != nil {
		err = i.Failure
	}
	return i.Duration, err
}

// processes implements [contender].
func (o ours) processes() []int {
	f, _ := o.host.Function(o.function)
	return child.Running(f.Bootstrap)
}

// stop implements [contender].
func (o ours) stop() error { return o.host.Shutdown(o.function) }
