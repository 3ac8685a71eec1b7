package healthcheck

import (
	"errors"
	"fmt"
	"log/slog"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
	"example.com/s3-endpoint-guard/internal/aws/inspect"
	"example.com/s3-endpoint-guard/internal/aws/putmetrics"
	"example.com/s3-endpoint-guard/internal/aws/vpcendpoint"
	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/health"
)

// fleetConfig is the configuration for guard.yaml, whose guard has many buckets.
type fleetConfig struct {
	// endpoints are the ids of the VPC endpoints, rules the names of the EventBridge rules that must invoke the guard's function.
	endpoints, rules []string
	// function is the ARN of that function, stack the name of the stack.
	function, stack string
}

// readFleet reads guard.yaml's environment. The error names all wrong variables.
func readFleet(getenv func(string) string) (fleetConfig, error) {
	r := environment.New(getenv)
	s := r.Guard()
	c := fleetConfig{
		endpoints: r.List("VPC_ENDPOINT_IDS", environment.ID("vpce")), rules: readRules(r),
		stack: path.Base(path.Dir(r.Match("STACK", environment.Stack))),
	}
	c.function = fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", s.Partition, s.Region, s.Account, r.Match("FUNCTION", environment.Name))
	return c, r.Err()
}

// newFleet creates the function for guard.yaml: it checks the endpoints and what invokes the guard. The guard itself finds what has
// drifted, at each sweep.
func newFleet(getenv func(string) string, log *slog.Logger) (*Function, error) {
	c, err := readFleet(getenv)
	sdk, sdkErr := awsconfig.Load(getenv)
	if err := errors.Join(err, sdkErr); err != nil {
		return nil, err
	}
	publisher := &putmetrics.Publisher{API: cloudwatch.NewFromConfig(sdk), Stack: c.stack}
	return &Function{
		Criteria: health.Criteria{Fleet: true, Function: c.function},
		Publish:  publisher.Put, Log: log, Now: time.Now,
		Checks: Checks{
			Endpoints: (&vpcendpoint.States{API: ec2.NewFromConfig(sdk), IDs: c.endpoints}).Read,
			Trails:    (&inspect.Trails{API: cloudtrail.NewFromConfig(sdk)}).Read,
			Rules:     (&inspect.Rules{API: eventbridge.NewFromConfig(sdk), Names: c.rules}).Read,
		},
	}, nil
}
