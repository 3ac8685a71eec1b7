// Package board serves a page that shows the lock and the guard at work: who can reach the bucket by which path, what
// happens after each event, the alarms, the dashboard and the latest message. Buttons start attacks.
//
// It imports the standard library, and the dashboard's drawing. Its caller provides what it shows:
//
//	Show       the requests of the matrix, the buttons, the alarms and the dashboard
//	Changed    a management write was made: the board sends the requests of the matrix at once
//	Recorded, Delivered, Logged   the steps from an event to its correction
//	Message    a message that recipients get
//	Tell       a line of the demo
//
// These methods never wait for a reader: each reader gets the latest state when it is ready for it, and states that it
// was too slow for are skipped. https://html.spec.whatwg.org/multipage/server-sent-events.html
package board

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// Show is what a board shows.
type Show struct {
	// Title is the name of what is shown, Subject the bucket and its endpoint.
	Title   string `json:"title"`
	Subject string `json:"subject"`
	// Probes are the cells of the matrix, row by row.
	Probes []Probe `json:"-"`
	// Attacks and Controls are the buttons.
	Attacks  []Action `json:"attacks"`
	Controls []Action `json:"controls"`
	// Choices say when CloudTrail's event of an attack arrives. An attack gets the value of the chosen one as "event".
	Choices []Choice `json:"choices"`
	// Panel returns the alarms and the dashboard. It is called about once a second. It may be nil.
	Panel func() Panel `json:"-"`
}

// Choice is one of several values.
type Choice struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// Action is a button. The board runs one action at a time.
type Action struct {
	// Name identifies it in its address; Title and Effect describe it.
	Name   string `json:"name"`
	Title  string `json:"title"`
	Effect string `json:"effect"`
	// Command are the lines of a shell that do the same; "" if there are none.
	Command string `json:"command,omitempty"`
	// Run runs it until its end. Its error is shown.
	Run func(ctx context.Context, form url.Values) error `json:"-"`
}

// Message is a message as its recipients get it.
type Message struct {
	Subject string    `json:"subject"`
	Body    string    `json:"body"`
	At      time.Time `json:"at"`
}

// Line is a line of the demo: a scene's title, a text, or an answer that is promised.
type Line struct {
	// Kind is "scene", "text", "promise" or "end".
	Kind   string `json:"kind"`
	Who    string `json:"who,omitempty"`
	Text   string `json:"text"`
	Answer string `json:"answer,omitempty"`
	// Broken means that the answer is not the promised one.
	Broken bool `json:"broken,omitempty"`
}

// maxLines is how many lines of the demo are kept.
const maxLines = 60

// section is a part of the state that is sent as a whole.
type section int

// The sections, in the order in which they are sent.
const (
	layoutSection section = iota
	busySection
	matrixSection
	timelineSection
	storySection
	messageSection
	panelSection
	sections
)

var sectionNames = [sections]string{"layout", "busy", "matrix", "timeline", "story", "message", "panel"}

// paces is the minimum time between two states of a section for one reader. A state that follows a pause is sent at once.
var paces = [sections]time.Duration{
	matrixSection: 20 * time.Millisecond, timelineSection: 100 * time.Millisecond, storySection: 50 * time.Millisecond,
	messageSection: 100 * time.Millisecond, panelSection: 200 * time.Millisecond,
}

// Board is the state of the page. Its methods may be called from any number of goroutines.
type Board struct {
	// wake has a value if a write was made since the latest round of requests began.
	wake chan struct{}
	// acting is locked while an action runs.
	acting sync.Mutex

	mu       sync.Mutex
	show     Show
	matrix   matrix
	timeline timeline
	lines    []Line
	message  *Message
	panel    Panel
	busy     busyState
	// versions count the states of each section; changed is closed and replaced when one is added.
	versions [sections]uint64
	changed  chan struct{}
	// encoded are the latest encoded states.
	encoded [sections]encodedState
}

// busyState is the action that runs, and the error of the latest one.
type busyState struct {
	Action string `json:"action"`
	Error  string `json:"error"`
}

// New returns a board that shows nothing yet.
func New() *Board {
	b := &Board{wake: make(chan struct{}, 1), changed: make(chan struct{})}
	for s := range b.versions {
		b.versions[s] = 1
	}
	return b
}

// Show replaces what the board shows. The timeline, the message and the lines of an earlier show are removed.
func (b *Board) Show(show Show) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.show, b.matrix, b.timeline = show, b.matrix.replaced(show.Probes), timeline{}
	b.lines, b.message, b.panel = nil, nil, Panel{}
	for s := range sections {
		b.advance(s)
	}
	b.poke()
}

// advance adds a state of a section. The board is locked.
func (b *Board) advance(s section) {
	b.versions[s]++
	close(b.changed)
	b.changed = make(chan struct{})
}

// Changed says that a management write was made.
func (b *Board) Changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.matrix.wrote(time.Now())
	b.poke()
}

// poke starts a round of requests.
func (b *Board) poke() {
	select {
	case b.wake <- struct{}{}:
	default: // the next round has not begun yet
	}
}

// Message shows a message.
func (b *Board) Message(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.message = &m
	b.advance(messageSection)
}

// Tell shows a line of the demo.
func (b *Board) Tell(l Line) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, l)
	if len(b.lines) > maxLines {
		b.lines = append([]Line(nil), b.lines[len(b.lines)-maxLines:]...)
	}
	b.advance(storySection)
}

// panelPause is the time between two readings of the alarms and the dashboard.
const panelPause = time.Second

// Run sends the requests of the matrix and reads the panel, until the context ends.
func (b *Board) Run(ctx context.Context) {
	var both sync.WaitGroup
	both.Go(func() { b.probe(ctx) })
	both.Go(func() {
		for ctx.Err() == nil {
			b.readPanel()
			pause(ctx, panelPause)
		}
	})
	both.Wait()
}

// readPanel reads the alarms and the dashboard.
func (b *Board) readPanel() {
	b.mu.Lock()
	read := b.show.Panel
	b.mu.Unlock()
	if read == nil {
		return
	}
	panel := read()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !panel.equal(b.panel) {
		b.panel = panel
		b.advance(panelSection)
	}
}
