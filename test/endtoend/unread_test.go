package endtoend_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A policy that hides itself, or what else is guarded, is replaced like any other.
func TestWhatAPolicyHidesIsRestored(t *testing.T) {
	for name, test := range map[string]struct {
		deny string
		// beside is done before the policy is put.
		beside func(*scene) error
		// unread are the properties that the guard has to write without a before-image.
		unread []string
	}{
		"every read, outside of an endpoint": {
			deny:   `"Principal":"*","Action":["s3:Get*","s3:List*"],"Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-00000000000000000"}}`,
			unread: []string{"bucket-policy", "public-access-block", "ownership-controls"},
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
				s.invoke(`{}`) // a run that gives way to no other
			})
			for _, property := range test.unread {
				if got := r.unread(property); got != "corrected" {
					t.Errorf("%s: %q without a before-image, want it corrected:\n%s", property, got, r.log())
				}
			}
			s.Events.Sweep() // what a policy hid may have been read late
			s.rest()
			s.isDesired()
			s.restsNow()
		})
	}
}

// hides puts a policy that denies reading and opens the objects to another account.
func (s *scene) hides(deny string) error {
	resources := fmt.Sprintf(`"Resource":["arn:aws:s3:::%[1]s","arn:aws:s3:::%[1]s/*"]`, s.bucket)
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` + strings.ReplaceAll(deny, "ROLE", s.role) + `,` + resources + `},` +
		`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"s3:GetObject",` + resources + `}]}`
	_, err := s.s3.PutBucketPolicy(s.Context(), &s3.PutBucketPolicyInput{Bucket: &s.bucket, Policy: &document})
	return err
}

// unread is the outcome of a property that was written without a before-image; "" where there is none.
func (r report) unread(property string) string {
	for _, record := range r.records {
		if record.Resource == property && record.Unread != "" && record.Before == "" && record.Verdict == "open" {
			return record.Message
		}
	}
	return ""
}

// A role that lost its right to read does not write at each sweep, and says at each that it could not verify anything.
// How the pauses grow over a day is a test of internal/guard: the functions' own clock is the real one.
func TestALostRightToReadIsNoWriteAMinute(t *testing.T) {
	t.Parallel()
	s := deploy(t, nil)
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
		t.Errorf("CorrectionFailed = %g in %d minutes, want every sweep to say so", got, minutes)
	}
	s.Gate.ClearFaults()
	s.minutes(1)
	s.isDesired()
	s.restsNow()
}
