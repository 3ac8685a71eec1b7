package guards_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/guards"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/ssm"
)

// read reads the guards, and returns what was skipped.
func read(t *testing.T, policy string, fill func(*ssm.Service)) (all []adoption.Guard, skipped []error, err error) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	store := ssm.New(gate.Options())
	gate.Add(store)
	fill(store)
	all, err = guards.Read(t.Context(), awscall.New(localtest.Config(t, gate, policy), awscall.SSM), func(err error) { skipped = append(skipped, err) })
	return all, skipped, err
}

func TestTheGuardsOfAllStacksAreRead(t *testing.T) {
	all, skipped, err := read(t, localtest.Everything, func(store *ssm.Service) {
		for i := range 25 {
			store.Put(fmt.Sprintf("%s/guard-%02d", adoption.GuardsPath, i), "String", `{"BucketNames":"acme-*","VpcEndpointIds":"vpce-1","Enforcement":"Enforce"}`)
		}
		store.Put(adoption.GuardsPath+"/other", "String", "not JSON")
	})
	if err != nil || len(all) != 25 || len(skipped) != 1 || !strings.Contains(skipped[0].Error(), "other") {
		t.Fatalf("read %d guards, skipped %v, error %v, want 25, other and none", len(all), skipped, err)
	}
	if g := all[24]; g.Stack != "guard-24" || g.BucketNames != "acme-*" || g.VPCEndpointIDs != "vpce-1" || g.Enforcement != "Enforce" {
		t.Errorf("the last guard is %+v", g)
	}
}

func TestAMissingPermissionIsNamed(t *testing.T) {
	_, _, err := read(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"*"}}`, func(*ssm.Service) {})
	if err == nil || !strings.Contains(err.Error(), "the permission ssm:GetParametersByPath is missing") {
		t.Errorf("error %v, want the missing permission", err)
	}
}
