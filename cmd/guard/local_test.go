package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// TestLocalTellsHowToReachItAndEndsWhenAsked does what it prints: it reads as the stranger by HTTP, and asks EC2 as the
// administrator with the AWS CLI, where that is installed.
func TestLocalTellsHowToReachItAndEndsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- stay(ctx, deployment{template: "../../template.yaml"}, out)
		_ = out.Close()
	}()
	lines := bufio.NewScanner(said)
	var stranger, administrator string
	for lines.Scan() && !strings.Contains(lines.Text(), "Ctrl-C") {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "curl -i "):
			stranger = strings.TrimPrefix(line, "curl -i ")
		case strings.HasPrefix(line, "export ") && strings.Count(administrator, "export") < 2:
			administrator += line + "\n"
		}
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // what the guard logs
	answer, err := http.Get(stranger)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusForbidden {
		t.Errorf("the stranger gets %s, want 403", answer.Status)
	}
	if _, err := exec.LookPath("aws"); err == nil {
		t.Setenv("AWS_CA_BUNDLE", "")
		call := exec.CommandContext(ctx, "sh", "-ec", administrator+"aws ec2 describe-vpc-endpoints --query 'VpcEndpoints[].State' --output text")
		if state, err := call.CombinedOutput(); err != nil || strings.TrimSpace(string(state)) != "available" {
			t.Errorf("with the printed lines the AWS CLI says %q, %v, want available", state, err)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("guard local ends with %v, want nil", err)
	}
}
