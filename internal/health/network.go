package health

import (
	"fmt"
	"slices"
	"strings"
)

// Network is what decides about the workload's way to the endpoint, and about other ways to S3.
type Network struct {
	// Rules are the rules of the workload's security groups.
	Rules Reading[[]GroupRule]
	// OtherEndpoints are the ids of other S3 endpoints in the VPC.
	OtherEndpoints Reading[[]string]
	// DNS are the attributes of the VPC that private DNS needs, and whether they are on.
	DNS Reading[map[string]bool]
}

// GroupRule is a rule of a security group.
type GroupRule struct {
	GroupID  string
	Egress   bool
	Protocol string
	From, To int32
	// Peer is a group's id, a CIDR block or a prefix list's id.
	Peer string
}

// String describes a rule, e.g. "sg-1: egress tcp 443-443 sg-2".
func (r GroupRule) String() string {
	way := "ingress"
	if r.Egress {
		way = "egress"
	}
	return fmt.Sprintf("%s: %s %s %d-%d %s", r.GroupID, way, r.Protocol, r.From, r.To, r.Peer)
}

// appPort is the port of the app in template.yaml. Its range of addresses, AppIngressCidr, is not known here.
const appPort = 3000

// judgeNetwork returns what differs in the workload's network. Each part that could be read is judged.
func (t Criteria) judgeNetwork(r *Report, s Snapshot) []threat {
	n := s.Network.Value
	var threats []threat
	if r.made(WorkloadGroups, n.Rules.Err) {
		threats = append(threats, t.judgeWorkloadGroups(n.Rules.Value)...)
	}
	if r.made(OtherEndpoints, n.OtherEndpoints.Err) {
		for _, id := range n.OtherEndpoints.Value {
			threats = append(threats, threat{"second-endpoint", fmt.Sprintf("vpc %s has another S3 endpoint, %s", t.Setting.VPCID, id)})
		}
	}
	if r.made(VPCDNS, n.DNS.Err) {
		for _, name := range []string{"enableDnsHostnames", "enableDnsSupport"} {
			if on, known := n.DNS.Value[name]; known && !on {
				threats = append(threats, threat{"vpc-dns", fmt.Sprintf("vpc %s: %s is off, so that private DNS does not work", t.Setting.VPCID, name)})
			}
		}
	}
	return threats
}

// judgeWorkloadGroups compares the rules with those of template.yaml: HTTPS to the endpoint, the app's port, nothing else.
func (t Criteria) judgeWorkloadGroups(rules []GroupRule) []threat {
	var threats []threat
	shut := slices.Clone(t.WorkloadGroups)
	for _, rule := range rules {
		switch {
		case t.isWayToS3(rule):
			shut = slices.DeleteFunc(shut, func(id string) bool { return id == rule.GroupID })
		case rule.Egress && rule.Peer == "127.0.0.1/32":
		case !rule.Egress && slices.Index(t.WorkloadGroups, rule.GroupID) == 0 && rule.Protocol == "tcp" && rule.From == appPort && rule.To == appPort && strings.Contains(rule.Peer, "/"):
		default:
			threats = append(threats, threat{"workload-group-opened", "the template does not declare the rule " + rule.String()})
		}
	}
	for _, id := range shut {
		threats = append(threats, threat{"workload-group-shut", "security group " + id + " has no rule for HTTPS to S3"})
	}
	return threats
}

// isWayToS3 reports whether a rule is the workload's way to S3. With a gateway endpoint, S3 keeps its public addresses.
func (t Criteria) isWayToS3(r GroupRule) bool {
	to := t.EndpointGroups
	if t.Gateway {
		to = []string{"0.0.0.0/0"}
	}
	return r.Egress && r.Protocol == "tcp" && r.From == 443 && r.To == 443 && slices.Contains(to, r.Peer)
}
