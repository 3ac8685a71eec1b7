package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"s3-endpoint-guard/internal/iampolicy"
)

// accessRequest is one request of a batch file. Members that it does not name are ignored, so that a file may carry
// remarks and expectations of its own.
type accessRequest struct {
	Name            string              `json:"name"`
	Principal       string              `json:"principal"` // ARN, service name, or "" for anonymous
	Action          string              `json:"action"`
	Resource        string              `json:"resource"`
	ResourceAccount string              `json:"resourceAccount"`
	Context         map[string][]string `json:"context"`
	Bucket          json.RawMessage     `json:"bucket"`   // the bucket's policy, or null
	Endpoint        json.RawMessage     `json:"endpoint"` // the endpoint's policy, or null
	Identity        []json.RawMessage   `json:"identity"` // the caller's identity policies

	unread error // why the request itself could not be read
}

// accessAnswer is the decision on one request.
type accessAnswer struct {
	Name     string           `json:"name"`
	Decision iampolicy.Effect `json:"decision"`
	By       string           `json:"by"`
}

func accessCommand() *cobra.Command {
	var batch string
	c := &cobra.Command{
		Use:   "access --batch FILE",
		Short: "Tell whether AWS would allow requests, and which statement decides",
		Long: `Access evaluates requests against bucket, endpoint and identity policies.

FILE holds a JSON array of requests ("-" reads standard input):

  {"name": "…", "principal": "ARN, service name, or empty for anonymous", "action": "s3:GetObject",
   "resource": "arn:…", "resourceAccount": "111122223333", "context": {"aws:SecureTransport": ["true"]},
   "bucket": policy or null, "endpoint": policy or null, "identity": [policies]}

Standard output is a JSON array of {"name", "decision": "allow"|"deny"|"error", "by"}.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			requests, err := readBatch(batch, c.InOrStdin())
			if err != nil {
				return &exitError{code: 2, err: err}
			}
			return writeAnswers(c.OutOrStdout(), requests)
		},
	}
	c.Flags().StringVar(&batch, "batch", "", "file of requests, or - for standard input")
	_ = c.MarkFlagRequired("batch")
	return c
}

// readBatch reads a batch file, or standard input for "-".
func readBatch(name string, stdin io.Reader) ([]accessRequest, error) {
	data, err := readInput(name, stdin)
	if err != nil {
		return nil, err
	}
	var texts []json.RawMessage
	if err := json.Unmarshal(data, &texts); err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	requests := make([]accessRequest, len(texts))
	for i, text := range texts {
		requests[i].unread = json.Unmarshal(text, &requests[i])
	}
	return requests, nil
}

func readInput(name string, stdin io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(name)
}

func writeAnswers(w io.Writer, requests []accessRequest) error {
	answers := make([]accessAnswer, len(requests))
	for i, r := range requests {
		answers[i] = r.answer()
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(answers)
}

// answer evaluates one request. A policy that cannot be read makes it an error, and so does everything else that is
// not understood.
func (r accessRequest) answer() accessAnswer {
	if r.unread != nil {
		return accessAnswer{r.Name, iampolicy.Undecided, "reading the request: " + r.unread.Error()}
	}
	policies, err := r.policies()
	if err != nil {
		return accessAnswer{r.Name, iampolicy.Undecided, err.Error()}
	}
	d := iampolicy.Evaluate(iampolicy.Request{
		Principal: r.Principal, Action: r.Action, Resource: r.Resource, ResourceAccount: r.ResourceAccount, Context: r.Context,
	}, policies)
	return accessAnswer{r.Name, d.Effect, d.By}
}

func (r accessRequest) policies() (p iampolicy.Policies, err error) {
	var errs []error
	read := func(document string, text json.RawMessage) *iampolicy.Policy {
		policy, err := parseOptional(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", document, err))
		}
		return policy
	}
	p.Resource, p.Endpoint = read("bucket policy", r.Bucket), read("endpoint policy", r.Endpoint)
	for i, text := range r.Identity {
		if policy := read(fmt.Sprintf("identity policy %d", i+1), text); policy != nil {
			p.Identity = append(p.Identity, policy)
		}
	}
	return p, errors.Join(errs...)
}

// parseOptional parses a policy that may be absent or null. A policy may also be given as AWS returns it: as text.
func parseOptional(document json.RawMessage) (*iampolicy.Policy, error) {
	if len(document) == 0 || string(document) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(document, &text) == nil {
		document = json.RawMessage(text)
	}
	return iampolicy.Parse(document)
}
