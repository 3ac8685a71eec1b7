package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// teller writes the output of the demo.
type teller interface {
	scene(number int, title string)
	// says writes a text that is not checked.
	says(scene, text string)
	// promise writes a request or an observation, and whether the result was the promised one.
	promise(promise)
	// correction writes what the guard did to one property.
	correction(correction)
	// board writes the dashboard, which draw draws.
	board(scene string, draw func(lineWriter))
	end(kept, broken int, took time.Duration)
}

// promise is something that the demo promises and checks.
type promise struct {
	Scene string `json:"scene"`
	// Answer is the result of What, which Who did.
	Who    string `json:"who"`
	What   string `json:"what"`
	Answer string `json:"answer"`
	// Promised is the required answer.
	Promised string `json:"promised"`
	Kept     bool   `json:"kept"`
}

// correction is the guard's own log record of its action, with the calls that the local AWS counted.
type correction struct {
	Scene string `json:"scene"`
	// Outcome, Resource, Verdict, Allowed, Actor and Difference are the record's.
	Outcome    string       `json:"outcome"`
	Resource   string       `json:"resource"`
	Verdict    string       `json:"verdict"`
	Allowed    string       `json:"allowed,omitempty"`
	Trigger    string       `json:"trigger"`
	Actor      string       `json:"actor,omitempty"`
	Address    string       `json:"sourceIPAddress,omitempty"`
	Difference []difference `json:"diff,omitempty"`
	Error      string       `json:"error,omitempty"`
	// ElapsedMs is from the run's start to the verified correction.
	ElapsedMs float64 `json:"elapsedMs"`
	// Calls are the calls of all runs at that time, which may have corrected several properties.
	Calls calls `json:"calls"`
}

// difference is a statement or item that was removed from the desired state, or added to it.
type difference struct {
	Removed bool   `json:"removed"`
	Name    string `json:"name,omitempty"`
	Value   string `json:"value"`
}

// calls counts the guard's runs and their calls to AWS.
type calls struct {
	Runs          int `json:"runs"`
	Reads         int `json:"reads"`
	Writes        int `json:"writes"`
	Notifications int `json:"notifications"`
}

func (c calls) String() string {
	return fmt.Sprintf("%s, %s, %s in %s",
		count(c.Reads, "read"), count(c.Writes, "write"), count(c.Notifications, "notification"), count(c.Runs, "run"))
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// lineWriter is the target of a board, line by line.
type lineWriter struct {
	io.Writer
	colour palette
}

// mark colours good and bad values.
func (w lineWriter) mark(kind, text string) string {
	switch kind {
	case "good":
		return w.colour.green(text)
	case "bad":
		return w.colour.red(text)
	}
	return text
}

// lines writes the demo as lines of JSON.
type lines struct{ to *json.Encoder }

// tell writes one line. It ignores an error, because the reader has closed the pipe.
func (l lines) tell(v any) { _ = l.to.Encode(v) }

func (l lines) scene(number int, title string) {
	l.tell(map[string]any{"number": number, "scene": title})
}

func (l lines) says(scene, text string) { l.tell(map[string]any{"scene": scene, "text": text}) }

func (l lines) promise(p promise) { l.tell(p) }

func (l lines) correction(c correction) { l.tell(c) }

func (l lines) board(scene string, draw func(lineWriter)) {
	var text strings.Builder
	draw(lineWriter{Writer: &text})
	l.tell(map[string]any{"scene": scene, "board": strings.Split(strings.TrimSpace(text.String()), "\n")})
}

func (l lines) end(kept, broken int, took time.Duration) {
	l.tell(map[string]any{"kept": kept, "broken": broken, "elapsedMs": took.Milliseconds()})
}

// plain writes the demo as text, with colours on a terminal.
type plain struct {
	to     io.Writer
	colour palette
}

func newPlain(to io.Writer) *plain { return &plain{to: to, colour: paletteFor(to)} }

func (p *plain) line(format string, args ...any) { fmt.Fprintf(p.to, format+"\n", args...) }

func (p *plain) scene(number int, title string) {
	p.line("\n%s", p.colour.bold(fmt.Sprintf("%d. %s", number, title)))
}

func (p *plain) says(_, text string) { p.line("   %s", text) }

func (p *plain) promise(m promise) {
	mark, answer := p.colour.green("ok"), m.Answer
	if !m.Kept {
		mark, answer = p.colour.red("NOT AS PROMISED"), fmt.Sprintf("%s, promised: %s", m.Answer, m.Promised)
	}
	p.line("   %-9s %-52s %-18s %s", m.Who, m.What, answer, mark)
}

func (p *plain) correction(c correction) {
	p.line("   %-9s %s %s (%s) in %s ms", "guard", p.colour.bold(c.Outcome), c.Resource, c.Verdict, number(c.ElapsedMs))
	detail := func(label, text string) {
		if text != "" {
			p.line("             %-8s %s", label, shorten(text, 110))
		}
	}
	detail("allowed", c.Allowed)
	detail("trigger", c.Trigger)
	if c.Actor != "" {
		detail("actor", c.Actor+" from "+c.Address+", as the event says")
	}
	detail("error", c.Error)
	detail("missing", named(c.Difference, true))
	detail("added", named(c.Difference, false))
	if c.Calls != (calls{}) {
		detail("calls", c.Calls.String())
	}
}

// named lists the differences of one side by their names, or by their values.
func named(all []difference, removed bool) string {
	var names []string
	for _, d := range all {
		if d.Removed == removed {
			names = append(names, cmp.Or(d.Name, d.Value))
		}
	}
	return strings.Join(names, ", ")
}

func (p *plain) board(_ string, draw func(lineWriter)) {
	var text strings.Builder
	draw(lineWriter{&text, p.colour})
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(p.to, "   | "+line)
	}
}

func (p *plain) end(kept, broken int, took time.Duration) {
	verdict := p.colour.green(fmt.Sprintf("All %d promises were kept", kept))
	if broken > 0 {
		verdict = p.colour.red(fmt.Sprintf("%d of %d promises were NOT kept", broken, kept+broken))
	}
	p.line("\n%s, in %.1f s. No account was used; what ran is the bootstrap that is deployed.", verdict, took.Seconds())
}

// number formats milliseconds without unnecessary digits.
func number(ms float64) string { return fmt.Sprintf("%g", ms) }

// shorten cuts a text to a number of characters.
func shorten(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return string(runes[:limit-1]) + "…"
}
