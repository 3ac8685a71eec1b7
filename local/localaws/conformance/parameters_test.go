package conformance_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// parameterCases are the cases on Systems Manager's parameters. Names are relative to a path of the scene.
func parameterCases() []testCase {
	return []testCase{
		{name: "a parameter is read by its path", ops: []op{
			putText("a", "one"), byPath("", false, "a=one/1"),
		}},
		{name: "a parameter is overwritten only on demand", ops: []op{
			putText("a", "one"), refused("ParameterAlreadyExists", putText("a", "two")), overwrite("a", "two"), byPath("", false, "a=two/2"),
		}},
		{name: "a path shows one level, or all", ops: []op{
			putText("a", "one"), putText("b/c", "two"), byPath("", false, "a=one/1"), byPath("", true, "a=one/1", "b/c=two/1"),
			byPath("/b", false, "b/c=two/1"), byPath("/", false, "a=one/1"),
		}},
		{name: "a path without parameters is empty, as is a parameter's own name", ops: []op{
			byPath("", true), putText("a", "one"), byPath("/a", true),
		}},
		{name: "pages have ten parameters at most", ops: []op{
			many(12), pages(10, 2), pages(5, 5, 2), refused("ValidationException", pages(11)),
		}},
		{name: "a deleted parameter is gone", ops: []op{
			putText("a", "one"), deleteParameter("a"), byPath("", true), refused("ParameterNotFound", deleteParameter("a")),
		}},
		{name: "a parameter that was deleted begins again with its first version", ops: []op{
			putText("a", "one"), overwrite("a", "two"), deleteParameter("a"), putText("a", "three"), byPath("", true, "a=three/1"),
		}},
		{name: "a parameter is read by its name", ops: []op{
			putText("a", "one"), named("a", "one/1"), overwrite("a", "two"), named("a", "two/2"), refused("ParameterNotFound", named("b", "")),
		}},
		{name: "a parameter needs a value", ops: []op{refused("ValidationException", putText("a", ""))}},
		{name: "the name of a path must not begin with aws", ops: []op{
			note("path", "/aws-guard"), refused("AccessDeniedException", putText("a", "one")),
		}},
		{name: "the name of a path must not begin with ssm", ops: []op{
			note("path", "/ssm-guard"), refused("ValidationException", putText("a", "one")),
		}},
	}
}

func (s *scene) ssm() *ssm.Client { return ssm.NewFromConfig(s.config) }

// path returns the path of the scene's parameters.
func (s *scene) path() string {
	if path, ok := s.notes["path"]; ok {
		return path
	}
	return "/" + s.name
}

func putText(name, value string) op { return putParameter(name, value, false) }

func overwrite(name, value string) op { return putParameter(name, value, true) }

func putParameter(name, value string, overwrite bool) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ssm().PutParameter(ctx, &ssm.PutParameterInput{
			Name: aws.String(s.path() + "/" + name), Value: &value, Type: types.ParameterTypeString, Overwrite: &overwrite,
		})
		return err
	}
}

// many makes a number of parameters.
func many(count int) op {
	return func(ctx context.Context, s *scene) error {
		for i := range count {
			if err := putText(fmt.Sprintf("p%02d", i), "x")(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
}

func deleteParameter(name string) op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.ssm().DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: aws.String(s.path() + "/" + name)})
		return err
	}
}

// named expects a parameter's value and version.
func named(name, want string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ssm().GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String(s.path() + "/" + name)})
		if err != nil {
			return err
		}
		if got := fmt.Sprint(*out.Parameter.Value, "/", out.Parameter.Version); got != want || *out.Parameter.ARN != "arn:aws:ssm:"+region+":"+account+":parameter"+*out.Parameter.Name {
			return differs("parameter", got+" "+*out.Parameter.ARN, want)
		}
		return nil
	}
}

// byPath expects the parameters below a path, each as name=value/version, modified within the last hour.
func byPath(below string, recursive bool, want ...string) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.ssm().GetParametersByPath(ctx, &ssm.GetParametersByPathInput{Path: aws.String(s.path() + below), Recursive: &recursive})
		if err != nil {
			return err
		}
		var got []string
		for _, p := range out.Parameters {
			got = append(got, fmt.Sprintf("%s=%s/%d", (*p.Name)[len(s.path())+1:], *p.Value, p.Version))
			if age := time.Since(*p.LastModifiedDate); age.Abs() > time.Hour {
				return differs("age of "+*p.Name, age, "less than an hour")
			}
		}
		return sameSet("parameters", got, want)
	}
}

// pages expects pages with these numbers of parameters, of which the first is full.
func pages(sizes ...int) op {
	return func(ctx context.Context, s *scene) error {
		var got []int
		in := &ssm.GetParametersByPathInput{Path: aws.String(s.path()), MaxResults: aws.Int32(int32(sizes[0]))}
		for {
			out, err := s.ssm().GetParametersByPath(ctx, in)
			if err != nil {
				return err
			}
			got = append(got, len(out.Parameters))
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		return sameList("sizes of pages", got, sizes)
	}
}
