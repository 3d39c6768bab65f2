package cloudwatch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"thaw.dev/thaw/store"
)

type streamRequest struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
}

func (in *streamRequest) check() error {
	if err := checkGroup(in.LogGroupName); err != nil {
		return err
	}
	return checkStream(in.LogStreamName)
}

func (c *call) createLogStream(in *streamRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return nil, c.store.CreateStream(c.ctx, c.account, in.LogGroupName, in.LogStreamName)
}

func (c *call) deleteLogStream(in *streamRequest) (any, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	return nil, c.store.DeleteStream(c.ctx, c.account, in.LogGroupName, in.LogStreamName)
}

type describeLogStreamsRequest struct {
	LogGroupName        string `json:"logGroupName"`
	LogGroupIdentifier  string `json:"logGroupIdentifier"`
	LogStreamNamePrefix string `json:"logStreamNamePrefix"`
	OrderBy             string `json:"orderBy"`
	Descending          bool   `json:"descending"`
	Limit               *int   `json:"limit"`
	NextToken           string `json:"nextToken"`
}

type logStream struct {
	LogStreamName       string `json:"logStreamName"`
	CreationTime        int64  `json:"creationTime"`
	FirstEventTimestamp int64  `json:"firstEventTimestamp,omitempty"`
	LastEventTimestamp  int64  `json:"lastEventTimestamp,omitempty"`
	LastIngestionTime   int64  `json:"lastIngestionTime,omitempty"`
	UploadSequenceToken string `json:"uploadSequenceToken"`
	Arn                 string `json:"arn"`
	StoredBytes         int64  `json:"storedBytes"` // always 0, as on AWS since 2019
}

type describeLogStreamsAnswer struct {
	LogStreams []logStream `json:"logStreams"`
	NextToken  string      `json:"nextToken,omitempty"`
}

// sequenceToken is what old clients get to send along, and nobody looks at.
const sequenceToken = "49039859600000000000000000000000000000000000000000000000"

func (c *call) describeLogStreams(in *describeLogStreamsRequest) (any, error) {
	group, err := c.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	byTime := in.OrderBy == "LastEventTime"
	switch {
	case in.OrderBy != "" && in.OrderBy != "LogStreamName" && !byTime:
		return nil, invalid("1 validation error detected: Value '%.64s' at 'orderBy' failed to satisfy constraint: "+
			"Member must satisfy enum value set: [LogStreamName, LastEventTime]", in.OrderBy)
	case byTime && in.LogStreamNamePrefix != "":
		return nil, invalid("Cannot order by LastEventTime with a logStreamNamePrefix.")
	}
	streams, err := c.store.Streams(c.ctx, c.account, group)
	if err != nil {
		return nil, err
	}
	streams = slices.DeleteFunc(streams, func(s store.LogStream) bool { return !strings.HasPrefix(s.Name, in.LogStreamNamePrefix) })
	key := func(s store.LogStream) string { return s.Name }
	if byTime {
		key = func(s store.LogStream) string { return fmt.Sprintf("%016d %s", millis(s.Last), s.Name) }
	}
	order := func(a, b string) int {
		if in.Descending {
			a, b = b, a
		}
		return cmp.Compare(a, b)
	}
	slices.SortFunc(streams, func(a, b store.LogStream) int { return order(key(a), key(b)) })
	streams, next, err := page(streams, in.Limit, in.NextToken, key, func(s store.LogStream, last string) bool { return order(key(s), last) > 0 })
	if err != nil {
		return nil, err
	}
	answer := describeLogStreamsAnswer{LogStreams: []logStream{}, NextToken: next}
	for _, s := range streams {
		answer.LogStreams = append(answer.LogStreams, logStream{
			LogStreamName: s.Name, CreationTime: millis(s.Created), FirstEventTimestamp: millis(s.First), LastEventTimestamp: millis(s.Last),
			LastIngestionTime: millis(s.Ingested), UploadSequenceToken: sequenceToken, Arn: c.arn(group) + ":log-stream:" + s.Name,
		})
	}
	return answer, nil
}
