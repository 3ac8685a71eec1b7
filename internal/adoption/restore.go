package adoption

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Restoration is what is put back of a bucket or an endpoint. It is carried out in the order of its fields: while one of these
// steps is done and a later one is not, the lock still stands in the policy, so that no state is more open than the last.
type Restoration struct {
	// Ownership and PublicAccessBlock say which settings are put back. [PlanGrants] decides about the access control list after them.
	Ownership, PublicAccessBlock bool
	// Policy says that the policy is put back. It is the last step: a public policy is refused before the public access block is.
	Policy bool
	// Left says what is left as it is, and why; "" if there is nothing to say.
	Left string
}

// PlanRestore decides what of a before-image is put back when the guard goes. lock is the policy that the guard keeps on the bucket,
// live the bucket's state. Only what the guard may have written is replaced:
//
//	the live policy                                         | policy                   | settings
//	means the same as the before-image                      | nothing to do            | put back
//	has only statements of the lock and the before-image    | put back                 | put back
//	has none of the lock                                    | left: it is not ours     | left
//	has others too, and the before-image held the lock      | left: it is its owner's  | left
//	has others too                                          | error: see below         | left
//
// "Settings put back" concerns those that are as the guard sets them (public access blocked, access control lists disabled); others
// were set by somebody else later, and are left.
//
// In the last row somebody has added statements beside the lock. The guard has let them stand, because the lock denied what they would
// open: without it they might open the bucket. To drop them would overwrite what may be wanted. So neither is done, and the error
// says which statements they are, and what to do.
func PlanRestore(image BeforeImage, lock string, live State) (Restoration, error) {
	change, left, err := planPolicy(image.Policy, lock, live.Policy)
	if err != nil || left != "" {
		return Restoration{Left: left}, err
	}
	r := Restoration{Policy: change}
	var others []string
	switch {
	case live.Ownership == image.Ownership:
	case live.Ownership == ownerEnforced:
		r.Ownership = true
	default:
		others = append(others, "object ownership "+live.Ownership)
	}
	switch {
	case sameBlock(live.PublicAccessBlock, image.PublicAccessBlock):
	case sameBlock(live.PublicAccessBlock, &guardedBlock):
		r.PublicAccessBlock = true
	default:
		others = append(others, "its public access block")
	}
	if len(others) > 0 {
		r.Left = strings.Join(others, " and ") + ", set since by somebody else"
	}
	return r, nil
}

// PlanGrants decides whether the access control list of a before-image is put back, once its ownership is. Disabling the lists takes a
// list that grants nothing to others, so the guard may have replaced it by the private one; another list is a later one of somebody
// else. A public grant under a block of new public grants cannot be put back; left says so.
func PlanGrants(image BeforeImage, live State) (change bool, left string) {
	private := len(live.Grants) == 1 && live.Grants[0].Account != "" && live.Grants[0].Permission == "FULL_CONTROL"
	if live.Ownership != image.Ownership || !private || sameGrants(image.Grants, live.Grants) {
		return false, ""
	}
	public := slices.ContainsFunc(image.Grants, func(g Grant) bool { return strings.HasPrefix(g.Group, publicGroups) })
	if public && image.PublicAccessBlock != nil && image.PublicAccessBlock.BlockPublicAcls {
		return false, "its access control list: BlockPublicAcls, which is on again as before, forbids the public grants that it had"
	}
	return true, ""
}

// publicGroups is the prefix of the groups that S3 treats as public: AllUsers and AuthenticatedUsers.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
const publicGroups = "http://acs.amazonaws.com/groups/global/"

// PlanEndpoint is [PlanRestore] for the policy of an endpoint. The other properties of an endpoint are never put back: the guard has
// only ever set them to what was found and accepted, so that every difference is a later change by somebody else.
func PlanEndpoint(accepted Endpoint, lock, live string) (Restoration, error) {
	change, left, err := planPolicy(accepted.Policy, lock, live)
	return Restoration{Policy: change, Left: left}, err
}

// errAdded says what to do about a policy to which statements were added beside the lock.
var errAdded = errors.New("without the lock they may open it, so the lock was left in place; take them out, or write the policy that is " +
	"wanted without the lock's statements, and delete the stack again")

// planPolicy decides whether a policy is put back; left says why not, although it differs.
func planPolicy(before, lock, live string) (change bool, left string, err error) {
	if samePolicy(before, live) {
		return false, "", nil
	}
	locked, was := iampolicy.ViewsOf(lock), iampolicy.ViewsOf(before)
	var added []string
	for _, s := range iampolicy.ViewsOf(live) {
		survives := func(o iampolicy.View) bool { return isAfterDeletion(s, o) }
		if !isOf(locked, s) && !s.IsIn(was) && !slices.ContainsFunc(was, survives) {
			added = append(added, s.Title)
		}
	}
	switch heldBefore := len(locked) > 0 && !slices.ContainsFunc(locked, func(l iampolicy.View) bool { return !l.IsIn(was) }); {
	case !Carries(lock, live):
		return false, "its policy is neither the one before nor the guard's", nil
	case len(added) == 0:
		return true, "", nil
	case heldBefore:
		return false, "its policy held the lock before the guard came, and was changed since", nil
	}
	return false, "", fmt.Errorf("its policy has statements that were added beside the lock (%s): %w", strings.Join(added, ", "), errAdded)
}

// Carries reports whether a policy has a statement of the lock: then the guard may have written it.
func Carries(lock, live string) bool {
	locked := iampolicy.ViewsOf(lock)
	return slices.ContainsFunc(iampolicy.ViewsOf(live), func(s iampolicy.View) bool { return isOf(locked, s) })
}

// isOf reports whether a statement is one of the lock's, or of the lock's before its parameters changed: then it has the same Sid.
func isOf(lock []iampolicy.View, s iampolicy.View) bool {
	return slices.ContainsFunc(lock, func(l iampolicy.View) bool { return l.Text == s.Text || l.Sid != "" && l.Sid == s.Sid })
}

// isAfterDeletion reports whether a statement is another one after roles or users in it were deleted: S3 then shows their unique ids
// in place of their ARNs (docs/facts.md, S3).
func isAfterDeletion(s, o iampolicy.View) bool {
	isID := func(p string) bool { return strings.HasPrefix(p, "AROA") || strings.HasPrefix(p, "AIDA") }
	rest := slices.DeleteFunc(slices.Clone(s.Principals), isID)
	foreign := func(p string) bool { return !slices.Contains(o.Principals, p) }
	if len(rest) == len(s.Principals) || len(s.Principals) != len(o.Principals) || slices.ContainsFunc(rest, foreign) {
		return false
	}
	s.Principals, o.Principals, s.Text, o.Text = nil, nil, "", ""
	return reflect.DeepEqual(s, o)
}
