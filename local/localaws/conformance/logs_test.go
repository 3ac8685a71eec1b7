package conformance_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// logCases are the cases on CloudWatch Logs.
func logCases() []testCase {
	return []testCase{
		{name: "lines are found in the order of their time", ops: []op{
			logGroup(), logStream(), logLines("b", "a"), lines("", 0, "b", "a"),
		}},
		{name: "a pattern of terms selects lines that contain all of them", ops: []op{
			logGroup(), logStream(), logLines("the run failed", "the run succeeded"), lines("run failed", 0, "the run failed"),
		}},
		{name: "a quoted phrase is looked for as a whole", ops: []op{
			logGroup(), logStream(), logLines("run failed", "failed run"), lines(`"failed run"`, 0, "failed run"),
		}},
		{name: "a pattern selects JSON lines by a member", moto: "returns all lines for such patterns", ops: []op{
			logGroup(), logStream(), logLines(`{"a":"x"}`, `{"a":"y"}`), lines(`{ $.a = "x" }`, 0, `{"a":"x"}`),
		}},
		{name: "pages have as many lines as are wanted", ops: []op{
			logGroup(), logStream(), logLines("a", "b", "c"), lines("", 2, "a", "b", "c"),
		}},
		{name: "a page has 10,000 lines at most", ops: []op{
			logGroup(), refused("InvalidParameterException", lines("", 10001)),
		}},
		{name: "a group that there is not cannot be searched", ops: []op{refused("ResourceNotFoundException", lines("", 0))}},
		{name: "a group and a stream are made once", ops: []op{
			logGroup(), refused("ResourceAlreadyExistsException", logGroup()), logStream(), refused("ResourceAlreadyExistsException", logStream()),
		}},
		{name: "a stream needs its group, and lines their stream", ops: []op{
			refused("ResourceNotFoundException", logStream()), logGroup(), refused("ResourceNotFoundException", logLines("a")),
		}},
		{name: "groups are listed by prefix", ops: []op{logGroup(), groups(1)}},
		{name: "no group is listed for a prefix of none", ops: []op{groups(0)}},
	}
}

func (s *scene) logs() *cloudwatchlogs.Client { return cloudwatchlogs.NewFromConfig(s.config) }

func logGroup() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.logs().CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &s.name})
		return err
	}
}

func logStream() op {
	return func(ctx context.Context, s *scene) error {
		_, err := s.logs().CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &s.name, LogStreamName: aws.String("stream")})
		return err
	}
}

// logLines adds lines, a millisecond apart.
func logLines(lines ...string) op {
	return func(ctx context.Context, s *scene) error {
		in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: &s.name, LogStreamName: aws.String("stream")}
		for i, line := range lines {
			in.LogEvents = append(in.LogEvents, types.InputLogEvent{Message: &line, Timestamp: aws.Int64(time.Now().UnixMilli() - 1000 + int64(i))})
		}
		_, err := s.logs().PutLogEvents(ctx, in)
		return err
	}
}

// lines expects these lines for a pattern, in pages of a number of lines; 0 is the default.
func lines(pattern string, limit int32, want ...string) op {
	return func(ctx context.Context, s *scene) error {
		in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &s.name}
		if pattern != "" {
			in.FilterPattern = &pattern
		}
		if limit > 0 {
			in.Limit = &limit
		}
		var got []string
		for pages := cloudwatchlogs.NewFilterLogEventsPaginator(s.logs(), in); pages.HasMorePages(); {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, e := range page.Events {
				got = append(got, *e.Message)
			}
		}
		if !slices.Equal(got, want) {
			return differs("lines", strings.Join(got, " | "), strings.Join(want, " | "))
		}
		return nil
	}
}

// groups expects a number of groups that begin with the scene's name.
func groups(want int) op {
	return func(ctx context.Context, s *scene) error {
		out, err := s.logs().DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &s.name})
		if err == nil && len(out.LogGroups) != want {
			err = differs("groups", len(out.LogGroups), want)
		}
		return err
	}
}
