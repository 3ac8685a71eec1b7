package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/lock"
)

// lockFlags say who may have access to a bucket, and how. What they leave out is guessed from the policies.
type lockFlags struct {
	account, region                        string
	endpoints, vpcs                        []string
	roles, managementRoles, exceptionRoles []string
}

// flags adds the flags that all verbs with a lock have.
func (l *lockFlags) flags(flags *pflag.FlagSet) {
	flags.StringVar(&l.account, "account", "", "the `ID` of the account that owns the bucket")
	flags.StringVar(&l.region, "region", "", "the bucket's `REGION`")
	flags.StringSliceVar(&l.endpoints, "vpce", nil, "`ID` of the endpoint through which the bucket may be reached (repeatable)")
	flags.StringSliceVar(&l.vpcs, "vpc", nil,
		"`ID` of the endpoint's VPC; if no endpoint is named, all its endpoints are let in (repeatable)")
	flags.StringSliceVar(&l.roles, "role", nil, "`ARN` of a role that may reach the data (repeatable)")
}

// roleFlags adds the flags for the roles that are excepted.
func (l *lockFlags) roleFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&l.managementRoles, "management-role", nil,
		"`ARN` of a role that may list names from everywhere (repeatable)")
	flags.StringSliceVar(&l.exceptionRoles, "except-role", nil,
		"`ARN` of a role that may do everything from everywhere (repeatable)")
}

var (
	accountShape = regexp.MustCompile(`^[0-9]{12}$`)
	regionShape  = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	vpceShape    = regexp.MustCompile(`^vpce-[0-9a-z]+$`)
	vpcShape     = regexp.MustCompile(`^vpc-[0-9a-z]+$`)
	roleShape    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
)

// checkEndpointID finds a value of --vpc-endpoint that is no id.
func checkEndpointID(id string) error {
	if !vpceShape.MatchString(id) {
		return fmt.Errorf("--vpc-endpoint %s: want an id that begins with vpce-", id)
	}
	return nil
}

// lock returns the lock, or an error that names the flag.
func (l *lockFlags) lock() (lock.Lock, error) {
	for _, f := range []struct {
		name   string
		values []string
		shape  *regexp.Regexp
		want   string
	}{
		{"account", given(l.account), accountShape, "an account's 12 digits"},
		{"region", given(l.region), regionShape, "a Region such as eu-central-1"},
		{"vpce", l.endpoints, vpceShape, "an id that begins with vpce-"},
		{"vpc", l.vpcs, vpcShape, "an id that begins with vpc-"},
		{"role", l.roles, roleShape, "the ARN of a role"},
		{"management-role", l.managementRoles, roleShape, "the ARN of a role"},
		{"except-role", l.exceptionRoles, roleShape, "the ARN of a role"},
	} {
		if i := slices.IndexFunc(f.values, func(v string) bool { return !f.shape.MatchString(v) }); i >= 0 {
			return lock.Lock{}, fmt.Errorf("--%s %s: want %s", f.name, f.values[i], f.want)
		}
	}
	return lock.Lock{
		Region: l.region, Account: l.account, EndpointIDs: l.endpoints, VPCIDs: l.vpcs,
		Workloads: lock.Roles(l.roles...), Exceptions: lock.Roles(l.exceptionRoles...), ManagementRoles: l.managementRoles,
	}, nil
}

// given returns a list with a flag's value, or without if it is not given.
func given(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

// guessLines says what was guessed, one line each.
func guessLines(guesses []audit.Guess) []string {
	lines := make([]string, len(guesses))
	for i, g := range guesses {
		lines[i] = strings.ReplaceAll(g.String(), "\n", " ")
	}
	return lines
}
