package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"example.com/s3-endpoint-guard/internal/emptying"
)

// Outcomes of guard empty, in addition to the engine's (see [emptying.Outcome]).
const (
	outcomeCounted   = "counted"   // --dry-run
	outcomeAbsent    = "absent"    // --delete-bucket: there was no such bucket
	outcomeUntouched = "untouched" // nothing was deleted
)

// account is the object that guard empty --json writes, the result of one run. The command's help describes its
// members.
type account struct {
	Bucket        string     `json:"bucket"`
	Prefix        string     `json:"prefix,omitempty"`
	Region        string     `json:"region,omitempty"`
	Outcome       string     `json:"outcome"`
	ExitCode      int        `json:"exitCode"`
	Error         string     `json:"error,omitempty"`
	Deleted       int64      `json:"deletedVersions"`
	Uploads       int64      `json:"abortedUploads"`
	BucketDeleted bool       `json:"bucketDeleted"`
	Seconds       float64    `json:"seconds"`
	Requests      *requests  `json:"requests,omitempty"`
	Causes        []cause    `json:"causes"`
	Found         *inventory `json:"found,omitempty"`
}

// requests counts calls, as [emptying.Requests] does.
type requests struct {
	Lists   int64 `json:"lists"`
	Batches int64 `json:"batches"`
	Singles int64 `json:"singles"`
	Refused int64 `json:"refused"`
}

// cause is why some versions, or uploads, are left.
type cause struct {
	Code     string      `json:"code"` // S3's, "" for network errors, or [emptying.StillListed]
	Message  string      `json:"message,omitempty"`
	What     string      `json:"what"` // "versions" or "uploads"
	Count    int64       `json:"count"`
	Example  exampleLeft `json:"example"`
	Examined int         `json:"examined"` // the number of versions whose locks were read
	Locks    locksLeft   `json:"locks"`
}

// exampleLeft is one version or upload that is left.
type exampleLeft struct {
	Key string `json:"key"`
	ID  string `json:"id"`
}

// locksLeft counts the locks on the examined versions.
type locksLeft struct {
	Governance int        `json:"governance"`
	Compliance int        `json:"compliance"`
	LegalHold  int        `json:"legalHold"`
	EventHold  int        `json:"eventHold"`
	FirstEnds  *time.Time `json:"firstEnds,omitempty"`
	LastEnds   *time.Time `json:"lastEnds,omitempty"`
}

// inventory is the result of --dry-run.
type inventory struct {
	Versions   int64 `json:"versions"`
	Markers    int64 `json:"deleteMarkers"`
	Uploads    int64 `json:"uploads"`
	Bytes      int64 `json:"bytes"`
	MFADelete  bool  `json:"mfaDelete"`
	ObjectLock bool  `json:"objectLock"`
}

func newAccount(bucket, prefix string) *account {
	return &account{Bucket: bucket, Prefix: prefix, Outcome: outcomeUntouched, Causes: []cause{}}
}

// interrupted records that a signal ended the run, and returns the error of the command.
func (a *account) interrupted(why error) error {
	a.Outcome = string(emptying.Interrupted)
	return &exitError{exitInterrupted, why}
}

// counted copies the engine's inventory.
func (a *account) counted(found emptying.Inventory) {
	a.Outcome = outcomeCounted
	a.Requests = &requests{Lists: found.Lists}
	a.Found = &inventory{
		found.Versions, found.Markers, found.Uploads, found.Bytes, found.Protection.MFADelete, found.Protection.ObjectLock,
	}
}

// fill copies the engine's report.
func (a *account) fill(report emptying.Report) {
	a.Outcome, a.Deleted, a.Uploads, a.Seconds = string(report.Outcome), report.Deleted, report.Uploads, report.Elapsed.Seconds()
	r := requests(report.Requests)
	a.Requests = &r
	for _, left := range report.Leftovers {
		what := "versions"
		if left.Uploads {
			what = "uploads"
		}
		a.Causes = append(a.Causes, cause{
			Code: left.Code, Message: left.Message, What: what, Count: left.Count, Examined: left.Examined,
			Example: exampleLeft{left.Example.Key, left.Example.ID},
			Locks: locksLeft{
				Governance: left.Locks.Governance, Compliance: left.Locks.Compliance, LegalHold: left.Locks.Legal, EventHold: left.Locks.Event,
				FirstEnds: timeOrNil(left.Locks.Earliest), LastEnds: timeOrNil(left.Locks.Until),
			},
		})
	}
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// told changes the exit code of an error in writing the account, so that it does not say that nothing was deleted.
func (a *account) told(err error) error {
	if err == nil || a.Outcome != string(emptying.Emptied) {
		return err
	}
	return &exitError{exitNotEmpty, fmt.Errorf("bucket %s: emptied; writing the account: %w", a.Bucket, err)}
}

// write writes the account of a run that ended with err.
func (a *account) write(w io.Writer, err error) error {
	if exit, ok := errors.AsType[*exitError](err); ok {
		a.ExitCode, a.Error = exit.code, exit.Error()
	}
	return writeLine(w, a)
}
