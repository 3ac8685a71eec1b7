package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	localsns "example.com/s3-endpoint-guard/local/localaws/sns"
)

// running is a running guard local, with its output.
type running struct {
	*testing.T
	ended chan error
	end   func()

	mu   sync.Mutex
	said strings.Builder
}

// runLocal starts guard local, and returns when it has printed how to reach it.
func runLocal(t *testing.T, raw bool) *running {
	t.Helper()
	return runLocalWith(t, boardFlags{}, raw)
}

// runLocalWith is [runLocal] with a board, if the flags say so.
func runLocalWith(t *testing.T, seen boardFlags, raw bool) *running {
	t.Helper()
	return runs(t, raw, func(ctx context.Context, n *news) error {
		return stay(ctx, stackFlags{template: "../../template.yaml"}, seen, n)
	})
}

// runs starts one of the forms of guard local, and returns when it has printed how to reach it.
func runs(t *testing.T, raw bool, form func(context.Context, *news) error) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{T: t, ended: make(chan error, 1), end: cancel}
	out, in := io.Pipe()
	go func() {
		r.ended <- form(ctx, newNews(in, raw))
		_ = in.Close()
	}()
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			r.mu.Lock()
			r.said.WriteString(lines.Text() + "\n")
			r.mu.Unlock()
		}
	}()
	r.says("Ctrl-C ends it all")
	return r
}

// says waits for a text, and returns all the output.
func (r *running) says(text string) string {
	r.Helper()
	var said string
	localtest.Until(r, "guard local to say "+text, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		said = r.said.String()
		return strings.Contains(said, text)
	})
	return said
}

// stops ends the command, as Ctrl-C does.
func (r *running) stops() {
	r.Helper()
	r.end()
	if err := localtest.Receive(r, r.ended, "guard local to end"); err != nil {
		r.Errorf("guard local ends with %v, want nil", err)
	}
}

// after returns the first line that begins with beginning, and all that follows.
func (r *running) after(beginning string) string {
	r.Helper()
	for line := range strings.Lines(r.says(beginning)) {
		if rest, ok := strings.CutPrefix(line, beginning); ok {
			return strings.TrimSpace(rest)
		}
	}
	r.Fatalf("no line begins with %q", beginning)
	return ""
}

// admin returns the configuration of the administrator, which is printed first.
func (r *running) admin() aws.Config {
	r.Helper()
	url, _, _ := strings.Cut(r.after("export AWS_ENDPOINT_URL="), " ")
	id, secret, _ := strings.Cut(r.after("export AWS_ACCESS_KEY_ID="), " AWS_SECRET_ACCESS_KEY=")
	return aws.Config{Region: "eu-central-1", BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")}
}

// get returns the status of an HTTP request without credentials.
func (r *running) get(url string) int {
	r.Helper()
	answer, err := localtest.Client.Get(url)
	if err != nil {
		r.Fatal(err)
	}
	answer.Body.Close()
	return answer.StatusCode
}

// With --existing, guard.yaml is put before what exists: the stranger reads until it enforces, and changes are told.
func TestLocalPutsTheGuardBeforeWhatExists(t *testing.T) {
	t.Parallel()
	for enforcement, want := range map[string]int{"Observe": http.StatusOK, "Enforce": http.StatusForbidden} {
		t.Run(enforcement, func(t *testing.T) {
			t.Parallel()
			r := runs(t, false, func(ctx context.Context, n *news) error {
				return stayBefore(ctx, stackFlags{parameters: []string{"Enforcement=" + enforcement}}, n)
			})
			defer r.stops()
			if status := r.get(r.after("curl -i ")); status != want {
				t.Errorf("the stranger gets %d, want %d", status, want)
			}
			admin := s3.NewFromConfig(r.admin(), func(o *s3.Options) { o.UsePathStyle = true })
			if _, err := admin.DeletePublicAccessBlock(t.Context(), &s3.DeletePublicAccessBlockInput{Bucket: aws.String(logsBucket)}); err != nil {
				t.Fatal(err)
			}
			r.says("public-access-block")
		})
	}
}

// TestLocalDoesWhatItPrints uses the printed commands: it reads as the stranger over HTTP, and calls EC2 as the
// administrator with the AWS CLI, if that is installed.
func TestLocalDoesWhatItPrints(t *testing.T) {
	t.Parallel()
	r := runLocal(t, false)
	defer r.stops()
	if status := r.get(r.after("curl -i ")); status != http.StatusForbidden {
		t.Errorf("the stranger gets %d, want 403", status)
	}
	if _, err := exec.LookPath("aws"); err == nil {
		exports := "export AWS_ENDPOINT_URL=" + r.after("export AWS_ENDPOINT_URL=") + "\nexport AWS_ACCESS_KEY_ID=" + r.after("export AWS_ACCESS_KEY_ID=") + "\n"
		state, err := localtest.Output(t, exec.Command("sh", "-ec", exports+"aws ec2 describe-vpc-endpoints --query 'VpcEndpoints[].State' --output text"))
		if err != nil || strings.TrimSpace(state) != "available" {
			t.Errorf("with the printed lines the AWS CLI prints %q, %v, want available", state, err)
		}
	}
}

// TestLocalHasTheObjectThatItsCurlLineAsksFor reads the object without the bucket policy.
func TestLocalHasTheObjectThatItsCurlLineAsksFor(t *testing.T) {
	t.Parallel()
	ctx := localtest.Context(t, "the stack")
	where := stackFlags{template: "../../template.yaml"}
	d, err := where.deploy(ctx, localOptions(newNews(io.Discard, false)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.close() }()
	if _, err := d.seed(ctx); err != nil {
		t.Fatal(err)
	}
	if keys := d.cloud.S3.Keys(d.stack.Physical("Bucket")); len(keys) != 1 || keys[0] != objectKey {
		t.Errorf("the bucket has %q, want %s", keys, objectKey)
	}
}

func TestLocalTellsCorrectionsAndMessagesToPeople(t *testing.T) {
	t.Parallel()
	r := runLocal(t, false)
	defer r.stops()
	topic, _, _ := strings.Cut(r.after("aws sns subscribe --topic-arn "), " ")
	bucket := r.after("aws s3api delete-bucket-policy --bucket ")
	ctx := localtest.Context(t, "AWS's answers")
	_, err := sns.NewFromConfig(r.admin()).Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topic, Protocol: aws.String("email"), Endpoint: aws.String("you@example.com"),
	})
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(r.admin(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.DeleteBucketPolicy(ctx, &s3.DeleteBucketPolicyInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	r.says("corrected bucket-policy (open)")
	r.says("bucket-policy of " + bucket + ": corrected (to you@example.com)")
	said := r.says("| Unwanted access was possible and has been closed.")
	if strings.Contains(said, `{"timestamp"`) || strings.Contains(said, `"_aws"`) {
		t.Errorf("guard local prints JSON:\n%s", said)
	}
}

// TestLocalIsReadyAfterTheFirstCheck: the check at the end of the deployment would correct an attack at once, before its
// event arrives and before anybody sees it.
func TestLocalIsReadyAfterTheFirstCheck(t *testing.T) {
	t.Parallel()
	r := runLocal(t, true)
	defer r.stops()
	before, _, _ := strings.Cut(r.says("Ctrl-C ends it all"), "# An administrator")
	if !strings.Contains(before, `"message":"already as desired"`) {
		t.Errorf("before it is ready, guard local says %q, want the result of the guard's first check", before)
	}
}

func TestNewsAreToldRawWhereAsked(t *testing.T) {
	var out strings.Builder
	n := newNews(&out, true)
	for _, line := range []string{`{"level":"INFO","message":"already as desired"}`, `{"_aws":{}}`, "plain"} {
		n.log("f", lambda.Line{Text: line})
	}
	n.message("topic", localsns.Message{Subject: "s", Body: "b", Attributes: map[string]string{"verdict": "open"}}, []localsns.Subscription{{Protocol: "email", Endpoint: "you@example.com"}})
	before, message, _ := strings.Cut(out.String(), "plain\n")
	if want := "{\"level\":\"INFO\",\"message\":\"already as desired\"}\n{\"_aws\":{}}\n"; before != want {
		t.Errorf("printed %q, want %q", before, want)
	}
	var told struct {
		Topic, Subject, Message string
		Attributes              map[string]string
	}
	if err := json.Unmarshal([]byte(message), &told); err != nil || told.Topic != "topic" || told.Subject != "s" || told.Message != "b" ||
		told.Attributes["verdict"] != "open" {
		t.Errorf("the message is printed as %q (%v)", message, err)
	}
}

func TestAnAlarmIsExplainedOnlyWhileItRings(t *testing.T) {
	for state, want := range map[string]string{
		"ALARM": "   message    s (to you@example.com)\n              | what to do\n              | why\n",
		"OK":    "   message    s (to you@example.com)\n",
	} {
		var out strings.Builder
		body := `{"AlarmName":"a","AlarmDescription":"what to do","NewStateValue":"` + state + `","NewStateReason":"why"}`
		newNews(&out, false).message("topic", localsns.Message{Subject: "s", Body: body}, []localsns.Subscription{{Protocol: "email", Endpoint: "you@example.com"}})
		if got := out.String(); got != want {
			t.Errorf("%s is printed as %q, want %q", state, got, want)
		}
	}
}

func TestNewsForPeople(t *testing.T) {
	for name, c := range map[string]struct{ function, line, want string }{
		"a run that found nothing": {"s-RemediateFunction-X", `{"level":"INFO","message":"already as desired","trigger":{"kind":"sweep"}}`, ""},
		"metrics":                  {"s-RemediateFunction-X", `{"OpenDrift":0,"_aws":{"Timestamp":1}}`, ""},
		"a failure": {"s-HealthcheckFunction-X", `{"level":"ERROR","message":"not checked","error":"AccessDenied"}`,
			"   function   HealthcheckFunction: not checked AccessDenied\n"},
		"what is no JSON": {"s-ProbeAFunction-X", "panic: oh", "   function   ProbeAFunction: panic: oh\n"},
		"a correction": {"s-RemediateFunction-X",
			`{"level":"WARN","message":"corrected","resource":"bucket-policy","verdict":"open","elapsedMs":9,"trigger":{"kind":"sweep"}}`,
			"   guard      corrected bucket-policy (open) in 9 ms\n              trigger  sweep\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			newNews(&out, false).log(c.function, lambda.Line{Text: c.line})
			if got := out.String(); got != c.want {
				t.Errorf("printed %q, want %q", got, c.want)
			}
		})
	}
}

func TestMessagesForPeople(t *testing.T) {
	for name, c := range map[string]struct {
		m    localsns.Message
		want []string
	}{
		"of the guard": {localsns.Message{Subject: "OPEN", Body: "Unwanted access was possible.\n\nWhat to do:\n  docs/runbook.md#x\n"},
			[]string{"message    OPEN (to no one", "| Unwanted access was possible.\n", "| What to do:\n", "|   docs/runbook.md#x\n"}},
		"of the guard for chat": {localsns.Message{Subject: "OPEN", Body: `{"content":{"title":"Closed","description":"It was open.\n\n- Bucket: x\n",` +
			`"nextSteps":["What to do: docs/runbook.md#x"]}}`},
			[]string{"message    OPEN (to no one", "| Closed\n", "| It was open.\n", "| - Bucket: x\n", "| What to do: docs/runbook.md#x\n"}},
		"of an alarm": {localsns.Message{Subject: `ALARM: "a"`, Body: `{"AlarmName":"a","AlarmDescription":"Look here.","NewStateReason":"Threshold"}`},
			[]string{`message    ALARM: "a"`, "| Look here.", "| Threshold"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			newNews(&out, false).message("topic", c.m, nil)
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("printed %q, want %q in it", out.String(), want)
				}
			}
			if strings.Contains(out.String(), "{") {
				t.Errorf("printed %q, want no JSON", out.String())
			}
		})
	}
}
