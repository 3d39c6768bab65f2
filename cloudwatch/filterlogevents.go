package cloudwatch

import (
	"thaw.dev/thaw/logpattern"
	"thaw.dev/thaw/store"
)

// maxStreamNames is how many streams a request may name.
const maxStreamNames = 100

type filterLogEventsRequest struct {
	LogGroupName        string   `json:"logGroupName"`
	LogGroupIdentifier  string   `json:"logGroupIdentifier"`
	LogStreamNames      []string `json:"logStreamNames"`
	LogStreamNamePrefix string   `json:"logStreamNamePrefix"`
	StartTime           *int64   `json:"startTime"`
	EndTime             *int64   `json:"endTime"`
	FilterPattern       string   `json:"filterPattern"`
	Limit               *int     `json:"limit"`
	NextToken           string   `json:"nextToken"`
	Interleaved         *bool    `json:"interleaved"` // they always are, on AWS too since 2019
	StartFromHead       *bool    `json:"startFromHead"`
}

type filteredLogEvent struct {
	LogStreamName string `json:"logStreamName"`
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
	EventID       string `json:"eventId"`
}

type filterLogEventsAnswer struct {
	Events             []filteredLogEvent `json:"events"`
	SearchedLogStreams []struct{}         `json:"searchedLogStreams"` // always empty, as on AWS since 2019
	NextToken          string             `json:"nextToken,omitempty"`
}

func (c *call) filterLogEvents(in *filterLogEventsRequest) (any, error) {
	group, err := c.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	switch {
	case len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != "":
		return nil, invalid("Only one of logStreamNames and logStreamNamePrefix can be specified")
	case len(in.LogStreamNames) > maxStreamNames:
		return nil, invalid("At most %d log streams can be named", maxStreamNames)
	case in.StartFromHead != nil && !*in.StartFromHead:
		return nil, notYet("startFromHead false")
	}
	q := store.LogQuery{
		Account: c.account, Group: group, Streams: in.LogStreamNames, StreamPrefix: in.LogStreamNamePrefix, NextToken: in.NextToken,
	}
	if q.Start, q.End, err = span(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	if q.Limit, err = limited(in.Limit, store.MaxLogPageEvents); err != nil {
		return nil, err
	}
	if q.Pattern, err = pattern(in.FilterPattern); err != nil {
		return nil, err
	}
	found, err := c.store.Filter(c.ctx, q)
	if err != nil {
		return nil, err
	}
	answer := filterLogEventsAnswer{Events: []filteredLogEvent{}, SearchedLogStreams: []struct{}{}, NextToken: found.NextToken}
	for _, e := range found.Events {
		answer.Events = append(answer.Events, filteredLogEvent{e.Stream, millis(e.Time), e.Message, millis(e.Ingested), e.ID})
	}
	return answer, nil
}

func pattern(s string) (logpattern.Pattern, error) {
	p, err := logpattern.Parse(s)
	if err != nil {
		return p, invalid("%s", err)
	}
	return p, nil
}
