package cloudwatch

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expression is metric math, as far as this project's alarms go: a function of a list, where the list is METRICS() or
// names of metrics in brackets, perhaps filled up.
//
//	SUM(METRICS())   MAX([a, b])   MIN(FILL(METRICS(), 0))
//
// or one name times a number, "a * 2". A name may also be that of another expression.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
type expression struct {
	function string
	ids      []string
	// fill takes the place of missing values; nil leaves them out.
	fill *float64
	// factor multiplies the result.
	factor float64
}

// product is an expression that multiplies a metric by a number.
var product = regexp.MustCompile(`^(\w+) \* ([0-9.]+)$`)

// expressions are the ones that can be read.
var expressions = regexp.MustCompile(`^(SUM|MIN|MAX)\((FILL\()?(?:METRICS\(\)|\[([\w, ]+)\])(?:, *(-?[\d.]+)\))?\)$`)

// parseExpression reads an expression over an alarm's metrics.
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
	e := expression{function: parts[1], ids: metricIDs(queries), factor: factor}
	if parts[4] != "" {
		number, err := strconv.ParseFloat(parts[4], 64)
		if err != nil {
			return expression{}, invalid("%s is no number in %q.", parts[4], text)
		}
		e.fill = &number
	}
	if parts[3] != "" {
		named := strings.Split(strings.ReplaceAll(parts[3], " ", ""), ",")
		for _, id := range named {
			if !slices.ContainsFunc(queries, func(q AlarmQuery) bool { return q.ID == id }) {
				return expression{}, invalid("The expression %q names the metric %s, which is not there.", text, id)
			}
		}
		e.ids = named
	}
	return e, nil
}

// metricIDs are the ids of the queries that are metrics.
func metricIDs(queries []AlarmQuery) []string {
	var ids []string
	for _, q := range queries {
		if q.Expression == "" {
			ids = append(ids, q.ID)
		}
	}
	return ids
}

// one is the expression's value in one period, of the metrics' values in it; nil where there is none.
func (e expression) one(values map[string]*float64) *float64 {
	var present []float64
	for _, id := range e.ids {
		switch value := values[id]; {
		case value != nil:
			present = append(present, *value)
		case e.fill != nil:
			present = append(present, *e.fill)
		}
	}
	if len(present) == 0 {
		return nil
	}
	result := map[string]func([]float64) float64{"SUM": sum, "MIN": slices.Min[[]float64], "MAX": slices.Max[[]float64]}[e.function](present) * e.factor
	return &result
}

func sum(values []float64) float64 {
	total := 0.0
	for _, value := range values {
		total += value
	}
	return total
}
