package node

import (
	"context"
	"errors"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/store"
)

// openLog opens the log of a new environment; its lines go to the store.
func openLog(to *store.Logs, fn *lambda.Config) *logs.Stream {
	group, name := fn.LogGroup, logs.StreamName(fn.Version, time.Now())
	return logs.NewStream(group, name, lambda.LogTailBytes, func(events []logs.Event) {
		out := make([]store.LogEvent, len(events))
		for i, e := range events {
			out[i] = store.LogEvent{Time: e.Time, Message: e.Message}
		}
		to.Append(fn.Account, group, name, out)
	})
}

// logReader answers the gateway's questions from the store.
type logReader struct{ *store.Logs }

func (r logReader) FilterLogEvents(ctx context.Context, account string, q *api.FilterLogEventsRequest) (*api.FilterLogEventsAnswer, error) {
	page, err := r.Filter(ctx, store.LogQuery{
		Account: account, Group: q.LogGroupName, Streams: q.LogStreamNames, StreamPrefix: q.LogStreamNamePrefix,
		Start: unixMilli(q.StartTime), End: unixMilli(q.EndTime), Limit: q.Limit, NextToken: q.NextToken, Pattern: q.FilterPattern,
	})
	switch {
	case errors.Is(err, store.ErrNoLogGroup):
		return nil, lambda.Errorf(lambda.KindNotFound, "The specified log group does not exist.")
	case errors.Is(err, store.ErrBadPattern), errors.Is(err, store.ErrBadToken):
		return nil, lambda.Errorf(lambda.KindInvalid, "%s", err)
	case err != nil:
		return nil, err
	}
	answer := &api.FilterLogEventsAnswer{Events: []api.FilteredLogEvent{}, SearchedLogStreams: []struct{}{}, NextToken: page.NextToken}
	for _, e := range page.Events {
		answer.Events = append(answer.Events, api.FilteredLogEvent{
			LogStreamName: e.Stream, Timestamp: e.Time.UnixMilli(), Message: e.Message,
			IngestionTime: e.Ingested.UnixMilli(), EventID: e.ID,
		})
	}
	return answer, nil
}

func unixMilli(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
