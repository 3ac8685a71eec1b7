package template_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/dashboard"
)

// theirs are the metrics of AWS's own namespaces that alarms and the dashboard may use, with their dimensions.
// https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-cloudwatch-metrics.html
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
// https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
var theirs = map[string]struct {
	names      []string
	dimensions []string
}{
	"AWS/PrivateLinkEndpoints": {
		[]string{"ActiveConnections", "BytesProcessed", "NewConnections", "PacketsDropped", "RstPacketsReceived"},
		[]string{"Endpoint Type", "Service Name", "VPC Endpoint Id", "VPC Id"},
	},
	"AWS/Lambda": {[]string{"Invocations", "Errors", "Throttles", "Duration"}, []string{"FunctionName"}},
	"AWS/SNS":    {[]string{"NumberOfNotificationsFailed"}, []string{"TopicName"}},
	"AWS/SQS":    {[]string{"ApproximateNumberOfMessagesVisible"}, []string{"QueueName"}},
}

// second is the second dimension of those of our metrics that have one.
var second = map[metrics.Name]string{metrics.ProbeSucceeded: metrics.ByZone, metrics.ProbeLatency: metrics.ByZone}

// ours returns the names in internal/metrics, read from its source so that the list is complete.
func ours(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "internal/metrics/names.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Name" {
				value, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				names = append(names, value)
			}
		}
		return true
	})
	return names
}

// used is a metric that an alarm or a widget uses.
type used struct {
	by, namespace, name string
	dimensions          []string
}

// board returns the dashboard of a stack.
func board(t *testing.T, s stack) dashboard.Board {
	t.Helper()
	body, _ := s.properties("Dashboard")["DashboardBody"].(string)
	b, err := dashboard.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, body)
	}
	return b
}

// uses returns all metrics that alarms and the dashboard of a stack use.
func uses(t *testing.T, s stack) []used {
	t.Helper()
	var all []used
	for _, w := range board(t, s).Widgets {
		for _, m := range w.Metrics {
			if m.Expression != "" {
				continue
			}
			u := used{by: w.Title, namespace: m.Namespace, name: m.Name}
			for _, d := range m.Dimensions {
				u.dimensions = append(u.dimensions, d.Name)
			}
			all = append(all, u)
		}
	}
	for _, r := range s.ofType("AWS::CloudWatch::Alarm") {
		p := s.properties(r.LogicalID)
		stats := []any{p}
		for _, q := range list(p["Metrics"]) {
			if metric := at(q, "MetricStat", "Metric"); metric != nil {
				stats = append(stats, metric)
			}
		}
		for _, metric := range stats {
			if at(metric, "MetricName") == nil {
				continue
			}
			u := used{by: r.LogicalID, namespace: fmt.Sprint(at(metric, "Namespace")), name: fmt.Sprint(at(metric, "MetricName"))}
			for _, d := range list(at(metric, "Dimensions")) {
				u.dimensions = append(u.dimensions, fmt.Sprint(at(d, "Name")))
			}
			all = append(all, u)
		}
	}
	return all
}

func TestAlarmsAndDashboardUseMetricsThatSomethingPublishes(t *testing.T) {
	for _, p := range []parameters{nil, gateway} {
		for _, u := range uses(t, deploy(t, p)) {
			names, dimensions := ours(t), []string{metrics.Dimension}
			if detail, ok := second[metrics.Name(u.name)]; ok {
				dimensions = append(dimensions, detail)
			}
			if u.namespace != metrics.Namespace {
				names, dimensions = theirs[u.namespace].names, theirs[u.namespace].dimensions
			}
			if !slices.Contains(names, u.name) || !slices.Equal(u.dimensions, dimensions) {
				t.Errorf("%s uses %s %s by %q, which is not published", u.by, u.namespace, u.name, u.dimensions)
			}
		}
	}
}

func TestEveryMetricOfOursIsLookedAt(t *testing.T) {
	var seen []string
	for _, s := range []stack{deploy(t, nil), deploy(t, gateway), deployGuard(t, nil)} {
		for _, u := range uses(t, s) {
			seen = append(seen, u.name)
		}
	}
	for _, name := range ours(t) {
		if name == string(metrics.DriftDetected) { // the sum of OpenDrift and ClosedDrift
			continue
		}
		if !slices.Contains(seen, name) {
			t.Errorf("%s is published, but no alarm and no widget uses it", name)
		}
	}
}

func TestTheDashboardFitsTheGridWhateverIsLeftOut(t *testing.T) {
	for _, p := range switches() {
		if p["CreateDashboard"] == "false" {
			continue
		}
		if err := board(t, deploy(t, p)).Check(); err != nil {
			t.Errorf("the dashboard with %v: %v", p, err)
		}
	}
}

// An account has three free dashboards, of up to 50 metrics each. https://aws.amazon.com/cloudwatch/pricing/
func TestTheDashboardIsOneOfThoseForNothing(t *testing.T) {
	n := 0
	for _, w := range board(t, deploy(t, nil)).Widgets {
		n += len(w.Metrics)
	}
	if n > 50 {
		t.Errorf("the dashboard has %d metrics, want at most 50", n)
	}
}

// The required order: overall state, alarms, drift, the path to the bucket by zone, traffic, the guard's own
// functions.
func TestTheDashboardBeginsWithTheStateAtAGlance(t *testing.T) {
	b := board(t, deploy(t, nil))
	var kinds []string
	for _, w := range b.Widgets {
		kind := w.Type
		if kind == "metric" {
			kind = w.View
		}
		kinds = append(kinds, kind)
	}
	if got := strings.Join(kinds[:7], " "); got != "text singleValue singleValue singleValue singleValue alarm timeSeries" {
		t.Errorf("the dashboard begins with %s", got)
	}
	for i := 1; i < len(b.Widgets); i++ {
		before, w := b.Widgets[i-1], b.Widgets[i]
		if w.Y < before.Y || w.Y == before.Y && w.X < before.X {
			t.Errorf("%q is in the text after %q, but on the board before it", w.Title, before.Title)
		}
	}
}

func TestTheDashboardShowsEveryAlarm(t *testing.T) {
	for _, p := range []parameters{nil, gateway, {"CreateProbe": "false"}, {"Enforcement": "Observe"}} {
		s := deploy(t, p)
		var shown, want []string
		for _, w := range board(t, s).Widgets {
			shown = append(shown, w.Alarms...)
		}
		for _, r := range slices.Concat(s.ofType("AWS::CloudWatch::Alarm"), s.ofType("AWS::CloudWatch::CompositeAlarm")) {
			arn, _ := s.GetAtt(r.LogicalID, "Arn")
			want = append(want, fmt.Sprint(arn))
		}
		slices.Sort(shown)
		slices.Sort(want)
		if !slices.Equal(shown, want) {
			t.Errorf("with %v the dashboard shows %d alarms, want %d: %q", p, len(shown), len(want), shown)
		}
	}
}
