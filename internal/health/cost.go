package health

import (
	"fmt"

	"s3-endpoint-guard/internal/metrics"
)

// Volume is what passed the endpoint, in bytes.
type Volume struct {
	// Total is what CloudWatch counted, both ways.
	Total float64
	// Probe is what the probe counted of its own.
	Probe float64
}

// own is how much more than the probe counts CloudWatch may count of it: the probe counts what is in its TCP
// connections, CloudWatch the packets with their headers and acknowledgements too. (FACTS: VPC endpoints, unproven)
const own = 2

// The least that an interface endpoint costs.
// https://aws.amazon.com/privatelink/pricing/ (2026: 0.01 USD per hour and Availability Zone in the cheapest Regions)
const (
	hourlyUSD     = 0.01
	hoursPerMonth = 730
)

// judgeCost judges whether the endpoint is paid for without being used. Gateway endpoints are free, and have no
// metrics. One that is younger than the time after which it would count as idle is not judged idle.
func (t Terms) judgeCost(r *Report, s Snapshot) {
	if t.Gateway || !r.made(Traffic, s.Traffic.Err) || s.Endpoint.Err != nil || len(s.Endpoint.Value.Findings) == 0 {
		return
	}
	var objections []string
	young := s.Time.Sub(s.Endpoint.Value.Created) < t.IdleAfter
	if v := s.Traffic.Value; v.Total <= own*v.Probe && !young {
		zones := len(s.Interfaces.Value)
		objections = []string{fmt.Sprintf("endpoint %s: nothing but the probe used it for %.0f days; it costs at least %.2f USD a month (%d network interfaces, %d hours, %.2f USD)",
			t.Setting.EndpointID, t.IdleAfter.Hours()/24, float64(zones)*hoursPerMonth*hourlyUSD, zones, hoursPerMonth, hourlyUSD)}
	}
	r.alarm(metrics.EndpointIdle, objections...)
}
