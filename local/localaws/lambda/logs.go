package lambda

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Line is one line that a function printed, on standard output or standard error.
type Line struct {
	// Time is when the host read the line.
	Time time.Time
	// RequestID is the invocation that printed it, "" for a line of the cold start.
	RequestID string
	// Text is the line without its end.
	Text string
	// Fields is the decoded line if it is a JSON object, otherwise nil.
	Fields map[string]any
}

// Logs returns all lines that a function printed, oldest first.
func (h *Host) Logs(function string) []Line {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.logs[functionName(function)])
}

// print processes one line of a function.
func (h *Host) print(f Function, requestID, text string) {
	line := Line{Time: h.options.Clock.Now(), RequestID: requestID, Text: text}
	if strings.HasPrefix(text, "{") {
		_ = json.Unmarshal([]byte(text), &line.Fields)
	}
	if dropped(f, line) {
		return
	}
	h.mu.Lock()
	h.logs[f.Name] = append(h.logs[f.Name], line)
	h.mu.Unlock()
	if h.options.Group != nil {
		h.options.Group(f.LogGroup, f.Name, line)
	}
	if h.options.Log != nil {
		h.options.Log(f.Name, line)
	}
	if _, ok := line.Fields["_aws"]; ok && h.options.Metrics != nil {
		h.options.Metrics(f.Name, []byte(text))
	}
}

// levels are the log levels, lowest first.
var levels = []string{"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}

// dropped reports whether Lambda filters out a line: a JSON line below the function's level. A line without a level
// counts as INFO. Text is never filtered.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func dropped(f Function, line Line) bool {
	if f.LogFormat != "JSON" || line.Fields == nil {
		return false
	}
	level, _ := line.Fields["level"].(string)
	at := slices.Index(levels, strings.ToUpper(level))
	if at < 0 {
		at = slices.Index(levels, "INFO")
	}
	return at < slices.Index(levels, f.ApplicationLogLevel)
}

// output reads the output of one process.
type output struct {
	// write is the end to which the process prints. The host also has it open, to write marks between invocations.
	write *os.File
	marks chan struct{}
	ended chan struct{}

	closing sync.Once
}

// mark is written by [output.flush] after the output of the process; it does not occur in text.
const mark = "\x00\x00mark\x00\x00"

// newOutput opens a pipe and passes each line from it to print, in order.
func newOutput(print func(text string)) (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening a pipe for the log: %w", err)
	}
	o := &output{write: write, marks: make(chan struct{}), ended: make(chan struct{})}
	go o.run(read, print)
	return o, nil
}

func (o *output) run(read *os.File, print func(string)) {
	defer close(o.ended)
	defer func() { _ = read.Close() }()
	lines := bufio.NewReader(read)
	for {
		text, err := lines.ReadString('\n')
		text, marked := strings.CutSuffix(strings.TrimSuffix(text, "\n"), mark)
		if text != "" {
			print(text)
		}
		if marked {
			o.marks <- struct{}{}
		}
		if err != nil {
			return
		}
	}
}

// flush returns when all earlier output has been passed on. Only one goroutine may flush at a time.
func (o *output) flush() {
	if _, err := o.write.WriteString(mark + "\n"); err != nil {
		return
	}
	<-o.marks
}

// close passes on the rest and ends. A process that runs longer than its parent keeps the pipe open only while it
// runs.
func (o *output) close() {
	o.closing.Do(func() {
		o.flush()
		_ = o.write.Close()
	})
}
