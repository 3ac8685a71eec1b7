package main

import (
	"encoding/json"
	"testing"

	"example.com/s3-endpoint-guard/test/golden"
)

func TestDocsShowTheCost(t *testing.T) {
	want, _ := guardCommand(t, "cost", "--template", "../../template.yaml")
	golden.Table(t, "../../docs/cost.md", "cost", want)
}

func TestTheCostFollowsTheParameters(t *testing.T) {
	bill := func(parameters ...string) (line struct {
		ListUSD, PaidUSD, EndpointUSD float64
		AsOf                          string
		Parts                         map[string]float64
	}) {
		arguments := []string{"cost", "--json", "--template", "../../template.yaml"}
		for _, p := range parameters {
			arguments = append(arguments, "--parameter", p)
		}
		out, code := guardCommand(t, arguments...)
		if err := json.Unmarshal([]byte(out), &line); err != nil || code != 0 {
			t.Fatalf("guard cost --json: exit code %d, %v in %s", code, err, out)
		}
		return line
	}
	all, least := bill(), bill("EndpointType=Gateway", "CreateProbe=false", "HealthRate=60", "SweepRate=60", "CreateDashboard=false", "CreateTrail=false")
	if all.PaidUSD >= all.ListUSD || all.AsOf == "" || all.EndpointUSD == 0 || len(all.Parts) != 7 {
		t.Errorf("guard cost = %+v, want seven parts, an endpoint, and less to pay than the list price", all)
	}
	if least.ListUSD >= 9 || least.EndpointUSD != 0 || len(least.Parts) != 4 {
		t.Errorf("guard cost of what cannot be left out = %+v, want four parts under 9 USD", least)
	}
}

func TestTheCostOfNoTemplateIsAnError(t *testing.T) {
	root := rootCommand()
	root.SetArgs([]string{"cost", "--template", "nowhere.yaml"})
	if err := root.ExecuteContext(t.Context()); err == nil {
		t.Error("guard cost --template nowhere.yaml = nil, want an error")
	}
}
