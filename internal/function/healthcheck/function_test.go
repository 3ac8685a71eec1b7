package healthcheck_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/s3-endpoint-guard/internal/function/healthcheck"
	"example.com/s3-endpoint-guard/internal/health"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// harness is a function with two checks, and its metrics and log.
type harness struct {
	*healthcheck.Function
	published [][]metrics.Datum
	err       error
	log       bytes.Buffer
}

func newHarness() *harness {
	h := &harness{}
	h.Function = &healthcheck.Function{
		Checks: healthcheck.Checks{
			Answer: func(context.Context) (string, error) { return "", nil },
			Role: func(context.Context) ([]health.Document, error) {
				return []health.Document{{Name: "p", Text: `{"Version":"2012-10-17","Statement":{"Sid":"S","Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::x"}}`}}, nil
			},
			Sweeps: func(context.Context, time.Time) (health.SweepCount, error) {
				return health.SweepCount{Minutes: 7, Busiest: 1}, nil
			},
		},
		Publish: func(_ context.Context, _ time.Time, data ...metrics.Datum) error {
			h.published = append(h.published, data)
			return h.err
		},
		Log: slog.New(slog.NewJSONHandler(&h.log, nil)),
		Now: time.Now,
	}
	return h
}

// value returns the value of a metric in the latest run.
func (h *harness) value(name metrics.Name) (float64, bool) {
	data := h.published[len(h.published)-1]
	i := slices.IndexFunc(data, func(d metrics.Datum) bool { return d.Name == name && d.Detail.Name == "" })
	if i < 0 {
		return 0, false
	}
	return data[i].Values[0], true
}

// messages returns the log messages so far.
func (h *harness) messages() []string {
	var messages []string
	for line := range strings.Lines(h.log.String()) {
		var fields struct{ Msg string }
		_ = json.Unmarshal([]byte(line), &fields)
		messages = append(messages, fields.Msg)
	}
	return messages
}

func TestACheckThatHangsIsGivenUpAndTheOthersPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness()
		h.Checks.Answer = func(ctx context.Context) (string, error) { <-ctx.Done(); return "", ctx.Err() }
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := h.Invoke(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 22*time.Second {
			t.Errorf("it published after %v, want 22s of 30s", took)
		}
		if got, _ := h.value(metrics.CheckFailed); got != 1 {
			t.Errorf("CheckFailed = %v, want 1", got)
		}
		if got, ok := h.value(metrics.SweepRecent); got != 1 || !ok {
			t.Errorf("SweepRecent = %v, %t, want 1", got, ok)
		}
		if _, ok := h.value(metrics.ExposedToInternet); ok {
			t.Error("ExposedToInternet was published although the check failed")
		}
	})
}

func TestFindingsAreListedWhenTheyChangeAndOnceADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness()
		role := h.Checks.Role
		listed := func() int {
			h.log.Reset()
			if _, err := h.Invoke(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, m := range h.messages() {
				if m == "role findings" {
					n++
				}
			}
			return n
		}
		for _, step := range []struct {
			after time.Duration
			role  func(context.Context) ([]health.Document, error)
			want  int
		}{
			{0, role, 1}, {time.Minute, role, 0}, {time.Minute, twice(role), 1}, {time.Minute, twice(role), 0}, {24 * time.Hour, twice(role), 1},
			{time.Minute, nobody, 0}, {time.Minute, twice(role), 1},
		} {
			time.Sleep(step.after) // synthetic time
			h.Checks.Role = step.role
			if got := listed(); got != step.want {
				t.Errorf("after %v the findings were listed %d times, want %d", step.after, got, step.want)
			}
		}
	})
}

// nobody returns the policies of a role without policies.
func nobody(context.Context) ([]health.Document, error) { return nil, nil }

// twice returns each policy of a role twice.
func twice(role func(context.Context) ([]health.Document, error)) func(context.Context) ([]health.Document, error) {
	return func(ctx context.Context) ([]health.Document, error) {
		list, err := role(ctx)
		return append(list, list...), err
	}
}

func TestWhatIsWrongIsLogged(t *testing.T) {
	h := newHarness()
	h.Checks.Role = nil
	h.Checks.Endpoint = func(context.Context) (health.Endpoint, error) { return health.Endpoint{State: "pending"}, nil }
	h.Checks.Rules = func(context.Context) ([]health.Rule, error) { return nil, errors.New("refused") }
	if _, err := h.Invoke(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := h.log.String()
	for _, want := range []string{`"msg":"check failed","check":"rules","error":"refused"`, `"msg":"unhealthy","metric":"EndpointAvailable"`, "its state is pending"} {
		if !strings.Contains(got, want) {
			t.Errorf("the log is %s, want %s in it", got, want)
		}
	}
	if strings.Contains(got, `"msg":"healthy"`) {
		t.Errorf("the log is %s, want no message that all is well", got)
	}
}

func TestAnUnpublishedRunFails(t *testing.T) {
	h := newHarness()
	h.err = errors.New("refused")
	if _, err := h.Invoke(t.Context(), nil); !errors.Is(err, h.err) {
		t.Errorf("Invoke = %v, want %v", err, h.err)
	}
}
