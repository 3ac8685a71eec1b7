package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/s3-endpoint-guard/internal/audit"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/internal/lock"
)

// ownPolicy is a bucket policy of the user's own, whose exposure is shown.
type ownPolicy struct {
	file, bucket string
	lock         lockFlags
}

func (o *ownPolicy) flags(flags *pflag.FlagSet) {
	flags.StringVar(&o.file, "policy", "", "`FILE` with a bucket policy of your own")
	flags.StringVar(&o.bucket, "bucket", "", "the bucket's `NAME`")
	o.lock.flags(flags)
}

// checkFlags refuses the flags of one table with those of the other.
func (o *ownPolicy) checkFlags(command *cobra.Command) error {
	with, without := []string{"template", "parameter"}, []string{"bucket", "account", "region", "vpce", "vpc", "role"}
	flags, says := with, "--%s has no meaning with --policy"
	if !command.Flags().Changed("policy") {
		flags, says = without, "--%s has a meaning only with --policy"
	}
	for _, name := range flags {
		if command.Flags().Changed(name) {
			return fmt.Errorf(says, name)
		}
	}
	return nil
}

// write writes the table of one policy, and what was guessed.
func (o *ownPolicy) write(w io.Writer, stdin io.Reader) error {
	given, err := o.lock.lock()
	if err != nil {
		return err
	}
	document, err := readInput(o.file, stdin)
	if err != nil {
		return err
	}
	policy, err := parsePolicy(document)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	if views := policy.Views(); !slices.ContainsFunc(views, hasPrincipal) {
		return fmt.Errorf("%s: no bucket policy: its statements have no Principal", o.file)
	}
	buckets := bucketsIn(policy)
	found := audit.Bucket{Name: o.bucket, Policy: audit.Document{Text: policy.String()}}
	var guesses []audit.Guess
	switch {
	case o.bucket != "":
	case len(buckets) > 1:
		return fmt.Errorf("%s: it names several buckets (%s): choose one by --bucket", o.file, strings.Join(buckets, ", "))
	case len(buckets) == 1:
		found.Name = buckets[0]
		guesses = append(guesses, audit.Guess{What: "bucket", Values: buckets, From: "the policy's resources"})
	default:
		return fmt.Errorf("%s: it names no bucket: give --bucket", o.file)
	}
	l, more := audit.GuessLock(given, found, nil)
	setting := l.Setting(found.Name)
	fmt.Fprintf(w, "| who | from where | under this policy |\n|---|---|---|\n")
	for _, row := range together(policyRows(policy, setting, l)) {
		fmt.Fprintf(w, "| %s | %s | %s |\n", row.caller, strings.Join(row.paths, ", "), row.ours)
	}
	if guesses = append(guesses, more...); len(guesses) > 0 {
		fmt.Fprintf(w, "\nGuessed: %s.\n", strings.Join(guessLines(guesses), "; "))
	}
	return nil
}

func hasPrincipal(v iampolicy.View) bool {
	return v.Everyone || v.NotPrincipal || len(v.Principals)+len(v.Services)+len(v.Others) > 0
}

// bucketsIn lists the buckets that a policy's resources name, without those with wildcards.
func bucketsIn(policy *iampolicy.Policy) []string {
	var names []string
	for _, v := range policy.Views() {
		for _, r := range v.Resources {
			if name := lock.BucketName(r); name != "" && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// policyRows lists what a policy opens to each caller, and to each role that the policy excepts.
func policyRows(policy *iampolicy.Policy, s iampolicy.Setting, l lock.Lock) []row {
	standpoints := s.Standpoints()
	for _, at := range s.Standpoints() {
		if at.Caller != "administrators' role of the account" {
			continue
		}
		for _, role := range exceptedRoles(l) {
			excepted := at
			excepted.Caller, excepted.Principal = "role "+role, role
			standpoints = append(standpoints, excepted)
		}
	}
	var list []row
	for _, at := range standpoints {
		list = addRow(list, row{at.Caller, []string{at.Path}, "", exposed(policy, s, at)})
	}
	return list
}

// exceptedRoles lists the ARNs of roles, without wildcards, that the lock excepts.
func exceptedRoles(l lock.Lock) []string {
	roles := slices.Clone(l.ManagementRoles)
	for _, e := range l.Exceptions {
		if e.Key == "aws:PrincipalArn" {
			roles = append(roles, e.Values...)
		}
	}
	slices.Sort(roles)
	return slices.DeleteFunc(slices.Compact(roles), func(arn string) bool {
		return !roleShape.MatchString(arn) || strings.ContainsAny(arn, "*?$")
	})
}
