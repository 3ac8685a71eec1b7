package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/environment"
	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/samtemplate"
)

func exposureCommand() *cobra.Command {
	var where stackFlags
	var own ownPolicy
	command := &cobra.Command{
		Use:   "exposure [--policy FILE]",
		Short: "Show which callers have access under a bucket policy: yours, or the article's and ours compared",
		Long: `Evaluates every S3 action on the bucket and its objects, for each caller and network path, under the article's
bucket policy and under the template's, and prints a Markdown table of how many are open. Data are objects, versions and
listings. The table assumes that identity policies allow all actions to the account's own callers: what is not open to
them is denied by the bucket policy alone. Without --parameter ManagementRoleArns=… one such role is invented, to show its
access.

--policy shows the same table for a bucket policy of your own ("-" reads standard input; it may be what "aws s3api
get-bucket-policy" printed). What --bucket, --account, --region, --vpce, --vpc and --role leave out is guessed from the policy;
the last line says what was guessed. "workload" is --role, or the role that the policy excepts.

The exit code is 2 if the policy cannot be judged, or the command is used wrongly.`,
		Args: arguments(0, 0),
		RunE: func(command *cobra.Command, _ []string) error {
			if err := own.checkFlags(command); err != nil {
				return misused(command, err)
			}
			if own.file != "" {
				return unjudged(command, own.write(command.OutOrStdout(), command.InOrStdin()))
			}
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
	own.flags(command.Flags())
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
		fmt.Fprintf(w, "| %s | %s | %s | %s |\n", row.caller, strings.Join(row.paths, ", "), row.article, row.ours)
	}
	return nil
}

// managementRoles is the parameter that names the roles to which the bucket policy grants s3:ListBucket.
const managementRoles = "ManagementRoleArns"

// planManaged returns the plan with at least one management role.
func (d stackFlags) planManaged() (*samtemplate.Plan, error) {
	plan, err := d.plan()
	if err != nil || plan.Options().Parameters[managementRoles] != "" {
		return plan, err
	}
	o := plan.Options()
	d.parameters = append(slices.Clone(d.parameters),
		fmt.Sprintf("%s=arn:%s:iam::%s:role/management", managementRoles, o.Partition, o.AccountID))
	return d.plan()
}

// row is one caller at all network paths at which the policies allow the same.
type row struct {
	caller        string
	paths         []string
	article, ours string
}

// rows compares the policies for each caller, in the order of the standpoints.
func rows(lock plannedLock, article *iampolicy.Policy) []row {
	var list []row
	for _, at := range slices.Concat(lock.setting.Standpoints(), lock.exempt()) {
		r := row{at.Caller, []string{at.Path}, exposed(article, lock.setting, at), exposed(lock.bucketPolicy, lock.setting, at)}
		list = addRow(list, r)
	}
	return list
}

// addRow adds a row, or its paths to the row of the same caller with the same access.
func addRow(list []row, r row) []row {
	same := slices.IndexFunc(list, func(other row) bool {
		return other.caller == r.caller && other.article == r.article && other.ours == r.ours
	})
	if same < 0 {
		return append(list, r)
	}
	list[same].paths = append(list[same].paths, r.paths...)
	return list
}

// together merges the callers to whom the same is allowed at the same network paths.
func together(rows []row) []row {
	var list []row
	for _, r := range rows {
		same := slices.IndexFunc(list, func(other row) bool {
			return slices.Equal(other.paths, r.paths) && other.article == r.article && other.ours == r.ours
		})
		if same < 0 {
			list = append(list, r)
			continue
		}
		list[same].caller += ", " + r.caller
	}
	return list
}

// exposed returns how many actions a policy allows to a caller: on objects and listings, which are the data, and on
// the bucket's configuration.
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

// among counts the open actions in a list. It names a single one, and returns "" if there is none.
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

// plannedLock is the resources that a planned stack protects, and the bucket policy that protects them.
type plannedLock struct {
	setting      iampolicy.Setting
	bucketPolicy *iampolicy.Policy
	management   string // the first of the management roles
}

// exempt returns the callers to which the bucket policy leaves s3:ListBucket open, each with its network path:
// CloudFormation on behalf of an administrator, and the management roles.
func (l plannedLock) exempt() []iampolicy.Standpoint {
	const service = "cloudformation.amazonaws.com"
	forwarded := map[string][]string{
		"aws:SecureTransport": {"true"}, "aws:ViaAWSService": {"true"},
		"aws:CalledVia": {service}, "aws:CalledViaFirst": {service}, "aws:CalledViaLast": {service},
	}
	var all []iampolicy.Standpoint
	for _, at := range l.setting.Standpoints() {
		switch {
		case at.Caller == "administrator of the account" && at.Path == "from the internet":
			at.Path, at.Context = "by CloudFormation, which they have called", forwarded
			all = append(all, at)
		case at.Caller == "administrators' role of the account":
			at.Caller, at.Principal = "role of ManagementRoleArns", l.management
			all = append(all, at)
		}
	}
	return all
}

// readLock reads the lock of a plan, with invented ids.
func readLock(plan *samtemplate.Plan) (plannedLock, error) {
	ids := samtemplate.Invented(plan)
	function, err := plan.Function("RemediateFunction", ids)
	if err != nil {
		return plannedLock{}, err
	}
	read := environment.New(func(name string) string {
		if name == "AWS_REGION" { // Lambda sets it
			return plan.Options().Region
		}
		return function.Environment[name]
	})
	guarded := read.Guarded()
	if err := read.Err(); err != nil {
		return plannedLock{}, fmt.Errorf("reading the function's environment: %w", err)
	}
	policy, err := iampolicy.Parse([]byte(guarded.BucketPolicy))
	if err != nil {
		return plannedLock{}, fmt.Errorf("reading the template's bucket policy: %w", err)
	}
	management, _, _ := strings.Cut(plan.Options().Parameters[managementRoles], ",")
	return plannedLock{guarded.Setting, policy, management}, nil
}
