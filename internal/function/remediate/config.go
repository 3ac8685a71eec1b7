package remediate

import (
	"path"
	"strings"

	"example.com/s3-endpoint-guard/internal/aws/notify"
	"example.com/s3-endpoint-guard/internal/environment"
)

// Config is the function's configuration from its environment. template.yaml sets all variables.
type Config struct {
	environment.Guarded
	// StackID and TopicARN are the ARNs of the guard's own stack and notification topic.
	StackID, TopicARN string
	// Format is the format of the messages, Origin what they say beyond the records.
	Format notify.Format
	Origin notify.Origin
	// OldVersionDays is the number of days for which the bucket keeps old versions of objects.
	OldVersionDays int32
	// Observe makes the guard report drift and write nothing.
	Observe bool
	// SecurityHub makes it import findings into Security Hub.
	SecurityHub bool
}

// ReadConfig reads the environment. The error names all wrong variables. Stack and topic are given without the beginning of
// their ARNs, to save space in the environment. Lambda sets the log group.
func ReadConfig(getenv func(string) string) (Config, error) {
	r := environment.New(getenv)
	c := Config{
		Guarded: r.Guarded(),
		Observe: r.Choice("ENFORCEMENT", "Enforce", "Observe") == "Observe",
		Format:  notify.Format(r.Choice("NOTIFY_FORMAT", string(notify.Text), string(notify.AmazonQ))),

		OldVersionDays: int32(r.Number("OLD_VERSION_DAYS")),

		SecurityHub: r.Optional("SECURITY_HUB", environment.Yes) != "",
	}
	stack, s := r.Match("STACK", environment.Stack), c.Setting
	arn := func(service, resource string) string {
		return strings.Join([]string{"arn", s.Partition, service, s.Region, s.Account, resource}, ":")
	}
	c.StackID, c.TopicARN = arn("cloudformation", stack), arn("sns", r.Match("TOPIC", environment.Name))
	c.Origin = notify.Origin{
		Partition: s.Partition, Region: s.Region, Account: s.Account, Bucket: s.Bucket, Stack: path.Base(path.Dir(stack)),
		LogGroup: getenv("AWS_LAMBDA_LOG_GROUP_NAME"), Runbook: r.Optional("RUNBOOK_URL", environment.Address),
	}
	return c, r.Err()
}
