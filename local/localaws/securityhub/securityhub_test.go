package securityhub_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/securityhub/types"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/localtest"
	"example.com/s3-endpoint-guard/local/localaws/securityhub"
)

// start makes a Security Hub that is enabled, and a client with the permissions of a policy.
func start(t *testing.T, policy string) (*securityhub.Service, *sdk.Client) {
	t.Helper()
	gate := localtest.Gate(t, api.Options{})
	s := securityhub.New(gate.Options())
	s.Enable()
	gate.Add(s)
	return s, sdk.NewFromConfig(localtest.Config(t, gate, policy))
}

const product = "arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default"

// asff is a finding as clients send it.
type asff = types.AwsSecurityFinding

// finding is a valid finding.
func finding() asff {
	return asff{
		SchemaVersion: aws.String("2018-10-08"), Id: aws.String("f-1"), ProductArn: aws.String(product),
		GeneratorId: aws.String("g"), AwsAccountId: aws.String("111122223333"),
		CreatedAt: aws.String("2026-03-02T09:01:03.000Z"), UpdatedAt: aws.String("2026-03-02T09:01:03.000Z"),
		Title: aws.String("t"), Description: aws.String("d"), Severity: &types.Severity{Label: types.SeverityLabelHigh},
		Types: []string{"Effects/Data Exposure"}, RecordState: types.RecordStateActive,
		Compliance: &types.Compliance{Status: types.ComplianceStatusFailed},
		Resources:  []types.Resource{{Type: aws.String("AwsS3Bucket"), Id: aws.String("arn:aws:s3:::docs")}},
	}
}

// bring imports a finding and returns why it is refused, "" if it is not.
func bring(t *testing.T, client *sdk.Client, f asff) string {
	t.Helper()
	in := &sdk.BatchImportFindingsInput{Findings: []asff{f}}
	out := localtest.Must(client.BatchImportFindings(t.Context(), in))(t)
	if *out.FailedCount+*out.SuccessCount != 1 || int(*out.FailedCount) != len(out.FailedFindings) {
		t.Errorf("%d failed, %d succeeded, %d reasons; want one finding in all",
			*out.FailedCount, *out.SuccessCount, len(out.FailedFindings))
	}
	if len(out.FailedFindings) == 0 {
		return ""
	}
	if f := out.FailedFindings[0]; *f.ErrorCode != "InvalidInput" || *f.ErrorMessage == "" {
		t.Errorf("the refusal is %q: %q, want InvalidInput with a reason", *f.ErrorCode, *f.ErrorMessage)
	}
	return *out.FailedFindings[0].ErrorMessage
}

func TestAFindingIsCreatedAndUpdatedByItsId(t *testing.T) {
	s, client := start(t, localtest.Everything)
	var imported []string
	s.OnImport(func(f securityhub.Finding) { imported = append(imported, f["RecordState"].(string)) })
	created, earlier, same, later := finding(), finding(), finding(), finding()
	earlier.UpdatedAt, earlier.RecordState = aws.String("2026-03-02T09:01:02.999Z"), types.RecordStateArchived
	same.RecordState = types.RecordStateArchived
	later.UpdatedAt, later.RecordState = aws.String("2026-03-02T09:01:03.001Z"), types.RecordStateArchived
	for _, step := range []struct {
		f    asff
		want string
	}{{created, "ACTIVE"}, {earlier, "ACTIVE"}, {same, "ACTIVE"}, {later, "ARCHIVED"}} {
		if why := bring(t, client, step.f); why != "" {
			t.Fatal(why)
		}
		if all := s.Findings(); len(all) != 1 || all[0]["RecordState"] != step.want {
			t.Errorf("after an update of %s: findings %v, want one that is %s", *step.f.UpdatedAt, all, step.want)
		}
	}
	if got := strings.Join(imported, " "); got != "ACTIVE ARCHIVED" {
		t.Errorf("imports %s, want the creation and the update", got)
	}
	out := localtest.Must(client.GetFindings(t.Context(), &sdk.GetFindingsInput{}))(t)
	if len(out.Findings) != 1 || out.Findings[0].RecordState != "ARCHIVED" || out.Findings[0].Workflow.Status != "NEW" {
		t.Errorf("GetFindings = %+v, want the finding, archived and new", out.Findings)
	}
}

func TestNothingIsImportedUnlessSecurityHubIsEnabled(t *testing.T) {
	gate := localtest.Gate(t, api.Options{})
	s := securityhub.New(gate.Options())
	gate.Add(s)
	client := sdk.NewFromConfig(localtest.Config(t, gate, localtest.Everything))
	in := &sdk.BatchImportFindingsInput{Findings: []asff{finding()}}
	if _, err := client.BatchImportFindings(t.Context(), in); localtest.Code(err) != "InvalidAccessException" {
		t.Errorf("BatchImportFindings = %v, want InvalidAccessException", err)
	}
	if _, err := client.GetFindings(t.Context(), &sdk.GetFindingsInput{}); localtest.Code(err) != "InvalidAccessException" {
		t.Errorf("GetFindings = %v, want InvalidAccessException", err)
	}
	localtest.Must(client.EnableSecurityHub(t.Context(), &sdk.EnableSecurityHubInput{}))(t)
	localtest.Must(client.BatchImportFindings(t.Context(), in))(t)
	if len(s.Findings()) != 1 {
		t.Errorf("%d findings after EnableSecurityHub, want 1", len(s.Findings()))
	}
}

func TestFindingsMustHaveASFFsForm(t *testing.T) {
	long := func(n int) *string { return aws.String(strings.Repeat("ü", n)) }
	for name, test := range map[string]struct {
		change func(*asff)
		want   string
	}{
		"valid":                   {func(*asff) {}, ""},
		"the longest title":       {func(f *asff) { f.Title = long(256) }, ""},
		"a longer title":          {func(f *asff) { f.Title = long(257) }, "Title has the length 257"},
		"the longest description": {func(f *asff) { f.Description = long(1024) }, ""},
		"a longer description":    {func(f *asff) { f.Description = long(1025) }, "Description has the length 1025"},
		"a blank description":     {func(f *asff) { f.Description = aws.String(" ") }, "Description is blank"},
		"another schema":          {func(f *asff) { f.SchemaVersion = aws.String("2020-01-01") }, "SchemaVersion is"},
		"another product": {func(f *asff) {
			f.ProductArn = aws.String("arn:aws:securityhub:eu-central-1::product/aws/x")
		}, "ProductArn is"},
		"another account":            {func(f *asff) { f.AwsAccountId = aws.String("444455556666") }, "not the caller's account"},
		"a time without its zone":    {func(f *asff) { f.UpdatedAt = aws.String("2026-03-02T09:01:03") }, "UpdatedAt is"},
		"a creation in the past":     {func(f *asff) { f.UpdatedAt = aws.String("2026-03-03T09:01:03Z") }, "same CreatedAt and UpdatedAt"},
		"no severity":                {func(f *asff) { f.Severity = nil }, "neither Severity.Label"},
		"no types":                   {func(f *asff) { f.Types = nil }, "neither Types"},
		"a type of another form":     {func(f *asff) { f.Types = []string{"Exposure"} }, "Types[] is"},
		"no resources":               {func(f *asff) { f.Resources = []types.Resource{} }, "Resources has the length 0"},
		"too many resources":         {func(f *asff) { f.Resources = many(33) }, "Resources has the length 33"},
		"severity of the provider":   {func(f *asff) { f.Severity, f.Types, f.FindingProviderFields = nil, nil, provided() }, ""},
		"a recommendation":           {func(f *asff) { f.Remediation = remedy(512) }, ""},
		"a longer recommendation":    {func(f *asff) { f.Remediation = remedy(513) }, "Remediation.Recommendation.Text has the length 513"},
		"a field of the product":     {func(f *asff) { f.ProductFields = map[string]string{"k": "v"} }, ""},
		"a blank field":              {func(f *asff) { f.ProductFields = map[string]string{"k": ""} }, "ProductFields.* is blank"},
		"a field with a longer key":  {func(f *asff) { f.ProductFields = map[string]string{*long(129): "v"} }, "longer than 128"},
		"what is not imitated":       {func(f *asff) { f.Criticality = aws.Int32(1) }, "does not know the attribute Criticality"},
		"more than 240 KB":           {func(f *asff) { f.Description = long(121 << 10) }, "more than 240 KB"},
		"a state that there is not":  {func(f *asff) { f.RecordState = "DELETED" }, "RecordState is"},
		"a status that there is not": {func(f *asff) { f.Compliance.Status = "OPEN" }, "Compliance.Status is"},
	} {
		t.Run(name, func(t *testing.T) {
			s, client := start(t, localtest.Everything)
			f := finding()
			test.change(&f)
			got := bring(t, client, f)
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") || len(s.Findings()) == 1 != (test.want == "") {
				t.Errorf("refused for %q with %d findings, want %q", got, len(s.Findings()), test.want)
			}
		})
	}
}

func many(n int) []types.Resource {
	var list []types.Resource
	for range n {
		list = append(list, finding().Resources...)
	}
	return list
}

func provided() *types.FindingProviderFields {
	return &types.FindingProviderFields{
		Severity: &types.FindingProviderSeverity{Label: types.SeverityLabelLow, Original: aws.String("closed")},
		Types:    []string{"TTPs"},
	}
}

func remedy(n int) *types.Remediation {
	text := strings.Repeat("x", n)
	return &types.Remediation{Recommendation: &types.Recommendation{Text: &text, Url: aws.String("https://example.com/")}}
}

func TestOneRefusedFindingDoesNotAffectTheOthers(t *testing.T) {
	s, client := start(t, localtest.Everything)
	wrong, other := finding(), finding()
	wrong.Title, other.Id = aws.String(strings.Repeat("x", 257)), aws.String("f-2")
	in := &sdk.BatchImportFindingsInput{Findings: []asff{wrong, other}}
	out := localtest.Must(client.BatchImportFindings(t.Context(), in))(t)
	if *out.FailedCount != 1 || *out.SuccessCount != 1 || *out.FailedFindings[0].Id != "f-1" || len(s.Findings()) != 1 {
		t.Errorf("BatchImportFindings = %+v with %d findings, want f-1 refused and f-2 imported", out, len(s.Findings()))
	}
}

func TestACallTakesAHundredFindings(t *testing.T) {
	_, client := start(t, localtest.Everything)
	for n, want := range map[int]string{1: "", 100: "", 101: "InvalidInputException"} {
		var all []asff
		for range n {
			all = append(all, finding())
		}
		_, err := client.BatchImportFindings(t.Context(), &sdk.BatchImportFindingsInput{Findings: all})
		if localtest.Code(err) != want {
			t.Errorf("BatchImportFindings of %d = %v, want %q", n, err, want)
		}
	}
}

func TestImportingNeedsThePermissionOnTheProduct(t *testing.T) {
	other := strings.Replace(product, "default", "other", 1)
	for resource, want := range map[string]string{product: "", other: "AccessDenied"} {
		_, client := start(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Action":"securityhub:BatchImportFindings","Resource":"`+resource+`"}]}`)
		_, err := client.BatchImportFindings(t.Context(), &sdk.BatchImportFindingsInput{Findings: []asff{finding()}})
		if got := localtest.Code(err); got != want {
			t.Errorf("with the permission on %s: %v, want %q", resource, err, want)
		}
	}
}
