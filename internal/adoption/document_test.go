package adoption_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/s3-endpoint-guard/internal/adoption"
)

func TestAReferenceSurvivesItsText(t *testing.T) {
	want := adoption.Reference{Bucket: "state", Key: "adoption/x.json", VersionID: "a+b/c=&?.d", SHA256: adoption.Hash([]byte("x"))}
	got, err := adoption.ParseReference(want.String())
	if err != nil || got != want {
		t.Errorf("ParseReference(%q) = %+v, %v, want %+v", want.String(), got, err, want)
	}
	if err := want.Check([]byte("x")); err != nil {
		t.Error(err)
	}
	if err := want.Check([]byte("y")); err == nil {
		t.Error("other bytes pass the check")
	}
	for _, text := range []string{
		"", "state", "state/key", "state/key?versionId=v", "state/key?sha256=" + want.SHA256, "/key?versionId=v&sha256=" + want.SHA256,
		"state/?versionId=v&sha256=" + want.SHA256, "state/key?versionId=v&sha256=00", "state/key?versionId=v&sha256=" + strings.Repeat("x", 64), "state/key?%&",
	} {
		if _, err := adoption.ParseReference(text); err == nil {
			t.Errorf("%q is taken for a reference", text)
		}
	}
}

func TestKeysNameWhatTheyStore(t *testing.T) {
	if got := adoption.ImageOf(adoption.ImageKey("docs.json")); got != "docs.json" {
		t.Errorf("the image of docs.json is taken for that of %q", got)
	}
	if number, id := adoption.EndpointOf(adoption.EndpointKey(12, endpoint)); number != 12 || id != endpoint {
		t.Errorf("the endpoint's key is taken for %d, %q", number, id)
	}
	for _, key := range []string{adoption.EnforcedKey, adoption.DocumentKey(nil), adoption.EndpointKey(1, endpoint)} {
		if got := adoption.ImageOf(key); got != "" {
			t.Errorf("%s is taken for the image of %q", key, got)
		}
	}
	for _, key := range []string{adoption.EnforcedKey, adoption.ImageKey("1"), "endpoints/x/y.json", "endpoints/1"} {
		if number, id := adoption.EndpointOf(key); number != 0 || id != "" {
			t.Errorf("%s is taken for endpoint %d, %q", key, number, id)
		}
	}
}

func TestStoredDocumentsAreReadAsTheyWere(t *testing.T) {
	image := adoption.NewImage("docs", time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC), adoption.State{
		Policy: policy(statement("GetObject")), PublicAccessBlock: &adoption.PublicAccessBlock{IgnorePublicAcls: true}, Ownership: "ObjectWriter",
		Grants: []adoption.Grant{{Account: "o", Permission: "FULL_CONTROL"}},
	}, "arn:aws:cloudformation:eu-central-1:111122223333:stack/data/1")
	if image.Canonical != image.Policy {
		t.Errorf("the canonical form is %q", image.Canonical)
	}
	gotImage, err := adoption.ReadImage(encode(t, image))
	if diff := cmp.Diff(image, gotImage); err != nil || diff != "" {
		t.Errorf("ReadImage: %v (-want +got)\n%s", err, diff)
	}
	document := adoption.Document{
		Format: adoption.Format, Stack: "s", Account: account, Region: "r", Buckets: []adoption.Bucket{{Name: "docs", Stack: "x"}},
		Endpoints: []adoption.Endpoint{{ID: endpoint, VPCID: "vpc-1", SubnetIDs: []string{"subnet-1"}, Ingress: []adoption.Rule{{GroupID: "sg-1", Protocol: "-1", FromPort: -1, ToPort: -1, Source: "10.0.0.0/8"}}}},
	}
	gotDocument, err := adoption.ReadDocument(encode(t, document))
	if diff := cmp.Diff(document, gotDocument); err != nil || diff != "" {
		t.Errorf("ReadDocument: %v (-want +got)\n%s", err, diff)
	}
	if e, ok := gotDocument.Endpoint(endpoint); !ok || e.VPCID != "vpc-1" {
		t.Errorf("Endpoint = %+v, %t", e, ok)
	}
	if _, ok := gotDocument.Endpoint("vpce-2"); ok {
		t.Error("an endpoint is found that was not adopted")
	}
	for _, text := range []string{"", "{}", `{"format":2}`, "[]"} {
		_, documentErr := adoption.ReadDocument([]byte(text))
		_, imageErr := adoption.ReadImage([]byte(text))
		_, endpointErr := adoption.ReadEndpoint([]byte(text))
		if documentErr == nil || imageErr == nil || endpointErr == nil {
			t.Errorf("%q is accepted: %v, %v, %v", text, documentErr, imageErr, endpointErr)
		}
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
