package healthcheck

import (
	"fmt"
	"time"

	"s3-endpoint-guard/internal/environment"
	"s3-endpoint-guard/internal/health"
)

// Config is what the function is told by its environment. template.yaml sets every variable.
type Config struct {
	environment.Guarded
	// Function is the ARN of the function that corrects.
	Function string
	// Rules are the names of the rules that must wake it.
	Rules []string
	// SweepEvery is the time from one sweep to the next.
	SweepEvery time.Duration
	// IdleAfter is for how long an endpoint must have been unused to be called idle.
	IdleAfter time.Duration
	// CanaryKey is the object that a stranger tries to read.
	CanaryKey string
}

// ReadConfig reads the environment. The error names everything that is wrong with it at once.
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

// sweepGrace is what a sweep's metrics may take to get from its log to where they can be read.
const sweepGrace = 5 * time.Minute

// terms are what a snapshot is judged by. Two sweeps in a row may fail before that counts.
func (c Config) terms() health.Terms {
	return health.Terms{
		Setting: c.Setting, Gateway: c.Gateway, Function: c.Function,
		SweepWithin: 2*c.SweepEvery + sweepGrace, IdleAfter: c.IdleAfter,
	}
}
