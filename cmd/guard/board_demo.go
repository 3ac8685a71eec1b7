package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"example.com/s3-endpoint-guard/local/board"
	"example.com/s3-endpoint-guard/local/localaws"
)

// exhibition is the demo on a board. The board runs one action at a time.
type exhibition struct {
	demoOptions
	board    *board.Board
	audience teller
	scenes   []numberedScene
	watcher  *spectator
	// stage is where the attacks happen and the scenes are played; used is set after the first of either.
	stage *stage
	used  bool
}

// tempo is the pauses that people need to see on a board what happens.
type tempo struct {
	// line is the pause after each line of the demo, late the time until a late event arrives.
	line, late func(context.Context)
}

// forPeople is the tempo of the command.
var forPeople = tempo{
	line: func(ctx context.Context) { wait(ctx, pace) },
	late: func(ctx context.Context) { wait(ctx, eventDelay) },
}

// newExhibition returns the demo on a board, with a stage.
func newExhibition(ctx context.Context, o demoOptions, audience teller, scenes []numberedScene) (*exhibition, error) {
	e := &exhibition{demoOptions: o, board: board.New(), scenes: scenes}
	e.audience = &paced{tellers: []teller{audience, boardTeller{e.board}}, ctx: ctx, pause: o.tempo.line}
	return e, e.renew(ctx)
}

// exhibit serves the board until the context ends.
func exhibit(ctx context.Context, o demoOptions, audience teller, scenes []numberedScene, to io.Writer) (err error) {
	e, err := newExhibition(ctx, o, audience, scenes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.stage.close()) }()
	address, closeBoard, err := openBoard(ctx, e.board, o.board)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBoard()) }()
	announce(to, address)
	<-ctx.Done()
	return nil
}

// renew replaces the stage with a new one, and shows it.
func (e *exhibition) renew(ctx context.Context) error {
	watcher := &spectator{board: e.board}
	s, err := newStage(ctx, e.demoOptions.stack, watcher.hooks(localaws.Options{}), e.audience)
	if err != nil {
		return err
	}
	s.cloud.Gate.KeepCalls(keptCalls)
	version, err := s.seed(ctx)
	if err := errors.Join(err, s.prepare(ctx, minutesPassed), e.shows(s, version)); err != nil {
		return errors.Join(err, s.close())
	}
	if e.stage != nil {
		e.watcher.watched.Store(nil)
		err = e.stage.close()
	}
	watcher.watched.Store(s.callers)
	e.stage, e.watcher, e.used = s, watcher, false
	return err
}

// shows shows a stage on the board.
func (e *exhibition) shows(s *stage, version string) error {
	show, err := s.shows("s3-endpoint-guard, demo", version, e.attack)
	if err != nil {
		return err
	}
	title := "Play the scenes"
	if len(e.demoOptions.scenes) > 0 {
		title = "Play " + count(len(e.scenes), "scene")
	}
	show.Controls = []board.Action{
		{Name: "play", Title: title, Effect: "Plays the scenes of the demo, with a pause after each line, on a new stack.", Run: e.play},
		{Name: "minute", Title: "Let a minute pass", Effect: "The sweep, the health check and the probes run, and the alarms are evaluated.", Run: e.minute},
	}
	e.board.Show(show)
	return nil
}

// play plays the scenes, on a new stage if this one was used.
func (e *exhibition) play(ctx context.Context, _ url.Values) error {
	if e.used {
		if err := e.renew(ctx); err != nil {
			return err
		}
	}
	e.used = true
	return e.stage.playsAll(ctx, e.scenes, func(context.Context, numberedScene) error { return nil })
}

// attack makes an attack, on a new stage if the stack of this one was deleted.
func (e *exhibition) attack(ctx context.Context, a attack, event string) error {
	if !e.stage.stack.Has("Bucket") {
		if err := e.renew(ctx); err != nil {
			return err
		}
	}
	e.used = true
	bus := e.stage.cloud.Events
	switch event {
	case eventLost:
		bus.Disturb(arrival(eventLost))
		defer bus.Disturb(arrival(eventNow))
	case eventLate:
		bus.Hold() // the clock of the demo does not advance by itself
		defer bus.Release(nil)
	}
	if err := a.run(ctx, e.stage.callers); err != nil {
		return err
	}
	if event == eventLate {
		e.demoOptions.tempo.late(ctx)
	}
	return nil
}

// minute lets a minute of the clock pass.
func (e *exhibition) minute(ctx context.Context, _ url.Values) error {
	e.used = true
	return e.stage.cloud.Pass(ctx, time.Minute)
}

// wait waits for some time, or for the end of the context.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// pace is the pause after each line of the demo on a board.
const pace = 700 * time.Millisecond

// paced tells the demo to several tellers, and pauses after each line, so that the board can be watched.
type paced struct {
	tellers []teller
	ctx     context.Context
	pause   func(context.Context)
}

// each tells a line to all tellers.
func (p *paced) each(tell func(teller)) {
	for _, t := range p.tellers {
		tell(t)
	}
	p.pause(p.ctx)
}

func (p *paced) scene(number int, title string) { p.each(func(t teller) { t.scene(number, title) }) }

func (p *paced) says(scene, text string) { p.each(func(t teller) { t.says(scene, text) }) }

func (p *paced) promise(m promise) { p.each(func(t teller) { t.promise(m) }) }

func (p *paced) correction(c correction) { p.each(func(t teller) { t.correction(c) }) }

func (p *paced) board(scene string, draw func(lineWriter)) {
	p.each(func(t teller) { t.board(scene, draw) })
}

func (p *paced) end(kept, broken int, took time.Duration) {
	p.each(func(t teller) { t.end(kept, broken, took) })
}

// boardTeller shows the lines of the demo on a board, which shows corrections and the dashboard elsewhere.
type boardTeller struct{ to *board.Board }

func (b boardTeller) scene(number int, title string) {
	b.to.Tell(board.Line{Kind: "scene", Text: fmt.Sprintf("%d. %s", number, title)})
}

func (b boardTeller) says(_, text string) { b.to.Tell(board.Line{Kind: "text", Text: text}) }

func (b boardTeller) promise(p promise) {
	answer := p.Answer
	if !p.Kept {
		answer += ", promised: " + p.Promised
	}
	b.to.Tell(board.Line{Kind: "promise", Who: p.Who, Text: p.What, Answer: answer, Broken: !p.Kept})
}

func (b boardTeller) correction(c correction) {
	if c.quiet {
		return
	}
	b.to.Tell(board.Line{Kind: "text", Text: fmt.Sprintf("guard: %s %s (%s) in %s ms", c.Outcome, c.Resource, c.Verdict, number(c.ElapsedMs))})
}

func (boardTeller) board(string, func(lineWriter)) {}

func (b boardTeller) end(kept, broken int, _ time.Duration) {
	text := fmt.Sprintf("All %d promises were kept.", kept)
	if broken > 0 {
		text = fmt.Sprintf("%d of %d promises were NOT kept.", broken, kept+broken)
	}
	b.to.Tell(board.Line{Kind: "end", Text: text})
}
