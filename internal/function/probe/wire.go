package probe

import (
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/s3-endpoint-guard/internal/aws/awsconfig"
)

// New creates the function from its environment: it reads the configuration, creates its client, and makes no network
// call. The function logs to log and writes its metrics to out.
func New(getenv func(string) string, log *slog.Logger, out io.Writer) (*Function, error) {
	c, err := ReadConfig(getenv)
	sdk, sdkErr := awsconfig.Load(getenv)
	if err := errors.Join(err, sdkErr); err != nil {
		return nil, err
	}
	network := Direct()
	if c.Relay != "" {
		network = Relayed(c.Relay)
	}
	return &Function{
		Probe: &Probe{Config: c, Network: network, Store: &Bucket{API: s3.NewFromConfig(sdk), Name: c.Bucket}, Now: time.Now},
		Log:   log,
		Out:   out,
	}, nil
}
