package securityhub

// finding has the fields of a finding that the guard sets. Without a verdict there is no original severity, and without something to do no
// remediation.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFinding.html
type finding struct {
	SchemaVersion         string
	ID                    string `json:"Id"`
	ProductARN            string `json:"ProductArn"`
	GeneratorID           string `json:"GeneratorId"`
	AWSAccountID          string `json:"AwsAccountId"`
	CreatedAt             string
	FirstObservedAt       string
	UpdatedAt             string
	LastObservedAt        string
	Title                 string
	Description           string
	Compliance            compliance
	RecordState           string
	FindingProviderFields providerFields
	Resources             []resource
	Remediation           *remediation `json:",omitempty"`
	ProductFields         map[string]string
}

type compliance struct{ Status string }

type providerFields struct {
	Severity severity
	Types    []string
}

type severity struct {
	Label    string
	Original string `json:",omitempty"`
}

type resource struct {
	Type      string
	ID        string `json:"Id"`
	Partition string
	Region    string
}

type remediation struct{ Recommendation recommendation }

type recommendation struct {
	Text string
	URL  string `json:"Url,omitempty"`
}

// response lists the findings that Security Hub did not import.
// https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html#API_BatchImportFindings_ResponseSyntax
type response struct {
	FailedFindings []struct {
		ID                      string `json:"Id"`
		ErrorCode, ErrorMessage string
	}
}
