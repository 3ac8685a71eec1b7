package remediate

import "s3-endpoint-guard/internal/environment"

// Config is the function's configuration from its environment. template.yaml sets all variables.
type Config struct {
	environment.Guarded
	// StackID and TopicARN are the ARNs of the guard's own stack and notification topic.
	StackID, TopicARN string
	// Observe makes the guard report drift and write nothing.
	Observe bool
}

// ReadConfig reads the environment. The error names all wrong variables.
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
