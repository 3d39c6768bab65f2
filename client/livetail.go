package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"thaw.dev/thaw/eventstream"
)

// LiveTail gets the events of log groups as they are stored. It is not safe for concurrent use.
type LiveTail struct {
	body io.ReadCloser
	r    *eventstream.Reader
}

// StartLiveTail begins a live tail of up to ten log groups (CloudWatch Logs), by their ARNs or names. It returns when what is
// stored from now on will come. The caller must close it. pattern is as in FilterLogEventsInput.
func (c *Client) StartLiveTail(ctx context.Context, groups []string, pattern string) (*LiveTail, error) {
	body, err := json.Marshal(struct {
		LogGroupIdentifiers   []string `json:"logGroupIdentifiers"`
		LogEventFilterPattern string   `json:"logEventFilterPattern,omitempty"`
	}{groups, pattern})
	if err != nil {
		return nil, err
	}
	resp, err := c.send(ctx, logsCall("StartLiveTail", body))
	if err != nil {
		return nil, err
	}
	t := &LiveTail{resp.Body, eventstream.NewReader(resp.Body)}
	for {
		m, err := t.message()
		if err != nil {
			return nil, errors.Join(err, t.Close())
		}
		if m.Get(eventstream.EventType) == "sessionStart" {
			return t, nil
		}
	}
}

// Next waits for the next events; there may be none: the server sends something at least once a second. Their ID is empty. It
// returns io.EOF when the server ends the tail, after three hours at the latest.
func (t *LiveTail) Next() ([]LogEvent, error) {
	m, err := t.message()
	if err != nil {
		return nil, err
	}
	var update struct {
		SessionResults []struct {
			LogStreamName string `json:"logStreamName"`
			Message       string `json:"message"`
			Timestamp     int64  `json:"timestamp"`
			IngestionTime int64  `json:"ingestionTime"`
		} `json:"sessionResults"`
	}
	if err := json.Unmarshal(m.Payload, &update); err != nil {
		return nil, fmt.Errorf("live tail: %w", err)
	}
	events := make([]LogEvent, 0, len(update.SessionResults))
	for _, e := range update.SessionResults {
		events = append(events, LogEvent{Stream: e.LogStreamName, Time: time.UnixMilli(e.Timestamp), Ingested: time.UnixMilli(e.IngestionTime), Message: e.Message})
	}
	return events, nil
}

// Close ends the tail.
func (t *LiveTail) Close() error { return t.body.Close() }

// message reads one message. An exception is an *Error.
func (t *LiveTail) message() (*eventstream.Message, error) {
	m, err := t.r.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("live tail: %w", err)
	case m.Get(eventstream.MessageType) == "exception":
		return nil, &Error{Code: m.Get(eventstream.ExceptionType), Message: string(m.Payload), Status: http.StatusOK}
	}
	return m, nil
}
