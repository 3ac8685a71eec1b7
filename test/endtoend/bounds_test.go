package endtoend_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// deletesEndpoint deletes the guarded endpoint.
func (s *scene) deletesEndpoint() error {
	_, err := s.ec2.DeleteVpcEndpoints(s.Context(), &ec2.DeleteVpcEndpointsInput{VpcEndpointIds: []string{s.endpoint}})
	return err
}

// A failure that lasts ten minutes is notified and dead-lettered once, and counted in each run.
func TestAFailureThatLastsFloodsNobody(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*scene){
		"the endpoint is deleted": func(s *scene) { s.must(s.deletesEndpoint()) },
		"a write is denied": func(s *scene) {
			s.Gate.Inject(denies(s, "ec2", "ModifyVpcEndpoint"))
			s.must(s.resetsEndpointPolicy())
		},
		"nobody can be told": func(s *scene) {
			s.Gate.Inject(denies(s, "sns", "Publish"))
			s.must(s.resetsEndpointPolicy())
		},
		"no event can be sent": func(s *scene) {
			s.Gate.Inject(denies(s, "events", "PutEvents"))
			s.must(s.resetsEndpointPolicy())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			s.guardOnly()
			r := s.watch(func() {
				begin(s)
				s.rest()
				for range 10 {
					s.Clock.Advance(time.Minute)
					s.rest()
				}
			})
			if len(r.invocations) < 10 || len(r.failures()) == 0 {
				t.Fatalf("%d runs, %d of them failed, want 10 or more, some of them failed", len(r.invocations), len(r.failures()))
			}
			if len(r.letters) != 1 || len(r.messages) > 2 {
				t.Errorf("%d dead letters and %d messages in ten minutes, want 1 and 2 at most", len(r.letters), len(r.messages))
			}
			corrects := name == "nobody can be told" || name == "no event can be sent"
			if got := s.sum("CorrectionFailed"); !corrects && got < 10 {
				t.Errorf("CorrectionFailed = %g, want every run counted", got)
			}
		})
	}
}

// The policy is deleted again and again: each correction has a log line, but not each has a message.
func TestManyCorrectionsAreSummedUp(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	const times = 20
	began := time.Now()
	r := s.watch(func() {
		for range times {
			s.must(s.deletesBucketPolicy())
			s.rest()
		}
	})
	s.isDesired()
	minutes := int(time.Since(began) / time.Minute) // a busy machine takes more than the minute that one message covers
	if len(r.records) != times || len(r.messages) < 1 || len(r.messages) > 1+minutes {
		t.Errorf("%d records and %d messages of %d deletions in %d minutes, want a record of each and one message at once:\n%s",
			len(r.records), len(r.messages), times, minutes, r.log())
	}
}

// Open access whose event is lost is closed by the sweep, two seconds later than by an event.
func TestARunThatGivesWayCorrectsWhatIsLeft(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	r := s.watch(func() {
		s.Events.Hold()
		s.must(s.deletesBucketPolicy())
		s.must(s.deletesPublicAccessBlock())
		s.Events.Release(latest)
	})
	s.isDesired()
	after := map[string]int64{}
	for _, record := range r.records {
		after[record.Resource] = record.ElapsedMs
	}
	if len(r.messages) != 2 || after["bucket-policy"] < 2000 || after["public-access-block"] >= 2000 {
		t.Errorf("%d messages, corrected after %v ms, want two, the policy after two seconds and the block at once", len(r.messages), after)
	}
}

// Open access is corrected even if CloudFormation stays at work on the stack. The start time of the stack's update
// decides, so the rule also holds for a process that has just started.
func TestATruceEndsForWhatIsOpen(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.stack.BeginUpdate()
	s.rest()
	s.Events.Disturb(lose)
	s.must(s.resetsEndpointPolicy())
	s.must(s.modifiesEndpoint(&ec2.ModifyVpcEndpointInput{RemoveSubnetIds: []string{s.stack.Physical("SubnetB")}}))
	if r := s.watch(s.sweep); len(r.writes()) > 0 {
		t.Fatalf("writes %q at the beginning of the update, want none", r.writes())
	}
	s.must(s.CloudFormation.SetUpdated(s.stack.ID(), time.Now().Add(-21*time.Minute)))
	r := s.watch(s.sweep)
	r.wrote(t, "ModifyVpcEndpoint")
	if got := strings.Join(r.outcomes(), "; "); !strings.Contains(got, "endpoint-policy: corrected") || !strings.Contains(got, "subnets: standing down") {
		t.Errorf("outcomes %s, want the open policy corrected, the subnet left to CloudFormation", got)
	}
	if len(r.messages) == 0 || !strings.Contains(r.messages[0].Body+r.messages[len(r.messages)-1].Body, "corrected while CloudFormation changes the stack") {
		t.Errorf("messages %v, want one about the overruled CloudFormation", r.messages)
	}
}
