// Package cost computes the monthly cost of a stack, from the template as it would be deployed, a dated table of
// prices, and a table of the usage of each function's run. Both tables are in prices.json.
//
// It imports local/samtemplate and the standard library.
//
// A metric counts if each run publishes a value. Metrics that are published only on certain events are billed only
// for those hours, and are left out. The app's costs are not computed: the instance, its traffic, its objects.
package cost

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Price is AWS's price of a unit.
type Price struct {
	// USD is the price of Per units.
	USD float64 `json:"usd"`
	Per float64 `json:"per"`
	// Free is the number of free units per month of an account, without a time limit.
	Free float64 `json:"free"`
	// Unit is the counted unit, in the plural, and Source the page with the price.
	Unit   string `json:"unit"`
	Source string `json:"source"`
}

// Usage is the usage of one run of a function, or of one month of a trail.
type Usage struct {
	// Metrics are published by each run; InterfaceMetrics and GatewayMetrics only with that type of endpoint;
	// ZonalMetrics once in each zone; FleetMetrics by the guard of many buckets only.
	Metrics          []string `json:"metrics"`
	InterfaceMetrics []string `json:"interfaceMetrics"`
	GatewayMetrics   []string `json:"gatewayMetrics"`
	ZonalMetrics     []string `json:"zonalMetrics"`
	FleetMetrics     []string `json:"fleetMetrics"`
	// Seconds is the billed time, LogBytes the log of function and platform.
	Seconds         float64 `json:"seconds"`
	LogBytes        float64 `json:"logBytes"`
	CloudWatchCalls float64 `json:"cloudwatchCalls"`
	S3Puts          float64 `json:"s3Puts"`
	S3Gets          float64 `json:"s3Gets"`
	// BucketReads are the reads of a guarded bucket's configuration, BucketSeconds the billed time for each bucket but the first.
	BucketReads float64 `json:"bucketReads"`
	// OwnBucketReads are the further reads of a bucket that the stack itself creates: its lifecycle rules, versioning, encryption.
	OwnBucketReads float64 `json:"ownBucketReads"`
	BucketSeconds  float64 `json:"bucketSeconds"`
}

// Table is the table of prices and usage.
type Table struct {
	// Region and AsOf are the Region and the date for which the prices are valid.
	Region        string           `json:"region"`
	AsOf          string           `json:"asOf"`
	Currency      string           `json:"currency"`
	HoursPerMonth float64          `json:"hoursPerMonth"`
	Prices        map[string]Price `json:"prices"`
	Usage         map[string]Usage `json:"usage"`
	// Pollers are those of an event source mapping.
	Pollers Pollers `json:"pollers"`
}

// Pollers are the requests by which Lambda waits for the messages of a queue.
type Pollers struct {
	// Number is how many wait at the same time, WaitSeconds how long a request without a message waits.
	Number      float64 `json:"number"`
	WaitSeconds float64 `json:"waitSeconds"`
	// Source is the page with the number.
	Source string `json:"source"`
}

//go:embed prices.json
var prices []byte

// Prices returns the project's table.
func Prices() (Table, error) {
	var t Table
	if err := json.Unmarshal(prices, &t); err != nil {
		return t, fmt.Errorf("reading the prices: %w", err)
	}
	return t, nil
}
