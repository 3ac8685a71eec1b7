package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/s3-endpoint-guard/internal/iampolicy"
	"example.com/s3-endpoint-guard/local/policyfiles"
)

// accessRequest is one request of a batch file.
type accessRequest struct {
	Name            string            `json:"name"`
	Principal       string            `json:"principal"` // ARN, service name, or "" for anonymous
	Action          string            `json:"action"`
	Resource        string            `json:"resource"`
	ResourceAccount string            `json:"resourceAccount"`
	Context         requestContext    `json:"context"`
	Bucket          json.RawMessage   `json:"bucket"`   // the bucket's policy, or null
	Endpoint        json.RawMessage   `json:"endpoint"` // the endpoint's policy, or null
	Identity        []json.RawMessage `json:"identity"` // the caller's identity policies

	unread error // why the request itself could not be read
}

// members lists the members that a request may have. The last ones are remarks for readers and do not change the
// answer. Any other member is an error, because a misspelt "principal" would make the request anonymous.
var members = []string{
	"name", "principal", "action", "resource", "resourceAccount", "context", "bucket", "endpoint", "identity",
	"comment", "expect", "expected", "group", "note", "rule",
}

// readRequest reads one request of a batch.
func readRequest(text json.RawMessage) (r accessRequest) {
	var given map[string]json.RawMessage
	r.unread = json.Unmarshal(text, &r)
	if r.unread != nil || json.Unmarshal(text, &given) != nil {
		return r
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(members, name) {
			r.unread = fmt.Errorf("unknown member %q", name)
			break
		}
	}
	return r
}

// requestContext holds a request's condition keys. In a file a key with one value may have it without a list.
type requestContext map[string][]string

func (c *requestContext) UnmarshalJSON(text []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return err
	}
	*c = make(requestContext, len(keys))
	for key, value := range keys {
		var one string
		if json.Unmarshal(value, &one) == nil && string(value) != "null" {
			(*c)[key] = []string{one}
			continue
		}
		var list []string
		if err := json.Unmarshal(value, &list); err != nil {
			return fmt.Errorf("context %s: %w", key, err)
		}
		(*c)[key] = list
	}
	return nil
}

// camePastEndpoints reports whether a request certainly came through no VPC endpoint: it has a public source address,
// and no key that only requests through an endpoint have.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-sourceip
func (c requestContext) camePastEndpoints() bool {
	has := map[string]bool{}
	for key, values := range c {
		has[strings.ToLower(key)] = len(values) > 0
	}
	return has["aws:sourceip"] && !has["aws:sourcevpce"] && !has["aws:sourcevpc"] && !has["aws:vpcsourceip"]
}

// accessAnswer is the decision on one request.
type accessAnswer struct {
	Name     string           `json:"name"`
	Decision iampolicy.Effect `json:"decision"`
	By       string           `json:"by"`
}

func accessCommand() *cobra.Command {
	var batch string
	var one question
	c := &cobra.Command{
		Use:   "access --batch FILE | --action ACTION --as ARN",
		Short: "Show whether AWS would allow requests, and which statement decides",
		Long: `Access evaluates requests against bucket, endpoint and identity policies.

One request:

  guard access --bucket-policy p.json --endpoint-policy e.json --action s3:GetObject --as ARN --vpce vpce-…

--as is an ARN, the name of a service such as logging.s3.amazonaws.com, or "anonymous". Without --vpce the request comes from
the internet, and the endpoint's policy does not count. Without --identity-policy IAM is taken to allow the request. What
--bucket, --account and --vpc leave out is guessed, and standard error says what. Standard output is the answer and what
decides: "deny: bucket policy: DenyOutside"; with --json it is that of a batch. A file that is no policy is wrong usage.

Many requests: FILE holds a JSON array of them ("-" reads standard input):

  {"name": "…", "principal": "ARN, service name, or empty for anonymous", "action": "s3:GetObject",
   "resource": "arn:…", "resourceAccount": "111122223333", "context": {"aws:SecureTransport": ["true"]},
   "bucket": policy or null, "endpoint": policy or null, "identity": [policies]}

A key of the context with one value needs no list. Remarks go into comment, expect,
expected, group, note and rule; any other member makes the answer an error. A policy may also be given as
text, or as the AWS CLI prints it. The ARN of a role's session does not contain the role's path:
where the path decides, give aws:PrincipalArn in the context. The endpoint's policy counts for every request that may have
come through the endpoint: it is left out where the context has aws:SourceIp and none of aws:SourceVpce,
aws:SourceVpc and aws:VpcSourceIp.

Standard output is a JSON array of {"name", "decision": "allow"|"deny"|"error", "by"}.
The exit code is 0 for every answer, and 2 when FILE is not a batch, or the command is used wrongly.`,
		Args: arguments(0, 0),
		RunE: func(c *cobra.Command, _ []string) error {
			asked := one.isAsked(c.Flags())
			switch {
			case batch != "" && asked != "":
				return misused(c, fmt.Errorf("--%s has no meaning with --batch", asked))
			case batch == "" && asked == "":
				return misused(c, errors.New("--batch is missing, or --action and --as"))
			case asked != "":
				return one.run(c)
			}
			requests, err := readBatch(batch, c.InOrStdin())
			if err != nil {
				return unjudged(c, err)
			}
			return writeAnswers(c.OutOrStdout(), requests)
		},
	}
	c.Flags().StringVar(&batch, "batch", "", "file of requests, or - for standard input")
	one.flags(c.Flags())
	c.SetFlagErrorFunc(misused)
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
		if json.Valid(data) {
			err = errors.New("want a JSON array of requests")
		}
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	requests := make([]accessRequest, len(texts))
	for i, text := range texts {
		requests[i] = readRequest(text)
	}
	return requests, nil
}

func readInput(name string, stdin io.Reader) ([]byte, error) {
	read := os.ReadFile
	if name == "-" {
		read = func(string) ([]byte, error) { return io.ReadAll(stdin) }
	}
	data, err := read(name)
	return policyfiles.Text(data), err
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

// answer evaluates one request. A policy, or any other part, that cannot be read or understood makes the answer an
// error.
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
	if r.Context.camePastEndpoints() {
		p.Endpoint = nil
	}
	for i, text := range r.Identity {
		if policy := read(fmt.Sprintf("identity policy %d", i+1), text); policy != nil {
			p.Identity = append(p.Identity, policy)
		}
	}
	return p, errors.Join(errs...)
}

// parseOptional parses a policy that may be absent or null. A policy may also be a JSON string, as AWS returns it.
func parseOptional(document json.RawMessage) (*iampolicy.Policy, error) {
	if len(document) == 0 || string(document) == "null" {
		return nil, nil
	}
	var text string
	if json.Unmarshal(document, &text) == nil {
		document = json.RawMessage(text)
	}
	return parsePolicy(document)
}

// parsePolicy parses a policy document, or the AWS CLI's output that contains the document as a string.
func parsePolicy(document []byte) (*iampolicy.Policy, error) {
	var printed struct {
		Policy       *string                            // s3api get-bucket-policy
		VpcEndpoints []struct{ PolicyDocument *string } // ec2 describe-vpc-endpoints
		Parameter    struct{ Value *string }            // ssm get-parameter, as of the stack's desired policies
	}
	if json.Unmarshal(document, &printed) == nil {
		switch {
		case printed.Policy != nil:
			return iampolicy.Parse([]byte(*printed.Policy))
		case printed.Parameter.Value != nil:
			return iampolicy.Parse([]byte(*printed.Parameter.Value))
		case len(printed.VpcEndpoints) == 1 && printed.VpcEndpoints[0].PolicyDocument != nil:
			return iampolicy.Parse([]byte(*printed.VpcEndpoints[0].PolicyDocument))
		case printed.VpcEndpoints != nil && len(printed.VpcEndpoints) == 0:
			return nil, errors.New("no endpoint: describe-vpc-endpoints found none")
		case len(printed.VpcEndpoints) > 1:
			return nil, errors.New("several endpoints: choose one by --vpc-endpoint-ids")
		}
	}
	return iampolicy.Parse(document)
}
