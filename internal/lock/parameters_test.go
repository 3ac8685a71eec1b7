package lock_test

import (
	"fmt"
	"strings"
	"testing"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

const (
	account   = "111122223333"
	endpoint  = "vpce-0a1b2c3d4e5f60718"
	endpoint2 = "vpce-0a1b2c3d4e5f60719"
	app       = "arn:aws:iam::111122223333:role/quay-app"
	report    = "arn:aws:iam::111122223333:role/quay-report"
	terraform = "arn:aws:iam::111122223333:role/terraform"
	backup    = "arn:aws:iam::111122223333:role/backup"
	partner   = "arn:aws:iam::999900001111:role/partner"
)

// parameters are those of a stack for which only what must be answered was answered.
func parameters() lock.Parameters {
	return lock.Parameters{
		BucketNames: "quay-docs,pier-*", VPCEndpointIDs: endpoint, AllowAWSServices: "false", EndpointPolicy: lock.KeepPolicy, PolicyMode: "AtLeast",
	}
}

// changed returns parameters with one change.
func changed(change func(*lock.Parameters)) lock.Parameters {
	p := parameters()
	change(&p)
	return p
}

func mustLock(t *testing.T, p lock.Parameters) lock.Lock {
	t.Helper()
	l, err := p.Lock("aws", "eu-central-1", account)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// caller is who asks, and from where.
type caller struct{ principal, endpoint, address string }

// context returns the condition keys of the caller's requests.
func (c caller) context() map[string][]string {
	if c.endpoint != "" {
		return map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceVpce": {c.endpoint}, "aws:SourceVpc": {"vpc-0a"}}
	}
	return map[string][]string{"aws:SecureTransport": {"true"}, "aws:SourceIp": {c.address}}
}

// may reports whether a bucket policy lets a caller do something, if IAM does.
func may(t *testing.T, policy, action, resource string, c caller, more ...string) bool {
	t.Helper()
	r := iampolicy.Request{Principal: c.principal, Action: action, Resource: resource, ResourceAccount: account, Context: c.context()}
	for _, key := range more {
		r.Context[key] = []string{"true"}
	}
	d := iampolicy.Evaluate(r, iampolicy.Policies{Resource: parse(t, policy), Identity: everything(t)})
	return d.Effect == iampolicy.Allow
}

func parse(t *testing.T, document string) *iampolicy.Policy {
	t.Helper()
	p, err := iampolicy.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// everything is what IAM allows a caller.
func everything(t *testing.T) []*iampolicy.Policy {
	t.Helper()
	return []*iampolicy.Policy{parse(t, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)}
}

// The lock lets in exactly whom the parameters name.
func TestTheLockLetsInWhomTheParametersName(t *testing.T) {
	const object, bucket = "arn:aws:s3:::quay-docs/a", "arn:aws:s3:::quay-docs"
	office, internet := "203.0.113.9", "198.51.100.7"
	all := changed(func(p *lock.Parameters) {
		p.VPCEndpointIDs = endpoint + "," + endpoint2
		p.WorkloadRoleARNs, p.ManagementRoleARNs, p.ExemptRoleARNs = app+", "+report, terraform, backup
		p.AllowedCIDRs, p.AllowAWSServices = "203.0.113.0/24,2001:db8::/32", "true"
	})
	few := changed(func(p *lock.Parameters) { p.WorkloadRoleARNs = app })
	const serviceLinked = "arn:aws:iam::111122223333:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie"
	for name, c := range map[string]struct {
		parameters lock.Parameters
		caller     caller
		key        string
		// data and names say whether the caller may read objects, and list their names.
		data, names bool
	}{
		"a workload through the endpoint":              {all, caller{app, endpoint, ""}, "", true, true},
		"another workload through the other endpoint":  {all, caller{report, endpoint2, ""}, "", true, true},
		"a workload through a foreign endpoint":        {all, caller{app, "vpce-0123456789abcdef0", ""}, "", false, false},
		"a workload from the internet":                 {all, caller{app, "", internet}, "", false, false},
		"a workload from the office":                   {all, caller{app, "", office}, "", true, true},
		"a workload from the office over IPv6":         {all, caller{app, "", "2001:db8::7"}, "", true, true},
		"a stranger through the endpoint":              {all, caller{terraform + "x", endpoint, ""}, "", false, false},
		"a stranger from the office":                   {all, caller{terraform + "x", "", office}, "", false, false},
		"a management role from the internet":          {all, caller{terraform, "", internet}, "", false, true},
		"a management role through the endpoint":       {all, caller{terraform, endpoint, ""}, "", false, true},
		"an exempt role from the internet":             {all, caller{backup, "", internet}, "", true, true},
		"a service for a workload":                     {all, caller{app, "", internet}, "aws:ViaAWSService", true, true},
		"a service for a stranger":                     {all, caller{terraform + "x", "", internet}, "aws:ViaAWSService", false, false},
		"a service-linked role":                        {all, caller{serviceLinked, "", internet}, "", true, true},
		"a service-linked role, services not let in":   {few, caller{serviceLinked, "", internet}, "", false, false},
		"a service for a workload, services not in":    {few, caller{app, "", internet}, "aws:ViaAWSService", false, false},
		"any role through the endpoint":                {parameters(), caller{report, endpoint, ""}, "", true, true},
		"any role through another endpoint":            {parameters(), caller{report, endpoint2, ""}, "", false, false},
		"a role of another account, and no grant":      {parameters(), caller{partner, endpoint, ""}, "", false, false},
		"an anonymous caller, and services are let in": {all, caller{"", "", internet}, "", false, false},
	} {
		policy := mustLock(t, c.parameters).BucketPolicy("quay-docs")
		var keys []string
		if c.key != "" {
			keys = []string{c.key}
		}
		if got := may(t, policy, "s3:GetObject", object, c.caller, keys...); got != c.data {
			t.Errorf("%s may read objects: %v, want %v", name, got, c.data)
		}
		if got := may(t, policy, "s3:ListBucket", bucket, c.caller, keys...); got != c.names {
			t.Errorf("%s may list names: %v, want %v", name, got, c.names)
		}
		if got := may(t, policy, "s3:ListBucketVersions", bucket, c.caller, keys...); got != c.data {
			t.Errorf("%s may list versions: %v, want %v", name, got, c.data)
		}
	}
}

func TestWrongParametersAreRefusedByName(t *testing.T) {
	for want, change := range map[string]func(*lock.Parameters){
		"BucketNames: want at least one":                      func(p *lock.Parameters) { p.BucketNames = "" },
		`ExcludedBucketNames: "Pier" has characters`:          func(p *lock.Parameters) { p.ExcludedBucketNames = "Pier" },
		"VpcEndpointIds: want at least one":                   func(p *lock.Parameters) { p.VPCEndpointIDs = "" },
		"VpcEndpointIds: vpc-0a is not the id":                func(p *lock.Parameters) { p.VPCEndpointIDs = "vpc-0a" },
		"VpcEndpointIds: vpce-0a1b2c3d4 is not the id":        func(p *lock.Parameters) { p.VPCEndpointIDs = "vpce-0a1b2c3d4" },
		"VpcEndpointIds: vpce-0a1b2c3g is not the id":         func(p *lock.Parameters) { p.VPCEndpointIDs = "vpce-0a1b2c3g" },
		"VpcEndpointIds: " + endpoint + " is given twice":     func(p *lock.Parameters) { p.VPCEndpointIDs = endpoint + "," + endpoint },
		"VpcEndpointIds: 6 endpoints":                         func(p *lock.Parameters) { p.VPCEndpointIDs = endpoints(6) },
		"WorkloadRoleArns: quay-app is not the ARN":           func(p *lock.Parameters) { p.WorkloadRoleARNs = "quay-app" },
		"WorkloadRoleArns: arn:aws:iam::111122223333:user/al": func(p *lock.Parameters) { p.WorkloadRoleARNs = "arn:aws:iam::111122223333:user/al" },
		"role/quay-app is not in the partition aws":           func(p *lock.Parameters) { p.WorkloadRoleARNs = "arn:aws-cn:iam::111122223333:role/quay-app" },
		"ManagementRoleArns: arn:aws:iam::111122223333:role/* stands for all": func(p *lock.Parameters) {
			p.ManagementRoleARNs = "arn:aws:iam::111122223333:role/*"
		},
		"ExemptRoleArns: arn:aws:iam::*:role/x is not the ARN": func(p *lock.Parameters) { p.ExemptRoleARNs = "arn:aws:iam::*:role/x" },
		"ExemptRoleArns: arn:aws:iam::111122223333:role/ is":   func(p *lock.Parameters) { p.ExemptRoleARNs = "arn:aws:iam::111122223333:role/" },
		"role/quay? is not the ARN":                            func(p *lock.Parameters) { p.ExemptRoleARNs = "arn:aws:iam::111122223333:role/quay?" },
		"role/a:b is not the ARN":                              func(p *lock.Parameters) { p.ExemptRoleARNs = "arn:aws:iam::111122223333:role/a:b" },
		"arn:aws2:iam::111122223333:role/x is not the ARN":     func(p *lock.Parameters) { p.ExemptRoleARNs = "arn:aws2:iam::111122223333:role/x" },
		"AllowedCidrs: 10.0.0.0/8 is not public":               func(p *lock.Parameters) { p.AllowedCIDRs = "10.0.0.0/8" },
		"AllowedCidrs: 0.0.0.0/0 stands for all":               func(p *lock.Parameters) { p.AllowedCIDRs = "0.0.0.0/0" },
		"AllowedCidrs: 203.0.113.9/24 has bits":                func(p *lock.Parameters) { p.AllowedCIDRs = "203.0.113.9/24" },
		"AllowedCidrs: 203.0.113.9 is not a CIDR":              func(p *lock.Parameters) { p.AllowedCIDRs = "203.0.113.9" },
		`AllowAwsServices: "yes": want one of true, false`:     func(p *lock.Parameters) { p.AllowAWSServices = "yes" },
		`EndpointPolicy: "": want one of Keep`:                 func(p *lock.Parameters) { p.EndpointPolicy = "" },
		`PolicyMode: "atleast": want Exact or AtLeast`:         func(p *lock.Parameters) { p.PolicyMode = "atleast" },
		"use patterns for buckets and roles":                   func(p *lock.Parameters) { p.ExemptRoleARNs = roles(50) },
	} {
		if _, err := changed(change).Lock("aws", "eu-central-1", account); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
	_, err := lock.Parameters{}.Lock("aws", "eu-central-1", account)
	for _, name := range []string{"BucketNames", "VpcEndpointIds", "AllowAwsServices", "EndpointPolicy", "PolicyMode"} {
		if err == nil || !strings.Contains(err.Error(), name+": ") {
			t.Errorf("error %v, want %s in it", err, name)
		}
	}
}

func roles(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%04d", app, i)
	}
	return strings.Join(list, ",")
}

func endpoints(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("vpce-0a1b2c3d4e5f6%04d", i)
	}
	return strings.Join(list, ",")
}

// Whatever the texts are: if they are accepted, the policies fit into what S3 and EC2 accept, with room for foreign statements.
func TestAcceptedParametersMakePoliciesThatFit(t *testing.T) {
	short := make([]string, 0, 200)
	for i := range 130 {
		short = append(short, fmt.Sprintf("q%02d", i))
	}
	longest := 0
	for name, change := range map[string]func(*lock.Parameters, int){
		"workloads":  func(p *lock.Parameters, n int) { p.WorkloadRoleARNs = roles(n) },
		"management": func(p *lock.Parameters, n int) { p.ManagementRoleARNs = roles(n) },
		"exempt": func(p *lock.Parameters, n int) {
			p.ExemptRoleARNs, p.WorkloadRoleARNs, p.AllowAWSServices = roles(n), app, "true"
		},
		"buckets": func(p *lock.Parameters, n int) {
			p.BucketNames, p.EndpointPolicy = strings.Join(short[:n], ","), lock.BucketsPolicy
		},
	} {
		accepted := 0
		for n := 1; n < len(short); n++ {
			l, err := changed(func(p *lock.Parameters) { change(p, n) }).Lock("aws", "eu-central-1", account)
			if err != nil {
				break
			}
			accepted = n
			longest = max(longest, len(l.BucketPolicy(strings.Repeat("a", 63))), len(l.EndpointPolicy()))
		}
		if accepted < 30 {
			t.Errorf("%s: at most %d are accepted, want 30", name, accepted)
		}
	}
	if longest > 16<<10 {
		t.Errorf("a policy has %d bytes, want at most 16 KB of the 20 that S3 and EC2 accept", longest)
	}
}

// docs/lock.md and docs/parameters.md state these numbers, README.md the range.
func TestAsManyNamesFitAsTheDocumentsSay(t *testing.T) {
	for length, most := range map[int]int{27: 60, 40: 47, 63: 31} {
		for n := most; n <= most+1; n++ {
			names := make([]string, n)
			for i := range names {
				names[i] = fmt.Sprintf("%0*d", length, i)
			}
			p := lock.Parameters{
				BucketNames: strings.Join(names, ","), VPCEndpointIDs: "vpce-0a1b2c3d4e5f60718",
				AllowAWSServices: "true", EndpointPolicy: "Keep", PolicyMode: "AtLeast",
			}
			if _, err := p.Lock("aws", "eu-central-1", "111122223333"); (err == nil) != (n == most) {
				t.Errorf("%d names of %d characters: %v; want at most %d accepted", n, length, err, most)
			}
		}
	}
}

func TestTheEndpointPolicyIsTheOneThatIsChosen(t *testing.T) {
	const found = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:Get*","Resource":"*"}]}`
	policy := func(mode, excluded, found string) string {
		l := mustLock(t, changed(func(p *lock.Parameters) { p.EndpointPolicy, p.ExcludedBucketNames = mode, excluded }))
		return l.At(endpoint, found).EndpointPolicy()
	}
	if got := policy(lock.KeepPolicy, "", found); got != found {
		t.Errorf("Keep: %s, want what was found", got)
	}
	if got := policy(lock.KeepPolicy, "", ""); got != lock.FullAccess {
		t.Errorf("Keep without a policy: %s, want the default one", got)
	}
	for mode, want := range map[string]map[string]bool{
		lock.BucketsPolicy: {"quay-docs": true, "pier-a": true, "pier-logs": false, "other": false},
		lock.AccountPolicy: {"quay-docs": true, "pier-logs": true, "other": true},
	} {
		for name, want := range want {
			d := iampolicy.Evaluate(iampolicy.Request{
				Principal: app, Action: "s3:GetObject", Resource: "arn:aws:s3:::" + name + "/a", ResourceAccount: account,
				Context: caller{app, endpoint, ""}.context(),
			}, iampolicy.Policies{Endpoint: parse(t, policy(mode, "pier-logs", found)), Identity: everything(t)})
			if got := d.Effect == iampolicy.Allow; got != want {
				t.Errorf("%s, %s: %v, want %v", mode, name, got, want)
			}
		}
	}
}
