package extensions

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"time"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// invokeEvent is what an extension gets to know of an invocation: not its payload.
func invokeEvent(ev *link.EventMeta, id string) *http1.Answer {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	return eventAnswer(struct {
		Type     string  `json:"eventType"`
		Deadline int64   `json:"deadlineMs"`
		Request  string  `json:"requestId"`
		ARN      string  `json:"invokedFunctionArn"`
		Tracing  tracing `json:"tracing"`
	}{link.EventInvoke, ev.DeadlineMS, ev.ID, ev.ARN, tracing{"X-Amzn-Trace-Id", ev.TraceID}}, id)
}

func shutdownEvent(reason link.ShutdownReason, deadline time.Time, id string) *http1.Answer {
	return eventAnswer(struct {
		Type     string `json:"eventType"`
		Deadline int64  `json:"deadlineMs"`
		Reason   string `json:"shutdownReason"`
	}{link.EventShutdown, deadline.UnixMilli(), string(reason)}, id)
}

func eventAnswer(event any, id string) *http1.Answer {
	body, _ := json.Marshal(event) // strings and numbers always encode
	return &http1.Answer{
		Status: 200,
		Fields: []http1.Field{{Name: "Content-Type", Value: "application/json"}, {Name: eventHeader, Value: id}},
		Body:   body,
	}
}

// newEventID names one event for one extension, in the form of a UUID. It only has to differ from the others.
func newEventID(what, extension string) string {
	h := fnv.New128a()
	_, _ = h.Write([]byte(extension + what + strconv.FormatInt(time.Now().UnixNano(), 16))) // never fails
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 36)
	for i, b := range h.Sum(nil) {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			out = append(out, '-')
		}
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}
