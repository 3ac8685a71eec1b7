package cloudwatch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expression is the part of metric math that this project's alarms use: a function of a list, which is METRICS() or
// names of metrics in brackets, optionally with FILL.
//
//	SUM(METRICS())   MAX([a, b])   MIN(FILL(METRICS(), 0))
//
// or one name times a number, "a * 2". A name may also be the id of another expression.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
type expression struct {
	function string
	// queries are the indices of the queries in the list.
	queries []int
	// fill replaces missing values; nil leaves them out.
	fill *float64
	// factor multiplies the result.
	factor float64
}

// product matches an expression that multiplies a metric by a number.
var product = regexp.MustCompile(`^(\w+) \* ([0-9.]+)$`)

// expressions matches the supported functions.
var expressions = regexp.MustCompile(`^(SUM|MIN|MAX)\((FILL\()?(?:METRICS\(\)|\[([\w, ]+)\])(?:, *(-?[\d.]+)\))?\)$`)

// parseExpression parses an expression over an alarm's metrics.
func parseExpression(text string, queries []AlarmQuery) (expression, error) {
	factor := 1.0
	if parts := product.FindStringSubmatch(text); parts != nil {
		number, err := strconv.ParseFloat(parts[2], 64)
		if err != nil {
			return expression{}, invalid("%s is no number in %q.", parts[2], text)
		}
		text, factor = "SUM(["+parts[1]+"])", number
	}
	parts := expressions.FindStringSubmatch(text)
	if parts == nil || (parts[2] == "") != (parts[4] == "") {
		return expression{}, invalid("The local AWS does not imitate the metric math %q.", text)
	}
	e := expression{function: parts[1], queries: metrics(queries), factor: factor}
	if parts[4] != "" {
		number, err := strconv.ParseFloat(parts[4], 64)
		if err != nil {
			return expression{}, invalid("%s is no number in %q.", parts[4], text)
		}
		e.fill = &number
	}
	if parts[3] != "" {
		e.queries = nil
		for id := range strings.SplitSeq(strings.ReplaceAll(parts[3], " ", ""), ",") {
			i := slices.IndexFunc(queries, func(q AlarmQuery) bool { return q.ID == id })
			if i < 0 {
				return expression{}, invalid("The expression %q names the metric %s, which is not there.", text, id)
			}
			e.queries = append(e.queries, i)
		}
	}
	return e, nil
}

// metrics returns the indices of the queries that are metrics.
func metrics(queries []AlarmQuery) []int {
	var found []int
	for i, q := range queries {
		if q.Expression == "" {
			found = append(found, i)
		}
	}
	return found
}

// functions are the supported functions of a list.
var functions = map[string]func([]float64) float64{"SUM": sum, "MIN": slices.Min[[]float64], "MAX": slices.Max[[]float64]}

// one returns the expression's value in one period from the queries' values in it; nil if there is none.
func (e *expression) one(values []*float64) *float64 {
	present := make([]float64, 0, len(e.queries))
	for _, i := range e.queries {
		switch value := values[i]; {
		case value != nil:
			present = append(present, *value)
		case e.fill != nil:
			present = append(present, *e.fill)
		}
	}
	if len(present) == 0 {
		return nil
	}
	result := functions[e.function](present) * e.factor
	return &result
}

func sum(values []float64) float64 {
	total := 0.0
	for _, value := range values {
		total += value
	}
	return total
}
