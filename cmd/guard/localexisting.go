package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"example.com/s3-endpoint-guard/local/localaws"
)

// stayBefore makes the buckets and the endpoint of the demo's act two, puts guard.yaml before them, prints how to reach them, and runs
// until the context ends.
func stayBefore(ctx context.Context, where stackFlags, n *news) (err error) {
	where.existing = true
	plan, err := where.plan()
	if err != nil {
		return err
	}
	builds, err := where.build(plan) // before the clock of the local AWS starts, because the build takes time
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, builds.Close()) }()
	cloud, err := localaws.New(localOptions(n))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	e, err := newEstate(&callers{deployed: &deployed{cloud: cloud, builds: builds}})
	if err != nil {
		return fmt.Errorf("making what exists: %w", err)
	}
	parameters := e.answers("Observe")
	if err := where.set(parameters); err != nil {
		return err
	}
	if err := e.deploy(ctx, parameters); err != nil {
		return err
	}
	if err := cloud.Quiesce(ctx); err != nil { // until the guard's first look ends
		return err
	}
	n.mu.Lock()
	err = e.tellHow(ctx, n.to, parameters["Enforcement"])
	n.mu.Unlock()
	if err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// tellHow prints how the AWS CLI uses each caller's credentials.
func (e *estate) tellHow(ctx context.Context, w io.Writer, enforcement string) error {
	inside, err := e.cloud.Through(e.endpoint)
	if err != nil {
		return err
	}
	away := e.cloud.Internet()
	err = exports(ctx, w, e.cloud, []visitor{
		{"An administrator, on the internet", e.cloud.Admin(), away},
		{"The team's role, through the VPC endpoint", e.cloud.IAM.Session("team", "notebook"), inside},
		{"Terraform's role, on the internet", e.cloud.IAM.Session("terraform", "apply"), away},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, `# A stranger on the internet: %[2]s opens itself to everybody, until the guard enforces
curl -i %[1]s/%[2]s/%[6]s

# Enforcement=%[7]s. Try, as the administrator:
aws s3api get-bucket-policy --bucket %[3]s
aws s3api delete-public-access-block --bucket %[4]s
aws s3api put-bucket-tagging --bucket %[4]s --tagging 'TagSet=[{Key=team,Value=logs}]'
aws s3 cp s3://%[8]s/before/%[2]s.json -
aws ec2 modify-vpc-endpoint --vpc-endpoint-id %[5]s --reset-policy

# What the guard does follows, and the messages that a subscriber gets. Ctrl-C ends it all.
`, away, siteBucket, teamBucket, logsBucket, e.endpoint, objectKey, enforcement, e.stack.Physical("StateBucket"))
	return nil
}
