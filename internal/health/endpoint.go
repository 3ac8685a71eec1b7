package health

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/metrics"
)

// Endpoint is a VPC endpoint as returned by EC2.
type Endpoint struct {
	// State is EC2's state, e.g. "available"; "not found" for a missing endpoint. Source: docs/facts.md, VPC endpoints
	State string
	// Created is when it was created.
	Created time.Time
	// Findings compare its guarded properties; none for an endpoint that is missing or being deleted.
	Findings []guard.Finding
}

// Interface is one of an endpoint's network interfaces.
type Interface struct {
	ID, SubnetID, Zone string
	// Status is EC2's status, "in-use" for a healthy interface.
	Status string
}

// Routing describes the VPC's route tables for a gateway endpoint.
type Routing struct {
	// Subnets compares the route tables of the workload's subnets.
	Subnets guard.Finding
	// Without are the endpoint's route tables without an active route to it.
	Without []string
}

const (
	available = "available"
	inUse     = "in-use"
)

// EndpointState is the state of one of several endpoints.
type EndpointState struct {
	// ID is the endpoint's id, State as in [Endpoint].
	ID, State string
}

// judgeStates judges the states of several endpoints: all must be available.
func (r *Report) judgeStates(endpoints Reading[[]EndpointState]) {
	if !r.made(VPCEndpoint, endpoints.Err) {
		return
	}
	var objections []string
	for _, e := range endpoints.Value {
		if e.State != available {
			objections = append(objections, fmt.Sprintf("endpoint %s: its state is %s", e.ID, e.State))
		}
	}
	r.flag(metrics.EndpointAvailable, objections...)
}

// judgeEndpoint judges the properties that both types of endpoint have.
func (t Criteria) judgeEndpoint(r *Report, s Snapshot) {
	endpoint := s.Endpoint.Value
	described := r.made(VPCEndpoint, s.Endpoint.Err)
	if described {
		var objections []string
		if endpoint.State != available {
			objections = []string{fmt.Sprintf("endpoint %s: its state is %s", t.Setting.EndpointID, endpoint.State)}
		}
		r.flag(metrics.EndpointAvailable, objections...)
	}
	deployed := verdict{incomplete: !described}
	if present := described && len(endpoint.Findings) > 0; present {
		deployed.hear(true, drifted(endpoint.Findings, "security-groups", "subnets", "route-tables")...)
		if !t.Gateway {
			r.flag(metrics.PrivateDNSOn, drifted(endpoint.Findings, "private-dns")...)
		}
	} else {
		deployed.incomplete = true
	}
	if t.Gateway {
		t.judgeRoutes(r, s, &deployed)
	} else {
		t.judgeInterfaces(r, s, &deployed)
	}
	r.conclude(metrics.EndpointAsDeployed, deployed)
}

// judgeInterfaces judges the properties that only interface endpoints have.
func (t Criteria) judgeInterfaces(r *Report, s Snapshot, deployed *verdict) {
	if r.made(NetworkInterfaces, s.Interfaces.Err) {
		r.countZones(s.Interfaces.Value)
	}
	known := r.made(SecurityGroupRules, s.GroupRules.Err)
	deployed.hear(known, drifted([]guard.Finding{s.GroupRules.Value})...)
}

// countZones counts the Availability Zones with an interface in use, and adds an objection for each other interface.
func (r *Report) countZones(interfaces []Interface) {
	var zones []string
	for _, i := range interfaces {
		if i.Status == inUse {
			zones = append(zones, i.Zone)
			continue
		}
		r.Problems = append(r.Problems, Problem{Metric: metrics.HealthyZones,
			Why: fmt.Sprintf("network interface %s in %s: its status is %s", i.ID, i.Zone, i.Status)})
	}
	slices.Sort(zones)
	zones = slices.Compact(zones)
	if len(zones) < 2 {
		r.Problems = append(r.Problems, Problem{Metric: metrics.HealthyZones,
			Why: fmt.Sprintf("network interfaces in use only in [%s], want at least two Availability Zones", strings.Join(zones, " "))})
	}
	r.count(metrics.HealthyZones, len(zones))
}

// judgeRoutes judges the properties that only gateway endpoints have.
func (t Criteria) judgeRoutes(r *Report, s Snapshot, deployed *verdict) {
	known := r.made(RouteTables, s.Routing.Err)
	deployed.hear(known, drifted([]guard.Finding{s.Routing.Value.Subnets})...)
	if !known {
		return
	}
	var objections []string
	for _, table := range s.Routing.Value.Without {
		objections = append(objections, fmt.Sprintf("route table %s has no active route to %s", table, t.Setting.EndpointID))
	}
	r.flag(metrics.RoutesPresent, objections...)
}

// drifted describes the drift of the named properties, or of all if none is named.
func drifted(findings []guard.Finding, properties ...string) []string {
	var objections []string
	for _, f := range findings {
		if f.Verdict == iampolicy.Same || len(properties) > 0 && !slices.Contains(properties, f.Property) {
			continue
		}
		objections = append(objections, describe(f))
	}
	return objections
}

// describe formats a finding: "subnets of vpce-1: closed: without subnet-2, with subnet-3".
func describe(f guard.Finding) string {
	var parts []string
	for _, d := range f.Diff {
		with := "with "
		if d.Removed {
			with = "without "
		}
		if d.Name != "" {
			with += d.Name + " "
		}
		parts = append(parts, with+d.Value)
	}
	if f.Allowed != "" {
		parts = append([]string{f.Allowed}, parts...)
	}
	return fmt.Sprintf("%s of %s: %s: %s", f.Property, f.Target, f.Verdict, strings.Join(parts, ", "))
}
