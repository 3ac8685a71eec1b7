package awscall_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"example.com/s3-endpoint-guard/internal/aws/awscall"
	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/errorcode"
)

// transport answers with what it has, one answer after the other, and records the requests.
type transport struct {
	answers  []any // an error or an *http.Response
	requests []*http.Request
	bodies   []string
}

func (tr *transport) Do(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	tr.requests, tr.bodies = append(tr.requests, r), append(tr.bodies, string(body))
	next := tr.answers[min(len(tr.requests), len(tr.answers))-1]
	if err, ok := next.(error); ok {
		return nil, err
	}
	return next.(func() *http.Response)(), nil
}

// answer makes a response; headers are pairs of name and value.
func answer(status int, body string, headers ...string) func() *http.Response {
	return func() *http.Response {
		w := httptest.NewRecorder()
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.WriteString(body)
		return w.Result()
	}
}

// config is a function's, in a Region.
func config(t *testing.T, region string, tr *transport) aws.Config {
	t.Helper()
	c, err := awsconfig.Load(func(name string) string {
		return map[string]string{"AWS_REGION": region, "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	c.HTTPClient = tr
	return c
}

func TestACallIsSignedJSON(t *testing.T) {
	tr := &transport{answers: []any{answer(200, `{"Parameters":[{"Name":"a"}]}`)}}
	var out struct{ Parameters []struct{ Name string } }
	err := awscall.New(config(t, "eu-central-1", tr), awscall.SSM).Call(t.Context(), "GetParametersByPath", map[string]string{"Path": "/p"}, &out)
	if err != nil || len(out.Parameters) != 1 || out.Parameters[0].Name != "a" {
		t.Fatalf("Call = %+v, %v", out, err)
	}
	r := tr.requests[0]
	for name, want := range map[string]string{
		"X-Amz-Target": "AmazonSSM.GetParametersByPath", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Security-Token": "token",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-central-1/ssm/aws4_request") || !strings.Contains(got, "content-length;content-type;host") {
		t.Errorf("the signature is %q", got)
	}
	if tr.bodies[0] != `{"Path":"/p"}` || r.Method != http.MethodPost || r.URL.String() != "https://ssm.eu-central-1.amazonaws.com/" {
		t.Errorf("the request is %s %s %s", r.Method, r.URL, tr.bodies[0])
	}
}

func TestACallOfARESTServiceHasAPath(t *testing.T) {
	for base, want := range map[string]string{
		"": "https://securityhub.eu-central-1.amazonaws.com/findings/import", "http://127.0.0.1:1": "http://127.0.0.1:1/findings/import",
	} {
		tr := &transport{answers: []any{answer(200, `{"FailedCount":0}`)}}
		c := config(t, "eu-central-1", tr)
		if base != "" {
			c.BaseEndpoint = &base
		}
		if err := awscall.New(c, awscall.SecurityHub).Call(t.Context(), "BatchImportFindings", struct{}{}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		r := tr.requests[0]
		if r.Method != http.MethodPost || r.URL.String() != want || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Amz-Target") != "" {
			t.Errorf("the request is %s %s with %v, want POST %s", r.Method, r.URL, r.Header, want)
		}
		if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-central-1/securityhub/aws4_request") {
			t.Errorf("the signature is %q", got)
		}
	}
}

// sources has an address for one service, as the configuration of functions and of the SDK have.
type sources struct{ id, url string }

func (s sources) GetServiceBaseEndpoint(_ context.Context, id string) (string, bool, error) {
	return s.url, id == s.id, nil
}

func TestTheAddressIsTheConfiguredOne(t *testing.T) {
	for _, test := range []struct {
		name, region, all string
		sources           sources
		want              string
	}{
		{"AWS's", "us-gov-west-1", "", sources{}, "https://sqs.us-gov-west-1.amazonaws.com/"},
		{"China's", "cn-north-1", "", sources{}, "https://sqs.cn-north-1.amazonaws.com.cn/"},
		{"of all services", "eu-central-1", "http://127.0.0.1:1", sources{"SSM", "http://127.0.0.1:2"}, "http://127.0.0.1:1/"},
		{"of the service", "eu-central-1", "http://127.0.0.1:1", sources{"SQS", "http://127.0.0.1:2"}, "http://127.0.0.1:2/"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := &transport{answers: []any{answer(200, `{}`)}}
			c := config(t, test.region, tr)
			c.ConfigSources = []any{test.sources}
			if test.all != "" {
				c.BaseEndpoint = &test.all
			}
			if err := awscall.New(c, awscall.SQS).Call(t.Context(), "SendMessageBatch", struct{}{}, &struct{}{}); err != nil {
				t.Fatal(err)
			}
			if got := tr.requests[0].URL.String(); got != test.want {
				t.Errorf("the address is %s, want %s", got, test.want)
			}
		})
	}
}

func TestARefusalHasTheCodeOfTheService(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func() *http.Response
		code   string
	}{
		{"in the body", answer(400, `{"__type":"com.amazonaws.ssm#AccessDeniedException","Message":"no"}`), "AccessDeniedException"},
		{"in a header", answer(400, `{"message":"no"}`, "X-Amzn-Errortype", "AccessDeniedException:http://internal.amazon.com/"), "AccessDeniedException"},
		{"of a query service", answer(400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`, "X-Amzn-Query-Error",
			"AWS.SimpleQueueService.NonExistentQueue;Sender"), "AWS.SimpleQueueService.NonExistentQueue"},
		{"without a code", answer(403, `<html>no</html>`), "UnknownError"},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := &transport{answers: []any{test.answer}}
			err := awscall.New(config(t, "eu-central-1", tr), awscall.SQS).Call(t.Context(), "SendMessageBatch", struct{}{}, &struct{}{})
			if errorcode.Of(err) != test.code || len(tr.requests) != 1 {
				t.Errorf("Call = %v after %d requests, want %s after one", err, len(tr.requests), test.code)
			}
			if err == nil || !strings.Contains(err.Error(), "operation error SQS: SendMessageBatch, https response error StatusCode: 40") {
				t.Errorf("the error is %q", err)
			}
		})
	}
}

func TestWhatMayPassIsRepeated(t *testing.T) {
	timeout := errors.New("read: connection reset by peer")
	for name, fails := range map[string]any{
		"throttled":        answer(400, `{"__type":"ThrottlingException"}`),
		"a server's fault": answer(500, `{}`),
		"no connection":    timeout,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := &transport{answers: []any{fails, fails, answer(200, `{}`)}}
				client := awscall.New(config(t, "eu-central-1", tr), awscall.EventBridge)
				if err := client.Call(t.Context(), "PutEvents", struct{}{}, &struct{}{}); err != nil || len(tr.requests) != 3 {
					t.Errorf("Call = %v after %d requests, want success at the third", err, len(tr.requests))
				}
				tr = &transport{answers: []any{fails}}
				client = awscall.New(config(t, "eu-central-1", tr), awscall.EventBridge)
				err := client.Call(t.Context(), "PutEvents", struct{}{}, &struct{}{})
				if most := awsconfig.Retryer().MaxAttempts(); err == nil || len(tr.requests) != most {
					t.Errorf("Call = %v after %d requests, want a failure after %d", err, len(tr.requests), most)
				}
			})
		})
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		tr := &transport{answers: []any{answer(503, `{}`)}}
		ended := make(chan error)
		go func() {
			ended <- awscall.New(config(t, "eu-central-1", tr), awscall.SSM).Call(ctx, "GetParametersByPath", struct{}{}, &struct{}{})
		}()
		synctest.Wait() // it waits for its second attempt
		cancel()
		err := <-ended
		if !errors.Is(err, context.Canceled) || len(tr.requests) != 1 {
			t.Errorf("Call = %v after %d requests", err, len(tr.requests))
		}
		if canceled, ok := errors.AsType[*aws.RequestCanceledError](err); !ok || !canceled.CanceledError() {
			t.Errorf("Call = %v, want the SDK's error of a request that was cancelled", err)
		}
	})
}

func TestAnAnswerThatIsNoJSONIsAnError(t *testing.T) {
	tr := &transport{answers: []any{answer(200, `<html>`)}}
	err := awscall.New(config(t, "eu-central-1", tr), awscall.SSM).Call(t.Context(), "GetParametersByPath", struct{}{}, &struct{}{})
	if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
		t.Errorf("Call = %v", err)
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); !ok || response.HTTPStatusCode() != 200 {
		t.Errorf("Call = %v, want the response in the error", err)
	}
}

func TestACallOfAQueryServiceIsAForm(t *testing.T) {
	const published = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`
	tr := &transport{answers: []any{answer(200, published)}}
	in := url.Values{"TopicArn": {"arn:aws:sns:eu-central-1:111122223333:t"}, "Message": {"a b&c=d\n\u00e9"}}
	var out struct {
		ID string `xml:"PublishResult>MessageId"`
	}
	if err := awscall.New(config(t, "cn-north-1", tr), awscall.SNS).Call(t.Context(), "Publish", in, &out); err != nil {
		t.Fatal(err)
	}
	r := tr.requests[0]
	if r.Method != http.MethodPost || r.URL.String() != "https://sns.cn-north-1.amazonaws.com.cn/" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("the request is %s %s with %v", r.Method, r.URL, r.Header)
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "/cn-north-1/sns/aws4_request") {
		t.Errorf("the signature is %q", got)
	}
	form, err := url.ParseQuery(tr.bodies[0])
	want := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": in["TopicArn"], "Message": in["Message"]}
	if !maps.EqualFunc(form, want, slices.Equal) || err != nil || out.ID != "1" || len(in) != 2 {
		t.Errorf("the form is %v, %v, the answer %+v, want %v", form, err, out, want)
	}
}

func TestRefusalsOfAQueryServiceAreTheSDKs(t *testing.T) {
	const throttled = `<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error><Type>Sender</Type><Code>Throttling</Code>
		<Message>Rate exceeded</Message></Error><RequestId>1</RequestId></ErrorResponse>`
	const denied = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`
	const stacks = `<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>`
	for name, c := range map[string]struct {
		answers  []any
		requests int
		code     string
	}{
		"throttled, and then answered": {[]any{answer(400, throttled), answer(200, stacks)}, 2, ""},
		"a fault, and then answered":   {[]any{answer(503, ""), answer(200, stacks)}, 2, ""},
		"denied":                       {[]any{answer(403, denied)}, 1, "AccessDenied"},
		"denied by a proxy":            {[]any{answer(403, "<html><p>no</html>")}, 1, "UnknownError"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which takes no time for the pauses
				tr := &transport{answers: c.answers}
				var out struct {
					XMLName xml.Name `xml:"DescribeStacksResponse"`
				}
				err := awscall.New(config(t, "eu-central-1", tr), awscall.CloudFormation).Call(t.Context(), "DescribeStacks", url.Values{}, &out)
				if got := errorcode.Of(err); got != c.code || (err != nil) != (c.code != "") || len(tr.requests) != c.requests {
					t.Errorf("Call = %v after %d requests, want code %q after %d", err, len(tr.requests), c.code, c.requests)
				}
			})
		})
	}
}

func TestAnAnswerThatIsNotTheOperationsIsAnError(t *testing.T) {
	for _, body := range []string{"", "<html>", "<OtherResponse/>"} {
		tr := &transport{answers: []any{answer(200, body)}}
		var out struct {
			XMLName xml.Name `xml:"PublishResponse"`
		}
		err := awscall.New(config(t, "eu-central-1", tr), awscall.SNS).Call(t.Context(), "Publish", url.Values{}, &out)
		if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok {
			t.Errorf("Call = %v for the answer %q", err, body)
		}
	}
	err := awscall.New(config(t, "eu-central-1", &transport{}), awscall.SNS).Call(t.Context(), "Publish", struct{}{}, nil)
	if err == nil || !strings.Contains(err.Error(), "url.Values") {
		t.Errorf("Call = %v for an input that is no form", err)
	}
}

func TestAnAnswerThatNobodyWantsMayBeEmpty(t *testing.T) {
	for _, service := range []awscall.Service{awscall.SSM, awscall.SecurityHub, awscall.SNS} {
		tr := &transport{answers: []any{answer(200, "")}}
		if err := awscall.New(config(t, "eu-central-1", tr), service).Call(t.Context(), "DeleteParameter", url.Values{}, nil); err != nil {
			t.Errorf("Call of %s = %v", service.ID, err)
		}
	}
}
