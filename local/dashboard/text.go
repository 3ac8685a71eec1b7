package dashboard

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// TextColumns is the maximum width of the lines that [Board.Text] draws.
const TextColumns = 75

// Text draws the board for a terminal: the latest values, each metric as a sparkline, and the alarms. mark colours a
// text as "good", "bad" or "unsure"; with nil there are no colours.
func (b Board) Text(w io.Writer, source Source, now time.Time, mark func(kind, text string) string) {
	if mark == nil {
		mark = func(_, text string) string { return text }
	}
	to := page{w, mark}
	for _, widget := range b.Widgets {
		switch {
		case widget.Type == "text":
			heading, _, _ := strings.Cut(widget.Markdown, "\n")
			to.fill(0, 0, "", words(strings.Fields(strings.TrimLeft(heading, "# "))))
		case widget.Type == "alarm":
			to.single(widget.Title, alarms(widget, source))
		default:
			to.metrics(widget, source, now.Add(-b.Span), now)
		}
	}
}

// page is what a board is drawn on.
type page struct {
	io.Writer
	mark func(kind, text string) string
}

// item is a part of a line that is not broken.
type item struct{ kind, text string }

// words are items without a colour.
func words(texts []string) []item {
	items := make([]item, len(texts))
	for i, text := range texts {
		items[i].text = text
	}
	return items
}

// titleColumns is the width of the column with the titles of single values.
const titleColumns = 22

// single prints items to the right of a title.
func (p page) single(title string, items []item) {
	fmt.Fprintf(p, "%-*s ", titleColumns, title)
	p.fill(max(titleColumns, utf8.RuneCountInString(title))+1, titleColumns+1, ",", items)
}

// fill prints items with a separator and a space between them, as many in a line as fit. The first one begins at a
// column, and each later line after an indent.
func (p page) fill(column, indent int, separator string, items []item) {
	for i, item := range items {
		text := item.text
		if i < len(items)-1 {
			text += separator
		}
		size := utf8.RuneCountInString(text)
		switch {
		case i == 0:
		case column+1+size > TextColumns:
			fmt.Fprintf(p, "\n%*s", indent, "")
			column = indent
		default:
			fmt.Fprint(p, " ")
			column++
		}
		if item.kind != "" {
			text = p.mark(item.kind, item.text) + strings.TrimPrefix(text, item.text)
		}
		fmt.Fprint(p, text)
		column += size
	}
	fmt.Fprintln(p)
}

// metrics draws a metric widget: single values in one line, a line for each metric over time. It leaves out metrics
// without values, and those that are always 0, such as failure counts without failures.
func (p page) metrics(widget Widget, source Source, from, to time.Time) {
	title := widget.Title
	var singles []string
	for _, m := range widget.Metrics {
		points := source.Points(m, from, to)
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
		if title != "" {
			fmt.Fprintln(p, title)
			title = ""
		}
		fmt.Fprintf(p, "  %-32.32s %7s  %s\n", m.Label, latest, spark(points))
	}
	if len(singles) > 0 {
		p.single(title, words(singles))
	}
}

// sparks are the characters of a sparkline.
var sparks = []rune("▁▂▃▄▅▆▇█")

// longest is the maximum number of points in a sparkline.
const longest = 30

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

// alarms names the alarms in ALARM, and counts the others.
func alarms(widget Widget, source Source) []item {
	quiet, unsure := 0, 0
	var items []item
	for _, arn := range widget.Alarms {
		switch name, state := source.Alarm(arn); state {
		case "OK":
			quiet++
		case "ALARM":
			items = append(items, item{"bad", "IN ALARM: " + name})
		default:
			unsure++
		}
	}
	items = append(items, item{"good", fmt.Sprintf("%d OK", quiet)})
	if unsure > 0 {
		items = append(items, item{"unsure", fmt.Sprintf("%d without enough data", unsure)})
	}
	return items
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
