package localtest

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
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
	w := httptest.NewRecorder()
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
	answer = w.Result()
	answer.Request, answer.ContentLength = r, int64(w.Body.Len())
	if r.Method == http.MethodHead {
		answer.Body, answer.ContentLength = http.NoBody, 0
	}
	return answer, nil
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
