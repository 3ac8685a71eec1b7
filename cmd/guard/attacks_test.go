package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// TestTheCommandsOfAnAttackMakeTheSameCalls runs the printed commands with the AWS CLI, if that is installed, and
// compares CloudTrail's records with those of the attack itself.
func TestTheCommandsOfAnAttackMakeTheSameCalls(t *testing.T) {
	t.Parallel()
	if said, err := exec.Command("aws", "--version").CombinedOutput(); err != nil {
		t.Skipf("the AWS CLI is not installed: %v %s", err, said)
	}
	ctx := localtest.Context(t, "the stack")
	where := stackFlags{template: "../../template.yaml"}
	d, err := where.deploy(ctx, localaws.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	c, err := newCallers(d)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.cloud.Quiesce(ctx); err != nil {
		t.Fatal(err)
	}
	d.cloud.Events.Disturb(events.Disturbance{Lose: true}) // so that the guard corrects only when told to
	keys, err := d.cloud.Config(d.cloud.Admin(), d.cloud.Internet()).Credentials.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "AWS_ENDPOINT_URL="+d.cloud.Internet(), "AWS_ACCESS_KEY_ID="+keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey, "AWS_DEFAULT_REGION=eu-central-1")
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			commands, err := a.commands(c)
			if err != nil {
				t.Fatal(err)
			}
			before := len(d.cloud.Events.Records())
			if err := a.run(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			between := len(d.cloud.Events.Records())
			shell := exec.Command("sh", "-ec", commands)
			shell.Env = environment
			if said, err := localtest.Output(t, shell); err != nil {
				t.Fatalf("%s: %v\n%s", commands, err, said)
			}
			all := d.cloud.Events.Records()
			if diff := cmp.Diff(recorded(all[before:between]), recorded(all[between:])); diff != "" {
				t.Errorf("records of the attack and of %s (-attack +commands)\n%s", commands, diff)
			}
			d.cloud.Events.Sweep()
			if err := d.cloud.Quiesce(ctx); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// recorded are the calls of records.
func recorded(records []events.Event) []map[string]any {
	var calls []map[string]any
	for _, r := range records {
		calls = append(calls, map[string]any{"name": r["eventName"], "parameters": r["requestParameters"], "error": r["errorCode"]})
	}
	return calls
}

func TestCommandsAreQuotedForAShell(t *testing.T) {
	for _, word := range []string{"plain-word_1/x:y=z", "two words", `{"a": "it's"}`, "$HOME", "", "back\\slash"} {
		said, err := localtest.Output(t, exec.Command("sh", "-ec", "printf %s "+quoted(word)))
		if err != nil || said != word {
			t.Errorf("sh reads %s as %q (%v), want %q", quoted(word), said, err, word)
		}
	}
	if got := quoted("plain"); strings.Contains(got, "'") {
		t.Errorf("quoted(plain) = %s, want no quotes", got)
	}
}
