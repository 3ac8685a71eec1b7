package adoption

import (
	"slices"
	"strconv"
	"strings"
)

// nothing stands for an empty list in an attribute: no id is equal to it. CloudFormation accepts no empty pattern and no empty list of
// resources.
const nothing = "none"

// The most ids of security groups, and the most characters of the ids of route tables and of subnets, that [Document.Attributes]
// returns: an EventBridge pattern has at most 2,048 characters. A test of guard.yaml's patterns holds them against that limit.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	mostGroups  = 30
	mostRouting = 640
)

// Attributes returns what guard.yaml's permissions and rules take from the document: the attributes of the custom resource, with the
// reference to the document. Lists are separated by commas.
//
// Permissions name all VPCs and security groups. A rule's pattern may leave ids out: the sweep corrects what no event reports.
func (d Document) Attributes(partition string, reference Reference) map[string]string {
	var vpcs, groups, tables, subnets []string
	for _, e := range d.Endpoints {
		vpcs = append(vpcs, e.VPCID)
		groups = append(groups, e.SecurityGroupIDs...)
		if e.Gateway {
			tables, subnets = append(tables, e.RouteTableIDs...), append(subnets, e.SubnetIDs...)
		}
	}
	arns := func(resource string, ids []string) string {
		var list []string
		for _, id := range set(ids) {
			list = append(list, strings.Join([]string{"arn", partition, "ec2", d.Region, d.Account, resource + "/" + id}, ":"))
		}
		return strings.Join(list, ",")
	}
	return map[string]string{
		"Document":          reference.String(),
		"Adopted":           strconv.Itoa(len(d.Buckets)),
		"VpcIds":            strings.Join(set(vpcs), ","),
		"VpcArns":           arns("vpc", vpcs),
		"SecurityGroupArns": arns("security-group", groups),
		"SecurityGroupIds":  strings.Join(set(groups)[:min(mostGroups, len(set(groups)))], ","),
		"RouteTableIds":     within(mostRouting, set(tables)),
		"SubnetIds":         within(mostRouting, set(subnets)),
	}
}

// set returns the sorted ids without duplicates; one that stands for nothing if there are none.
func set(ids []string) []string {
	if len(ids) == 0 {
		return []string{nothing}
	}
	return slices.Compact(slices.Sorted(slices.Values(ids)))
}

// within joins as many ids as fit into a number of characters.
func within(most int, ids []string) string {
	text := ids[0]
	for _, id := range ids[1:] {
		if len(text)+len(",")+len(id) > most {
			break
		}
		text += "," + id
	}
	return text
}
