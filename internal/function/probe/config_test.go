package probe_test

import (
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/function/probe"
)

// variables returns the template's environment variables, with changes.
func variables(changes map[string]string) func(string) string {
	template := map[string]string{
		"AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
		"BUCKET": "docs-example", "BUCKET_HOST": "docs-example.s3.eu-central-1.amazonaws.com", "CANARY_KEY": "canary",
		"ENDPOINT_TYPE": "Interface", "ZONE": "eu-central-1a", "SUBNET_CIDR": "10.0.0.0/24", "SUBNET_CIDRS": "10.0.0.0/24,10.0.1.0/24",
		"FOREIGN_HOST": "other.s3.eu-central-1.amazonaws.com", "FOREIGN_KEY": "a/b",
	}
	return func(name string) string {
		if value, ok := changes[name]; ok {
			return value
		}
		return template[name]
	}
}

func TestReadConfigReadsWhatTheTemplateSets(t *testing.T) {
	got, err := probe.ReadConfig(variables(nil))
	want := probe.Config{
		Bucket: "docs-example", Host: "docs-example.s3.eu-central-1.amazonaws.com", Key: "canary", Zone: "eu-central-1a",
		Own: own, Subnets: []netip.Prefix{own, other}, ForeignHost: "other.s3.eu-central-1.amazonaws.com", ForeignKey: "a/b",
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" || err != nil {
		t.Errorf("err %v, configuration (-want +got):\n%s", err, diff)
	}
	if got, err := probe.ReadConfig(variables(map[string]string{"ENDPOINT_TYPE": "Gateway", "NETWORK_RELAY": "127.0.0.1:1"})); err != nil || !got.Gateway || got.Relay != "127.0.0.1:1" {
		t.Errorf("ReadConfig = %+v, %v, want a gateway and a relay", got, err)
	}
}

func TestNewNamesEverythingThatIsWrong(t *testing.T) {
	wrong := map[string]string{
		"AWS_REGION": "", "BUCKET": "", "BUCKET_HOST": "a b", "CANARY_KEY": "", "ENDPOINT_TYPE": "x", "ZONE": "",
		"SUBNET_CIDR": "10.0.0.0", "SUBNET_CIDRS": "10.0.0.0/24,x", "FOREIGN_HOST": "", "FOREIGN_KEY": "",
	}
	_, err := probe.New(variables(wrong), slog.New(slog.DiscardHandler), io.Discard)
	for name := range wrong {
		if err == nil || !strings.Contains(err.Error(), name+" ") {
			t.Errorf("New = %v, want an error that names %s", err, name)
		}
	}
}

func TestNewGoesByTheRelayWhereThereIsOne(t *testing.T) {
	for _, relay := range []string{"", "127.0.0.1:1"} {
		if f, err := probe.New(variables(map[string]string{"NETWORK_RELAY": relay}), slog.New(slog.DiscardHandler), io.Discard); err != nil || f.Probe.Network.Dial == nil {
			t.Errorf("New with the relay %q = %v, %v", relay, f, err)
		}
	}
}
