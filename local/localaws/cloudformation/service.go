package cloudformation

import (
	"net/http"
	"slices"
	"time"

	"example.com/s3-endpoint-guard/local/localaws/api"
	"example.com/s3-endpoint-guard/local/localaws/query"
)

// protocol encodes this service's answers.
var protocol = query.Protocol{Namespace: "http://cloudformation.amazonaws.com/doc/2010-05-15/"}

var _ api.Service = (*Service)(nil)

// SigningName implements [api.Service].
func (s *Service) SigningName() string { return "cloudformation" }

// Decode implements [api.Service].
func (s *Service) Decode(r *api.Request) (*api.Operation, error) {
	params, err := query.Parse(r)
	if err != nil {
		return nil, err
	}
	name, stack := params["Action"], params["StackName"]
	var do func() (any, error)
	switch name {
	case "DescribeStacks":
		do = func() (any, error) { return s.describeStacks(stack) }
	case "DescribeStackResource":
		do = func() (any, error) { return s.describeStackResource(stack, params["LogicalResourceId"]) }
	case "DescribeStackResources":
		do = func() (any, error) { return s.describeStackResources(stack) }
	case "ListStackResources":
		do = func() (any, error) { return s.listStackResources(stack, params["NextToken"]) }
	default:
		return nil, params.Unknown()
	}
	if err := params.Only("StackName", "NextToken", "LogicalResourceId"); err != nil {
		return nil, err
	}
	need := api.Need{Action: "cloudformation:" + name, Resource: s.arn(stack), ResourceAccount: s.options.Account}
	return protocol.Operation(r, name, need, do), nil
}

// RenderError implements [api.Service].
func (s *Service) RenderError(r *api.Request, e *api.Error) *api.Response {
	return protocol.Error(r, e)
}

// describedStack is a stack in the answer of DescribeStacks.
type describedStack struct {
	StackId, StackName, StackStatus string
	StackStatusReason               string `xml:",omitempty"`
	RoleARN                         string `xml:",omitempty"`
	ParentId, RootId                string `xml:",omitempty"`
	CreationTime, LastUpdatedTime   string
	DisableRollback                 bool
	Parameters                      []parameter `xml:"Parameters>member"`
	Outputs                         []output    `xml:"Outputs>member"`
}

type parameter struct{ ParameterKey, ParameterValue string }

type output struct{ OutputKey, OutputValue string }

// describeStacks answers DescribeStacks.
func (s *Service) describeStacks(stack string) (any, error) {
	stacks, err := s.described(stack)
	if err != nil {
		return nil, err
	}
	var list []describedStack
	for _, st := range stacks {
		d := describedStack{
			StackId: st.ID, StackName: st.Name, StackStatus: st.Status, StackStatusReason: st.Reason, RoleARN: st.RoleARN,
			ParentId: st.ParentID, RootId: st.RootID,
			CreationTime: st.Created.UTC().Format(time.RFC3339), LastUpdatedTime: st.Updated.UTC().Format(time.RFC3339),
		}
		for _, p := range st.Parameters {
			d.Parameters = append(d.Parameters, parameter{p.Key, p.Value})
		}
		for _, o := range st.Outputs {
			d.Outputs = append(d.Outputs, output{o.Key, o.Value})
		}
		list = append(list, d)
	}
	return struct {
		Stacks []describedStack `xml:"Stacks>member"`
	}{list}, nil
}

// describedResource is a resource in the answers of DescribeStackResources and ListStackResources.
type describedResource struct {
	StackId, StackName                    string
	LogicalResourceId, PhysicalResourceId string
	ResourceType, ResourceStatus          string
	ResourceStatusReason                  string `xml:",omitempty"`
	Timestamp                             string `xml:",omitempty"`
	LastUpdatedTimestamp                  string `xml:",omitempty"`
}

// resources returns a stack's resources for an answer.
func (s *Service) resources(stack string) ([]describedResource, error) {
	if stack == "" {
		return nil, &api.Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: "StackName is required"}
	}
	stacks, err := s.described(stack)
	if err != nil {
		return nil, err
	}
	st := stacks[0]
	var list []describedResource
	for _, r := range st.Resources {
		if r.Status == "" {
			r.Status = "CREATE_COMPLETE"
		}
		changed := st.Updated.UTC().Format(time.RFC3339)
		if !r.Changed.IsZero() {
			changed = r.Changed.UTC().Format(time.RFC3339Nano)
		}
		list = append(list, describedResource{st.ID, st.Name, r.LogicalID, r.PhysicalID, r.Type, r.Status, r.Reason, changed, changed})
	}
	return list, nil
}

// describeStackResource answers DescribeStackResource.
func (s *Service) describeStackResource(stack, logicalID string) (any, error) {
	list, err := s.resources(stack)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(r describedResource) bool { return r.LogicalResourceId == logicalID })
	if i < 0 {
		return nil, &api.Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: "Resource " + logicalID + " does not exist for stack " + stack}
	}
	return struct {
		Detail describedResource `xml:"StackResourceDetail"`
	}{list[i]}, nil
}

// mostResources is the maximum number of resources in an answer. DescribeStackResources omits the others without notice;
// ListStackResources returns further pages.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html
const mostResources = 100

// describeStackResources answers DescribeStackResources.
func (s *Service) describeStackResources(stack string) (any, error) {
	list, err := s.resources(stack)
	return struct {
		Resources []describedResource `xml:"StackResources>member"`
	}{list[:min(len(list), mostResources)]}, err
}

// listStackResources answers ListStackResources. The token of a page is the logical id of its first resource.
func (s *Service) listStackResources(stack, token string) (any, error) {
	list, err := s.resources(stack)
	if err != nil {
		return nil, err
	}
	if token != "" {
		begin := slices.IndexFunc(list, func(r describedResource) bool { return r.LogicalResourceId == token })
		if begin < 0 {
			return nil, &api.Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: "NextToken is not valid"}
		}
		list = list[begin:]
	}
	next := ""
	if len(list) > mostResources {
		list, next = list[:mostResources], list[mostResources].LogicalResourceId
	}
	return struct {
		Summaries []describedResource `xml:"StackResourceSummaries>member"`
		NextToken string              `xml:",omitempty"`
	}{list, next}, nil
}
