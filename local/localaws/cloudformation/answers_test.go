package cloudformation_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/cloudformation"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// put sends an answer and returns its status.
func put(t *testing.T, method, url, contentType, body string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := localtest.Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

func TestAnAnswerArrivesAtItsOwnURLOnly(t *testing.T) {
	var answers cloudformation.Answers
	t.Cleanup(func() { _ = answers.Close() })
	first, one, err := answers.Expect("arn:aws:cloudformation:eu-central-1:111122223333:stack/s/1", "A", "1")
	if err != nil {
		t.Fatal(err)
	}
	second, other, err := answers.Expect("arn:aws:cloudformation:eu-central-1:111122223333:stack/s/1", "A", "1")
	if err != nil {
		t.Fatal(err)
	}
	answers.Fail(503)
	for _, c := range []struct {
		name, method, url, contentType string
		want                           int
	}{
		{"a fault", "PUT", first, "", 503},
		{"another method", "POST", first, "", 403},
		{"a content type that the URL is not signed for", "PUT", first, "application/json", 403},
		{"a forged signature", "PUT", first + "x", "", 403},
		{"the answer", "PUT", first, "", 200},
		{"a second answer", "PUT", first, "", 200},
	} {
		if got := put(t, c.method, c.url, c.contentType, c.name); got != c.want {
			t.Errorf("%s: status = %d, want %d", c.name, got, c.want)
		}
	}
	if first == second || string(localtest.Receive(t, one, "the answer")) != "the answer" || len(one) != 0 || len(other) != 0 {
		t.Errorf("URLs %s and %s, want two different ones, and one answer at the first", first, second)
	}
	var statuses []int
	for _, a := range answers.Attempts() {
		statuses = append(statuses, a.Status)
	}
	if want := []int{503, 403, 403, 403, 200, 200}; !slices.Equal(statuses, want) {
		t.Errorf("attempts ended with %v, want %v", statuses, want)
	}
}

func TestAnswersAreReadAsStrictlyAsCloudFormationReadsThem(t *testing.T) {
	request := cloudformation.CustomRequest{StackID: "s", RequestID: "r", LogicalResourceID: "l"}
	const addressed = `"StackId":"s","RequestId":"r","LogicalResourceId":"l","PhysicalResourceId":"p"`
	for name, c := range map[string]struct{ body, want string }{
		"success":               {`{"Status":"SUCCESS",` + addressed + `}`, ""},
		"failure":               {`{"Status":"FAILED","Reason":"locked",` + addressed + `}`, "[FAILED] from custom resource. Message returned: locked (RequestId: r)"},
		"failure with no word":  {`{"Status":"FAILED",` + addressed + `}`, "without a reason"},
		"neither":               {`{"Status":"DONE",` + addressed + `}`, `status "DONE"`},
		"another request":       {`{"Status":"SUCCESS",` + strings.Replace(addressed, `"r"`, `"other"`, 1) + `}`, "another request"},
		"no physical id":        {`{"Status":"SUCCESS",` + strings.Replace(addressed, `"p"`, `""`, 1) + `}`, "PhysicalResourceId"},
		"a physical id of 2 KB": {`{"Status":"SUCCESS",` + strings.Replace(addressed, `"p"`, `"`+strings.Repeat("p", 2048)+`"`, 1) + `}`, "PhysicalResourceId"},
		"more than 4 KB":        {`{"Status":"SUCCESS","Reason":"` + strings.Repeat("r", 4096) + `",` + addressed + `}`, "too long"},
		"no JSON":               {`SUCCESS`, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := request.Read([]byte(c.body))
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("Read(%s) = %v, want %q", name, err, c.want)
			}
		})
	}
}
