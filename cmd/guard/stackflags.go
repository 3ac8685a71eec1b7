package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	template "example.com/s3-endpoint-guard"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/bootstrap"
	"example.com/s3-endpoint-guard/local/localaws"
	"example.com/s3-endpoint-guard/local/localaws/deployment"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

// stackFlags says which template is deployed onto the local AWS, and with which parameters.
type stackFlags struct {
	template   string // file; "" is the template that this command was built with
	parameters []string
	// existing makes guard.yaml that template, and invents what it must be told.
	existing bool
}

func (d *stackFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&d.template, "template", "", templateUsage)
	flags.StringArrayVar(&d.parameters, "parameter", nil, "a parameter of the template, as Key=Value (repeatable)")
}

// templateUsage describes the flag of each verb that reads the template.
const templateUsage = "a SAM template's `FILE` (default: the template.yaml that this command was built with)"

// loadTemplate reads a template; "" is the one that this command was built with.
func loadTemplate(path string) (*samtemplate.Template, error) {
	if path == "" {
		return samtemplate.LoadFS(template.Files, "template.yaml")
	}
	return samtemplate.Load(path)
}

// plan reads the template and sets its parameters.
func (d *stackFlags) plan() (*samtemplate.Plan, error) {
	parsed, parameters := (*samtemplate.Template)(nil), map[string]string{}
	var err error
	if d.existing && d.template == "" {
		parsed, err = samtemplate.Parse(template.Guard)
	} else {
		parsed, err = loadTemplate(d.template)
	}
	if err != nil {
		return nil, err
	}
	if d.existing {
		parameters["BucketNames"], parameters["VpcEndpointIds"] = lock.InventedBucket, lock.InventedEndpoint
	}
	if err := d.set(parameters); err != nil {
		return nil, err
	}
	return parsed.Plan(samtemplate.Options{Parameters: parameters})
}

// set adds the parameters of the command line.
func (d *stackFlags) set(parameters map[string]string) error {
	for _, parameter := range d.parameters {
		name, value, ok := strings.Cut(parameter, "=")
		if !ok {
			return fmt.Errorf("--parameter %s: want Key=Value", parameter)
		}
		parameters[name] = value
	}
	return nil
}

// deployed is a local AWS with the template's stack in it.
type deployed struct {
	cloud  *localaws.Cloud
	stack  *deployment.Stack
	builds *bootstrap.Builder
}

// build builds all functions of a plan.
func (d *stackFlags) build(plan *samtemplate.Plan) (*bootstrap.Builder, error) {
	builds, err := bootstrap.In(filepath.Dir(d.template))
	if err != nil {
		return nil, err
	}
	for _, r := range plan.Resources() {
		if r.Type != "AWS::Serverless::Function" {
			continue
		}
		if _, err := builds.Path(r.LogicalID); err != nil {
			return nil, errors.Join(err, builds.Close())
		}
	}
	return builds, nil
}

// deploy creates the stack on a new local AWS.
func (d *stackFlags) deploy(ctx context.Context, o localaws.Options) (*deployed, error) {
	plan, err := d.plan()
	if err != nil {
		return nil, err
	}
	builds, err := d.build(plan) // before the clock of the local AWS starts, because the build takes time
	if err != nil {
		return nil, err
	}
	cloud, err := localaws.New(o)
	if err != nil {
		return nil, errors.Join(err, builds.Close())
	}
	stack, err := cloud.Deploy(ctx, plan, builds.Path)
	if err != nil {
		return nil, errors.Join(err, cloud.Close(), builds.Close())
	}
	return &deployed{cloud, stack, builds}, nil
}

func (d *deployed) close() error { return errors.Join(d.cloud.Close(), d.builds.Close()) }
