package probe

import (
	"net/netip"

	"example.com/s3-endpoint-guard/internal/environment"
)

// Config is the function's configuration from its environment. guard.yaml sets all variables except the last, if template.yaml contains it.
type Config struct {
	// Bucket is the guarded bucket, Host its name in DNS.
	Bucket, Host string
	// Key is the canary object's key. No other probe writes it.
	Key string
	// Gateway is true for a gateway endpoint, false for an interface endpoint.
	Gateway bool
	// Subnets are the address ranges of an interface endpoint's subnets; Own is the range of the probe's own subnet.
	Subnets []netip.Prefix
	Own     netip.Prefix
	// Zone is the Availability Zone that this probe runs in.
	Zone string
	// ForeignHost and ForeignKey name a public object in a bucket of another account.
	ForeignHost, ForeignKey string
	// Relay is the address of the local AWS's relay for connections; "" in AWS. See [Relayed].
	Relay string
}

// ReadConfig reads the environment. The error names all wrong variables.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := environment.New(getenv)
	c := Config{
		Bucket: r.Match("BUCKET", environment.Name), Host: r.Match("BUCKET_HOST", environment.Name),
		Key:         r.Match("CANARY_KEY", environment.Key),
		Gateway:     r.Choice("ENDPOINT_TYPE", "Interface", "Gateway") == "Gateway",
		Zone:        r.Match("ZONE", environment.Name),
		ForeignHost: r.Match("FOREIGN_HOST", environment.Name), ForeignKey: r.Match("FOREIGN_KEY", environment.Key),
		Relay: getenv("NETWORK_RELAY"),
	}
	own := r.Match("SUBNET_CIDR", environment.CIDR)
	subnets := r.List("SUBNET_CIDRS", environment.CIDR)
	if err := r.Err(); err != nil {
		return c, err
	}
	c.Own = netip.MustParsePrefix(own)
	for _, s := range subnets {
		c.Subnets = append(c.Subnets, netip.MustParsePrefix(s))
	}
	return c, nil
}
