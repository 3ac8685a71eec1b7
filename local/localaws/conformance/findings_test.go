package conformance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"
)

// findingCases are the cases on Security Hub. The first is the only one before it is enabled. Where moto differs, these
// pages decide:
//
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html (InvalidAccessException)
// https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html (earlier updates)
// https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html (SchemaVersion)
func findingCases() []testCase {
	now := time.Now().UTC().Truncate(time.Second)
	return []testCase{
		{name: "an account without Security Hub takes no findings", moto: "takes them", ops: []op{
			refused("InvalidAccessException", importFinding(now, finding("one", now))), refused("InvalidAccessException", foundAs("")),
		}},
		{name: "a finding is imported", ops: []op{enableHub(), importFinding(now, finding("one", now)), foundAs("one")}},
		{name: "a finding is updated by its id", ops: []op{
			enableHub(), importFinding(now, finding("one", now)), importFinding(now, finding("two", now.Add(time.Minute))), foundAs("two"),
		}},
		{name: "an earlier finding changes nothing", moto: "takes it", ops: []op{
			enableHub(), importFinding(now, finding("one", now)), importFinding(now, finding("two", now.Add(-time.Minute))), foundAs("one"),
		}},
		{name: "a finding without resources is refused alone", ops: []op{
			enableHub(), failedImport(now, func(f *types.AwsSecurityFinding) { f.Resources = []types.Resource{} }), foundAs("good"),
		}},
		{name: "a finding of another format is refused alone", moto: "takes it", ops: []op{
			enableHub(), failedImport(now, func(f *types.AwsSecurityFinding) { f.SchemaVersion = aws.String("2017-01-01") }), foundAs("good"),
		}},
	}
}

func (s *scene) hub() *securityhub.Client { return securityhub.NewFromConfig(s.config) }

func enableHub() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.hub().EnableSecurityHub(ctx, &securityhub.EnableSecurityHubInput{EnableDefaultStandards: aws.Bool(false)})
		return err
	}
}

// finding returns a change of a finding: its title, and when it was updated.
func finding(title string, updated time.Time) func(*types.AwsSecurityFinding) {
	return func(f *types.AwsSecurityFinding) {
		f.Title, f.UpdatedAt = &title, aws.String(updated.Format(time.RFC3339))
	}
}

// finding returns a finding with the scene's name as its id, made at a time.
func (s *scene) finding(at time.Time, change func(*types.AwsSecurityFinding)) types.AwsSecurityFinding {
	f := types.AwsSecurityFinding{
		SchemaVersion: aws.String("2018-10-08"), Id: &s.name, GeneratorId: aws.String("conformance"), AwsAccountId: aws.String(account),
		ProductArn: aws.String("arn:aws:securityhub:" + region + ":" + account + ":product/" + account + "/default"),
		CreatedAt:  aws.String(at.Format(time.RFC3339)), UpdatedAt: aws.String(at.Format(time.RFC3339)),
		Title: aws.String("good"), Description: aws.String("a finding"),
		FindingProviderFields: &types.FindingProviderFields{
			Severity: &types.FindingProviderSeverity{Label: types.SeverityLabelLow}, Types: []string{"Software and Configuration Checks"},
		},
		Resources: []types.Resource{{Type: aws.String("AwsS3Bucket"), Id: aws.String("arn:aws:s3:::" + s.name)}},
	}
	change(&f)
	return f
}

func importFinding(at time.Time, change func(*types.AwsSecurityFinding)) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.hub().BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{s.finding(at, change)}})
		if err == nil && (*out.FailedCount != 0 || *out.SuccessCount != 1) {
			err = fmt.Errorf("%d failed: %s", *out.FailedCount, aws.ToString(out.FailedFindings[0].ErrorMessage))
		}
		return err
	}
}

// failedImport imports a finding that must be refused, with one that is good.
func failedImport(at time.Time, change func(*types.AwsSecurityFinding)) op {
	return func(ctx context.Context, s *scene) error {
		bad := s.finding(at, change)
		bad.Id = aws.String(s.name + "-bad")
		good := s.finding(at, func(*types.AwsSecurityFinding) {})
		out, err := s.hub().BatchImportFindings(ctx, &securityhub.BatchImportFindingsInput{Findings: []types.AwsSecurityFinding{bad, good}})
		if err != nil {
			return err
		}
		if *out.FailedCount != 1 || *out.SuccessCount != 1 || *out.FailedFindings[0].Id != *bad.Id || *out.FailedFindings[0].ErrorCode != "InvalidInput" {
			return differs("answer", fmt.Sprint(*out.FailedCount, " failed, ", *out.SuccessCount, " imported"), "one each")
		}
		return nil
	}
}

// foundAs expects the title of the scene's finding, and no other of the scene.
func foundAs(want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.hub().GetFindings(ctx, &securityhub.GetFindingsInput{})
		if err != nil {
			return err
		}
		got := ""
		for _, f := range out.Findings {
			if *f.Id == s.name || *f.Id == s.name+"-bad" {
				got += *f.Title
			}
		}
		if got != want {
			return differs("finding", got, want)
		}
		return nil
	}
}
