package board

import (
	"reflect"
	"time"

	"example.com/s3-endpoint-guard/local/dashboard"
)

// Panel is the state of the alarms and of the dashboard.
type Panel struct {
	Alarms []Alarm `json:"alarms"`
	// Values are the single values of the dashboard, Series its metrics over time.
	Values []Value  `json:"values"`
	Series []Series `json:"series"`
}

// Alarm is an alarm. State is "OK", "ALARM" or "INSUFFICIENT_DATA".
type Alarm struct {
	Name        string `json:"name"`
	State       string `json:"state"`
	Description string `json:"description"`
}

// Value is one value of a widget.
type Value struct {
	Widget string  `json:"widget"`
	Label  string  `json:"label"`
	Value  float64 `json:"value"`
}

// Series is one metric of a widget: its points, oldest first.
type Series struct {
	Widget string    `json:"widget"`
	Label  string    `json:"label"`
	Points []float64 `json:"points"`
}

func (p Panel) equal(q Panel) bool { return reflect.DeepEqual(p, q) }

// maxPoints is the number of points of a series.
const maxPoints = 30

// Draw adds the dashboard's values at a time to the panel. It leaves out metrics without values, and metrics over time
// that are always 0.
func (p *Panel) Draw(d dashboard.Board, source dashboard.Source, now time.Time) {
	for _, widget := range d.Widgets {
		for _, m := range widget.Metrics {
			if m.Expression == "" {
				p.draw(widget, m.Label, source.Points(m, now.Add(-d.Span), now))
			}
		}
	}
}

// draw adds one metric.
func (p *Panel) draw(widget dashboard.Widget, label string, points []dashboard.Point) {
	if len(points) == 0 {
		return
	}
	if widget.View == "singleValue" {
		p.Values = append(p.Values, Value{widget.Title, label, points[len(points)-1].Value})
		return
	}
	series := Series{Widget: widget.Title, Label: label}
	zero := true
	for _, point := range points[max(0, len(points)-maxPoints):] {
		series.Points = append(series.Points, point.Value)
		zero = zero && point.Value == 0
	}
	if !zero {
		p.Series = append(p.Series, series)
	}
}
