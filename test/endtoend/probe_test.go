package endtoend_test

import (
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/metrics"
	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

// probing are the parameters of a stack whose guard only observes.
var probing = parameters{"Enforcement": "Observe"}

// The stack's Availability Zones.
const (
	zoneA = "eu-central-1a"
	zoneB = "eu-central-1b"
)

// through are the metrics of probes that succeed.
var through = board{
	"ProbeSucceeded " + zoneA: 1, "ProbeSucceeded " + zoneB: 1, "ProbeLatency " + zoneA: 1, "ProbeLatency " + zoneB: 1,
	"ResolvedToEndpoint": 1, "ForeignBucketRefused": 1,
	"DNSLatency": 1, "ConnectLatency": 1, "TLSLatency": 1, "FirstByteLatency": 1, "ProbeBytes": 1,
}

// probe runs the probes, and reads what they published.
func (s *scene) probe() board {
	s.Helper()
	s.CloudWatch.Reset()
	s.fires("ProbeRule")
	return s.board()
}

// patience is the limit for a failing probe to report, less than the functions' time-out of 45 s. The time-outs of all its steps are 18 s
// together; a busy machine prolongs them.
const patience = 30 * time.Second

func TestProbesTellWhatIsWrongOnTheirWay(t *testing.T) {
	t.Parallel()
	failed := func(names ...string) board {
		b := without(names...)
		for _, zone := range []string{zoneA, zoneB} {
			b["ProbeSucceeded "+zone], b["ProbeLatency "+zone] = 0, -1
		}
		return b
	}
	unconnected := failed("ConnectLatency", "TLSLatency", "FirstByteLatency", "ForeignBucketRefused")
	elsewhere := maps.Clone(unconnected)
	elsewhere["ResolvedToEndpoint"] = 0
	partly := failed()
	partly["ResolvedToEndpoint"] = 0
	for _, zone := range []string{zoneA, zoneB} {
		delete(partly, "ProbeLatency "+zone)
	}
	for name, c := range map[string]struct {
		endpointType string
		wrong        func(*scene) error
		want         board
	}{
		"nothing":            {"Interface", func(*scene) error { return nil }, nil},
		"nothing, a gateway": {"Gateway", func(*scene) error { return nil }, nil},
		"a zone's interface is lost, and the other serves": {"Interface", func(s *scene) error { return s.EC2.RemoveNetworkInterface(s.interfaces()[0]) }, nil},
		"a zone's interface does not answer": {"Interface", func(s *scene) error { s.Network.Swallow(s.addresses()[0]); return nil },
			board{"ProbeSucceeded " + zoneA: 0, "ProbeLatency " + zoneA: -1}},
		"no interface answers": {"Interface", func(s *scene) error {
			for _, a := range s.addresses() {
				s.Network.Swallow(a)
			}
			return nil
		}, unconnected},
		"the name leads to the internet": {"Interface", func(s *scene) error { s.Network.Lie(s.host(), vpcnet.S3Addresses...); return nil }, elsewhere},
		"the name leads elsewhere as well": {"Interface", func(s *scene) error {
			s.Network.Lie(s.host(), append(s.addresses(), netip.MustParseAddr("10.0.77.7"))...)
			return nil
		}, partly},
		"the name leads into somebody's network": {"Gateway", func(s *scene) error { s.Network.Lie(s.host(), netip.MustParseAddr("10.9.9.9")); return nil }, elsewhere},
		"private DNS is off": {"Interface", func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PrivateDnsEnabled: aws.Bool(false)})
		}, elsewhere},
		"the group lets the probe no longer in": {"Interface", (*scene).shutsProbeOut, unconnected},
		"the subnet has no way to the gateway": {"Gateway", (*scene).unroutes,
			board{"ProbeSucceeded " + zoneB: 0, "ProbeLatency " + zoneB: -1}},
		"the endpoint lets everything through": {"Interface", (*scene).resetsEndpointPolicy, board{"ForeignBucketRefused": 0}},
		"the endpoint lets nothing through": {"Interface", func(s *scene) error {
			return s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{PolicyDocument: aws.String(otherBucket)})
		}, failed("FirstByteLatency")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, probing.and("EndpointType", c.endpointType))
			s.must(c.wrong(s))
			s.rest()
			if diff := cmp.Diff(through.but(c.want), s.probe()); diff != "" {
				t.Errorf("metrics (-want +got):\n%s", diff)
			}
			for _, function := range []string{"ProbeAFunction", "ProbeBFunction"} {
				for _, run := range s.Lambda.Invocations(s.stack.Physical(function)) {
					if took := run.Duration - run.Lacked; run.Failure != nil || took > patience {
						t.Errorf("%s took %v and ended with %v, want an answer within %v", function, took, run.Failure, patience)
					}
				}
			}
		})
	}
}

// host is the bucket's name in DNS.
func (s *scene) host() string { return s.stack.Attribute("Bucket", "RegionalDomainName") }

// addresses returns the addresses of the endpoint's network interfaces.
func (s *scene) addresses() []netip.Addr {
	var addresses []netip.Addr
	for _, n := range s.EC2.NetworkInterfaces(s.endpoint) {
		addresses = append(addresses, netip.MustParseAddr(n.IP))
	}
	return addresses
}

// shutsProbeOut revokes the rule that lets the probe reach the endpoint.
func (s *scene) shutsProbeOut() error {
	_, err := s.ec2.RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{
		GroupId: aws.String(s.stack.Physical("EndpointSecurityGroup")), IpPermissions: []ec2types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: aws.String(s.stack.Physical("ProbeSecurityGroup"))}},
		}},
	})
	return err
}

func TestProbesMeasureASlowS3(t *testing.T) {
	s := deploy(t, probing)
	const slow = 300 * time.Millisecond
	s.Gate.SetLatency(slow)
	if diff := cmp.Diff(through, s.probe()); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	latency := func(name string, dimensions ...cloudwatch.Dimension) float64 {
		now := s.Clock.Now()
		for _, b := range s.CloudWatch.Statistics(cloudwatch.Query{
			Metric: cloudwatch.Metric{Namespace: metrics.Namespace, Name: name, Dimensions: append(dimensions, cloudwatch.Dimension{Name: "Bucket", Value: s.bucket})},
			Period: time.Hour, From: now.Add(-time.Hour), To: now.Add(time.Hour),
		}) {
			return b.Minimum
		}
		t.Fatalf("no %s was published", name)
		return 0
	}
	if got := latency("FirstByteLatency"); got < 300 || got > 2000 {
		t.Errorf("FirstByteLatency = %v ms with an S3 that takes %v, want at least that", got, slow)
	}
	if got := latency("ProbeLatency", cloudwatch.Dimension{Name: "Zone", Value: zoneA}); got < 600 {
		t.Errorf("ProbeLatency = %v ms with two requests that take %v each", got, slow)
	}
	if got := latency("TLSLatency"); got >= 300 {
		t.Errorf("TLSLatency = %v ms, want S3's latency only in FirstByteLatency", got)
	}
}

// The workload can access the probe's objects only as the policies allow, and the guard knows the probe's role.
func TestTheProbeIsPartOfTheLock(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.fires("SweepRule", "ProbeRule", "SweepRule", "HealthcheckRule")
	s.isDesired()
	for name, value := range s.board() {
		if name == "OpenDrift" || name == "ClosedDrift" || name == "CheckFailed" {
			if value != 0 {
				t.Errorf("%s = %v on an idle stack, want 0", name, value)
			}
		}
	}
}
