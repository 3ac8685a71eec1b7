package main

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/s3"
)

// localBucket is the bucket docs on the S3 of the local AWS: 5 versions and 1 delete marker, and 1 unfinished upload,
// half of them under logs/.
type localBucket struct {
	*s3.Service
	url    string
	denied []string // actions that the caller is denied
}

func newLocalBucket(t *testing.T) *localBucket {
	t.Helper()
	gate := api.NewGate(api.Options{})
	t.Cleanup(func() { gate.Close() })
	b := &localBucket{Service: s3.New(gate.Options())}
	gate.Add(b.Service)
	var err error
	if b.url, err = gate.Open(api.Listener{SourceIP: "198.51.100.7"}); err != nil {
		t.Fatal(err)
	}
	gate.Accept(accessKey, api.Caller{Principal: "arn:aws:iam::111122223333:user/emptier", Account: "111122223333", Identity: b.identity})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(b.CreateBucket("docs", ""))
	must(b.PutVersioning("docs", "Enabled"))
	for _, key := range []string{"a", "a", "logs-old", "logs/1", "logs/2"} {
		must(b.Put("docs", key, []byte("x")))
	}
	client := awss3.New(awss3.Options{
		Region: "eu-central-1", BaseEndpoint: &b.url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
	})
	_, err = client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: aws.String("docs"), Key: aws.String("logs/1")})
	must(err)
	_, err = client.CreateMultipartUpload(t.Context(), &awss3.CreateMultipartUploadInput{Bucket: aws.String("docs"), Key: aws.String("logs/3")})
	must(err)
	return b
}

func (b *localBucket) identity() []*iampolicy.Policy {
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}`
	for _, action := range b.denied {
		document += `,{"Effect":"Deny","Action":"` + action + `","Resource":"*"}`
	}
	policy, err := iampolicy.Parse([]byte(document + "]}"))
	if err != nil {
		panic(err)
	}
	return []*iampolicy.Policy{policy}
}

// run runs the built command guard empty on the bucket.
func (b *localBucket) run(t *testing.T, args ...string) saying {
	t.Helper()
	return runBuilt(t, t.TempDir(), "", append([]string{"empty", "--endpoint-url", b.url}, args...)...)
}

func TestTheBucketIsDeletedOnceItIsEmpty(t *testing.T) {
	t.Parallel()
	b := newLocalBucket(t)
	call := []string{"--bucket", "docs", "--yes", "--delete-bucket"}
	for _, want := range []string{"bucket docs is empty: deleted 6 versions and 1 unfinished uploads", "there is no bucket docs: nothing to delete\n"} {
		got := b.run(t, call...)
		if got.code != 0 || !strings.HasPrefix(got.out, want) || len(b.Buckets()) != 0 {
			t.Errorf("guard empty %q: exit code %d, output %q, standard error %q, buckets left %q; want %q", call, got.code, got.out, got.err, b.Buckets(), want)
		}
		if deleted := strings.HasSuffix(got.out, "\nbucket docs is deleted\n"); deleted != strings.HasPrefix(want, "bucket") {
			t.Errorf("guard empty %q prints %q", call, got.out)
		}
	}
	if got := b.run(t, "--bucket", "docs", "--yes"); got.code != exitUntouched || !strings.Contains(got.err, "NoSuchBucket") {
		t.Errorf("guard empty of no bucket: exit code %d, standard error %q; want %d", got.code, got.err, exitUntouched)
	}
}

// TestABucketThatIsNotEmptyIsNotDeleted shows that the bucket is deleted only after it was proven empty.
func TestABucketThatIsNotEmptyIsNotDeleted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		denied, args []string
		code, left   int
		says         string
	}{
		"what is left":                  {[]string{"s3:DeleteObjectVersion"}, []string{"--yes", "--delete-bucket"}, exitNotEmpty, 6, "6 versions: AccessDenied"},
		"the bucket may not be deleted": {[]string{"s3:DeleteBucket"}, []string{"--yes", "--delete-bucket"}, exitNotEmpty, 0, "bucket docs was proven empty, and could not be deleted: "},
		"nothing can be listed":         {[]string{"s3:ListBucketVersions", "s3:ListBucketMultipartUploads"}, []string{"--yes", "--delete-bucket"}, exitUntouched, 6, "nothing was touched"},
		"nothing can be counted":        {[]string{"s3:ListBucketVersions"}, []string{"--dry-run", "--delete-bucket"}, exitUntouched, 6, "nothing was touched"},
		"not confirmed":                 {nil, []string{"--delete-bucket"}, exitUntouched, 6, "and the bucket itself, all versions, for good"},
		"a prefix":                      {nil, []string{"--yes", "--delete-bucket", "--prefix", "logs/"}, exitUntouched, 6, "exclude each other"},
		"an empty prefix":               {nil, []string{"--yes", "--prefix", ""}, exitUntouched, 6, "--prefix is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newLocalBucket(t)
			b.denied = c.denied
			got := b.run(t, append(c.args, "--bucket", "docs")...)
			if left := len(versionsOf(t, b)); got.code != c.code || left != c.left || !strings.Contains(got.err, c.says) || !slices.Equal(b.Buckets(), []string{"docs"}) {
				t.Errorf("exit code %d, output %q, standard error %q, versions left %d in %q; want %d, %q and %d", got.code, got.out, got.err, left, b.Buckets(), c.code, c.says, c.left)
			}
		})
	}
}

func TestOnlyThePrefixIsEmptied(t *testing.T) {
	t.Parallel()
	b := newLocalBucket(t)
	if got := b.run(t, "--bucket", "docs", "--prefix", "logs/", "--dry-run"); got.code != 0 || !strings.Contains(got.out, "holds 2 versions") || !strings.Contains(got.out, "1 delete markers, 1 unfinished uploads") {
		t.Errorf("counting: exit code %d, output %q, standard error %q", got.code, got.out, got.err)
	}
	got := b.run(t, "--bucket", "docs", "--prefix", "logs/", "--yes")
	if got.code != 0 || !strings.HasPrefix(got.out, `bucket docs has nothing under "logs/": deleted 3 versions and 1 unfinished uploads`) {
		t.Errorf("guard empty --prefix logs/: exit code %d, output %q, standard error %q", got.code, got.out, got.err)
	}
	if left := versionsOf(t, b); !slices.Equal(left, []string{"a", "a", "logs-old"}) {
		t.Errorf("%q are left", left)
	}
}

// versionsOf lists the keys of the bucket's versions and delete markers, with a caller who has access.
func versionsOf(t *testing.T, b *localBucket) (keys []string) {
	t.Helper()
	b.denied = nil
	client := awss3.New(awss3.Options{
		Region: "eu-central-1", BaseEndpoint: &b.url, UsePathStyle: true, Credentials: credentials.NewStaticCredentialsProvider(accessKey, "secret", ""),
	})
	page, err := client.ListObjectVersions(t.Context(), &awss3.ListObjectVersionsInput{Bucket: aws.String("docs")})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range page.Versions {
		keys = append(keys, *v.Key)
	}
	for _, m := range page.DeleteMarkers {
		keys = append(keys, *m.Key)
	}
	return keys
}

// TestTheAccountAsJSON shows that standard output is one JSON object, no matter how the command ends.
func TestTheAccountAsJSON(t *testing.T) {
	t.Parallel()
	hold := func(b *localBucket) error {
		if err := b.EnableObjectLock("docs"); err != nil {
			return err
		}
		return b.SetHold("docs", "logs/2", s3.Hold{Mode: "COMPLIANCE", Until: time.Date(2131, 2, 3, 0, 0, 0, 0, time.UTC)})
	}
	for name, c := range map[string]struct {
		denied  []string
		prepare func(*localBucket) error
		args    []string
		code    int
		want    account
	}{
		"emptied":   {nil, nil, []string{"--yes"}, 0, account{Outcome: "emptied", Region: "eu-central-1", Deleted: 6, Uploads: 1}},
		"a prefix":  {nil, nil, []string{"--yes", "--prefix", "logs/"}, 0, account{Prefix: "logs/", Outcome: "emptied", Region: "eu-central-1", Deleted: 3, Uploads: 1}},
		"deleted":   {nil, nil, []string{"--yes", "--delete-bucket"}, 0, account{Outcome: "emptied", Region: "eu-central-1", Deleted: 6, Uploads: 1, BucketDeleted: true}},
		"not so":    {[]string{"s3:DeleteBucket"}, nil, []string{"--yes", "--delete-bucket"}, exitNotEmpty, account{Outcome: "emptied", Region: "eu-central-1", Deleted: 6, Uploads: 1}},
		"counted":   {nil, nil, []string{"--dry-run"}, 0, account{Outcome: "counted", Region: "eu-central-1", Found: &inventory{Versions: 5, Markers: 1, Uploads: 1, Bytes: 5}}},
		"untouched": {nil, nil, nil, exitUntouched, account{Outcome: "untouched", Region: "eu-central-1"}},
		"misused":   {nil, nil, []string{"--yes", "--delete-bucket", "--prefix", "x"}, exitUntouched, account{Prefix: "x", Outcome: "untouched"}},
		"absent":    {nil, nil, []string{"--yes", "--delete-bucket", "--bucket", "dogs"}, 0, account{Bucket: "dogs", Outcome: "absent", Region: "eu-central-1"}},
		"denied": {[]string{"s3:DeleteObjectVersion"}, nil, []string{"--yes"}, exitNotEmpty, account{
			Outcome: "left over", Region: "eu-central-1", Uploads: 1, Causes: []cause{{Code: "AccessDenied", What: "versions", Count: 6}},
		}},
		"locked": {nil, hold, []string{"--yes"}, exitNotEmpty, account{Outcome: "left over", Region: "eu-central-1", Deleted: 5, Uploads: 1, Causes: []cause{
			{Code: "AccessDenied", What: "versions", Count: 1, Examined: 1, Locks: locksLeft{Compliance: 1}},
		}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newLocalBucket(t)
			b.denied = c.denied
			if c.prepare != nil {
				if err := c.prepare(b); err != nil {
					t.Fatal(err)
				}
			}
			got := b.run(t, append([]string{"--bucket", "docs", "--json"}, c.args...)...)
			var a account
			d := json.NewDecoder(strings.NewReader(got.out))
			d.DisallowUnknownFields()
			if err := d.Decode(&a); err != nil || d.More() || got.code != c.code || a.ExitCode != c.code || (a.Error != "") != (c.code != 0) {
				t.Fatalf("exit code %d (%v), output %q, standard error %q; want %d, also in one JSON object", got.code, err, got.out, got.err, c.code)
			}
			if a.Error != "" && !strings.Contains(got.err, a.Error) {
				t.Errorf("standard error is %q, the object's error is %q", got.err, a.Error)
			}
			checkAccount(t, a, c.want)
		})
	}
}

// checkAccount compares the fields that are the same in each run.
func checkAccount(t *testing.T, got, want account) {
	t.Helper()
	if got.Bucket != cmp.Or(want.Bucket, "docs") || got.Prefix != want.Prefix || got.Region != want.Region || got.Outcome != want.Outcome || got.Deleted != want.Deleted ||
		got.Uploads != want.Uploads || got.BucketDeleted != want.BucketDeleted || len(got.Causes) != len(want.Causes) || (got.Found == nil) != (want.Found == nil) {
		t.Fatalf("the account is %+v, want %+v", got, want)
	}
	if got.Found != nil && *got.Found != *want.Found {
		t.Errorf("found is %+v, want %+v", *got.Found, *want.Found)
	}
	for i, w := range want.Causes {
		g := got.Causes[i]
		if g.Code != w.Code || g.What != w.What || g.Count != w.Count || g.Example.Key == "" || g.Locks.Compliance != w.Locks.Compliance || (g.Locks.LastEnds != nil) != (w.Locks.Compliance > 0) {
			t.Errorf("cause %d is %+v, want %+v", i, g, w)
		}
	}
}

// TestABucketOfAnotherRegionIsFollowed uses an S3 that answers a request signed for another Region as AWS's S3 does.
func TestABucketOfAnotherRegionIsFollowed(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(w http.ResponseWriter){
		"a redirect": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusMovedPermanently)
			_, _ = w.Write([]byte(`<Error><Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint.</Message></Error>`))
		},
		"a wrong signature": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region 'eu-central-1' is wrong; expecting 'eu-west-1'</Message></Error>`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newLocalBucket(t)
			address, err := url.Parse(b.url)
			if err != nil {
				t.Fatal(err)
			}
			behind := httputil.NewSingleHostReverseProxy(address)
			var home string
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Amz-Bucket-Region", home)
				if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/s3/") {
					answer(w)
					return
				}
				behind.ServeHTTP(w, r)
			}))
			defer front.Close()
			b.url = front.URL

			home = "" // S3 does not return the Region
			if got := b.run(t, "--bucket", "docs", "--yes"); got.code != exitUntouched || !strings.Contains(got.err, "looking at bucket docs in Region eu-central-1, where it is not (--region names another): ") {
				t.Errorf("without a Region in the answer: exit code %d, standard error %q", got.code, got.err)
			}
			home = "ap-south-1" // a wrong Region
			if got := b.run(t, "--bucket", "docs", "--yes"); got.code != exitUntouched || !strings.Contains(got.err, "looking at bucket docs in Region ap-south-1, which S3 named: ") {
				t.Errorf("with a wrong Region in the answer: exit code %d, standard error %q", got.code, got.err)
			}
			home = "eu-west-1"
			got := b.run(t, "--bucket", "docs", "--yes")
			if got.code != 0 || !strings.Contains(got.out, "bucket docs is empty: deleted 6 versions") || got.err != "bucket docs is in Region eu-west-1, not in eu-central-1: asking there\n" {
				t.Errorf("guard empty: exit code %d, output %q, standard error %q", got.code, got.out, got.err)
			}
		})
	}
}
