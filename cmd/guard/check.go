package main

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/lock"
	"example.com/s3-endpoint-guard/local/policyfiles"
)

// exitOpen is the exit code of guard check when a policy is open or has drifted.
const exitOpen = 1

// checker judges the policies in files.
type checker struct {
	lock                lockFlags
	parameters          []string
	buckets             []string // patterns
	onlyBuckets         []string
	kind                string
	exact               bool
	json, sarif, github bool
	found               *policyfiles.Found
}

func checkCommand() *cobra.Command {
	var check checker
	c := &cobra.Command{
		Use:   "check FILE...",
		Short: "Judge the bucket and endpoint policies in the files of a pull request",
		Long: `Check finds bucket policies, endpoint policies, public access blocks and object ownership in files, and
judges them as the guard does: what is allowed that must be denied, the statement that allows it, and what the guard
would write. It needs no account.

FILE is ("-" reads standard input):

  a Terraform plan or state as JSON   terraform plan -out p && terraform show -json p > plan.json
  a CloudFormation or SAM template    with --parameter Key=Value
  CDK's cloud assembly                the folder cdk.out
  a policy                            or what "aws s3api get-bucket-policy" or "aws ec2 describe-vpc-endpoints" printed

Tested with:
` + indent(policyfiles.Tested) + `

The lock. A bucket's data may be reached only over TLS, through the endpoints --vpce (or those of --vpc), and by the
roles --role. An endpoint may serve only principals and buckets of the account. What the flags leave out is guessed
from each policy (the values of aws:SourceVpce; what its Deny statements except), and said. A guess trusts the policy:
give the flags to find an exception that should not be there. A policy may have more statements than the lock, or
other words, if it allows nothing that the lock denies; with --exact it must be the lock. Buckets without a policy in
the files are not judged, unless --bucket names them.

Values that are known only after apply stay unknown. A policy with such values is judged if the verdict does not
depend on them.

Output: text; --json; --sarif (2.1.0), for code scanning; --github, annotations of GitHub Actions. The exit code is 0
if all is locked; 1 if a policy is open, or has drifted; 2 if that cannot be told, a file cannot be read, or the files
have no policy. What could be judged is printed in each case.`,
		Args: arguments(1, 1<<20),
		RunE: func(c *cobra.Command, files []string) error {
			options, given, err := check.read(c)
			if err != nil {
				return misused(c, err)
			}
			check.found = policyfiles.Read(files, options)
			report := check.judge(given)
			if err := check.print(c, report); err != nil {
				return unjudged(c, err)
			}
			if code := report.exitCode(); code != 0 {
				return &exitError{code: code}
			}
			return nil
		},
	}
	f := c.Flags()
	check.lock.flags(f)
	check.lock.roleFlags(f)
	f.StringArrayVar(&check.parameters, "parameter", nil, "a parameter of the templates, as `Key=Value` (repeatable)")
	f.StringSliceVar(&check.buckets, "bucket", nil, "`NAME` of a bucket to judge, may have * (repeatable; default all)")
	f.StringSliceVar(&check.onlyBuckets, "only-bucket", nil,
		"`NAME` of a bucket that endpoints may serve (repeatable; default all)")
	f.StringVar(&check.kind, "kind", "", "what a file with a policy alone is: `bucket or endpoint` (default: guessed)")
	f.BoolVar(&check.exact, "exact", false, "the policies must be the lock, without other statements")
	f.BoolVar(&check.json, "json", false, "print JSON")
	f.BoolVar(&check.sarif, "sarif", false, "print SARIF 2.1.0")
	f.BoolVar(&check.github, "github", false, "print annotations of GitHub Actions")
	c.SetFlagErrorFunc(misused)
	return c
}

// modeOf returns what --exact says.
func modeOf(exact bool) lock.Mode {
	if exact {
		return lock.Exact
	}
	return lock.AtLeast
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// read reads the flags.
func (k *checker) read(c *cobra.Command) (policyfiles.Options, lock.Lock, error) {
	o := policyfiles.Options{
		Parameters: map[string]string{}, Account: k.lock.account, Region: k.lock.region, Stdin: c.InOrStdin(),
	}
	l, err := k.lock.lock()
	if err != nil {
		return o, l, err
	}
	if k.json && k.sarif || k.json && k.github || k.sarif && k.github {
		return o, l, errors.New("--json, --sarif and --github: want at most one")
	}
	l.OnlyBuckets = k.onlyBuckets
	for _, parameter := range k.parameters {
		name, value, ok := strings.Cut(parameter, "=")
		if !ok {
			return o, l, fmt.Errorf("--parameter %s: want Key=Value", parameter)
		}
		o.Parameters[name] = value
	}
	switch o.Kind = audit.Kind(k.kind); o.Kind {
	case "", audit.KindBucket, audit.KindEndpoint:
	default:
		return o, l, fmt.Errorf("--kind %s: want bucket or endpoint", k.kind)
	}
	for _, pattern := range k.buckets {
		if _, err := path.Match(pattern, ""); err != nil {
			return o, l, fmt.Errorf("--bucket %s: %w", pattern, err)
		}
	}
	return o, l, nil
}

// selects reports whether a bucket is to be judged.
func (k *checker) selects(b audit.Bucket) bool {
	if len(k.buckets) == 0 {
		return policyfiles.HasPolicy(b)
	}
	return slices.ContainsFunc(k.buckets, func(pattern string) bool {
		matches, _ := path.Match(pattern, b.Name)
		return matches || pattern == b.Title
	})
}

// judge judges what was found.
func (k *checker) judge(given lock.Lock) *report {
	r := &report{
		Version: versionText(), Results: []audit.Result{}, Notes: append([]string{}, k.found.Notes...), Errors: []string{},
	}
	for _, err := range k.found.Errors {
		r.Errors = append(r.Errors, err.Error())
	}
	var beside []audit.Endpoint
	for _, e := range k.found.Endpoints {
		if !audit.IsUnknown(e.ID) {
			beside = append(beside, e)
		}
	}
	var without []string
	for _, b := range k.found.Buckets {
		if k.selects(b) {
			r.Results = append(r.Results, k.located(audit.JudgeBucket(b, beside, given, modeOf(k.exact))))
		} else if !policyfiles.HasPolicy(b) {
			without = append(without, audit.Readable(cmp.Or(b.Title, b.Name)))
		}
	}
	if len(without) > 0 {
		const note = "not judged, because the files have no policy of them (--bucket judges them): "
		r.Notes = append(r.Notes, note+strings.Join(without, ", "))
	}
	if len(k.buckets) == 0 {
		for _, e := range k.found.Endpoints {
			r.Results = append(r.Results, k.located(audit.JudgeEndpoint(e, given, modeOf(k.exact))))
		}
	}
	if len(r.Results) == 0 && len(r.Errors) == 0 {
		err := errors.New("the files have no bucket policy and no policy of an endpoint for S3")
		if len(k.buckets) > 0 {
			err = errors.New("no bucket in the files has a name that --bucket gives")
		}
		r.Errors = append(r.Errors, err.Error())
	}
	r.Verdict = r.worst()
	return r
}

// located sets the lines of the statements that findings name, where the file has them in plain text.
func (k *checker) located(r audit.Result) audit.Result {
	for i := range r.Findings {
		f := &r.Findings[i]
		if line := lineOfSid(k.found.Texts[f.Origin.File], f.Statement, f.Origin.Line); line > 0 {
			f.Origin.Line = line
		}
	}
	return r
}

// lineOfSid returns the line of the first statement with a Sid, from a line on; 0 if there is none.
func lineOfSid(text []byte, sid string, from int) int {
	if sid == "" || len(text) == 0 {
		return 0
	}
	pattern, err := regexp.Compile(`(^|[\s{,])"?Sid"?\s*:\s*["']?` + regexp.QuoteMeta(sid) + `["']?\s*($|[,}\s])`)
	if err != nil {
		return 0
	}
	for i, line := range strings.Split(string(text), "\n") {
		if i+1 >= from && pattern.MatchString(line) {
			return i + 1
		}
	}
	return 0
}
