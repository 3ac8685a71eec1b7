package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// question is one request that flags describe.
type question struct {
	bucketPolicy, endpointPolicy string
	identityPolicies             []string
	action, as                   string
	bucket, key, account         string
	endpoint, vpc, sourceIP      string
	plainHTTP, json              bool
	context                      []string

	assumed []string // what was guessed
}

func (q *question) flags(flags *pflag.FlagSet) {
	flags.StringVar(&q.bucketPolicy, "bucket-policy", "", "`FILE` with the bucket's policy")
	flags.StringVar(&q.endpointPolicy, "endpoint-policy", "", "`FILE` with the endpoint's policy")
	flags.StringArrayVar(&q.identityPolicies, "identity-policy", nil, "`FILE` with a policy of the caller (repeatable)")
	flags.StringVar(&q.action, "action", "", "the `ACTION`, e.g. s3:GetObject")
	flags.StringVar(&q.as, "as", "", "the caller: an `ARN`, a service's name, or anonymous")
	flags.StringVar(&q.bucket, "bucket", "", "the bucket's `NAME`")
	flags.StringVar(&q.key, "key", "", "the object's `KEY` (default thankyou.txt)")
	flags.StringVar(&q.account, "account", "", "the `ID` of the account that owns the bucket")
	flags.StringVar(&q.endpoint, "vpce", "", "`ID` of the endpoint through which the request comes")
	flags.StringVar(&q.vpc, "vpc", "", "`ID` of the VPC from which it comes")
	flags.StringVar(&q.sourceIP, "source-ip", "", "the caller's `ADDRESS`, public, or with --vpce in the VPC")
	flags.BoolVar(&q.plainHTTP, "plain-http", false, "without TLS")
	flags.StringArrayVar(&q.context, "context", nil, "one more condition key, as `Key=Value` (repeatable)")
	flags.BoolVar(&q.json, "json", false, "print the answer as a batch's")
}

// isAsked returns the name of one of the question's flags that is given; "" if there is none.
func (q *question) isAsked(flags *pflag.FlagSet) string {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	new(question).flags(own)
	found := ""
	own.VisitAll(func(f *pflag.Flag) {
		if found == "" && flags.Changed(f.Name) {
			found = f.Name
		}
	})
	return found
}

func (q *question) assume(format string, args ...any) {
	q.assumed = append(q.assumed, fmt.Sprintf(format, args...))
}

// run answers the question.
func (q *question) run(c *cobra.Command) error {
	for _, f := range []struct{ name, value string }{{"action", q.action}, {"as", q.as}} {
		if f.value == "" {
			return misused(c, fmt.Errorf("--%s is missing", f.name))
		}
	}
	if q.bucketPolicy == "" && q.endpointPolicy == "" {
		return misused(c, errors.New("--bucket-policy or --endpoint-policy is missing"))
	}
	if err := q.checkShapes(); err != nil {
		return misused(c, err)
	}
	policies, err := q.policies(c.InOrStdin())
	if err != nil {
		return unjudged(c, err)
	}
	request, err := q.request(policies)
	if err != nil {
		return unjudged(c, err)
	}
	if q.endpoint == "" {
		if policies.Endpoint != nil {
			q.assume("the endpoint's policy does not count, because without --vpce the request comes from the internet")
		}
		policies.Endpoint = nil
	}
	d := iampolicy.Evaluate(request, policies)
	for _, line := range q.assumed {
		fmt.Fprintln(c.ErrOrStderr(), "guard: assumed:", line)
	}
	if q.json {
		e := json.NewEncoder(c.OutOrStdout())
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode([]accessAnswer{{q.as + ": " + q.action, d.Effect, d.By}})
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s: %s\n", d.Effect, d.By)
	return err
}

func (q *question) checkShapes() error {
	l := lockFlags{account: q.account, endpoints: given(q.endpoint), vpcs: given(q.vpc)}
	if _, err := l.lock(); err != nil {
		return err
	}
	if q.sourceIP != "" {
		if _, err := netip.ParseAddr(q.sourceIP); err != nil {
			return fmt.Errorf("--source-ip %s: want an address", q.sourceIP)
		}
	}
	if q.vpc != "" && q.endpoint == "" {
		return errors.New("--vpc without --vpce: a request from a VPC has aws:SourceVpc only through an endpoint")
	}
	for _, pair := range q.context {
		if key, _, ok := strings.Cut(pair, "="); !ok || !strings.Contains(key, ":") {
			return fmt.Errorf("--context %s: want Key=Value, with a key such as aws:PrincipalOrgID", pair)
		}
	}
	return nil
}

// policies reads the policies' files.
func (q *question) policies(stdin io.Reader) (p iampolicy.Policies, err error) {
	read := func(file string) (*iampolicy.Policy, error) {
		if file == "" {
			return nil, nil
		}
		return parseFile(file, stdin)
	}
	if p.Resource, err = read(q.bucketPolicy); err != nil {
		return p, err
	}
	if p.Endpoint, err = read(q.endpointPolicy); err != nil {
		return p, err
	}
	for _, file := range q.identityPolicies {
		identity, err := read(file)
		if err != nil {
			return p, err
		}
		p.Identity = append(p.Identity, identity)
	}
	if len(p.Identity) == 0 && strings.HasPrefix(q.as, "arn:") {
		p.Identity = []*iampolicy.Policy{allowAll()}
		q.assume("IAM allows it to the caller (--identity-policy says otherwise)")
	}
	return p, nil
}

// allowAll is an identity policy that allows everything.
func allowAll() *iampolicy.Policy {
	p, err := iampolicy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`))
	if err != nil {
		panic(err)
	}
	return p
}

// request makes the request. What the flags leave out is taken from the policies.
func (q *question) request(p iampolicy.Policies) (iampolicy.Request, error) {
	bucket, err := q.bucketOf(p)
	if err != nil {
		return iampolicy.Request{}, err
	}
	r := iampolicy.Request{
		Principal: q.as, Action: q.action, Resource: bucket, ResourceAccount: q.account, Context: q.network(p),
	}
	if q.as == "anonymous" {
		r.Principal = ""
	}
	isObject := slices.ContainsFunc(iampolicy.ObjectActions(), func(a string) bool { return strings.EqualFold(a, q.action) })
	switch {
	case isObject && q.key == "":
		r.Resource += "/thankyou.txt"
	case isObject:
		r.Resource += "/" + q.key
	case q.key != "":
		return r, fmt.Errorf("--key %s: %s is not an action on objects", q.key, q.action)
	}
	if r.ResourceAccount == "" {
		r.ResourceAccount = q.owner(p)
		q.assume("the bucket belongs to account %s (--account says otherwise)", r.ResourceAccount)
	}
	for _, pair := range q.context {
		key, value, _ := strings.Cut(pair, "=")
		r.Context[key] = append(r.Context[key], value)
	}
	return r, nil
}

// owner guesses the account that owns the bucket: the one that the bucket's policy names, or else the caller's.
func (q *question) owner(p iampolicy.Policies) string {
	l, guesses := audit.GuessLock(lock.Lock{}, audit.Bucket{Policy: audit.Document{Text: textOf(p.Resource)}}, nil)
	invented := slices.ContainsFunc(guesses, func(g audit.Guess) bool { return g.What == "account" && g.Invented })
	if parts := strings.Split(q.as, ":"); invented && len(parts) > 4 && accountShape.MatchString(parts[4]) {
		return parts[4]
	}
	return l.Account
}

func textOf(p *iampolicy.Policy) string {
	if p == nil {
		return ""
	}
	return p.String()
}

// bucketOf returns the bucket's ARN.
func (q *question) bucketOf(p iampolicy.Policies) (string, error) {
	partition := "aws"
	if parts := strings.Split(q.as, ":"); parts[0] == "arn" && len(parts) > 1 {
		partition = parts[1]
	}
	if q.bucket != "" {
		return iampolicy.BucketARN(partition, q.bucket), nil
	}
	for _, policy := range []*iampolicy.Policy{p.Resource, p.Endpoint} {
		if policy == nil {
			continue
		}
		switch names := bucketsIn(policy); {
		case len(names) == 1:
			q.assume("the bucket is %s, which the policy names", names[0])
			return iampolicy.BucketARN(partition, names[0]), nil
		case len(names) > 1:
			return "", fmt.Errorf("the policy names several buckets (%s): choose one by --bucket", strings.Join(names, ", "))
		}
	}
	return "", errors.New("no policy names a bucket: give --bucket")
}

// network returns the condition keys of the network path.
func (q *question) network(p iampolicy.Policies) map[string][]string {
	context := map[string][]string{"aws:SecureTransport": {fmt.Sprint(!q.plainHTTP)}}
	if q.endpoint == "" {
		if q.sourceIP == "" {
			q.assume("the request comes from the internet, from 198.51.100.7 (--vpce or --source-ip says otherwise)")
		}
		context["aws:SourceIp"] = []string{cmp.Or(q.sourceIP, "198.51.100.7")}
		return context
	}
	vpc := q.vpc
	if vpc == "" {
		vpc = vpcIn(p)
		q.assume("the endpoint's VPC is %s (--vpc says otherwise)", vpc)
	}
	context["aws:SourceVpce"], context["aws:SourceVpc"] = []string{q.endpoint}, []string{vpc}
	context["aws:VpcSourceIp"] = []string{cmp.Or(q.sourceIP, "10.0.0.7")}
	return context
}

// vpcIn returns the VPC that the policies name, or an invented one.
func vpcIn(p iampolicy.Policies) string {
	for _, policy := range []*iampolicy.Policy{p.Endpoint, p.Resource} {
		if policy == nil {
			continue
		}
		for _, v := range policy.Views() {
			for _, c := range v.Conditions {
				if c.Key == "aws:SourceVpc" && len(c.Values) > 0 && vpcShape.MatchString(c.Values[0]) {
					return c.Values[0]
				}
			}
		}
	}
	return "vpc-0dddddddddddddddd"
}
