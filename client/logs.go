package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// FilterLogEventsInput selects log events. Zero members do not restrict.
type FilterLogEventsInput struct {
	LogGroupName        string    // e.g. "/aws/lambda/NAME"
	LogStreamNames      []string  // not together with LogStreamNamePrefix
	LogStreamNamePrefix string    //
	Start, End          time.Time // both inclusive, to the millisecond
	FilterPattern       string    // words that must all occur, "quoted phrases", ?any, -none
	Limit               int       // events in the page, up to 10,000
	NextToken           string    // of the page before
}

// FilterLogEventsOutput is a page of log events. A page may be empty and still have a NextToken.
type FilterLogEventsOutput struct {
	Events    []LogEvent
	NextToken string // "" after the last page
}

// LogEvent is one record of a log.
type LogEvent struct {
	ID       string // unique within the group
	Stream   string
	Time     time.Time
	Ingested time.Time
	Message  string
}

// FilterLogEvents returns a page of a log group's events (CloudWatch Logs).
func (c *Client) FilterLogEvents(ctx context.Context, in FilterLogEventsInput) (FilterLogEventsOutput, error) {
	request := struct {
		LogGroupName        string   `json:"logGroupName"`
		LogStreamNames      []string `json:"logStreamNames,omitempty"`
		LogStreamNamePrefix string   `json:"logStreamNamePrefix,omitempty"`
		StartTime           *int64   `json:"startTime,omitempty"`
		EndTime             *int64   `json:"endTime,omitempty"`
		FilterPattern       string   `json:"filterPattern,omitempty"`
		Limit               int      `json:"limit,omitempty"`
		NextToken           string   `json:"nextToken,omitempty"`
	}{
		in.LogGroupName, in.LogStreamNames, in.LogStreamNamePrefix, millis(in.Start), millis(in.End),
		in.FilterPattern, in.Limit, in.NextToken,
	}
	var answer struct {
		Events []struct {
			EventID       string `json:"eventId"`
			LogStreamName string `json:"logStreamName"`
			Timestamp     int64  `json:"timestamp"`
			IngestionTime int64  `json:"ingestionTime"`
			Message       string `json:"message"`
		} `json:"events"`
		NextToken string `json:"nextToken"`
	}
	if err := c.doLogs(ctx, "FilterLogEvents", request, &answer); err != nil {
		return FilterLogEventsOutput{}, err
	}
	out := FilterLogEventsOutput{NextToken: answer.NextToken}
	for _, e := range answer.Events {
		out.Events = append(out.Events, LogEvent{
			e.EventID, e.LogStreamName, time.UnixMilli(e.Timestamp), time.UnixMilli(e.IngestionTime), e.Message,
		})
	}
	return out, nil
}

func millis(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	ms := t.UnixMilli()
	return &ms
}

// doLogs sends a call of CloudWatch Logs.
func (c *Client) doLogs(ctx context.Context, operation string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if _, body, err = c.do(ctx, logsCall(operation, body)); err != nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("answer of %s: %w", operation, err)
	}
	return nil
}

func logsCall(operation string, body []byte) call {
	return call{
		service: "logs", method: http.MethodPost, path: "/", body: body,
		header: []header{
			{"Content-Type", "application/x-amz-json-1.1"},
			{"X-Amz-Target", "Logs_20140328." + operation},
		},
	}
}
