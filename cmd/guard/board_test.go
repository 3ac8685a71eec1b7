package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// boardReader is a reader of a board's events.
type boardReader struct {
	testing.TB
	address string

	mu     sync.Mutex
	states map[string][]boardState
}

// boardState is a state of a section, and when it arrived.
type boardState struct {
	at   time.Time
	text string
}

// readBoard reads the events of a board until the test ends.
func readBoard(t testing.TB, address string) *boardReader {
	t.Helper()
	r := &boardReader{TB: t, address: address, states: map[string][]boardState{}}
	request, err := http.NewRequestWithContext(t.Context(), "GET", address+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := new(http.Client).Do(request) // without a time-out: the answer ends with the test
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.receive(answer.Body)
	}()
	t.Cleanup(func() {
		answer.Body.Close()
		<-ended
	})
	return r
}

// receive stores the states.
func (r *boardReader) receive(body io.Reader) {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 16<<20)
	section := ""
	for lines.Scan() {
		if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			section = name
		}
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			r.mu.Lock()
			r.states[section] = append(r.states[section], boardState{time.Now(), text})
			r.mu.Unlock()
		}
	}
}

// cells are the states of the matrix: "caller, path" to "state word detail".
func (s boardState) cells() map[string]string {
	var m struct {
		Cells []struct{ Caller, Path, State, Word, Detail string }
	}
	_ = json.Unmarshal([]byte(s.text), &m)
	cells := map[string]string{}
	for _, c := range m.Cells {
		cells[c.Caller+", "+c.Path] = strings.TrimSpace(c.State + " " + c.Word + " " + c.Detail)
	}
	return cells
}

// waitFor waits for a state of a section that arrived after a time, and returns it. It examines each state once.
func (r *boardReader) waitFor(section, what string, after time.Time, so func(boardState) bool) (found boardState) {
	r.Helper()
	examined := 0
	localtest.Until(r, what, func() bool {
		r.mu.Lock()
		states := r.states[section][examined:]
		r.mu.Unlock()
		for _, s := range states {
			if examined++; s.at.After(after) && so(s) {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

// waitForCell waits until a cell has a state.
func (r *boardReader) waitForCell(cell, want string, after time.Time) boardState {
	r.Helper()
	return r.waitFor("matrix", fmt.Sprintf("the cell %s to be %s", cell, want), after, func(s boardState) bool { return s.cells()[cell] == want })
}

// does runs an action of the board.
func (r *boardReader) does(name, event string) {
	r.Helper()
	r.starts(name, event)()
}

// starts starts an action of the board, and returns a function that waits for its end.
func (r *boardReader) starts(name, event string) (ends func()) {
	said := make(chan string, 1)
	go func() {
		answer, err := localtest.Client.PostForm(r.address+"do/"+name, url.Values{"event": {event}})
		if err != nil {
			said <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		said <- fmt.Sprintf("%d %s", answer.StatusCode, text)
	}()
	return func() {
		r.Helper()
		if text := localtest.Receive(r, said, "the end of the action "+name); text != "204 " {
			r.Fatalf("the action %s gets %s, want 204", name, text)
		}
	}
}

// exhibited runs guard demo --board until the test ends, and returns the board's address.
func exhibited(t testing.TB) string {
	t.Helper()
	return exhibitedWith(t, forPeople, newPlain(io.Discard))
}

// untilTold returns a function that returns when the test sends to the channel, or has ended.
func untilTold(t testing.TB) (pause func(context.Context), told chan<- struct{}) {
	channel := make(chan struct{})
	return func(ctx context.Context) {
		select {
		case <-channel:
		case <-ctx.Done():
		case <-t.Context().Done():
		}
	}, channel
}

// exhibitedWith is [exhibited] with another tempo and an audience.
func exhibitedWith(t testing.TB, p tempo, audience teller, scenes ...int) string {
	t.Helper()
	chosen, err := chooseScenes(scenes)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	o := demoOptions{stack: stackFlags{template: "../../template.yaml"}, board: boardFlags{on: true}, scenes: scenes, tempo: p}
	go func() {
		err := exhibit(ctx, o, audience, chosen, in)
		ended <- err
		in.CloseWithError(err)
	}()
	t.Cleanup(func() {
		cancel()
		if err := localtest.Receive(t, ended, "guard demo --board to end"); err != nil {
			t.Errorf("guard demo --board ends with %v, want nil", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	address, ok := strings.CutPrefix(strings.TrimSpace(line), "# The board: ")
	if err != nil || !ok {
		t.Fatalf("guard demo --board prints %q (%v), want the address", line, err)
	}
	return address
}

// Cells of the matrix.
const (
	anonymousCell = "Anonymous caller, Internet"
	appCell       = "The app, VPC endpoint"
	thiefCell     = "Another account, Endpoint, to a foreign bucket"
)

func TestTheBoardShowsAnAttackAndItsCorrection(t *testing.T) {
	t.Parallel()
	late, arrives := untilTold(t)
	r := readBoard(t, exhibitedWith(t, tempo{line: forPeople.line, late: late}, newPlain(io.Discard)))
	locked := r.waitFor("matrix", "all cells to be green", time.Time{}, func(s boardState) bool {
		cells := s.cells()
		for _, state := range cells {
			if !strings.HasPrefix(state, "good ") {
				return false
			}
		}
		return len(cells) == 16
	})
	if got := locked.cells()[appCell]; got != "good allowed read" {
		t.Errorf("the cell of the app is %q, want it allowed to read", got)
	}
	for _, c := range []struct{ attack, cell, red string }{
		{"delete-policy", "An administrator, Internet", "bad open list, read, versions"},
		{"open-endpoint", thiefCell, "bad open write"},
		// Also corrects public-access-block. Another message about bucket-policy alone could wait a minute (notify.Topic).
		{"open-bucket", anonymousCell, "bad open list, versions"},
	} {
		began := time.Now()
		ends := r.starts(c.attack, eventLate)
		red := r.waitForCell(c.cell, c.red, began)
		arrives <- struct{}{}
		ends()
		green := r.waitForCell(c.cell, "good refused", red.at)
		var m struct{ Reaction float64 }
		if err := json.Unmarshal([]byte(green.text), &m); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: red %v after the request of the attack, green again %v ms after the write of the correction", c.attack, red.at.Sub(began), m.Reaction)
		r.waitFor("timeline", "the correction of "+c.attack, began, func(s boardState) bool { return strings.Contains(s.text, `"outcome":"corrected"`) })
		r.waitFor("message", "the message about "+c.attack, began, func(s boardState) bool { return strings.Contains(s.text, "corrected") })
	}
	r.does("minute", "")
	r.waitFor("panel", "the alarm OpenDrift to ring", time.Time{}, func(s boardState) bool {
		return strings.Contains(s.text, `{"name":"OpenDrift","state":"ALARM"`)
	})
}

func TestTheBoardShowsALostEventAndTheSweep(t *testing.T) {
	t.Parallel()
	r := readBoard(t, exhibited(t))
	r.waitForCell(appCell, "good allowed read", time.Time{})
	began := time.Now()
	r.does("delete-policy", eventLost)
	r.waitForCell(appCell, "good allowed read", time.Time{})
	red := r.waitForCell("The app, Internet", "bad open list, read", began)
	r.does("minute", "")
	r.waitForCell("The app, Internet", "good refused", red.at)
	r.waitFor("timeline", "the sweep's correction", began, func(s boardState) bool { return strings.Contains(s.text, `"swept":true`) })
}

func TestTheBoardPlaysTheScenes(t *testing.T) {
	t.Parallel()
	look, looked := untilTold(t)
	audience := lookingAtTheThief{newPlain(io.Discard), func() { look(t.Context()) }}
	r := readBoard(t, exhibitedWith(t, tempo{line: func(context.Context) {}}, audience, 7, 8))
	for _, ends := range []string{"the end of the scenes", "the second end of the scenes"} { // the second on a new stack
		began := time.Now()
		played := r.starts("play", "")
		r.waitForCell(thiefCell, "bad open write", began)
		looked <- struct{}{}
		played()
		r.waitFor("story", ends, began, func(s boardState) bool { return strings.Contains(s.text, "promises were kept.") })
		r.does("reorder-policy", eventNow)
	}
}

// lookingAtTheThief is an audience that looks at the board while data can leave.
type lookingAtTheThief struct {
	teller
	look func()
}

func (l lookingAtTheThief) promise(p promise) {
	if l.teller.promise(p); p.Who == "thief" && p.Answer == success {
		l.look()
	}
}

func TestLocalServesABoard(t *testing.T) {
	t.Parallel()
	r := runLocalWith(t, boardFlags{on: true}, false)
	defer r.stops()
	reader := readBoard(t, r.after("# The board: "))
	reader.waitForCell(appCell, "good allowed read", time.Time{})
	bucket := r.after("aws s3api delete-bucket-policy --bucket ")
	client := s3.NewFromConfig(r.admin(), func(o *s3.Options) { o.UsePathStyle = true })
	began := time.Now()
	if _, err := client.DeleteBucketPolicy(localtest.Context(t, "AWS's answer"), &s3.DeleteBucketPolicyInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	const cell = "An administrator, Internet"
	red := reader.waitForCell(cell, "bad open list, read, versions", began)
	reader.waitForCell(cell, "good refused", red.at)
	reader.does("open-endpoint", eventNow)
	reader.waitFor("timeline", "the correction of the endpoint", red.at, func(s boardState) bool {
		return strings.Contains(s.text, `"property":"endpoint-policy","outcome":"corrected"`)
	})
	r.says("corrected bucket-policy (open)")
}

// TestManyWritesDoNotStallTheBoard makes writes as fast as the local AWS answers them, and thousands of events without a
// write, while one reader of the board does not read. An attack follows.
func TestManyWritesDoNotStallTheBoard(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	late, arrives := untilTold(t)
	e, err := newExhibition(ctx, demoOptions{stack: stackFlags{template: "../../template.yaml"}, tempo: tempo{late: late}}, newPlain(io.Discard), nil)
	if err != nil {
		t.Fatal(err)
	}
	address, closeBoard, err := openBoard(ctx, e.board, boardFlags{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := errors.Join(closeBoard(), e.stage.close()); err != nil {
			t.Error(err)
		}
	}()
	request, err := http.NewRequestWithContext(ctx, "GET", address+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	unread, err := new(http.Client).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Body.Close()
	r := readBoard(t, address)
	r.waitForCell(appCell, "good allowed read", time.Time{})

	e.stage.cloud.Events.Disturb(events.Disturbance{Lose: true}) // the guard's runs are not what is measured
	const writes, records = 300, 5000
	if err := reorderThePolicy.run(ctx, e.stage.callers); err != nil {
		t.Fatal(err)
	}
	all := e.stage.cloud.Events.Records()
	record := all[len(all)-1]
	var both sync.WaitGroup
	began := time.Now()
	both.Go(func() {
		for range writes {
			if err := reorderThePolicy.run(ctx, e.stage.callers); err != nil {
				t.Error(err)
				return
			}
		}
		t.Logf("%d real writes, %.0f/s", writes, writes/time.Since(began).Seconds())
	})
	for range records {
		e.watcher.recorded(events.Event{"detail": map[string]any(record)}, []string{e.stage.bucketRule()})
	}
	t.Logf("%d events for the board, %.0f/s", records, records/time.Since(began).Seconds())
	both.Wait()
	e.stage.cloud.Events.Disturb(events.Disturbance{})
	red := time.Now()
	ends := r.starts("open-endpoint", eventLate)
	t.Logf("after them, a cell is red %v after the request of the attack", r.waitForCell(thiefCell, "bad open write", red).at.Sub(red))
	arrives <- struct{}{}
	ends()
	r.waitForCell(thiefCell, "good refused", red)
}
