package cloudwatch_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
)

// send posts a body in a protocol that the Go SDK does not use, as the AWS CLI and older SDKs do.
func send(t *testing.T, url, keyID string, headers map[string]string, body string) (status int, answer string) {
	t.Helper()
	r := localtest.Must(http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body)))(t)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keyID+"/20260302/eu-central-1/monitoring/aws4_request, SignedHeaders=host, Signature=0")
	response := localtest.Must(localtest.Client.Do(r))(t)
	defer response.Body.Close()
	return response.StatusCode, string(localtest.Must(io.ReadAll(response.Body))(t))
}

func TestOtherProtocolsMeanTheSame(t *testing.T) {
	jsonCall := func(operation string) map[string]string {
		return map[string]string{"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "GraniteServiceVersion20100801." + operation}
	}
	form := map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	for name, v := range map[string]struct {
		headers              map[string]string
		put                  string
		statistics           map[string]string
		get, want, bad, fail string
	}{
		"JSON": {
			jsonCall("PutMetricData"), `{"Namespace":"Test","MetricData":[{"MetricName":"M","Dimensions":[{"Name":"Bucket","Value":"docs"}],"Value":2.5,"Timestamp":1772452800}]}`,
			jsonCall("GetMetricStatistics"), `{"Namespace":"Test","MetricName":"M","Dimensions":[{"Name":"Bucket","Value":"docs"}],"StartTime":1772452800,"EndTime":1772452860,"Period":60,"Statistics":["Sum"]}`,
			`"Sum":2.5`, `{"Namespace":"AWS/S3","MetricData":[]}`, `"__type":"com.amazonaws.cloudwatch#InvalidParameterValueException"`,
		},
		"query": {
			form, `Action=PutMetricData&Version=2010-08-01&Namespace=Test&MetricData.member.1.MetricName=M&MetricData.member.1.Dimensions.member.1.Name=Bucket&MetricData.member.1.Dimensions.member.1.Value=docs&MetricData.member.1.Value=2.5&MetricData.member.1.Timestamp=2026-03-02T12:00:00Z`,
			form, `Action=GetMetricStatistics&Version=2010-08-01&Namespace=Test&MetricName=M&Dimensions.member.1.Name=Bucket&Dimensions.member.1.Value=docs&StartTime=2026-03-02T12:00:00Z&EndTime=2026-03-02T12:01:00Z&Period=60&Statistics.member.1=Sum`,
			`<Sum>2.5</Sum><Timestamp>2026-03-02T12:00:00Z</Timestamp>`, `Action=PutMetricData&Version=2010-08-01&Namespace=AWS/S3`, `<Code>InvalidParameterValue</Code>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, _, config := start(t, localtest.Everything)
			keyID := localtest.Must(config.Credentials.Retrieve(t.Context()))(t).AccessKeyID
			if status, answer := send(t, *config.BaseEndpoint, keyID, v.headers, v.put); status != http.StatusOK {
				t.Fatalf("PutMetricData = %d %s", status, answer)
			}
			if got := s.Metrics(); len(got) != 1 || got[0].Dimensions[0] != (cloudwatch.Dimension{Name: "Bucket", Value: "docs"}) {
				t.Errorf("metrics = %+v, want M of the bucket docs", got)
			}
			if status, answer := send(t, *config.BaseEndpoint, keyID, v.statistics, v.get); status != http.StatusOK || !strings.Contains(answer, v.want) {
				t.Errorf("GetMetricStatistics = %d %s, want %s in it", status, answer, v.want)
			}
			if status, answer := send(t, *config.BaseEndpoint, keyID, v.headers, v.bad); status != http.StatusBadRequest || !strings.Contains(answer, v.fail) {
				t.Errorf("a refused PutMetricData = %d %s, want %s in it", status, answer, v.fail)
			}
		})
	}
}

func TestRequestsThatCannotBeReadAreRefused(t *testing.T) {
	for name, v := range map[string]struct {
		path    string
		headers map[string]string
		body    string
	}{
		"CBOR":                     {"/service/GraniteServiceVersion20100801/operation/PutMetricData", map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}, "\xff\xff"},
		"JSON":                     {"/", map[string]string{"X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData"}, "{"},
		"query":                    {"/", nil, "Version=2010-08-01"},
		"compressed":               {"/", map[string]string{"X-Amz-Target": "GraniteServiceVersion20100801.PutMetricData", "Content-Encoding": "gzip"}, "{}"},
		"a call that there is not": {"/", map[string]string{"X-Amz-Target": "GraniteServiceVersion20100801.DeleteEverything"}, "{}"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, config := start(t, localtest.Everything)
			keyID := localtest.Must(config.Credentials.Retrieve(t.Context()))(t).AccessKeyID
			if status, answer := send(t, *config.BaseEndpoint+v.path, keyID, v.headers, v.body); status != http.StatusBadRequest {
				t.Errorf("answer = %d %s, want 400", status, answer)
			}
		})
	}
}
