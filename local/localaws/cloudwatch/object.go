package cloudwatch

import (
	"strconv"
	"time"
)

// text returns a string member, or "".
func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// number returns a numeric member. ok is false if it is missing or not a number.
func (o object) number(name string) (number float64, ok bool) { return toNumber(o[name]) }

// whole returns an integer member; 0 if it is missing or not a number.
func (o object) whole(name string) int {
	number, _ := o.number(name)
	return int(number)
}

// toNumber converts a value to a number.
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

// time returns a time member: a time, seconds since 1970, or text in ISO 8601. It returns the zero time if it is
// missing.
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

// flag returns a bool member, or absent if it is missing.
func (o object) flag(name string, absent bool) bool {
	switch v := o[name].(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return absent
}

// object returns a structure member, or nil.
func (o object) object(name string) object {
	structure, _ := o[name].(object)
	return structure
}

// objects returns the structures of a list member.
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

// texts returns the strings of a list member.
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

// numbers returns the numbers of a list member; nil if it is missing.
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

// dimensions returns the member Dimensions.
func (o object) dimensions() []Dimension {
	var dimensions []Dimension
	for _, d := range o.objects("Dimensions") {
		dimensions = append(dimensions, Dimension{d.text("Name"), d.text("Value")})
	}
	return dimensions
}

// metric returns the metric in the members Namespace, MetricName and Dimensions.
func (o object) metric() Metric {
	return Metric{o.text("Namespace"), o.text("MetricName"), o.dimensions()}
}

// shown returns a metric for an answer.
func (m Metric) shown() object {
	dimensions := []any{}
	for _, d := range m.Dimensions {
		dimensions = append(dimensions, object{"Name": d.Name, "Value": d.Value})
	}
	return object{"Namespace": m.Namespace, "MetricName": m.Name, "Dimensions": dimensions}
}
