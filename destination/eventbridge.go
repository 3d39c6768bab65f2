package destination

import (
	"context"
	"fmt"
	"time"

	"thaw.dev/thaw/lambda"
)

// Shapes of the request and its answer. Source: Amazon EventBridge API reference, PutEvents.
type (
	putEvents struct{ Entries []busEntry }
	busEntry  struct {
		Time                                     float64
		Source, DetailType, Detail, EventBusName string
		Resources                                []string
	}
	putEventsAnswer struct {
		FailedEntryCount int
		Entries          []struct{ ErrorCode, ErrorMessage string }
	}
)

// toBus puts a record on an EventBridge bus.
func (s *Sender) toBus(ctx context.Context, e Endpoint, t lambda.Target, m *Message) error {
	kind := "Lambda Function Invocation Result - Failure"
	if m.Success {
		kind = "Lambda Function Invocation Result - Success"
	}
	if size := len(m.Body) + len(kind) + len(m.FunctionARN) + len(m.Target); size > maxBusEntry {
		return fmt.Errorf("%d bytes, an event bus takes %d: %w", size, maxBusEntry, ErrTooLarge)
	}
	var answer putEventsAnswer
	err := s.json(ctx, &request{
		endpoint: e, service: "events", region: t.Region,
		header: map[string]string{"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSEvents.PutEvents"},
	}, putEvents{[]busEntry{{
		Time: float64(m.Time.UnixMilli()) / float64(time.Second/time.Millisecond), Source: "lambda", DetailType: kind, Detail: string(m.Body),
		EventBusName: m.Target, Resources: []string{m.FunctionARN, m.Target},
	}}}, &answer)
	switch {
	case err != nil:
		return err
	case answer.FailedEntryCount > 0 && len(answer.Entries) > 0:
		return fmt.Errorf("the service refused the event: %.64q %.256q", answer.Entries[0].ErrorCode, answer.Entries[0].ErrorMessage)
	case answer.FailedEntryCount > 0 || len(answer.Entries) != 1:
		return fmt.Errorf("the service took %d of 1 event", len(answer.Entries)-answer.FailedEntryCount)
	}
	return nil
}
