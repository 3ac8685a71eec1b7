package lock

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/selection"
)

// Parameters are the texts of guard.yaml's parameters that say what the lock is. Lists are separated by commas.
type Parameters struct {
	// BucketNames and ExcludedBucketNames are those of package selection.
	BucketNames, ExcludedBucketNames string
	// VPCEndpointIDs are the endpoints through which the data may be reached.
	VPCEndpointIDs string `json:"VpcEndpointIds"`
	// WorkloadRoleARNs are the roles that may reach the data; "" for every principal that IAM lets in.
	WorkloadRoleARNs string `json:"WorkloadRoleArns"`
	// ManagementRoleARNs may list the objects' names from everywhere, ExemptRoleARNs may do everything from everywhere.
	ManagementRoleARNs string `json:"ManagementRoleArns"`
	ExemptRoleARNs     string `json:"ExemptRoleArns"`
	// AllowedCIDRs are public networks from which the data may also be reached.
	AllowedCIDRs string `json:"AllowedCidrs"`
	// AllowAWSServices is true or false: whether AWS services may reach the data from outside the endpoints, as themselves (log delivery),
	// with their service-linked roles (Macie), and on behalf of a principal that may (Athena). A service that uses a role of the
	// account, as replication does, is not among them: such roles are exempt roles.
	AllowAWSServices string `json:"AllowAwsServices"`
	// EndpointPolicy is one of the EndpointPolicies, PolicyMode a [Mode].
	EndpointPolicy, PolicyMode string
}

// The values of the parameter EndpointPolicy.
const (
	// KeepPolicy keeps the policy that an endpoint had when it was adopted.
	KeepPolicy = "Keep"
	// AccountPolicy lets principals of the account reach buckets of the account.
	AccountPolicy = "Account"
	// BucketsPolicy lets principals of the account reach the guarded buckets.
	BucketsPolicy = "Buckets"
)

// Selection returns the guarded buckets.
func (p Parameters) Selection() (selection.Selection, error) {
	return selection.Parse(p.BucketNames, p.ExcludedBucketNames)
}

// Lock returns the lock for buckets and endpoints of a partition, a Region and an account. The error names each parameter that is
// wrong, with a sentence.
func (p Parameters) Lock(partition, region, account string) (Lock, error) {
	r := reader{partition: partition}
	l := Lock{
		Partition: partition, Region: region, Account: account, Renewed: true,
		EndpointIDs:     r.list("VpcEndpointIds", p.VPCEndpointIDs, endpointID),
		Workloads:       Roles(r.list("WorkloadRoleArns", p.WorkloadRoleARNs, r.role)...),
		ManagementRoles: r.list("ManagementRoleArns", p.ManagementRoleARNs, r.role),
		Exceptions:      Roles(r.list("ExemptRoleArns", p.ExemptRoleARNs, r.role)...),
	}
	switch n := len(l.EndpointIDs); {
	case n == 0:
		r.refuse("VpcEndpointIds", "want at least one VPC endpoint: without one nobody could reach the data")
	case n > mostEndpoints:
		r.refuse("VpcEndpointIds", fmt.Sprintf("%d endpoints, and a guard keeps at most %d; the others need a stack of their own", n, mostEndpoints))
	}
	if networks := r.list("AllowedCidrs", p.AllowedCIDRs, network); len(networks) > 0 {
		l.Exceptions = append(l.Exceptions, Exception{"NotIpAddress", "aws:SourceIp", networks})
	}
	if r.choice("AllowAwsServices", p.AllowAWSServices, "true", "false") == "true" {
		l.Exceptions = Merge(l.Exceptions, l.awsServices()...)
		l.Services = true
	}
	s, err := p.Selection()
	if err != nil {
		r.errs = append(r.errs, err)
	}
	switch r.choice("EndpointPolicy", p.EndpointPolicy, KeepPolicy, AccountPolicy, BucketsPolicy) {
	case KeepPolicy:
		l.Keep = true
	case BucketsPolicy:
		l.OnlyBuckets, l.NotBuckets = s.Included(), s.Excluded()
	}
	if _, err := ParseMode(p.PolicyMode); err != nil {
		r.refuse("PolicyMode", err.Error())
	}
	if n := p.size(); n > mostText {
		r.errs = append(r.errs, fmt.Errorf("the parameters' texts have %d characters together, and the functions' environment has room for %d: "+
			"use patterns for buckets and roles, or a stack for each group of buckets", n, mostText))
	}
	if err := errors.Join(r.errs...); err != nil {
		return Lock{}, err
	}
	return l, nil
}

// Unreachable returns an error for each role of another account that the other parameters leave no way to the data.
//
//   - A role of another account needs an Allow in the bucket's policy, and PolicyMode Exact leaves none there.
//   - A workload reaches the data through the endpoints, which the policies Account and Buckets close to other accounts, unless it may come
//     from a network or through a service.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
func (p Parameters) Unreachable(account string) []error {
	var errs []error
	for _, list := range []struct{ parameter, text string }{
		{"WorkloadRoleArns", p.WorkloadRoleARNs}, {"ManagementRoleArns", p.ManagementRoleARNs}, {"ExemptRoleArns", p.ExemptRoleARNs},
	} {
		for arn := range strings.SplitSeq(list.text, ",") {
			arn = strings.TrimSpace(arn)
			if _, _, isRole := roleIn(arn); !isRole || IsOf(account, arn) {
				continue
			}
			if p.PolicyMode == string(Exact) {
				errs = append(errs, fmt.Errorf("%s: %s is of another account, and needs an Allow in the bucket's policy, which PolicyMode=Exact removes: "+
					"choose AtLeast, or take the role out", list.parameter, arn))
			}
			if list.parameter == "WorkloadRoleArns" && p.EndpointPolicy != KeepPolicy && p.AllowedCIDRs == "" && p.AllowAWSServices == "false" {
				errs = append(errs, fmt.Errorf("%s: %s is of another account, to which EndpointPolicy=%s closes the endpoints, the only way to the data "+
					"without AllowedCidrs and AllowAwsServices: choose Keep, or take the role out", list.parameter, arn, p.EndpointPolicy))
			}
		}
	}
	return errs
}

// Limits of one guard.
const (
	// mostText is half of the 4 KB of a function's environment: the other half has the variables' names and the other values. A lock within
	// it also fits into a bucket's and an endpoint's policy.
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	mostText = 2048
	// mostEndpoints is how many endpoints the template lists.
	mostEndpoints = 5
)

// size returns the number of characters of all texts.
func (p Parameters) size() int {
	return len(p.BucketNames) + len(p.ExcludedBucketNames) + len(p.VPCEndpointIDs) + len(p.WorkloadRoleARNs) + len(p.ManagementRoleARNs) +
		len(p.ExemptRoleARNs) + len(p.AllowedCIDRs) + len(p.AllowAWSServices) + len(p.EndpointPolicy) + len(p.PolicyMode)
}

// awsServices returns the exceptions for services that act as themselves, with a service-linked role of the account, which only the
// service can assume, and on behalf of a caller. Requests without a signature have none of the keys: IfExists does not except these.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-viaawsservice
func (l Lock) awsServices() []Exception {
	return append(Roles(iampolicy.IAMARN(l.Partition, l.Account, "role/aws-service-role/*")),
		Exception{"BoolIfExists", "aws:PrincipalIsAWSService", []string{"false"}},
		Exception{"BoolIfExists", "aws:ViaAWSService", []string{"false"}})
}

// reader reads the texts of parameters, and collects what is wrong.
type reader struct {
	partition string
	errs      []error
}

func (r *reader) refuse(parameter, why string) {
	r.errs = append(r.errs, fmt.Errorf("%s: %s", parameter, why))
}

// list splits a list, and checks its members; the check returns "" for a good one.
func (r *reader) list(parameter, text string, check func(string) string) []string {
	var list []string
	for item := range strings.SplitSeq(text, ",") {
		switch item = strings.TrimSpace(item); {
		case item == "":
		case slices.Contains(list, item):
			r.refuse(parameter, item+" is given twice")
		default:
			if why := check(item); why != "" {
				r.refuse(parameter, item+" "+why)
			}
			list = append(list, item)
		}
	}
	return list
}

func (r *reader) choice(parameter, text string, of ...string) string {
	if !slices.Contains(of, text) {
		r.refuse(parameter, fmt.Sprintf("%q: want one of %s", text, strings.Join(of, ", ")))
	}
	return text
}

// Sets of characters.
const (
	digits    = "0123456789"
	lowerCase = "abcdefghijklmnopqrstuvwxyz"
	letters   = lowerCase + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// consists reports whether a text has characters of this set only, and at least one.
func consists(text, characters string) bool {
	return text != "" && strings.Trim(text, characters) == ""
}

func endpointID(id string) string {
	number, ok := strings.CutPrefix(id, "vpce-")
	if !ok || len(number) != 8 && len(number) != 17 || !consists(number, digits+"abcdef") {
		return "is not the id of a VPC endpoint, which begins with vpce-"
	}
	return ""
}

// role checks the ARN of a role, which may have the wildcard * in its path and name.
func (r *reader) role(arn string) string {
	partition, name, ok := roleIn(arn)
	switch {
	case !ok:
		return "is not the ARN of a role, which is arn:" + r.partition + ":iam::, an account's 12 digits, :role/ and a name"
	case partition != r.partition:
		return "is not in the partition " + r.partition
	case strings.Trim(name, "*/") == "":
		return "stands for all roles of an account; name the roles"
	}
	return ""
}

// roleIn returns the partition, and the path and name, in the ARN of a role.
func roleIn(arn string) (partition, name string, ok bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[2] != "iam" || parts[3] != "" || !iampolicy.IsAccountID(parts[4]) {
		return "", "", false
	}
	suffix, isAWS := strings.CutPrefix(parts[1], "aws")
	name, isRole := strings.CutPrefix(parts[5], "role/")
	return parts[1], name, isAWS && isRole && strings.Trim(suffix, lowerCase+"-") == "" && consists(name, letters+digits+"+=.@_/*-")
}

// network checks a CIDR block for aws:SourceIp, which is a public address: requests through an endpoint do not have it.
func network(cidr string) string {
	p, err := netip.ParsePrefix(cidr)
	switch {
	case err != nil:
		return "is not a CIDR block such as 192.0.2.0/24"
	case p != p.Masked():
		return "has bits beyond its length; write " + p.Masked().String()
	case p.Bits() == 0:
		return "stands for all addresses; name the networks"
	case p.Addr().IsPrivate() || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast():
		return "is not public: from private addresses the data is reached through the endpoints"
	}
	return ""
}
