package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/guard"
	"example.com/s3-endpoint-guard/local/localaws"
)

// The object that the article's app serves, and its content.
const (
	objectKey  = "thankyou.txt"
	objectText = "Thank you for reading! This came from S3 through the VPC endpoint.\n"
)

// stage is where the demo is played.
type stage struct {
	*callers
	// began is when the deployment of its stack began.
	began  time.Time
	teller teller
	scene  string
	// guard is the one that the scene is about.
	guard *following
	// kept is the number of promises kept so far.
	kept int
	// broken are the promises that were not kept.
	broken []string
	// happened are the preparations of scenes that are done.
	happened map[preparation]bool
	// outcomes are those of the guard's latest runs, corrected what these runs restored, paused why they left the rest.
	outcomes  []string
	corrected []correction
	paused    string
	// estate is what exists in act two; nil before.
	estate *estate
}

// newStage deploys the template and makes the clients of all callers.
func newStage(ctx context.Context, where stackFlags, o localaws.Options, audience teller) (*stage, error) {
	began := time.Now()
	d, err := where.deploy(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := d.playable(); err != nil {
		return nil, errors.Join(err, d.close())
	}
	c, err := newCallers(d)
	if err != nil {
		return nil, errors.Join(err, d.close())
	}
	s := &stage{callers: c, began: began, teller: audience, happened: map[preparation]bool{}}
	s.guard = &following{cloud: d.cloud, stack: d.stack}
	if err := d.cloud.Quiesce(ctx); err != nil { // the guard's first check, at the end of the deployment
		return nil, errors.Join(err, d.close())
	}
	s.guard.newRecords()
	return s, nil
}

// playable returns why the demo cannot run with the stack: it needs a trail for its events, and a guard that
// corrects.
func (d *deployed) playable() error {
	if len(d.cloud.Events.Trails()) == 0 {
		return errors.New("without a trail no event arrives: leave CreateTrail at true")
	}
	guard, err := d.stack.Plan().Function("RemediateFunction", d.stack)
	if err != nil {
		return err
	}
	if mode := guard.Environment["ENFORCEMENT"]; mode != "Enforce" {
		return fmt.Errorf("a guard that is told to %s corrects nothing: leave Enforcement at Enforce", strings.ToLower(mode))
	}
	return nil
}

// Answers that are promised.
const (
	success = "200 OK"
	refused = "403 AccessDenied"
)

// promises reports an action, and checks that the answer is the promised one.
func (s *stage) promises(who, what, answer, promised string) {
	kept := answer == promised
	if kept {
		s.kept++
	} else {
		s.broken = append(s.broken, fmt.Sprintf("%s %s: %s, promised %s", who, what, answer, promised))
	}
	s.teller.promise(promise{s.scene, who, what, answer, promised, kept})
}

// reads reads the object as a caller.
func (s *stage) reads(ctx context.Context, who string, client *s3.Client, how, promised string) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(objectKey)})
	answer := answerOf(err)
	if err == nil {
		defer out.Body.Close()
		body, err := io.ReadAll(out.Body)
		if string(body) != objectText {
			answer = fmt.Sprintf("%q (%v)", body, err)
		}
	}
	s.promises(who, "GET "+objectKey+" "+how, answer, promised)
}

// finds lists the object's versions as a caller, and returns the version that it finds.
func (s *stage) finds(ctx context.Context, who string, client *s3.Client, how, promised string) *string {
	out, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &s.bucket})
	s.promises(who, "list the versions "+how, answerOf(err), promised)
	if err != nil {
		return nil
	}
	for _, version := range out.Versions {
		if aws.ToString(version.Key) == objectKey {
			return version.VersionId
		}
	}
	return nil
}

// readsVersion reads a version of the object as a caller.
func (s *stage) readsVersion(ctx context.Context, who string, client *s3.Client, version *string, promised string) {
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: aws.String(objectKey), VersionId: version})
	if err == nil {
		err = out.Body.Close()
	}
	s.promises(who, "GET "+objectKey+" by its version", answerOf(err), promised)
}

// writes writes an object as a caller.
func (s *stage) writes(ctx context.Context, who string, client *s3.Client, bucket, key, how, promised string) {
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(objectText)})
	s.promises(who, "PUT "+key+" "+how, answerOf(err), promised)
}

// does reports a change that a caller makes. The scene needs it to succeed.
func (s *stage) does(who, what string, err error) {
	s.promises(who, what, answerOf(err), success)
}

// attacks makes the calls of an attack as the administrator. The scene needs them to succeed.
func (s *stage) attacks(ctx context.Context, a attack) {
	for _, step := range a.steps {
		s.does("admin", step.what, step.do(ctx, s.callers))
	}
}

// answerOf returns the HTTP status and error code of an error.
func answerOf(err error) string {
	if err == nil {
		return success
	}
	status := ""
	if response, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		status = fmt.Sprintf("%d ", response.HTTPStatusCode())
	}
	if code, ok := errors.AsType[smithy.APIError](err); ok {
		return status + code.ErrorCode()
	}
	return status + err.Error()
}

// guardWakes wakes the guard, waits until it is idle, and reports what it did. It returns the calls that it made.
func (s *stage) guardWakes(ctx context.Context, wake func() error) (calls, error) {
	s.outcomes, s.corrected, s.paused = nil, nil, ""
	s.cloud.Gate.ResetCalls()
	runs := s.guard.runs()
	if err := errors.Join(wake(), s.cloud.Quiesce(ctx)); err != nil {
		return calls{}, fmt.Errorf("waking the guard: %w", err)
	}
	made := s.guard.calls()
	made.Runs = s.guard.runs() - runs
	for _, record := range s.guard.newRecords() {
		s.outcomes = append(s.outcomes, record.Outcome)
		if record.Resource == "" {
			continue
		}
		if record.Outcome == string(guard.Corrected) {
			s.corrected = append(s.corrected, record)
		}
		s.paused = cmp.Or(record.Paused, s.paused)
		record.Scene, record.Calls = s.scene, made
		s.teller.correction(record)
	}
	return made, nil
}
