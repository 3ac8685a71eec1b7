package dashboard_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/dashboard"
)

// now is the time of all boards.
var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// values is a source with the same values for all metrics, one per minute, the last one a minute ago.
type values []float64

func (v values) Points(m dashboard.Metric, from, to time.Time) []dashboard.Point {
	var points []dashboard.Point
	for i, value := range v {
		if at := now.Add(-time.Duration(len(v)-i) * time.Minute); !at.Before(from) && at.Before(to) {
			points = append(points, dashboard.Point{Time: at, Value: value})
		}
	}
	return points
}

func (v values) Alarm(arn string) (name, state string) {
	name, state, _ = strings.Cut(arn, "=")
	return name, state
}

// body returns a dashboard with these widgets.
func body(widgets ...string) []byte {
	return []byte(`{"start":"-PT1H","widgets":[` + strings.Join(widgets, ",") + `]}`)
}

// at returns a widget with a type, a position and properties.
func at(typ string, x, y, width, height int, properties string) string {
	return fmt.Sprintf(`{"type":%q,"x":%d,"y":%d,"width":%d,"height":%d,"properties":{%s}}`, typ, x, y, width, height, properties)
}

// The widgets of most tests.
var (
	words   = at("text", 0, 0, 24, 2, `"markdown":"# The board <b>\nand some words"`)
	latency = at("metric", 0, 2, 12, 6, `"title":"Latency","view":"timeSeries","stat":"p90","period":60,"yAxis":{"left":{"min":0,"label":"ms"}},
		"annotations":{"horizontal":[{"label":"too slow","value":2}]},
		"metrics":[["N","M","Bucket","b",{"label":"all"}],[".","M",".",".","Zone","a",{"stat":"p50"}],[{"expression":"ANOMALY_DETECTION_BAND(m)"}]]`)
	single = at("metric", 12, 2, 6, 6, `"title":"State","view":"singleValue","stat":"Minimum","period":60,"metrics":[["N","M"]]`)
	alarms = at("alarm", 18, 2, 6, 6, `"title":"Alarms","alarms":["quiet=OK","loud=ALARM","new=INSUFFICIENT_DATA"]`)
	many   = at("metric", 12, 2, 6, 6, `"title":"State","view":"singleValue","stat":"Minimum","period":60,"metrics":[
		["N","M",{"label":"a long name of a value"}],["N","M",{"label":"a second long name of it"}],["N","M",{"label":"a third one"}]]`)
)

// parse parses a valid board.
func parse(t *testing.T, widgets ...string) dashboard.Board {
	t.Helper()
	b, err := dashboard.Parse(body(widgets...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParseReadsMetricsWithTheirShorthand(t *testing.T) {
	b := parse(t, latency)
	want := []dashboard.Metric{
		{Namespace: "N", Name: "M", Label: "all", Stat: "p90", Period: time.Minute, Dimensions: []dashboard.Dimension{{Name: "Bucket", Value: "b"}}},
		{Namespace: "N", Name: "M", Label: "M", Stat: "p50", Period: time.Minute, Dimensions: []dashboard.Dimension{{Name: "Bucket", Value: "b"}, {Name: "Zone", Value: "a"}}},
		{Stat: "p90", Period: time.Minute, Expression: "ANOMALY_DETECTION_BAND(m)"},
	}
	if diff := cmp.Diff(want, b.Widgets[0].Metrics); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if b.Span != time.Hour {
		t.Errorf("span = %s, want an hour", b.Span)
	}
}

func TestParseRefusesWhatItWouldNotDraw(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":                 `widgets`,
		"a start of another form": `{"start":"yesterday","widgets":[]}`,
		"a widget without place":  `{"widgets":[{"type":"text","width":1,"height":1}]}`,
		"an unknown type":         string(body(at("log", 0, 0, 1, 1, ``))),
		"an unknown view":         string(body(at("metric", 0, 0, 1, 1, `"view":"pie"`))),
		"half a dimension":        string(body(at("metric", 0, 0, 1, 1, `"view":"timeSeries","stat":"Sum","period":60,"metrics":[["N","M","D"]]`))),
		"no statistic":            string(body(at("metric", 0, 0, 1, 1, `"view":"timeSeries","period":60,"metrics":[["N","M"]]`))),
		"options in the middle":   string(body(at("metric", 0, 0, 1, 1, `"view":"timeSeries","stat":"Sum","period":60,"metrics":[["N",{},"M"]]`))),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := dashboard.Parse([]byte(text)); err == nil {
				t.Errorf("Parse(%s) = nil, want an error", text)
			}
		})
	}
}

func TestCheckFindsWhatLeavesTheGridOrCoversAnother(t *testing.T) {
	text := func(x, y, width, height int) string { return at("text", x, y, width, height, `"markdown":"x"`) }
	for name, v := range map[string]struct {
		widgets []string
		ok      bool
	}{
		"side by side":      {[]string{text(0, 0, 12, 2), text(12, 0, 12, 2), text(0, 2, 24, 2)}, true},
		"a gap":             {[]string{text(0, 0, 1, 1), text(23, 9, 1, 1)}, true},
		"out at the right":  {[]string{text(20, 0, 5, 1)}, false},
		"out at the left":   {[]string{text(-1, 0, 5, 1)}, false},
		"no height":         {[]string{text(0, 0, 5, 0)}, false},
		"one over another":  {[]string{text(0, 0, 12, 2), text(11, 1, 2, 2)}, false},
		"one within anothe": {[]string{text(0, 0, 12, 6), text(2, 2, 1, 1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := parse(t, v.widgets...).Check(); (err == nil) != v.ok {
				t.Errorf("Check = %v, want ok %t", err, v.ok)
			}
		})
	}
}

func TestTextDrawsValuesSparklinesAndAlarms(t *testing.T) {
	mark := func(kind, text string) string { return "<" + kind + ">" + text + "</>" }
	var text strings.Builder
	parse(t, words, latency, single, alarms).Text(&text, values{0, 1, 4, 2}, now, mark)
	want := `The board <b>
Latency
  all                                    2  ▁▂█▄
  M                                      2  ▁▂█▄
State                  M: 2
Alarms                 <bad>IN ALARM: loud</>, <good>1 OK</>, <unsure>1 without enough data</>
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	text.Reset()
	parse(t, latency).Text(&text, values{0, 0}, now, nil)
	if got := text.String(); got != "" {
		t.Errorf("text of a metric that is always 0 = %s, want none", got)
	}
	text.Reset()
	parse(t, alarms).Text(&text, values{}, now, nil)
	if got := text.String(); !strings.Contains(got, "IN ALARM: loud, 1 OK, 1 without enough data\n") {
		t.Errorf("text without colours = %s", got)
	}
}

func TestTextBreaksItsLinesBetweenTheValues(t *testing.T) {
	var text strings.Builder
	long := at("text", 0, 0, 24, 2, `"markdown":"# `+strings.Repeat("long words ", 8)+`"`)
	parse(t, long, many).Text(&text, values{2}, now, nil)
	want := "long words long words long words long words long words long words long\nwords long words\n" +
		"State                  a long name of a value: 2,\n                       a second long name of it: 2, a third one: 2\n"
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
	for line := range strings.Lines(text.String()) {
		if width := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); width > dashboard.TextColumns {
			t.Errorf("a line has %d columns, want at most %d: %s", width, dashboard.TextColumns, line)
		}
	}
}
