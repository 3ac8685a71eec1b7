package remediate

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"s3-endpoint-guard/internal/guard"
)

// failAgainAfter is how long a failure that lasts makes no further invocation fail.
const failAgainAfter = time.Hour

// failures remembers by which failures invocations have failed of late, so that one that lasts ends in one dead letter an
// hour and not in one a minute. The sweep is the next attempt in any case, and the log, the metrics and the alarms tell of
// every run. It knows of this process only: where Lambda runs several, each lets one invocation an hour fail.
type failures struct {
	mu    sync.Mutex
	known map[failure]failed
}

// failure is what two failures have in common that count as the same: an error's text has a request id in it.
type failure struct {
	resource string
	outcome  guard.Outcome
	missing  bool
}

// failed is an invocation that failed.
type failed struct {
	request string
	at      time.Time
}

// The failures of a run that are not a record's.
const (
	stackFailure  = "stack"
	metricFailure = "metrics"
	notifyFailure = "notifications"
)

// news reports whether one of the failures is new, or was met first by this request, which Lambda tries again under the
// same id. It remembers the new ones.
func (f *failures) news(met []failure, request string, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.known, func(_ failure, last failed) bool { return now.Sub(last.at) >= failAgainAfter })
	if f.known == nil {
		f.known = make(map[failure]failed)
	}
	fresh := func(one failure) bool {
		last, ok := f.known[one]
		return !ok || last.request == request
	}
	news := slices.ContainsFunc(met, fresh)
	for _, one := range met {
		if _, ok := f.known[one]; !ok {
			f.known[one] = failed{request, now}
		}
	}
	return news
}

// met are the failures of a run.
func met(report guard.Report, runErr, measureErr, notifyErr error) []failure {
	var all []failure
	for _, r := range report.Records {
		if r.Error != "" {
			all = append(all, failure{r.Resource, r.Outcome, r.Missing})
		}
	}
	for name, err := range map[string]error{metricFailure: measureErr, notifyFailure: notifyErr} {
		if err != nil {
			all = append(all, failure{resource: name})
		}
	}
	if runErr != nil && errors.Is(runErr, report.StackError) {
		all = append(all, failure{resource: stackFailure})
	}
	return all
}
