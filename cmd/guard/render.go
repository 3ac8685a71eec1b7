package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/lock"
)

// renderer prints a lock for those who own the policies.
type renderer struct {
	lock                 lockFlags
	buckets, cidrs       []string
	stack                string
	services, onlyGuards bool
	// asked says for each of renderFormats whether its flag is given.
	asked []bool
}

func renderCommand() *cobra.Command {
	r := &renderer{asked: make([]bool, len(renderFormats))}
	c := &cobra.Command{
		Use:   "render --bucket NAME... --vpce ID... --account ID --region REGION " + formatFlags("|"),
		Short: "Print the lock's statements for Terraform, CDK or CloudFormation",
		Long: `Render prints what guard.yaml's guard wants to find in the policies of buckets and endpoints, so that whoever owns these
policies carries it: with PolicyMode AtLeast the guard leaves a policy alone that holds the lock, whatever else is in it. The
flags are guard.yaml's parameters, and are refused as these are. It needs no account and makes no calls.

The bucket statements only deny. Add your own Allow statements beside them; guard check says whether they open something.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			l, render, err := r.read()
			if err != nil {
				return misused(c, err)
			}
			text, err := render(l, r.buckets, r.stack)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(c.OutOrStdout(), text)
			return err
		},
	}
	f := c.Flags()
	r.lock.flags(f)
	r.lock.roleFlags(f)
	f.StringSliceVar(&r.buckets, "bucket", nil, "`NAME` of a bucket (repeatable)")
	f.StringVar(&r.stack, "stack", defaultStack, "`NAME` of the guard's stack, for --scp and --rcp")
	f.StringSliceVar(&r.cidrs, "cidr", nil, "`RANGE` of public addresses from which the data may be reached, too (repeatable)")
	f.BoolVar(&r.services, "aws-services", false, "let AWS services reach the data, as themselves and on behalf of the roles")
	f.BoolVar(&r.onlyGuards, "only-buckets", false, "the endpoints serve the buckets --bucket only (default: all of the account)")
	for i, format := range renderFormats {
		f.BoolVar(&r.asked[i], format.flag, false, format.usage)
	}
	return c
}

// formatFlags lists the flags of all formats.
func formatFlags(separator string) string {
	flags := make([]string, len(renderFormats))
	for i, f := range renderFormats {
		flags[i] = "--" + f.flag
	}
	return strings.Join(flags, separator)
}

// read returns the lock and the format.
func (r *renderer) read() (lock.Lock, renderFunc, error) {
	if _, err := r.lock.lock(); err != nil {
		return lock.Lock{}, nil, err
	}
	var render renderFunc
	asked := 0
	for i, format := range renderFormats {
		if r.asked[i] {
			render = format.render
			asked++
		}
	}
	switch {
	case asked != 1:
		return lock.Lock{}, nil, errors.New("want one of " + formatFlags(", "))
	case r.lock.account == "" || r.lock.region == "":
		return lock.Lock{}, nil, errors.New("--account or --region is missing")
	case len(r.lock.vpcs) > 0:
		return lock.Lock{}, nil, errors.New("--vpc: the lock is for endpoints: give --vpce")
	}
	for _, name := range r.buckets {
		if err := checkBucketName(name); err != nil {
			return lock.Lock{}, nil, err
		}
	}
	endpoints := lock.AccountPolicy
	if r.onlyGuards {
		endpoints = lock.BucketsPolicy
	}
	list := func(values []string) string { return strings.Join(values, ",") }
	l, err := lock.Parameters{
		BucketNames: list(r.buckets), VPCEndpointIDs: list(r.lock.endpoints), WorkloadRoleARNs: list(r.lock.roles),
		ManagementRoleARNs: list(r.lock.managementRoles), ExemptRoleARNs: list(r.lock.exceptionRoles), AllowedCIDRs: list(r.cidrs),
		AllowAWSServices: strconv.FormatBool(r.services), EndpointPolicy: endpoints, PolicyMode: string(lock.AtLeast),
	}.Lock(lock.PartitionOf(r.lock.region), r.lock.region, r.lock.account)
	return l, render, err
}
