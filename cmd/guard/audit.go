package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/aws/survey"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// exitStopped is the exit code of guard audit after Ctrl-C or SIGTERM: 128 + SIGINT, as a shell has it.
const exitStopped = 130

// auditor judges the buckets and VPC endpoints of an account.
type auditor struct {
	place
	lock        lockFlags
	buckets     []string // names and patterns
	endpoints   []string
	stacks      []string
	onlyBuckets []string
	all, exact  bool
	json, sarif bool
	html        string
	concurrency int

	out, err    io.Writer
	interactive bool // standard error is a terminal
	pace        *survey.Pacer
	reader      *survey.Reader
	given       lock.Lock
	beside      []audit.Endpoint // the endpoints that belong to the buckets
	results     *auditResults
}

// mostConcurrency is the highest value of --concurrency.
const mostConcurrency = 256

func auditCommand() *cobra.Command {
	a := &auditor{}
	c := &cobra.Command{
		Use:   "audit --bucket NAME | --vpc-endpoint ID | --stack NAME | --all",
		Short: "Judge the buckets and VPC endpoints of an account",
		Long: `Audit reads buckets and VPC endpoints of an account, and judges them as the guard does: what is allowed that
must be denied, the statement that allows it, and what the guard would write. It writes nothing, and needs no deployed guard.

What is judged: the buckets --bucket (* stands for any text; such names are looked for in the Region), the endpoints
--vpc-endpoint, the buckets and the endpoints for S3 of the stacks --stack, or with --all those of the Region. A bucket that
is named is followed to its own Region. Of a stack of this project's template only the guarded bucket is judged, not that of
the trail.

The lock. A bucket's data may be reached only over TLS, through the endpoints --vpce (or those of --vpc), and by the roles
--role. An endpoint may serve only principals and buckets of the account. What the flags leave out is guessed from each
policy, and from the endpoints of the stack or the Region, and said. A guess trusts the policy: give the flags to find an
exception that should not be there. A policy may have more statements than the lock, or other words, if it allows nothing
that the lock denies; with --exact it must be the lock.

Output, as results come and in the order of the listing: text; --json, one object a line; --sarif (2.1.0); with --html also
a page. Standard error has the progress, and what could not be read. The exit code is 0 if all is locked; 1 if something
is open, or has drifted; 2 if that cannot be told; 130 after Ctrl-C or SIGTERM, which prints what there is. A permission that
is missing costs only what needs it: the rest is judged, and the permission is named.

Calls: three a bucket, at most --concurrency at a time, fewer while AWS throttles. The permissions needed:
s3:GetBucketPolicy, s3:GetBucketPublicAccessBlock, s3:GetBucketOwnershipControls, ec2:DescribeVpcEndpoints,
s3:GetAccountPublicAccessBlock (for a note); with --all or a * s3:ListAllMyBuckets, with --stack
cloudformation:ListStackResources. Credentials, Region and the addresses of the services
are found as the AWS CLI finds them.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			a.out, a.err = c.OutOrStdout(), c.ErrOrStderr()
			a.interactive = term.IsTerminal(int(os.Stderr.Fd()))
			if err := a.check(); err != nil {
				return misused(c, err)
			}
			return a.run(c.Context())
		},
	}
	f := c.Flags()
	f.StringSliceVar(&a.buckets, "bucket", nil, "`NAME` of a bucket, may have * (repeatable)")
	f.StringSliceVar(&a.endpoints, "vpc-endpoint", nil, "`ID` of a VPC endpoint to judge (repeatable)")
	f.StringSliceVar(&a.stacks, "stack", nil, "`NAME` of a stack whose buckets and endpoints are judged (repeatable)")
	f.BoolVar(&a.all, "all", false, "judge all buckets and endpoints for S3 of the Region")
	a.lock.flags(f)
	a.lock.roleFlags(f)
	f.StringSliceVar(&a.onlyBuckets, "only-bucket", nil,
		"`NAME` of a bucket that endpoints may serve (repeatable; default all of the account)")
	f.StringVar(&a.profile, "profile", "", "`NAME` of a profile in the shared AWS configuration")
	f.StringVar(&a.endpoint, "endpoint-url", "", "`ADDRESS` of all services, if not AWS's")
	f.IntVar(&a.concurrency, "concurrency", 16, "`NUMBER` of calls at a time, at most")
	f.BoolVar(&a.exact, "exact", false, "the policies must be the lock, without other statements")
	f.BoolVar(&a.json, "json", false, "print one JSON object a line")
	f.BoolVar(&a.sarif, "sarif", false, "print SARIF 2.1.0")
	f.StringVar(&a.html, "html", "", "also write a page to `FILE`")
	c.SetFlagErrorFunc(misused)
	return c
}

// check finds wrong usage before a call is made.
func (a *auditor) check() (err error) {
	if a.given, err = a.lock.lock(); err != nil {
		return err
	}
	a.given.OnlyBuckets = a.onlyBuckets
	a.given.Region, a.region = "", a.lock.region // each bucket has its own Region
	switch {
	case len(a.buckets)+len(a.endpoints)+len(a.stacks) == 0 && !a.all:
		return errors.New("--bucket, --vpc-endpoint, --stack or --all is missing")
	case a.json && a.sarif:
		return errors.New("--json and --sarif: want at most one")
	case a.concurrency < 1 || a.concurrency > mostConcurrency:
		return fmt.Errorf("--concurrency %d: want 1 to %d", a.concurrency, mostConcurrency)
	}
	for _, id := range a.endpoints {
		if err := checkEndpointID(id); err != nil {
			return err
		}
	}
	for _, name := range a.buckets {
		if isPattern(name) {
			if _, err := path.Match(name, ""); err != nil {
				return fmt.Errorf("--bucket %s: %w", name, err)
			}
		} else if err := checkBucketName(name); err != nil {
			return err
		}
	}
	return nil
}

func isPattern(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// run judges everything that is selected.
func (a *auditor) run(parent context.Context) error {
	ctx, stop := interruptible(parent)
	defer stop()
	sdk, err := a.load(ctx)
	if err != nil {
		return &exitError{exitUnjudged, err}
	}
	style, err := addressingStyle(a.profile)
	if err != nil {
		return &exitError{exitUnjudged, fmt.Errorf("reading the AWS configuration: %w", err)}
	}
	sdk.Retryer = survey.Retryer
	a.pace = survey.NewPacer(a.concurrency)
	if a.results, err = newAuditResults(a); err != nil {
		return &exitError{exitUnjudged, err}
	}
	a.reader = &survey.Reader{Home: sdk.Region, Pace: a.pace, Client: perRegion(func(region string) survey.S3 {
		there := sdk.Copy()
		there.Region = region
		return a.client(there, style)
	})}
	if a.reader.Account = a.given.Account; a.reader.Account == "" {
		a.reader.Account = a.caller(ctx, sdk)
	}
	a.reader.AccountBlock = a.accountBlock(ctx, sdk)
	names, endpoints := a.selected(ctx, sdk)
	a.results.listed(len(endpoints))
	err = a.judge(ctx, names)
	for _, e := range endpoints {
		if a.sarif {
			s := iampolicy.Setting{Partition: lock.PartitionOf(e.Region), Region: e.Region, Account: e.Account, EndpointID: e.ID}
			e.Policy.Origin.Address = s.EndpointARN()
		}
		err = errors.Join(err, a.results.add(auditResult{Result: audit.JudgeEndpoint(e, a.given, modeOf(a.exact)), Region: e.Region}))
	}
	return a.results.end(ctx.Err() != nil, err)
}

// perRegion makes a client for each Region once.
func perRegion(make func(region string) survey.S3) func(region string) survey.S3 {
	var mu sync.Mutex
	clients := map[string]survey.S3{}
	return func(region string) survey.S3 {
		mu.Lock()
		defer mu.Unlock()
		if clients[region] == nil {
			clients[region] = make(region)
		}
		return clients[region]
	}
}

// caller returns the account of the credentials; "" if it cannot be had.
func (a *auditor) caller(ctx context.Context, sdk aws.Config) (account string) {
	err := a.pace.Do(ctx, func(ctx context.Context) (err error) {
		_, account, err = whoAmI(ctx, sdk)
		return err
	})
	if err != nil && ctx.Err() == nil {
		a.results.note("the account is not known, so it is guessed from each policy; --account names it: " + err.Error())
	}
	return account
}

// target is a bucket to judge. Its Region is "" if it is not known.
type target struct{ name, region string }

// selected returns the buckets and the endpoints to judge. What cannot be read is among the results' errors.
func (a *auditor) selected(ctx context.Context, sdk aws.Config) (iter.Seq[target], []audit.Endpoint) {
	var named []target
	wanted := slices.Clone(a.endpoints)
	var patterns []string
	for _, name := range a.buckets {
		if isPattern(name) {
			patterns = append(patterns, name)
		} else {
			named = append(named, target{name: name})
		}
	}
	stacked := false
	for _, name := range a.stacks {
		stack, err := survey.ReadStack(ctx, cloudformation.NewFromConfig(sdk), a.pace, name)
		a.results.failed(ctx, err)
		for _, b := range stack.Buckets {
			named = append(named, target{name: b, region: sdk.Region})
		}
		if len(stack.Others) > 0 {
			others := strings.Join(stack.Others, ", ")
			a.results.note("not judged, because the guard of stack " + name + " does not guard them: " + others)
		}
		switch {
		case err != nil:
		case stack.Adopts:
			a.results.failed(ctx, fmt.Errorf("stack %s guards what is not part of it: give its BucketNames to --bucket, its VpcEndpointIds to "+
				"--vpc-endpoint and --vpce, and the roles to --role", name))
		case len(stack.Buckets)+len(stack.Endpoints) == 0:
			a.results.failed(ctx, fmt.Errorf("stack %s has no bucket and no VPC endpoint", name))
		}
		wanted, stacked = append(wanted, stack.Endpoints...), true
	}
	endpoints := a.readEndpoints(ctx, sdk, wanted, stacked)
	if a.all {
		patterns = []string{"*"}
	}
	return a.targets(ctx, sdk.Region, named, patterns), endpoints
}

// readEndpoints reads the endpoints, keeps those that belong to the buckets, and returns those to judge.
func (a *auditor) readEndpoints(ctx context.Context, sdk aws.Config, wanted []string, stacked bool) []audit.Endpoint {
	toJudge := a.all || len(wanted) > 0
	if !toJudge && len(a.given.EndpointIDs)+len(a.given.VPCIDs) > 0 {
		return nil // nothing is guessed from them
	}
	found, err := survey.Endpoints(ctx, ec2.NewFromConfig(sdk), a.pace, sdk.Region)
	switch {
	case err != nil && toJudge:
		a.results.failed(ctx, err)
	case err != nil && ctx.Err() == nil:
		a.results.note("no endpoint is guessed for buckets whose policy names none: " + err.Error())
	}
	a.beside = found
	if a.all {
		return found
	}
	chosen := slices.DeleteFunc(slices.Clone(found), func(e audit.Endpoint) bool { return !slices.Contains(wanted, e.ID) })
	for _, id := range a.endpoints {
		if err == nil && !slices.ContainsFunc(chosen, func(e audit.Endpoint) bool { return e.ID == id }) {
			a.results.failed(ctx, fmt.Errorf("there is no VPC endpoint %s for S3 in Region %s", id, sdk.Region))
		}
	}
	if stacked || len(chosen) > 0 {
		a.beside = chosen
	}
	return chosen
}

// targets yields the named buckets, and then those of the Region that a pattern matches, each once.
func (a *auditor) targets(ctx context.Context, region string, named []target, patterns []string) iter.Seq[target] {
	return func(yield func(target) bool) {
		seen := map[string]bool{}
		for _, t := range named {
			if !seen[t.name] && !yield(t) {
				return
			}
			seen[t.name] = true
		}
		if len(patterns) == 0 {
			return
		}
		prefix, matched := "", false
		if len(patterns) == 1 {
			prefix = patterns[0][:strings.IndexAny(patterns[0], `*?[\`)]
		}
		for name, err := range survey.Buckets(ctx, a.reader.Client(region), a.pace, region, prefix) {
			if err != nil {
				a.results.failed(ctx, err)
				return
			}
			if seen[name] || !matchesOne(patterns, name) {
				continue
			}
			if matched = true; !yield(target{name, region}) {
				return
			}
		}
		if !matched && !a.all {
			a.results.failed(ctx, fmt.Errorf("no bucket in Region %s has a name that --bucket gives: %s", region,
				strings.Join(patterns, ", ")))
		}
	}
}

// matchesOne reports whether one of the patterns matches a name.
func matchesOne(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		matches, _ := path.Match(p, name)
		return matches
	})
}

// judge judges the buckets concurrently and adds the results in their order. At most a few times as many buckets as calls are
// held at a time, so that the memory does not depend on the number of buckets.
func (a *auditor) judge(parent context.Context, names iter.Seq[target]) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	slots := make(chan chan auditResult, 4*a.concurrency)
	processors := make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1)) // one is left for the calls: they must not wait for the judge
	go func() {
		defer close(slots)
		for t := range names {
			slot := make(chan auditResult, 1)
			select {
			case slots <- slot:
			case <-ctx.Done():
				return
			}
			a.results.listed(1)
			go func() {
				defer close(slot)
				found := a.reader.Bucket(ctx, t.name, t.region)
				if ctx.Err() == nil || len(found.Failures) == 0 { // else it was interrupted
					processors <- struct{}{}
					slot <- a.result(found)
					<-processors
				}
			}()
		}
		a.results.listedAll()
	}()
	var failure error
	for slot := range slots {
		result, finished := <-slot
		if !finished || failure != nil {
			continue
		}
		if failure = a.results.add(result); failure != nil {
			cancel()
		}
	}
	return failure
}

// result judges a bucket.
func (a *auditor) result(found survey.Bucket) auditResult {
	if a.sarif {
		locate(&found.Bucket)
	}
	r := auditResult{Result: audit.JudgeBucket(found.Bucket, a.beside, a.given, modeOf(a.exact)), Region: found.Region}
	for _, f := range found.Failures {
		if f.Missing() {
			r.Missing = append(r.Missing, f.Permission)
		} else {
			r.Failures = append(r.Failures, f.Error())
		}
	}
	return r
}

// locate sets the bucket's ARN as the place of all findings about it.
func locate(b *audit.Bucket) {
	at := audit.Origin{Address: iampolicy.BucketARN(lock.PartitionOf(b.Region), b.Name)}
	b.Policy.Origin = at
	if b.PublicAccessBlock != nil {
		b.PublicAccessBlock.Origin = at
	}
	if b.Ownership != nil {
		b.Ownership.Origin = at
	}
}
