package health_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/health"
)

// Each rule beyond those of the template is a finding, and so is the lack of the way to S3.
func TestTheWorkloadsGroupsHaveTheTemplatesRulesOnly(t *testing.T) {
	none := health.GroupRule{GroupID: "sg-app", Egress: true, Protocol: "-1", From: -1, To: -1, Peer: "127.0.0.1/32"}
	way := health.GroupRule{GroupID: "sg-app", Egress: true, Protocol: "tcp", From: 443, To: 443, Peer: "sg-endpoint"}
	everywhere, app := way, health.GroupRule{GroupID: "sg-app", Protocol: "tcp", From: 3000, To: 3000, Peer: "203.0.113.7/32"}
	everywhere.Peer = "0.0.0.0/0"
	ofProbe := way
	ofProbe.GroupID = "sg-probe"
	inProbe, inShell := app, app
	inProbe.GroupID, inShell.From, inShell.To = "sg-probe", 22, 22
	for name, c := range map[string]struct {
		gateway bool
		rules   []health.GroupRule
		want    []string
	}{
		"as declared":                    {false, []health.GroupRule{none, way, ofProbe}, nil},
		"with the app's port":            {false, []health.GroupRule{none, way, app, ofProbe}, nil},
		"with a gateway endpoint":        {true, []health.GroupRule{none, everywhere, {GroupID: "sg-probe", Egress: true, Protocol: "tcp", From: 443, To: 443, Peer: "0.0.0.0/0"}}, nil},
		"to everywhere":                  {false, []health.GroupRule{way, ofProbe, everywhere}, []string{"workload-group-opened"}},
		"the app's port, into the probe": {false, []health.GroupRule{way, ofProbe, inProbe}, []string{"workload-group-opened"}},
		"another port":                   {false, []health.GroupRule{way, ofProbe, inShell}, []string{"workload-group-opened"}},
		"without the probe's way":        {false, []health.GroupRule{none, way}, []string{"workload-group-shut"}},
		"without any rule":               {false, nil, []string{"workload-group-shut", "workload-group-shut"}},
	} {
		t.Run(name, func(t *testing.T) {
			criteria := terms()
			if c.gateway {
				criteria = terms(gateway)
			}
			criteria.EndpointGroups, criteria.WorkloadGroups = []string{"sg-endpoint"}, []string{"sg-app", "sg-probe"}
			s := healthySnapshot()
			s.Network.Value.Rules.Value = c.rules
			var got []string
			for _, p := range criteria.Judge(s).Problems {
				got = append(got, p.Finding)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
