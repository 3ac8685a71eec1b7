package dashboard

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Text draws the board for a terminal of at least 120 columns: the latest values, each metric as a sparkline, and the
// alarms. mark colours a text as "good", "bad" or "unsure"; with nil there are no colours.
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

// textMetrics draws a metric widget: single values in one line, a line for each metric over time. It leaves out
// metrics without values, and those that are always 0, such as failure counts without failures.
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

// sparks are the characters of a sparkline.
var sparks = []rune("▁▂▃▄▅▆▇█")

// longest is the maximum number of points in a sparkline.
const longest = 40

// spark draws the latest points as a sparkline.
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

// textAlarms draws the alarms in ALARM, and counts the others.
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

// shorten formats a number with three significant digits, and k, M or G for thousands and more.
func shorten(value float64) string {
	suffix := ""
	for _, next := range []string{"k", "M", "G"} {
		if math.Abs(value) < 1000 {
			break
		}
		value, suffix = value/1000, next
	}
	return strconv.FormatFloat(math.Round(value*100)/100, 'g', 3, 64) + suffix
}
