package cloudwatch

import (
	"time"

	"thaw.dev/thaw/store"
)

// Limits of PutLogEvents. Source: CloudWatch Logs API, PutLogEvents.
const (
	maxPutEvents  = 10000
	maxPutBytes   = 1 << 20
	putEventBytes = 26 // that each event counts beyond its text
	maxPutAge     = 14 * 24 * time.Hour
	maxPutFuture  = 2 * time.Hour
	maxPutSpan    = 24 * time.Hour
)

type putLogEventsRequest struct {
	LogGroupName  string `json:"logGroupName"`
	LogStreamName string `json:"logStreamName"`
	LogEvents     []struct {
		Timestamp *int64  `json:"timestamp"`
		Message   *string `json:"message"`
	} `json:"logEvents"`
}

type putLogEventsAnswer struct {
	NextSequenceToken     string    `json:"nextSequenceToken"`
	RejectedLogEventsInfo *rejected `json:"rejectedLogEventsInfo,omitempty"`
}

type rejected struct {
	TooNewLogEventStartIndex *int `json:"tooNewLogEventStartIndex,omitempty"`
	TooOldLogEventEndIndex   *int `json:"tooOldLogEventEndIndex,omitempty"`
	ExpiredLogEventEndIndex  *int `json:"expiredLogEventEndIndex,omitempty"`
}

func (c *call) putLogEvents(in *putLogEventsRequest) (any, error) {
	names := streamRequest{in.LogGroupName, in.LogStreamName}
	if err := names.check(); err != nil {
		return nil, err
	}
	events, err := in.events()
	if err != nil {
		return nil, err
	}
	group, err := c.store.Group(c.ctx, c.account, in.LogGroupName)
	if err != nil {
		return nil, err
	}
	if _, err := c.store.Stream(c.ctx, c.account, in.LogGroupName, in.LogStreamName); err != nil {
		return nil, err
	}
	events, refused := sift(events, group.RetentionDays, time.Now())
	c.store.Append(c.account, in.LogGroupName, in.LogStreamName, events)
	if err := c.store.Flush(c.ctx); err != nil { // who is told that events were taken finds them
		return nil, err
	}
	return putLogEventsAnswer{NextSequenceToken: sequenceToken, RejectedLogEventsInfo: refused}, nil
}

// events checks and returns the request's events.
func (in *putLogEventsRequest) events() ([]store.LogEvent, error) {
	if len(in.LogEvents) == 0 || len(in.LogEvents) > maxPutEvents {
		return nil, invalid("1 validation error detected: Value at 'logEvents' failed to satisfy constraint: "+
			"Member must have length between 1 and %d", maxPutEvents)
	}
	events, bytes := make([]store.LogEvent, len(in.LogEvents)), 0
	for i, e := range in.LogEvents {
		if e.Timestamp == nil || e.Message == nil || *e.Message == "" {
			return nil, invalid("The log event %d has no timestamp or no message", i)
		}
		at, err := moment(e.Timestamp)
		if err != nil {
			return nil, err
		}
		events[i] = store.LogEvent{Time: at, Message: *e.Message}
		bytes += len(*e.Message) + putEventBytes
		if i > 0 && at.Before(events[i-1].Time) {
			return nil, invalid("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	switch {
	case bytes > maxPutBytes:
		return nil, invalid("Upload too large: %d bytes exceeds limit of %d", bytes, maxPutBytes)
	case events[len(events)-1].Time.Sub(events[0].Time) > maxPutSpan:
		return nil, invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return events, nil
}

// sift takes out what is too old or too new, and says where it began and ended; nil if it took nothing.
func sift(events []store.LogEvent, retentionDays int, now time.Time) ([]store.LogEvent, *rejected) {
	var r rejected
	first, end := 0, len(events)
	for i, e := range events {
		switch {
		case e.Time.Before(now.Add(-maxPutAge)):
			r.TooOldLogEventEndIndex, first = new(i+1), i+1
		case retentionDays > 0 && e.Time.Before(now.AddDate(0, 0, -retentionDays)):
			r.ExpiredLogEventEndIndex, first = new(i+1), i+1
		case e.Time.After(now.Add(maxPutFuture)) && end == len(events):
			r.TooNewLogEventStartIndex, end = new(i), i
		}
	}
	if r == (rejected{}) {
		return events, nil
	}
	return events[first:end], &r
}
