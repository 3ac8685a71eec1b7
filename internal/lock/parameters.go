package lock

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

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
	// AllowAWSServices is true or false: whether AWS services may reach the data, as themselves (log delivery, replication) and on
	// behalf of a principal that may (Athena, CloudFormation).
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
		Partition: partition, Region: region, Account: account,
		EndpointIDs: r.list("VpcEndpointIds", p.VPCEndpointIDs, endpointID),
		Workloads:   Roles(r.list("WorkloadRoleArns", p.WorkloadRoleARNs, r.role)...),
		// They are empty, and not nil: nothing of a lock that is given is guessed.
		ManagementRoles: append([]string{}, r.list("ManagementRoleArns", p.ManagementRoleARNs, r.role)...),
		Exceptions:      append([]Exception{}, Roles(r.list("ExemptRoleArns", p.ExemptRoleARNs, r.role)...)...),
	}
	if len(l.EndpointIDs) == 0 {
		r.refuse("VpcEndpointIds", "want at least one VPC endpoint: without one nobody could reach the data")
	}
	if networks := r.list("AllowedCidrs", p.AllowedCIDRs, network); len(networks) > 0 {
		l.Exceptions = append(l.Exceptions, Exception{"NotIpAddress", "aws:SourceIp", networks})
	}
	if r.choice("AllowAwsServices", p.AllowAWSServices, "true", "false") == "true" {
		l.Exceptions = append(l.Exceptions, awsServices...)
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
		l.OnlyBuckets = s.Included()
	}
	if _, err := ParseMode(p.PolicyMode); err != nil {
		r.refuse("PolicyMode", err.Error())
	}
	if err := errors.Join(r.errs...); err != nil {
		return Lock{}, err
	}
	return l, nil
}

// awsServices excepts services that act as themselves, and on behalf of a caller. Requests without a signature have none of the keys:
// IfExists denies these.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalisawsservice
var awsServices = []Exception{
	{"BoolIfExists", "aws:PrincipalIsAWSService", []string{"false"}},
	{"BoolIfExists", "aws:ViaAWSService", []string{"false"}},
}

// reader reads the texts of parameters, and collects what is wrong.
type reader struct {
	partition string
	errs      []error
}

func (r *reader) refuse(parameter, why string) { r.errs = append(r.errs, fmt.Errorf("%s: %s", parameter, why)) }

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

var (
	endpointForm = regexp.MustCompile(`^vpce-[0-9a-f]{8,17}$`)
	roleForm     = regexp.MustCompile(`^arn:(aws[a-z-]*):iam::[0-9]{12}:role/([A-Za-z0-9+=,.@_/*?-]+)$`)
)

func endpointID(id string) string {
	if !endpointForm.MatchString(id) {
		return "is not the id of a VPC endpoint, which begins with vpce-"
	}
	return ""
}

// role checks the ARN of a role, which may have wildcards in its path and name.
func (r *reader) role(arn string) string {
	m := roleForm.FindStringSubmatch(arn)
	switch {
	case m == nil:
		return "is not the ARN of a role, which is arn:" + r.partition + ":iam::, an account's 12 digits, :role/ and a name"
	case m[1] != r.partition:
		return "is not in the partition " + r.partition
	case strings.Trim(m[2], "*?/") == "":
		return "stands for all roles of an account; name the roles"
	}
	return ""
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
