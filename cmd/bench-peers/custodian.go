package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"example.com/s3-endpoint-guard/cmd/internal/installed"
)

// custodianProgram is Cloud Custodian. C7N_PYTHON is the path of a Python that can import c7n.
var custodianProgram = installed.Program{Name: "Cloud Custodian", Variable: "C7N_PYTHON", Version: custodianVersion}

// custodianDriver calls Cloud Custodian's handler.
//
//go:embed custodian.py
var custodianDriver string

// patience is how long a process of Cloud Custodian may take to end after its last event.
const patience = 10 * time.Second

// custodian is Cloud Custodian's Lambda function with one policy, in a process of its own.
type custodian struct {
	python string
	// folder has config.json, the policy as Custodian packs it into its Lambda functions.
	folder string
	// environment has the region, the endpoint and the credentials.
	environment []string

	command *exec.Cmd
	events  io.WriteCloser
	answers *json.Decoder
	said    bytes.Buffer // standard error; read only after the process has ended
}

// ready is what the driver says when it has imported the handler.
type ready struct {
	Version string
	// Imported is how long the import took, in seconds.
	Imported float64
}

// start implements [contender].
func (c *custodian) start(ctx context.Context) (cold time.Duration, err error) {
	began := time.Now()
	if _, err := c.launch(ctx); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// launch starts a process and waits until it has imported the handler.
func (c *custodian) launch(ctx context.Context) (r ready, err error) {
	c.said.Reset()
	c.command = exec.CommandContext(ctx, c.python, "-c", custodianDriver)
	c.command.Dir, c.command.Env, c.command.Stderr, c.command.WaitDelay = c.folder, c.environment, &c.said, patience
	if c.events, err = c.command.StdinPipe(); err != nil {
		return r, err
	}
	output, err := c.command.StdoutPipe()
	if err != nil {
		return r, err
	}
	if err := c.command.Start(); err != nil {
		return r, err
	}
	c.answers = json.NewDecoder(output)
	if err := c.answers.Decode(&r); err != nil {
		return r, c.failed(fmt.Errorf("importing c7n's handler: %w", err))
	}
	return r, nil
}

// run implements [contender]. Its policy restores the drift of all events after any of them, so it gets the last one only: a second run
// at the same time would make the same calls.
func (c *custodian) run(_ context.Context, events [][]byte) (took time.Duration, err error) {
	if _, err := fmt.Fprintf(c.events, "%s\n", events[len(events)-1]); err != nil {
		return 0, c.failed(err)
	}
	var a struct {
		Seconds float64
		Error   string
	}
	if err := c.answers.Decode(&a); err != nil {
		return 0, c.failed(err)
	}
	if a.Error != "" {
		return 0, c.failed(errors.New(a.Error))
	}
	return time.Duration(a.Seconds * float64(time.Second)), nil
}

// processes implements [contender].
func (c *custodian) processes() []int { return []int{c.command.Process.Pid} }

// stop implements [contender].
func (c *custodian) stop() error {
	if c.command == nil || c.command.ProcessState != nil {
		return nil
	}
	_ = c.events.Close() // the driver ends at the end of its events
	return c.command.Wait()
}

// failed ends the process, and returns the error with the last lines that it wrote to standard error.
func (c *custodian) failed(err error) error {
	_ = c.command.Process.Kill()
	_ = c.command.Wait()
	lines := strings.Split(strings.TrimSpace(c.said.String()), "\n")
	return fmt.Errorf("%w\n%s", err, strings.Join(lines[max(0, len(lines)-10):], "\n"))
}

// custodianVersion returns the versions of Cloud Custodian, of its SDK and of the Python.
func custodianVersion(python string) (string, error) {
	c := &custodian{python: python, environment: os.Environ()}
	r, err := c.launch(context.Background())
	if err != nil {
		return "", err
	}
	return r.Version, c.stop()
}

// newCustodian returns Cloud Custodian with a policy. Its credentials are the administrator's: what its role would need is not measured.
func (s *scene) newCustodian(ctx context.Context, python, name string, lean bool) (*custodian, error) {
	folder := filepath.Join(s.folder, name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	config, err := custodianConfig(s, folder, name, lean)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600); err != nil {
		return nil, err
	}
	sdk := s.cloud.Config(s.cloud.Admin(), s.cloud.Internet())
	keys, err := sdk.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	environment := append(os.Environ(), "AWS_ENDPOINT_URL="+*sdk.BaseEndpoint, "AWS_REGION="+sdk.Region, "AWS_DEFAULT_REGION="+sdk.Region,
		"AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey, "AWS_SESSION_TOKEN=",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true", "AWS_CA_BUNDLE=")
	return &custodian{python: python, folder: folder, environment: environment}, nil
}
