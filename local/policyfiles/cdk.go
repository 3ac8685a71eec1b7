package policyfiles

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// assembly is the manifest of a CDK cloud assembly.
// https://docs.aws.amazon.com/cdk/v2/guide/deploy.html#deploy-how-synth-assemblies
type assembly struct {
	Version   string
	Artifacts map[string]struct {
		Type        string
		Environment string // aws://ACCOUNT/REGION
		Properties  struct{ TemplateFile, DirectoryName string }
	}
}

// maxNesting limits the nesting of assemblies: a stage in a stage.
const maxNesting = 10

// readAssembly reads a cloud assembly: the template of each stack, and the assemblies of its stages.
func (f *Found) readAssembly(manifest string, o Options, depth int) error {
	data, err := os.ReadFile(manifest)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("the folder has no manifest.json: want CDK's cloud assembly (cdk.out)")
	}
	if err != nil {
		return plainError(err)
	}
	var a assembly
	if err := json.Unmarshal(data, &a); err != nil || a.Artifacts == nil || a.Version == "" {
		return errors.New("manifest.json is not that of a cloud assembly")
	}
	if depth > maxNesting {
		return errors.New("the assemblies are nested too deeply")
	}
	folder, stacks := filepath.Dir(manifest), 0
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(a.Artifacts)) {
		artifact := a.Artifacts[name]
		path := artifact.Properties.TemplateFile + artifact.Properties.DirectoryName
		switch artifact.Type {
		case "aws:cloudformation:stack":
			err = f.readStack(folder, path, artifact.Environment, o)
		case "cdk:cloud-assembly":
			if err = isInside(path); err == nil {
				err = f.readAssembly(filepath.Join(folder, path, "manifest.json"), o, depth+1)
			}
		default:
			continue
		}
		stacks++
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", name, err))
		}
	}
	if stacks == 0 {
		return errors.New("the cloud assembly has no stacks")
	}
	return errors.Join(failed...)
}

// isInside refuses a path that leads out of the assembly's folder.
func isInside(path string) error {
	if !filepath.IsLocal(path) {
		return fmt.Errorf("%q is not a path in the assembly", path)
	}
	return nil
}

// readStack reads a stack's template. What the environment says of account and Region counts if --account and --region
// are not given.
func (f *Found) readStack(folder, file, environment string, o Options) error {
	if err := isInside(file); err != nil {
		return err
	}
	account, region, _ := strings.Cut(strings.TrimPrefix(environment, "aws://"), "/")
	if o.Account == "" && account != "unknown-account" {
		o.Account = account
	}
	if o.Region == "" && region != "unknown-region" {
		o.Region = region
	}
	name := filepath.Join(folder, file)
	data, err := os.ReadFile(name)
	if err != nil {
		return plainError(err)
	}
	f.Texts[name] = data
	return f.readTemplate(name, data, o)
}
