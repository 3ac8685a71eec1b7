package api

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// maxBody is the maximum size of a request body, in bytes.
const maxBody = 64 << 20

// errBody is the error for a body with invalid framing.
var errBody = &Error{Status: http.StatusBadRequest, Code: "IncompleteBody",
	Message: "The request body terminated unexpectedly"}

// readBody reads a request's body and decodes its aws-chunked encoding. Trailing headers of such a body are added to
// the request's headers.
func readBody(hr *http.Request) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(hr.Body, maxBody+1))
	if err != nil {
		return nil, errBody
	}
	if len(body) > maxBody {
		return nil, &Error{Status: http.StatusBadRequest, Code: "EntityTooLarge",
			Message: "Your proposed upload exceeds the maximum allowed size"}
	}
	if !strings.HasPrefix(hr.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return body, nil
	}
	return unchunk(body, hr.Header)
}

// unchunk decodes the aws-chunked encoding, with or without signatures and trailing headers, and removes it from the
// headers.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unchunk(encoded []byte, header http.Header) ([]byte, error) {
	in := bufio.NewReader(bytes.NewReader(encoded))
	var body []byte
	for {
		chunk, err := readChunk(in)
		if err != nil {
			return nil, errBody
		}
		if len(chunk) == 0 {
			break
		}
		body = append(body, chunk...)
	}
	if declared := header.Get("X-Amz-Decoded-Content-Length"); declared != strconv.Itoa(len(body)) {
		return nil, errBody
	}
	if err := readTrailers(in, header); err != nil {
		return nil, errBody
	}
	dropChunked(header)
	return body, nil
}

// readChunk reads one chunk: its size in hexadecimal, extensions after a semicolon, and its bytes. The last chunk is
// empty, and has no line end after it.
func readChunk(in *bufio.Reader) ([]byte, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	digits, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ";")
	size, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || size > maxBody {
		return nil, errors.New("no chunk size")
	}
	if size == 0 {
		return nil, nil
	}
	chunk := make([]byte, size)
	if _, err := io.ReadFull(in, chunk); err != nil {
		return nil, err
	}
	if end, err := in.ReadString('\n'); err != nil || end != "\r\n" {
		return nil, errors.New("no end of chunk")
	}
	return chunk, nil
}

// readTrailers adds the headers after the last chunk. Some clients omit the empty line at their end.
func readTrailers(in *bufio.Reader, header http.Header) error {
	trailers, err := textproto.NewReader(in).ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for name, values := range trailers {
		if name != "X-Amz-Trailer-Signature" {
			header[name] = values
		}
	}
	return nil
}

// dropChunked removes aws-chunked from the body's encodings.
func dropChunked(header http.Header) {
	var kept []string
	for _, encoding := range strings.Split(header.Get("Content-Encoding"), ",") {
		if encoding = strings.TrimSpace(encoding); encoding != "" && encoding != "aws-chunked" {
			kept = append(kept, encoding)
		}
	}
	if header.Del("Content-Encoding"); len(kept) > 0 {
		header.Set("Content-Encoding", strings.Join(kept, ","))
	}
}
