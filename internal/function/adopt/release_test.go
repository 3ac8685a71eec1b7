package adopt_test

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/cfnresponse"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/ec2"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

func TestEverythingIsAsBeforeAfterTheRelease(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"AtLeast", "Exact"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			withScene(t, everything, func(t *testing.T, s *scene) {
				before := s.configuration()
				s.adopt(cfnresponse.Create, "PolicyMode", mode, "EndpointPolicy", "Account")
				s.enforce("PolicyMode", mode)
				l := s.lock("EndpointPolicy", "Account")
				s.must(s.network.ModifyEndpoint(s.endpoint.ID, ec2.EndpointChange{Policy: l.EndpointPolicy()}))
				// An attack, and what the guard does about it: the owner's statements are gone.
				s.must(s.store.PutPolicy("data-terraform", []byte(l.BucketPolicy("data-terraform"))))
				if diff := cmp.Diff(before, s.configuration()); diff == "" {
					t.Fatal("the guard has changed nothing: there is nothing to test")
				}
				s.must(s.release("PolicyMode", mode, "EndpointPolicy", "Account"))
				if diff := cmp.Diff(before, s.configuration()); diff != "" {
					t.Errorf("after the release (-before +after):\n%s", diff)
				}
				s.gate.ResetCalls()
				s.must(s.release("PolicyMode", mode, "EndpointPolicy", "Account"))
				if got := s.writes(); len(got) > 0 {
					t.Errorf("a second Delete called %q, want nothing written", got)
				}
			})
		})
	}
}

// TestNoStepOfTheReleaseOpensMoreThanTheLast looks at the bucket that opens itself after each write: as long as its policy is not the
// one of before, the lock stands.
func TestNoStepOfTheReleaseOpensMoreThanTheLast(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		s.adopt(cfnresponse.Create)
		s.enforce()
		locked := s.store.Policy("data-open")
		var mu sync.Mutex
		var order []string
		s.gate.OnCall(func(c api.Call) {
			if !c.Write || c.ErrorCode != "" || !slices.ContainsFunc(c.Needs, func(n api.Need) bool { return n.Resource == "arn:aws:s3:::data-open" }) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			order = append(order, c.Operation)
			if last := c.Operation == "PutBucketPolicy"; !last && s.store.Policy("data-open") != locked {
				t.Errorf("after %s the lock is gone", c.Operation)
			}
		})
		s.must(s.release())
		mu.Lock()
		defer mu.Unlock()
		if want := []string{"PutBucketOwnershipControls", "DeletePublicAccessBlock", "PutBucketAcl", "PutBucketPolicy"}; !slices.Equal(order, want) {
			t.Errorf("the steps were %q, want %q", order, want)
		}
	})
}

func TestNothingIsPutBackUnlessItIsWanted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		adopted []string // changes of the properties at the adoption; nil for none
		deleted []string // changes at the deletion
		status  string
		none    bool // not even a read
	}{
		"RestoreOnDelete is false":      {adopted: []string{}, deleted: []string{"RestoreOnDelete", "false"}, status: "DELETE_IN_PROGRESS", none: true},
		"never in Enforce":              {adopted: []string{"Enforcement", "Observe"}, deleted: []string{"Enforcement", "Observe"}, status: "DELETE_IN_PROGRESS"},
		"never adopted":                 {status: "ROLLBACK_IN_PROGRESS"},
		"never adopted, for a reason":   {deleted: []string{"VpcEndpointIds", "", "AdoptionNumber", "x"}, status: "ROLLBACK_IN_PROGRESS"},
		"cleaned up after an update":    {adopted: []string{}, status: "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", none: true},
		"cleaned up after a rollback":   {adopted: []string{}, status: "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", none: true},
		"forged, while nothing happens": {adopted: []string{}, status: "UPDATE_COMPLETE", none: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withScene(t, everything, func(t *testing.T, s *scene) {
				if c.adopted != nil {
					s.adopt(cfnresponse.Create, c.adopted...)
				}
				s.enforce()
				before := s.configuration()
				s.gate.ResetCalls()
				s.status = c.status
				_, err := s.handle(cfnresponse.Delete, c.deleted...)
				s.must(err)
				if diff := cmp.Diff(before, s.configuration()); diff != "" {
					t.Errorf("it was changed (-before +after):\n%s", diff)
				}
				if calls := s.gate.Calls(); len(s.writes()) > 0 || c.none && len(calls) > 5 {
					t.Errorf("it called %q, of %d calls", s.writes(), len(calls))
				}
				if !strings.Contains(s.lines.String(), "nothing is put back") {
					t.Error("the log does not say so")
				}
			})
		})
	}
}

func TestTheRollbackOfACreationPutsBack(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		before := s.configuration()
		s.adopt(cfnresponse.Create)
		s.enforce()
		s.status = "ROLLBACK_IN_PROGRESS"
		_, err := s.handle(cfnresponse.Delete)
		s.must(err)
		if diff := cmp.Diff(before, s.configuration()); diff != "" {
			t.Errorf("after the rollback (-before +after):\n%s", diff)
		}
	})
}

func TestWhatOthersHaveChangedIsLeft(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		s.adopt(cfnresponse.Create)
		s.enforce()
		// Changes after the guard's rules and function are deleted, which are deleted first.
		s.must(s.store.PutPolicy("data-terraform", []byte(strings.ReplaceAll(ownPolicy, "GetObject", "PutObject"))))
		s.must(s.store.PutPublicAccessBlock("data-open", &s3.PublicAccessBlock{IgnorePublicAcls: true}))
		s.must(s.release())
		if got := s.store.Policy("data-terraform"); !strings.Contains(got, "PutObject") {
			t.Errorf("a later policy was replaced by %s", got)
		}
		if got := s.store.PublicAccessBlock("data-open"); got == nil || !got.IgnorePublicAcls {
			t.Errorf("a later public access block was replaced by %+v", got)
		}
		if got := canonical(s.store.Policy("data-open")); got != canonical(opensPolicy) {
			t.Errorf("the policy of data-open is %s, want the one of before", got)
		}
		for _, want := range []string{"neither the one before nor the guard's", "set since by somebody else"} {
			if !strings.Contains(s.lines.String(), want) {
				t.Errorf("the log does not say %q", want)
			}
		}
	})
}

// TestWhatCannotBePutBackIsNamedAndKeepsNothingElse fails for one bucket for each reason, passes over one that is gone, and puts back
// the others.
func TestWhatCannotBePutBackIsNamedAndKeepsNothingElse(t *testing.T) {
	t.Parallel()
	withScene(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"s3:PutBucketPolicy","Resource":"arn:aws:s3:::data-denied"}]}`, func(t *testing.T, s *scene) {
		for name, role := range map[string]string{"data-denied": "reader", "data-added": "reader", "data-principal": "leaver"} {
			s.must(s.store.CreateBucket(name, ""),
				s.store.PutPolicy(name, []byte(strings.NewReplacer("data-terraform", name, "role/reader", "role/"+role).Replace(ownPolicy))))
		}
		before := s.configuration()
		s.adopt(cfnresponse.Create)
		s.enforce()
		s.must(s.store.DeleteBucket("data-clean"))
		s.must(s.store.PutPolicy("data-added", []byte(strings.TrimSuffix(s.store.Policy("data-added"), "]}")+
			`,{"Sid":"Later","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/later"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::data-added/*"}]}`)))
		locked := s.store.Policy("data-added")
		s.store.PrincipalExists(func(arn string) bool { return !strings.HasSuffix(arn, "role/leaver") })
		err := s.release()
		if err == nil {
			t.Fatal("the deletion succeeded")
		}
		for _, want := range []string{
			"data-denied: AWS denies s3:PutBucketPolicy to the role of AdoptFunction", "data-added: its policy has statements that were added beside the lock (Later)",
			"data-principal: S3 does not accept its policy any more", state + "/before/", "--retain-resources Adoption", "of 6 buckets and endpoints are as before",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the answer lacks %q:\n%v", want, err)
			}
		}
		if got := s.store.Policy("data-added"); got != locked {
			t.Errorf("data-added has the policy %s, want the lock left in place", got)
		}
		if got := s.configuration()["data-open"]; got != before["data-open"] {
			t.Errorf("data-open is %s, want %s", got, before["data-open"])
		}
		// The remedies work: the statement is taken out, the role exists again, the permission is there.
		s.store.PrincipalExists(func(string) bool { return true })
		s.must(s.store.PutPolicy("data-added", []byte(s.lock().BucketPolicy("data-added"))))
		s.must(s.store.PutPolicy("data-denied", []byte(strings.ReplaceAll(ownPolicy, "data-terraform", "data-denied"))))
		s.must(s.release())
		after := s.configuration()
		delete(before, "data-clean")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("after the second deletion (-before +after):\n%s", diff)
		}
	})
}

func TestBucketsThatAppearedLaterAreAlsoPutBack(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		s.adopt(cfnresponse.Create)
		s.must(s.store.CreateBucket("data-later", ""), s.store.PutPolicy("data-later", []byte(strings.ReplaceAll(ownPolicy, "data-terraform", "data-later"))))
		before := s.configuration()
		// The guard stores a bucket's image before its first write.
		stored, err := s.adoption.Store.PutIfAbsent(t.Context(), adoption.NewImage("data-later", s.adoption.Now(), adoption.State{
			Policy: s.store.Policy("data-later"), Ownership: "BucketOwnerEnforced",
			PublicAccessBlock: &adoption.PublicAccessBlock{BlockPublicAcls: true, IgnorePublicAcls: true, BlockPublicPolicy: true, RestrictPublicBuckets: true},
		}, ""))
		if err != nil || !stored {
			t.Fatalf("PutIfAbsent = %t, %v", stored, err)
		}
		s.enforce()
		s.must(s.release())
		if got := s.configuration()["data-later"]; got != before["data-later"] {
			t.Errorf("data-later is %s, want %s", got, before["data-later"])
		}
	})
}

func TestABucketThatIsNoLongerSelectedIsLeftAndNamed(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		s.adopt(cfnresponse.Create)
		s.enforce()
		locked := s.store.Policy("data-open")
		s.must(s.release("BucketNames", "data-terraform,data-clean"))
		if got := s.store.Policy("data-open"); got != locked {
			t.Errorf("it was changed to %s", got)
		}
		if !strings.Contains(s.lines.String(), "no longer selected") {
			t.Error("the log does not say so")
		}
	})
}

// TestTheFirstVersionCounts overwrites a before-image with one that opens the bucket, as somebody could who may write to the state bucket.
func TestTheFirstVersionCounts(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		before := s.configuration()
		s.adopt(cfnresponse.Create)
		s.enforce()
		image := s.image("data-terraform")
		forged := adoption.NewImage(image.Bucket, image.Taken, adoption.State{Policy: strings.ReplaceAll(opensPolicy, "data-open", "data-terraform")}, "")
		s.must(s.store.Put(state, adoption.ImageKey(image.Bucket), encode(t, forged)))
		s.must(s.release())
		if got := s.configuration()["data-terraform"]; got != before["data-terraform"] {
			t.Errorf("data-terraform is %s, want %s", got, before["data-terraform"])
		}
	})
}

func TestADeletionThatArrivesTwiceAtTheSameTimePutsBackOnce(t *testing.T) {
	t.Parallel()
	withScene(t, everything, func(t *testing.T, s *scene) {
		before := s.configuration()
		adopted(s)
		s.status = "DELETE_IN_PROGRESS"
		var requests sync.WaitGroup
		for range 3 {
			requests.Go(func() {
				if _, err := s.handle(cfnresponse.Delete, "EndpointPolicy", "Account"); err != nil {
					t.Error(err)
				}
			})
		}
		requests.Wait()
		if diff := cmp.Diff(before, s.configuration()); diff != "" {
			t.Errorf("after three deletions at the same time (-before +after):\n%s", diff)
		}
	})
}
