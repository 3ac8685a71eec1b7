package remediate_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"example.com/s3-endpoint-guard/internal/function/remediate"
)

// Each call in the example events that changes a guarded property concerns one resource, and the run writes to it at
// once.
func TestEveryGuardedChangeConcernsOneResource(t *testing.T) {
	function, err := remediate.New(variables(nil), slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	resources := []string{
		"bucket-policy", "public-access-block", "ownership-controls", "lifecycle-rules", "versioning", "encryption", "vpc-endpoint", "security-group-rules", "route-table-associations",
	}
	for file, want := range map[string]string{
		"put-bucket-policy": "bucket-policy", "delete-bucket-policy": "bucket-policy",
		"put-bucket-public-access-block": "public-access-block", "delete-bucket-public-access-block": "public-access-block",
		"put-bucket-ownership-controls": "ownership-controls", "delete-bucket-ownership-controls": "ownership-controls", "put-bucket-acl": "ownership-controls",
		"modify-vpc-endpoint.policy": "vpc-endpoint", "delete-vpc-endpoints.one": "vpc-endpoint",
		"authorize-security-group-ingress": "security-group-rules", "revoke-security-group-ingress": "security-group-rules",
		"modify-security-group-rules": "security-group-rules", "associate-route-table": "route-table-associations",
		"replace-route-table-association": "route-table-associations", "disassociate-route-table": "route-table-associations",
		"put-bucket-lifecycle": "lifecycle-rules", "delete-bucket-lifecycle": "lifecycle-rules", "put-bucket-versioning": "versioning",
		"put-bucket-encryption": "encryption", "delete-bucket-encryption": "encryption",
		"run-instances": "",
	} {
		text, err := os.ReadFile(filepath.Join("../../../testdata/events", file+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var event struct{ Detail struct{ EventName string } }
		if err := json.Unmarshal(text, &event); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range resources {
			if function.Guard.Concerns(event.Detail.EventName, r) {
				got += r
			}
		}
		if got != want {
			t.Errorf("%s concerns %q, want %q", event.Detail.EventName, got, want)
		}
	}
}
