// Package dashboard reads the body of a CloudWatch dashboard and prints it as text, with the values of a [Source].
//
// It imports only the standard library, and supports the part of the format that the project's own dashboard uses:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
//
// To print another kind of widget, add its properties to [Widget] and a case to [Board.Text].
package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Columns is the width of CloudWatch's grid.
const Columns = 24

// Board is a parsed dashboard.
type Board struct {
	// Span is the displayed time range up to now; the default is three hours.
	Span    time.Duration
	Widgets []Widget
}

// Widget is one widget of a dashboard, with its position in units of the grid.
type Widget struct {
	// Type is "text", "metric" or "alarm".
	Type                string
	X, Y, Width, Height int

	// Title is a metric or alarm widget's title; Markdown is a text widget's text.
	Title, Markdown string
	// View is "timeSeries" or "singleValue".
	View    string
	Stacked bool
	// Metrics are in drawing order.
	Metrics []Metric
	// Lines are horizontal threshold lines.
	Lines []Line
	// Unit is the label of the axis; Min and Max are its ends, nil if they depend on the data.
	Unit     string
	Min, Max *float64
	// Alarms are the ARNs of the alarms of an alarm widget.
	Alarms []string
}

// Metric is one row of a metric widget.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension
	// Stat is the statistic, e.g. "Sum" or "p90"; Period is its period.
	Stat   string
	Period time.Duration
	Label  string
	// Expression is metric math instead of a metric; "" for a metric.
	Expression string
}

// Dimension is one name and value.
type Dimension struct {
	Name, Value string
}

// Line is a horizontal annotation.
type Line struct {
	Label string
	Value float64
}

// Parse parses a dashboard's body. It refuses unknown content, so that no image is silently incomplete.
func Parse(body []byte) (Board, error) {
	var in struct {
		Start   string `json:"start"`
		Widgets []struct {
			Type       string
			X, Y       *int
			Width      int
			Height     int
			Properties properties
		} `json:"widgets"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return Board{}, fmt.Errorf("reading the dashboard: %w", err)
	}
	b := Board{Span: 3 * time.Hour}
	if in.Start != "" {
		span, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(in.Start, "-PT")))
		if err != nil {
			return Board{}, fmt.Errorf("reading the dashboard: start %s: %w", in.Start, err)
		}
		b.Span = span
	}
	for i, w := range in.Widgets {
		if w.X == nil || w.Y == nil {
			return Board{}, fmt.Errorf("reading the dashboard: widget %d has no place", i)
		}
		widget, err := w.Properties.widget(w.Type)
		if err != nil {
			return Board{}, fmt.Errorf("reading the dashboard: widget %d: %w", i, err)
		}
		widget.X, widget.Y, widget.Width, widget.Height = *w.X, *w.Y, w.Width, w.Height
		b.Widgets = append(b.Widgets, widget)
	}
	return b, nil
}

// properties are the properties of a widget of any type.
type properties struct {
	Markdown, Title, View, Region, Stat string
	Stacked                             bool
	Period                              int
	Alarms                              []string
	Metrics                             [][]json.RawMessage
	YAxis                               struct {
		Left struct {
			Min, Max  *float64
			Label     string
			ShowUnits bool
		}
	} `json:"yAxis"`
	Annotations struct {
		Horizontal []Line
	}
}

func (p properties) widget(typ string) (Widget, error) {
	w := Widget{
		Type: typ, Title: p.Title, Markdown: p.Markdown, View: p.View, Stacked: p.Stacked, Alarms: p.Alarms,
		Lines: p.Annotations.Horizontal, Unit: p.YAxis.Left.Label, Min: p.YAxis.Left.Min, Max: p.YAxis.Left.Max,
	}
	switch {
	case typ != "text" && typ != "metric" && typ != "alarm":
		return w, fmt.Errorf("type %q is not drawn", typ)
	case typ == "metric" && p.View != "timeSeries" && p.View != "singleValue":
		return w, fmt.Errorf("view %q is not drawn", p.View)
	}
	var above []string
	for i, row := range p.Metrics {
		m, words, err := p.metric(row, above)
		if err != nil {
			return w, fmt.Errorf("metric %d: %w", i, err)
		}
		w.Metrics = append(w.Metrics, m)
		if m.Expression == "" {
			above = words
		}
	}
	return w, nil
}

// options are the last element of a metric's row.
type options struct {
	Label, Stat, Expression, ID string
	Period                      int
}

// metric parses one row: namespace, name, pairs of dimensions, and optionally options. "." repeats the word at the
// same position of the row above.
func (p properties) metric(row []json.RawMessage, above []string) (m Metric, words []string, err error) {
	var o options
	for i, element := range row {
		var word string
		switch {
		case json.Unmarshal(element, &word) == nil:
			if word == "." && i < len(above) {
				word = above[i]
			}
			words = append(words, word)
		case json.Unmarshal(element, &o) != nil || i != len(row)-1:
			return m, nil, fmt.Errorf("%s is neither text nor options at the end", element)
		}
	}
	m = Metric{Stat: first(o.Stat, p.Stat), Label: o.Label, Expression: o.Expression, Period: time.Duration(max(o.Period, p.Period)) * time.Second}
	if m.Expression != "" {
		return m, words, nil
	}
	if len(words) < 2 || len(words)%2 != 0 || m.Stat == "" || m.Period <= 0 {
		return m, nil, errors.New("want namespace, name, pairs of dimensions, statistic and period")
	}
	m.Namespace, m.Name, m.Label = words[0], words[1], first(m.Label, words[1])
	for i := 2; i < len(words); i += 2 {
		m.Dimensions = append(m.Dimensions, Dimension{words[i], words[i+1]})
	}
	return m, words, nil
}

func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// Check reports all widgets that exceed the grid, are empty, or overlap another one.
func (b Board) Check() error {
	var errs []error
	for i, w := range b.Widgets {
		if w.X < 0 || w.Y < 0 || w.Width < 1 || w.Height < 1 || w.X+w.Width > Columns {
			errs = append(errs, fmt.Errorf("widget %d (%s) leaves the grid: %d,%d %dx%d", i, w.Title, w.X, w.Y, w.Width, w.Height))
		}
		for j, other := range b.Widgets[:i] {
			if w.X < other.X+other.Width && other.X < w.X+w.Width && w.Y < other.Y+other.Height && other.Y < w.Y+w.Height {
				errs = append(errs, fmt.Errorf("widget %d (%s) covers widget %d (%s)", i, w.Title, j, other.Title))
			}
		}
	}
	return errors.Join(errs...)
}

// Point is a statistic of one period.
type Point struct {
	// Time is the period's beginning.
	Time  time.Time
	Value float64
}

// Source provides the data for a drawing.
type Source interface {
	// Points returns a metric's values in [from, to), oldest first, without empty periods.
	Points(m Metric, from, to time.Time) []Point
	// Alarm returns an alarm's name and its state: "OK", "ALARM" or "INSUFFICIENT_DATA".
	Alarm(arn string) (name, state string)
}
