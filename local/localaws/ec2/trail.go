package ec2

import (
	"maps"
	"strconv"
	"strings"

	"s3-endpoint-guard/local/localaws/api"
	"s3-endpoint-guard/local/localaws/query"
)

// namespace is what CloudTrail writes as xmlns into wrapped records.
const namespace = "http://ec2.amazonaws.com/doc/2016-11-15/"

// wrappedTrail is the record of EC2's newer calls: the request as it came, wrapped in its name.
// FACTS: CloudTrail through EventBridge
func (c call) wrappedTrail() *api.Trail {
	return &api.Trail{RequestParameters: map[string]any{c.params["Action"] + "Request": wrapped(c.Node)}}
}

// wrappedResponse is the response in such a record.
func (c call) wrappedResponse(fields map[string]any) any {
	response := map[string]any{"xmlns": namespace, "requestId": c.request.ID}
	maps.Copy(response, fields)
	return map[string]any{c.params["Action"] + "Response": response}
}

// wrapped is a request's tree as newer records show it. Each element of a list is an object with its number as tag; a
// list of one is that object itself.
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

// wrappedFields are a structure's members as newer records show them.
func wrappedFields(n *query.Node) map[string]any {
	fields := map[string]any{}
	for name, child := range n.Fields {
		fields[name] = wrapped(child)
	}
	return fields
}

// typed is a text as the kind of JSON value that it reads like.
func typed(text string) any {
	if text == "true" || text == "false" {
		return text == "true"
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return text
}

// camelTrail is the record of EC2's older calls: camel case, and lists as {"items": […]}.
// Seen in public records of AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress; assumed for the others.
func (c call) camelTrail() *api.Trail {
	return &api.Trail{RequestParameters: camelFields(c.Node)}
}

// camelLists are the lists by their names in a request whose names in a record are others.
var camelLists = map[string]string{"SecurityGroupRuleId": "securityGroupRuleIds"}

// camel is a request's tree as older records show it.
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

// camelFields are a structure's members as older records show them.
func camelFields(n *query.Node) map[string]any {
	fields := map[string]any{}
	if n.Fields["IpProtocol"] != nil && n.Fields["GroupId"] == nil {
		// The lists of a permission are there also when they are empty.
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

// items is a list in an older record: {"items": […]}, or {} when it is empty.
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

// lowerFirst is a name with a small first letter.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// succeeded is the answer of calls that only say that they succeeded.
func (c call) succeeded() (*api.Response, error) { return c.answer(done{true}) }
