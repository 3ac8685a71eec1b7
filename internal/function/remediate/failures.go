package remediate

import (
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"example.com/s3-endpoint-guard/internal/guard"
)

// failAgainAfter is the time after which a lasting failure makes an invocation fail again.
const failAgainAfter = time.Hour

// failures remembers the recent failures, so that a lasting failure causes one dead letter per hour instead of one per
// minute. The sweep tries again in any case, and the log, the metrics and the alarms cover all runs. It covers this
// process only: if Lambda runs several, each lets one invocation per hour fail.
type failures struct {
	mu    sync.Mutex
	known map[failure]failed
}

// failure identifies failures that count as the same. It contains no error text, because that includes a request id.
type failure struct {
	property guard.Key
	outcome  guard.Outcome
	missing  bool
}

// failed is an invocation that failed.
type failed struct {
	request string
	at      time.Time
}

// problem is the error of a part of a run that comes after the corrections, by the part's name; its error may be nil.
type problem struct {
	name string
	err  error
}

// joined joins the errors of all problems.
func joined(problems []problem) error {
	var all []error
	for _, p := range problems {
		all = append(all, p.err)
	}
	return errors.Join(all...)
}

// The failures of a run that no record contains. A sender's failures have the sender's name.
const (
	stackFailure  = "stack"
	metricFailure = "metrics"
	notifyFailure = "notifications"
	sweepsFailure = "sweep messages"
)

// news reports whether one of the failures is new, or was first found by this request, which Lambda retries with the
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

// met returns the failures of a run.
func met(report guard.Report, runErr error, problems []problem) []failure {
	var all []failure
	for _, r := range report.Records {
		if r.Error != "" {
			all = append(all, failure{r.Key(), r.Outcome, r.Missing})
		}
	}
	for _, p := range problems {
		if p.err != nil {
			all = append(all, failure{property: guard.Key{Property: p.name}})
		}
	}
	if runErr != nil && errors.Is(runErr, report.StackError) {
		all = append(all, failure{property: guard.Key{Property: stackFailure}})
	}
	return all
}
