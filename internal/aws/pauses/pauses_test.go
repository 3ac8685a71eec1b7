package pauses_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/aws/pauses"
	"example.com/s3-endpoint-guard/internal/pause"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// scene is a parameter store, its clock, and an adapter of each kind.
type scene struct {
	now    time.Time
	gate   *api.Gate
	store  *ssm.Service
	reader pauses.Reader
	writer pauses.Writer
}

// newScene makes a store for a caller with one policy.
func newScene(t *testing.T, policy string) *scene {
	t.Helper()
	s := &scene{now: noon}
	s.gate = localtest.Gate(t, api.Options{Now: func() time.Time { return s.now }})
	s.store = ssm.New(s.gate.Options())
	s.gate.Add(s.store)
	client := awscall.New(localtest.Config(t, s.gate, policy), awscall.SSM)
	s.reader = pauses.Reader{SSM: client, Path: pause.Path("guard")}
	s.writer = pauses.Writer{SSM: client, Path: pause.Path("guard")}
	return s
}

func window(target string, until time.Time) pause.Window {
	return pause.Window{Target: target, Until: until, Reason: "plan", By: "arn:aws:iam::111122223333:user/ada"}
}

func TestAWindowIsReadUntilItIsEnded(t *testing.T) {
	s := newScene(t, localtest.Everything)
	if got, err := s.reader.Read(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Read = %+v, %v, want none", got, err)
	}
	want := window("docs", noon.Add(time.Hour))
	for range 2 { // a window can be made again
		if err := s.writer.Put(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.reader.Read(t.Context()); err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("Read = %+v, %v, want %+v", got, err, want)
	}
	if err := s.writer.End(t.Context(), "docs"); err != nil {
		t.Error(err)
	}
	if got, err := s.reader.Read(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("Read after End = %+v, %v, want none", got, err)
	}
	if err := s.writer.End(t.Context(), "docs"); !errors.Is(err, pauses.ErrNone) || !strings.Contains(err.Error(), "docs") {
		t.Errorf("End = %v, want ErrNone for docs", err)
	}
}

func TestAWindowEndsADayAfterItWasStored(t *testing.T) {
	s := newScene(t, localtest.Everything)
	s.store.Put(pause.Path("guard")+"/docs", "String", window("docs", noon.AddDate(1, 0, 0)).Value())
	got, err := s.reader.Read(t.Context())
	if err != nil || len(got) != 1 || !got[0].Until.Equal(noon.Add(24*time.Hour)) {
		t.Errorf("Read = %+v, %v, want a window until a day after %s", got, err, noon)
	}
}

func TestEveryPageIsRead(t *testing.T) {
	s := newScene(t, localtest.Everything)
	for i := range 25 {
		s.store.Put(fmt.Sprintf("%s/bucket-%02d", pause.Path("guard"), i), "String", window("", noon.Add(time.Hour)).Value())
	}
	s.store.Put(pause.Path("guard-2")+"/docs", "String", window("", noon.Add(time.Hour)).Value())
	s.store.Put(pause.Path("guard")+"/a/b", "String", window("", noon.Add(time.Hour)).Value())
	got, err := s.reader.Read(t.Context())
	if err != nil || len(got) != 25 || got[24].Target != "bucket-24" {
		t.Errorf("Read = %d windows, %v, want the stack's 25", len(got), err)
	}
}

func TestABrokenParameterHidesNoOther(t *testing.T) {
	s := newScene(t, localtest.Everything)
	s.store.Put(pause.Path("guard")+"/broken", "String", "until tomorrow")
	s.store.Put(pause.Path("guard")+"/docs", "String", window("docs", noon.Add(time.Hour)).Value())
	got, err := s.reader.Read(t.Context())
	if len(got) != 1 || got[0].Target != "docs" || err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("Read = %+v, %v, want docs, and an error that names broken", got, err)
	}
}

func TestAFailureOnALaterPageKeepsTheWindowsBefore(t *testing.T) {
	s := newScene(t, localtest.Everything)
	for i := range 11 {
		s.store.Put(fmt.Sprintf("%s/bucket-%02d", pause.Path("guard"), i), "String", window("", noon.Add(time.Hour)).Value())
	}
	s.gate.Inject(api.Fault{Operation: "GetParametersByPath", Skip: 1, Error: &api.Error{Status: 400, Code: "ThrottlingException"}})
	got, err := s.reader.Read(t.Context())
	if len(got) != 10 || errorcode.Of(err) != "ThrottlingException" {
		t.Errorf("Read = %d windows, %v, want 10 and ThrottlingException", len(got), err)
	}
}

func TestThePermissionOnThePathIsEnough(t *testing.T) {
	s := newScene(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParametersByPath",
		"Resource":"arn:aws:ssm:eu-central-1:111122223333:parameter/s3-endpoint-guard/pause/guard"}]}`)
	if _, err := s.reader.Read(t.Context()); err != nil {
		t.Error(err)
	}
	if err := s.writer.Put(t.Context(), window("docs", noon.Add(time.Hour))); !errorcode.Denied(err) {
		t.Errorf("Put = %v, want a refusal", err)
	}
	if err := s.writer.End(t.Context(), "docs"); !errorcode.Denied(err) {
		t.Errorf("End = %v, want a refusal", err)
	}
	s.reader.Path = pause.Path("other")
	if _, err := s.reader.Read(t.Context()); !errorcode.Denied(err) || !strings.Contains(err.Error(), "/other") {
		t.Errorf("Read of another stack's = %v, want a refusal that names the path", err)
	}
}

// silent answers nothing, as SSM may to DeleteParameter, which has no result.
type silent struct{}

func (silent) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

func TestAWindowIsEndedByAnAnswerWithoutAResult(t *testing.T) {
	s := newScene(t, localtest.Everything)
	config := localtest.Config(t, s.gate, localtest.Everything)
	config.HTTPClient = silent{}
	w := pauses.Writer{SSM: awscall.New(config, awscall.SSM), Path: pause.Path("guard")}
	if err := w.End(t.Context(), "docs"); err != nil {
		t.Error(err)
	}
}
