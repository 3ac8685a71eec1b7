package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"example.com/s3-endpoint-guard/local/localaws/cloudwatch"
	"example.com/s3-endpoint-guard/local/localaws/vpcnet"
)

// healthStory are the scenes of monitoring. They come before the attacks, because an attack keeps an alarm in ALARM
// for a quarter of an hour.
var healthStory = []scene{
	{title: "Health: minutes pass, and in each one the health check and two probes run", play: healthy, gives: minutesPassed},
	{title: "An Availability Zone's interface of the endpoint is lost, and comes back", play: zoneLost,
		needs: []preparation{objectStored, minutesPassed}},
	{title: "The VPC's DNS resolves S3's name to another address", play: redirected, needs: []preparation{minutesPassed}},
	{title: "An intruder switches the guard's alarm bell off: a rule is disabled", play: ruleDisabled,
		needs: []preparation{minutesPassed}},
}

// afterStory shows what monitoring recorded of the attacks, and the deletion of the stack.
var afterStory = []scene{
	{title: "What the watch saw of it all", play: aftermath, needs: []preparation{minutesPassed, driftSeen}},
	{title: "The stack is deleted, with 50,000 versions in its bucket and one of them locked", play: deleteStack},
}

// healthyMinutes is how long the health check and the probes run before the first faults.
const healthyMinutes = 6

// none is the text if no alarm is in ALARM.
const none = "none"

// ringing names the alarms in ALARM, without the stack's name.
func (s *stage) ringing() string {
	var names []string
	for _, a := range s.cloud.CloudWatch.Alarms() {
		if a.State == cloudwatch.Alarming {
			names = append(names, strings.TrimPrefix(a.Name, s.stack.Name()+"-"))
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, ", ")
}

// watches advances the clock by minutes and promises which alarms are then in ALARM.
func (s *stage) watches(ctx context.Context, minutes int, promised string) error {
	if err := s.cloud.Pass(ctx, time.Duration(minutes)*time.Minute); err != nil {
		return fmt.Errorf("letting %d minutes pass: %w", minutes, err)
	}
	s.promises("CloudWatch", fmt.Sprintf("after %s, in alarm", count(minutes, "minute")), s.ringing(), promised)
	return nil
}

// draws draws the dashboard in the terminal.
func (s *stage) draws() error {
	board, err := s.board()
	if err != nil {
		return err
	}
	board.Span = time.Hour
	s.teller.board(s.scene, func(w lineWriter) { board.Text(w, s.deployed, s.cloud.Clock.Now(), w.mark) })
	return nil
}

func healthy(ctx context.Context, s *stage) error {
	if err := s.watches(ctx, healthyMinutes, none); err != nil {
		return err
	}
	return s.draws()
}

func zoneLost(ctx context.Context, s *stage) error {
	if s.gateway() {
		s.teller.says(s.scene, "A gateway endpoint has no interfaces: nothing to lose.")
		return nil
	}
	if err := s.setZone(types.NetworkInterfaceStatusAvailable); err != nil {
		return err
	}
	s.teller.says(s.scene, "The interface in "+s.stack.Attribute("SubnetB", "AvailabilityZone")+" is no longer in use.")
	if err := s.watches(ctx, 1, "Guard, ZoneLost"); err != nil {
		return err
	}
	s.reads(ctx, "app", s.app, "through the other zone", success)
	if err := s.setZone(types.NetworkInterfaceStatusInUse); err != nil {
		return err
	}
	s.teller.says(s.scene, "It is back.")
	return s.watches(ctx, 1, none)
}

// gateway reports whether the stack's endpoint is a gateway endpoint.
func (s *stage) gateway() bool { return s.stack.Has("GatewayEndpoint") }

// elsewhere is the address to which the demo changes the DNS name: S3's public address, or, with a gateway endpoint,
// for which public addresses are correct, another server.
func (s *stage) elsewhere() netip.Addr {
	if s.gateway() {
		return netip.MustParseAddr("10.66.6.6")
	}
	return vpcnet.S3Addresses[0]
}

func redirected(ctx context.Context, s *stage) error {
	host := s.stack.Attribute("Bucket", "RegionalDomainName")
	s.cloud.Network.Lie(host, s.elsewhere())
	s.teller.says(s.scene, fmt.Sprintf("%s now leads to %s.", host, s.elsewhere()))
	if err := s.watches(ctx, 2, "Guard, ProbeFailing"); err != nil {
		return err
	}
	step, why := s.probeSays()
	s.promises("probe", "names the step that failed", step, "resolve")
	s.teller.says(s.scene, "probe: "+why)
	s.cloud.Network.Restore()
	s.teller.says(s.scene, "The name leads to the endpoint again.")
	return s.watches(ctx, 2, none)
}

// probeSays returns the step that failed in the probe's latest failing run, and the reason.
func (s *stage) probeSays() (step, why string) {
	for _, line := range slices.Backward(s.cloud.Lambda.Logs(s.stack.Physical("ProbeAFunction"))) {
		var l struct{ Message, Step, Error string }
		if json.Unmarshal([]byte(line.Text), &l) == nil && l.Step != "" {
			return l.Step, l.Error
		}
	}
	return none, none
}

func ruleDisabled(ctx context.Context, s *stage) error {
	s.attacks(ctx, disableTheRule)
	if err := s.watches(ctx, 1, "Guard, RuleOff"); err != nil {
		return err
	}
	s.attacks(ctx, enableTheRule)
	return s.watches(ctx, 1, none)
}

func aftermath(ctx context.Context, s *stage) error {
	return errors.Join(s.watches(ctx, 1, "Guard, OpenDrift"), s.draws())
}

// setZone gives the endpoint's network interface in the second zone a status.
func (s *stage) setZone(status types.NetworkInterfaceStatus) error {
	zone := s.stack.Attribute("SubnetB", "AvailabilityZone")
	for _, n := range s.cloud.EC2.NetworkInterfaces(s.endpoint) {
		if n.Zone == zone {
			return s.cloud.EC2.SetInterfaceStatus(n.ID, string(status))
		}
	}
	return fmt.Errorf("the endpoint has no network interface in %s", zone)
}
