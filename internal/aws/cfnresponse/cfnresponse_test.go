package cfnresponse_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

const request = `{"RequestType":"Delete","ResponseURL":"https://answers.example/x?sig=secret","StackId":"stack","RequestId":"r1",
	"LogicalResourceId":"Emptied","PhysicalResourceId":"docs","ResourceProperties":{"BucketName":"docs"}}`

// answer is an answer as decoded by CloudFormation.
type answer struct {
	Status, Reason, PhysicalResourceID, StackID, RequestID, LogicalResourceID string
	Data                                                                      map[string]string
}

// mailbox is a fake of CloudFormation's answer URL. Its faults make the first attempts fail.
type mailbox struct {
	mu       sync.Mutex
	faults   []fault
	attempts int
	bodies   [][]byte
	header   http.Header
	at       []time.Time
}

// fault is a way in which an attempt fails; the zero value hangs until the sender cancels.
type fault struct {
	status int
	err    error
}

func (m *mailbox) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	m.mu.Lock()
	n := m.attempts
	m.attempts++
	m.header, m.at = r.Header, append(m.at, time.Now())
	m.mu.Unlock()
	status := 200
	if n < len(m.faults) {
		switch f := m.faults[n]; {
		case f.err != nil:
			return nil, f.err
		case f.status == 0:
			<-r.Context().Done()
			return nil, r.Context().Err()
		default:
			status = f.status
		}
	}
	if status == 200 {
		m.bodies = append(m.bodies, body)
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader("said"))}, nil
}

// only returns the one answer that was accepted.
func (m *mailbox) only(t *testing.T) answer {
	t.Helper()
	if len(m.bodies) != 1 {
		t.Fatalf("%d answers were accepted, want 1", len(m.bodies))
	}
	var a answer
	if err := json.Unmarshal(m.bodies[0], &a); err != nil {
		t.Fatalf("reading the answer: %v", err)
	}
	return a
}

func responder(m *mailbox, handle cfnresponse.Handler) *cfnresponse.Responder {
	return &cfnresponse.Responder{
		Handle:     handle,
		PhysicalID: func(cfnresponse.Request) string { return "docs" },
		Client:     &http.Client{Transport: m},
		Log:        slog.New(slog.DiscardHandler),
	}
}

func succeed(context.Context, cfnresponse.Request, func(string)) (cfnresponse.Result, error) {
	return cfnresponse.Result{Data: map[string]string{"Deleted": "3"}}, nil
}

func TestServeAnswersWithWhatHappened(t *testing.T) {
	fail := func(err error) cfnresponse.Handler {
		return func(context.Context, cfnresponse.Request, func(string)) (cfnresponse.Result, error) {
			return cfnresponse.Result{}, err
		}
	}
	for name, c := range map[string]struct {
		handle         cfnresponse.Handler
		payload        string
		status, reason string
	}{
		"success":                 {succeed, request, "SUCCESS", ""},
		"failure":                 {fail(errors.New("locked until 2031")), request, "FAILED", "locked until 2031"},
		"failure without a word":  {fail(errors.New("")), request, "FAILED", "without a reason"},
		"panic":                   {func(context.Context, cfnresponse.Request, func(string)) (cfnresponse.Result, error) { panic("nil map") }, request, "FAILED", "nil map"},
		"unknown type":            {succeed, strings.Replace(request, "Delete", "Explode", 1), "FAILED", `"Explode"`},
		"no type":                 {succeed, strings.Replace(request, "RequestType", "Other", 1), "FAILED", "unknown request type"},
		"no stack":                {succeed, strings.Replace(request, "StackId", "Other", 1), "FAILED", "no StackId"},
		"a number for an id":      {succeed, strings.Replace(request, `"r1"`, "7", 1), "FAILED", "RequestId is not a string"},
		"properties not asked of": {succeed, strings.Replace(request, `{"BucketName":"docs"}`, "[1]", 1), "SUCCESS", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var m mailbox
			if err := responder(&m, c.handle).Serve(t.Context(), []byte(c.payload)); err != nil {
				t.Fatalf("Serve(%s) = %v, want nil", name, err)
			}
			got := m.only(t)
			if got.Status != c.status || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("Serve(%s) answered %s %q, want %s %q", name, got.Status, got.Reason, c.status, c.reason)
			}
			if got.PhysicalResourceID != "docs" || got.LogicalResourceID != "Emptied" {
				t.Errorf("Serve(%s) answered for %q, %q", name, got.PhysicalResourceID, got.LogicalResourceID)
			}
		})
	}
}

func TestServeReportsWhatCannotBeAnswered(t *testing.T) {
	for name, payload := range map[string]string{
		"not JSON":       `{`,
		"no object":      `[1]`,
		"no ResponseURL": strings.Replace(request, "ResponseURL", "Other", 1),
		"no real URL":    strings.Replace(request, "https://answers.example/x", "nowhere", 1),
		"another scheme": strings.Replace(request, "https://", "file://", 1),
	} {
		t.Run(name, func(t *testing.T) {
			var m mailbox
			if err := responder(&m, succeed).Serve(t.Context(), []byte(payload)); err == nil || m.attempts > 0 {
				t.Errorf("Serve(%s) = %v after %d attempts, want an error and no attempts", name, err, m.attempts)
			}
		})
	}
}

func TestServeSaysNothingAfterHandingOver(t *testing.T) {
	var m mailbox
	handOver := func(context.Context, cfnresponse.Request, func(string)) (cfnresponse.Result, error) {
		return cfnresponse.Result{HandedOver: true}, nil
	}
	if err := responder(&m, handOver).Serve(t.Context(), []byte(request)); err != nil || m.attempts > 0 {
		t.Errorf("Serve = %v after %d attempts, want nil and no attempts", err, m.attempts)
	}
}

func TestServeKeepsAPhysicalID(t *testing.T) {
	for name, c := range map[string]struct{ payload, want string }{
		"the request's own":     {request, "docs"},
		"one from its name":     {strings.Replace(request, "PhysicalResourceId", "Other", 1), "none-Emptied"},
		"one for a broken name": {`{"ResponseURL":"https://answers.example"}`, "none"},
	} {
		t.Run(name, func(t *testing.T) {
			var m mailbox
			r := responder(&m, succeed)
			r.PhysicalID = func(cfnresponse.Request) string { return "" }
			if err := r.Serve(t.Context(), []byte(c.payload)); err != nil {
				t.Fatal(err)
			}
			if got := m.only(t).PhysicalResourceID; got != c.want {
				t.Errorf("PhysicalResourceId = %q, want %q", got, c.want)
			}
		})
	}
}

func TestWatchdogAnswersBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m mailbox
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
		defer cancel()
		stopped := make(chan struct{})
		sleepy := func(ctx context.Context, _ cfnresponse.Request, note func(string)) (cfnresponse.Result, error) {
			note("deleted 7 versions")
			<-ctx.Done()
			close(stopped)
			time.Sleep(time.Hour) // a call that ignores its context
			return cfnresponse.Result{}, nil
		}
		if err := responder(&m, sleepy).Serve(ctx, []byte(request)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 15*time.Minute-15*time.Second {
			t.Errorf("answered after %v", took)
		}
		if got := m.only(t); got.Status != "FAILED" || !strings.Contains(got.Reason, "deleted 7 versions") {
			t.Errorf("answered %s %q, want FAILED with the note", got.Status, got.Reason)
		}
		<-stopped
		time.Sleep(2 * time.Hour)
		m.only(t)
	})
}

func TestServeAnswersWhenItsContextEnds(t *testing.T) {
	var m mailbox
	ctx, cancel := context.WithCancel(t.Context())
	waiting := func(ctx context.Context, _ cfnresponse.Request, _ func(string)) (cfnresponse.Result, error) {
		cancel()
		select {}
	}
	served := make(chan error, 1)
	go func() { served <- responder(&m, waiting).Serve(ctx, []byte(request)) }()
	if err := localtest.Receive(t, served, "Serve to return"); err != nil {
		t.Fatal(err)
	}
	if got := m.only(t); got.Status != "FAILED" {
		t.Errorf("answered %s, want FAILED", got.Status)
	}
}

func TestServeSendsAgainUntilAccepted(t *testing.T) {
	reset := fault{err: errors.New("connection reset")}
	for name, c := range map[string]struct {
		faults   []fault
		accepted bool
	}{
		"broken twice":             {[]fault{reset, reset}, true},
		"unavailable twice":        {[]fault{{status: 503}, {status: 500}}, true},
		"hanging twice":            {[]fault{{}, {}}, true},
		"refused twice":            {[]fault{{status: 403}, {status: 403}}, true},
		"expired":                  {[]fault{{status: 403}, {status: 403}, {status: 403}, {status: 403}}, false},
		"timed out, then too many": {[]fault{{status: 408}, {status: 429}, {status: 429}, {status: 429}, {status: 429}}, true},
		"gone for a minute":        {[]fault{{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}}, false},
		"refused between breaks":   {[]fault{reset, {status: 403}, reset, {status: 403}, reset}, true},
		"redirected to elsewhere":  {[]fault{{status: 304}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := mailbox{faults: c.faults}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := responder(&m, succeed).Serve(ctx, []byte(request))
				if got := len(m.bodies) == 1; got != c.accepted || (err == nil) != c.accepted {
					t.Errorf("Serve = %v, accepted %t, want %t", err, got, c.accepted)
				}
				if ctx.Err() != nil {
					t.Error("Serve returned after the deadline")
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("Serve = %v, which contains the signature", err)
				}
			})
		})
	}
}

func TestServeSpeaksToARealServer(t *testing.T) {
	var got answer
	var contentType []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		contentType = r.Header["Content-Type"]
		_ = json.NewDecoder(r.Body).Decode(&got)
	}))
	defer server.Close()
	r := responder(nil, succeed)
	r.Client = nil
	payload := strings.Replace(request, "https://answers.example", server.URL, 1)
	if err := r.Serve(t.Context(), []byte(payload)); err != nil {
		t.Fatal(err)
	}
	if got.Status != "SUCCESS" || got.Data["Deleted"] != "3" || contentType != nil {
		t.Errorf("answered %+v with Content-Type %q, want SUCCESS without one", got, contentType)
	}
}

// Source: docs/facts.md, CloudFormation ("at most 4,096 bytes").
func TestAnswerStaysUnderItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.OneOf(rapid.String(), rapid.Just("\x00\x1f"), rapid.Just("\xff\xfe"), rapid.Just("𝕊\u2028<é>\"\\"))
		reason := strings.Repeat(part.Draw(t, "part"), rapid.IntRange(1, 3000).Draw(t, "times"))
		data := map[string]string{}
		succeeds := rapid.Bool().Draw(t, "succeeds")
		if succeeds {
			data["value"] = reason
		}
		var m mailbox
		r := responder(&m, func(context.Context, cfnresponse.Request, func(string)) (cfnresponse.Result, error) {
			if succeeds {
				return cfnresponse.Result{Data: data}, nil
			}
			return cfnresponse.Result{}, errors.New(reason)
		})
		r.PhysicalID = func(cfnresponse.Request) string { return strings.Repeat("é", rapid.IntRange(1, 900).Draw(t, "id")) }
		if err := r.Serve(t.Context(), []byte(request)); err != nil {
			t.Fatal(err)
		}
		body := m.bodies[0]
		var a answer
		if err := json.Unmarshal(body, &a); err != nil || len(body) >= 4096 {
			t.Fatalf("the answer has %d bytes, parsed with %v", len(body), err)
		}
		if !utf8.Valid(body) || len(a.PhysicalResourceID) > 1024 {
			t.Fatalf("the answer is not UTF-8, or its id has %d bytes", len(a.PhysicalResourceID))
		}
		if a.Status == "FAILED" && a.Reason == "" {
			t.Fatal("FAILED without a reason")
		}
		if whole := strings.ToValidUTF8(reason, "\uFFFD"); !succeeds && len(whole) < 500 && whole != "" && a.Reason != whole {
			t.Fatalf("reason %q became %q", whole, a.Reason)
		}
	})
}
