package board_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/board"
	"example.com/s3-endpoint-guard/local/dashboard"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// stream is a reader of a board's events, without a network.
type stream struct {
	header http.Header
	mu     sync.Mutex
	text   strings.Builder
}

// read starts a reader, which ends with the test.
func read(t *testing.T, b *board.Board) *stream {
	s := &stream{header: http.Header{}}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Handler(ctx).ServeHTTP(s, httptest.NewRequestWithContext(ctx, "GET", "http://127.0.0.1/events", nil))
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

func (s *stream) Header() http.Header              { return s.header }
func (s *stream) WriteHeader(int)                  {}
func (s *stream) Flush()                           {}
func (s *stream) SetWriteDeadline(time.Time) error { return nil }

func (s *stream) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

// states returns all states of a section that the reader got.
func (s *stream) states(section string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var states []string
	for event := range strings.SplitSeq(s.text.String(), "\n\n") {
		if data, ok := strings.CutPrefix(event, "event: "+section+"\ndata: "); ok {
			states = append(states, data)
		}
	}
	return states
}

// latest decodes the latest state of a section.
func latest[T any](t *testing.T, s *stream, section string) T {
	t.Helper()
	var state T
	states := s.states(section)
	if len(states) == 0 {
		t.Fatalf("the reader got no state of %s", section)
	}
	if err := json.Unmarshal([]byte(states[len(states)-1]), &state); err != nil {
		t.Fatal(err)
	}
	return state
}

// matrix is the state of the matrix.
type matrix struct {
	Cells []struct {
		State, Word, Detail string
		BadSince, BadFor    float64
	}
	Reaction float64
}

// answers is a request with an answer that can be changed.
type answers struct {
	access atomic.Int32
	asked  atomic.Int32
	takes  time.Duration
}

func (a *answers) request(name string) board.Request {
	return board.Request{Name: name, Send: func(context.Context) (board.Access, string) {
		a.asked.Add(1)
		time.Sleep(a.takes)
		return board.Access(a.access.Load()), "NoSuchBucket"
	}}
}

func (a *answers) become(access board.Access) { a.access.Store(int32(access)) }

// running returns a board that shows probes and runs until the end of the test.
func running(t *testing.T, probes ...board.Probe) *board.Board {
	b := board.New()
	b.Show(board.Show{Title: "test", Probes: probes})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return b
}

func TestACellTurnsRedAndGreenAtTheWriteNotLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := &answers{takes: 5 * time.Millisecond}
		bucket.become(board.Refused)
		b := running(t, board.Probe{Caller: "anonymous caller", Path: "internet", Requests: []board.Request{bucket.request("read")}})
		reader := read(t, b)
		time.Sleep(100 * time.Millisecond)
		for _, c := range []struct {
			access board.Access
			state  string
		}{{board.Allowed, "bad"}, {board.Refused, "good"}, {board.Allowed, "bad"}, {board.Refused, "good"}} {
			bucket.become(c.access)
			b.Changed()
			time.Sleep(30 * time.Millisecond) // less than the time between two rounds without a write
			m := latest[matrix](t, reader, "matrix")
			if m.Cells[0].State != c.state || m.Reaction > 10 {
				t.Errorf("30 ms after the write the cell is %q, after %v ms, want %q", m.Cells[0].State, m.Reaction, c.state)
			}
			if bad := c.state == "bad"; (m.Cells[0].BadSince != 0) != bad || !bad && m.Cells[0].BadFor != 30 {
				t.Errorf("a %s cell is bad since %v and was bad for %v ms, want its times", c.state, m.Cells[0].BadSince, m.Cells[0].BadFor)
			}
		}
	})
}

func TestACellTurnsRedWithoutAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := &answers{}
		bucket.become(board.Refused)
		reader := read(t, running(t, board.Probe{Requests: []board.Request{bucket.request("read")}}))
		time.Sleep(time.Second)
		bucket.become(board.Allowed)
		time.Sleep(3 * time.Second)
		if got := latest[matrix](t, reader, "matrix").Cells[0].State; got != "bad" {
			t.Errorf("three seconds later the cell is %q, want bad", got)
		}
	})
}

func TestTheBoardPausesBetweenRoundsDuringManyWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bucket := &answers{takes: 10 * time.Millisecond}
		b := running(t, board.Probe{Requests: []board.Request{bucket.request("read")}})
		for range 4000 {
			b.Changed()
			time.Sleep(time.Millisecond)
		}
		if got := bucket.asked.Load(); got < 10 || got > 40 {
			t.Errorf("%d rounds during 4 s of writes, want 10 to 40", got)
		}
	})
}

func TestWhatTheAnswersMean(t *testing.T) {
	for name, c := range map[string]struct {
		wanted            bool
		answers           []board.Access
		state, word, text string
	}{
		"all refused":                  {false, []board.Access{board.Refused, board.Refused}, "good", "refused", ""},
		"one allowed":                  {false, []board.Access{board.Refused, board.Allowed}, "bad", "open", "r1"},
		"all allowed":                  {false, []board.Access{board.Allowed, board.Allowed}, "bad", "open", "r0, r1"},
		"one allowed, one unclear":     {false, []board.Access{board.Unclear, board.Allowed}, "bad", "open", "r1"},
		"no bucket":                    {false, []board.Access{board.Unclear, board.Unclear}, "unclear", "unclear", "NoSuchBucket"},
		"the app reads":                {true, []board.Access{board.Allowed}, "good", "allowed", "r0"},
		"the app is refused":           {true, []board.Access{board.Allowed, board.Refused}, "bad", "refused", "r1"},
		"the app gets no clear answer": {true, []board.Access{board.Unclear}, "unclear", "unclear", "NoSuchBucket"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				probe := board.Probe{Wanted: c.wanted}
				for i, access := range c.answers {
					a := new(answers)
					a.become(access)
					probe.Requests = append(probe.Requests, a.request(fmt.Sprint("r", i)))
				}
				reader := read(t, running(t, probe))
				time.Sleep(time.Second)
				got := latest[matrix](t, reader, "matrix").Cells[0]
				if got.State != c.state || got.Word != c.word || got.Detail != c.text {
					t.Errorf("answers %v: %s, %s %s; want %s, %s %s", c.answers, got.State, got.Word, got.Detail, c.state, c.word, c.text)
				}
			})
		})
	}
}

// entry is an entry of the timeline.
type entry struct {
	Name, Actor string
	Rules       []string
	Delivered   float64
	Swept       bool
	Results     []struct {
		Property, Outcome string
		SinceMs           float64
	}
}

// summary is an entry in a line.
func (e entry) summary() string {
	text := fmt.Sprintf("%s %v delivered %v swept %t:", e.Name, e.Rules, e.Delivered, e.Swept)
	for _, r := range e.Results {
		text += fmt.Sprintf(" %s %s after %v,", r.Property, r.Outcome, r.SinceMs)
	}
	return text
}

func TestTheTimelineShowsEachStepAfterAnEvent(t *testing.T) {
	put := board.Event{ID: "1", Name: "PutBucketPolicy", Rules: []string{"BucketRule"}}
	remove := board.Event{ID: "2", Name: "DeletePublicAccessBlock", Rules: []string{"BucketRule"}}
	for name, c := range map[string]struct {
		happens func(*board.Board)
		want    []string
	}{
		"an event and its correction": {func(b *board.Board) {
			b.Recorded(put)
			time.Sleep(2 * time.Second)
			b.Delivered("1")
			time.Sleep(20 * time.Millisecond)
			b.Logged(board.Result{EventID: "1", Property: "bucket-policy", Outcome: "corrected"})
		}, []string{"PutBucketPolicy [BucketRule] delivered 2000 swept false: bucket-policy corrected after 2020,"}},
		"an event that no rule matches": {func(b *board.Board) { b.Recorded(board.Event{ID: "3", Name: "TagResource"}) },
			[]string{"TagResource [] delivered -1 swept false:"}},
		"an event after which there is nothing to correct": {func(b *board.Board) {
			b.Recorded(put)
			b.Delivered("1")
			b.Logged(board.Result{EventID: "1", Outcome: "already as desired"})
		}, []string{"PutBucketPolicy [BucketRule] delivered 0 swept false:  already as desired after 0,"}},
		"an event that is delivered twice": {func(b *board.Board) {
			b.Recorded(put)
			b.Delivered("1")
			time.Sleep(time.Second)
			b.Delivered("1")
		}, []string{"PutBucketPolicy [BucketRule] delivered 0 swept false:"}},
		"two lost events, and a sweep that corrects two properties": {func(b *board.Board) {
			b.Recorded(remove)
			b.Recorded(put)
			time.Sleep(time.Minute)
			b.Logged(board.Result{Trigger: "sweep", Property: "bucket-policy", Outcome: "corrected"})
			time.Sleep(time.Second)
			b.Logged(board.Result{Trigger: "sweep", Property: "public-access-block", Outcome: "corrected"})
		}, []string{"DeletePublicAccessBlock [BucketRule] delivered -1 swept true:",
			"PutBucketPolicy [BucketRule] delivered -1 swept true: bucket-policy corrected after 60000, public-access-block corrected after 61000,"}},
		"a run that no shown event started": {func(b *board.Board) {
			b.Logged(board.Result{EventID: "9", Trigger: "stack UPDATE_COMPLETE", Property: "routes", Outcome: "corrected"})
		}, []string{"stack UPDATE_COMPLETE [] delivered -1 swept true: routes corrected after 0,"}},
		"a sweep that finds nothing": {func(b *board.Board) { b.Logged(board.Result{Trigger: "sweep", Outcome: "already as desired"}) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := board.New()
				reader := read(t, b)
				c.happens(b)
				time.Sleep(time.Second)
				var got []string
				for _, e := range latest[[]entry](t, reader, "timeline") {
					got = append(got, e.summary())
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("timeline (-want +got)\n%s", diff)
				}
			})
		})
	}
}

func TestTheTimelineKeepsCorrectionsLongerThanOtherEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board.New()
		reader := read(t, b)
		b.Recorded(board.Event{ID: "drift", Name: "PutBucketPolicy"})
		b.Logged(board.Result{EventID: "drift", Property: "bucket-policy", Outcome: "corrected"})
		for i := range 1000 {
			b.Recorded(board.Event{ID: fmt.Sprint(i), Name: fmt.Sprint("call ", i)})
		}
		time.Sleep(time.Second)
		got := latest[[]entry](t, reader, "timeline")
		if len(got) != 20 || got[0].Name != "PutBucketPolicy" || got[19].Name != "call 999" {
			t.Errorf("the timeline has %d entries, from %s to %s, want 20, from the correction to the latest call", len(got), got[0].Name, got[len(got)-1].Name)
		}
	})
}

func TestAReaderGetsAllOfTheStateAndThenTheLatestStatesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board.New()
		b.Show(board.Show{Title: "test", Subject: "bucket"})
		b.Message(board.Message{Subject: "before"})
		b.Tell(board.Line{Kind: "text", Text: "before"})
		reader := read(t, b)
		time.Sleep(time.Second)
		for _, section := range []string{"layout", "busy", "matrix", "timeline", "story", "message", "panel"} {
			if got := len(reader.states(section)); got != 1 {
				t.Errorf("a new reader gets %d states of %s, want 1", got, section)
			}
		}
		if got := latest[board.Message](t, reader, "message").Subject; got != "before" {
			t.Errorf("a new reader gets the message %q, want the one before it came", got)
		}
		for i := range 1000 {
			b.Message(board.Message{Subject: fmt.Sprint(i)})
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Second)
		if got := len(reader.states("message")); got > 15 {
			t.Errorf("in a second the reader gets %d states of the message, want at most 15", got)
		}
		if got := latest[board.Message](t, reader, "message").Subject; got != "999" {
			t.Errorf("the reader's last message is %q, want the latest", got)
		}
	})
}

func TestAnotherShowRemovesWhatWasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board.New()
		reader := read(t, b)
		b.Recorded(board.Event{ID: "1"})
		b.Message(board.Message{Subject: "old"})
		b.Tell(board.Line{Text: "old"})
		time.Sleep(time.Second)
		b.Show(board.Show{Title: "new"})
		time.Sleep(time.Second)
		for _, section := range []string{"timeline", "story", "message"} {
			states := reader.states(section)
			if got := states[len(states)-1]; got != "null" {
				t.Errorf("after another show %s is %s, want null", section, got)
			}
		}
	})
}

func TestOnlyTheLatestLinesAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := board.New()
		for i := range 100 {
			b.Tell(board.Line{Text: fmt.Sprint(i)})
		}
		reader := read(t, b)
		time.Sleep(time.Second)
		got := latest[[]board.Line](t, reader, "story")
		if len(got) != 60 || got[59].Text != "99" {
			t.Errorf("%d lines are kept, the last is %q, want the latest 60", len(got), got[len(got)-1].Text)
		}
	})
}

func TestThePanelIsReadWhileTheBoardRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var state atomic.Value
		state.Store("OK")
		b := board.New()
		b.Show(board.Show{Panel: func() board.Panel {
			return board.Panel{Alarms: []board.Alarm{{Name: "OpenDrift", State: state.Load().(string)}}}
		}})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		reader := read(t, b)
		time.Sleep(5 * time.Second)
		before := len(reader.states("panel"))
		state.Store("ALARM")
		time.Sleep(2 * time.Second)
		if got := latest[board.Panel](t, reader, "panel").Alarms[0].State; got != "ALARM" || len(reader.states("panel")) != before+1 {
			t.Errorf("the alarm is %s in %d states after %d, want ALARM in one more", got, len(reader.states("panel")), before)
		}
	})
}

// points is a source with the same points for each metric.
type points []float64

func (p points) Points(dashboard.Metric, time.Time, time.Time) []dashboard.Point {
	var list []dashboard.Point
	for _, value := range p {
		list = append(list, dashboard.Point{Value: value})
	}
	return list
}

func (points) Alarm(string) (name, state string) { return "", "" }

func TestThePanelHasTheValuesOfTheDashboard(t *testing.T) {
	d := dashboard.Board{Widgets: []dashboard.Widget{
		{Type: "text", Markdown: "no values"},
		{Type: "metric", Title: "State", View: "singleValue", Metrics: []dashboard.Metric{{Label: "locked"}}},
		{Type: "metric", Title: "Latency", View: "timeSeries", Metrics: []dashboard.Metric{{Label: "p90"}, {Expression: "ANOMALY_DETECTION_BAND(m)"}}},
	}}
	for name, c := range map[string]struct {
		source points
		want   board.Panel
	}{
		"values": {points{1, 2}, board.Panel{
			Values: []board.Value{{Widget: "State", Label: "locked", Value: 2}},
			Series: []board.Series{{Widget: "Latency", Label: "p90", Points: []float64{1, 2}}},
		}},
		"no values":                              {nil, board.Panel{}},
		"a metric over time that is always zero": {points{0, 0}, board.Panel{Values: []board.Value{{Widget: "State", Label: "locked"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			var p board.Panel
			p.Draw(d, c.source, time.Now())
			if diff := cmp.Diff(c.want, p); diff != "" {
				t.Errorf("panel (-want +got)\n%s", diff)
			}
		})
	}
}

// acting returns a board with actions: one that waits until it is released, and one that fails.
func acting() (b *board.Board, release chan struct{}, got *atomic.Value) {
	release, got = make(chan struct{}), new(atomic.Value)
	b = board.New()
	b.Show(board.Show{
		Attacks: []board.Action{{Name: "attack", Run: func(_ context.Context, form url.Values) error {
			got.Store(form.Get("event"))
			<-release
			return nil
		}}},
		Controls: []board.Action{{Name: "fail", Run: func(context.Context, url.Values) error { return errors.New("no such bucket") }}},
	})
	return b, release, got
}

// post posts to a board, and returns the status and the answer.
func post(b *board.Board, path, body string, header http.Header) (status int, answer string) {
	r := httptest.NewRequest("POST", "http://127.0.0.1:8000"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		r.Header[name] = values
	}
	if host := header.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	b.Handler(context.Background()).ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestActionsRunOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, release, got := acting()
		reader := read(t, b)
		busy := func() string {
			time.Sleep(time.Second)
			return reader.states("busy")[len(reader.states("busy"))-1]
		}
		done := make(chan int, 1)
		go func() {
			status, _ := post(b, "/do/attack", "event=late", nil)
			done <- status
		}()
		if got, want := busy(), `{"action":"attack","error":""}`; got != want {
			t.Errorf("while the action runs the state is %s, want %s", got, want)
		}
		if status, answer := post(b, "/do/fail", "", nil); status != http.StatusConflict {
			t.Errorf("a second action gets %d %s, want 409", status, answer)
		}
		close(release)
		if status := <-done; status != http.StatusNoContent || got.Load() != "late" {
			t.Errorf("the action gets event %v and ends with %d, want late and 204", got.Load(), status)
		}
		if status, answer := post(b, "/do/fail", "", nil); status != http.StatusBadGateway || answer != "no such bucket\n" {
			t.Errorf("a failing action gets %d %q, want 502 and its error", status, answer)
		}
		if got, want := busy(), `{"action":"","error":"no such bucket"}`; got != want {
			t.Errorf("after a failure the state is %s, want %s", got, want)
		}
	})
}

func TestOtherWebsitesReadAndStartNothing(t *testing.T) {
	b, release, got := acting()
	close(release)
	for name, c := range map[string]struct {
		header http.Header
		status int
	}{
		"the page itself":              {http.Header{"Origin": {"http://127.0.0.1:8000"}, "Sec-Fetch-Site": {"same-origin"}}, http.StatusNoContent},
		"localhost":                    {http.Header{"Host": {"localhost:8000"}, "Origin": {"http://localhost:8000"}}, http.StatusNoContent},
		"IPv6":                         {http.Header{"Host": {"[::1]:8000"}}, http.StatusNoContent},
		"curl":                         {nil, http.StatusNoContent},
		"another website":              {http.Header{"Origin": {"https://example.com"}, "Sec-Fetch-Site": {"cross-site"}}, http.StatusForbidden},
		"another website, old browser": {http.Header{"Origin": {"https://example.com"}}, http.StatusForbidden},
		"another port":                 {http.Header{"Origin": {"http://127.0.0.1:9000"}, "Sec-Fetch-Site": {"same-site"}}, http.StatusForbidden},
		"a name that resolves to it":   {http.Header{"Host": {"board.example.com:8000"}, "Origin": {"http://board.example.com:8000"}}, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			got.Store("none")
			status, answer := post(b, "/do/attack", "event=now", c.header)
			if status != c.status || (got.Load() == "now") != (c.status == http.StatusNoContent) {
				t.Errorf("POST gets %d %s, and the attack got %v; want %d", status, answer, got.Load(), c.status)
			}
		})
	}
	for _, path := range []string{"/", "/events"} {
		r := httptest.NewRequestWithContext(localtest.Context(t, "the answer"), "GET", "http://board.example.com"+path, nil)
		w := httptest.NewRecorder()
		b.Handler(t.Context()).ServeHTTP(w, r)
		if w.Code != http.StatusForbidden {
			t.Errorf("GET %s of another host gets %d, want 403", path, w.Code)
		}
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	b, _, _ := acting()
	for request, want := range map[string]int{
		"POST /do/nothing": http.StatusNotFound, "GET /do/attack": http.StatusMethodNotAllowed, "GET /nothing": http.StatusNotFound, "POST /": http.StatusMethodNotAllowed,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := httptest.NewRecorder()
		b.Handler(t.Context()).ServeHTTP(w, httptest.NewRequest(method, "http://127.0.0.1"+path, nil))
		if w.Code != want {
			t.Errorf("%s gets %d, want %d", request, w.Code, want)
		}
	}
}

func TestThePageNeedsNothingFromOutside(t *testing.T) {
	w := httptest.NewRecorder()
	board.New().Handler(t.Context()).ServeHTTP(w, httptest.NewRequest("GET", "http://127.0.0.1/", nil))
	text := strings.ReplaceAll(w.Body.String(), "http://www.w3.org/2000/svg", "") // a name, no address
	for _, outside := range []string{"http:", "https:", "//cdn", "@import", "url("} {
		if strings.Contains(text, outside) {
			t.Errorf("the page has %q in it, want no address", outside)
		}
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Count(policy, "'sha256-") != 2 {
		t.Errorf("the content security policy is %q, want only the page's own script and style", policy)
	}
}

func TestWritersDoNotWaitForAReaderThatDoesNotRead(t *testing.T) {
	b := running(t)
	ctx, cancel := context.WithCancel(t.Context())
	address, closeBoard, err := b.Open(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := closeBoard(); err != nil {
			t.Error(err)
		}
	}()
	host := strings.Trim(strings.TrimPrefix(address, "http://"), "/")
	deaf, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	if _, err := io.WriteString(deaf, "GET /events HTTP/1.1\r\nHost: "+host+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	reader := read(t, b)
	large := strings.Repeat("x", 1<<20) // more than the buffers of a connection hold after some states
	var longest time.Duration
	began := time.Now()
	const n = 5000
	for i := range n {
		at := time.Now()
		b.Changed()
		b.Recorded(board.Event{ID: fmt.Sprint(i), Name: fmt.Sprint("call ", i)})
		if i%250 == 0 {
			b.Message(board.Message{Subject: fmt.Sprint(i), Body: large})
		}
		longest = max(longest, time.Since(at))
		if i%250 == 0 {
			localtest.Until(t, "the other reader to get the message", func() bool {
				states := reader.states("message")
				return len(states) > 0 && strings.HasPrefix(states[len(states)-1], fmt.Sprintf(`{"subject":"%d"`, i))
			})
		}
	}
	t.Logf("%d events in %v, the longest wait of a writer %v", n, time.Since(began), longest)
	if longest > 2*time.Second { // a busy machine takes milliseconds; a write to the deaf reader ends after 10 s
		t.Errorf("a writer waited %v", longest)
	}
	localtest.Until(t, "the other reader to get the last event", func() bool {
		entries := latest[[]entry](t, reader, "timeline")
		return len(entries) > 0 && entries[len(entries)-1].Name == fmt.Sprint("call ", n-1)
	})
}

func TestABoardOnAUsedPortSaysSo(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, _, err = board.New().Open(t.Context(), listener.Addr().(*net.TCPAddr).Port)
	if err == nil || !strings.HasPrefix(err.Error(), "opening the board: ") {
		t.Errorf("Open on a used port = %v, want an error that says what was tried", err)
	}
}
