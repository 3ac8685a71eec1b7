package localtest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	locals3 "example.com/s3-endpoint-guard/local/localaws/s3"
)

// directly makes a gate with S3 and a bucket, and a client that calls it without a network.
func directly(t *testing.T) (*api.Gate, *s3.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	store := locals3.New(gate.Options())
	gate.Add(store)
	if err := store.CreateBucket("docs", ""); err != nil {
		t.Fatal(err)
	}
	return gate, s3.NewFromConfig(localtest.Direct(t, gate, localtest.Everything))
}

func TestDirectCallsTakeTheLatencyOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, client := directly(t)
		gate.SetLatency(time.Minute / 2)
		began := time.Now()
		name := "docs"
		if _, err := client.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &name}); err != nil || time.Since(began) != time.Minute/2 {
			t.Errorf("HeadBucket = %v after %v, want nil after 30s", err, time.Since(began))
		}
		name = "none"
		if _, err := client.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &name}); localtest.Code(err) != "NoSuchBucket" {
			t.Errorf("GetBucketPolicy of no bucket = %v", err)
		}
	})
}

func TestDirectCallsFailAsOverANetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate, client := directly(t)
		gate.Inject(api.Fault{Reset: true, Times: 1})
		if _, err := client.ListBuckets(t.Context(), nil); err == nil || localtest.Code(err) != err.Error() {
			t.Errorf("ListBuckets = %v, want a reset connection", err)
		}
		gate.Inject(api.Fault{Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := client.ListBuckets(ctx, nil); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("ListBuckets = %v after %v, want the end of its context after 1s", err, time.Since(began))
		}
	})
}

func TestADefectBehindADirectCallIsNotHidden(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	gate.Add(defective{})
	sdk := localtest.Direct(t, gate, localtest.Everything)
	keys := localtest.Must(sdk.Credentials.Retrieve(t.Context()))(t)
	defer func() {
		if p := recover(); p != "a defect" {
			t.Errorf("the panic is %v", p)
		}
	}()
	r := localtest.Must(http.NewRequest(http.MethodGet, "http://127.0.0.1/", nil))(t)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keys.AccessKeyID+"/20260101/eu-central-1/defective/aws4_request, SignedHeaders=host, Signature=0")
	response, err := sdk.HTTPClient.Do(r)
	t.Errorf("the answer is %v, %v", response, err)
}

// defective is a service that panics.
type defective struct{}

func (defective) SigningName() string { return "defective" }

func (defective) RenderError(*api.Request, *api.Error) *api.Response { return nil }

func (defective) Decode(*api.Request) (*api.Operation, error) { panic("a defect") }
