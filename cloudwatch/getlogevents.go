package cloudwatch

import "thaw.dev/thaw/store"

type getLogEventsRequest struct {
	LogGroupName       string `json:"logGroupName"`
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	StartTime          *int64 `json:"startTime"`
	EndTime            *int64 `json:"endTime"` // exclusive, unlike FilterLogEvents'
	Limit              *int   `json:"limit"`
	StartFromHead      bool   `json:"startFromHead"`
	NextToken          string `json:"nextToken"`
}

type outputLogEvent struct {
	Timestamp     int64  `json:"timestamp"`
	Message       string `json:"message"`
	IngestionTime int64  `json:"ingestionTime"`
}

type getLogEventsAnswer struct {
	Events            []outputLogEvent `json:"events"`
	NextForwardToken  string           `json:"nextForwardToken"`
	NextBackwardToken string           `json:"nextBackwardToken"`
}

func (c *call) getLogEvents(in *getLogEventsRequest) (any, error) {
	group, err := c.group(in.LogGroupName, in.LogGroupIdentifier)
	if err != nil {
		return nil, err
	}
	if err := checkStream(in.LogStreamName); err != nil {
		return nil, err
	}
	q := store.StreamQuery{Account: c.account, Group: group, Stream: in.LogStreamName, FromHead: in.StartFromHead, Token: in.NextToken}
	if q.Start, q.End, err = span(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	if q.Limit, err = limited(in.Limit, store.MaxLogPageEvents); err != nil {
		return nil, err
	}
	found, err := c.store.Get(c.ctx, q)
	if err != nil {
		return nil, err
	}
	answer := getLogEventsAnswer{Events: []outputLogEvent{}, NextForwardToken: found.Forward, NextBackwardToken: found.Backward}
	for _, e := range found.Events {
		answer.Events = append(answer.Events, outputLogEvent{millis(e.Time), e.Message, millis(e.Ingested)})
	}
	return answer, nil
}
