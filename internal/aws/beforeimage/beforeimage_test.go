package beforeimage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/adoption"
	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/beforeimage"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

const bucket = "state-example"

// scene is a state bucket with a document in it.
type scene struct {
	gate  *api.Gate
	aws   *locals3.Service
	api   *s3.Client
	store *beforeimage.Store
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{gate: localtest.Gate(t, api.Options{})}
	s.aws = locals3.New(s.gate.Options())
	s.gate.Add(s.aws)
	for _, err := range []error{s.aws.CreateBucket(bucket, ""), s.aws.PutVersioning(bucket, "Enabled")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	sdk := localtest.Config(t, s.gate, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	sdk.Retryer = awsconfig.Retryer
	s.api = s3.NewFromConfig(sdk)
	s.store = &beforeimage.Store{API: s.api, Bucket: bucket, Account: "111122223333"}
	return s
}

// put stores a document and returns the reference to it.
func (s *scene) put(t *testing.T, body string) adoption.Reference {
	t.Helper()
	key := adoption.DocumentKey([]byte(body))
	version, stored, err := s.store.Put(t.Context(), key, []byte(body))
	if err != nil || !stored || version == "" {
		t.Fatalf("Put = %q, %t, %v", version, stored, err)
	}
	return adoption.Reference{Bucket: bucket, Key: key, VersionID: version, SHA256: adoption.Hash([]byte(body))}
}

func TestOnlyTheStoredDocumentIsRead(t *testing.T) {
	s := newScene(t)
	body, err := json.Marshal(adoption.Document{Format: adoption.Format, Stack: "arn:stack"})
	if err != nil {
		t.Fatal(err)
	}
	reference := s.put(t, string(body))
	// What is written over it later does not matter.
	if err := s.aws.Put(bucket, reference.Key, []byte(`{"format":1,"stack":"another"}`)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.store.Read(t.Context(), reference.String()); err != nil || got.Stack != "arn:stack" {
		t.Errorf("Read = %+v, %v, want the stored document", got, err)
	}
	other := s.put(t, `{"format":2}`)
	changed := func(change func(*adoption.Reference)) string {
		r := reference
		change(&r)
		return r.String()
	}
	for name, c := range map[string]struct{ reference, want string }{
		"no reference":       {"", "not a reference"},
		"another bucket":     {changed(func(r *adoption.Reference) { r.Bucket = "other" }), "not in the state bucket"},
		"another hash":       {changed(func(r *adoption.Reference) { r.SHA256 = other.SHA256 }), "not what the adoption stored"},
		"another version":    {changed(func(r *adoption.Reference) { r.VersionID = other.VersionID }), "NoSuchVersion"},
		"another key":        {changed(func(r *adoption.Reference) { r.Key = "none" }), "NoSuch"},
		"another format":     {other.String(), "format 2"},
		"a version's id bad": {changed(func(r *adoption.Reference) { r.VersionID = "?" }), "reading"},
	} {
		if _, err := s.store.Read(t.Context(), c.reference); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Read = %v, want an error with %q", name, err, c.want)
		}
	}
	if _, err := s.api.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: ptr(bucket), Key: &reference.Key, VersionId: &reference.VersionID}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.store.Read(t.Context(), reference.String()); err == nil || !strings.Contains(err.Error(), "NoSuchVersion") {
		t.Errorf("a deleted version: Read = %v, want that it is gone", err)
	}
}

func ptr[T any](v T) *T { return &v }

func TestTheFirstImageIsKept(t *testing.T) {
	s := newScene(t)
	first := adoption.BeforeImage{Format: adoption.Format, Bucket: "docs", Stack: "first"}
	second := first
	second.Stack = "second"
	for i, image := range []adoption.BeforeImage{first, second} {
		if stored, err := s.store.PutIfAbsent(t.Context(), image); err != nil || stored != (i == 0) {
			t.Errorf("PutIfAbsent of the image %d = %t, %v", i, stored, err)
		}
	}
	key := adoption.ImageKey("docs")
	// Hidden by a delete marker, and overwritten.
	if _, err := s.api.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: ptr(bucket), Key: &key}); err != nil {
		t.Fatal(err)
	}
	if err := s.aws.Put(bucket, key, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	firsts, err := s.store.Firsts(t.Context(), s.api, "before/")
	if err != nil || len(firsts) != 1 {
		t.Fatalf("Firsts = %v, %v", firsts, err)
	}
	body, err := s.store.Get(t.Context(), key, firsts[key])
	if err != nil {
		t.Fatal(err)
	}
	if image, err := adoption.ReadImage(body); err != nil || image.Stack != "first" {
		t.Errorf("the first version is %s, %v", body, err)
	}
}

// TestWritesAtTheSameTime covers S3's answers to conditional writes: the conflict is repeated, and a write whose answer was lost is
// refused when it is repeated, because the object is there.
func TestWritesAtTheSameTime(t *testing.T) {
	for name, c := range map[string]struct {
		fault  api.Fault
		stored bool
	}{
		"conflict":       {api.Fault{Error: &api.Error{Status: 409, Code: "ConditionalRequestConflict"}, Times: 2}, true},
		"throttled":      {api.Fault{Error: &api.Error{Status: 503, Code: "SlowDown"}, Times: 2}, true},
		"lost answer":    {api.Fault{Reset: true, After: true, Times: 1}, false},
		"failing answer": {api.Fault{Error: &api.Error{Status: 500, Code: "InternalError"}, After: true, Times: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.fault.Service, c.fault.Operation = "s3", "PutObject"
			s.gate.Inject(c.fault)
			stored, err := s.store.PutIfAbsent(t.Context(), adoption.BeforeImage{Format: adoption.Format, Bucket: "docs"})
			if err != nil || stored != c.stored || s.aws.Versions(bucket) != 1 {
				t.Errorf("PutIfAbsent = %t, %v with %d versions, want %t and one version", stored, err, s.aws.Versions(bucket), c.stored)
			}
		})
	}
}

func TestAFailedWriteIsNotTakenForAStoredOne(t *testing.T) {
	s := newScene(t)
	s.gate.Inject(api.Fault{Service: "s3", Operation: "PutObject", Error: &api.Error{Status: 403, Code: "AccessDenied"}})
	if stored, err := s.store.PutIfAbsent(t.Context(), adoption.BeforeImage{Bucket: "docs"}); err == nil || stored {
		t.Errorf("PutIfAbsent = %t, %v, want the refusal", stored, err)
	}
	s.store.Account = "444455556666"
	s.gate.ClearFaults()
	if stored, err := s.store.PutIfAbsent(t.Context(), adoption.BeforeImage{Bucket: "docs"}); err == nil || stored {
		t.Errorf("in another account's bucket: PutIfAbsent = %t, %v, want a refusal", stored, err)
	}
}
