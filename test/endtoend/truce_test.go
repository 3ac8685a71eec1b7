package endtoend_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/local/localaws/events"
)

func TestTheGuardStandsDownWhileTheStackIsUpdatedAndCatchesUp(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.watch(s.stack.BeginUpdate).wrote(t)
			r := s.watch(func() { s.attackEverything(endpointType) })
			r.wrote(t)
			if len(r.records) == 0 || len(r.failures()) > 0 {
				t.Errorf("%d records and %d failed runs during the update, want at least 1 and none", len(r.records), len(r.failures()))
			}
			for _, record := range r.records {
				if record.Message != "standing down" || record.Level != "INFO" || record.Stack != "UPDATE_IN_PROGRESS" {
					t.Errorf("record %+v, want that the guard stands down", record)
				}
			}
			if s.sum("StoodDown") == 0 || s.sum("CorrectionFailed") != 0 {
				t.Errorf("StoodDown = %g, CorrectionFailed = %g, want more than 0 and 0", s.sum("StoodDown"), s.sum("CorrectionFailed"))
			}
			s.watch(s.sweep).wrote(t)
			s.Events.Disturb(lose) // status events are guaranteed, and sufficient
			s.watch(s.stack.CompleteUpdate)
			s.isDesired()
			s.restsNow()
		})
	}
}

// What CloudFormation changes during an update becomes the desired state.
func TestAnUpdateOfTheStackIsNotFought(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]parameters{
		"another sweep rate":        {"SweepSeconds": "300"},
		"a sweep more often":        {"SweepSeconds": "5"},
		"observing only":            {"Enforcement": "Observe"},
		"without a trail":           {"CreateTrail": "false"},
		"another retention":         {"LogRetentionDays": "30"},
		"somebody to be told":       {"AlarmEmail": "security@example.com"},
		"a reservation of capacity": {"ReservedConcurrency": "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			r := s.watch(func() { s.must(s.stack.Update(t.Context(), plan(t, change))) })
			r.wrote(t)
			if len(r.records) > 0 || len(r.failures()) > 0 {
				t.Errorf("records %q and %d failed runs about an update, want none:\n%s", r.outcomes(), len(r.failures()), r.log())
			}
			s.isDesired()
			s.restsNow()
		})
	}
}

// An update of the lifecycle rules changes what is desired. Here it takes a tenth of a second, so a run that began before it, with the
// old value, can end after it and write the old rules. The next sweep writes the new ones, and they stay.
func TestTheLifecycleRulesOfAnUpdateStay(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.must(s.stack.Update(t.Context(), plan(t, parameters{"OldVersionDays": "7"})))
	s.rest()
	s.watch(s.sweep)
	live, err := s.s3.GetBucketLifecycleConfiguration(t.Context(), &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.bucket})
	s.must(err)
	i := slices.IndexFunc(live.Rules, func(r s3types.LifecycleRule) bool { return aws.ToString(r.ID) == "ExpireOldVersions" })
	if i < 0 || aws.ToInt32(live.Rules[i].NoncurrentVersionExpiration.NoncurrentDays) != 7 {
		t.Errorf("after the update the rules are %s, want old versions kept for 7 days", guard.CompactSet(live.Rules))
	}
	s.watch(s.sweep).wrote(t)
}

// The app's clients that an update allows stay, and are let in again if the rule is taken away.
func TestTheAppsClientsOfAnUpdateStay(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.must(s.stack.Update(t.Context(), plan(t, parameters{"AppIngressCidr": "203.0.113.7/24"})))
	s.rest()
	s.watch(s.sweep)
	group := s.stack.Physical("InstanceSecurityGroup")
	letIn := func() (ids []string) {
		for _, r := range s.EC2.Rules(group) {
			if !r.Egress && r.FromPort == 3000 && r.CIDR == "203.0.113.0/24" {
				ids = append(ids, r.ID)
			}
		}
		return ids
	}
	ids := letIn()
	if len(ids) != 1 {
		t.Fatalf("after the update the group has the rules %+v, want port 3000 from 203.0.113.0/24", s.EC2.Rules(group))
	}
	_, err := s.ec2.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{GroupId: &group, SecurityGroupRuleIds: ids})
	s.must(err)
	s.watch(s.sweep)
	if len(letIn()) != 1 {
		t.Errorf("after the attack the group has the rules %+v, want the app's clients let in again", s.EC2.Rules(group))
	}
	s.watch(s.sweep).wrote(t)
}

// A change by CloudFormation outside an update is drift.
func TestAChangeByCloudFormationIsSeen(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	stolen := s3As(s.Cloud, s.Deployer())
	r := s.watch(func() {
		_, err := stolen.DeleteBucketPolicy(t.Context(), &s3.DeleteBucketPolicyInput{Bucket: &s.bucket})
		s.must(err)
	})
	r.wrote(t, "PutBucketPolicy")
	s.isDesired()
}

// TestADeletedStackIsNeverFought runs the guard at each step of a delete, whose steps take no time here.
func TestADeletedStackIsNeverFought(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p.and("CreateProbe", "false")) // the probe would leave an object behind
			s.must(s.CloudFormation.SetStatus(s.stack.ID(), "DELETE_IN_PROGRESS", "User Initiated"))
			r := s.watch(func() {
				for _, step := range []func() error{s.deletesBucketPolicy, s.resetsEndpointPolicy, s.deletesPublicAccessBlock} {
					s.must(step())
					s.sweep()
				}
			})
			r.wrote(t)
			if len(r.records) == 0 || len(r.failures()) > 0 {
				t.Errorf("%d records and %d failed runs, want records of a guard that stands down, and no failure", len(r.records), len(r.failures()))
			}
			r = s.watch(func() { s.must(s.stack.Delete(t.Context())) })
			r.wrote(t)
			if got := s.stack.Status(); got != "DELETE_COMPLETE" || slices.Contains(s.S3.Buckets(), s.bucket) {
				t.Errorf("Status = %s with the buckets %q, want DELETE_COMPLETE without ours", got, s.S3.Buckets())
			}
		})
	}
}

// The guard must not restore what a failed delete removed, because the delete will be repeated.
func TestADeleteThatFailedIsNotFoughtEither(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"EmptyBucketOnDelete": "false"})
	s.must(s.S3.Put(s.bucket, "left", nil))
	r := s.watch(func() {
		if err := s.stack.Delete(t.Context()); err == nil {
			t.Fatal("a bucket that is not empty was deleted")
		}
	})
	r.wrote(t)
	if got := s.stack.Status(); got != "DELETE_FAILED" {
		t.Fatalf("Status = %s, want DELETE_FAILED", got)
	}
	if s.S3.Policy(s.bucket) != "" {
		t.Error("the policy that the delete removed was restored")
	}
}

// TestAnEndedUpdateWakesTheGuardWhateverItsEnd covers the statuses at the end of CloudFormation's operations.
func TestAnEndedUpdateWakesTheGuardWhateverItsEnd(t *testing.T) {
	t.Parallel()
	for _, status := range []string{"UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED", "IMPORT_COMPLETE"} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.stack.BeginUpdate()
			s.rest()
			s.must(s.resetsEndpointPolicy())
			s.rest()
			s.Events.Disturb(events.Disturbance{Lose: true, Delay: time.Hour})
			s.watch(func() { s.must(s.CloudFormation.SetStatus(s.stack.ID(), status, "")) })
			s.isDesired()
		})
	}
}

// A change of the endpoint's type, which is also how a deleted endpoint is replaced, keeps the groups of the app and the probe: Lambda
// keeps the network interfaces of a group that a function has left for up to 45 minutes, and CloudFormation could not delete the group
// (docs/facts.md).
func TestAChangeOfTheEndpointsTypeKeepsTheWorkloadsGroups(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	ids := func() (ids []string) {
		for _, name := range []string{"InstanceSecurityGroup", "ProbeSecurityGroup", "Instance"} {
			ids = append(ids, s.stack.Physical(name))
		}
		return ids
	}
	before := ids()
	for _, step := range []struct{ endpointType, toS3 string }{{"Gateway", "0.0.0.0/0"}, {"Interface", "10.0.0.0/16"}} {
		s.must(s.stack.Update(t.Context(), plan(t, parameters{"EndpointType": step.endpointType})))
		s.rest()
		s.watch(s.sweep)
		if got := ids(); !slices.Equal(got, before) {
			t.Errorf("after the change to %s, groups and instance are %q, want %q as before", step.endpointType, got, before)
		}
		for _, group := range before[:2] {
			var to []string
			for _, r := range s.EC2.Rules(group) {
				if r.Egress && r.FromPort == 443 {
					to = append(to, r.CIDR)
				}
			}
			if !slices.Equal(to, []string{step.toS3}) {
				t.Errorf("after the change to %s, group %s allows HTTPS to %q, want %s", step.endpointType, group, to, step.toS3)
			}
		}
		s.watch(s.sweep).wrote(t)
	}
}

// A restored rule has the template's description, too. Otherwise it would not be the one that CloudFormation compares with the template.
func TestRestoredRulesAreTheTemplates(t *testing.T) {
	t.Parallel()
	s := deploy(t, parameters{"AppIngressCidr": "203.0.113.0/24"})
	rules := func() (texts []string) {
		for _, group := range []string{"EndpointSecurityGroup", "InstanceSecurityGroup", "ProbeSecurityGroup"} {
			for _, r := range s.EC2.Rules(s.stack.Physical(group)) {
				r.ID = ""
				texts = append(texts, fmt.Sprintf("%s: %#v", group, r)) // all fields: the text of a rule has no description
			}
		}
		slices.Sort(texts)
		return texts
	}
	want := rules()
	for _, group := range []string{"InstanceSecurityGroup", "ProbeSecurityGroup"} {
		s.must(s.shutsIn(group))
	}
	for _, group := range []string{"EndpointSecurityGroup", "InstanceSecurityGroup"} {
		s.must(s.letsNobodyIn(group))
	}
	s.rest()
	s.watch(s.sweep)
	if diff := cmp.Diff(want, rules()); diff != "" {
		t.Errorf("rules (-as deployed +as restored):\n%s", diff)
	}
}

// letsNobodyIn removes all ingress rules of a group of the stack.
func (s *scene) letsNobodyIn(group string) error {
	var ids []string
	for _, r := range s.EC2.Rules(s.stack.Physical(group)) {
		if !r.Egress {
			ids = append(ids, r.ID)
		}
	}
	_, err := s.ec2.RevokeSecurityGroupIngress(s.Context(), &ec2.RevokeSecurityGroupIngressInput{
		GroupId: aws.String(s.stack.Physical(group)), SecurityGroupRuleIds: ids,
	})
	return err
}
