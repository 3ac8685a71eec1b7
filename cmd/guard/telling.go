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
	// Outcome, Resource, Target, Verdict, Allowed, Actor and Difference are the record's.
	Outcome    string       `json:"outcome"`
	Resource   string       `json:"resource"`
	Target     string       `json:"target,omitempty"`
	Verdict    string       `json:"verdict"`
	Allowed    string       `json:"allowed,omitempty"`
	Trigger    string       `json:"trigger"`
	Actor      string       `json:"actor,omitempty"`
	Address    string       `json:"sourceIPAddress,omitempty"`
	Difference []difference `json:"diff,omitempty"`
	Error      string       `json:"error,omitempty"`
	// Paused is the reason of the maintenance window in which it was left.
	Paused string `json:"paused,omitempty"`
	// ElapsedMs is from the run's start to the verified correction.
	ElapsedMs float64 `json:"elapsedMs"`
	// Calls are the calls of all runs at that time, which may have corrected several properties.
	Calls calls `json:"calls"`
	// quiet is true if the text does not have it, because the promise after it has it in one line.
	quiet bool
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

// Indents of the demo's lines: texts, what the callers do, and the details of a correction.
const (
	textIndent   = 3
	actionIndent = textIndent + 11
	detailIndent = actionIndent + 9
)

// answerColumn is where an answer begins, relative to its action, unless the action or the answer needs more space.
const answerColumn = 46

func (p *plain) scene(number int, title string) {
	label := fmt.Sprintf("%d. ", number)
	p.line("")
	for i, line := range wrap(title, columns-len(label)) {
		if i > 0 {
			label = strings.Repeat(" ", len(label))
		}
		p.line("%s", p.colour.bold(label+line))
	}
}

// says keeps the spaces at the beginning of the text.
func (p *plain) says(_, text string) {
	indent := textIndent + len(text) - len(strings.TrimLeft(text, " "))
	for _, line := range wrap(text, columns-indent) {
		p.line("%*s%s", indent, "", line)
	}
}

func (p *plain) promise(m promise) {
	mark, paint := "ok", p.colour.green
	answer := m.Answer
	if !m.Kept {
		mark, paint = "NOT AS PROMISED", p.colour.red
		answer = fmt.Sprintf("%s, promised: %s", m.Answer, m.Promised)
	}
	space := columns - actionIndent - 1 - len(mark)
	lines := wrap(m.What, space)
	if last := len(lines) - 1; length(lines[last])+1+length(answer) <= space {
		lines[last] = align(lines[last], answer, space)
	} else {
		for _, line := range wrap(answer, space) {
			lines = append(lines, align("", line, space))
		}
	}
	for _, line := range lines[:len(lines)-1] {
		p.line("%*s%-10s %s", textIndent, "", m.Who, line)
		m.Who = ""
	}
	last := lines[len(lines)-1]
	p.line("%*s%-10s %s%*s %s", textIndent, "", m.Who, last, space-length(last), "", paint(mark))
}

// align puts an answer to the right of a text, in answerColumn if there is room, and otherwise at the end of the space.
func align(text, answer string, space int) string {
	at := min(answerColumn, space-length(answer))
	if text != "" {
		at = max(at, length(text)+1)
	}
	return text + strings.Repeat(" ", max(0, at-length(text))) + answer
}

// Limits of the details of a correction, in characters: of a text or list, and of one item of a list.
const (
	maxDetail = 230
	maxItem   = 110
)

func (p *plain) correction(c correction) {
	if c.quiet {
		return
	}
	p.line("%*s%-10s %s %s (%s) in %s ms", textIndent, "", "guard", p.colour.bold(c.Outcome), c.Resource, c.Verdict, number(c.ElapsedMs))
	detail := func(label, text string) {
		for _, line := range wrap(text, columns-detailIndent) {
			if line != "" {
				p.line("%*s%-8s %s", actionIndent, "", label, line)
			}
			label = ""
		}
	}
	detail("allowed", shorten(c.Allowed, maxDetail))
	detail("trigger", c.Trigger)
	if c.Actor != "" {
		detail("actor", c.Actor+" from "+c.Address+", as the event says")
	}
	detail("error", shorten(c.Error, maxDetail))
	detail("missing", list(named(c.Difference, true), maxDetail))
	detail("added", list(named(c.Difference, false), maxDetail))
	if c.Calls != (calls{}) {
		detail("calls", c.Calls.String())
	}
}

// named lists the differences of one side by their names, or by their values.
func named(all []difference, removed bool) []string {
	var names []string
	for _, d := range all {
		if d.Removed == removed {
			names = append(names, shorten(cmp.Or(d.Name, d.Value), maxItem))
		}
	}
	return names
}

// boardFrame is to the left of each line of the dashboard.
const boardFrame = "   | "

func (p *plain) board(_ string, draw func(lineWriter)) {
	var text strings.Builder
	draw(lineWriter{&text, p.colour})
	for line := range strings.Lines(text.String()) {
		fmt.Fprint(p.to, boardFrame+line)
	}
}

func (p *plain) end(kept, broken int, took time.Duration) {
	verdict := p.colour.green(fmt.Sprintf("All %d promises were kept", kept))
	if broken > 0 {
		verdict = p.colour.red(fmt.Sprintf("%d of %d promises were NOT kept", broken, kept+broken))
	}
	p.line("\n%s, in %.1f s.", verdict, took.Seconds())
	p.line("No account was used; what ran is the bootstrap that is deployed.")
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
