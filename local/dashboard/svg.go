package dashboard

import (
	"fmt"
	"html"
	"io"
	"strings"
	"time"
)

// Sizes in the image, in its own units.
const (
	cell    = 50 // a column's width and a row's height
	gap     = 8  // between widgets
	padding = 12 // within a widget
	textEm  = 13 // the usual size of text
)

// The colours, close to those of the console.
const (
	ink, faint, grid, card, ground = "#16191f", "#687078", "#e4e8ea", "#ffffff", "#f2f3f3"
	good, bad, unsure              = "#1d8102", "#d13212", "#879596"
)

// palette are the colours of a widget's metrics, in their order.
var palette = []string{"#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2"}

// SVG draws the board as it would look at a time.
func (b Board) SVG(w io.Writer, source Source, now time.Time) error {
	rows := 0
	for _, widget := range b.Widgets {
		rows = max(rows, widget.Y+widget.Height)
	}
	p := &picture{board: b, source: source, now: now}
	width, height := Columns*cell+gap, rows*cell+gap
	p.add(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="Amazon Ember, Helvetica, Arial, sans-serif" font-size="%d" fill="%s" role="img">`,
		width, height, width, height, textEm, ink)
	p.add(`<title>The guard's dashboard</title>`)
	p.add(`<rect width="%d" height="%d" fill="%s"/>`, width, height, ground)
	for _, widget := range b.Widgets {
		p.widget(widget)
	}
	p.add(`</svg>`)
	_, err := io.WriteString(w, p.text.String())
	return err
}

// picture is an SVG image under construction.
type picture struct {
	board  Board
	source Source
	now    time.Time
	text   strings.Builder
}

func (p *picture) add(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

// write writes text at a position. The style is SVG attributes.
func (p *picture) write(x, y float64, style, text string) {
	p.add(`<text x="%.1f" y="%.1f" %s>%s</text>`, x, y, style, html.EscapeString(text))
}

// frame is a rectangle in the image.
type frame struct {
	x, y, width, height float64
}

// widget draws one widget on a separate card.
func (p *picture) widget(w Widget) {
	f := frame{float64(w.X*cell + gap), float64(w.Y*cell + gap), float64(w.Width*cell - gap), float64(w.Height*cell - gap)}
	p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="3" fill="%s" stroke="%s"/>`, f.x, f.y, f.width, f.height, card, grid)
	inner := frame{f.x + padding, f.y + padding, f.width - 2*padding, f.height - 2*padding}
	if w.Type == "text" {
		p.markdown(w.Markdown, inner)
		return
	}
	p.write(inner.x, inner.y+textEm, `font-weight="bold"`, w.Title)
	inner.y, inner.height = inner.y+24, inner.height-24
	switch {
	case w.Type == "alarm":
		p.alarms(w, inner)
	case w.View == "singleValue":
		p.singles(w, inner)
	default:
		p.chart(w, inner)
	}
}

// markdown draws headings and plain lines, wrapped.
func (p *picture) markdown(text string, f frame) {
	y := f.y
	for line := range strings.SplitSeq(text, "\n") {
		size := float64(textEm)
		heading := strings.HasPrefix(line, "#")
		style := fmt.Sprintf(`fill="%s"`, faint)
		if heading {
			size, line = 20, strings.TrimLeft(line, "# ")
			style = fmt.Sprintf(`font-size="%.0f" font-weight="bold"`, size)
		}
		for _, part := range wrap(line, int(f.width/(size*0.5))) {
			y += size
			p.write(f.x, y, style, part)
			y += size * 0.5
		}
	}
}

// wrap breaks a line at spaces into parts of at most width characters, if possible.
func wrap(line string, width int) []string {
	var parts []string
	part := ""
	for word := range strings.FieldsSeq(line) {
		if part != "" && len(part)+1+len(word) > width {
			parts, part = append(parts, part), ""
		}
		part = strings.TrimSpace(part + " " + word)
	}
	return append(parts, part)
}

// singles draws the latest value of each metric, each in its own column.
func (p *picture) singles(w Widget, f frame) {
	perRow := 2
	if len(w.Metrics) == 1 || f.width < 250 {
		perRow = 1
	}
	rows := (len(w.Metrics) + perRow - 1) / perRow
	width, height := f.width/float64(perRow), f.height/float64(rows)
	for i, m := range w.Metrics {
		x, y := f.x+float64(i%perRow)*width, f.y+float64(i/perRow)*height
		value := "--"
		if points := p.source.Points(m, p.now.Add(-p.board.Span), p.now); len(points) > 0 {
			value = shorten(points[len(points)-1].Value)
		}
		p.write(x, y+34, `font-size="32" font-weight="300"`, value)
		p.add(`<rect x="%.1f" y="%.1f" width="10" height="10" fill="%s"/>`, x, y+47, palette[i%len(palette)])
		p.write(x+15, y+56, fmt.Sprintf(`font-size="11" fill="%s"`, faint), m.Label)
	}
}

// alarms draws a tile for each alarm, in its state's colour.
func (p *picture) alarms(w Widget, f frame) {
	const perRow = 6
	rows := (len(w.Alarms) + perRow - 1) / perRow
	width, height := f.width/perRow, min(f.height/float64(max(rows, 1)), 40)
	for i, arn := range w.Alarms {
		name, state := p.source.Alarm(arn)
		x, y := f.x+float64(i%perRow)*width, f.y+float64(i/perRow)*height
		colour := map[string]string{"OK": good, "ALARM": bad}[state]
		if colour == "" {
			colour = unsure
		}
		fill := card
		if state == "ALARM" {
			fill = "#fdf3f1"
		}
		p.add(`<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="2" fill="%s" stroke="%s"/>`, x, y, width-6, height-6, fill, grid)
		p.add(`<rect x="%.1f" y="%.1f" width="4" height="%.1f" fill="%s"/>`, x, y, height-6, colour)
		p.write(x+11, y+height/2+1, `font-size="12"`, name)
		p.write(x+width-14, y+height/2+1, fmt.Sprintf(`font-size="10" text-anchor="end" fill="%s"`, colour), map[string]string{"OK": "OK", "ALARM": "In alarm", "INSUFFICIENT_DATA": "No data yet"}[state])
	}
}
