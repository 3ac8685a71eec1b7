package endtoend_test

import (
	"encoding/xml"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// state is the live state of all guarded properties.
type state struct {
	BucketPolicy, PublicAccessBlock, Ownership string
	Versioning, Algorithm, Key                 string
	Lifecycle                                  []lifecycleRule

	EndpointPolicy                     string
	PrivateDNS, InboundResolverOnly    bool
	SubnetIDs, GroupIDs, RouteTableIDs []string
	// GroupRules are the ingress rules of the endpoint's own security group; Associations the route tables of the
	// workload's subnets.
	GroupRules, Associations []string
}

// lifecycleRule has what the template's rules and the attacks set.
type lifecycleRule struct {
	ID, Status string
	Prefix     string `xml:"Filter>Prefix"`
	Expiration struct {
		Days                      int
		ExpiredObjectDeleteMarker bool
	}
	NoncurrentDays      int `xml:"NoncurrentVersionExpiration>NoncurrentDays"`
	DaysAfterInitiation int `xml:"AbortIncompleteMultipartUpload>DaysAfterInitiation"`
}

// parse reads a bucket's configuration; "" is none.
func (s *scene) parse(document string, into any) {
	s.Helper()
	if document != "" {
		s.must(xml.Unmarshal([]byte(document), into))
	}
}

// live reads the state without the gate. A policy equivalent to the template's is replaced by the template's text.
func (s *scene) live() state {
	e, _ := s.EC2.Endpoint(s.endpoint)
	var block string
	if b := s.S3.PublicAccessBlock(s.bucket); b != nil {
		block = fmt.Sprintf("%+v", *b)
	}
	var encryption struct {
		Algorithm string `xml:"Rule>ApplyServerSideEncryptionByDefault>SSEAlgorithm"`
		Key       string `xml:"Rule>ApplyServerSideEncryptionByDefault>KMSMasterKeyID"`
	}
	s.parse(s.S3.Encryption(s.bucket), &encryption)
	var lifecycle struct {
		Rules []lifecycleRule `xml:"Rule"`
	}
	s.parse(s.S3.Lifecycle(s.bucket), &lifecycle)
	return state{
		BucketPolicy:      s.asDesired("BucketPolicyDocument", s.S3.Policy(s.bucket)),
		PublicAccessBlock: block,
		Ownership:         s.S3.Ownership(s.bucket),
		Versioning:        s.S3.Versioning(s.bucket),
		Algorithm:         encryption.Algorithm, Key: encryption.Key,
		Lifecycle:      lifecycle.Rules,
		EndpointPolicy: s.asDesired("EndpointPolicyDocument", e.Policy),
		PrivateDNS:     e.PrivateDNS, InboundResolverOnly: e.OnlyInboundResolver,
		SubnetIDs: sorted(e.SubnetIDs), GroupIDs: sorted(e.GroupIDs), RouteTableIDs: sorted(e.RouteTableIDs),
		GroupRules: s.groupRules(), Associations: s.associations(),
	}
}

// asDesired returns the live policy, or the template's text if both are equivalent.
func (s *scene) asDesired(logicalID, live string) string {
	desired := s.stack.Attribute(logicalID, "Value")
	if iampolicy.Judge([]byte(desired), []byte(live), nil).Verdict == iampolicy.Same {
		return desired
	}
	return live
}

func (s *scene) groupRules() []string {
	var rules []string
	for _, group := range []string{"EndpointSecurityGroup", "InstanceSecurityGroup", "ProbeSecurityGroup"} {
		for _, r := range s.EC2.Rules(s.stack.Physical(group)) {
			if !r.Egress || group != "EndpointSecurityGroup" {
				rules = append(rules, fmt.Sprintf("%s: egress %t, %s %d-%d %s%s%s", group, r.Egress, r.Protocol, r.FromPort, r.ToPort, r.ReferencedGroup, r.CIDR, r.CIDR6))
			}
		}
	}
	return sorted(rules)
}

func (s *scene) associations() []string {
	var subnets []string
	for _, a := range s.EC2.Associations(s.stack.Physical("RouteTable")) {
		subnets = append(subnets, a.SubnetID)
	}
	return sorted(subnets)
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// isDesired fails the test unless all guarded properties are as deployed.
func (s *scene) isDesired() {
	s.Helper()
	if diff := cmp.Diff(s.desired, s.live()); diff != "" {
		s.Errorf("the live state differs from the deployed one (-deployed +live):\n%s", diff)
	}
}

// drifted reports whether a guarded property differs from what was deployed.
func (s *scene) drifted() bool { return !cmp.Equal(s.desired, s.live()) }

// isNothingElseThan fails the test unless each guarded property has its value from one of two states.
func (s *scene) isNothingElseThan(one, other state) {
	s.Helper()
	live, a, b := reflect.ValueOf(s.live()), reflect.ValueOf(one), reflect.ValueOf(other)
	for i := range live.NumField() {
		got := live.Field(i).Interface()
		if !cmp.Equal(got, a.Field(i).Interface()) && !cmp.Equal(got, b.Field(i).Interface()) {
			s.Errorf("%s = %v, want %v or %v", live.Type().Field(i).Name, got, a.Field(i), b.Field(i))
		}
	}
}
