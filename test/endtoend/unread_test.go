package endtoend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A policy that denies reads of itself or of other guarded properties is replaced too.
func TestWhatAPolicyHidesIsRestored(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		deny string
		// beside is a change that is made before the policy is set.
		beside func(*scene) error
		// unread are the properties that the guard has to write without a before-image.
		unread []string
	}{
		"every read, outside of an endpoint": {
			deny:   `"Principal":"*","Action":["s3:Get*","s3:List*"],"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-00000000000000000"}}`,
			unread: []string{"bucket-policy", "public-access-block", "ownership-controls"},
		},
		"the lifecycle rules, which expire everything": {
			deny:   `"Principal":"*","Action":"s3:GetLifecycleConfiguration"`,
			beside: (*scene).expiresEverything,
			unread: []string{"lifecycle-rules"},
		},
		"the policy, from the guard alone": {
			deny:   `"Principal":"*","Action":"s3:GetBucketPolicy","Condition":{"ArnEquals":{"aws:PrincipalArn":"ROLE"}}`,
			unread: []string{"bucket-policy"},
		},
		"the public access block, which is gone": {
			deny:   `"Principal":"*","Action":"s3:GetBucketPublicAccessBlock"`,
			beside: (*scene).deletesPublicAccessBlock,
			unread: []string{"public-access-block"},
		},
		"the ownership controls, which are gone": {
			deny:   `"Principal":"*","Action":"s3:GetBucketOwnershipControls"`,
			beside: (*scene).switchesListsOn,
			unread: []string{"ownership-controls"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, nil)
			r := s.watch(func() {
				s.Events.Disturb(lose)
				if test.beside != nil {
					s.must(test.beside(s))
				}
				s.must(s.hides(test.deny))
				s.Gate.SetLatency(time.Second) // so that no read comes after the policy is restored
				s.invoke(`{}`)                 // a run that does not wait for another
				s.Gate.SetLatency(0)
			})
			for _, property := range test.unread {
				if got := r.unread(property); got != "corrected" {
					t.Errorf("%s: %q without a before-image, want it corrected:\n%s", property, got, r.log())
				}
			}
			s.isDesired()
			s.restsNow()
		})
	}
}

// hides sets a policy that denies reading and opens the objects to another account.
func (s *scene) hides(deny string) error {
	resources := fmt.Sprintf(`"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]`, s.bucket)
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` + strings.ReplaceAll(deny, "ROLE", s.role) + `,` + resources + `},` +
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"s3:GetObject",` + resources + `}]}`
	_, err := s.s3.PutBucketPolicy(s.Context(), &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &document})
	return err
}

// unread returns the outcome of a property that was written without a before-image, or "".
func (r report) unread(property string) string {
	for _, record := range r.records {
		if record.Resource == property && record.Unread != "" && record.Before == "" && record.Verdict == "open" {
			return record.Message
		}
	}
	return ""
}

// A role without read permission does not write at each sweep, but reports at each that it cannot verify the state.
// How the pauses grow over a day is tested in internal/guard, because the functions' own clock is the real one.
func TestALostRightToReadIsNoWriteAMinute(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
	s.guardOnly()
	s.Gate.Inject(denies(s, "s3", "GetBucketPolicy"))
	const minutes = 10
	r := s.watch(func() {
		for range minutes {
			s.minutes(1)
		}
	})
	writes := 0
	for _, call := range r.calls {
		if call.Operation == "PutBucketPolicy" {
			writes++
		}
	}
	if writes < 1 || writes > 2 {
		t.Errorf("%d writes in %d sweeps, want one", writes, minutes)
	}
	if got := s.sum("CorrectionFailed"); got < minutes {
		t.Errorf("CorrectionFailed = %g in %d minutes, want every sweep counted", got, minutes)
	}
	s.Gate.ClearFaults()
	s.minutes(1)
	s.isDesired()
	s.restsNow()
}
