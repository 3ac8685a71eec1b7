package localtest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
)

// direct is a transport that calls a handler, without a network.
type direct struct{ handler http.Handler }

// RoundTrip implements [http.RoundTripper]. A handler that cuts the connection causes the error of a reset, or that of the request's
// context if it has ended.
func (d direct) RoundTrip(r *http.Request) (answer *http.Response, err error) {
	arrived, err := arriving(r)
	if err != nil {
		return nil, err
	}
	defer arrived.Body.Close()
	w := &recorder{header: http.Header{}}
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p != http.ErrAbortHandler:
			panic(p)
		case r.Context().Err() != nil:
			answer, err = nil, context.Cause(r.Context())
		default:
			answer, err = nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
		}
	}()
	d.handler.ServeHTTP(w, arrived)
	return w.response(r), nil
}

// arriving returns a request as a server gets it.
func arriving(r *http.Request) (*http.Request, error) {
	target, err := url.ParseRequestURI(r.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	arrived := r.Clone(r.Context())
	arrived.URL, arrived.RequestURI = target, r.URL.RequestURI()
	if arrived.Host == "" {
		arrived.Host = r.URL.Host
	}
	if arrived.Body == nil {
		arrived.Body = http.NoBody
	}
	return arrived, nil
}

// recorder implements [http.ResponseWriter].
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// response returns what was written, as the response to a request. To HEAD there is no body.
func (w *recorder) response(r *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	body := w.body.Bytes()
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}
