package cost_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/s3-endpoint-guard/local/cost"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// table contains round prices.
var table = cost.Table{
	HoursPerMonth: 700,
	Prices: map[string]cost.Price{
		"metric": {USD: 1, Per: 1, Free: 2}, "alarm": {USD: 1, Per: 10}, "anomalyAlarm": {USD: 3, Per: 1}, "composite": {USD: 5, Per: 1},
		"event": {USD: 1, Per: 100}, "run": {USD: 1, Per: 1000}, "compute": {USD: 1, Per: 1000}, "log": {USD: 1, Per: 1}, "dashboard": {USD: 3, Per: 1, Free: 3},
		"endpointHour": {USD: 1, Per: 100},
	},
	Usage: map[string]cost.Usage{
		"probe":     {Metrics: []string{"A"}, InterfaceMetrics: []string{"B"}, ZonalMetrics: []string{"C", "D"}, Seconds: 0.5, LogBytes: 1e6},
		"remediate": {Metrics: []string{"A"}, FleetMetrics: []string{"B"}},
	},
}

// month returns the bill of a template with these resources.
func month(t *testing.T, resources string) (cost.Bill, error) {
	t.Helper()
	return monthOf(t, resources, nil)
}

// monthOf returns the bill of a template with these resources and parameters.
func monthOf(t *testing.T, resources string, p map[string]string) (cost.Bill, error) {
	t.Helper()
	template, err := samtemplate.Parse([]byte(`
Transform: AWS::Serverless-2016-10-31
Parameters:
  EndpointType: {Type: String, Default: Interface}
  BucketNames: {Type: String, Default: ""}
  ParentName: {Type: String, Default: ""}
  HealthRate: {Type: Number, Default: 60}
  SweepSeconds: {Type: Number, Default: 60}
Resources:
` + resources))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := template.Plan(samtemplate.Options{Parameters: p})
	if err != nil {
		t.Fatal(err)
	}
	return table.Month(plan, 1)
}

func TestMonthCountsEachResource(t *testing.T) {
	for name, v := range map[string]struct {
		resources  string
		want       map[string]float64 // by part
		paid       float64
		ofEndpoint float64
	}{
		"what is free":         {`  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.0.0.0/16}}`, map[string]float64{}, 0, 0},
		"an alarm on a metric": {`  A: {Type: "AWS::CloudWatch::Alarm", Properties: {MetricName: M}}`, map[string]float64{"Alarms": 0.1}, 0.1, 0},
		"an alarm on two": {`  A: {Type: "AWS::CloudWatch::Alarm", Properties: {Metrics: [{Expression: E}, {MetricStat: {Stat: Sum}}, {MetricStat: {Stat: Sum}}]}}`,
			map[string]float64{"Alarms": 0.2}, 0.2, 0},
		"an alarm on anomalies": {`  A: {Type: "AWS::CloudWatch::Alarm", Properties: {ThresholdMetricId: b}}`, map[string]float64{"Alarms": 3}, 3, 0},
		"an alarm of alarms":    {`  A: {Type: "AWS::CloudWatch::CompositeAlarm", Properties: {AlarmRule: "TRUE"}}`, map[string]float64{"Alarms": 5}, 5, 0},
		"a dashboard":           {`  A: {Type: "AWS::CloudWatch::Dashboard", Properties: {DashboardBody: "{}"}}`, map[string]float64{"Dashboard": 3}, 0, 0},
		"an endpoint":           {`  A: {Type: "AWS::EC2::VPCEndpoint", Properties: {SubnetIds: [a, b]}}`, map[string]float64{}, 0, 14},
		// 2 metrics of the part and 2 for each zone; 700 runs of 0.5 s at half a GB, and of 1 MB of log, for each.
		"two functions of one part": {`
  ProbeAFunction: {Type: "AWS::Serverless::Function", Properties: {Handler: h, Runtime: provided.al2023, MemorySize: 512}}
  ProbeBFunction: {Type: "AWS::Serverless::Function", Properties: {Handler: h, Runtime: provided.al2023, MemorySize: 512}}`,
			map[string]float64{"Probe": 6 + 2*(0.7+0.175+0.7)}, 4 + 2*(0.7+0.175+0.7), 0},
	} {
		t.Run(name, func(t *testing.T) {
			bill, err := month(t, v.resources)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, part := range bill.Parts {
				got[part.Name] = part.USD()
			}
			near := cmpopts.EquateApprox(0, 1e-9)
			if diff := cmp.Diff(v.want, got, near); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]float64{v.paid, v.ofEndpoint}, []float64{bill.Paid(), bill.Endpoint.USD()}, near); diff != "" {
				t.Errorf("paid, endpoint (-want +got):\n%s", diff)
			}
		})
	}
}

// A run that Lambda tells EventBridge about is an event, too.
func TestMonthCountsTheEventsAboutRuns(t *testing.T) {
	const function = `  ProbeFunction: {Type: "AWS::Serverless::Function", Properties: {Handler: h, Runtime: provided.al2023, EventInvokeConfig: {DestinationConfig: {%s}}}}`
	cost := func(destination string) float64 {
		bill, err := month(t, strings.Replace(function, "%s", destination, 1))
		if err != nil {
			t.Fatal(err)
		}
		return bill.USD()
	}
	silent, told := cost(`OnSuccess: {Type: SQS, Destination: "arn:q"}, OnFailure: {Type: EventBridge, Destination: "arn:b"}`), cost(`OnSuccess: {Type: EventBridge, Destination: "arn:b"}`)
	if diff := cmp.Diff(7.0, told-silent, cmpopts.EquateApprox(0, 1e-9)); diff != "" { // 700 events
		t.Errorf("the events cost (-want +got):\n%s", diff)
	}
}

// The metrics of many buckets are those of guard.yaml alone, not of the same guard in template.yaml.
func TestMonthCountsTheMetricsOfManyBucketsOnlyWhereTheyAre(t *testing.T) {
	const remediate = `  RemediateFunction: {Type: "AWS::Serverless::Function", Properties: {Handler: h, Runtime: provided.al2023}}`
	for name, c := range map[string]struct {
		p    map[string]string
		want float64
	}{
		"template.yaml":               {nil, 1},
		"guard.yaml alone":            {map[string]string{"BucketNames": "acme-*"}, 2},
		"guard.yaml in another stack": {map[string]string{"BucketNames": "acme", "ParentName": "whole"}, 1},
	} {
		bill, err := monthOf(t, remediate, c.p)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range bill.Parts[0].Items {
			if item.Price == "metric" && item.Quantity != c.want {
				t.Errorf("%s: %v metrics, want %v", name, item.Quantity, c.want)
			}
		}
	}
}

func TestMonthRefusesFunctionsOfUnknownUsage(t *testing.T) {
	if _, err := month(t, `  OtherFunction: {Type: "AWS::Serverless::Function", Properties: {Handler: h, Runtime: provided.al2023}}`); err == nil {
		t.Error("Month of an unknown function = nil, want an error")
	}
}

func TestEveryPriceHasASourceAndADate(t *testing.T) {
	prices, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	if len(prices.AsOf) != len("2006-01-02") || prices.Region == "" {
		t.Errorf("prices of %q in %q, want a day and a Region", prices.AsOf, prices.Region)
	}
	for name, price := range prices.Prices {
		if price.Per <= 0 || price.USD < 0 || price.Unit == "" || !strings.HasPrefix(price.Source, "https://aws.amazon.com/") {
			t.Errorf("price %s = %+v, want an amount, a unit and a source", name, price)
		}
	}
}
