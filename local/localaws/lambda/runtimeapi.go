package lambda

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
)

// runtimeAPI is the interface between Lambda and a runtime.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
func (e *environment) runtimeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", e.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", e.ofCurrent(e.response))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", e.ofCurrent(e.failure))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", e.failure)
	return mux
}

// next answers with the next event as soon as there is one.
func (e *environment) next(w http.ResponseWriter, r *http.Request) {
	select {
	case e.polls <- struct{}{}:
	case <-e.exited:
		return
	}
	select {
	case ev := <-e.events:
		writeEvent(w, ev)
	case <-r.Context().Done():
	case <-e.exited:
	}
}

func writeEvent(w http.ResponseWriter, ev event) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Lambda-Runtime-Aws-Request-Id", ev.id)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(ev.deadline.UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", ev.functionARN)
	header.Set("Lambda-Runtime-Trace-Id", traceID(ev.id))
	_, _ = w.Write(ev.payload)
}

// traceID returns an X-Ray header without sampling, made from an id's digits.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func traceID(id string) string {
	return "Root=1-" + id[:8] + "-" + id[9:13] + id[14:18] + id[19:23] + id[24:36] + ";Parent=" + id[:8] + id[24:32] + ";Sampled=0"
}

// ofCurrent accepts only answers to the current invocation.
func (e *environment) ofCurrent(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") != e.request() {
			refuse(w, http.StatusBadRequest, "InvalidRequestID")
			return
		}
		answer(w, r)
	}
}

func (e *environment) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest")
		return
	}
	if kind := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		e.accept(w, failed(kind, "the response broke off"))
		return
	}
	e.accept(w, answer{payload: body})
}

func (e *environment) failure(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest")
		return
	}
	var said struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(body, &said); err != nil {
		said.ErrorType, said.ErrorMessage = r.Header.Get("Lambda-Runtime-Function-Error-Type"), string(body)
	}
	e.accept(w, answer{payload: body, failure: &Failure{Type: said.ErrorType, Message: said.ErrorMessage}})
}

// accept keeps the first answer of an invocation and rejects a second.
func (e *environment) accept(w http.ResponseWriter, a answer) {
	select {
	case e.answers <- a:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"OK"}`)
	default:
		refuse(w, http.StatusForbidden, "InvalidStateTransition")
	}
}

func refuse(w http.ResponseWriter, status int, kind string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": http.StatusText(status)})
}
