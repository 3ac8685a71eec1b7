package dashboard

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Text draws the board for a terminal of 120 columns and more: the latest values, the course of each metric as a
// sparkline, and the alarms. mark colours a text by "good", "bad" or "unsure"; nil leaves it.
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

// textMetrics draws a metric widget: single values in one line, a line for each metric over time. Metrics without values
// are left out, and so are those that were 0 all the time: what counts failures is quiet while there are none.
func (b Board) textMetrics(w io.Writer, widget Widget, source Source, now time.Time) {
	title := widget.Title
	var singles []string
	for _, m := range widget.Metrics {
		points := source.Points(m, now.Add(-b.Span), now)
		if m.Expression != "" || len(points) == 0 {
			continue
		}
		latest := shorten(points[len(points)-1].Value)
		if widget.View == "singleValue" {
			singles = append(singles, m.Label+": "+latest)
			continue
		}
		if !slices.ContainsFunc(points, func(point Point) bool { return point.Value != 0 }) {
			continue
		}
		fmt.Fprintf(w, "%-47.47s %-26.26s %7s  %s\n", title, m.Label, latest, spark(points))
		title = ""
	}
	if len(singles) > 0 {
		fmt.Fprintf(w, "%-24.24s %s\n", title, strings.Join(singles, ", "))
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
	fmt.Fprintf(w, "%-24.24s %s\n", widget.Title, line)
}
