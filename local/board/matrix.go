package board

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// Access is what the answer to a request means.
type Access int

// The answers. Unclear is an answer that says nothing about access, e.g. because the bucket does not exist.
const (
	Unclear Access = iota
	Refused
	Allowed
)

// Request is one request of a probe.
type Request struct {
	// Name is what the request does, e.g. "read".
	Name string
	// Send sends it. If the answer is [Unclear], detail says what it is.
	Send func(context.Context) (answer Access, detail string)
}

// Probe is a cell of the matrix: the requests of one caller by one network path.
type Probe struct {
	Caller, Path string
	// Wanted is what the lock wants: that all requests are allowed, or that all are refused.
	Wanted   bool
	Requests []Request
}

// The states of a cell.
const (
	unknown = "unknown" // no answer yet
	good    = "good"
	bad     = "bad"
	unclear = "unclear"
)

// cell is what is known about a probe.
type cell struct {
	Caller string `json:"caller"`
	Path   string `json:"path"`
	Wanted bool   `json:"wanted"`
	State  string `json:"state"`
	// Word is "refused", "allowed" or "open"; Detail names the requests.
	Word   string `json:"word"`
	Detail string `json:"detail,omitempty"`
	// BadSince is when it became bad; zero if it is not. BadFor is how long it last was bad, until BadUntil.
	BadSince millis  `json:"badSince,omitempty"`
	BadFor   float64 `json:"badFor,omitempty"`
	BadUntil millis  `json:"badUntil,omitempty"`
}

// millis is a time in milliseconds since 1970, as browsers have it.
type millis float64

func millisOf(t time.Time) millis {
	return millis(float64(t.UnixMicro()) / 1000)
}

// matrix is the state of all cells.
type matrix struct {
	cells []cell
	// probes are the probes of the cells; generation counts their replacements.
	probes     []Probe
	generation int
	// lastWrite is the earliest write that no round has covered yet, or zero.
	lastWrite time.Time
	// reaction is the time from a write to the change of a cell, in milliseconds, or 0.
	reaction float64
}

// replaced returns a matrix with other probes.
func (m *matrix) replaced(probes []Probe) matrix {
	n := matrix{probes: probes, generation: m.generation + 1, cells: make([]cell, len(probes))}
	for i, p := range probes {
		n.cells[i] = cell{Caller: p.Caller, Path: p.Path, Wanted: p.Wanted, State: unknown, Word: "…"}
	}
	return n
}

// wrote notes a write.
func (m *matrix) wrote(at time.Time) {
	if m.lastWrite.IsZero() {
		m.lastWrite = at
	}
}

// idlePause is the time between two rounds without a write. After a write the next round begins at once. If more than
// quickRounds follow each other like this, the board pauses before each further round, for as long as the latest round
// took, then for twice as long, and so on up to busyPause: its own requests must leave time for others.
const (
	idlePause   = 2 * time.Second
	busyPause   = 250 * time.Millisecond
	quickRounds = 4
)

// probe sends the requests, round by round, until the context ends.
func (b *Board) probe(ctx context.Context) {
	for inRow := 0; ctx.Err() == nil; inRow++ {
		began := time.Now()
		b.round(ctx)
		if inRow >= quickRounds {
			pause(ctx, min(time.Since(began)<<min(inRow-quickRounds, 8), busyPause))
		}
		select {
		case <-b.wake:
			continue
		default:
		}
		select {
		case <-b.wake:
		case <-time.After(idlePause):
		case <-ctx.Done():
		}
		inRow = 0
	}
}

// pause waits for some time, or for the end of the context.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// atOnce is how many probes send their requests at the same time.
const atOnce = 4

// round sends the requests of all probes once.
func (b *Board) round(ctx context.Context) {
	b.mu.Lock()
	probes, generation, write := b.matrix.probes, b.matrix.generation, b.matrix.lastWrite
	b.matrix.lastWrite = time.Time{}
	b.mu.Unlock()
	next := make(chan int, len(probes))
	for i := range probes {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for i := range next {
				answer := probes[i].ask(ctx)
				if ctx.Err() == nil {
					b.settle(generation, i, answer, write)
				}
			}
		})
	}
	workers.Wait()
}

// verdict is what the answers to a probe mean.
type verdict struct{ state, word, detail string }

// ask sends a probe's requests.
func (p Probe) ask(ctx context.Context) verdict {
	var allowed, refused, details []string
	for _, r := range p.Requests {
		switch access, detail := r.Send(ctx); access {
		case Allowed:
			allowed = append(allowed, r.Name)
		case Refused:
			refused = append(refused, r.Name)
		default:
			details = append(details, detail)
		}
	}
	switch {
	case p.Wanted && len(refused) > 0:
		return verdict{bad, "refused", strings.Join(refused, ", ")}
	case !p.Wanted && len(allowed) > 0:
		return verdict{bad, "open", strings.Join(allowed, ", ")}
	case len(details) > 0:
		return verdict{unclear, "unclear", strings.Join(slices.Compact(details), ", ")}
	case p.Wanted:
		return verdict{good, "allowed", strings.Join(allowed, ", ")}
	}
	return verdict{good, "refused", ""}
}

// settle stores what the answers to a probe mean; write is the write before the round, or zero. It does nothing for a
// generation that was replaced.
func (b *Board) settle(generation, i int, v verdict, write time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.matrix.generation != generation {
		return
	}
	c := &b.matrix.cells[i]
	before := verdict{c.State, c.Word, c.Detail}
	if before == v {
		return
	}
	now := time.Now()
	if before.state == bad && v.state != bad {
		c.BadFor, c.BadUntil, c.BadSince = float64(millisOf(now)-c.BadSince), millisOf(now), 0
	}
	if before.state != bad && v.state == bad {
		c.BadSince = millisOf(now)
	}
	if before.state != v.state && before.state != unknown && !write.IsZero() {
		b.matrix.reaction = float64(now.Sub(write).Microseconds()) / 1000
	}
	c.State, c.Word, c.Detail = v.state, v.word, v.detail
	b.advance(matrixSection)
}
