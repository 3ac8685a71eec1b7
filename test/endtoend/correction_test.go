package endtoend_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
)

// overlap is a latency with which concurrent calls overlap.
const overlap = 60 * time.Millisecond

// roundTrips returns how many round trips deep the calls of a run are. do makes the run, with a latency of each call, and returns the
// calls. A busy machine may start concurrent calls so late that the first of them has ended, and then they look as if they depended on
// each other; with a longer latency they do not, but calls that do depend on each other always follow each other. So if there are
// more than want, do is repeated with a longer latency.
func roundTrips(want int, do func(latency time.Duration) []api.Call) int {
	for latency := overlap; ; latency *= 2 {
		if got := api.Depth(do(latency)); got <= want || latency > 2*time.Second {
			return got
		}
	}
}

func TestARunThatFindsNothingIsOneWaveOfReads(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			var r report
			if got := roundTrips(1, func(latency time.Duration) []api.Call {
				s.Gate.SetLatency(latency)
				r = s.watch(s.sweep)
				return r.calls
			}); got != 1 {
				t.Errorf("%d round trips deep, want 1", got)
			}
			if diff := cmp.Diff(quiet(endpointType), r.names()); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if len(r.invocations) != 1 || len(r.records) != 0 || len(r.messages) != 0 {
				t.Errorf("%d runs, %d records, %d messages, want 1 run without records and messages:\n%s",
					len(r.invocations), len(r.records), len(r.messages), r.log())
			}
			s.isDesired()
		})
	}
}

// TestOneDriftTakesOneWriteAndOneReadBack covers all guarded properties, and all ways in which they drift.
func TestOneDriftTakesOneWriteAndOneReadBack(t *testing.T) {
	t.Parallel()
	for endpointType := range endpointTypes {
		for name, a := range attacks(endpointType) {
			t.Run(endpointType+"/"+name, func(t *testing.T) {
				t.Parallel()
				// The reads, with the maintenance windows; the write, the read-back, and the notification at the same time as the event.
				if got := roundTrips(4, func(latency time.Duration) []api.Call { return a.isCorrected(t, endpointType, latency) }); got != 4 {
					t.Errorf("%d round trips deep, want 4", got)
				}
			})
		}
	}
}

// isCorrected deploys a stack, attacks it, fails the test unless the guard corrects that as it should, and returns the guard's calls.
func (a attack) isCorrected(t *testing.T, endpointType string, latency time.Duration) []api.Call {
	t.Helper()
	s := deploy(t, endpointTypes[endpointType])
	s.Events.Hold()
	s.attack(a)
	s.Gate.SetLatency(latency)
	r := s.watch(func() { s.Events.Release(nil) })
	s.isDesired()
	want := with(wave[endpointType], a.write, readOf[a.property], "Publish", "PutEvents")
	if diff := cmp.Diff(want, r.names()); diff != "" {
		t.Errorf("calls (-want +got):\n%s\n%s", diff, r.log())
	}
	r.tells(t, a)
	return r.calls
}

// tells fails the test unless the run reports exactly one correction.
func (r report) tells(t *testing.T, a attack) {
	t.Helper()
	if want := []string{a.property + ": corrected"}; !slices.Equal(r.outcomes(), want) {
		t.Fatalf("records %q, want %q:\n%s", r.outcomes(), want, r.log())
	}
	got := r.records[0]
	if got.Verdict != a.verdict || got.Attempts != 1 || (a.verdict == "open") != (got.Allowed != "") {
		t.Errorf("judged %s (%q) and written %d times, want %s and 1 time", got.Verdict, got.Allowed, got.Attempts, a.verdict)
	}
	if want := map[string]string{"open": "ERROR", "closed": "WARN"}[a.verdict]; got.Level != want {
		t.Errorf("level %s, want %s", got.Level, want)
	}
	if len(r.messages) != 1 || len(r.invocations) != 1 || len(r.failures()) != 0 {
		t.Errorf("%d messages after %d runs, want 1 after 1", len(r.messages), len(r.invocations))
	}
}

func TestEverythingAtOnceIsRestored(t *testing.T) {
	t.Parallel()
	for endpointType, p := range endpointTypes {
		t.Run(endpointType, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, p)
			s.Events.Hold()
			s.attackEverything(endpointType)
			r := s.watch(func() { s.Events.Release(nil) })
			s.isDesired()
			if got := r.failures(); len(got) != 0 {
				t.Errorf("%d of %d runs failed:\n%s", len(got), len(r.invocations), r.log())
			}
			next := s.watch(s.sweep)
			if diff := cmp.Diff(quiet(endpointType), next.names()); diff != "" {
				t.Errorf("calls of the next sweep (-want +got):\n%s", diff)
			}
		})
	}
}

// A setting that blocks a write costs one more write, and is in the same record.
func TestWhatStandsInTheWayIsMovedFirst(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do     func(*scene)
		writes []string
	}{
		"a public access control list, before lists are switched off": {
			do:     func(s *scene) { s.must(s.opensByList()) },
			writes: []string{"PutBucketAcl", "PutBucketOwnershipControls", "PutPublicAccessBlock"},
		},
		"a foreign subnet in the zone of ours": {
			do: func(s *scene) {
				s.attack(typeAttacks["Interface"]["subnets: one taken away"])
				zone := s.zone("SubnetB")
				s.must(s.modifiesEndpoint(addsSubnet(s.foreignSubnet(zone))))
			},
			writes: []string{"ModifyVpcEndpoint", "ModifyVpcEndpoint"},
		},
		"a rule that says something else": {
			do:     func(s *scene) { s.must(s.opensGroup()); s.must(s.shutsGroup()) },
			writes: []string{"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, interfaceType)
			s.Events.Disturb(lose)
			c.do(s)
			r := s.watch(s.sweep)
			s.isDesired()
			if got := sorted(r.writes()); !slices.Equal(got, c.writes) {
				t.Errorf("writes %q, want %q:\n%s", got, c.writes, r.log())
			}
			if len(r.failures()) != 0 {
				t.Errorf("the run failed:\n%s", r.log())
			}
		})
	}
}

func TestEveryPartitionIsGuardedAlike(t *testing.T) {
	t.Parallel()
	for partition, region := range map[string]string{"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"} {
		for endpointType, p := range endpointTypes {
			t.Run(partition+"/"+endpointType, func(t *testing.T) {
				t.Parallel()
				s := deployInto(t, localaws.Options{Partition: partition, Region: region}, p)
				s.Events.Hold()
				s.attackEverything(endpointType)
				r := s.watch(func() { s.Events.Release(latest) })
				r.runs(t, 1)
				s.isDesired()
			})
		}
	}
}

// After a change an endpoint is pending for a while and accepts no other change (docs/facts.md, VPC endpoints).
func TestAnEndpointThatIsPendingIsAsDesired(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.EC2.SetPendingReads(1) // here pending ends after a number of reads
	r := s.watch(func() { s.must(s.resetsEndpointPolicy()) })
	r.runs(t, 1)
	r.wrote(t, "ModifyVpcEndpoint")
	s.isDesired()
	s.restsNow()
}
