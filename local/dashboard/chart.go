package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// series contains a metric's points and the base on which they are drawn.
type series struct {
	Metric
	colour string
	points []Point
	// base contains the values below a stacked series, by time; nil for none.
	base map[time.Time]float64
}

// chart draws the metrics over time, with axes, thresholds and a legend below.
func (p *picture) chart(w Widget, f frame) {
	from := p.now.Add(-p.board.Span)
	all := p.collect(w, from)
	const left, right, legendLine = 38, 6, 17
	legend := legendRows(all, f.width)
	plot := frame{f.x + left, f.y + 8, f.width - left - right, f.height - 8 - 20 - float64(len(legend))*legendLine}
	low, high := extent(w, all)
	scale := func(at time.Time, value float64) (x, y float64) {
		return plot.x + plot.width*float64(at.Sub(from))/float64(p.board.Span), plot.y + plot.height*(high-value)/(high-low)
	}
	p.axes(w, plot, from, low, high)
	for _, s := range all {
		p.line(s, scale)
	}
	for _, line := range w.Lines {
		if line.Value > high || line.Value < low {
			continue
		}
		_, y := scale(from, line.Value)
		p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-dasharray="5 3"/>`, plot.x, y, plot.x+plot.width, y, bad)
		p.write(plot.x+plot.width, y-3, fmt.Sprintf(`font-size="10" text-anchor="end" fill="%s"`, bad), line.Label)
	}
	y := plot.y + plot.height + 20 + legendLine
	for _, row := range legend {
		x := f.x + left
		for _, s := range row {
			p.add(`<rect x="%.1f" y="%.1f" width="10" height="10" fill="%s"/>`, x, y-9, s.colour)
			p.write(x+14, y, `font-size="11"`, s.Label)
			x += legendWidth(s)
		}
		y += legendLine
	}
}

// collect gets the points of all metrics. Expressions have none, because metric math is not drawn.
func (p *picture) collect(w Widget, from time.Time) []series {
	var all []series
	level := map[time.Time]float64{}
	for i, m := range w.Metrics {
		if m.Expression != "" {
			continue
		}
		s := series{Metric: m, colour: palette[i%len(palette)], points: p.source.Points(m, from, p.now)}
		s.points = slices.DeleteFunc(s.points, func(point Point) bool { return point.Time.Before(from) })
		if w.Stacked {
			s.base = map[time.Time]float64{}
			for j, point := range s.points {
				s.base[point.Time] = level[point.Time]
				level[point.Time] += point.Value
				s.points[j].Value = level[point.Time]
			}
		}
		all = append(all, s)
	}
	return all
}

// extent returns the ends of the value axis: those of the widget, or those needed for the data and the thresholds
// near them.
func extent(w Widget, all []series) (low, high float64) {
	low, high = 0, 0
	for _, s := range all {
		for _, point := range s.points {
			low, high = min(low, point.Value), max(high, point.Value)
		}
	}
	if w.Min != nil {
		low = *w.Min
	}
	high = nice(high)
	if w.Max != nil {
		high = *w.Max
	}
	return low, high + (high-low)*0.04 // margin above the highest line
}

// nice returns the next round number for an axis: 1, 2, 4, 5 or 8 times a power of ten; 1 for 0.
func nice(value float64) float64 {
	if value <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 2, 4, 5, 8, 10} {
		if value <= step*power*1.0000001 {
			return step * power
		}
	}
	return 10 * power
}

// axes draws the grid with its labels, values at the left and times below.
func (p *picture) axes(w Widget, plot frame, from time.Time, low, high float64) {
	top := low + (high-low)/1.04
	steps := 4
	if top-low == 1 || top-low == 5 {
		steps = int(max(top-low, 2))
	}
	small := fmt.Sprintf(`font-size="10" fill="%s"`, faint)
	for i := range steps + 1 {
		value := low + (top-low)*float64(i)/float64(steps)
		y := plot.y + plot.height*(high-value)/(high-low)
		p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, plot.x, y, plot.x+plot.width, y, grid)
		p.write(plot.x-5, y+3.5, small+` text-anchor="end"`, shorten(value))
	}
	if w.Unit != "" {
		p.write(plot.x-36, plot.y-3, small, w.Unit)
	}
	tick := p.board.Span / 6
	for at := from.Truncate(tick).Add(tick); !at.After(p.now); at = at.Add(tick) {
		x := plot.x + plot.width*float64(at.Sub(from))/float64(p.board.Span)
		p.add(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, x, plot.y+plot.height, x, plot.y+plot.height+4, faint)
		p.write(x, plot.y+plot.height+15, small+` text-anchor="middle"`, at.Format("15:04"))
	}
}

// line draws a series: a line through neighbouring points, a dot for a single point, an area for a stacked series.
func (p *picture) line(s series, scale func(time.Time, float64) (x, y float64)) {
	for _, run := range runs(s.points, s.Period) {
		if len(run) == 1 {
			x, y := scale(run[0].Time, run[0].Value)
			p.add(`<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`, x, y, s.colour)
			continue
		}
		var line, floor []string
		for _, point := range run {
			x, y := scale(point.Time, point.Value)
			line = append(line, fmt.Sprintf("%.1f,%.1f", x, y))
			x, y = scale(point.Time, s.base[point.Time])
			floor = append(floor, fmt.Sprintf("%.1f,%.1f", x, y))
		}
		if s.base != nil {
			slices.Reverse(floor)
			p.add(`<polygon points="%s" fill="%s" fill-opacity="0.45"/>`, strings.Join(append(slices.Clone(line), floor...), " "), s.colour)
		}
		p.add(`<polyline points="%s" fill="none" stroke="%s" stroke-width="1.8" stroke-linejoin="round"/>`, strings.Join(line, " "), s.colour)
	}
}

// runs splits points at gaps of more than one period: a value that is measured once a minute may miss one period
// because its time varies.
func runs(points []Point, period time.Duration) [][]Point {
	var all [][]Point
	for i, point := range points {
		if i == 0 || point.Time.Sub(points[i-1].Time) > 2*period {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], point)
	}
	return all
}

// legendWidth returns the approximate width of a legend's entry.
func legendWidth(s series) float64 { return 28 + 5.9*float64(len(s.Label)) }

// legendRows distributes the legend's entries over rows.
func legendRows(all []series, width float64) [][]series {
	var rows [][]series
	room := 0.0
	for _, s := range all {
		if need := legendWidth(s); len(rows) == 0 || need > room {
			rows, room = append(rows, nil), width-38
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], s)
		room -= legendWidth(s)
	}
	return rows
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
