package dashboard

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Text draws the board for a terminal that is some columns wide: each widget with its latest values, its course as a
// sparkline, and its alarms. mark colours a text by "good", "bad" or "unsure"; nil leaves it.
func (b Board) Text(w io.Writer, source Source, now time.Time, mark func(kind, text string) string) {
	if mark == nil {
		mark = func(_, text string) string { return text }
	}
	for _, widget := range b.Widgets {
		switch {
		case widget.Type == "text":
			heading, _, _ := strings.Cut(widget.Markdown, "\n")
			fmt.Fprintln(w, strings.TrimLeft(heading, "# "))
		case widget.Type == "alarm":
			textAlarms(w, widget, source, mark)
		default:
			b.textMetrics(w, widget, source, now)
		}
	}
}

// textMetrics draws a metric widget: a line for each metric that has values.
func (b Board) textMetrics(w io.Writer, widget Widget, source Source, now time.Time) {
	title := widget.Title
	for _, m := range widget.Metrics {
		points := source.Points(m, now.Add(-b.Span), now)
		if m.Expression != "" || len(points) == 0 {
			continue
		}
		fmt.Fprintf(w, "%-38.38s %-34.34s %7s  %s\n", title, m.Label, shorten(points[len(points)-1].Value), spark(points))
		title = ""
	}
}

// sparks are the steps of a sparkline.
var sparks = []rune("▁▂▃▄▅▆▇█")

// longest is how many of the latest points a sparkline shows.
const longest = 40

// spark draws the course of the latest points.
func spark(points []Point) string {
	points = points[max(len(points)-longest, 0):]
	high := 0.0
	for _, point := range points {
		high = max(high, point.Value)
	}
	var line strings.Builder
	for _, point := range points {
		step := 0
		if high > 0 {
			step = int(max(point.Value, 0) / high * float64(len(sparks)-1))
		}
		line.WriteRune(sparks[step])
	}
	return line.String()
}

// textAlarms draws the alarms that ring, and counts the others.
func textAlarms(w io.Writer, widget Widget, source Source, mark func(kind, text string) string) {
	quiet, unsure := 0, 0
	var ringing []string
	for _, arn := range widget.Alarms {
		switch name, state := source.Alarm(arn); state {
		case "OK":
			quiet++
		case "ALARM":
			ringing = append(ringing, name)
		default:
			unsure++
		}
	}
	line := mark("good", fmt.Sprintf("%d OK", quiet))
	if unsure > 0 {
		line += ", " + mark("unsure", fmt.Sprintf("%d without enough data", unsure))
	}
	if len(ringing) > 0 {
		line = mark("bad", "IN ALARM: "+strings.Join(ringing, ", ")) + ", " + line
	}
	fmt.Fprintf(w, "%-38s %s\n", widget.Title, line)
}
