package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/s3-endpoint-guard/local/board"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/events"
	"example.com/s3-endpoint-guard/local/localaws/lambda"
	"example.com/s3-endpoint-guard/local/localaws/sns"
)

// boardFlags say whether a board is served, and where.
type boardFlags struct {
	on   bool
	port int
}

func (f *boardFlags) flags(flags *pflag.FlagSet) {
	flags.BoolVar(&f.on, "board", false, "serve a page on 127.0.0.1 that shows all of it as it happens, with a button for each attack")
	flags.IntVar(&f.port, "board-port", 0, "the `PORT` of the board (default: a free one)")
}

// check refuses a port without a board.
func (f *boardFlags) check(command *cobra.Command) error {
	if command.Flags().Changed("board-port") && !f.on {
		return misused(command, errors.New("--board-port needs --board"))
	}
	return nil
}

// keptCalls is how many calls the local AWS keeps while a board sends requests for hours. A scene makes fewer.
const keptCalls = 20_000

// spectator passes what happens on a local AWS to a board.
type spectator struct {
	board *board.Board
	// watched is nil until the stack is deployed, because its creation is not shown, and after it is no longer shown.
	watched atomic.Pointer[callers]
}

// hooks returns options of a local AWS with the spectator's hooks, in addition to those that are set.
func (s *spectator) hooks(o localaws.Options) localaws.Options {
	log, messages := o.Log, o.Messages
	o.Recorded, o.Delivered = s.recorded, s.delivered
	o.Log = func(function string, line lambda.Line) {
		if log != nil {
			log(function, line)
		}
		s.logged(function, line)
	}
	o.Messages = func(topicARN string, m sns.Message, to []sns.Subscription) {
		if messages != nil {
			messages(topicARN, m, to)
		}
		s.message(m)
	}
	return o
}

// detail are the parts of an event that the board shows.
type detail struct {
	EventID         string `json:"eventID"`
	EventName       string `json:"eventName"`
	ErrorCode       string `json:"errorCode"`
	SourceIPAddress string `json:"sourceIPAddress"`
	UserIdentity    struct {
		Type           string `json:"type"`
		ARN            string `json:"arn"`
		AccountID      string `json:"accountId"`
		InvokedBy      string `json:"invokedBy"`
		SessionContext struct {
			SessionIssuer struct {
				UserName string `json:"userName"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
}

// detailOf reads an event as it is delivered.
func detailOf(text []byte) detail {
	var event struct{ Detail detail }
	_ = json.Unmarshal(text, &event) // the detail of other events is empty
	return event.Detail
}

// actor is a short name of the caller.
func (d detail) actor() string {
	if _, name, ok := strings.Cut(d.UserIdentity.ARN, ":user/"); ok {
		return name
	}
	if _, name, ok := strings.Cut(d.UserIdentity.ARN, ":assumed-role/"); ok {
		return name
	}
	return strings.TrimSpace(d.UserIdentity.Type + " " + d.UserIdentity.AccountID)
}

// ownRoles are the roles of the stack's functions, whose writes are no changes by others.
var ownRoles = []string{"RemediateRole", "HealthcheckRole", "ProbeRole", "TeardownRole"}

func (s *spectator) recorded(e events.Event, rules []string) {
	c := s.watched.Load()
	if c == nil {
		return
	}
	s.board.Changed()
	text, _ := json.Marshal(e) // an event is JSON
	d := detailOf(text)
	role := d.UserIdentity.SessionContext.SessionIssuer.UserName
	if d.UserIdentity.InvokedBy != "" || slices.ContainsFunc(ownRoles, func(id string) bool { return role != "" && c.stack.Physical(id) == role }) {
		return
	}
	for i, rule := range rules {
		rules[i] = c.shortRule(rule)
	}
	s.board.Recorded(board.Event{ID: d.EventID, Name: d.EventName, Actor: d.actor(), Source: d.SourceIPAddress, Failed: d.ErrorCode, Rules: rules})
}

// shortRule returns the logical id of a rule of the stack, for its name; for a rule of another stack its name.
func (c *callers) shortRule(name string) string { return cmp.Or(c.stack.LogicalID(name), name) }

func (s *spectator) delivered(d events.Delivery) {
	if s.watched.Load() != nil && d.Err == nil {
		if id := detailOf(d.Event).EventID; id != "" {
			s.board.Delivered(id)
		}
	}
}

// Limits of the texts of a difference, and of the number of differences of each side.
const (
	maxBoardText        = 160
	maxBoardDifferences = 8
)

func (s *spectator) logged(function string, line lambda.Line) {
	if s.watched.Load() == nil || shortName(function) != "RemediateFunction" {
		return
	}
	var l logLine
	if json.Unmarshal([]byte(line.Text), &l) != nil || l.Trigger.Kind == "" {
		return // metrics, and the platform's output
	}
	c := l.correction()
	s.board.Logged(board.Result{
		EventID: l.Trigger.EventID, Trigger: c.Trigger, Property: c.Resource, Outcome: c.Outcome, Verdict: c.Verdict, Allowed: c.Allowed,
		Removed: few(c.Difference, true), Added: few(c.Difference, false), Error: shorten(c.Error, 3*maxBoardText), RunMs: c.ElapsedMs,
	})
}

// few returns the names of the first differences of one side, and how many there are in addition.
func few(all []difference, removed bool) []string {
	names := named(all, removed)
	for i, name := range names {
		names[i] = shorten(name, maxBoardText)
	}
	if len(names) > maxBoardDifferences {
		more := count(len(names)-maxBoardDifferences, "more item")
		names = append(names[:maxBoardDifferences:maxBoardDifferences], more)
	}
	return names
}

// message shows a message, except of an alarm that ends: a new stack sends thirty of those in its first minutes.
func (s *spectator) message(m sns.Message) {
	if s.watched.Load() == nil {
		return
	}
	var alarm alarmMessage
	body := m.Body
	if json.Unmarshal([]byte(body), &alarm) == nil && alarm.AlarmName != "" {
		if alarm.NewStateValue == "OK" {
			return
		}
		body = alarm.AlarmDescription + "\n\n" + alarm.NewStateReason
	}
	s.board.Message(board.Message{Subject: m.Subject, Body: body, At: time.Now()})
}

// Values of a choice: when CloudTrail's event of an attack arrives.
const (
	eventLate = "late"
	eventNow  = "now"
	eventLost = "lost"
)

// eventDelay is the delay of a late event. AWS usually needs some seconds (docs/facts.md, CloudTrail through EventBridge).
const eventDelay = 2 * time.Second

// shows returns what a board shows. attack runs an attack with the chosen arrival of its event.
func (c *callers) shows(title, version string, attack func(ctx context.Context, a attack, event string) error) (board.Show, error) {
	show := board.Show{
		Title: title, Subject: c.bucket + " behind " + c.endpoint,
		Choices: []board.Choice{
			{Value: eventLate, Title: fmt.Sprintf("after %g s", eventDelay.Seconds())}, {Value: eventNow, Title: "at once"}, {Value: eventLost, Title: "never"},
		},
		Panel: c.panel,
	}
	probes, err := c.probes(version)
	if err != nil {
		return show, err
	}
	show.Probes = probes
	for _, a := range attacks {
		commands, err := a.commands(c)
		if err != nil {
			return show, err
		}
		show.Attacks = append(show.Attacks, board.Action{
			Name: a.name, Title: a.title, Effect: a.effect, Command: commands,
			Run: func(ctx context.Context, form url.Values) error { return attack(ctx, a, form.Get("event")) },
		})
	}
	return show, nil
}

// panel returns the alarms and the dashboard. A stack without a dashboard shows the alarms alone.
func (d *deployed) panel() board.Panel {
	var p board.Panel
	for _, a := range d.cloud.CloudWatch.Alarms() {
		p.Alarms = append(p.Alarms, board.Alarm{
			Name: strings.TrimPrefix(a.Name, d.stack.Name()+"-"), State: a.State, Description: a.Description,
		})
	}
	if b, err := d.board(); err == nil {
		b.Span = time.Hour
		p.Draw(b, d, d.cloud.Clock.Now())
	}
	return p
}

// probeLimit is the time limit of a request of the matrix.
const probeLimit = 5 * time.Second

// probes returns the requests of the matrix: of each caller by each path. version is a version of the object.
func (c *callers) probes(version string) ([]board.Probe, error) {
	inside, err := c.cloud.Through(c.endpoint)
	if err != nil {
		return nil, err
	}
	insidePlain, err := c.cloud.ThroughPlain(c.endpoint)
	if err != nil {
		return nil, err
	}
	var probes []board.Probe
	for _, who := range []struct {
		name   string
		caller api.Caller
	}{
		{"Anonymous caller", c.cloud.Stranger()}, {"Another account", c.cloud.OtherAccount()},
		{"An administrator", c.cloud.Admin()}, {"The app", c.stack.Workload()},
	} {
		for _, path := range []struct{ name, url string }{
			{"Internet", c.cloud.Internet()}, {"VPC endpoint", inside}, {"Endpoint, without TLS", insidePlain},
		} {
			client := c.once(who.caller, path.url)
			probe := board.Probe{Caller: who.name, Path: path.name}
			probe.Requests = []board.Request{c.tryList(client), c.tryRead(client, "read", nil), c.tryRead(client, "versions", &version)}
			if who.name == "The app" && path.url == inside {
				probe.Wanted, probe.Requests = true, probe.Requests[1:2]
			}
			probes = append(probes, probe)
		}
		probes = append(probes, board.Probe{Caller: who.name, Path: "Endpoint, to a foreign bucket",
			Requests: []board.Request{tryWrite(c.once(who.caller, inside))}})
	}
	return probes, nil
}

// once returns a client that does not repeat its requests.
func (c *callers) once(caller api.Caller, url string) *s3.Client {
	return s3.NewFromConfig(c.cloud.Config(caller, url), func(o *s3.Options) { o.UsePathStyle, o.RetryMaxAttempts = true, 1 })
}

// try makes a request of a call.
func try(name string, call func(context.Context) error) board.Request {
	return board.Request{Name: name, Send: func(ctx context.Context) (board.Access, string) {
		ctx, cancel := context.WithTimeout(ctx, probeLimit)
		defer cancel()
		return accessOf(call(ctx))
	}}
}

// accessOf returns what an answer says about access. A caller who learns that an object does not exist has access.
func accessOf(err error) (board.Access, string) {
	var refusal smithy.APIError
	switch {
	case err == nil:
		return board.Allowed, ""
	case !errors.As(err, &refusal):
		return board.Unclear, "no answer"
	case refusal.ErrorCode() == "AccessDenied":
		return board.Refused, ""
	case refusal.ErrorCode() == "NoSuchKey", refusal.ErrorCode() == "NoSuchVersion":
		return board.Allowed, ""
	}
	return board.Unclear, refusal.ErrorCode()
}

func (c *callers) tryList(client *s3.Client) board.Request {
	return try("list", func(ctx context.Context) error {
		_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &c.bucket, MaxKeys: aws.Int32(1)})
		return err
	})
}

func (c *callers) tryRead(client *s3.Client, name string, version *string) board.Request {
	return try(name, func(ctx context.Context) error {
		out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &c.bucket, Key: aws.String(objectKey), VersionId: version})
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, out.Body)
		return errors.Join(err, out.Body.Close())
	})
}

// tryWrite makes the request with which data leaves to the bucket of another account.
func tryWrite(client *s3.Client) board.Request {
	return try("write", func(ctx context.Context) error {
		_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(collector), Key: aws.String("board.txt"), Body: strings.NewReader(objectText)})
		return err
	})
}

// openBoard serves a board and keeps it up to date until the context ends and the returned function is called.
func openBoard(ctx context.Context, b *board.Board, f boardFlags) (address string, closeBoard func() error, err error) {
	address, closeServer, err := b.Open(ctx, f.port)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.Run(ctx)
	}()
	return address, func() error {
		cancel()
		<-ended
		return closeServer()
	}, nil
}

// announce prints the address of a board.
func announce(w io.Writer, address string) {
	fmt.Fprintf(w, "# The board: %s\n", address)
}
