package remediate

import "s3-endpoint-guard/internal/environment"

// Config is what the function is told by its environment. template.yaml sets every variable.
type Config struct {
	environment.Guarded
	// StackID and TopicARN are our own stack's and notification topic's ARNs.
	StackID, TopicARN string
	// Observe makes the guard write nothing.
	Observe bool
}

// ReadConfig reads the environment. The error names everything that is wrong with it at once.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := environment.New(getenv)
	c := Config{
		Guarded:  r.Guarded(),
		StackID:  r.Match("STACK_ID", environment.ARN("cloudformation", "stack/")),
		TopicARN: r.Match("TOPIC_ARN", environment.ARN("sns", "")),
		Observe:  r.Choice("ENFORCEMENT", "Enforce", "Observe") == "Observe",
	}
	return c, r.Err()
}
