package board

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"time"
)

//go:embed page.html
var page []byte

// inline matches the page's script and style.
var inline = regexp.MustCompile(`(?s)<(script|style)>(.*?)</`)

// contentPolicy allows only the page's own script and style, by their hashes, and requests to the board.
// https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Content-Security-Policy
var contentPolicy = func() string {
	policy := "default-src 'none'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for _, part := range inline.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(part[2])
		policy += fmt.Sprintf("; %s-src 'sha256-%s'", part[1], base64.StdEncoding.EncodeToString(sum[:]))
	}
	return policy
}()

// Handler returns the handler of the page: the page itself, its events, and the actions, which get ctx. It answers only
// requests to a loopback host, and refuses actions that another website starts.
func (b *Board) Handler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", contentPolicy)
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(page) // the reader may have gone
	})
	mux.HandleFunc("GET /events", b.events)
	mux.HandleFunc("POST /do/{name}", func(w http.ResponseWriter, r *http.Request) { b.do(ctx, w, r) })
	return loopbackOnly(http.NewCrossOriginProtection().Handler(mux))
}

// loopbackOnly refuses requests with a Host that is not a loopback address: a website whose name resolves to 127.0.0.1
// could otherwise read the board (DNS rebinding).
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			http.Error(w, "the board answers only to a loopback address", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// do runs an action. A reload of the page does not end it.
func (b *Board) do(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	action, ok := b.action(r.PathValue("name"))
	if !ok {
		http.Error(w, "there is no such action", http.StatusNotFound)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, "reading the form: "+err.Error(), http.StatusBadRequest)
		return
	}
	if !b.acting.TryLock() {
		http.Error(w, "another action is running", http.StatusConflict)
		return
	}
	defer b.acting.Unlock()
	b.setBusy(busyState{Action: action.Name})
	if err := action.Run(ctx, r.Form); err != nil {
		b.setBusy(busyState{Error: err.Error()})
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	b.setBusy(busyState{})
	w.WriteHeader(http.StatusNoContent)
}

// action returns the action with a name.
func (b *Board) action(name string) (Action, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, list := range [][]Action{b.show.Attacks, b.show.Controls} {
		for _, a := range list {
			if a.Name == name {
				return a, true
			}
		}
	}
	return Action{}, false
}

func (b *Board) setBusy(state busyState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy = state
	b.advance(busySection)
}

// Times of the stream: between two comments that keep it open, and until a reader that does not read is cut off.
const (
	keepAlive  = 15 * time.Second
	writeLimit = 10 * time.Second
)

// reader is what one reader of the stream has got.
type reader struct {
	board *Board
	sent  [sections]uint64
	last  [sections]time.Time
}

// events sends the state of all sections, and then each new state, until the reader goes.
func (b *Board) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	to := http.NewResponseController(w)
	send := func(text []byte) error {
		return errors.Join(to.SetWriteDeadline(time.Now().Add(writeLimit)), write(w, text), to.Flush())
	}
	if send([]byte("retry: 500\n\n")) != nil {
		return
	}
	reader := &reader{board: b}
	for {
		frames, changed, wait := reader.next(time.Now())
		if frames != nil {
			if send(frames) != nil {
				return
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-changed:
		case <-timer.C:
			if wait == keepAlive && send([]byte(":\n\n")) != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
		timer.Stop()
	}
}

// write writes a text.
func write(w http.ResponseWriter, text []byte) error {
	_, err := w.Write(text)
	return err
}

// next returns the states that the reader has not got and that are due, as events. If there are none, it returns a channel
// that is closed at the next change, and how long the reader should wait for it.
func (r *reader) next(now time.Time) (frames []byte, changed <-chan struct{}, wait time.Duration) {
	b := r.board
	b.mu.Lock()
	defer b.mu.Unlock()
	wait = keepAlive
	for s := range sections {
		if r.sent[s] == b.versions[s] {
			continue
		}
		if early := paces[s] - now.Sub(r.last[s]); early > 0 {
			wait = min(wait, early)
			continue
		}
		frames = append(frames, b.encode(s)...)
		r.sent[s], r.last[s] = b.versions[s], now
	}
	return frames, b.changed, wait
}

// encodedState is an encoded state of a section.
type encodedState struct {
	version uint64
	frame   []byte
}

// encode returns a section's state as an event. The board is locked.
func (b *Board) encode(s section) []byte {
	if b.encoded[s].version != b.versions[s] {
		text, err := json.Marshal(b.state(s))
		if err != nil {
			text = []byte("null") // no state has a value that cannot be encoded
		}
		frame := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", sectionNames[s], text)
		b.encoded[s] = encodedState{b.versions[s], frame}
	}
	return b.encoded[s].frame
}

// state returns a section's state. The board is locked.
func (b *Board) state(s section) any {
	switch s {
	case layoutSection:
		return b.show
	case busySection:
		return b.busy
	case matrixSection:
		return map[string]any{"cells": b.matrix.cells, "reaction": b.matrix.reaction}
	case timelineSection:
		return b.timeline.entries
	case storySection:
		return b.lines
	case messageSection:
		return b.message
	default:
		return b.panel
	}
}

// Open serves the board on a port of 127.0.0.1, a free one if port is 0, and returns its address. Actions get ctx. The
// returned function closes the board and waits for a running action, so ctx must have ended before.
func (b *Board) Open(ctx context.Context, port int) (address string, closeBoard func() error, err error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return "", nil, fmt.Errorf("opening the board: %w", err)
	}
	server := &http.Server{Handler: b.Handler(ctx), ReadHeaderTimeout: writeLimit}
	go func() { _ = server.Serve(listener) }() // ends with Close
	return "http://" + listener.Addr().String() + "/", func() error {
		err := server.Close()
		b.acting.Lock()
		defer b.acting.Unlock()
		return err
	}, nil
}
