package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

// The contents of the bucket in the last scene: many versions, and a locked one that cannot be deleted before its
// retention ends.
const (
	manyVersions = 50_000
	lockedKey    = "contracts/2031.pdf"
	retention    = 24 * time.Hour
)

// deleteStack deletes the stack twice: a locked object makes the first deletion fail; the second runs after its
// retention.
func deleteStack(ctx context.Context, s *stage) error {
	until := s.cloud.Clock.Now().Add(retention).Truncate(time.Second)
	if err := s.fill(until); err != nil {
		return err
	}
	s.teller.says(s.scene, fmt.Sprintf("The bucket holds %d versions. %s is under compliance retention until tomorrow.",
		s.cloud.S3.Versions(s.bucket), lockedKey))
	err := s.stack.Delete(ctx)
	s.promises("admin", "delete the stack", s.stack.Status(), "DELETE_FAILED")
	if err != nil {
		s.tellsReason(err)
		s.promises("teardown", "says what is locked, and until when", whatItNames(err, lockedKey, until.Format(time.RFC3339)), "both")
	}
	s.promises("teardown", "leaves what is locked, and nothing else", count(s.cloud.S3.Versions(s.bucket), "version"), "1 version")
	s.writes(ctx, "app", s.app, s.bucket, objectKey, "into the bucket that is emptied", refused)
	_, err = s.adminAway.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &s.bucket})
	s.promises("admin", "list the versions from a laptop at home", answerOf(err), refused)

	s.teller.says(s.scene, "A day passes. The retention has ended, and the stack is deleted again.")
	s.cloud.Clock.Advance(retention + time.Minute)
	if err := s.stack.Delete(ctx); err != nil {
		s.tellsReason(err)
	}
	s.promises("admin", "delete the stack again", s.stack.Status(), "DELETE_COMPLETE")
	if err := s.cloud.Quiesce(ctx); err != nil {
		return err
	}
	s.promises("admin", "look for what is left", s.leftovers(), "nothing")
	return nil
}

// fill puts the versions into the bucket; one of them is locked.
func (s *stage) fill(until time.Time) error {
	store := s.cloud.S3
	for _, do := range []func() error{
		func() error {
			missing := manyVersions - 1 - store.Versions(s.bucket)
			return store.Fill(s.bucket, missing, func(i int) string { return fmt.Sprintf("logs/2031-%02d/%06d.gz", i%12+1, i) })
		},
		func() error { return store.Put(s.bucket, lockedKey, []byte("signed")) },
		func() error { return store.EnableObjectLock(s.bucket) },
		func() error {
			return store.SetHold(s.bucket, lockedKey, locals3.Hold{Mode: "COMPLIANCE", Until: until})
		},
	} {
		if err := do(); err != nil {
			return fmt.Errorf("filling the bucket: %w", err)
		}
	}
	return nil
}

// message matches the function's message in the failure of a custom resource.
var message = regexp.MustCompile(`Message returned: (.*) \(RequestId: `)

// tellsReason prints why the stack could not be deleted, in the function's own words, one line per phrase.
func (s *stage) tellsReason(err error) {
	reason := err.Error()
	if said := message.FindStringSubmatch(reason); said != nil {
		reason = said[1]
	}
	s.teller.says(s.scene, "The reason, as CloudFormation shows it:")
	for phrase := range strings.SplitSeq(reason, "; ") {
		s.teller.says(s.scene, "          "+phrase)
	}
}

// whatItNames returns "both" if an error names both a key and a date.
func whatItNames(err error, key, date string) string {
	var named []string
	for _, name := range []string{key, date} {
		if strings.Contains(err.Error(), name) {
			named = append(named, name)
		}
	}
	switch len(named) {
	case 2:
		return "both"
	case 1:
		return "only " + named[0]
	}
	return "neither"
}

// leftovers returns what the stack left behind.
func (s *stage) leftovers() string {
	left := s.cloud.Leftovers()
	if len(left) == 0 {
		return "nothing"
	}
	return strings.Join(left, ", ")
}
