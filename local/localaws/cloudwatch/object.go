package cloudwatch

import (
	"strconv"
	"time"
)

// text is a member's text; "" when it is not there.
func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// number is a member's number. It is not ok when it is not there, or no number.
func (o object) number(name string) (number float64, ok bool) { return toNumber(o[name]) }

// whole is a member's whole number; 0 when it is not there, or no number.
func (o object) whole(name string) int {
	number, _ := o.number(name)
	return int(number)
}

// toNumber reads a value as a number.
func toNumber(value any) (number float64, ok bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case string:
		number, err := strconv.ParseFloat(v, 64)
		return number, err == nil
	}
	return 0, false
}

// time is a member's time: a time, seconds since 1970, or text in ISO 8601. It is zero when it is not there.
func (o object) time(name string) time.Time {
	switch v := o[name].(type) {
	case time.Time:
		return v
	case float64:
		return time.UnixMilli(int64(v * 1000))
	case string:
		t, _ := time.Parse(time.RFC3339, v)
		return t
	}
	return time.Time{}
}

// flag is a member's truth; absent when it is not there.
func (o object) flag(name string, absent bool) bool {
	switch v := o[name].(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return absent
}

// object is a member's structure; nil when it is not there.
func (o object) object(name string) object {
	structure, _ := o[name].(object)
	return structure
}

// objects are a member's structures.
func (o object) objects(name string) []object {
	list, _ := o[name].([]any)
	var objects []object
	for _, item := range list {
		if structure, ok := item.(object); ok {
			objects = append(objects, structure)
		}
	}
	return objects
}

// texts are a member's texts.
func (o object) texts(name string) []string {
	list, _ := o[name].([]any)
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}

// numbers are a member's numbers; nil when it is not there.
func (o object) numbers(name string) []float64 {
	list, _ := o[name].([]any)
	var numbers []float64
	for _, item := range list {
		if number, ok := toNumber(item); ok {
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// dimensions are the member Dimensions.
func (o object) dimensions() []Dimension {
	var dimensions []Dimension
	for _, d := range o.objects("Dimensions") {
		dimensions = append(dimensions, Dimension{d.text("Name"), d.text("Value")})
	}
	return dimensions
}

// metric is the metric that the members Namespace, MetricName and Dimensions name.
func (o object) metric() Metric {
	return Metric{o.text("Namespace"), o.text("MetricName"), o.dimensions()}
}

// shown is a metric as answers show it.
func (m Metric) shown() object {
	dimensions := []any{}
	for _, d := range m.Dimensions {
		dimensions = append(dimensions, object{"Name": d.Name, "Value": d.Value})
	}
	return object{"Namespace": m.Namespace, "MetricName": m.Name, "Dimensions": dimensions}
}
