package health_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/health"
)

// The trail "own" is the stack's.
func TestTheStacksOwnTrailIsComparedWithTheTemplate(t *testing.T) {
	good := health.CloudTrail{Name: "own", Logging: true, Bucket: "trails", Validated: true}
	other := health.CloudTrail{Name: "org", Logging: true, Bucket: "elsewhere"}
	with := func(change func(*health.CloudTrail)) health.CloudTrail { c := good; change(&c); return c }
	failing := other
	failing.DeliveryError = "AccessDenied"
	for name, c := range map[string]struct {
		own    string
		trails []health.CloudTrail
		err    error
		want   []string
	}{
		"as declared":                          {"own", []health.CloudTrail{other, good}, nil, nil},
		"another bucket":                       {"own", []health.CloudTrail{with(func(c *health.CloudTrail) { c.Bucket = "x" })}, nil, []string{"trail-changed"}},
		"a key":                                {"own", []health.CloudTrail{with(func(c *health.CloudTrail) { c.Key = "x" })}, nil, []string{"trail-changed"}},
		"no digests":                           {"own", []health.CloudTrail{with(func(c *health.CloudTrail) { c.Validated = false })}, nil, []string{"trail-changed"}},
		"files that cannot be written":         {"own", []health.CloudTrail{with(func(c *health.CloudTrail) { c.DeliveryError = "AccessDenied" })}, nil, []string{"trail-undelivered"}},
		"stopped, and another logs":            {"own", []health.CloudTrail{other, with(func(c *health.CloudTrail) { c.Logging = false })}, nil, []string{"trail-changed"}},
		"stopped, which TrailLogging says":     {"own", []health.CloudTrail{with(func(c *health.CloudTrail) { c.Logging = false })}, nil, nil},
		"deleted, and another logs":            {"own", []health.CloudTrail{other}, nil, []string{"trail-changed"}},
		"perhaps the one that was not read":    {"own", []health.CloudTrail{other}, errors.New("refused"), nil},
		"none, and the only one fails":         {"", []health.CloudTrail{failing}, nil, []string{"trail-undelivered"}},
		"none, and one of two fails":           {"", []health.CloudTrail{failing, other}, nil, nil},
		"none, and one of two was not read":    {"", []health.CloudTrail{failing}, errors.New("refused"), nil},
		"none at all, which TrailLogging says": {"", nil, nil, nil},
	} {
		d := stack()
		d.Resources["Trail"], d.Resources["TrailBucket"] = health.Resource{PhysicalID: c.own}, health.Resource{PhysicalID: "trails"}
		s := healthySnapshot()
		s.Rules.Value, s.Trails = nil, health.Reading[[]health.CloudTrail]{Value: c.trails, Err: c.err}
		s.Deployment.Value = d
		if diff := cmp.Diff(c.want, named(terms().Judge(s))); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
	}
}

// named returns the findings of a report, in order.
func named(r health.Report) []string {
	var findings []string
	for _, p := range r.Problems {
		if p.Finding != "" {
			findings = append(findings, p.Finding)
		}
	}
	slices.Sort(findings)
	return findings
}

func TestNetworkACLsAndDHCPOptionsMustBeAWSsDefault(t *testing.T) {
	entry := func(number int32, egress, allow bool, protocol, from string) health.ACLEntry {
		return health.ACLEntry{ACL: "acl-1", Number: number, Egress: egress, Allow: allow, Protocol: protocol, Range: from}
	}
	whole := []health.ACLEntry{
		entry(100, true, true, "-1", "0.0.0.0/0"), entry(32767, true, false, "-1", "0.0.0.0/0"), entry(100, false, true, "-1", "0.0.0.0/0"),
		entry(32767, false, false, "-1", "0.0.0.0/0"), entry(101, true, true, "-1", "::/0"), entry(32768, true, false, "-1", "::/0"),
	}
	amazon := map[string][]string{"domain-name-servers": {"AmazonProvidedDNS"}, "domain-name": {"eu-central-1.compute.internal"}}
	for name, c := range map[string]struct {
		entries []health.ACLEntry
		dhcp    health.DHCPOptions
		want    []string
	}{
		"as AWS makes them":       {whole, health.DHCPOptions{ID: "dopt-1", Values: amazon}, nil},
		"an entry more":           {append(slices.Clone(whole), entry(90, true, false, "6", "0.0.0.0/0")), health.DHCPOptions{}, []string{"network-acl"}},
		"the entry 100 denies":    {append(slices.Clone(whole[1:]), entry(100, true, false, "-1", "0.0.0.0/0")), health.DHCPOptions{}, []string{"network-acl"}},
		"the entry 100 is gone":   {whole[1:4], health.DHCPOptions{}, []string{"network-acl"}},
		"another name server":     {nil, health.DHCPOptions{ID: "dopt-2", Values: map[string][]string{"domain-name-servers": {"192.0.2.53"}}}, []string{"dhcp-options"}},
		"two name servers":        {nil, health.DHCPOptions{ID: "dopt-2", Values: map[string][]string{"domain-name-servers": {"AmazonProvidedDNS", "192.0.2.53"}}}, []string{"dhcp-options"}},
		"another time server":     {nil, health.DHCPOptions{ID: "dopt-2", Values: map[string][]string{"domain-name-servers": {"AmazonProvidedDNS"}, "ntp-servers": {"192.0.2.1"}}}, []string{"dhcp-options"}},
		"no options, so no names": {nil, health.DHCPOptions{ID: "default"}, []string{"dhcp-options"}},
	} {
		s := healthySnapshot()
		s.Network.Value.ACLs.Value, s.Network.Value.DHCP.Value = c.entries, c.dhcp
		if diff := cmp.Diff(c.want, named(terms().Judge(s))); diff != "" {
			t.Errorf("%s: findings (-want +got):\n%s", name, diff)
		}
	}
}
