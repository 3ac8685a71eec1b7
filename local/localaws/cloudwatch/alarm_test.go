package cloudwatch_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// dial is a clock that a test sets.
type dial struct{ now time.Time }

// watching makes a CloudWatch with the test's clock, and collects the subjects of its alarms' messages.
func watching(t *testing.T) (*cloudwatch.Service, *dial, *[]string) {
	t.Helper()
	clock, heard := &dial{noon}, &[]string{}
	gate := localtest.Gate(t, api.Options{Now: func() time.Time { return clock.now }})
	s := cloudwatch.New(gate.Options())
	s.OnAlarm(func(action, subject, _ string) { *heard = append(*heard, action+" "+subject) })
	return s, clock, heard
}

// above returns an alarm on metric M of namespace Test: m of n minutes must be 1 or more.
func above(n, m int, missing string) cloudwatch.Alarm {
	return cloudwatch.Alarm{
		Name: "a", ActionsEnabled: true, AlarmActions: []string{"topic"}, OKActions: []string{"topic"},
		Comparison: "GreaterThanOrEqualToThreshold", Threshold: 1, EvaluationPeriods: n, DatapointsToAlarm: m, TreatMissingData: missing,
		Queries: []cloudwatch.AlarmQuery{{
			ID: "m1", Metric: cloudwatch.Metric{Namespace: "Test", Name: "M"}, Statistic: "Maximum", Period: time.Minute, ReturnData: true,
		}},
	}
}

// putAlarm puts a valid alarm.
func putAlarm(t *testing.T, s *cloudwatch.Service, a cloudwatch.Alarm) {
	t.Helper()
	if err := s.PutAlarm(a); err != nil {
		t.Fatal(err)
	}
}

// draw puts the data points of a drawing such as "0 - X", one per minute, the last one now.
func draw(t *testing.T, s *cloudwatch.Service, drawing string) {
	t.Helper()
	points := strings.Fields(drawing)
	for i, point := range points {
		if at := noon.Add(-time.Duration(len(points)-1-i) * time.Minute); point != "-" {
			put(t, s, "M", at, map[string]float64{"0": 0, "X": 1}[point])
		}
	}
}

// Both tables are AWS's own examples; the lines on premature transitions come from the text next to them.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
func TestMissingDataAreTreatedAsDocumented(t *testing.T) {
	const keep = "kept"
	for _, v := range []struct {
		m       int
		drawing string
		want    [4]string // missing, ignore, breaching, notBreaching
	}{
		{3, "0 - X - X", [4]string{"OK", "OK", "OK", "OK"}},
		{3, "0 - - - -", [4]string{"OK", "OK", "OK", "OK"}},
		{3, "- - - - -", [4]string{"INSUFFICIENT_DATA", keep, "ALARM", "OK"}},
		{3, "0 X X - X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		{3, "- - X - -", [4]string{"ALARM", keep, "ALARM", "OK"}},
		{2, "0 - X - X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		{2, "0 0 X 0 X", [4]string{"ALARM", "ALARM", "ALARM", "ALARM"}},
		{2, "0 - X - -", [4]string{"OK", "OK", "ALARM", "OK"}},
		{2, "- - - - 0", [4]string{"OK", "OK", "ALARM", "OK"}},
		{2, "- - - X -", [4]string{"ALARM", keep, "ALARM", "OK"}},
		{3, "- - - - X", [4]string{"INSUFFICIENT_DATA", keep, "ALARM", "OK"}},
		{3, "- - - X -", [4]string{"INSUFFICIENT_DATA", keep, "ALARM", "OK"}},
		{3, "- - X - 0", [4]string{"OK", "OK", "OK", "OK"}},
	} {
		for i, missing := range []string{"missing", "ignore", "breaching", "notBreaching"} {
			t.Run(fmt.Sprintf("%d of 3, %s, %s", v.m, v.drawing, missing), func(t *testing.T) {
				for _, before := range []string{"X X X", "0 0 0"} {
					s, clock, _ := watching(t)
					putAlarm(t, s, above(3, v.m, missing))
					draw(t, s, before)
					s.Evaluate()
					want := v.want[i]
					if want == keep {
						want = s.AlarmState("a")
					}
					s.Reset()
					clock.now = noon
					draw(t, s, v.drawing)
					s.Evaluate()
					if got := s.AlarmState("a"); got != want {
						t.Errorf("state after %s = %s, want %s", before, got, want)
					}
				}
			})
		}
	}
}

func TestAlarmsTellEachChangeOfStateOnce(t *testing.T) {
	s, clock, heard := watching(t)
	putAlarm(t, s, above(2, 2, "notBreaching"))
	for _, value := range []float64{0, 0, 1, 1, 1, 0, 0} {
		clock.now = clock.now.Add(time.Minute)
		put(t, s, "M", clock.now, value)
		s.Evaluate()
	}
	want := []string{
		`topic OK: "a" in eu-central-1`,
		`topic ALARM: "a" in eu-central-1`,
		`topic OK: "a" in eu-central-1`,
	}
	if diff := cmp.Diff(want, *heard); diff != "" {
		t.Errorf("published (-want +got):\n%s", diff)
	}
}

func TestAlarmsWithoutActionsAreSilent(t *testing.T) {
	s, _, heard := watching(t)
	a := above(1, 1, "breaching")
	a.ActionsEnabled = false
	putAlarm(t, s, a)
	s.Evaluate()
	if s.AlarmState("a") != "ALARM" || len(*heard) > 0 {
		t.Errorf("state %s, published %q; want ALARM and no message", s.AlarmState("a"), *heard)
	}
}

func TestAlarmsEvaluateWindowsThatEndNow(t *testing.T) {
	s, clock, _ := watching(t)
	a := above(1, 1, "notBreaching")
	a.Queries[0].Period, a.Queries[0].Statistic, a.Threshold = 15*time.Minute, "SampleCount", 3
	putAlarm(t, s, a)
	for _, at := range []time.Duration{-14 * time.Minute, -5 * time.Minute, 0} {
		put(t, s, "M", noon.Add(at), 7)
	}
	for minutes, want := range map[time.Duration]string{0: "ALARM", 1: "OK"} {
		clock.now = noon.Add(minutes * time.Minute)
		s.Evaluate()
		if got := s.AlarmState("a"); got != want {
			t.Errorf("state %d minutes later = %s, want %s", minutes, got, want)
		}
	}
}

// TestAlarmsMissNoDataPoint evaluates as the local AWS does: a minute and some seconds after the previous evaluation.
func TestAlarmsMissNoDataPoint(t *testing.T) {
	for name, late := range map[string]time.Duration{
		"just after an evaluation":                             time.Microsecond,
		"at the time of an evaluation, but after it":           0,
		"after an evaluation, dated in whole milliseconds":     -700 * time.Microsecond,
		"after an evaluation, dated in whole seconds":          -900 * time.Millisecond,
		"just before the evaluation that is to see the breach": time.Minute,
	} {
		t.Run(name, func(t *testing.T) {
			s, clock, _ := watching(t)
			putAlarm(t, s, above(1, 1, "notBreaching"))
			put(t, s, "M", clock.now, 0)
			s.Evaluate()
			put(t, s, "M", clock.now.Add(late), 1)
			clock.now = clock.now.Add(time.Minute + 80*time.Millisecond)
			put(t, s, "M", clock.now, 0)
			s.Evaluate()
			if got := s.AlarmState("a"); got != "ALARM" {
				t.Errorf("state = %s, want ALARM", got)
			}
			clock.now = clock.now.Add(time.Minute + 80*time.Millisecond)
			put(t, s, "M", clock.now, 0)
			s.Evaluate()
			if got := s.AlarmState("a"); got != "OK" {
				t.Errorf("state a minute later = %s, want OK: a data point counts once", got)
			}
		})
	}
}

// TestAlarmsWithoutAnEvaluationForLongLookBackByTheirPeriodsOnly checks that older data are outside the window.
func TestAlarmsWithoutAnEvaluationForLongLookBackByTheirPeriodsOnly(t *testing.T) {
	s, clock, _ := watching(t)
	putAlarm(t, s, above(1, 1, "notBreaching"))
	s.Evaluate()
	put(t, s, "M", clock.now.Add(2*time.Minute), 1)
	clock.now = clock.now.Add(10 * time.Minute)
	put(t, s, "M", clock.now, 0)
	s.Evaluate()
	if got := s.AlarmState("a"); got != "OK" {
		t.Errorf("state = %s, want OK", got)
	}
}

func TestAlarmsOnPercentiles(t *testing.T) {
	s, _, _ := watching(t)
	a := above(1, 1, "missing")
	a.Queries[0].Statistic, a.Threshold = "p90", 10
	putAlarm(t, s, a)
	put(t, s, "M", noon, 1, 1, 1, 1, 1, 1, 1, 1, 10, 10)
	s.Evaluate()
	if got := s.AlarmState("a"); got != "ALARM" {
		t.Errorf("state with p90 at the threshold = %s, want ALARM", got)
	}
}

func TestMetricMathOverMetrics(t *testing.T) {
	for expression, want := range map[string]string{
		"SUM(METRICS())":          "OK", // 1 + 2 + missing
		"MAX(METRICS())":          "OK",
		"MIN(METRICS())":          "OK",
		"MIN(FILL(METRICS(), 9))": "OK",
		"SUM(FILL(METRICS(), 3))": "ALARM",
		"SUM([m1, m2, m2])":       "ALARM",
		"MAX(FILL([m1, m3], 7))":  "ALARM",
		"SUM([named, m2, m2])":    "ALARM", // named is MAX(FILL([m3, m2], 1)), which is 2
		"SUM([named, m2])":        "OK",
		"m2 * 3":                  "ALARM",
		"m2 * 2.4":                "OK",
		"m3 * 9":                  "INSUFFICIENT_DATA",
	} {
		t.Run(expression, func(t *testing.T) {
			s, _, _ := watching(t)
			a := above(1, 1, "missing")
			a.Threshold, a.Queries = 5, []cloudwatch.AlarmQuery{
				{ID: "e", Expression: expression, ReturnData: true}, {ID: "named", Expression: "MAX(FILL([m3, m2], 1))"},
			}
			for i, name := range []string{"M", "N", "O"} {
				a.Queries = append(a.Queries, cloudwatch.AlarmQuery{
					ID: fmt.Sprintf("m%d", i+1), Metric: cloudwatch.Metric{Namespace: "Test", Name: name}, Statistic: "Sum", Period: time.Minute,
				})
			}
			putAlarm(t, s, a)
			put(t, s, "M", noon, 1)
			put(t, s, "N", noon, 2)
			s.Evaluate()
			if got := s.AlarmState("a"); got != want {
				t.Errorf("state of %s >= 5 = %s, want %s", expression, got, want)
			}
		})
	}
}

func TestAnAlarmThatIsPutAgainIsEvaluatedAnew(t *testing.T) {
	s, _, _ := watching(t)
	other, metric := above(1, 1, "missing"), above(1, 1, "missing")
	other.Queries[0].Metric.Name, other.Name = "Other", "other"
	putAlarm(t, s, other)
	put(t, s, "M", noon, 1)
	put(t, s, "Other", noon, 0)
	multiplied := metric
	multiplied.Queries = []cloudwatch.AlarmQuery{metric.Queries[0], {ID: "e", Expression: "m1 * 0.5", ReturnData: true}}
	multiplied.Queries[0].ReturnData = false
	for i, step := range []struct {
		alarm cloudwatch.Alarm
		want  string
	}{
		{metric, "ALARM"}, {multiplied, "OK"},
		{cloudwatch.Alarm{Name: "both", Rule: `ALARM("a")`}, "OK"}, {metric, "ALARM"}, {cloudwatch.Alarm{Name: "both", Rule: `ALARM("other")`}, "OK"},
	} {
		putAlarm(t, s, step.alarm)
		s.Evaluate()
		if got := s.AlarmState(step.alarm.Name); got != step.want {
			t.Errorf("step %d: state %s, want %s", i+1, got, step.want)
		}
	}
}

func TestCompositeRules(t *testing.T) {
	for rule, want := range map[string]string{
		`ALARM("rings")`:             "ALARM",
		`ALARM(rings)`:               "ALARM",
		`ALARM('quiet')`:             "OK",
		`OK("quiet")`:                "ALARM",
		`INSUFFICIENT_DATA("young")`: "ALARM",
		`ALARM("arn:aws:cloudwatch:eu-central-1:1:alarm:rings")`: "ALARM",
		`ALARM("quiet") OR ALARM("rings")`:                       "ALARM",
		`ALARM("quiet") AND ALARM("rings")`:                      "OK",
		`NOT ALARM("quiet") AND ALARM("rings")`:                  "ALARM",
		`NOT (ALARM("quiet") OR ALARM("rings"))`:                 "OK",
		`TRUE OR FALSE AND FALSE`:                                "ALARM",
		`(TRUE OR FALSE) AND FALSE`:                              "OK",
		"ALARM(\"quiet\") OR\n  ALARM(\"young\") OR\n  NOT TRUE": "OK",
	} {
		t.Run(rule, func(t *testing.T) {
			s, _, heard := watching(t)
			for name, missing := range map[string]string{"rings": "breaching", "quiet": "notBreaching", "young": "missing"} {
				a := above(1, 1, missing)
				a.Name, a.ActionsEnabled = name, false
				putAlarm(t, s, a)
			}
			putAlarm(t, s, cloudwatch.Alarm{Name: "all", Rule: rule, ActionsEnabled: true, AlarmActions: []string{"pager"}})
			s.Evaluate()
			if got := s.AlarmState("all"); got != want || (len(*heard) == 1) != (want == "ALARM") {
				t.Errorf("state = %s, published %q, want %s", got, *heard, want)
			}
		})
	}
}

func TestPutAlarmRefusesWhatCloudWatchRefuses(t *testing.T) {
	query := func(change func(*cloudwatch.AlarmQuery)) func(*cloudwatch.Alarm) {
		return func(a *cloudwatch.Alarm) { change(&a.Queries[0]) }
	}
	for name, change := range map[string]func(*cloudwatch.Alarm){
		"no name":                    func(a *cloudwatch.Alarm) { a.Name = "" },
		"a long description":         func(a *cloudwatch.Alarm) { a.Description = strings.Repeat("x", 1025) },
		"six actions":                func(a *cloudwatch.Alarm) { a.AlarmActions = make([]string, 6) },
		"4 of 3":                     func(a *cloudwatch.Alarm) { a.DatapointsToAlarm = 4 },
		"no periods":                 func(a *cloudwatch.Alarm) { a.EvaluationPeriods = 0 },
		"missing data misspelt":      func(a *cloudwatch.Alarm) { a.TreatMissingData = "notbreaching" },
		"an operator that is none":   func(a *cloudwatch.Alarm) { a.Comparison = ">=" },
		"an operator of bands":       func(a *cloudwatch.Alarm) { a.Comparison = "GreaterThanUpperThreshold" },
		"a band's operator is none":  func(a *cloudwatch.Alarm) { a.ThresholdMetricID = "ad1" },
		"no metric":                  func(a *cloudwatch.Alarm) { a.Queries = nil },
		"two that return data":       func(a *cloudwatch.Alarm) { a.Queries = append(a.Queries, a.Queries[0]) },
		"a metric without a name":    query(func(q *cloudwatch.AlarmQuery) { q.Metric.Name = "" }),
		"a statistic that is none":   query(func(q *cloudwatch.AlarmQuery) { q.Statistic = "Mean" }),
		"half a minute":              query(func(q *cloudwatch.AlarmQuery) { q.Period = 30 * time.Second }),
		"more than a day":            query(func(q *cloudwatch.AlarmQuery) { q.Period = 9 * time.Hour }),
		"math that is not imitated":  query(func(q *cloudwatch.AlarmQuery) { q.Expression = "ABS(m1)" }),
		"math over nothing":          query(func(q *cloudwatch.AlarmQuery) { q.Expression = "SUM(METRICS())" }),
		"a rule of an unknown alarm": func(a *cloudwatch.Alarm) { a.Rule = `ALARM("b")` },
		"a rule of itself":           func(a *cloudwatch.Alarm) { a.Rule = `ALARM("a")` },
		"a rule that breaks off":     func(a *cloudwatch.Alarm) { a.Rule = `TRUE AND` },
		"a rule that goes on":        func(a *cloudwatch.Alarm) { a.Rule = `TRUE TRUE` },
		"a rule with an open end":    func(a *cloudwatch.Alarm) { a.Rule = `(TRUE` },
		"a rule of another language": func(a *cloudwatch.Alarm) { a.Rule = `a && b` },
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := watching(t)
			a := above(3, 3, "missing")
			change(&a)
			if err := s.PutAlarm(a); err == nil {
				t.Errorf("PutAlarm(%+v) = nil, want an error", a)
			}
		})
	}
}

func TestAlarmsOfACompositeStayAsLongAsIt(t *testing.T) {
	s, _, _ := watching(t)
	putAlarm(t, s, above(1, 1, "missing"))
	putAlarm(t, s, cloudwatch.Alarm{Name: "all", Rule: `ALARM("a")`})
	if err := s.DeleteAlarm("a"); err == nil {
		t.Error("DeleteAlarm of a child = nil, want an error")
	}
	for _, name := range []string{"all", "a"} {
		if err := s.DeleteAlarm(name); err != nil {
			t.Errorf("DeleteAlarm(%s) = %v", name, err)
		}
	}
	if got := s.Alarms(); len(got) > 0 {
		t.Errorf("Alarms = %v, want none", got)
	}
}

func TestAnomalyDetectionIsKeptAndNotEvaluated(t *testing.T) {
	s, _, heard := watching(t)
	a := above(1, 1, "breaching")
	a.ThresholdMetricID, a.Comparison = "band", "GreaterThanUpperThreshold"
	a.Queries = append(a.Queries, cloudwatch.AlarmQuery{ID: "band", Expression: "ANOMALY_DETECTION_BAND(m1, 2)", ReturnData: true})
	putAlarm(t, s, a)
	s.Evaluate()
	if got := s.AlarmState("a"); got != "INSUFFICIENT_DATA" || len(*heard) > 0 {
		t.Errorf("state = %s, published %q; want INSUFFICIENT_DATA and no message", got, *heard)
	}
}

func TestAlarmsAndDashboardsThroughTheSDK(t *testing.T) {
	s, client, _ := start(t, localtest.Everything)
	localtest.Must(client.PutMetricAlarm(t.Context(), &sdk.PutMetricAlarmInput{
		AlarmName: aws.String("drift"), AlarmDescription: aws.String("why"), Namespace: aws.String("Test"), MetricName: aws.String("M"),
		Statistic: types.StatisticSum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(3), DatapointsToAlarm: aws.Int32(2),
		Threshold: aws.Float64(1), ComparisonOperator: types.ComparisonOperatorGreaterThanOrEqualToThreshold, TreatMissingData: aws.String("ignore"),
	}))(t)
	localtest.Must(client.PutMetricAlarm(t.Context(), &sdk.PutMetricAlarmInput{
		AlarmName: aws.String("band"), EvaluationPeriods: aws.Int32(1), ThresholdMetricId: aws.String("b"),
		ComparisonOperator: types.ComparisonOperatorGreaterThanUpperThreshold, Metrics: []types.MetricDataQuery{
			{Id: aws.String("b"), Expression: aws.String("ANOMALY_DETECTION_BAND(m, 2)")},
			{Id: aws.String("m"), MetricStat: &types.MetricStat{Stat: aws.String("Sum"), Period: aws.Int32(300), Metric: &types.Metric{Namespace: aws.String("Test"), MetricName: aws.String("M")}}},
		},
	}))(t)
	localtest.Must(client.PutCompositeAlarm(t.Context(), &sdk.PutCompositeAlarmInput{AlarmName: aws.String("all"), AlarmRule: aws.String("ALARM(drift)")}))(t)
	put(t, s, "M", noon, 1)
	put(t, s, "M", noon.Add(-time.Minute), 1)
	s.Evaluate()
	out := localtest.Must(client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmTypes: []types.AlarmType{"MetricAlarm", "CompositeAlarm"}, StateValue: types.StateValueAlarm}))(t)
	if len(out.MetricAlarms) != 1 || *out.MetricAlarms[0].AlarmName != "drift" || *out.MetricAlarms[0].DatapointsToAlarm != 2 || *out.MetricAlarms[0].AlarmDescription != "why" {
		t.Errorf("metric alarms in ALARM = %+v, want drift", out.MetricAlarms)
	}
	if len(out.CompositeAlarms) != 1 || *out.CompositeAlarms[0].AlarmRule != "ALARM(drift)" {
		t.Errorf("composite alarms in ALARM = %+v, want all", out.CompositeAlarms)
	}
	named := localtest.Must(client.DescribeAlarms(t.Context(), &sdk.DescribeAlarmsInput{AlarmNames: []string{"band"}}))(t)
	if len(named.MetricAlarms) != 1 || *named.MetricAlarms[0].ThresholdMetricId != "b" || len(named.MetricAlarms[0].Metrics) != 2 {
		t.Errorf("alarms called band = %+v", named.MetricAlarms)
	}

	const body = `{"widgets":[]}`
	localtest.Must(client.PutDashboard(t.Context(), &sdk.PutDashboardInput{DashboardName: aws.String("board"), DashboardBody: aws.String(body)}))(t)
	if got := localtest.Must(client.GetDashboard(t.Context(), &sdk.GetDashboardInput{DashboardName: aws.String("board")}))(t); *got.DashboardBody != body {
		t.Errorf("GetDashboard = %s, want %s", *got.DashboardBody, body)
	}
	for name, v := range map[string]string{"bad name!": body, "board": "{}"} {
		if _, err := client.PutDashboard(t.Context(), &sdk.PutDashboardInput{DashboardName: &name, DashboardBody: &v}); localtest.Code(err) == "" {
			t.Errorf("PutDashboard(%s, %s) = nil, want an error", name, v)
		}
	}
	s.DeleteDashboard("board")
	if _, err := client.GetDashboard(t.Context(), &sdk.GetDashboardInput{DashboardName: aws.String("board")}); localtest.Code(err) != "ResourceNotFound" {
		t.Errorf("GetDashboard of a deleted dashboard = %v, want ResourceNotFound", err)
	}
}
