// Package propagation makes calls that AWS may deny although the permission has been granted: policies of roles and resources take
// effect with a delay. Source: docs/facts.md, CloudFormation (IAM: eventual consistency).
package propagation

import (
	"context"
	"time"

	"example.com/s3-endpoint-guard/internal/aws/errorcode"
	"example.com/s3-endpoint-guard/internal/timeleft"
)

const (
	// Longest is how long a new permission may take to be in effect: Terraform's provider waits that long.
	Longest = 2 * time.Minute
	// Pause is the pause before a call is made again.
	Pause = 3 * time.Second
)

// WhileDenied repeats a call that AWS denies, until a time at which the denial no longer counts as a delay.
func WhileDenied(ctx context.Context, until time.Time, call func() error) error {
	for {
		err := call()
		if !errorcode.Denied(err) || time.Now().Add(Pause).After(until) || timeleft.Wait(ctx, Pause) != nil {
			return err
		}
	}
}
