package health

import (
	"fmt"

	"example.com/s3-endpoint-guard/internal/metrics"
)

// Volume is the traffic through the endpoint, in bytes.
type Volume struct {
	// Total is CloudWatch's count for both directions.
	Total float64
	// Probe is the probe's count of its own traffic.
	Probe float64
}

// own is the factor by which CloudWatch's count of the probe's traffic may exceed the probe's: the probe counts the
// bytes in its TCP connections, CloudWatch also counts headers and acknowledgements. (docs/facts.md, VPC endpoints,
// unproven)
const own = 2

// The minimum price of an interface endpoint.
// https://aws.amazon.com/privatelink/pricing/ (2026: 0.01 USD per hour and Availability Zone in the cheapest Regions)
const (
	hourlyUSD     = 0.01
	hoursPerMonth = 730
)

// judgeCost judges whether an interface endpoint is paid for but not used. Gateway endpoints are free, and have no
// metrics. An endpoint younger than IdleAfter is not judged idle.
func (t Criteria) judgeCost(r *Report, s Snapshot) {
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
