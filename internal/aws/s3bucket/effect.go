package s3bucket

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// effect is one thing that an enabled lifecycle rule does to the objects that it selects. Rules with the same effects
// are the same, no matter how they are named, ordered or divided.
type effect struct {
	does deed
	// days is after how many days it happens, or date at which date (RFC 3339).
	days int32
	date string
	// newer is how many newer old versions are kept; 0 for none.
	newer int32
	// prefix is the beginning of the selected objects' keys, other the other conditions on them; "" for none.
	prefix, other string
}

// deed is what an effect does.
type deed string

const (
	deleteCurrent deed = "delete current versions"
	deleteOld     deed = "delete old versions"
	removeMarkers deed = "remove delete markers that have no versions"
	abortUploads  deed = "abort uploads"
	moveCurrent   deed = "move current versions"
	moveOld       deed = "move old versions"
	// unknown is of an enabled rule without an action that this code knows: S3 requires one.
	unknown deed = "do something that is not known here"
)

// harms reports whether an effect that is not desired loses data: it deletes current versions, or old ones before they
// are oldDays old. The probe's objects need not be kept as long.
func (e effect) harms(oldDays int32) bool {
	switch e.does {
	case deleteCurrent, unknown:
		return true
	case deleteOld:
		if strings.HasPrefix(e.prefix, canaries) {
			oldDays = canaryDays
		}
		return e.days < oldDays
	}
	return false
}

// String describes an effect, e.g. `delete current versions after 1 day`.
func (e effect) String() string {
	text := string(e.does)
	switch {
	case e.date != "":
		text += " at " + e.date
	case e.days == 1:
		text += " after 1 day"
	case e.does != removeMarkers && e.does != unknown:
		text += fmt.Sprintf(" after %d days", e.days)
	}
	if e.newer > 0 {
		text += fmt.Sprintf(" except the %d newest", e.newer)
	}
	if e.prefix != "" {
		text += fmt.Sprintf(", keys beginning with %q", e.prefix)
	}
	return text + e.other
}

// effects returns what the enabled rules do.
func effects(rules []types.LifecycleRule) []effect {
	var all []effect
	for _, r := range rules {
		if r.Status != types.ExpirationStatusDisabled {
			all = append(all, effectsOf(r)...)
		}
	}
	return all
}

func effectsOf(r types.LifecycleRule) []effect {
	var list []effect
	selected := selectionOf(r)
	add := func(does deed, days, newer *int32, date *time.Time) {
		e := selected
		e.does, e.days, e.newer = does, aws.ToInt32(days), aws.ToInt32(newer)
		if date != nil {
			e.date = date.UTC().Format(time.RFC3339)
		}
		list = append(list, e)
	}
	if x := r.Expiration; x != nil {
		if x.Days != nil || x.Date != nil {
			add(deleteCurrent, x.Days, nil, x.Date)
		}
		if aws.ToBool(x.ExpiredObjectDeleteMarker) {
			add(removeMarkers, nil, nil, nil)
		}
	}
	if x := r.NoncurrentVersionExpiration; x != nil {
		add(deleteOld, x.NoncurrentDays, x.NewerNoncurrentVersions, nil)
	}
	if x := r.AbortIncompleteMultipartUpload; x != nil {
		add(abortUploads, x.DaysAfterInitiation, nil, nil)
	}
	for _, x := range r.Transitions {
		add(moveCurrent+deed(" to "+x.StorageClass), x.Days, nil, x.Date)
	}
	for _, x := range r.NoncurrentVersionTransitions {
		add(moveOld+deed(" to "+x.StorageClass), x.NoncurrentDays, x.NewerNoncurrentVersions, nil)
	}
	if len(list) == 0 {
		add(unknown, nil, nil, nil)
	}
	return list
}

// selectionOf returns an effect with the objects that a rule selects. S3 returns the prefix where it was written: in the
// filter, in its And, or, in rules of the older form, in the rule itself.
func selectionOf(r types.LifecycleRule) effect {
	//lint:ignore SA1019 rules that were written before filters existed still have it
	e := effect{prefix: aws.ToString(r.Prefix)}
	and := types.LifecycleRuleAndOperator{}
	if f := r.Filter; f != nil {
		if f.And != nil {
			and = *f.And
		} else {
			and = types.LifecycleRuleAndOperator{
				Prefix: f.Prefix, ObjectSizeGreaterThan: f.ObjectSizeGreaterThan, ObjectSizeLessThan: f.ObjectSizeLessThan,
			}
			if f.Tag != nil {
				and.Tags = []types.Tag{*f.Tag}
			}
		}
		e.prefix = aws.ToString(and.Prefix)
	}
	for _, t := range and.Tags {
		e.other += fmt.Sprintf(", tagged %s=%s", aws.ToString(t.Key), aws.ToString(t.Value))
	}
	if n := and.ObjectSizeGreaterThan; n != nil {
		e.other += fmt.Sprintf(", larger than %d bytes", *n)
	}
	if n := and.ObjectSizeLessThan; n != nil {
		e.other += fmt.Sprintf(", smaller than %d bytes", *n)
	}
	return e
}
