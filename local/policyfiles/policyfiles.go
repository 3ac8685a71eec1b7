// Package policyfiles finds bucket and endpoint policies in the files that a pull request has, for package audit:
//
//	Terraform   a plan or a state as JSON, from terraform show -json (terraform.go)
//	CloudFormation, SAM   a template, YAML or JSON (cloudformation.go)
//	CDK         a cloud assembly: the folder cdk.out or its manifest.json (cdk.go)
//	policies    a bucket or endpoint policy, or what the AWS CLI prints (plain.go)
//
// It needs no account. What a file does not say is unknown (audit.Unknown), and stays so. A file that cannot be read is
// an error in [Found].Errors, and does not prevent the reading of the others.
//
// Versions that were tested: see [Tested].
package policyfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/audit"
)

// Tested says with which versions of the tools this package was tested.
const Tested = `Terraform plan and state JSON, format version 1.2 (Terraform 1.11); all 0.x and 1.x are read.
CDK cloud assembly, version 55.0.0 (aws-cdk-lib 2.276).
CloudFormation templates, version 2010-09-09; SAM, AWS::Serverless-2016-10-31.`

// Options says how files are read.
type Options struct {
	// Parameters are values for the parameters of CloudFormation templates.
	Parameters map[string]string
	// Account and Region are those of the stacks and policies; "" if they are not known.
	Account, Region string
	// Kind is what a file with only a policy is; "" if it is to be found out.
	Kind audit.Kind
	// Stdin is what "-" reads.
	Stdin io.Reader
}

// Found is what the files contain.
type Found struct {
	Buckets   []audit.Bucket
	Endpoints []audit.Endpoint
	// Notes says what was assumed, or is not judged; each begins with the file.
	Notes []string
	// Errors are the files that could not be read; each begins with the file.
	Errors []error
	// Texts are the files' texts by name, in which statements can be looked up.
	Texts map[string][]byte

	used map[string]bool // the parameters that a template has
}

// Read reads files and folders.
func Read(names []string, o Options) *Found {
	f := &Found{Texts: map[string][]byte{}, used: map[string]bool{}}
	for _, name := range names {
		if err := f.read(name, o); err != nil {
			f.Errors = append(f.Errors, fmt.Errorf("%s: %w", name, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
		if !f.used[name] {
			f.Errors = append(f.Errors, fmt.Errorf("parameter %s: no template has it", name))
		}
	}
	return f
}

func (f *Found) note(file, format string, args ...any) {
	f.Notes = append(f.Notes, file+": "+audit.Readable(fmt.Sprintf(format, args...)))
}

// maxBytes is the size of the largest file that is read.
const maxBytes = 256 << 20

func (f *Found) read(name string, o Options) error {
	if name != "-" {
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return plainError(err)
		case info.IsDir():
			return f.readAssembly(filepath.Join(name, "manifest.json"), o, 0)
		case info.Size() > maxBytes:
			return fmt.Errorf("%d bytes are too many: want at most %d", info.Size(), maxBytes)
		}
	}
	data, err := readFile(name, o.Stdin)
	if err != nil {
		return plainError(err)
	}
	data = Text(data)
	f.Texts[name] = data
	return f.readData(name, data, o)
}

// plainError returns an error of the file system without the path, which the message has already.
func plainError(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(stdin, maxBytes))
	}
	return os.ReadFile(name)
}

// readData finds out what a file is by its content.
func (f *Found) readData(name string, data []byte, o Options) error {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return errors.New("this is Terraform's own plan file: give what terraform show -json prints of it")
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) == nil {
		has := func(member string) bool { _, ok := object[member]; return ok }
		switch {
		case has("format_version"):
			return f.readTerraform(name, data)
		case has("Resources"):
			return f.readTemplate(name, data, o)
		case has("artifacts") && has("version"):
			return f.readAssembly(name, o, 0)
		}
		return f.readPlain(name, data, object, o)
	}
	if isTerraformLog(data) {
		return errors.New("this is the log of terraform plan -json: give what terraform show -json prints of a plan")
	}
	if isPolicyText(data) {
		return f.readPlain(name, data, nil, o)
	}
	if strings.HasSuffix(name, ".tf") {
		return errors.New("this is Terraform's source: give what terraform show -json prints of a plan")
	}
	return f.readTemplate(name, data, o)
}

// isTerraformLog reports whether a text is what terraform plan -json prints: JSON objects, one a line.
func isTerraformLog(data []byte) bool {
	line, _, _ := bytes.Cut(bytes.TrimSpace(data), []byte("\n"))
	var message struct {
		Level string `json:"@level"`
	}
	return json.Unmarshal(line, &message) == nil && message.Level != ""
}

// isPolicyText reports whether a text that is not JSON was meant as JSON.
func isPolicyText(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) && bytes.Contains(data, []byte(`"Statement"`)) &&
		!bytes.Contains(data, []byte(`"Resources"`))
}

// bucket returns the bucket with a name, and adds it if it is new. A name that is not known is only equal to itself.
func (f *Found) bucket(name string) *audit.Bucket {
	for i := range f.Buckets {
		if f.Buckets[i].Name == name {
			return &f.Buckets[i]
		}
	}
	f.Buckets = append(f.Buckets, audit.Bucket{Name: name, Policy: audit.Document{Unread: notFound}})
	return &f.Buckets[len(f.Buckets)-1]
}

// notFound is why the policy of a bucket is not known if no file has one.
const notFound = "no file has its policy"

// HasPolicy reports whether the policy of a bucket was found, or that it has none.
func HasPolicy(b audit.Bucket) bool { return b.Policy.Unread != notFound }
