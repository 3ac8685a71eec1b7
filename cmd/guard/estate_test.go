package main

import (
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/cloudtest"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

func TestAnEstateNamesWhatIsNotAsBefore(t *testing.T) {
	c := cloudtest.New(t, localaws.Options{})
	e, err := newEstate(&callers{deployed: &deployed{cloud: c}})
	if err != nil {
		t.Fatal(err)
	}
	reordered, err := reverseStatements(e.terraformPolicy())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"nothing", func() error { return nil }, "nothing"},
		{"the same policy in another order", func() error { return c.S3.PutPolicy(teamBucket, []byte(reordered)) }, "nothing"},
		{"ownership", func() error { return c.S3.PutOwnership(siteBucket, "BucketOwnerEnforced") }, "acme-site"},
		{"a policy", func() error {
			return c.S3.PutPolicy(teamBucket, []byte(strings.Replace(e.terraformPolicy(), "s3:GetObject", "s3:*", 1)))
		}, "acme-site, acme-team"},
		{"ownership as before", func() error { return c.S3.PutOwnership(siteBucket, "ObjectWriter") }, "acme-team"},
		{"a public access block", func() error { return c.S3.PutPublicAccessBlock(logsBucket, &s3.PublicAccessBlock{}) }, "acme-logs, acme-team"},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got, err := e.changed(); got != step.want || err != nil {
			t.Errorf("after %s, changed = %s, %v, want %s", step.name, got, err, step.want)
		}
	}
}
