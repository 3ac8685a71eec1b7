package api_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// board is a minimal service: POST /Write stores a text, GET /Read reads it, other names do nothing.
type board struct {
	name string
	// arrived, if not nil, is closed by the first decoded request.
	arrived chan struct{}

	mu             sync.Mutex
	text, previous string
	last           *api.Request
}

func (b *board) SigningName() string { return b.name }

func (b *board) Decode(r *api.Request) (*api.Operation, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.last == nil && b.arrived != nil {
		close(b.arrived)
	}
	b.last = r
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		return nil, &api.Error{Status: 400, Code: "MissingAction", Message: "what?"}
	}
	operation := &api.Operation{
		Name:  name,
		Needs: []api.Need{{Action: "board:" + name, Resource: "arn:aws:board:::1", ResourceAccount: "111122223333"}},
		Do:    func() (*api.Response, error) { return b.do(r, name) },
	}
	if name == "Write" {
		operation.Trail = &api.Trail{RequestParameters: map[string]any{"text": string(r.Body)}}
	}
	return operation, nil
}

func (b *board) do(r *api.Request, name string) (*api.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case name == "Write":
		b.text, b.previous = string(r.Body), b.text
	case name == "Fail":
		return nil, errors.New("a bug of the double")
	case r.Stale:
		return &api.Response{Status: 200, Body: []byte(b.previous)}, nil
	}
	return &api.Response{Status: 200, Body: []byte(b.text)}, nil
}

func (b *board) RenderError(_ *api.Request, e *api.Error) *api.Response {
	return &api.Response{Status: e.Status, Header: e.Header, Body: []byte(e.Error())}
}

// scene is a gate with a board, and one address.
type scene struct {
	*testing.T
	gate  *api.Gate
	board *board
	url   string
}

var (
	internet = api.Listener{SourceIP: "198.51.100.7"}
	now      = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
)

func newScene(t *testing.T, service string) *scene {
	s := &scene{T: t, gate: api.NewGate(api.Options{Now: func() time.Time { return now }}), board: &board{name: service}}
	t.Cleanup(func() { s.gate.Close() })
	s.gate.Add(s.board)
	s.url = s.open(internet)
	return s
}

func (s *scene) open(listener api.Listener) string {
	s.Helper()
	url, err := s.gate.Open(listener)
	if err != nil {
		s.Fatal(err)
	}
	return url
}

// policy parses a valid policy.
func policy(t *testing.T, document string) *iampolicy.Policy {
	t.Helper()
	p, err := iampolicy.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const everything = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`

// user returns a user of the local account with these identity policies.
func user(t *testing.T, documents ...string) api.Caller {
	t.Helper()
	var policies []*iampolicy.Policy
	for _, document := range documents {
		policies = append(policies, policy(t, document))
	}
	return api.Caller{
		Principal: "arn:aws:iam::111122223333:user/admin", Account: "111122223333",
		Identity: func() []*iampolicy.Policy { return policies },
	}
}

// authorization returns an Authorization header for an access key and a service, as SDKs write it.
func authorization(key, service string) string {
	return "AWS4-HMAC-SHA256 Credential=" + key + "/20260302/eu-central-1/" + service +
		"/aws4_request, SignedHeaders=host;x-amz-date, Signature=0123"
}

// call sends a request with an access key ("" for none) and returns the answer's status and body.
func (s *scene) call(key, url, body string) (int, string, error) {
	s.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	hr, err := http.NewRequestWithContext(s.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if key != "" {
		hr.Header.Set("Authorization", authorization(key, s.board.name))
	}
	return s.send(hr)
}

func (s *scene) send(hr *http.Request) (int, string, error) {
	s.Helper()
	answer, err := localtest.Client.Do(hr)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(text), err
}

// admin registers a caller with full access.
func (s *scene) admin() (key string) {
	s.Helper()
	key, _ = s.gate.Credentials(user(s.T, everything))
	return key
}

// expect makes a call and compares its answer.
func (s *scene) expect(key, path, body string, wantStatus int, wantBody string) {
	s.Helper()
	status, got, err := s.call(key, s.url+path, body)
	if err != nil {
		s.Fatal(err)
	}
	if status != wantStatus || got != wantBody {
		s.Errorf("%s = %d %q, want %d %q", path, status, got, wantStatus, wantBody)
	}
}

func TestCallerIsKnownByAccessKey(t *testing.T) {
	s := newScene(t, "board")
	key := s.admin()
	s.expect(key, "/Write", "hello", 200, "hello")
	s.expect("AKIAUNKNOWN", "/Read", "", 403, "InvalidClientTokenId: The security token included in the request is invalid.")
	s.expect(key, "/", "", 400, "MissingAction: what?")
	s.expect(key, "/Fail", "", 500, "InternalError: a bug of the double")
	if got := s.board.last.AccessKeyID; got != key {
		t.Errorf("AccessKeyID = %q, want %q", got, key)
	}
}

func TestKeysOfSessionsLookLikeAWSOwn(t *testing.T) {
	gate := api.NewGate(api.Options{})
	session := api.Caller{Principal: "arn:aws:sts::111122223333:assumed-role/app/i-1", Issuer: "arn:aws:iam::111122223333:role/app"}
	for prefix, caller := range map[string]api.Caller{"AKIA": {}, "ASIA": session} {
		if id, secret := gate.Credentials(caller); !strings.HasPrefix(id, prefix) || len(id) != 20 || secret == "" {
			t.Errorf("Credentials(%q) = %q, %q, want an id of 20 characters with %s", caller.Principal, id, secret, prefix)
		}
	}
}

func TestACallerMayHaveAKeyOfItsOwnChoice(t *testing.T) {
	s := newScene(t, "s3")
	const key = "AKIDEXAMPLE"
	s.expect(key, "/Read", "", 403, "InvalidClientTokenId: The security token included in the request is invalid.")
	s.gate.Accept(key, user(t, everything))
	s.expect(key, "/Read", "", 200, "")
}

func TestServiceIsThatOfTheCredentialScope(t *testing.T) {
	s := newScene(t, "s3")
	key := s.admin()
	presigned := s.url + "/Read?X-Amz-Credential=" + key + "%2F20260302%2Feu-central-1%2Fs3%2Faws4_request&X-Amz-Signature=0"
	for name, c := range map[string]struct {
		url, header string
		status      int
	}{
		"signed in the header":        {s.url + "/Read", authorization(key, "s3"), 200},
		"signed for all Regions":      {s.url + "/Read", "AWS4-ECDSA-P256-SHA256 Credential=" + key + "/20260302/s3/aws4_request, Signature=0", 200},
		"presigned":                   {presigned, "", 200},
		"anonymous is S3, and denied": {s.url + "/Read", "", 403},
		"no such service":             {s.url + "/Read", authorization(key, "polly"), 501},
	} {
		t.Run(name, func(t *testing.T) {
			hr, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.header != "" {
				hr.Header.Set("Authorization", c.header)
			}
			if status, body, err := s.send(hr); err != nil || status != c.status {
				t.Errorf("answer = %d %q %v, want %d", status, body, err, c.status)
			}
		})
	}
}

func TestAnswersCarryTheRequestID(t *testing.T) {
	s := newScene(t, "board")
	hr, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/Read", nil)
	if err != nil {
		t.Fatal(err)
	}
	hr.Header.Set("Authorization", authorization(s.admin(), "board"))
	answer, err := localtest.Client.Do(hr)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if got := answer.Header.Get("X-Amzn-Requestid"); got == "" || got != s.board.last.ID {
		t.Errorf("request id = %q, want %q", got, s.board.last.ID)
	}
}

func TestTrailHearsOfWritesWhateverBecomesOfThem(t *testing.T) {
	s := newScene(t, "board")
	var heard []string
	s.gate.OnTrail(func(c api.TrailCall) {
		outcome := "done"
		if c.Error != nil {
			outcome = c.Error.Code
		}
		heard = append(heard, c.Service+" "+c.Operation.Name+" "+outcome)
	})
	admin := s.admin()
	nobody, _ := s.gate.Credentials(user(t))
	s.call(admin, s.url+"/Write", "one")
	s.call(admin, s.url+"/Read", "")
	s.call(nobody, s.url+"/Write", "two")
	s.gate.Inject(api.Fault{Error: &api.Error{Status: 503, Code: "SlowDown"}, Times: 1})
	s.call(admin, s.url+"/Write", "three")
	s.gate.Inject(api.Fault{Error: &api.Error{Status: 500, Code: "InternalError"}, After: true, Times: 1})
	s.call(admin, s.url+"/Write", "four")
	want := "board Write done, board Write AccessDenied, board Write SlowDown, board Write done"
	if got := strings.Join(heard, ", "); got != want {
		t.Errorf("the trail has %q, want %q", got, want)
	}
}

func TestCloseEndsHangingCallsAtOnce(t *testing.T) {
	s := newScene(t, "board")
	key := s.admin()
	s.board.arrived = make(chan struct{})
	s.gate.Inject(api.Fault{Hang: true})
	ended := make(chan error)
	go func() {
		_, _, err := s.call(key, s.url+"/Read", "")
		ended <- err
	}()
	localtest.Receive(t, s.board.arrived, "the call to arrive")
	if err := s.gate.Close(); err != nil {
		t.Fatal(err)
	}
	if err := localtest.Receive(t, ended, "the hanging call to end"); err == nil {
		t.Error("the hanging call was answered, want its connection cut")
	}
	if _, err := s.gate.Open(internet); err == nil {
		t.Error("Open on a closed gate = nil, want an error")
	}
	if err := s.gate.Close(); err != nil {
		t.Errorf("Close again = %v, want nil", err)
	}
}

func TestCallersWhoGiveUpEndTheirCall(t *testing.T) {
	s := newScene(t, "board")
	key := s.admin()
	s.gate.Inject(api.Fault{Hang: true, Times: 1})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	hr, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/Read", nil)
	if err != nil {
		t.Fatal(err)
	}
	hr.Header.Set("Authorization", authorization(key, "board"))
	if _, _, err := s.send(hr); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging call = %v, want %v", err, context.DeadlineExceeded)
	}
	s.expect(key, "/Read", "", 200, "")
}
