package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"s3-endpoint-guard/internal/environment"
	"s3-endpoint-guard/internal/iampolicy"
	"s3-endpoint-guard/local/samtemplate"
)

func exposureCommand() *cobra.Command {
	var where deployment
	command := &cobra.Command{
		Use:   "exposure",
		Short: "Show what the article's bucket policy and ours leave open to whom",
		Long: `Evaluates every S3 action on the bucket and its objects, for every caller at every door, under the article's bucket
policy and under the template's, and prints how many are open as a Markdown table. Data are objects, versions and
listings. Callers of the account are taken to be allowed everything by their identity policies: what is not open to them
is what the bucket policy alone keeps shut. Without --parameter ManagementRoleArns=… one such role is invented, to show what
it would have.`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error {
			plan, err := where.planManaged()
			if err != nil {
				return &exitError{2, err}
			}
			if err := writeExposure(command.OutOrStdout(), plan); err != nil {
				return &exitError{2, fmt.Errorf("comparing the policies: %w", err)}
			}
			return nil
		},
	}
	where.flags(command.Flags())
	return command
}

// writeExposure writes the table.
func writeExposure(w io.Writer, plan *samtemplate.Plan) error {
	lock, err := readLock(plan)
	if err != nil {
		return err
	}
	article, err := iampolicy.Parse([]byte(articleBucketPolicy(lock.setting.Bucket, lock.setting.EndpointID)))
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| who | from where | under the article's policy | under ours |\n|---|---|---|---|\n")
	for _, row := range together(rows(lock, article)) {
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", row.caller, strings.Join(row.doors, ", "), row.article, row.ours)
	}
	return nil
}

// managementRoles is the parameter that names the roles that the lock lets see that the bucket is there.
const managementRoles = "ManagementRoleArns"

// planManaged is the plan with one management role at least.
func (d deployment) planManaged() (*samtemplate.Plan, error) {
	plan, err := d.plan()
	if err != nil || plan.Options().Parameters[managementRoles] != "" {
		return plan, err
	}
	o := plan.Options()
	d.parameters = append(slices.Clone(d.parameters),
		fmt.Sprintf("%s=arn:%s:iam::%s:role/management", managementRoles, o.Partition, o.AccountID))
	return d.plan()
}

// row is one caller at all the doors where the policies leave open the same.
type row struct {
	caller        string
	doors         []string
	article, ours string
}

// rows compares the policies for every caller, in the order of the standpoints.
func rows(lock lock, article *iampolicy.Policy) []row {
	var list []row
	for _, at := range slices.Concat(lock.setting.Standpoints(), lock.exempt()) {
		r := row{at.Caller, []string{at.Door}, exposed(article, lock.setting, at), exposed(lock.bucketPolicy, lock.setting, at)}
		same := slices.IndexFunc(list, func(other row) bool {
			return other.caller == r.caller && other.article == r.article && other.ours == r.ours
		})
		if same < 0 {
			list = append(list, r)
			continue
		}
		list[same].doors = append(list[same].doors, at.Door)
	}
	return list
}

// together makes one row of those callers to whom the same is open at the same doors.
func together(rows []row) []row {
	var list []row
	for _, r := range rows {
		same := slices.IndexFunc(list, func(other row) bool {
			return slices.Equal(other.doors, r.doors) && other.article == r.article && other.ours == r.ours
		})
		if same < 0 {
			list = append(list, r)
			continue
		}
		list[same].caller += ", " + r.caller
	}
	return list
}

// exposed says how much a policy leaves open to somebody: actions on objects and listings, which are the data, and
// actions on the bucket's configuration.
func exposed(policy *iampolicy.Policy, s iampolicy.Setting, at iampolicy.Standpoint) string {
	open := iampolicy.OpenActions(policy, s, at)
	data := among(open, append(iampolicy.ObjectActions(), iampolicy.ListingActions()...))
	configuration := among(open, iampolicy.ConfigurationActions())
	switch {
	case data == "" && configuration == "":
		return "nothing"
	case data == "":
		return "configuration " + configuration
	case configuration == "":
		return "data " + data
	}
	return "data " + data + ", configuration " + configuration
}

// among counts the open actions among some, and names a single one; "" when none is.
func among(open map[string]string, actions []string) string {
	var found []string
	for _, action := range actions {
		if _, ok := open[action]; ok {
			found = append(found, action)
		}
	}
	switch len(found) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("1 of %d (%s)", len(actions), found[0])
	}
	return fmt.Sprintf("%d of %d", len(found), len(actions))
}

// lock is what a planned stack guards, and the policy that it guards it with.
type lock struct {
	setting      iampolicy.Setting
	bucketPolicy *iampolicy.Policy
	management   string // the first of the management roles
}

// exempt are those whom the lock lets see that the bucket is there, each at the door where it does: CloudFormation in the
// name of an administrator, and the management roles.
func (l lock) exempt() []iampolicy.Standpoint {
	const service = "cloudformation.amazonaws.com"
	forwarded := map[string][]string{
		"aws:SecureTransport": {"true"}, "aws:ViaAWSService": {"true"},
		"aws:CalledVia": {service}, "aws:CalledViaFirst": {service}, "aws:CalledViaLast": {service},
	}
	var all []iampolicy.Standpoint
	for _, at := range l.setting.Standpoints() {
		switch {
		case at.Caller == "administrator of the account" && at.Door == "from the internet":
			at.Door, at.Context = "by CloudFormation, which they have called", forwarded
			all = append(all, at)
		case at.Caller == "administrators' role of the account":
			at.Caller, at.Principal = "role of ManagementRoleArns", l.management
			all = append(all, at)
		}
	}
	return all
}

// readLock reads the lock of a plan, with invented ids.
func readLock(plan *samtemplate.Plan) (lock, error) {
	ids := samtemplate.Invented(plan)
	function, err := plan.Function("RemediateFunction", ids)
	if err != nil {
		return lock{}, err
	}
	read := environment.New(func(name string) string {
		if name == "AWS_REGION" { // which Lambda sets
			return plan.Options().Region
		}
		return function.Environment[name]
	})
	guarded := read.Guarded()
	if err := read.Err(); err != nil {
		return lock{}, fmt.Errorf("reading the function's environment: %w", err)
	}
	policy, err := iampolicy.Parse([]byte(guarded.BucketPolicy))
	if err != nil {
		return lock{}, fmt.Errorf("reading the template's bucket policy: %w", err)
	}
	management, _, _ := strings.Cut(plan.Options().Parameters[managementRoles], ",")
	return lock{guarded.Setting, policy, management}, nil
}
