package cfnresponse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"example.com/s3-endpoint-guard/internal/timeleft"
)

const (
	// attemptTimeout limits one attempt to send an answer.
	attemptTimeout = 4 * time.Second
	// firstPause and longestPause limit the pauses between attempts.
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
	// refusalLimit is the number of attempts with refusals (4xx) after which sending stops. A pre-signed URL that has
	// expired does not become valid again.
	refusalLimit = 3
	// withoutDeadline limits the sending if the context has no deadline. If it has one, lastBreath is the time reserved
	// before it for returning an error.
	withoutDeadline = time.Minute
	lastBreath      = 300 * time.Millisecond
)

// deliver sends the answer until it is accepted or the time is over. It ignores cancellation of ctx, but not its
// deadline.
func (r *Responder) deliver(ctx context.Context, to string, a answer) error {
	body, err := a.encode()
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	until := time.Now().Add(withoutDeadline)
	if deadline, ok := ctx.Deadline(); ok {
		until = deadline.Add(-lastBreath)
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	attempts, err := r.persist(ctx, to, body)
	if err != nil {
		return fmt.Errorf("answering CloudFormation (%s, %d attempts): %w", a.Status, attempts, err)
	}
	r.log().Info("answered", "status", a.Status, "reason", a.Reason, "attempts", attempts)
	return nil
}

// persist repeats sending body until it succeeds or must stop, and returns the number of attempts.
func (r *Responder) persist(ctx context.Context, to string, body []byte) (attempts int, err error) {
	refusals := 0
	for pauses := (timeleft.Backoff{First: firstPause, Longest: longestPause}); ; {
		attempts++
		status, err := r.send(ctx, to, body)
		if err == nil {
			return attempts, nil
		}
		if refused(status) {
			if refusals++; refusals == refusalLimit {
				return attempts, err
			}
		}
		if pauses.Wait(ctx) != nil {
			return attempts, err
		}
	}
}

// refused reports whether another attempt is unlikely to succeed. Time-outs and rate limits are temporary.
func refused(status int) bool {
	passes := status == http.StatusRequestTimeout || status == http.StatusTooManyRequests
	return status >= 400 && status < 500 && !passes
}

// send makes one attempt. The status is 0 when there was no answer.
func (r *Responder) send(ctx context.Context, to string, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	// No Content-Type: the URL is signed for a request without one.
	put, err := http.NewRequestWithContext(ctx, http.MethodPut, to, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	response, err := r.client().Do(put)
	if err != nil {
		return 0, withoutURL(err)
	}
	defer response.Body.Close()
	if response.StatusCode/100 == 2 {
		return response.StatusCode, nil
	}
	said, _ := io.ReadAll(io.LimitReader(response.Body, 512)) // only for the error's text
	return response.StatusCode, fmt.Errorf("status %d: %s", response.StatusCode, said)
}

// withoutURL removes the URL from a client's error, because its signature must not be logged.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (r *Responder) client() *http.Client {
	if r.Client != nil {
		return r.Client
	}
	return ownClient
}

// ownClient opens a connection per attempt, so that a broken connection is not used again.
var ownClient = &http.Client{Transport: &http.Transport{
	Proxy:               http.ProxyFromEnvironment,
	DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
	TLSHandshakeTimeout: 2 * time.Second,
	DisableKeepAlives:   true,
}}
