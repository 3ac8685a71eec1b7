package underway_test

import (
	"context"
	"errors"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/underway"
)

func TestWaitReturnsWhenTheLastWorkEnds(t *testing.T) {
	var c underway.Count
	if err := c.Wait(localtest.Context(t, "a rest: nothing has begun")); err != nil {
		t.Fatalf("Wait without work = %v, want nil", err)
	}
	first := c.Begin()
	second := c.Begin()
	waited := make(chan error, 1)
	go func() { waited <- c.Wait(context.Background()) }()
	first()
	select {
	case err := <-waited:
		t.Fatalf("Wait = %v during work", err)
	default:
	}
	second()
	if err := localtest.Receive(t, waited, "Wait to return"); err != nil {
		t.Errorf("Wait = %v, want nil", err)
	}
}

func TestWaitGivesUpWithItsContext(t *testing.T) {
	var c underway.Count
	defer c.Begin()()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if err := c.Wait(ctx); !errors.Is(err, enough) {
		t.Errorf("Wait = %v, want %v", err, enough)
	}
}

func TestRestingClosesWhenTheLastWorkEnds(t *testing.T) {
	var count underway.Count
	localtest.Receive(t, count.Resting(), "a rest: nothing has begun")
	end := count.Begin()
	rest := count.Resting()
	select {
	case <-rest:
		t.Error("Resting closed during work")
	default:
	}
	end()
	localtest.Receive(t, rest, "a rest")
}
