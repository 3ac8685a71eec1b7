package guard

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
)

// Remedy is a heading of docs/runbook.md, under which a person finds what to do. Errors, records and alarms only name
// the heading.
type Remedy string

// The remedies.
const (
	RemedyClosedAccess Remedy = "Unwanted access was possible and has been closed"
	RemedySecured      Remedy = "Data was in danger and has been secured"
	RemedyTakenBack    Remedy = "A harmless-looking change was taken back"
	RemedyEnded        Remedy = "Drift ended before it was corrected"
	RemedyLeftAlone    Remedy = "Drift was seen and left alone"
	RemedyNotCorrected Remedy = "NOT CORRECTED"
	RemedyDenied       Remedy = "Access is denied"
	RemedyLockout      Remedy = "Lockout refused"
	RemedyBucketGone   Remedy = "The bucket is gone"
	RemedyEndpointGone Remedy = "The endpoint is gone"
	RemedyNeededGone   Remedy = "Something that the endpoint needs is gone"
)

// keepData are the properties that keep data from being lost, not from being read.
var keepData = []string{"lifecycle-rules", "versioning", "encryption"}

// Link returns the heading's link, e.g. "docs/runbook.md#the-bucket-is-gone".
func (r Remedy) Link() string {
	return "docs/runbook.md#" + strings.ReplaceAll(strings.ToLower(string(r)), " ", "-")
}

// For adds a remedy to an error.
func (r Remedy) For(err error) error { return &remedied{r, err} }

// remedied is an error with its remedy.
type remedied struct {
	remedy Remedy
	err    error
}

func (e *remedied) Error() string { return fmt.Sprintf("%v (see %s)", e.err, e.remedy.Link()) }
func (e *remedied) Unwrap() error { return e.err }

// RemedyOf returns the remedy that an error names; "" if it names none.
func RemedyOf(err error) Remedy {
	if e, ok := errors.AsType[*remedied](err); ok {
		return e.remedy
	}
	return ""
}

// Remedy returns the runbook's heading for the record.
func (r Record) Remedy() Remedy {
	if r.Runbook != "" {
		return r.Runbook
	}
	switch r.Outcome {
	case Corrected:
		switch {
		case r.Verdict == iampolicy.Open && slices.Contains(keepData, r.Resource):
			return RemedySecured
		case r.Verdict == iampolicy.Open:
			return RemedyClosedAccess
		}
		return RemedyTakenBack
	case Ended:
		return RemedyEnded
	case Observed, StandingDown:
		return RemedyLeftAlone
	case Refused:
		return RemedyLockout
	case Gone:
		return RemedyBucketGone
	default:
		return RemedyNotCorrected
	}
}
