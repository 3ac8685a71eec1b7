package cost

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/local/samtemplate"
)

// Part is a part of the stack that has a cost.
type Part struct {
	Name string
	// Off is the parameters that leave the part out; "" if it cannot be left out.
	Off   string
	Items []Item
}

// Item is one line of a part.
type Item struct {
	// Price is the key in [Table.Prices], Quantity the number of units per month.
	Price    string
	Quantity float64
	// USD is the list price.
	USD float64
}

// USD is the part's list price.
func (p Part) USD() float64 {
	total := 0.0
	for _, item := range p.Items {
		total += item.USD
	}
	return total
}

// Bill is the monthly bill of a stack.
type Bill struct {
	// Parts are those of the guard; Endpoint is the interface endpoint, which has the same cost without the guard.
	Parts    []Part
	Endpoint Part

	table Table
}

// USD is the guard's list price, without the endpoint's own.
func (b Bill) USD() float64 {
	total := 0.0
	for _, part := range b.Parts {
		total += part.USD()
	}
	return total
}

// Paid returns the price in an account that uses its free tier only for this stack, in US dollars.
func (b Bill) Paid() float64 {
	quantities := map[string]float64{}
	for _, part := range b.Parts {
		for _, item := range part.Items {
			quantities[item.Price] += item.Quantity
		}
	}
	total := 0.0
	for key, quantity := range quantities {
		price := b.table.Prices[key]
		total += max(quantity-price.Free, 0) * price.USD / price.Per
	}
	return total
}

// Unit returns the unit of an item's quantity.
func (b Bill) Unit(i Item) string { return b.table.Prices[i.Price].Unit }

// Month computes the bill of a plan whose guard guards so many buckets. An error names the resource that could not be read.
func (t Table) Month(plan *samtemplate.Plan, buckets int) (Bill, error) {
	c := counter{table: t, plan: plan, buckets: float64(buckets), attributes: samtemplate.Invented(plan), parts: map[string]*Part{}}
	for _, r := range plan.Resources() {
		if err := c.count(r); err != nil {
			return Bill{}, fmt.Errorf("pricing %s: %w", r.LogicalID, err)
		}
	}
	bill := Bill{table: t}
	for _, name := range partNames {
		if part := c.parts[name]; part != nil {
			bill.Parts = append(bill.Parts, *part)
		}
	}
	if part := c.parts[endpoint]; part != nil {
		bill.Endpoint = *part
	}
	return bill, nil
}

// The names of the parts. The endpoint's is separate.
const (
	correction    = "Correction (the guard)"
	healthcheck   = "Health check"
	probe         = "Probe"
	alarms        = "Alarms"
	dashboard     = "Dashboard"
	notifications = "Notifications"
	trail         = "Trail"
	endpoint      = "Interface endpoint"
)

// partNames are the guard's parts, in display order.
var partNames = []string{correction, healthcheck, probe, alarms, dashboard, notifications, trail}

// off contains the parameters that leave parts out, or that make required parts cheaper.
var off = map[string]string{
	correction: "SweepSeconds=60 costs less", healthcheck: "HealthRate=60 costs less", probe: "CreateProbe=false",
	dashboard: "CreateDashboard=false", trail: "CreateTrail=false", endpoint: "EndpointType=Gateway",
}

// counter counts a plan's resources.
type counter struct {
	table      Table
	plan       *samtemplate.Plan
	buckets    float64
	attributes samtemplate.Attributes
	parts      map[string]*Part
}

// add adds units to a part, unless the quantity is 0.
func (c *counter) add(part, price string, quantity float64) {
	if quantity == 0 {
		return
	}
	p := c.parts[part]
	if p == nil {
		p = &Part{Name: part, Off: off[part]}
		c.parts[part] = p
	}
	i := slices.IndexFunc(p.Items, func(item Item) bool { return item.Price == price })
	if i < 0 {
		p.Items, i = append(p.Items, Item{Price: price}), len(p.Items)
	}
	p.Items[i].Quantity += quantity
	p.Items[i].USD += quantity * c.table.Prices[price].USD / c.table.Prices[price].Per
}

// count adds the cost of one resource. Resources of other types are free, or belong to the app.
func (c *counter) count(r samtemplate.Resource) error {
	switch r.Type {
	case "AWS::Serverless::Function":
		return c.function(r.LogicalID)
	case "AWS::Lambda::EventSourceMapping":
		return c.mapping()
	case "AWS::CloudWatch::Alarm":
		return c.alarm(r.LogicalID)
	case "AWS::CloudWatch::CompositeAlarm":
		c.add(alarms, "composite", 1)
	case "AWS::CloudWatch::Dashboard":
		c.add(dashboard, "dashboard", 1)
	case "AWS::KMS::Key":
		c.add(notifications, "key", 1)
	case "AWS::CloudTrail::Trail":
		c.add(trail, "trail", 1)
		c.add(trail, "s3Put", c.table.Usage["trail"].S3Puts)
	case "AWS::EC2::VPCEndpoint":
		return c.endpoint(r.LogicalID)
	}
	return nil
}

// mapping adds the requests for the messages that start sweeps between those of the schedule's minute: the batches in which they
// are sent, a receive and a deletion of each, and the receives that find no message.
func (c *counter) mapping() error {
	seconds, err := functionParts[0].seconds(c.plan)
	if err != nil {
		return err
	}
	messages := 60/seconds - 1
	empty := c.table.Pollers.Number * 60 / c.table.Pollers.WaitSeconds
	c.add(correction, "sqsRequest", c.table.HoursPerMonth*60*(math.Ceil(messages/maxBatch)+2*messages+empty))
	return nil
}

// maxBatch is the most messages that one request sends.
const maxBatch = 10

// alarm adds an alarm: its metrics, or one alarm on anomalies, whose price includes its three metrics.
func (c *counter) alarm(id string) error {
	p, err := c.plan.Properties(id, c.attributes)
	if err != nil {
		return err
	}
	if p["ThresholdMetricId"] != nil {
		c.add(alarms, "anomalyAlarm", 1)
		return nil
	}
	metrics := 0.0
	queries, _ := p["Metrics"].([]any)
	for _, query := range queries {
		if q, _ := query.(map[string]any); q["MetricStat"] != nil {
			metrics++
		}
	}
	c.add(alarms, "alarm", max(metrics, 1))
	return nil
}

// endpoint adds an interface endpoint's hours, in each of its subnets. A gateway endpoint is free.
func (c *counter) endpoint(id string) error {
	p, err := c.plan.Properties(id, c.attributes)
	if err != nil {
		return err
	}
	subnets, _ := p["SubnetIds"].([]any)
	c.add(endpoint, "endpointHour", float64(len(subnets))*c.table.HoursPerMonth)
	return nil
}

// functionParts maps functions, by the prefix of the logical id, to their part and their usage.
var functionParts = []functionPart{
	{"Remediate", correction, "remediate", rate{"SweepSeconds", 1}},
	{"Healthcheck", healthcheck, "healthcheck", rate{"HealthRate", 60}},
	{"Probe", probe, "probe", rate{"HealthRate", 60}},
}

// functionPart is a part of the bill with a function that runs on a schedule.
type functionPart struct {
	prefix, part, usage string
	// every is the parameter that gives the time between two runs.
	every rate
}

// rate is a parameter with the time between two runs, and its unit in seconds.
type rate struct {
	parameter string
	unit      float64
}

// seconds returns the time between two runs.
func (f functionPart) seconds(plan *samtemplate.Plan) (float64, error) {
	n, err := strconv.ParseFloat(plan.Parameter(f.every.parameter), 64)
	return n * f.every.unit, err
}

// once are the prefixes of the functions that run only when the stack is created, changed or deleted, and have no monthly cost.
var once = []string{"Teardown", "Adopt"}

// ofFleet is the end of the key of a function's usage in guard.yaml, if it is another one than in template.yaml.
const ofFleet = "OfFleet"

// isFleet reports whether the plan is that of guard.yaml alone. In template.yaml, which has a ParentName for it, its guard publishes
// the metrics of the one bucket.
func (c *counter) isFleet() bool {
	return c.plan.Parameter("BucketNames") != "" && c.plan.Parameter("ParentName") == ""
}

// function adds a month of a function's runs, and its metrics.
func (c *counter) function(id string) error {
	if slices.ContainsFunc(once, func(prefix string) bool { return strings.HasPrefix(id, prefix) }) {
		return nil
	}
	i := slices.IndexFunc(functionParts, func(f functionPart) bool { return strings.HasPrefix(id, f.prefix) })
	if i < 0 {
		return fmt.Errorf("no usage is known of the function")
	}
	f := functionParts[i]
	if _, ok := c.table.Usage[f.usage+ofFleet]; ok && c.isFleet() {
		f.usage += ofFleet
	}
	p, err := c.plan.Properties(id, c.attributes)
	if err != nil {
		return err
	}
	memory, err := strconv.ParseFloat(fmt.Sprint(cmp.Or(p["MemorySize"], any(128))), 64)
	if err != nil {
		return err
	}
	seconds, err := f.seconds(c.plan)
	if err != nil {
		return err
	}
	runs, u := c.table.HoursPerMonth*3600/seconds, c.table.Usage[f.usage]
	c.metrics(f.part, u)
	c.add(f.part, "run", runs)
	c.add(f.part, "compute", runs*(u.Seconds+(c.buckets-1)*u.BucketSeconds)*memory/1024)
	c.add(f.part, "log", runs*u.LogBytes/1e9)
	c.add(f.part, "cloudwatchCall", runs*u.CloudWatchCalls)
	if tellsEventBridge(p) {
		c.add(f.part, "event", runs)
	}
	c.add(f.part, "s3Put", runs*u.S3Puts)
	c.add(f.part, "s3Get", runs*(u.S3Gets+c.buckets*u.BucketReads+c.ownBuckets()*u.OwnBucketReads))
	return nil
}

// tellsEventBridge reports whether Lambda sends an event of each successful run to an event bus, which is billed as a custom event.
func tellsEventBridge(properties map[string]any) bool {
	for _, key := range []string{"EventInvokeConfig", "DestinationConfig", "OnSuccess"} {
		properties, _ = properties[key].(map[string]any)
	}
	return properties["Type"] == "EventBridge"
}

// ownBuckets returns the number of guarded buckets that the stack itself creates: one, named Bucket, or none.
func (c *counter) ownBuckets() float64 {
	if slices.ContainsFunc(c.plan.Resources(), func(r samtemplate.Resource) bool { return r.LogicalID == "Bucket" }) {
		return 1
	}
	return 0
}

// metrics adds a function's custom metrics: those of the part once, those of a zone with each of its functions.
func (c *counter) metrics(part string, u Usage) {
	if c.parts[part] == nil {
		n := len(u.Metrics)
		if c.plan.Parameter("EndpointType") == "Interface" {
			n += len(u.InterfaceMetrics)
		} else {
			n += len(u.GatewayMetrics)
		}
		if c.isFleet() {
			n += len(u.FleetMetrics)
		}
		c.add(part, "metric", float64(n))
	}
	c.add(part, "metric", float64(len(u.ZonalMetrics)))
}
