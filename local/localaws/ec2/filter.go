package ec2

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// Tag is a tag.
type Tag struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// attributes are the values of a resource's filters, by the filter's name. [describe] adds tags.
type attributes map[string][]string

// listing describes the Describe call of one kind of resource.
type listing[T any] struct {
	// ids is the parameter for the wanted ids, and missing returns the error for one that does not exist.
	ids     string
	missing func(id string) *api.Error
	// filters returns the filter values and tags of a resource.
	filters func(T) (attributes, []Tag)
}

// page is the answer of one Describe call.
type page[T any] struct {
	Items []T
	Token string
}

// describe returns the rows that a Describe call selects by id and filter, in pages.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination
func (l listing[T]) describe(t table[T], params query.Params) (page[T], error) {
	rows := t.all(nil)
	if ids := params.List(l.ids); len(ids) > 0 {
		rows = nil
		for _, id := range ids {
			row, ok := t.get(id)
			if !ok {
				return page[T]{}, l.missing(id)
			}
			rows = append(rows, row)
		}
	}
	var kept []T
	for _, row := range rows {
		ok, err := l.passes(row, params.Structs("Filter"))
		if err != nil {
			return page[T]{}, err
		}
		if ok {
			kept = append(kept, row)
		}
	}
	return cut(kept, params), nil
}

// cut returns the page for the parameters MaxResults and NextToken.
func cut[T any](rows []T, params query.Params) page[T] {
	from := min(params.Int("NextToken", 0), len(rows))
	to := min(from+params.Int("MaxResults", len(rows)), len(rows))
	if to == len(rows) {
		return page[T]{Items: rows[from:]}
	}
	return page[T]{Items: rows[from:to], Token: strconv.Itoa(to)}
}

// passes reports whether a row passes all filters.
func (l listing[T]) passes(row T, filters []query.Params) (bool, error) {
	values, tags := l.filters(row)
	for _, tag := range tags {
		values["tag:"+tag.Key] = []string{tag.Value}
		values["tag-key"] = append(values["tag-key"], tag.Key)
	}
	for _, filter := range filters {
		name := filter["Name"]
		have, known := values[name]
		if !known && name != "tag-key" && !strings.HasPrefix(name, "tag:") {
			return false, refuse("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		if !slices.ContainsFunc(filter.List("Value"), func(want string) bool { return matchesAny(want, have) }) {
			return false, nil
		}
	}
	return true, nil
}

// matchesAny reports whether a filter's value, in which * and ? match any text and one character, matches one of a
// resource's values.
func matchesAny(want string, have []string) bool {
	return slices.ContainsFunc(have, func(value string) bool {
		// path.Match stops at slashes: of the values here only CIDR blocks contain them, and those are matched as a
		// whole.
		matched, err := path.Match(want, value)
		return value == want || err == nil && matched
	})
}
