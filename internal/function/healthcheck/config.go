package healthcheck

import (
	"fmt"
	"time"

	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/health"
)

// Config is the function's configuration from its environment. template.yaml sets all variables.
type Config struct {
	environment.Guarded
	// Function is the ARN of the function that corrects drift.
	Function string
	// Rules are the names of the EventBridge rules that must invoke it.
	Rules []string
	// SweepEvery is the interval of the sweeps.
	SweepEvery time.Duration
	// IdleAfter is the time without traffic after which an endpoint counts as idle.
	IdleAfter time.Duration
	// CanaryKey is the key of the object that the anonymous read requests.
	CanaryKey string
}

// ReadConfig reads the environment. The error names all wrong variables.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := environment.New(getenv)
	c := Config{
		Guarded:    r.Guarded(),
		Rules:      r.List("RULES", environment.Name),
		SweepEvery: time.Duration(r.Number("SWEEP_MINUTES")) * time.Minute,
		IdleAfter:  time.Duration(r.Number("IDLE_DAYS")) * 24 * time.Hour,
		CanaryKey:  r.Match("CANARY_KEY", environment.Key),
	}
	function := r.Match("REMEDIATE_FUNCTION", environment.Name)
	c.Function = fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", c.Setting.Partition, c.Setting.Region, c.Setting.Account, function)
	return c, r.Err()
}

// sweepGrace is the time that a sweep's metrics may need from its log to CloudWatch.
const sweepGrace = 5 * time.Minute

// criteria returns the limits for judging a snapshot. Two missed sweeps in a row do not count as a problem.
func (c Config) criteria() health.Criteria {
	return health.Criteria{
		Setting: c.Setting, Gateway: c.Gateway, Function: c.Function,
		SweepWithin: 2*c.SweepEvery + sweepGrace, IdleAfter: c.IdleAfter,
	}
}
