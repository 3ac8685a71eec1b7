package ec2

import (
	"maps"
	"strconv"
	"strings"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// namespace is the xmlns in CloudTrail's wrapped records.
const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// wrappedTrail returns the record of EC2's newer calls: the request as received, wrapped in its name (docs/facts.md,
// CloudTrail through EventBridge).
func (c call) wrappedTrail() *api.Trail {
	return &api.Trail{RequestParameters: map[string]any{c.params["Action"] + "Request": wrapped(c.Node)}}
}

// wrappedResponse returns the response in such a record.
func (c call) wrappedResponse(fields map[string]any) any {
	response := map[string]any{"xmlns": namespace, "requestId": c.request.ID}
	maps.Copy(response, fields)
	return map[string]any{c.params["Action"] + "Response": response}
}

// wrapped returns a request's tree in the format of newer records. Each element of a list is an object with its
// number as tag; a list of one is that object itself.
func wrapped(n *query.Node) any {
	switch {
	case n.Fields != nil:
		return wrappedFields(n)
	case n.Items == nil:
		return typed(n.Value)
	}
	var items []any
	for i, item := range n.Items {
		object := map[string]any{"content": typed(item.Value)}
		if item.Fields != nil {
			object = wrappedFields(item)
		}
		object["tag"] = i + 1
		items = append(items, object)
	}
	if len(items) == 1 {
		return items[0]
	}
	return items
}

// wrappedFields returns a structure's members in the format of newer records.
func wrappedFields(n *query.Node) map[string]any {
	fields := map[string]any{}
	for name, child := range n.Fields {
		fields[name] = wrapped(child)
	}
	return fields
}

// typed converts a text to the JSON type that it looks like.
func typed(text string) any {
	if text == "true" || text == "false" {
		return text == "true"
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return text
}

// camelTrail returns the record of EC2's older calls: camel case, and lists as {"items": […]}. Seen in public records
// of AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress; assumed for the others.
func (c call) camelTrail() *api.Trail {
	return &api.Trail{RequestParameters: camelFields(c.Node)}
}

// camelLists maps the names of lists in requests to different names in records.
var camelLists = map[string]string{"SecurityGroupRuleId": "securityGroupRuleIds"}

// camel returns a request's tree in the format of older records.
func camel(name string, n *query.Node) any {
	switch {
	case n.Fields != nil:
		return camelFields(n)
	case n.Items != nil:
		return items(n.Items, func(item *query.Node) any {
			if item.Fields != nil {
				return camelFields(item)
			}
			return map[string]any{lowerFirst(name): item.Value}
		})
	case strings.HasSuffix(name, "Port"):
		return typed(n.Value)
	}
	return n.Value
}

// camelFields returns a structure's members in the format of older records.
func camelFields(n *query.Node) map[string]any {
	fields := map[string]any{}
	if n.Fields["IpProtocol"] != nil && n.Fields["GroupId"] == nil {
		// The record contains the lists of a permission even if they are empty.
		for _, list := range []string{"groups", "ipRanges", "ipv6Ranges", "prefixListIds"} {
			fields[list] = map[string]any{}
		}
	}
	for name, child := range n.Fields {
		camelName := lowerFirst(name)
		if other, ok := camelLists[name]; ok {
			camelName = other
		}
		fields[camelName] = camel(name, child)
	}
	return fields
}

// items returns a list in the format of older records: {"items": […]}, or {} if it is empty.
func items[T any](list []T, show func(T) any) map[string]any {
	if len(list) == 0 {
		return map[string]any{}
	}
	shown := make([]any, len(list))
	for i, item := range list {
		shown[i] = show(item)
	}
	return map[string]any{"items": shown}
}

// lowerFirst returns a name with a lower-case first letter.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// succeeded returns the answer of calls that return only their success.
func (c call) succeeded() (*api.Response, error) { return c.answer(done{true}) }
