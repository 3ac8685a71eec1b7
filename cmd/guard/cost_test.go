package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// The table of prices in docs/cost.md stands between these lines.
const (
	costBegins = "<!-- cost: written by make docs -->\n"
	costEnds   = "<!-- end of cost -->\n"
)

func TestDocsShowTheCost(t *testing.T) {
	const path = "../../docs/cost.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), costBegins)
	got, after, ends := strings.Cut(rest, costEnds)
	if !begins || !ends {
		t.Fatalf("docs/cost.md lacks the lines %q and %q", costBegins, costEnds)
	}
	want, _ := guardCommand(t, "cost", "--template", "../../template.yaml")
	if *update {
		if err := os.WriteFile(path, []byte(before+costBegins+want+costEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if got != want {
		t.Errorf("the table in docs/cost.md (make docs writes it) = \n%s\nwant\n%s", got, want)
	}
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
	all, least := bill(), bill("EndpointType=Gateway", "CreateProbe=false", "CreateHealthcheck=false", "CreateAlarms=false",
		"CreateDashboard=false", "CreateTrail=false")
	if all.PaidUSD >= all.ListUSD || all.AsOf == "" || all.EndpointUSD == 0 || len(all.Parts) != 7 {
		t.Errorf("guard cost = %+v, want seven parts, an endpoint, and less to pay than the list price", all)
	}
	if least.ListUSD >= 2 || least.EndpointUSD != 0 || len(least.Parts) != 2 {
		t.Errorf("guard cost of what cannot be left out = %+v, want two parts under 2 USD", least)
	}
}

func TestTheCostOfNoTemplateIsAnError(t *testing.T) {
	root := rootCommand()
	root.SetArgs([]string{"cost", "--template", "nowhere.yaml"})
	if err := root.ExecuteContext(t.Context()); err == nil {
		t.Error("guard cost --template nowhere.yaml = nil, want an error")
	}
}
