package template_test

import (
	"slices"
	"testing"

	"example.com/s3-endpoint-guard/local/cost"
)

// month returns the monthly bill of the template with parameters.
func month(t *testing.T, p parameters) cost.Bill {
	t.Helper()
	table, err := cost.Prices()
	if err != nil {
		t.Fatal(err)
	}
	bill, err := table.Month(planned(t, p), 1)
	if err != nil {
		t.Fatal(err)
	}
	return bill
}

func TestTheDefaultStaysUnderTwelveDollars(t *testing.T) {
	if got := month(t, nil).Paid(); got >= 12 || got <= 0 {
		t.Errorf("the default costs %.2f USD a month, want under 12", got)
	}
}

func TestEachPartCanBeLeftOut(t *testing.T) {
	names := func(b cost.Bill) []string {
		var names []string
		for _, part := range b.Parts {
			names = append(names, part.Name)
		}
		return names
	}
	all := names(month(t, nil))
	for name, parameter := range map[string]string{
		"Probe": "CreateProbe", "Dashboard": "CreateDashboard", "Trail": "CreateTrail",
	} {
		b := month(t, parameters{parameter: "false"})
		if got := names(b); slices.Contains(got, name) || !slices.Contains(all, name) {
			t.Errorf("%s = false leaves %q of %q, want it without %s", parameter, got, all, name)
		}
	}
	if got := month(t, gateway).Endpoint.USD(); got != 0 {
		t.Errorf("a gateway endpoint costs %.2f USD, want 0", got)
	}
	slow, fast := month(t, parameters{"HealthRate": "60", "SweepSeconds": "3600"}).USD(), month(t, nil).USD()
	if slow >= fast {
		t.Errorf("a run an hour costs %.2f USD, want less than the %.2f of one a minute", slow, fast)
	}
}
