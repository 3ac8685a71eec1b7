// Package cost computes what a stack costs in a month, from the template as it would be deployed, a table of prices
// with its date, and a table of what a run of each function uses. Both tables stand in prices.json.
//
// It imports local/samtemplate and the standard library.
//
// A metric counts when it gets a value at every run; those that are published only when something happens are billed for
// those hours only, and left out. Not computed, because they are the app's: the instance, its traffic, its objects.
package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Price is what AWS asks for some units of something.
type Price struct {
	// USD is the price of Per units.
	USD float64 `json:"usd"`
	Per float64 `json:"per"`
	// Free is how many units an account gets each month for nothing, for as long as it exists.
	Free float64 `json:"free"`
	// Unit is what is counted, in the plural, and Source the page with the price.
	Unit   string `json:"unit"`
	Source string `json:"source"`
}

// Usage is what one run of a function uses, or one month of a trail.
type Usage struct {
	// Metrics are published by every run; InterfaceMetrics and GatewayMetrics with that type of endpoint only;
	// ZonalMetrics once in each zone.
	Metrics          []string `json:"metrics"`
	InterfaceMetrics []string `json:"interfaceMetrics"`
	GatewayMetrics   []string `json:"gatewayMetrics"`
	ZonalMetrics     []string `json:"zonalMetrics"`
	// Seconds are billed, LogBytes are what function and platform log.
	Seconds         float64 `json:"seconds"`
	LogBytes        float64 `json:"logBytes"`
	CloudWatchCalls float64 `json:"cloudwatchCalls"`
	S3Puts          float64 `json:"s3Puts"`
	S3Gets          float64 `json:"s3Gets"`
}

// Table is the table of prices and usage.
type Table struct {
	// Region is where the prices hold, AsOf the day on which they did.
	Region        string           `json:"region"`
	AsOf          string           `json:"asOf"`
	Currency      string           `json:"currency"`
	HoursPerMonth float64          `json:"hoursPerMonth"`
	Prices        map[string]Price `json:"prices"`
	Usage         map[string]Usage `json:"usage"`
}

//go:embed prices.json
var prices []byte

// Prices is the table that comes with the project.
func Prices() (Table, error) {
	var t Table
	if err := json.Unmarshal(prices, &t); err != nil {
		return t, fmt.Errorf("reading the prices: %w", err)
	}
	return t, nil
}
