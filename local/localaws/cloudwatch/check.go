package cloudwatch

import (
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
)

// The limits of PutMetricData.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
const (
	maxData       = 1000
	maxValues     = 150
	maxDimensions = 30
	maxName       = 255
	maxDimension  = 1024
	oldest        = 14 * 24 * time.Hour
	newest        = 2 * time.Hour
)

// units are the valid units.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
var units = []string{
	"Seconds", "Microseconds", "Milliseconds", "Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits",
	"Megabits", "Gigabits", "Terabits", "Percent", "Count", "Bytes/Second", "Kilobytes/Second", "Megabytes/Second",
	"Gigabytes/Second", "Terabytes/Second", "Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second",
	"Terabits/Second", "Count/Second", "None",
}

// refuse returns a client error.
func refuse(code, format string, details ...any) *api.Error {
	return &api.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, details...)}
}

// invalid returns the error for an invalid value.
func invalid(format string, details ...any) *api.Error {
	return refuse("InvalidParameterValue", format, details...)
}

// check refuses a datum that CloudWatch refuses at that time.
func (d Datum) check(now time.Time) error {
	switch {
	case d.Name == "":
		return refuse("MissingParameter", "The parameter MetricData.member.1.MetricName is required.")
	case len(d.Name) > maxName:
		return invalid("The parameter MetricName is longer than %d characters.", maxName)
	case d.Unit != "" && !slices.Contains(units, d.Unit):
		return invalid("The parameter Unit must be a value in the set %v.", units)
	case !d.Time.IsZero() && (d.Time.Before(now.Add(-oldest)) || d.Time.After(now.Add(newest))):
		return invalid("The parameter Timestamp must specify a time within the past two weeks and the next two hours.")
	}
	if err := d.checkDimensions(); err != nil {
		return err
	}
	return d.checkValues()
}

// checkDimensions refuses dimensions that are too many, empty, too long or duplicate.
func (d Datum) checkDimensions() error {
	if len(d.Dimensions) > maxDimensions {
		return invalid("The collection Dimensions must not have a size greater than %d.", maxDimensions)
	}
	names := map[string]bool{}
	for _, dimension := range d.Dimensions {
		if dimension.Name == "" || dimension.Value == "" || len(dimension.Name) > maxName || len(dimension.Value) > maxDimension {
			return invalid("The dimension %q has an empty or too long name or value.", dimension.Name)
		}
		if names[dimension.Name] {
			return invalid("No two dimensions may have the same name: %s.", dimension.Name)
		}
		names[dimension.Name] = true
	}
	return nil
}

// checkValues refuses a datum with no values, too many, or values that are not numbers.
func (d Datum) checkValues() error {
	values := d.Values
	if d.Set != nil {
		values = append(slices.Clone(values), d.Set.SampleCount, d.Set.Sum, d.Set.Minimum, d.Set.Maximum)
	}
	switch {
	case len(d.Values) > 0 && d.Set != nil:
		return refuse("InvalidParameterCombination", "The parameters Value, Values and StatisticValues are mutually exclusive.")
	case len(values) == 0:
		return refuse("MissingParameter", "At least one of the parameters Value, Values and StatisticValues is required.")
	case len(d.Values) > maxValues:
		return invalid("The collection Values must not have a size greater than %d.", maxValues)
	case d.Counts != nil && len(d.Counts) != len(d.Values):
		return invalid("The collections Values and Counts must have the same size.")
	}
	for _, value := range slices.Concat(values, d.Counts) {
		if math.IsNaN(value) || math.IsInf(value, 0) {
			return invalid("The value %v is not supported.", value)
		}
	}
	return nil
}
