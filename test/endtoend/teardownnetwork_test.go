package endtoend_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// Resources that the guard restores, such as a rule or an association, may have another id than those that
// CloudFormation made. The stack's deletion must still succeed.
func TestAStackInWhichAnythingWasRestoredCanBeDeleted(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		for name, a := range typeAttacks[endpointType] {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := deploy(t, p)
				before := s.EC2.IDs()
				s.watch(func() { s.attack(a) })
				s.watch(s.sweep)
				s.isDesired()
				s.removesForeign(before)
				if err := s.stack.Delete(s.Context()); err != nil {
					t.Error(err)
				}
				s.isGone()
			})
		}
	}
}

// removesForeign removes resources that an attack needed and the stack does not own.
func (s *scene) removesForeign(before []string) {
	s.Helper()
	for _, id := range s.EC2.IDs() {
		if slices.Contains(before, id) {
			continue
		}
		kind, _, _ := strings.Cut(id, "-")
		switch kind {
		case "subnet":
			s.must(s.EC2.DeleteSubnet(id))
		case "sg":
			s.must(s.EC2.DeleteSecurityGroup(id))
		case "rtb":
			s.must(s.EC2.DeleteRouteTable(id))
		case "vpce":
			s.must(s.EC2.DeleteEndpoint(id))
		}
	}
}

// The probe is removed from a stack in which its rule was restored, and the guard continues without it.
func TestTheProbeCanBeTakenOut(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.guardOnly() // in the 20 minutes that the update takes
			if endpointType == "Interface" {
				s.watch(func() { s.must(s.shutsProbe()) })
				s.watch(s.sweep)
				s.isDesired()
			}
			probe, began := s.stack.Physical("ProbeSecurityGroup"), s.Clock.Now()
			s.watch(func() { s.must(s.stack.Update(t.Context(), plan(t, p.and("CreateProbe", "false")))) })
			if got := s.Clock.Now().Sub(began); got < 20*time.Minute {
				t.Errorf("the update took %s, want as long as Lambda keeps network interfaces", got)
			}
			if _, ok := s.EC2.SecurityGroup(probe); ok || s.stack.Has("ProbeSecurityGroup") {
				t.Errorf("the probe's group %s is still there", probe)
			}
			// A run that began before its function was updated may end after the update, whose 20 minutes pass at
			// once here. A sweep corrects what it wrote.
			s.watch(s.sweep)
			s.desired = s.live()
			if got, want := s.desired.BucketPolicy, s.stack.Attribute("BucketPolicyDocument", "Value"); got != want {
				t.Errorf("the bucket policy is %s, want %s", got, want)
			}
			s.watch(func() { s.must(s.deletesBucketPolicy()) })
			s.watch(s.sweep)
			s.isDesired()
			if err := s.stack.Delete(s.Context()); err != nil {
				t.Error(err)
			}
			s.isGone()
		})
	}
}

// shutsProbe removes the rule that lets the probe reach the endpoint.
func (s *scene) shutsProbe() error {
	_, err := s.ec2.RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{
		GroupId: aws.String(s.stack.Physical("EndpointSecurityGroup")), IpPermissions: []ec2types.IpPermission{{
			IpProtocol: aws.String("tcp"), FromPort: aws.Int32(443), ToPort: aws.Int32(443),
			UserIdGroupPairs: []ec2types.UserIdGroupPair{{GroupId: aws.String(s.stack.Physical("ProbeSecurityGroup"))}},
		}},
	})
	return err
}

// Lambda keeps the probes' network interfaces for a while. CloudFormation waits for it, without a failure.
func TestTheDeletionWaitsForTheProbesNetworkInterfaces(t *testing.T) {
	t.Parallel()
	for create, atLeast := range map[string]time.Duration{"true": 20 * time.Minute, "false": 0} {
		s := deploy(t, interfaceType.and("CreateProbe", create))
		began := s.Clock.Now()
		s.must(s.stack.Delete(s.Context()))
		if got := s.Clock.Now().Sub(began); got < atLeast || atLeast == 0 && got > 20*time.Minute {
			t.Errorf("with CreateProbe=%s the deletion took %s, want at least %s", create, got, atLeast)
		}
		s.isGone()
	}
}
