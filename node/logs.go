package node

import (
	"context"
	"time"

	"thaw.dev/thaw/cloudwatch"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/store"
)

// openLog opens the log of a new environment; its lines go to the store.
func openLog(to *store.Logs, fn *lambda.Config) *logs.Stream {
	owner := ""
	if fn.LogGroup != lambda.DefaultLogGroup(fn.Name) {
		owner = fn.Name
	}
	group, name := fn.LogGroup, logs.StreamName(owner, fn.Version, time.Now())
	return logs.NewStream(group, name, lambda.LogTailBytes, func(events []logs.Event) {
		out := make([]store.LogEvent, len(events))
		for i, e := range events {
			out[i] = store.LogEvent{Time: e.Time, Message: e.Message}
		}
		to.Append(fn.Account, group, name, out)
	})
}

// cloudWatchLogs gives package cloudwatch to the gateway.
type cloudWatchLogs struct{ *cloudwatch.Logs }

// StartLiveTail returns the live tail as the gateway's interface.
func (l cloudWatchLogs) StartLiveTail(ctx context.Context, account string, body []byte) (gateway.Tail, error) {
	tail, err := l.Logs.StartLiveTail(ctx, account, body)
	if err != nil {
		return nil, err
	}
	return tail, nil
}
