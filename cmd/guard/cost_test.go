package main

import (
	"encoding/json"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/test/golden"
)

func TestDocsShowTheCost(t *testing.T) {
	t.Parallel()
	want, _ := guardCommand(t, "cost", "--template", "../../template.yaml")
	golden.Table(t, "../../docs/cost.md", "cost", want)
	golden.Table(t, "../../docs/cost.md", "cost of guard.yaml", existingTable(t))
}

// bill is the output of guard cost --json.
type bill struct {
	ListUSD, PaidUSD, EndpointUSD float64
	AsOf                          string
	Parts                         map[string]float64
}

// billOf runs guard cost with arguments.
func billOf(t *testing.T, arguments ...string) (b bill) {
	t.Helper()
	out, code := guardCommand(t, append([]string{"cost", "--json"}, arguments...)...)
	if err := json.Unmarshal([]byte(out), &b); err != nil || code != 0 {
		t.Fatalf("guard cost --json: exit code %d, %v in %s", code, err, out)
	}
	return b
}

// existingTable returns a Markdown table of what guard.yaml costs for numbers of buckets.
func existingTable(t *testing.T) string {
	t.Helper()
	rows := [][]string{{"buckets", "at list price", "with AWS's free tier", "of it the sweeps", "at list price with SweepSeconds=300"}}
	for _, n := range []string{"1", "50", "500"} {
		every, fifth := billOf(t, "--buckets", n), billOf(t, "--buckets", n, "--parameter", "SweepSeconds=300")
		rows = append(rows, []string{n, dollars(every.ListUSD), dollars(every.PaidUSD), dollars(every.Parts["Correction (the guard)"]), dollars(fifth.ListUSD)})
	}
	var b strings.Builder
	printTable(&b, rows)
	return b.String()
}

func TestTheCostGrowsWithTheBuckets(t *testing.T) {
	t.Parallel()
	one, fifty := billOf(t, "--buckets", "1"), billOf(t, "--buckets", "50")
	if one.ListUSD >= fifty.ListUSD || one.Parts["Alarms"] != fifty.Parts["Alarms"] || one.Parts["Trail"] != 0 {
		t.Errorf("one bucket costs %+v, fifty %+v, want more for fifty, the same alarms, and no trail", one, fifty)
	}
	for _, n := range []string{"0", "-1"} {
		root := rootCommand()
		root.SetArgs([]string{"cost", "--buckets", n})
		if err := root.ExecuteContext(t.Context()); err == nil {
			t.Errorf("guard cost --buckets %s = nil, want an error", n)
		}
	}
}

func TestTheCostFollowsTheParameters(t *testing.T) {
	t.Parallel()
	bill := func(parameters ...string) bill {
		arguments := []string{"--template", "../../template.yaml"}
		for _, p := range parameters {
			arguments = append(arguments, "--parameter", p)
		}
		return billOf(t, arguments...)
	}
	all, least := bill(), bill("EndpointType=Gateway", "CreateProbe=false", "HealthRate=60", "SweepSeconds=3600", "CreateDashboard=false", "CreateTrail=false")
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
