package s3model_test

import (
	"encoding/xml"
	"net/http/httptest"
	"sort"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/s3model"
)

func TestShapesAreInOrderAndInvertible(t *testing.T) {
	for name, shape := range map[string]s3model.Shape{
		"hashes": s3model.Hashes{}, "logs": s3model.Logs{}, "one counter": s3model.Counters{Prefixes: 1}, "counters": s3model.Counters{Prefixes: 7},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 25_000
			keys := make([]string, n)
			for i := range keys {
				keys[i] = string(shape.Append(nil, i, n))
				if got, ok := shape.Index(keys[i], n); !ok || got != i {
					t.Fatalf("Index(%s) = %d, %t, want %d", keys[i], got, ok, i)
				}
			}
			if !sort.StringsAreSorted(keys) {
				t.Error("the keys are not in order")
			}
			if _, ok := shape.Index(keys[5]+"x", n); ok {
				t.Error("Index found a missing key")
			}
		})
	}
}

func TestModelListsAndDeletesWithTheRealClient(t *testing.T) {
	model := s3model.New(s3model.Options{Shape: s3model.Counters{Prefixes: 3}, Versions: 2500})
	server := httptest.NewServer(model)
	defer server.Close()
	client := s3.New(s3.Options{Region: "eu-central-1", BaseEndpoint: &server.URL, UsePathStyle: true, Retryer: localtest.OnlyClosed(),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")})
	input := &s3.ListObjectVersionsInput{Bucket: aws.String("docs")}
	found := 0
	ctx := localtest.Context(t, "the last page of versions")
	for more := true; more; {
		page, err := client.ListObjectVersions(ctx, input)
		if err != nil {
			t.Fatal(err)
		}
		found += len(page.Versions)
		more = *page.IsTruncated
		input.KeyMarker, input.VersionIdMarker = page.NextKeyMarker, page.NextVersionIdMarker
		remove := &s3.DeleteObjectsInput{Bucket: aws.String("docs"), Delete: &types.Delete{}}
		for _, v := range page.Versions {
			remove.Delete.Objects = append(remove.Delete.Objects, types.ObjectIdentifier{Key: v.Key, VersionId: v.VersionId})
		}
		if _, err := client.DeleteObjects(ctx, remove); err != nil {
			t.Fatal(err)
		}
	}
	// A batch whose answer was not read to its end is sent again.
	if stats := model.Stats(); found != 2500 || stats.Left != 0 || stats.Lists < 3 || stats.Batches < 3 {
		t.Errorf("found %d versions, then %+v, want 2500 in 3 pages and none left", found, stats)
	}
}

// TestModelReadsObjectsInAnyOrder sends the requests of clients other than this SDK: S3 accepts the members of an
// object, and the neighbours of the object list, in any order.
func TestModelReadsObjectsInAnyOrder(t *testing.T) {
	const versions = 3
	shape := s3model.Counters{Prefixes: 1}
	for name, c := range map[string]struct {
		request string // contains KEY and ID for those of each version
		before  string
		after   string
		left    int64
		status  int
	}{
		"the key first":         {"<Object><Key>KEY</Key><VersionId>ID</VersionId></Object>", "", "<Quiet>true</Quiet>", 0, 200},
		"the version first":     {"<Object><VersionId>ID</VersionId><Key>KEY</Key></Object>", "<Quiet>true</Quiet>", "", 0, 200},
		"with other members":    {"<Object><ETag>e</ETag><VersionId>ID</VersionId><Size>1</Size>\n<Key>KEY</Key></Object>\n", "", "", 0, 200},
		"no version":            {"<Object><Key>KEY</Key></Object>", "", "", versions, 400},
		"no key":                {"<Object><VersionId>ID</VersionId></Object>", "", "", versions, 400},
		"another one's version": {"<Object><VersionId>xID</VersionId><Key>KEY</Key></Object>", "", "", versions, 200},
	} {
		t.Run(name, func(t *testing.T) {
			model := s3model.New(s3model.Options{Shape: shape, Versions: versions})
			body := "<Delete>" + c.before
			for key, id := range listed(t, model) {
				body += strings.NewReplacer("KEY", key, "ID", id).Replace(c.request)
			}
			answer := httptest.NewRecorder()
			model.ServeHTTP(answer, httptest.NewRequest("POST", "/docs?delete", strings.NewReader(body+c.after+"</Delete>")))
			quiet := strings.Contains(c.before+c.after, "<Quiet>true")
			if left := model.Stats().Left; left != c.left || answer.Code != c.status || c.left == 0 && quiet == strings.Contains(answer.Body.String(), "<Deleted>") {
				t.Errorf("%d left, answered with %d %s; want %d left and %d", left, answer.Code, answer.Body, c.left, c.status)
			}
		})
	}
}

// listed returns the ids of the model's versions by key, as it lists them.
func listed(t *testing.T, model *s3model.Model) map[string]string {
	t.Helper()
	answer := httptest.NewRecorder()
	model.ServeHTTP(answer, httptest.NewRequest("GET", "/docs?versions", nil))
	var page struct {
		Version []struct{ Key, VersionId string }
	}
	if err := xml.Unmarshal(answer.Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, v := range page.Version {
		ids[v.Key] = v.VersionId
	}
	return ids
}
