package api_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestChunkedBodiesArriveWhole(t *testing.T) {
	const (
		unsigned = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
		signed   = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
		both     = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
	)
	const incomplete = "IncompleteBody: The request body terminated unexpectedly"
	for name, c := range map[string]struct {
		sha256, body string
		length       int
		want         string
	}{
		"not chunked":           {"UNSIGNED-PAYLOAD", "5\r\nhello", 5, "5\r\nhello"},
		"unsigned with trailer": {unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 5, "hello"},
		"trailer without end":   {unsigned, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n", 5, "hello"},
		"signed":                {signed, "5;chunk-signature=aa\r\nhello\r\n1;chunk-signature=ab\r\n!\r\n0;chunk-signature=bb\r\n\r\n", 6, "hello!"},
		"signed with trailer":   {both, "5;chunk-signature=aa\r\nhello\r\n0;chunk-signature=bb\r\nx-amz-checksum-crc32:NhCmhg==\r\nx-amz-trailer-signature:cc\r\n\r\n", 5, "hello"},
		"line ends within":      {unsigned, "c\r\na\r\nb\r\n0\r\nc\r\n\r\n0\r\n\r\n", 12, "a\r\nb\r\n0\r\nc\r\n"},
		"empty":                 {unsigned, "0\r\n\r\n", 0, ""},
		"no size":               {unsigned, "hello\r\n", 5, incomplete},
		"too short":             {unsigned, "9\r\nhello\r\n0\r\n\r\n", 5, incomplete},
		"no end of chunk":       {unsigned, "5\r\nhello0\r\n\r\n", 5, incomplete},
		"another length":        {unsigned, "5\r\nhello\r\n0\r\n\r\n", 6, incomplete},
		"an enormous size":      {unsigned, "ffffffff\r\nhello\r\n0\r\n\r\n", 5, incomplete},
		"nothing at all":        {unsigned, "", 0, incomplete},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, "board")
			hr, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/Write", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			hr.Header.Set("Authorization", authorization(s.admin(), "board"))
			hr.Header.Set("X-Amz-Content-Sha256", c.sha256)
			hr.Header.Set("X-Amz-Decoded-Content-Length", strconv.Itoa(c.length))
			hr.Header.Set("Content-Encoding", "aws-chunked")
			if _, got, err := s.send(hr); err != nil || got != c.want {
				t.Errorf("body = %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestTrailingHeadersJoinTheOthers(t *testing.T) {
	s := newScene(t, "board")
	body := "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
	hr, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/Write", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	hr.Header.Set("Authorization", authorization(s.admin(), "board"))
	hr.Header.Set("X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
	hr.Header.Set("X-Amz-Decoded-Content-Length", "5")
	hr.Header.Set("Content-Encoding", "aws-chunked, gzip")
	if status, text, err := s.send(hr); err != nil || status != 200 {
		t.Fatalf("answer = %d %q %v", status, text, err)
	}
	for name, want := range map[string]string{"X-Amz-Checksum-Crc32": "NhCmhg==", "Content-Encoding": "gzip"} {
		if got := s.board.last.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}
